//! An upper bound for every request, so that nothing holds a connection for ever.

use axum::{
    extract::Request,
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use tenure_scim::ScimError;

use crate::{limits, routes, scim};

/// Answers 503 when no answer has begun after [`limits::REQUEST`]. The body of an answer may take longer.
pub(crate) async fn limit(request: Request, next: Next) -> Response {
    let is_scim = routes::is_scim(request.uri().path());
    match tokio::time::timeout(limits::REQUEST, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            tracing::warn!("request took too long");
            let detail = "The server could not answer in time; try again.";
            if is_scim {
                scim::error_response(&ScimError::status(503, detail))
            } else {
                (StatusCode::SERVICE_UNAVAILABLE, detail).into_response()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, http::header::CONTENT_TYPE, middleware::from_fn};
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn endless_handlers_are_cut() {
        for (path, content_type) in [
            ("/scim/Users", "application/scim+json"),
            ("/w/mills", "text/plain; charset=utf-8"),
        ] {
            let router = Router::new()
                .fallback(std::future::pending::<Response>)
                .layer(from_fn(limit));
            let request = Request::builder().uri(path).body(Body::empty()).unwrap();
            let response = router.oneshot(request).await.unwrap();
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(response.headers()[CONTENT_TYPE], content_type, "{path}");
        }
    }
}
