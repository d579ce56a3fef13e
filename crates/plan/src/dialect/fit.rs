//! Searching without the target's help: what a filter would have compared.

use super::body::path_of;
use crate::target::TargetPath;
use serde_json::{Map, Value};

/// A value in the form in which [`search_keys`] are compared with it: without case, but for `externalId`, the only matching
/// attribute whose case counts (RFC 7643 section 3.1).
#[must_use]
pub fn search_key(attribute: &str, value: &str) -> String {
    folded(&path_of(attribute), value)
}

/// What a resource has at an attribute path, as a filter with `eq` would compare it; of complex values their `value`.
#[must_use]
pub fn search_keys(attribute: &str, document: &Map<String, Value>) -> Vec<String> {
    let path = path_of(attribute);
    let of_value = |value: &Value| match value {
        Value::String(text) => Some(folded(&path, text)),
        Value::Number(_) | Value::Bool(_) => Some(folded(&path, &value.to_string())),
        _ => None,
    };
    let of_element = |element: &Value| match element {
        Value::Object(members) => crate::target::get(members, "value").and_then(of_value),
        simple => of_value(simple),
    };
    match path.read(document) {
        Some(Value::Array(elements)) => elements.iter().filter_map(of_element).collect(),
        Some(single) => of_element(&single).into_iter().collect(),
        None => Vec::new(),
    }
}

fn folded(path: &TargetPath, text: &str) -> String {
    if path.is("externalId") {
        text.to_owned()
    } else {
        text.to_lowercase()
    }
}
