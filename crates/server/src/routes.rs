//! The one table of routes, and the order of the layers around them.

use std::any::Any;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::StatusCode,
    middleware::from_fn,
    response::{IntoResponse as _, Response},
    routing::get,
};
use tenure_scim::ScimError;
use tower::ServiceExt as _;
use tower_http::{catch_panic::CatchPanicLayer, limit::RequestBodyLimitLayer};

use crate::{App, console, layer, limits, ops, scim};

/// All routes. SCIM paths are told apart before routing, because identity providers put slashes and versions where
/// no route table expects them.
pub(crate) fn router(app: App) -> Router {
    let https = app.config.public_url.starts_with("https://");
    let scim = Router::new()
        .fallback_service(scim::service(app.clone()))
        .layer(CatchPanicLayer::custom(scim_panic));
    let pages = Router::new()
        .route("/healthz", get(ops::healthz))
        .route("/readyz", get(ops::readyz))
        .merge(console::router())
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(limits::FORM_BODY_BYTES))
        .layer(CatchPanicLayer::custom(page_panic))
        .with_state(app);
    let split = move |request: Request| {
        let target = if is_scim(request.uri().path()) {
            scim.clone()
        } else {
            pages.clone()
        };
        target.oneshot(request)
    };
    Router::new()
        .fallback(split)
        .layer(from_fn(layer::timeout::limit))
        .layer(axum::middleware::from_fn_with_state(
            https,
            layer::headers::secure,
        ))
        .layer(from_fn(layer::observe::observe))
}

/// Whether a path belongs to the SCIM API.
pub(crate) fn is_scim(path: &str) -> bool {
    path.split('/').find(|segment| !segment.is_empty()) == Some("scim")
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature is given by the layer"
)]
fn scim_panic(_panic: Box<dyn Any + Send>) -> Response {
    scim::error_response(&ScimError::status(
        500,
        "The server failed on this request.",
    ))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature is given by the layer"
)]
fn page_panic(_panic: Box<dyn Any + Send>) -> Response {
    (
        StatusCode::INTERNAL_SERVER_ERROR,
        "The server failed on this request.\n",
    )
        .into_response()
}
