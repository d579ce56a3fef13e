//! Applications: the list, the overview of one, and deleting it.

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use tenure_store::{
    Error, Tx, WorkspaceId,
    application::{self, Application},
    assignment, escrow,
    job::{self, Job, State as JobState},
    ledger, run,
};

use super::{
    failure::Failure,
    form::{Field, Form},
    page::{self, Shell},
    settings::ConfirmPage,
    visitor::{Member, Submission},
    words::{self, Badge, Moment},
};
use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/w/{workspace}/apps", get(list))
        .route("/w/{workspace}/apps/{app}", get(overview))
        .route(
            "/w/{workspace}/apps/{app}/delete",
            get(ask_delete).post(delete),
        )
}

/// The application that a path names, by its id only.
pub(super) fn find(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    id: &str,
) -> Result<Application, Error> {
    application::find(tx, workspace, id)?
        .filter(|application| application.id == id)
        .ok_or_else(|| Error::NotFound(format!("Application {id}")))
}

/// The application of a member's request.
pub(super) async fn load(app: &App, member: &Member) -> Result<(Application, Job), Failure> {
    let (workspace, id) = (member.workspace.id, member.param("app"));
    let found = app
        .store
        .read(move |tx| {
            let application = find(tx, workspace, &id)?;
            let job = job::get(tx, workspace, application.key)?;
            Ok((application, job))
        })
        .await?;
    Ok(found)
}

/// Title and tabs of every page of an application.
pub(super) struct Head {
    pub(super) name: String,
    pub(super) root: String,
    pub(super) tab: &'static str,
    pub(super) badge: Badge,
}

impl Head {
    pub(super) fn new(
        member: &Member,
        application: &Application,
        job: &Job,
        tab: &'static str,
    ) -> Self {
        Self {
            name: application.name.clone(),
            root: format!("{}/apps/{}", member.root(), application.id),
            tab,
            badge: words::job_badge(job, !application.tenant_url.is_empty()),
        }
    }

    /// First letters of the name.
    pub(super) fn initials(&self) -> String {
        words::initials(&self.name)
    }
}

/// Host of a URL, for a list.
fn host(url: &str) -> String {
    url::Url::parse(url)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_default()
}

struct Row {
    id: String,
    name: String,
    host: String,
    badge: Badge,
    assigned: String,
    last: Option<(Moment, Badge)>,
    failing: u64,
}

#[derive(Template)]
#[template(path = "apps.html")]
struct ListPage {
    shell: Shell,
    rows: Vec<Row>,
}

fn rows(tx: &mut Tx<'_>, workspace: WorkspaceId) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    for application in application::list(tx, workspace)? {
        let job = job::get(tx, workspace, application.key)?;
        let (users, groups) = assignment::count(tx, workspace, application.key)?;
        let last = run::list(tx, workspace, application.key, 1)?.pop();
        rows.push(Row {
            badge: words::job_badge(&job, !application.tenant_url.is_empty()),
            assigned: format!(
                "{}, {}",
                words::counted(users, "user", "users"),
                words::counted(groups, "group", "groups")
            ),
            last: last.map(|cycle| {
                (
                    words::moment(cycle.started_us),
                    words::cycle_badge(&cycle.status),
                )
            }),
            failing: escrow::count(tx, workspace, application.key)?,
            host: host(&application.tenant_url),
            id: application.id,
            name: application.name,
        });
    }
    // Trouble first; otherwise the order by name stays.
    rows.sort_by_key(|row| row.badge.tone != "bad" && row.failing == 0);
    Ok(rows)
}

async fn list(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let workspace = member.workspace.id;
    let rows = app.store.read(move |tx| rows(tx, workspace)).await?;
    page::show(&ListPage {
        shell: member.shell("Applications", "apps"),
        rows,
    })
}

#[derive(Template)]
#[template(path = "app.html")]
struct OverviewPage {
    shell: Shell,
    head: Head,
    application: Application,
    created: Moment,
    users: String,
    groups: String,
    linked: String,
    connected: bool,
    assigned: bool,
    on: bool,
}

async fn overview(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let (application, job) = load(&app, &member).await?;
    let (workspace, key) = (member.workspace.id, application.key);
    let ((users, groups), (linked_users, linked_groups)) = app
        .store
        .read(move |tx| {
            Ok((
                assignment::count(tx, workspace, key)?,
                ledger::counts(tx, workspace, key)?,
            ))
        })
        .await?;
    page::show(&OverviewPage {
        shell: member.shell(&application.name, "apps"),
        head: Head::new(&member, &application, &job, "overview"),
        created: words::moment(application.created_us),
        users: words::number(users),
        groups: words::number(groups),
        linked: format!(
            "{}, {}",
            words::counted(linked_users, "user", "users"),
            words::counted(linked_groups, "group", "groups")
        ),
        connected: application.has_secret && !application.tenant_url.is_empty(),
        assigned: users + groups > 0,
        on: matches!(job.state, JobState::Active | JobState::Quarantined),
        application,
    })
}

fn delete_page(member: &Member, application: &Application, form: Form) -> ConfirmPage {
    ConfirmPage {
        shell: member.shell("Delete application", "apps"),
        lines: vec![
            format!("{} is removed from this workspace with its assignments, mappings, links and provisioning logs.", application.name),
            "Accounts at the target stay as they are: nobody is disabled or deleted there. This cannot be undone.".into(),
        ],
        form,
        button: "Delete application",
        back: format!("{}/apps/{}", member.root(), application.id),
    }
}

fn name_form() -> Form {
    Form::new(vec![
        Field::new(
            "text",
            "name",
            "Type the name of the application to confirm",
        )
        .autocomplete("off")
        .required(),
    ])
}

async fn ask_delete(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let (application, _) = load(&app, &member).await?;
    page::show(&delete_page(&member, &application, name_form()))
}

async fn delete(State(app): State<App>, sent: Submission) -> Result<Response, Failure> {
    let Submission { member, fields } = sent;
    let (application, _) = load(&app, &member).await?;
    let mut form = name_form();
    form.fill(&fields);
    if fields.text("name") != application.name {
        form.fail("name", format!("Type {} exactly.", application.name));
        return page::show_with(
            StatusCode::UNPROCESSABLE_ENTITY,
            &delete_page(&member, &application, form),
        );
    }
    let (workspace, key) = (member.workspace.id, application.key);
    app.store
        .write(member.actor(), move |tx| {
            application::delete(tx, workspace, key)
        })
        .await?;
    Ok(Redirect::to(&format!("{}/apps?notice=deleted", member.root())).into_response())
}
