//! Error codes of the provisioning log, and what to do about them.

use serde_json::{Map, Value};

/// The reply of a target cannot be understood as SCIM.
pub(crate) const INCOMPATIBLE: &str = "SystemForCrossDomainIdentityManagementServiceIncompatible";
/// The linked object does not exist at the target any more.
pub(crate) const INVALID_ANCHOR: &str = "InvalidAnchor";
/// No reply in time.
pub(crate) const TIMEOUT: &str = "Timeout";
/// The credentials are not accepted.
pub(crate) const UNAUTHORIZED: &str = "Unauthorized";
/// Another object has this value.
pub(crate) const CONFLICT: &str = "Conflict";
/// The target throttles.
pub(crate) const TOO_MANY_REQUESTS: &str = "TooManyRequests";
/// HTTP or connection trouble.
pub(crate) const PROTOCOL: &str = "WebExceptionProtocolError";
/// Two source objects match one target object.
pub(crate) const DUPLICATE_SOURCE: &str = "DuplicateSourceEntries";
/// Held by the deletion threshold, until an administrator allows it or its cause is gone.
pub const STAGED: &str = "StagedDelete";
/// What would be done now is not what the plan says.
pub(crate) const STALE: &str = "StalePlan";
/// Our own failure.
pub(crate) const INTERNAL: &str = "InternalError";

/// The code for an error status, with the `scimType` of the body taken into account.
pub(crate) fn of_status(status: u16, body: Option<&Map<String, Value>>) -> &'static str {
    let scim_type = body
        .and_then(|body| body.get("scimType"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    match (status, scim_type) {
        (400, "uniqueness") | (409 | 412, _) => CONFLICT,
        (400, "invalidPath" | "noTarget") => "SchemaAttributeNotFound",
        (400, "mutability") => "NotPermitted",
        (401, _) => UNAUTHORIZED,
        (402, _) => "LicenseLimitExceeded",
        (403, _) => "InsufficientRights",
        (404, _) => INVALID_ANCHOR,
        (405, _) => "MethodNotAllowed",
        (408 | 504, _) => TIMEOUT,
        (429, _) => TOO_MANY_REQUESTS,
        (501, _) => "NotImplemented",
        (500.., _) => "InternalServerError",
        (300..=399, _) => INCOMPATIBLE,
        _ => "UnprocessableEntity",
    }
}

/// What an administrator can do.
pub(crate) fn advice(code: &str) -> &'static str {
    match code {
        CONFLICT => {
            "Another object at the target has one of these values: change the value, or the matching attributes if that object should have been taken over."
        }
        TOO_MANY_REQUESTS => {
            "The target limits the number of requests; it is tried again automatically."
        }
        "InternalServerError" | PROTOCOL | INTERNAL => {
            "This is usually temporary; it is tried again automatically."
        }
        TIMEOUT => "The target was too slow; it is tried again automatically.",
        UNAUTHORIZED => "Check the secret token: it may be wrong, expired or revoked.",
        "InsufficientRights" | "NotPermitted" => {
            "The token is accepted but may not do this: give it the needed permission at the target."
        }
        "MethodNotAllowed" | "NotImplemented" => {
            "The target does not support this request: check its SCIM documentation and the target object actions."
        }
        INVALID_ANCHOR => {
            "The object does not exist at the target any more; it is matched again automatically."
        }
        "SchemaAttributeNotFound" => {
            "The target does not know a mapped attribute: remove or correct the mapping."
        }
        "LicenseLimitExceeded" => "No licence is left at the target.",
        INCOMPATIBLE => "The address may not be a SCIM endpoint: check the Tenant URL.",
        DUPLICATE_SOURCE => "Give each person a different value of the matching attribute.",
        _ => "Check the mapped values against what the target accepts.",
    }
}

/// Whether trying again soon makes sense without anybody changing something.
pub(crate) fn is_transient(code: &str) -> bool {
    matches!(
        code,
        TOO_MANY_REQUESTS | INVALID_ANCHOR | "InternalServerError" | PROTOCOL | INTERNAL | TIMEOUT
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn statuses_have_codes() {
        for (status, body, expected) in [
            (400, json!({"scimType": "uniqueness"}), "Conflict"),
            (
                400,
                json!({"scimType": "invalidPath"}),
                "SchemaAttributeNotFound",
            ),
            (400, json!({}), "UnprocessableEntity"),
            (401, json!({}), "Unauthorized"),
            (403, json!({}), "InsufficientRights"),
            (404, json!({}), "InvalidAnchor"),
            (409, json!({}), "Conflict"),
            (429, json!({}), "TooManyRequests"),
            (503, json!({}), "InternalServerError"),
            (504, json!({}), "Timeout"),
            (302, json!({}), INCOMPATIBLE),
        ] {
            assert_eq!(
                of_status(status, body.as_object()),
                expected,
                "{status} {body}"
            );
        }
    }
}
