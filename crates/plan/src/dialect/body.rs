//! Values as documents.

use crate::{operation::Operation, target::TargetPath};
use serde_json::{Map, Value, json};

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:";

/// The planner only lets paths through that parse; a path stored by an older version is taken as a plain name.
pub(super) fn path_of(attribute: &str) -> TargetPath {
    TargetPath::parse(attribute).unwrap_or_else(|_| TargetPath::simple(attribute))
}

/// What goes over the wire: a manager is a complex value with the id in `value`.
pub(super) fn wire_value(path: &TargetPath, value: &Value) -> Value {
    if path.is_reference() && path.sub.is_none() && !value.is_object() {
        return json!({ "value": value });
    }
    value.clone()
}

pub(super) fn create_body(operation: &Operation) -> Value {
    let mut schemas = vec![Value::from(format!(
        "{CORE}{}",
        operation.kind.resource_type()
    ))];
    let mut body = Map::new();
    for change in &operation.changes {
        let Some(after) = &change.after else { continue };
        let path = path_of(&change.attribute);
        if let Some(urn) = path.schema.as_deref().map(Value::from)
            && !schemas.contains(&urn)
        {
            schemas.push(urn);
        }
        merge(
            &mut body,
            nested(&path, wire_value(&path, after)),
            &path.conditions,
        );
    }
    mark_primary(&mut body);
    let mut document = Map::from_iter([("schemas".to_owned(), Value::Array(schemas))]);
    document.extend(body);
    Value::Object(document)
}

/// A document that holds only this value.
pub(super) fn nested(path: &TargetPath, value: Value) -> Map<String, Value> {
    let single = |name: &str, value: Value| Map::from_iter([(name.to_owned(), value)]);
    let inner = match &path.sub {
        Some(sub) => Value::Object(single(sub, value)),
        None => value,
    };
    let placed = if path.conditions.is_empty() {
        inner
    } else {
        let mut element: Map<String, Value> = path.conditions.iter().cloned().collect();
        match inner {
            Value::Object(members) => element.extend(members),
            other => element.extend(single("value", other)),
        }
        json!([element])
    };
    let document = single(&path.attribute, placed);
    match &path.schema {
        Some(urn) => single(urn, Value::Object(document)),
        None => document,
    }
}

/// Puts one document into another; elements that agree on the conditions become one.
pub(super) fn merge(
    into: &mut Map<String, Value>,
    from: Map<String, Value>,
    conditions: &[(String, Value)],
) {
    for (name, value) in from {
        let known = into
            .keys()
            .find(|key| key.eq_ignore_ascii_case(&name))
            .cloned()
            .unwrap_or(name);
        match (into.get_mut(&known), value) {
            (Some(Value::Object(present)), Value::Object(members)) => {
                merge(present, members, conditions);
            }
            (Some(Value::Array(present)), Value::Array(elements)) => {
                for element in elements {
                    merge_element(present, element, conditions);
                }
            }
            (_, value) => {
                into.insert(known, value);
            }
        }
    }
}

fn merge_element(present: &mut Vec<Value>, element: Value, conditions: &[(String, Value)]) {
    let agrees = |candidate: &&mut Value| {
        conditions
            .iter()
            .all(|(sub, wanted)| candidate.get(sub) == Some(wanted))
    };
    match (
        present
            .iter_mut()
            .find(agrees)
            .and_then(Value::as_object_mut),
        element,
    ) {
        (Some(known), Value::Object(members)) if !conditions.is_empty() => known.extend(members),
        (_, element) => present.push(element),
    }
}

/// A new account's work address is its primary one, unless the mappings say which is.
fn mark_primary(body: &mut Map<String, Value>) {
    let Some(emails) = body.get_mut("emails").and_then(Value::as_array_mut) else {
        return;
    };
    if emails.iter().any(|email| email.get("primary").is_some()) {
        return;
    }
    let work = emails
        .iter_mut()
        .find(|email| email.get("type").and_then(Value::as_str) == Some("work"));
    if let Some(work) = work.and_then(Value::as_object_mut) {
        work.insert("primary".to_owned(), Value::Bool(true));
    }
}
