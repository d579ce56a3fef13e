//! Changes as PATCH operations (RFC 7644 section 3.5.2).

use super::{
    Dialect, Method, Request,
    body::{merge, nested, path_of, wire_value},
    quote,
};
use crate::{
    operation::{Change, Operation},
    target::TargetPath,
};
use serde_json::{Map, Value, json};

const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

pub(super) fn patch(resource: &str, operations: &[Value]) -> Option<Request> {
    if operations.is_empty() {
        return None;
    }
    let body = json!({ "schemas": [PATCH_OP], "Operations": operations });
    Some(Request {
        method: Method::Patch,
        path: resource.to_owned(),
        body: Some(body),
    })
}

pub(super) fn attribute_operations(dialect: &Dialect, operation: &Operation) -> Vec<Value> {
    let mut operations = Vec::new();
    let mut added: Vec<TargetPath> = Vec::new();
    let mut values = Map::new();
    for change in &operation.changes {
        let path = path_of(&change.attribute);
        if is_new_element(operation, &path) {
            if !added.iter().any(|known| known.same_element(&path)) {
                operations.extend(add_element(operation, &path));
                added.push(path);
            }
            continue;
        }
        if let Some(after) = value_without_path(dialect, change, &path) {
            merge(&mut values, nested(&path, after), &[]);
            continue;
        }
        operations.push(match (&change.before, &change.after) {
            (_, None) => json!({ "op": "remove", "path": change.attribute }),
            (Some(_), Some(_)) if !change.added.is_empty() => json!({ "op": "add", "path": change.attribute, "value": change.added }),
            (None, Some(after)) => json!({ "op": "add", "path": change.attribute, "value": wire_value(&path, after) }),
            (Some(_), Some(after)) => json!({ "op": "replace", "path": change.attribute, "value": wire_value(&path, after) }),
        });
    }
    if !values.is_empty() {
        operations.insert(0, json!({ "op": "replace", "value": values }));
    }
    if dialect.boolean_texts {
        for operation in &mut operations {
            if let Some(value) = operation.get_mut("value") {
                booleans_as_texts(value);
            }
        }
    }
    operations
}

/// The value for an operation without path, where such an operation means the same: an element of a list cannot be chosen
/// without a path, a list would lose its other values, and a complex value would be merged instead of replaced.
fn value_without_path(dialect: &Dialect, change: &Change, path: &TargetPath) -> Option<Value> {
    let after = change.after.as_ref()?;
    let is_plain = path.conditions.is_empty()
        && change.added.is_empty()
        && (path.is_reference() || !after.is_object());
    (!dialect.patch_paths && is_plain).then(|| wire_value(path, after))
}

fn booleans_as_texts(value: &mut Value) {
    match value {
        Value::Bool(flag) => *value = Value::from(if *flag { "True" } else { "False" }),
        Value::Array(elements) => elements.iter_mut().for_each(booleans_as_texts),
        Value::Object(members) => members.values_mut().for_each(booleans_as_texts),
        _ => {}
    }
}

/// Changes that lead into the same element, and whether the target had a value there before.
fn element_changes<'a>(
    operation: &'a Operation,
    path: &'a TargetPath,
) -> impl Iterator<Item = (&'a Change, TargetPath)> {
    operation
        .changes
        .iter()
        .map(|change| (change, path_of(&change.attribute)))
        .filter(move |(_, other)| other.same_element(path))
}

/// Whether no element fits the path's filter yet. A filter that hits nothing is an error in RFC 7644 section
/// 3.5.2, so the element has to be added as a whole.
fn is_new_element(operation: &Operation, path: &TargetPath) -> bool {
    if path.conditions.is_empty()
        || element_changes(operation, path).any(|(change, _)| change.before.is_some())
    {
        return false;
    }
    let changed = |name: &str| {
        operation
            .changes
            .iter()
            .any(|change| change.attribute == name)
    };
    !operation
        .known_after
        .keys()
        .any(|name| !changed(name) && path_of(name).same_element(path))
}

fn add_element(operation: &Operation, path: &TargetPath) -> Option<Value> {
    let mut document = Map::new();
    for (change, other) in element_changes(operation, path) {
        if let Some(after) = &change.after {
            merge(
                &mut document,
                nested(
                    &TargetPath {
                        schema: None,
                        ..other.clone()
                    },
                    wire_value(&other, after),
                ),
                &other.conditions,
            );
        }
    }
    let (attribute, value) = document.into_iter().next()?;
    let name = match &path.schema {
        Some(urn) => format!("{urn}:{attribute}"),
        None => attribute,
    };
    Some(json!({ "op": "add", "path": name, "value": value }))
}

/// PATCH operations for members, one list per request.
pub(super) fn member_operations(dialect: &Dialect, operation: &Operation) -> Vec<Vec<Value>> {
    let size = dialect.members_per_patch.max(1);
    let values =
        |ids: &[String]| -> Vec<Value> { ids.iter().map(|id| json!({ "value": id })).collect() };
    let adds = operation
        .add_members
        .chunks(size)
        .map(|ids| vec![json!({ "op": "add", "path": "members", "value": values(ids) })]);
    let removes = operation.remove_members.chunks(size).map(|ids| {
        if dialect.remove_member_by_path {
            ids.iter().map(|id| json!({ "op": "remove", "path": format!("members[value eq {}]", quote(id)) })).collect()
        } else {
            vec![json!({ "op": "remove", "path": "members", "value": values(ids) })]
        }
    });
    adds.chain(removes).collect()
}
