//! "Notifications": who is told by mail, whether mail works, and what was sent.

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use std::collections::HashMap;
use tenure_store::{
    Error, TimeUs, application,
    notification::{self, Notification},
    setting::{self, Settings},
};

use super::{
    failure::Failure,
    form::{Field, Form},
    page::{self, Shell},
    visitor::{Member, Submission},
    words::{self, Badge, Moment},
};
use crate::App;

/// Rows of the page.
const ROWS: u32 = 50;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(
            "/w/{workspace}/settings/notifications",
            get(show).post(save),
        )
        .route("/w/{workspace}/settings/notifications/test", post(test))
}

/// A notification as a row.
struct Row {
    at: Moment,
    event: &'static str,
    /// Id and name.
    application: (String, String),
    badge: Badge,
    /// When it is tried next, if it waits for something.
    next: Option<Moment>,
    error: String,
}

fn row(one: Notification, applications: &HashMap<i64, (String, String)>, now_us: TimeUs) -> Row {
    let waits = one.state == notification::State::Waiting && one.next_us > now_us;
    Row {
        at: words::moment(one.facts.at_us),
        event: words::event(one.event),
        application: applications
            .get(&one.application)
            .cloned()
            .unwrap_or_default(),
        badge: words::notification_badge(one.state, &one.error),
        next: waits.then(|| words::moment(one.next_us)),
        error: one.error,
    }
}

/// What came of a test mail.
struct Tested {
    tone: &'static str,
    title: String,
    answer: String,
}

#[derive(Template)]
#[template(path = "notifications.html")]
struct NotificationsPage {
    shell: Shell,
    /// Mail server and sender; `None`: mail is not configured.
    mail: Option<(String, String)>,
    form: Form,
    tested: Option<Tested>,
    /// The last error of a notification that waits.
    trouble: Option<String>,
    rows: Vec<Row>,
}

fn form(settings: &Settings) -> Form {
    Form::new(vec![
        Field::new("text", "addresses", "Tell these addresses")
            .value(settings.notification_emails.join(", "))
            .placeholder("ops@example.com, ana@example.com")
            .autocomplete("off")
            .help("Up to ten, for every application that names none of its own and has notifications switched on."),
    ])
}

async fn respond(
    app: &App,
    member: &Member,
    status: StatusCode,
    refused: Option<Form>,
    tested: Option<Tested>,
) -> Result<Response, Failure> {
    let workspace = member.workspace.id;
    let (now_us, settings, notifications, applications) = app
        .store
        .read(move |tx| {
            Ok((
                tx.now_us(),
                setting::get(tx, workspace)?,
                notification::list(tx, workspace, ROWS)?,
                application::list(tx, workspace)?,
            ))
        })
        .await?;
    let applications = applications
        .into_iter()
        .map(|application| (application.key, (application.id, application.name)))
        .collect();
    let mail = app.config.mailer.as_ref();
    let trouble = notifications
        .iter()
        .find(|one| one.state == notification::State::Waiting && !one.error.is_empty())
        .map(|one| one.error.clone());
    let page = NotificationsPage {
        shell: member.shell("Notifications", "settings"),
        mail: mail.map(|mailer| (mailer.server(), mailer.from())),
        form: refused.unwrap_or_else(|| form(&settings)),
        tested,
        trouble,
        rows: notifications
            .into_iter()
            .map(|one| row(one, &applications, now_us))
            .collect(),
    };
    page::show_with(status, &page)
}

async fn show(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    respond(&app, &member, StatusCode::OK, None, None).await
}

async fn save(State(app): State<App>, sent: Submission) -> Result<Response, Failure> {
    let Submission { member, fields } = sent;
    let workspace = member.workspace.id;
    let result = match notification::addresses(fields.raw("addresses")) {
        Ok(addresses) => {
            app.store
                .write(member.actor(), move |tx| {
                    let settings = Settings {
                        notification_emails: addresses.clone(),
                        ..setting::get(tx, workspace)?
                    };
                    setting::set(tx, workspace, &settings)
                })
                .await
        }
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => Ok(Redirect::to(&format!(
            "{}/settings/notifications?notice=saved",
            member.root()
        ))
        .into_response()),
        Err(Error::Invalid(message)) => {
            let mut form = form(&Settings::default());
            form.fill(&fields);
            form.fail("addresses", message);
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            respond(&app, &member, status, Some(form), None).await
        }
        Err(other) => Err(other.into()),
    }
}

/// To whoever presses the button and nobody else: addresses of others are not for trying out.
async fn test(State(app): State<App>, sent: Submission) -> Result<Response, Failure> {
    let member = sent.member;
    let to = member.person.account.email.clone();
    let tested = match &app.config.mailer {
        None => Tested {
            tone: "bad",
            title: "Mail is not configured on this server.".to_owned(),
            answer: String::new(),
        },
        Some(mailer) => match mailer.test(&to, Some(&app.config.public_url)).await {
            Ok(answer) => Tested {
                tone: "ok",
                title: format!("The mail server has taken a test mail to {to}."),
                answer,
            },
            Err(error) => Tested {
                tone: "bad",
                title: format!("The test mail to {to} was not sent."),
                answer: error.to_string(),
            },
        },
    };
    respond(&app, &member, StatusCode::OK, None, Some(tested)).await
}
