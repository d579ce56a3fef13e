//! "Users and groups": who is given an application.

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use tenure_store::{Error, Kind, Tx, WorkspaceId, assignment, resource};

use super::{
    applications::{self, Head},
    directory::{self, ResourceRow},
    failure::Failure,
    page::{self, Shell},
    visitor::{Member, Submission},
    words::{self, Moment},
};
use crate::App;

/// Rows of a page.
const PAGE: u32 = 50;
/// Most hits of a search per kind.
pub(super) const HITS: u32 = 10;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/w/{workspace}/apps/{app}/assignments", get(list).post(add))
        .route("/w/{workspace}/apps/{app}/assignments/remove", post(remove))
}

#[derive(Template)]
#[template(path = "assignments.html")]
struct AssignmentsPage {
    shell: Shell,
    head: Head,
    q: String,
    hits: Vec<ResourceRow>,
    rows: Vec<(ResourceRow, Moment)>,
    users: String,
    groups: String,
    next: Option<i64>,
    first_page: bool,
}

/// Users and groups that fit a search, users first.
pub(super) fn search(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    text: &str,
) -> Result<Vec<ResourceRow>, Error> {
    let mut hits = Vec::new();
    for kind in [Kind::User, Kind::Group] {
        let found = resource::search(tx, workspace, kind, text, None, HITS)?;
        hits.extend(found.iter().map(directory::row));
    }
    Ok(hits)
}

async fn list(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let (application, job) = applications::load(&app, &member).await?;
    let (workspace, key, q) = (member.workspace.id, application.key, member.query("q"));
    let after: i64 = member.query("after").parse().unwrap_or(0);
    let asked = q.clone();
    let (mut found, (users, groups), hits) = app
        .store
        .read(move |tx| {
            let hits = if asked.is_empty() {
                Vec::new()
            } else {
                search(tx, workspace, &asked)?
            };
            let found = assignment::list(tx, workspace, key, after, PAGE + 1)?;
            Ok((found, assignment::count(tx, workspace, key)?, hits))
        })
        .await?;
    let more = found.len() > PAGE as usize;
    found.truncate(PAGE as usize);
    let next = found
        .last()
        .filter(|_| more)
        .map(|assignment| assignment.resource.rid);
    let rows = found
        .iter()
        .map(|assignment| {
            (
                directory::row(&assignment.resource),
                words::moment(assignment.created_us),
            )
        })
        .collect();
    page::show(&AssignmentsPage {
        shell: member.shell(&format!("Users and groups of {}", application.name), "apps"),
        head: Head::new(&member, &application, &job, "assignments"),
        q,
        hits,
        rows,
        users: words::counted(users, "user", "users"),
        groups: words::counted(groups, "group", "groups"),
        next,
        first_page: after == 0,
    })
}

/// A kind by its word; anything else is not from our page.
pub(super) fn kind_word(word: &str) -> Result<Kind, Failure> {
    match word {
        "User" => Ok(Kind::User),
        "Group" => Ok(Kind::Group),
        _ => Err(Failure::NotFound),
    }
}

/// Assigns or takes away, in one transaction with the look-up.
async fn change(app: &App, sent: Submission, give: bool) -> Result<Response, Failure> {
    let Submission { member, fields } = sent;
    let (workspace, app_id) = (member.workspace.id, member.param("app"));
    let (kind, id) = (kind_word(fields.raw("kind"))?, fields.text("id"));
    app.store
        .write(member.actor(), move |tx| {
            let application = applications::find(tx, workspace, &app_id)?;
            let missing = || Error::NotFound(format!("{} {id}", words::kind(kind)));
            let resource = resource::get(tx, workspace, kind, &id)?.ok_or_else(missing)?;
            if give {
                assignment::add(tx, workspace, application.key, resource.rid)
            } else {
                assignment::remove(tx, workspace, application.key, resource.rid)
            }
        })
        .await?;
    let notice = if give { "assigned" } else { "unassigned" };
    let to = format!(
        "{}/apps/{}/assignments?notice={notice}",
        member.root(),
        member.param("app")
    );
    Ok(Redirect::to(&to).into_response())
}

async fn add(State(app): State<App>, sent: Submission) -> Result<Response, Failure> {
    change(&app, sent, true).await
}

async fn remove(State(app): State<App>, sent: Submission) -> Result<Response, Failure> {
    change(&app, sent, false).await
}
