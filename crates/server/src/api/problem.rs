//! Errors of the API as problem details (RFC 9457).

use axum::{
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use serde_json::json;
use tenure_scim::ScimError;
use tenure_store::Error;

/// Media type of RFC 9457.
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// A request that is not carried out.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    detail: String,
    header: Option<(HeaderName, &'static str)>,
}

impl Problem {
    /// A status with a text that says what to do.
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            header: None,
        }
    }

    /// 401 in the same words whatever is wrong with the token.
    pub(super) fn unauthorized() -> Self {
        Self {
            header: Some((WWW_AUTHENTICATE, r#"Bearer realm="api""#)),
            ..Self::new(
                StatusCode::UNAUTHORIZED,
                "Send a valid API token in the header `Authorization: Bearer`.",
            )
        }
    }

    /// 404, for what is not there and for what is another workspace's.
    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "There is no such thing.")
    }

    /// 422 for a value that is not allowed.
    pub(super) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }
}

impl From<ScimError> for Problem {
    fn from(error: ScimError) -> Self {
        let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
        Self::new(status, error.detail)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Scim(error) => error.into(),
            Error::NotFound(_) => Self::not_found(),
            Error::Conflict(detail) => Self::new(StatusCode::CONFLICT, detail),
            Error::Invalid(detail) => Self::invalid(detail),
            Error::Busy => Self {
                header: Some((RETRY_AFTER, "1")),
                ..Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "The server is busy; try again in a second.",
                )
            },
            Error::Full => Self {
                header: Some((RETRY_AFTER, "30")),
                ..Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "The server's disk is full; nothing was changed.",
                )
            },
            Error::StaleFence | Error::Seal | Error::Database(_) => {
                tracing::error!(%error, "the store failed");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "The server failed on this request.",
                )
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let mut response = (self.status, body.to_string()).into_response();
        response.headers_mut().insert(CONTENT_TYPE, PROBLEM_JSON);
        if let Some((name, value)) = self.header {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        response
    }
}
