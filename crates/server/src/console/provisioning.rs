//! The page "Provisioning": status, Admin Credentials with Test Connection, and settings.

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use tenure_engine::{Check, ConnectionReport, EngineError};
use tenure_plan::{ApplicationConfig, config::Scope};
use tenure_store::{
    Error,
    application::{self, Application},
    job::{self, Job, State as JobState},
    notification,
};

use super::{
    applications::{self, Head},
    credentials::{self, Typed},
    failure::Failure,
    form::{Field, Fields, Form},
    page::{self, Shell},
    status::{self, StatusCard},
    visitor::{Member, Submission},
};
use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/w/{workspace}/apps/{app}/provisioning", get(show))
        .route(
            "/w/{workspace}/apps/{app}/provisioning/credentials",
            post(save_credentials),
        )
        .route("/w/{workspace}/apps/{app}/provisioning/test", post(test))
        .route(
            "/w/{workspace}/apps/{app}/provisioning/settings",
            post(save_settings),
        )
}

#[derive(Template)]
#[template(path = "provisioning.html")]
struct ProvisioningPage {
    shell: Shell,
    head: Head,
    status: StatusCard,
    credentials: Form,
    settings: Form,
    /// Configuration version that the settings form was made from.
    version: i64,
    report: Option<ConnectionReport>,
    /// Whether the server can send mail.
    has_mail: bool,
}

/// The configuration of an application as it is stored.
pub(super) fn config(application: &Application) -> Result<ApplicationConfig, Failure> {
    serde_json::from_str(&application.config).map_err(|error| Failure::Internal(error.to_string()))
}

fn settings_form(config: &ApplicationConfig, job: &Job) -> Form {
    let tick = |on: bool| if on { "on" } else { "" };
    let on = matches!(job.state, JobState::Active | JobState::Quarantined);
    Form::new(vec![
        Field::new("text", "notification_email", "Notification Email")
            .value(config.notification_email.clone().unwrap_or_default())
            .placeholder("ops@example.com, ana@example.com")
            .help("Up to ten addresses. Empty: those of the workspace, under Profile settings, Notifications.")
            .autocomplete("off"),
        Field::new("checkbox", "notify", "Send an email notification when a failure occurs")
            .value(tick(config.notify)),
        Field::choice(
            "radio",
            "scope",
            "Scope",
            &[("assigned", "Sync only assigned users and groups"), ("all", "Sync all users and groups")],
        )
        .value(if config.scope == Scope::All { "all" } else { "assigned" }),
        Field::new("checkbox", "prevent_deletion", "Prevent accidental deletion").value(tick(config.deletion_threshold.is_some())),
        Field::new("number", "deletion_threshold", "Accidental deletion threshold")
            .value(config.deletion_threshold.map_or_else(|| "500".into(), |threshold| threshold.to_string()))
            .help("When one cycle would disable or delete more than this many accounts, it stops and waits for you."),
        Field::new("checkbox", "skip_deletions", "Leave accounts alone that fall out of scope")
            .value(tick(config.skip_out_of_scope_deletions))
            .help("Otherwise people who fall out of scope are disabled at the target."),
        Field::choice("radio", "status", "Provisioning Status", &[("on", "On"), ("off", "Off")])
            .value(if on { "on" } else { "off" }),
    ])
}

/// The whole page with whatever forms are to be shown.
async fn page(
    app: &App,
    member: &Member,
    forms: (Option<Form>, Option<Form>),
    report: Option<ConnectionReport>,
) -> Result<ProvisioningPage, Failure> {
    let (application, job) = applications::load(app, member).await?;
    let settings = match forms.1 {
        Some(form) => form,
        None => settings_form(&config(&application)?, &job),
    };
    Ok(ProvisioningPage {
        shell: member.shell(&format!("Provisioning of {}", application.name), "apps"),
        head: Head::new(member, &application, &job, "provisioning"),
        status: status::card(app, member, &application).await?,
        credentials: forms.0.unwrap_or_else(|| credentials::form(&application)),
        settings,
        version: application.version,
        report,
        has_mail: app.config.mailer.is_some(),
    })
}

async fn show(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    page::show(&page(&app, &member, (None, None), None).await?)
}

async fn store_credentials(
    app: &App,
    member: &Member,
    key: i64,
    typed: Typed,
) -> Result<(), Error> {
    let workspace = member.workspace.id;
    app.store
        .write(member.actor(), move |tx| {
            application::set_authentication(
                tx,
                workspace,
                key,
                &typed.tenant_url,
                &typed.authentication,
                typed.secret.as_deref(),
            )
        })
        .await?;
    Ok(())
}

async fn rejected(
    app: &App,
    member: &Member,
    forms: (Option<Form>, Option<Form>),
) -> Result<Response, Failure> {
    page::show_with(
        StatusCode::UNPROCESSABLE_ENTITY,
        &page(app, member, forms, None).await?,
    )
}

async fn save_credentials(State(app): State<App>, sent: Submission) -> Result<Response, Failure> {
    let Submission { member, fields } = sent;
    let (application, _) = applications::load(&app, &member).await?;
    let form = match credentials::read(&application, &fields) {
        Ok(typed) => match store_credentials(&app, &member, application.key, typed).await {
            Ok(()) => {
                let to = format!(
                    "{}/apps/{}/provisioning?notice=saved",
                    member.root(),
                    application.id
                );
                return Ok(Redirect::to(&to).into_response());
            }
            Err(Error::Invalid(message)) => {
                let mut form = credentials::form(&application);
                form.fill(&fields);
                form.fail("tenant_url", message);
                form
            }
            Err(other) => return Err(other.into()),
        },
        Err(form) => form,
    };
    rejected(&app, &member, (Some(form), None)).await
}

/// Tests what was typed. What works is stored at once, so that a token needs to be pasted only once; what does not
/// work comes back as it was typed.
async fn test(State(app): State<App>, sent: Submission) -> Result<Response, Failure> {
    let Submission { member, fields } = sent;
    let (application, _) = applications::load(&app, &member).await?;
    let typed = match credentials::read(&application, &fields) {
        Ok(typed) => typed,
        Err(form) => return rejected(&app, &member, (Some(form), None)).await,
    };
    let tested = app
        .engine
        .test_authentication(
            member.workspace.id,
            application.key,
            &typed.tenant_url,
            &typed.authentication,
            typed.secret.as_deref(),
        )
        .await;
    let report = match tested {
        Ok(report) => report,
        Err(EngineError::Store(error)) => return Err(error.into()),
        Err(other) => failed_report(&other),
    };
    if report.passed {
        store_credentials(&app, &member, application.key, typed).await?;
        return page::show(&page(&app, &member, (None, None), Some(report)).await?);
    }
    let form = credentials::typed_again(&application, &fields);
    page::show(&page(&app, &member, (Some(form), None), Some(report)).await?)
}

fn failed_report(error: &EngineError) -> ConnectionReport {
    ConnectionReport {
        passed: false,
        summary: error.to_string(),
        checks: Vec::<Check>::new(),
    }
}

/// The settings form applied to a configuration; errors go to the form.
fn apply_settings(config: &mut ApplicationConfig, form: &mut Form, fields: &Fields) {
    config.notify = fields.ticked("notify");
    config.notification_email = match notification::addresses(fields.raw("notification_email")) {
        Ok(addresses) => Some(addresses.join(", ")).filter(|text| !text.is_empty()),
        Err(error) => {
            form.fail("notification_email", error.to_string());
            None
        }
    };
    config.scope = if fields.raw("scope") == "all" {
        Scope::All
    } else {
        Scope::Assigned
    };
    config.skip_out_of_scope_deletions = fields.ticked("skip_deletions");
    config.deletion_threshold = None;
    if fields.ticked("prevent_deletion") {
        match fields.text("deletion_threshold").parse::<u32>() {
            Ok(threshold) if threshold > 0 => config.deletion_threshold = Some(threshold),
            _ => form.fail("deletion_threshold", "Enter a whole number from 1."),
        }
    }
}

async fn save_settings(State(app): State<App>, sent: Submission) -> Result<Response, Failure> {
    let Submission { member, fields } = sent;
    let (application, job) = applications::load(&app, &member).await?;
    let before = config(&application)?;
    let mut after = before.clone();
    let mut form = settings_form(&before, &job);
    form.fill(&fields);
    apply_settings(&mut after, &mut form, &fields);
    let (was_on, on) = (
        matches!(job.state, JobState::Active | JobState::Quarantined),
        fields.raw("status") == "on",
    );
    if on && !was_on {
        if application.tenant_url.is_empty() {
            form.fail(
                "status",
                "Enter the Tenant URL under Admin Credentials first, and test the connection.",
            );
        }
        for problem in tenure_plan::compile(&after).err().unwrap_or_default() {
            form.fail(
                "",
                format!("Mappings, {}: {}", problem.place, problem.message),
            );
        }
    }
    if form.failed() {
        return rejected(&app, &member, (None, Some(form))).await;
    }
    let text =
        serde_json::to_string(&after).map_err(|error| Failure::Internal(error.to_string()))?;
    let version: i64 = fields
        .text("version")
        .parse()
        .map_err(|_| Failure::Changed)?;
    let (workspace, key, name) = (
        member.workspace.id,
        application.key,
        application.name.clone(),
    );
    let changed = before != after;
    app.store
        .write(member.actor(), move |tx| {
            if changed {
                application::update(tx, workspace, key, version, &name, &text)?;
            }
            match (was_on, on) {
                (false, true) => job::start(tx, workspace, key),
                (true, false) => job::stop(tx, workspace, key),
                _ => Ok(()),
            }
        })
        .await?;
    let notice = match (was_on, on) {
        (false, true) => "on",
        (true, false) => "off",
        _ => "saved",
    };
    let to = format!(
        "{}/apps/{}/provisioning?notice={notice}",
        member.root(),
        application.id
    );
    Ok(Redirect::to(&to).into_response())
}
