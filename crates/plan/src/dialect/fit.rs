//! Whether a resource is what was searched for.

use super::body::path_of;
use serde_json::{Map, Value};

/// Whether a resource has this value at an attribute path. Texts are compared without case, but those of `externalId`, the
/// only matching attribute whose case counts (RFC 7643 section 3.1).
#[must_use]
pub fn fits(attribute: &str, value: &str, document: &Map<String, Value>) -> bool {
    let path = path_of(attribute);
    let is_exact = path.is("externalId");
    let folded = value.to_lowercase();
    let equals = |text: &str| {
        if is_exact {
            text == value
        } else {
            text.to_lowercase() == folded
        }
    };
    path.read(document)
        .is_some_and(|found| holds(&found, &equals))
}

fn holds(found: &Value, equals: &impl Fn(&str) -> bool) -> bool {
    let is_equal = |value: &Value| match value {
        Value::String(text) => equals(text),
        Value::Number(_) | Value::Bool(_) => equals(&value.to_string()),
        _ => false,
    };
    let of_element = |element: &Value| match element {
        Value::Object(members) => members.get("value").is_some_and(is_equal),
        simple => is_equal(simple),
    };
    match found {
        Value::Array(elements) => elements.iter().any(of_element),
        single => of_element(single),
    }
}
