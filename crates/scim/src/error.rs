//! The one error that reaches a SCIM client (RFC 7644 section 3.12).

use serde_json::{Value, json};

const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// Detail error keyword (RFC 7644 table 9, RFC 9865 section 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScimType {
    /// The filter is malformed or not supported for the attribute.
    InvalidFilter,
    /// The result or the request is larger than the server is willing to process.
    TooMany,
    /// A value that must be unique is taken.
    Uniqueness,
    /// The attribute may not be changed this way.
    Mutability,
    /// The body is malformed.
    InvalidSyntax,
    /// The PATCH path is malformed or unknown.
    InvalidPath,
    /// The PATCH path selected nothing.
    NoTarget,
    /// A value is missing or not allowed for the attribute.
    InvalidValue,
    /// The protocol version is not supported.
    InvalidVers,
    /// The request would carry personal or secret data in its URI.
    Sensitive,
    /// The cursor is not one that this server gave for this query.
    InvalidCursor,
    /// The cursor is too old.
    ExpiredCursor,
    /// The count is not one, or not that of the first page.
    InvalidCount,
}

impl ScimType {
    /// The keyword as it is written in an error body.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidVers => "invalidVers",
            Self::Sensitive => "sensitive",
            Self::InvalidCursor => "invalidCursor",
            Self::ExpiredCursor => "expiredCursor",
            Self::InvalidCount => "invalidCount",
        }
    }
}

/// A refusal with the HTTP status, the `scimType` where one applies, and a text that names the attribute or
/// the position and says what to change.
///
/// ```
/// use serde_json::json;
/// use tenure_scim::{filter::Filter, ScimType};
///
/// let error = Filter::parse("userName eq").unwrap_err();
/// assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidFilter)));
/// assert_eq!(error.body(), json!({
///     "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
///     "status": "400",
///     "scimType": "invalidFilter",
///     "detail": error.detail,
/// }));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ScimError {
    /// HTTP status code, 400 to 599.
    pub status: u16,
    /// Keyword of RFC 7644 table 9, only together with 400 and 409.
    pub scim_type: Option<ScimType>,
    /// Human-readable text. Never contains a secret.
    pub detail: String,
}

impl ScimError {
    /// A 400 with its keyword.
    pub fn bad_request(scim_type: ScimType, detail: impl Into<String>) -> Self {
        Self {
            status: 400,
            scim_type: Some(scim_type),
            detail: detail.into(),
        }
    }

    /// A refusal with any status and no keyword.
    pub fn status(status: u16, detail: impl Into<String>) -> Self {
        Self {
            status,
            scim_type: None,
            detail: detail.into(),
        }
    }

    /// 409 with `uniqueness` (RFC 7644 section 3.3).
    pub fn uniqueness(detail: impl Into<String>) -> Self {
        Self {
            status: 409,
            scim_type: Some(ScimType::Uniqueness),
            detail: detail.into(),
        }
    }

    /// The Error message body; `status` is a string as RFC 7644 section 3.12 demands.
    #[must_use]
    pub fn body(&self) -> Value {
        let (status, detail) = (self.status.to_string(), self.detail.as_str());
        match self.scim_type {
            Some(keyword) => {
                json!({"schemas": [ERROR], "status": status, "scimType": keyword.as_str(), "detail": detail})
            }
            None => json!({"schemas": [ERROR], "status": status, "detail": detail}),
        }
    }
}
