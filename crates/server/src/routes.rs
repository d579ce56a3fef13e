//! The one table of routes, and the order of the layers around them.

use std::{any::Any, sync::Arc};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::StatusCode,
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse as _, Response},
    routing::get,
};
use tenure_scim::ScimError;
use tower::ServiceExt as _;
use tower_http::{catch_panic::CatchPanicLayer, limit::RequestBodyLimitLayer};

use crate::{
    App, api, console, layer, limits,
    metrics::{Metrics, note_matched},
    ops, scim,
};

/// All routes, the log that their requests go into, and what is counted of them.
pub(crate) struct Built {
    pub(crate) router: Router,
    pub(crate) log: Arc<scim::RequestLog>,
    pub(crate) metrics: Metrics,
}

/// All routes. SCIM paths are told apart before routing, because identity providers put slashes and versions where
/// no route table expects them.
pub(crate) fn build(app: App) -> Built {
    let metrics = Metrics::default();
    let observer = layer::observe::Observer {
        requests: metrics.requests.clone(),
        draining: app.config.draining.clone(),
    };
    let log = scim::RequestLog::new(app.store.clone(), metrics.unlogged.clone());
    let log = Arc::new(log);
    let https = app.config.public_url.starts_with("https://");
    let scim = Router::new()
        .fallback_service(scim::service(
            app.clone(),
            Arc::clone(&log),
            metrics.requests.clone(),
        ))
        .layer(CatchPanicLayer::custom(scim_panic));
    let api = Router::new()
        .fallback_service(api::service(app.clone()))
        .layer(CatchPanicLayer::custom(api_panic));
    let pages = Router::new()
        .route("/healthz", get(ops::healthz))
        .route("/readyz", get(ops::readyz))
        .merge(console::router())
        .layer(RequestBodyLimitLayer::new(limits::FORM_BODY_BYTES))
        .merge(console::large().layer(RequestBodyLimitLayer::new(limits::SCHEMA_FORM_BYTES)))
        .route_layer(from_fn(note_matched))
        .layer(DefaultBodyLimit::disable())
        .layer(CatchPanicLayer::custom(page_panic))
        .with_state(app);
    let split = move |request: Request| {
        let target = match first_segment(request.uri().path()) {
            Some("scim") => scim.clone(),
            Some("api") => api.clone(),
            _ => pages.clone(),
        };
        target.oneshot(request)
    };
    let router = Router::new()
        .fallback(split)
        .layer(from_fn(layer::timeout::limit))
        .layer(from_fn(layer::drain::rest))
        .layer(from_fn_with_state(https, layer::headers::secure))
        .layer(from_fn_with_state(observer, layer::observe::observe));
    Built {
        router,
        log,
        metrics,
    }
}

/// Whether a path belongs to the SCIM API.
pub(crate) fn is_scim(path: &str) -> bool {
    first_segment(path) == Some("scim")
}

/// Whether a path belongs to an API, whose answers are never documents.
pub(crate) fn is_api(path: &str) -> bool {
    matches!(first_segment(path), Some("scim" | "api"))
}

fn first_segment(path: &str) -> Option<&str> {
    path.split('/').find(|segment| !segment.is_empty())
}

fn scim_panic(_panic: Box<dyn Any + Send>) -> Response {
    scim::error_response(&ScimError::status(
        500,
        "The server failed on this request.",
    ))
}

fn api_panic(_panic: Box<dyn Any + Send>) -> Response {
    api::failed()
}

fn page_panic(_panic: Box<dyn Any + Send>) -> Response {
    (
        StatusCode::INTERNAL_SERVER_ERROR,
        "The server failed on this request.\n",
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::header::CONTENT_TYPE};
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn panics_become_answers() {
        for (layer, content_type, start) in [
            (
                scim_panic as fn(Box<dyn Any + Send>) -> Response,
                "application/scim+json",
                "{\"schemas\":",
            ),
            (api_panic, "application/problem+json", "{\"type\":"),
            (page_panic, "text/plain; charset=utf-8", "The server failed"),
        ] {
            let failing = Router::new().route(
                "/",
                get(async || -> &'static str { panic!("as the test wants") }),
            );
            let router = failing.layer(CatchPanicLayer::custom(layer));
            let response = router.oneshot(Request::new(Body::empty())).await.unwrap();
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
            assert_eq!(response.headers()[CONTENT_TYPE], content_type);
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert!(body.starts_with(start.as_bytes()), "{body:?}");
        }
    }

    #[test]
    fn scim_paths() {
        for (path, expected) in [
            ("/scim", true),
            ("/scim/v2/Users", true),
            ("//scim//Users", true),
            ("/scimmer", false),
            ("/w/scim", false),
            ("/", false),
        ] {
            assert_eq!(is_scim(path), expected, "{path}");
        }
    }
}
