//! The one place where errors become answers.

use axum::{
    body::Body,
    http::{
        HeaderName, HeaderValue, Response, StatusCode,
        header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
};
use tenure_scim::{ScimError, ScimType};
use tenure_store::Error;

/// Media type of everything that the SCIM API sends (RFC 7644 section 3.8).
pub(crate) const SCIM_JSON: HeaderValue = HeaderValue::from_static("application/scim+json");

/// A request that is not carried out: the error and the header that belongs to it.
#[derive(Debug)]
pub(super) struct Refusal {
    error: ScimError,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Refusal {
    /// 401 with a challenge (RFC 6750 section 3): `error` only when there were credentials.
    pub(super) fn unauthorized(challenge: &'static str, detail: &str) -> Self {
        Self {
            error: ScimError::status(401, detail),
            header: Some((WWW_AUTHENTICATE, HeaderValue::from_static(challenge))),
        }
    }

    /// 405 with the methods that the endpoint has.
    pub(super) fn method_not_allowed(allow: &'static str) -> Self {
        Self {
            error: ScimError::status(405, format!("This endpoint supports only {allow}.")),
            header: Some((ALLOW, HeaderValue::from_static(allow))),
        }
    }

    /// A refusal with a status and a text.
    pub(super) fn status(status: u16, detail: &str) -> Self {
        ScimError::status(status, detail).into()
    }

    /// The error alone, as a bulk response has it.
    pub(super) fn into_error(self) -> ScimError {
        self.error
    }

    /// Why.
    pub(super) fn error(&self) -> &ScimError {
        &self.error
    }

    /// The answer.
    pub(super) fn into_response(self) -> Response<Body> {
        let mut response = error_response(&self.error);
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl From<ScimError> for Refusal {
    fn from(error: ScimError) -> Self {
        Self {
            error,
            header: None,
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Scim(error) => error.into(),
            // The same words for every id, so that a stranger's resource looks like none at all.
            Error::NotFound(_) => Self::status(404, "There is no such resource."),
            Error::Conflict(detail) => ScimError::uniqueness(detail).into(),
            Error::Invalid(detail) => ScimError::bad_request(ScimType::InvalidValue, detail).into(),
            Error::Busy => Self {
                error: ScimError::status(503, "The server is busy; try again in a second."),
                header: Some((RETRY_AFTER, HeaderValue::from_static("1"))),
            },
            // Not 507: clients know that a 503 is over some time, and try again.
            Error::Full => Self {
                error: ScimError::status(503, "The server's disk is full; nothing was changed."),
                header: Some((RETRY_AFTER, HeaderValue::from_static("30"))),
            },
            Error::StaleFence | Error::Seal | Error::Database(_) => {
                tracing::error!(%error, "the store failed");
                Self::status(500, "The server failed on this request.")
            }
        }
    }
}

/// An error as RFC 7644 section 3.12 wants it.
pub(crate) fn error_response(error: &ScimError) -> Response<Body> {
    let mut response = Response::new(Body::from(error.body().to_string()));
    *response.status_mut() =
        StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, SCIM_JSON);
    response
}
