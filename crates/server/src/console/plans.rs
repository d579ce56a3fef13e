//! Plans: what a cycle would do, shown person by person, and carried out as shown. Undo makes such a plan too.

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use std::time::Duration;
use tenure_engine::{EngineError, Left, UndoWish};
use tenure_plan::{Action, ApplicationConfig, Operation};
use tenure_store::{
    Error,
    application::{self, Application},
    job::State as JobState,
    run::{self, Basis, Cycle, CycleKind},
};

use super::{
    applications::{self, Head},
    failure::Failure,
    form::{Field, Form},
    logs::ChangeRow,
    mappings,
    page::{self, Shell},
    settings::ConfirmPage,
    status::{CycleView, view},
    visitor::{Member, Submission},
    words,
};
use crate::{App, layer::observe};

/// Operations of a page.
const OPERATIONS: u32 = 50;
/// How long a page waits for a plan; a longer one goes on without it.
const WAIT: Duration = Duration::from_secs(3);
/// How long a running cycle is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn routes() -> Router<App> {
    let plan = "/w/{workspace}/apps/{app}/provisioning/plans/{cycle}";
    Router::new()
        .route("/w/{workspace}/apps/{app}/provisioning/plan", post(make))
        .route("/w/{workspace}/apps/{app}/provisioning/drift", post(drift))
        .route(
            "/w/{workspace}/apps/{app}/provisioning/mappings/preview",
            post(preview),
        )
        .route(plan, get(show))
        .route(&format!("{plan}/save"), post(save))
        .route(&format!("{plan}/apply"), get(ask_apply).post(apply))
        .route(
            "/w/{workspace}/apps/{app}/provisioning/cycles/{cycle}/undo",
            get(ask_undo).post(undo),
        )
}

fn root(member: &Member, application: &Application) -> String {
    format!("{}/apps/{}/provisioning", member.root(), application.id)
}

/// Plans with the saved configuration.
async fn make(State(app): State<App>, sent: Submission) -> Result<Response, Failure> {
    let (application, _) = applications::load(&app, &sent.member).await?;
    planned(&app, &sent.member, &application, None).await
}

/// Plans with the configuration in the editor, which is not saved.
async fn preview(State(app): State<App>, sent: Submission) -> Result<Response, Failure> {
    let Submission { member, fields } = sent;
    let (application, job) = applications::load(&app, &member).await?;
    match mappings::checked(&member, &application, &job, &fields)? {
        Ok(config) => planned(&app, &member, &application, Some(text(&config)?)).await,
        Err(page) => page::show_with(StatusCode::UNPROCESSABLE_ENTITY, &*page),
    }
}

fn text(config: &ApplicationConfig) -> Result<String, Failure> {
    serde_json::to_string(config).map_err(|error| Failure::Internal(error.to_string()))
}

async fn planned(
    app: &App,
    member: &Member,
    application: &Application,
    draft: Option<String>,
) -> Result<Response, Failure> {
    let (engine, workspace, key) = (app.engine.clone(), member.workspace.id, application.key);
    let planning =
        observe::spawn(async move { engine.preview(workspace, key, draft, PATIENCE).await });
    shown(member, application, planning).await
}

/// Reads the whole target.
async fn drift(State(app): State<App>, sent: Submission) -> Result<Response, Failure> {
    let member = sent.member;
    let (application, _) = applications::load(&app, &member).await?;
    let (engine, workspace, key) = (app.engine.clone(), member.workspace.id, application.key);
    let looking = observe::spawn(async move { engine.drift(workspace, key, PATIENCE).await });
    shown(&member, &application, looking).await
}

/// Goes to the plan when it is there in time, otherwise to the list where it will appear.
async fn shown(
    member: &Member,
    application: &Application,
    planning: tokio::task::JoinHandle<Result<Cycle, EngineError>>,
) -> Result<Response, Failure> {
    let root = root(member, application);
    let to = match tokio::time::timeout(WAIT, planning).await {
        Ok(Ok(Ok(cycle))) => format!("{root}/plans/{}", cycle.id),
        Ok(Ok(Err(EngineError::Store(error)))) => return Err(error.into()),
        Ok(Ok(Err(other))) => return refused(member, "No plan", &other, root),
        Ok(Err(error)) => return Err(Failure::Internal(error.to_string())),
        Err(_) => format!("{root}/cycles?notice=planning"),
    };
    Ok(Redirect::to(&to).into_response())
}

/// Why the engine did not do it.
fn refused(
    member: &Member,
    title: &str,
    error: &EngineError,
    back: String,
) -> Result<Response, Failure> {
    page::show_with(
        StatusCode::CONFLICT,
        &RefusedPage {
            shell: member.shell(title, "apps"),
            reason: error.to_string(),
            left: Vec::new(),
            plan: String::new(),
            back,
        },
    )
}

/// What was not done, or cannot be undone.
#[derive(Template)]
#[template(path = "plan_message.html")]
struct RefusedPage {
    shell: Shell,
    reason: String,
    left: Vec<Left>,
    /// Link of the plan that was made.
    plan: String,
    back: String,
}

/// An operation as it is shown.
struct Row {
    name: String,
    kind: &'static str,
    action: &'static str,
    reason: String,
    added: usize,
    removed: usize,
    changes: Vec<ChangeRow>,
}

impl From<Operation> for Row {
    fn from(operation: Operation) -> Self {
        Self {
            action: match operation.action {
                Action::Create => "Create",
                Action::Update => "Update",
                Action::Members => "Update members",
                Action::Disable => "Disable",
                Action::Delete => "Delete",
            },
            kind: operation.kind.resource_type(),
            added: operation.add_members.len(),
            removed: operation.remove_members.len(),
            changes: operation.changes.iter().map(ChangeRow::from).collect(),
            name: operation.display_name,
            reason: operation.reason,
        }
    }
}

#[derive(Template)]
#[template(path = "plan.html")]
struct PlanPage {
    shell: Shell,
    head: Head,
    cycle: CycleView,
    rows: Vec<Row>,
    next: Option<i64>,
    first_page: bool,
    /// The cycle that this takes back.
    undoes: Option<String>,
    applied_by: Option<String>,
    /// Planned with a configuration that is not the saved one.
    unsaved: bool,
    on: bool,
    /// Made by reading the whole target.
    is_drift: bool,
}

struct Plan {
    cycle: Cycle,
    basis: Basis,
    applied_by: Option<String>,
}

async fn load(app: &App, member: &Member, application: &Application) -> Result<Plan, Failure> {
    let (workspace, key, id) = (member.workspace.id, application.key, member.param("cycle"));
    let plan = app
        .store
        .read(move |tx| {
            let cycle = run::of_application(tx, workspace, key, &id)?;
            let basis = run::basis(tx, workspace, key, &id)?;
            let applied_by = run::applied_by(tx, workspace, &id)?;
            cycle
                .zip(basis)
                .map(|(cycle, basis)| Plan {
                    cycle,
                    basis,
                    applied_by,
                })
                .ok_or_else(|| Error::NotFound(format!("plan {id}")))
        })
        .await?;
    Ok(plan)
}

/// Whether the plan's configuration is another than the saved one.
fn is_unsaved(plan: &Plan, application: &Application) -> bool {
    let config = |text: &str| serde_json::from_str::<ApplicationConfig>(text).ok();
    plan.basis.undoes.is_none() && config(&plan.basis.config) != config(&application.config)
}

async fn show(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let (application, job) = applications::load(&app, &member).await?;
    let plan = load(&app, &member, &application).await?;
    let after: i64 = member.query("after").parse().unwrap_or(0);
    let (workspace, id) = (member.workspace.id, plan.cycle.id.clone());
    let (now_us, stored) = app
        .store
        .read(move |tx| {
            let stored = run::operations(tx, workspace, &id, after, OPERATIONS + 1)?;
            Ok((tx.now_us(), stored))
        })
        .await?;
    let limit = usize::try_from(OPERATIONS).unwrap_or(usize::MAX);
    let next = (stored.len() > limit)
        .then(|| stored.get(limit - 1).map(|last| last.id))
        .flatten();
    let rows = stored
        .iter()
        .take(limit)
        .map(|one| {
            serde_json::from_str::<Operation>(&one.body)
                .map(Row::from)
                .map_err(|error| Failure::Internal(error.to_string()))
        })
        .collect::<Result<_, _>>()?;
    page::show(&PlanPage {
        shell: member.shell(&format!("Plan for {}", application.name), "apps"),
        head: Head::new(&member, &application, &job, "cycles"),
        is_drift: plan.cycle.kind == CycleKind::Drift,
        unsaved: is_unsaved(&plan, &application),
        cycle: view(plan.cycle, now_us),
        rows,
        next,
        first_page: after == 0,
        undoes: plan.basis.undoes,
        applied_by: plan.applied_by,
        on: matches!(job.state, JobState::Active | JobState::Quarantined),
    })
}

/// Saves the configuration that the plan was made with.
async fn save(State(app): State<App>, sent: Submission) -> Result<Response, Failure> {
    let member = sent.member;
    let (application, _) = applications::load(&app, &member).await?;
    let plan = load(&app, &member, &application).await?;
    let (workspace, config, id) = (member.workspace.id, plan.basis.config, plan.cycle.id);
    let to = format!("{}/plans/{id}?notice=mappings", root(&member, &application));
    app.store
        .write(member.actor(), move |tx| {
            application::update(
                tx,
                workspace,
                application.key,
                application.version,
                &application.name,
                &config,
            )
        })
        .await?;
    Ok(Redirect::to(&to).into_response())
}

async fn ask_apply(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let (application, _) = applications::load(&app, &member).await?;
    let plan = load(&app, &member, &application).await?;
    let counts = plan.cycle.counts;
    page::show(&ConfirmPage {
        shell: member.shell("Apply this plan", "apps"),
        lines: vec![
            format!(
                "{}: {} to create, {} to update, {} to disable, {} to delete.",
                application.name, counts.created, counts.updated, counts.disabled, counts.deleted
            ),
            "Exactly this is done. Whoever changed since the plan was made is left alone, and the provisioning log says so.".to_owned(),
        ],
        form: Form::new(Vec::new()),
        button: "Apply this plan",
        back: format!("{}/plans/{}", root(&member, &application), plan.cycle.id),
    })
}

async fn apply(State(app): State<App>, sent: Submission) -> Result<Response, Failure> {
    let member = sent.member;
    let (application, _) = applications::load(&app, &member).await?;
    let (engine, actor) = (app.engine.clone(), member.actor());
    let (workspace, key, id) = (member.workspace.id, application.key, member.param("cycle"));
    // In a task of its own: it must not end when the browser goes away.
    let applying =
        observe::spawn(async move { engine.apply(actor, workspace, key, &id, PATIENCE).await });
    let root = root(&member, &application);
    match tokio::time::timeout(WAIT, applying).await {
        Ok(Ok(Err(EngineError::Store(Error::Conflict(_))))) => Err(Failure::Changed),
        Ok(Ok(Err(EngineError::Store(error)))) => Err(error.into()),
        Ok(Ok(Err(other))) => refused(
            &member,
            "The plan was not applied",
            &other,
            format!("{root}/plans/{}", member.param("cycle")),
        ),
        Ok(Err(error)) => Err(Failure::Internal(error.to_string())),
        Ok(Ok(Ok(_))) | Err(_) => {
            Ok(Redirect::to(&format!("{root}/cycles?notice=applied")).into_response())
        }
    }
}

fn undo_form() -> Form {
    Form::new(vec![
        Field::new("text", "attribute", "Only this target attribute")
            .placeholder("displayName")
            .help("Leave it empty to take back everything that can be taken back."),
        Field::new(
            "checkbox",
            "delete_created",
            "Delete what the cycle created",
        )
        .help("Otherwise created accounts and groups stay."),
    ])
}

async fn ask_undo(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let (application, _) = applications::load(&app, &member).await?;
    let (workspace, key, id) = (member.workspace.id, application.key, member.param("cycle"));
    let cycle = app
        .store
        .read(move |tx| {
            run::of_application(tx, workspace, key, &id)?
                .filter(|cycle| !cycle.kind.is_plan())
                .ok_or_else(|| Error::NotFound(format!("cycle {id}")))
        })
        .await?;
    page::show(&ConfirmPage {
        shell: member.shell("Undo a cycle", "apps"),
        lines: vec![
            format!(
                "A plan is made that takes back what the cycle of {} did. Nothing is sent before you apply it.",
                words::moment(cycle.started_us)
            ),
            "Deleted accounts do not come back: the person gets a new account when restored or assigned again. What was changed again since stays as it is.".to_owned(),
        ],
        form: undo_form(),
        button: "Plan the undo",
        back: format!("{}/cycles", root(&member, &application)),
    })
}

async fn undo(State(app): State<App>, sent: Submission) -> Result<Response, Failure> {
    let Submission { member, fields } = sent;
    let (application, _) = applications::load(&app, &member).await?;
    let wish = UndoWish {
        only: None,
        attribute: Some(fields.text("attribute")).filter(|name| !name.is_empty()),
        delete_created: fields.ticked("delete_created"),
    };
    let root = root(&member, &application);
    let made = app
        .engine
        .plan_undo(
            member.workspace.id,
            application.key,
            &member.param("cycle"),
            &wish,
            Duration::from_secs(5),
        )
        .await;
    match made {
        Ok(made) if made.left.is_empty() => {
            Ok(Redirect::to(&format!("{root}/plans/{}", made.cycle.id)).into_response())
        }
        Ok(made) => page::show(&RefusedPage {
            shell: member.shell("Undo a cycle", "apps"),
            reason: format!(
                "{} operations of the cycle cannot be taken back. The others are in the plan.",
                made.left_count
            ),
            left: made.left,
            plan: format!("{root}/plans/{}", made.cycle.id),
            back: format!("{root}/cycles"),
        }),
        Err(EngineError::Store(error)) => Err(error.into()),
        Err(other) => refused(&member, "Undo a cycle", &other, format!("{root}/cycles")),
    }
}
