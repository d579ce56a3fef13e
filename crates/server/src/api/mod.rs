//! The management API under `/api/v1`: what the console can do for a workspace, as JSON, with an API token.
//!
//! Errors are problem details (RFC 9457). Times are texts in UTC. Lists have `items` and, when there is more, `next`:
//! the value for the parameter `after` of the next request.

mod caller;
mod deleted;
mod logs;
mod paging;
mod problem;
mod requests;
mod schemas;
mod settings;
#[cfg(test)]
mod tests;
mod tokens;
mod why;

use axum::{
    Json, Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    middleware::from_fn,
    routing::{get, post},
};

use serde_json::{Map, Value};

use crate::{App, limits, metrics::note_matched};
use problem::Problem;

/// Answers every path under `/api`.
pub(crate) fn service(app: App) -> Router {
    let version = Router::new()
        .route("/settings", get(settings::show).put(settings::replace))
        .route("/schema", get(schemas::show).put(schemas::replace))
        .route("/tokens", get(tokens::list))
        .route("/tokens/{token}", get(tokens::show))
        .route(
            "/tokens/{token}/options",
            get(tokens::options).put(tokens::set_options),
        )
        .route("/tokens/{token}/deviations", get(requests::deviations))
        .route("/requests", get(requests::list))
        .route("/requests/{id}", get(requests::show))
        .route("/provisioning-logs", get(logs::list))
        .route("/provisioning-logs/export", get(logs::export))
        .route("/provisioning-logs/{id}", get(logs::show))
        .route("/applications/{application}/why", get(why::show))
        .route("/deleted/{endpoint}", get(deleted::list))
        .route("/deleted/{endpoint}/{id}/restore", post(deleted::restore));
    Router::new()
        .nest("/api/v1", version)
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "This path does not support the method; see the header `Allow`.",
            )
        })
        .route_layer(from_fn(note_matched))
        .layer(DefaultBodyLimit::max(limits::API_BODY_BYTES))
        .with_state(app)
}

/// A whole list, or a page of one: its items and, when there is more, where the next page begins.
fn page(items: Vec<Value>, next: Option<String>) -> Json<Value> {
    let next = next.map_or(Value::Null, Value::String);
    Json(Value::Object(Map::from_iter([
        ("items".to_owned(), Value::Array(items)),
        ("next".to_owned(), next),
    ])))
}

/// A 500 for a panic, as every other error.
pub(crate) fn failed() -> axum::response::Response {
    use axum::response::IntoResponse as _;
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "The server failed on this request.",
    )
    .into_response()
}
