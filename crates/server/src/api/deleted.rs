//! What was deleted and can still be brought back.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tenure_scim::value::format_time_us;
use tenure_store::{
    Error, Kind, TimeUs, Tx, WorkspaceId,
    resource::{self, Deleted},
    schema,
};

use super::{
    caller::{Caller, Parameters},
    paging::Page,
    problem::Problem,
};
use crate::App;

#[derive(Debug, Deserialize)]
pub(super) struct Paging {
    after: Option<String>,
    limit: Option<u32>,
}

/// The kind that a SCIM endpoint such as `Users` names.
fn kind_at(tx: &mut Tx<'_>, workspace: WorkspaceId, endpoint: &str) -> Result<Kind, Error> {
    schema::types(tx, workspace)?
        .at(endpoint)
        .ok_or_else(|| Error::NotFound("the resource type".into()))
}

fn position(after: &str) -> Option<(TimeUs, i64)> {
    let (time, rid) = after.split_once('-')?;
    Some((time.parse().ok()?, rid.parse().ok()?))
}

/// GET `/deleted/Users`, `/deleted/Groups`, …: the last deleted first.
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(endpoint): Path<String>,
    Parameters(paging): Parameters<Paging>,
) -> Result<Json<Value>, Problem> {
    let page = Page::new(paging.limit);
    let after = paging
        .after
        .map(|after| {
            position(&after).ok_or_else(|| {
                Problem::invalid("`after` is the value of `next` of the page before.")
            })
        })
        .transpose()?;
    let workspace = caller.workspace();
    let found = app
        .store
        .read(move |tx| {
            let kind = kind_at(tx, workspace, &endpoint)?;
            resource::deleted(tx, workspace, kind, after, page.rows())
        })
        .await?;
    Ok(page.answer(found, position_of, shown))
}

fn position_of(last: &Deleted) -> String {
    format!("{}-{}", last.deleted_us, last.stored.rid)
}

fn shown(one: &Deleted) -> Value {
    json!({
        "id": one.stored.id,
        "name": one.stored.label(),
        "deleted": format_time_us(one.deleted_us),
        "created": format_time_us(one.stored.created_us),
    })
}

/// POST `/deleted/{endpoint}/{id}/restore`.
pub(super) async fn restore(
    State(app): State<App>,
    caller: Caller,
    Path((endpoint, id)): Path<(String, String)>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let workspace = caller.workspace();
    let stored = app
        .store
        .write(caller.actor(), move |tx| {
            let kind = kind_at(tx, workspace, &endpoint)?;
            resource::restore(tx, workspace, kind, &id)
        })
        .await?;
    let body = json!({ "id": stored.id, "name": stored.label(), "version": stored.etag() });
    Ok((StatusCode::OK, Json(body)))
}
