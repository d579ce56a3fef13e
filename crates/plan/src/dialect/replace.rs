//! Changes as a whole new resource (RFC 7644 section 3.5.1): what the target has, with the changes applied, so that nothing
//! is lost that is not ours.

use super::body::{nested, path_of, wire_value};
use crate::{
    operation::{Action, Change, Operation},
    target::{TargetPath, get, holds},
};
use serde_json::{Map, Value, json};
use std::collections::HashSet;

/// So many members that were added and are not shown mean that the target does not show all; fewer may have been taken out by
/// hand.
const HIDDEN_MEMBERS: usize = 20;

/// Why a replacement would take away what nobody wants to take away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsafe(
    /// For people.
    pub String,
);

/// The resource as the target has it, with the operation's changes; `None` when it has them already. `exported`: the members
/// that a group surely got and that must not be lost because the target hides them.
///
/// # Errors
///
/// The target shows so few of the group's members that a replacement would take the others out.
pub fn replacement(
    operation: &Operation,
    present: &Map<String, Value>,
    exported: &[String],
) -> Result<Option<Map<String, Value>>, Unsafe> {
    check_members(operation, present, exported)?;
    let mut document = present.clone();
    if operation.action == Action::Members {
        change_members(&mut document, operation);
    }
    for change in &operation.changes {
        apply(&mut document, change);
    }
    Ok((document != *present).then_some(document))
}

/// Who is taken out or put in anyway needs no look.
fn check_members(
    operation: &Operation,
    present: &Map<String, Value>,
    exported: &[String],
) -> Result<(), Unsafe> {
    let shown = get(present, "members");
    let visible: HashSet<&str> = shown
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|member| member.get("value")?.as_str())
        .chain(operation.add_members.iter().map(String::as_str))
        .chain(operation.remove_members.iter().map(String::as_str))
        .collect();
    let hidden = exported
        .iter()
        .filter(|id| !visible.contains(id.as_str()))
        .count();
    let hides_some = hidden >= HIDDEN_MEMBERS || hidden * 2 > exported.len();
    if hides_some || (hidden > 0 && shown.is_none()) {
        return Err(Unsafe(format!(
            "the target does not show {hidden} of the {} members that this group has got, and replacing the group could take them out; if they were taken out by hand, a drift check shows and repairs it, and if the target never shows members, set group_updates to patch in its dialect",
            exported.len()
        )));
    }
    Ok(())
}

fn change_members(document: &mut Map<String, Value>, operation: &Operation) {
    let leaving: HashSet<&String> = operation.remove_members.iter().collect();
    let name = name_in(document, "members");
    let mut members = match document.get(&name) {
        Some(Value::Array(members)) => members.clone(),
        _ => Vec::new(),
    };
    let id = |member: &Value| Some(member.get("value")?.as_str()?.to_owned());
    members.retain(|member| id(member).is_none_or(|id| !leaving.contains(&id)));
    let mut there: HashSet<String> = members.iter().filter_map(id).collect();
    for target_id in &operation.add_members {
        if there.insert(target_id.clone()) {
            members.push(json!({ "value": target_id }));
        }
    }
    // An absent list and an empty one are the same (RFC 7643 section 2.5).
    if !members.is_empty() || document.contains_key(&name) {
        document.insert(name, Value::Array(members));
    }
}

fn apply(document: &mut Map<String, Value>, change: &Change) {
    let path = path_of(&change.attribute);
    let value = change.after.as_ref().map(|after| wire_value(&path, after));
    let Some(urn) = &path.schema else {
        return apply_in(document, &path, change, value);
    };
    let name = name_in(document, urn);
    let mut extension = match document.get(&name) {
        Some(Value::Object(extension)) => extension.clone(),
        _ => Map::new(),
    };
    let was_there = !extension.is_empty();
    apply_in(&mut extension, &path, change, value);
    if extension.is_empty() && was_there {
        document.shift_remove(&name);
    } else if !extension.is_empty() {
        document.insert(name, Value::Object(extension));
        declare(document, urn);
    }
}

/// Names the extension in `schemas`.
fn declare(document: &mut Map<String, Value>, urn: &str) {
    let name = name_in(document, "schemas");
    if let Some(Value::Array(schemas)) = document.get_mut(&name) {
        let is_known = schemas.iter().any(|known| {
            known
                .as_str()
                .is_some_and(|known| known.eq_ignore_ascii_case(urn))
        });
        if !is_known {
            schemas.push(Value::from(urn));
        }
    }
}

/// Within the base document or an extension.
fn apply_in(
    base: &mut Map<String, Value>,
    path: &TargetPath,
    change: &Change,
    value: Option<Value>,
) {
    let name = name_in(base, &path.attribute);
    if !path.conditions.is_empty() {
        return apply_to_elements(base, &name, path, value);
    }
    match (&path.sub, value) {
        (None, Some(Value::Array(_))) if !change.added.is_empty() => {
            let mut present = match base.get(&name) {
                Some(Value::Array(present)) => present.clone(),
                _ => Vec::new(),
            };
            for added in &change.added {
                if !present.contains(added) {
                    present.push(added.clone());
                }
            }
            base.insert(name, Value::Array(present));
        }
        (None, Some(value)) => set(base, name, value),
        (None, None) => {
            base.shift_remove(&name);
        }
        (Some(sub), value) => apply_to_sub(base, &name, sub, value),
    }
}

/// A value that the target only writes in another way stays as it is.
fn set(base: &mut Map<String, Value>, name: String, value: Value) {
    let is_same = base
        .get(&name)
        .is_some_and(|present| crate::values::same(present, &value));
    if !is_same {
        base.insert(name, value);
    }
}

fn apply_to_sub(base: &mut Map<String, Value>, name: &str, sub: &str, value: Option<Value>) {
    match (base.get_mut(name), value) {
        (Some(Value::Object(members)), value) => {
            put(members, sub, value);
            if members.is_empty() {
                base.shift_remove(name);
            }
        }
        // A path without a filter means every element.
        (Some(Value::Array(elements)), value) => {
            for members in elements.iter_mut().filter_map(Value::as_object_mut) {
                put(members, sub, value.clone());
            }
        }
        (_, Some(value)) => {
            base.insert(name.to_owned(), json!({ sub: value }));
        }
        (_, None) => {}
    }
}

fn put(members: &mut Map<String, Value>, sub: &str, value: Option<Value>) {
    let name = name_in(members, sub);
    match value {
        Some(value) => set(members, name, value),
        None => {
            members.shift_remove(&name);
        }
    }
}

/// Every element that the path's filter selects; a value for which there is none makes one.
fn apply_to_elements(
    base: &mut Map<String, Value>,
    name: &str,
    path: &TargetPath,
    value: Option<Value>,
) {
    let mut elements = match base.get(name) {
        Some(Value::Array(elements)) => elements.clone(),
        _ => Vec::new(),
    };
    let selected = |element: &Value| path.conditions.iter().all(|one| holds(element, one));
    let makes_primary = value
        .as_ref()
        .is_some_and(|value| *value == Value::Bool(true))
        && path
            .sub
            .as_deref()
            .is_some_and(|sub| sub.eq_ignore_ascii_case("primary"));
    match value {
        Some(value) => {
            let mut hits = 0;
            for element in &mut elements {
                if selected(element) {
                    hits += 1;
                    fill(element, path, &value);
                } else if makes_primary
                    && let Some(members) = element.as_object_mut()
                    && get(members, "primary").is_some()
                {
                    // There is one primary value at most (RFC 7643 section 2.4).
                    put(members, "primary", Some(Value::Bool(false)));
                }
            }
            if hits == 0 {
                elements.extend(new_element(path, value));
            }
        }
        None => elements.retain_mut(|element| !selected(element) || remains(element, path)),
    }
    if elements.is_empty() {
        base.shift_remove(name);
    } else {
        base.insert(name.to_owned(), Value::Array(elements));
    }
}

fn fill(element: &mut Value, path: &TargetPath, value: &Value) {
    let Some(members) = element.as_object_mut() else {
        return;
    };
    match (&path.sub, value) {
        (Some(sub), value) => put(members, sub, Some(value.clone())),
        (None, Value::Object(given)) => {
            for (name, value) in given {
                put(members, name, Some(value.clone()));
            }
        }
        (None, value) => put(members, "value", Some(value.clone())),
    }
}

fn new_element(path: &TargetPath, value: Value) -> Option<Value> {
    let bare = TargetPath {
        schema: None,
        ..path.clone()
    };
    match nested(&bare, value).into_iter().next() {
        Some((_, Value::Array(elements))) => elements.into_iter().next(),
        _ => None,
    }
}

/// Takes the value out of an element; false when nothing is left that would mean anything.
fn remains(element: &mut Value, path: &TargetPath) -> bool {
    let (Some(members), Some(sub)) = (element.as_object_mut(), &path.sub) else {
        return false;
    };
    put(members, sub, None);
    let says_nothing = |name: &String| {
        ["type", "primary", "display"]
            .iter()
            .any(|label| name.eq_ignore_ascii_case(label))
            || path
                .conditions
                .iter()
                .any(|(condition, _)| name.eq_ignore_ascii_case(condition))
    };
    !sub.eq_ignore_ascii_case("value") && !members.keys().all(says_nothing)
}

/// The name as the document spells it.
fn name_in(document: &Map<String, Value>, name: &str) -> String {
    document
        .keys()
        .find(|key| key.eq_ignore_ascii_case(name))
        .cloned()
        .unwrap_or_else(|| name.to_owned())
}
