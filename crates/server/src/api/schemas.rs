//! What the workspace adds to the standard schemas.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CONTENT_TYPE, ETAG, IF_MATCH},
    },
    response::{IntoResponse as _, Response},
};
use tenure_scim::schema::Definition;
use tenure_store::schema::{self, Types};

use super::{
    caller::{Body, Caller},
    problem::Problem,
};
use crate::App;

fn answer(types: &Types) -> Response {
    let mut response = types.definition.to_json().to_string().into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", types.version)) {
        headers.insert(ETAG, tag);
    }
    response
}

/// GET `/schema`: extension schemas and resource types of the workspace's own, with a version as ETag.
pub(super) async fn show(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let workspace = caller.workspace();
    let types = app
        .store
        .read(move |tx| schema::types(tx, workspace))
        .await?;
    Ok(answer(&types))
}

/// PUT `/schema`: replaces the definition. With `If-Match`, only the version that it names.
pub(super) async fn replace(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let version = version(&headers)?;
    let definition = Definition::parse(&body.0)?;
    let workspace = caller.workspace();
    let types: Arc<Types> = app
        .store
        .write(caller.actor(), move |tx| {
            schema::set(tx, workspace, &definition, version)
        })
        .await?;
    Ok(answer(&types))
}

fn version(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(header) = headers.get(IF_MATCH) else {
        return Ok(None);
    };
    let text = header.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let tag = text.strip_prefix("W/").unwrap_or(text).trim_matches('"');
    tag.parse().map(Some).map_err(|_| {
        Problem::new(
            StatusCode::PRECONDITION_FAILED,
            "`If-Match` names no version of the schemas.",
        )
    })
}
