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
