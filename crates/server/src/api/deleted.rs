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
    page,
    problem::Problem,
};
use crate::App;

/// Rows of a page when the caller does not say, and at most.
const PAGE: u32 = 100;
const PAGE_MAX: u32 = 1000;

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
    let limit = paging.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
    let after = paging
        .after
        .map(|after| {
            position(&after).ok_or_else(|| {
                Problem::invalid("`after` is the value of `next` of the page before.")
            })
        })
        .transpose()?;
    let workspace = caller.workspace();
    let mut found: Vec<Deleted> = app
        .store
        .read(move |tx| {
            let kind = kind_at(tx, workspace, &endpoint)?;
            resource::deleted(tx, workspace, kind, after, limit + 1)
        })
        .await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found
        .last()
        .filter(|_| more)
        .map(|last| format!("{}-{}", last.deleted_us, last.stored.rid));
    let items = found
        .iter()
        .map(|one| {
            json!({
                "id": one.stored.id,
                "name": one.stored.label(),
                "deleted": format_time_us(one.deleted_us),
                "created": format_time_us(one.stored.created_us),
            })
        })
        .collect();
    Ok(page(items, next))
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
