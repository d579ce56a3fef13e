//! The provisioning log: what was done to whom at which application.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use serde::Deserialize;
use serde_json::Value;
use tenure_store::{
    Kind, WorkspaceId, application,
    log::{self, LogQuery},
};

use super::{
    caller::{Caller, Parameters},
    paging::{Page, time},
    problem::Problem,
};
use crate::{
    App,
    provisioning_log::{Export, Format, Names, record},
};

/// Statuses and actions that records have.
const STATUSES: [&str; 4] = ["success", "failure", "skipped", "warning"];
const ACTIONS: [&str; 6] = [
    "create",
    "update",
    "disable",
    "delete",
    "stagedDelete",
    "other",
];

/// Filters; a name that is not among them is refused, so that a slip of the pen does not show everything.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Asked {
    /// Name or id.
    application: Option<String>,
    cycle: Option<String>,
    change: Option<String>,
    action: Option<String>,
    status: Option<String>,
    /// `user`, `group`.
    kind: Option<String>,
    /// Id in the directory.
    source: Option<String>,
    /// Id at the target.
    target: Option<String>,
    /// Part of the name, or one of the ids.
    text: Option<String>,
    error_code: Option<String>,
    from: Option<String>,
    #[serde(alias = "until")]
    to: Option<String>,
    after: Option<String>,
    limit: Option<u32>,
    format: Option<String>,
}

fn one_of(name: &str, value: Option<&String>, known: &[&str]) -> Result<(), Problem> {
    match value {
        Some(value) if !known.contains(&value.as_str()) => Err(Problem::invalid(format!(
            "`{name}` is one of {}.",
            known.join(", ")
        ))),
        _ => Ok(()),
    }
}

impl Asked {
    async fn query(self, app: &App, workspace: WorkspaceId) -> Result<LogQuery, Problem> {
        one_of("status", self.status.as_ref(), &STATUSES)?;
        one_of("action", self.action.as_ref(), &ACTIONS)?;
        one_of("kind", self.kind.as_ref(), &["user", "group"])?;
        let application = match self.application {
            None => None,
            Some(name) => {
                let found = app
                    .store
                    .read(move |tx| application::find(tx, workspace, &name))
                    .await?;
                let found =
                    found.ok_or_else(|| Problem::invalid("There is no such application."))?;
                Some(found.key)
            }
        };
        Ok(LogQuery {
            application,
            from_us: time("from", self.from.as_ref())?,
            until_us: time("to", self.to.as_ref())?,
            kind: self.kind.map(|kind| match kind.as_str() {
                "group" => Kind::Group,
                _ => Kind::User,
            }),
            cycle_id: self.cycle,
            change_id: self.change,
            action: self.action,
            status: self.status,
            source_id: self.source,
            target_id: self.target,
            text: self.text,
            error_code: self.error_code,
            before: self.after,
            limit: 0,
        })
    }
}

/// GET `/provisioning-logs`: newest first.
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Parameters(asked): Parameters<Asked>,
) -> Result<Json<Value>, Problem> {
    if asked.format.is_some() {
        return Err(Problem::invalid(
            "Files are at /provisioning-logs/export?format=csv or json.",
        ));
    }
    let workspace = caller.workspace();
    let page = Page::new(asked.limit);
    let query = LogQuery {
        limit: page.rows(),
        ..asked.query(&app, workspace).await?
    };
    let (found, names) = app
        .store
        .read(move |tx| {
            Ok((
                log::list(tx, workspace, &query)?,
                Names::read(tx, workspace)?,
            ))
        })
        .await?;
    Ok(page.answer(found, |last| last.id.clone(), |entry| record(entry, &names)))
}

/// GET `/provisioning-logs/{id}`.
pub(super) async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let workspace = caller.workspace();
    let (found, names) = app
        .store
        .read(move |tx| Ok((log::get(tx, workspace, &id)?, Names::read(tx, workspace)?)))
        .await?;
    let entry = found.ok_or_else(Problem::not_found)?;
    Ok(Json(record(&entry, &names)))
}

/// GET `/provisioning-logs/export?format=csv` or `json`: everything that the filters find, as a file.
pub(super) async fn export(
    State(app): State<App>,
    caller: Caller,
    Parameters(asked): Parameters<Asked>,
) -> Result<Response, Problem> {
    if asked.after.is_some() || asked.limit.is_some() {
        return Err(Problem::invalid(
            "An export has no pages: leave out `after` and `limit`, and narrow it by `from` and `to`.",
        ));
    }
    let format = asked.format.as_deref().and_then(Format::of);
    let format = format.ok_or_else(|| Problem::invalid("`format` is csv or json."))?;
    let workspace = caller.workspace();
    let query = asked.query(&app, workspace).await?;
    let export = Export::begin(app.store.clone(), workspace, format, query).await?;
    Ok(export.into_response())
}
