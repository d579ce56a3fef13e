//! The SCIM requests of the workspace's clients, and what they do that the standard does not have.

use axum::{
    Json,
    extract::{Path, State},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tenure_scim::{Deviation, value::format_time_us};
use tenure_store::{
    deviation,
    request_log::{self, Entry, RequestQuery},
    token,
};

use super::{
    caller::{Caller, Parameters},
    page,
    paging::{Page, time},
    problem::Problem,
};
use crate::App;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    /// First digit of the status.
    status: Option<u16>,
    method: Option<String>,
    token: Option<String>,
    path: Option<String>,
    text: Option<String>,
    deviation: Option<String>,
    #[serde(default)]
    errors: bool,
    #[serde(default)]
    deviations: bool,
    from: Option<String>,
    until: Option<String>,
    after: Option<String>,
    limit: Option<u32>,
}

fn summary(entry: &Entry) -> Value {
    json!({
        "id": entry.id,
        "at": format_time_us(entry.at_us),
        "requestId": entry.request_id,
        "lost": entry.lost,
        "tokenId": entry.token_id,
        "tokenName": entry.token_name,
        "agent": entry.agent,
        "method": entry.method,
        "path": entry.path,
        "query": entry.query,
        "status": entry.status,
        "scimType": entry.scim_type,
        "detail": entry.detail,
        "deviations": entry.deviations,
        "durationMicroseconds": entry.duration_us,
    })
}

/// GET `/requests`: newest first. `status` is the first digit of the status, `errors` and `deviations` are `true` for
/// requests with such only.
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Parameters(asked): Parameters<Asked>,
) -> Result<Json<Value>, Problem> {
    let page = Page::new(asked.limit);
    let query = RequestQuery {
        from_us: time("from", asked.from.as_ref())?,
        until_us: time("until", asked.until.as_ref())?,
        status_class: asked.status,
        method: asked.method,
        token_id: asked.token,
        path: asked.path,
        text: asked.text,
        deviation: asked.deviation,
        only_errors: asked.errors,
        only_deviations: asked.deviations,
        before: asked.after,
        limit: page.rows(),
    };
    let workspace = caller.workspace();
    let found = app
        .store
        .read(move |tx| request_log::list(tx, workspace, &query))
        .await?;
    Ok(page.answer(found, |last| last.id.clone(), summary))
}

/// GET `/requests/{id}`: with the bodies, as far as they are kept.
pub(super) async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let workspace = caller.workspace();
    let found = app
        .store
        .read(move |tx| request_log::get(tx, workspace, &id))
        .await?;
    let entry = found.ok_or_else(Problem::not_found)?;
    let mut shown = summary(&entry);
    if let Some(shown) = shown.as_object_mut() {
        shown.insert("request".to_owned(), entry.request.into());
        shown.insert("response".to_owned(), entry.response.into());
    }
    Ok(Json(shown))
}

/// GET `/tokens/{token}/deviations`: what its client did in the last 30 days, with counts.
pub(super) async fn deviations(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let workspace = caller.workspace();
    let found = app
        .store
        .read(move |tx| {
            let known = token::list(tx, workspace)?
                .iter()
                .any(|token| token.id == id);
            let habits = deviation::of_token(tx, workspace, &id)?;
            Ok(known.then_some(habits))
        })
        .await?;
    let items = found
        .ok_or_else(Problem::not_found)?
        .iter()
        .map(|habit| {
            json!({
                "code": habit.code,
                "text": Deviation::from_code(&habit.code).map(Deviation::text),
                "week": habit.week,
                "month": habit.month,
                "last": format_time_us(habit.last_us),
                "example": habit.example,
            })
        })
        .collect();
    Ok(page(items, None))
}
