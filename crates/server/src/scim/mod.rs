//! The SCIM API (RFC 7644) over the store.

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Response, StatusCode, header::CONTENT_TYPE},
};
use tenure_scim::ScimError;

use crate::App;

/// Answers every path under `/scim`.
pub(crate) fn service(app: App) -> Router {
    Router::new()
        .fallback(async || error_response(&ScimError::status(501, "Not implemented.")))
        .with_state(app)
}

/// An error as RFC 7644 section 3.12 wants it.
pub(crate) fn error_response(error: &ScimError) -> Response<Body> {
    let mut response = Response::new(Body::from(error.body().to_string()));
    *response.status_mut() =
        StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/scim+json"),
    );
    response
}
