//! The body of a bulk request (RFC 7644 section 3.7): each operation is checked as a request of its own.

use serde_json::Value;
use tenure_scim::{Document, ScimType, json::parse_object, validate};

use super::{body, fixtures, patch, refused};

pub(super) fn run(input: &[u8]) {
    let request = match parse_object(input) {
        Ok(request) => request,
        Err(error) => return refused(&error, &[ScimType::InvalidSyntax]),
    };
    body::within_limits(&request);
    let operations = request.get("Operations").and_then(Value::as_array);
    let operations = operations.into_iter().flatten();
    operations.filter_map(Value::as_object).for_each(check);
}

fn check(operation: &Document) {
    let text = |name| {
        operation
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let Some(data) = operation.get("data").and_then(Value::as_object) else {
        return;
    };
    for resource_type in fixtures::resource_types() {
        if !text("path").starts_with(&resource_type.endpoint) {
            continue;
        }
        if text("method").eq_ignore_ascii_case("patch") {
            patch::check(resource_type, None, data);
        } else {
            match validate::create(resource_type, data.clone()) {
                Ok(created) => body::canonical(resource_type, &created.document),
                Err(error) => refused(&error, &body::REFUSALS),
            }
        }
    }
}
