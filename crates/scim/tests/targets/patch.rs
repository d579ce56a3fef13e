//! A PATCH: a line with the resource's body (or an empty one), then the PatchOp body.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;
use tenure_scim::{
    Document, ScimError, ScimType,
    deviation::Strictness,
    filter::Filter,
    json::parse_object,
    limits,
    patch::{self, MemberChange, MemberRef, Operation, OperationKind, PatchRequest},
    schema::ResourceType,
    validate,
};

use super::{body::canonical, fixtures, refused};

const ID: &str = "7b1c";
const REFUSALS: [ScimType; 7] = [
    ScimType::InvalidSyntax,
    ScimType::InvalidPath,
    ScimType::InvalidFilter,
    ScimType::InvalidValue,
    ScimType::NoTarget,
    ScimType::Mutability,
    ScimType::TooMany,
];

pub(super) fn run(input: &[u8]) {
    let line_end = input.iter().position(|&byte| byte == b'\n');
    let (line, rest) = input.split_at(line_end.unwrap_or(0));
    let Ok(body) = parse_object(rest) else {
        return;
    };
    for resource_type in fixtures::resource_types() {
        let own = parse_object(line)
            .ok()
            .and_then(|body| validate::create(resource_type, body).ok());
        let document = own.map(|validated| validated.document);
        check(resource_type, document, &body);
    }
}

/// Checks a body against a document of the type, or the fixture.
pub(super) fn check(resource_type: &ResourceType, document: Option<Document>, body: &Document) {
    let request = match patch::parse(resource_type, body) {
        Ok(request) => request,
        Err(error) => return refused(&error, &REFUSALS),
    };
    let document = document.unwrap_or_else(|| {
        let created = validate::create(resource_type, fixtures::body(resource_type));
        created.expect("a valid fixture").document
    });
    members(&request.members);
    in_memory(resource_type, &request.members);
    whole(resource_type, &document, &request);
    for operation in &request.operations {
        twice_is_once(resource_type, &document, operation);
    }
}

fn members(changes: &[MemberChange]) {
    let usable = |id: &str| !id.is_empty() && !id.chars().any(char::is_control);
    let all = |members: &[MemberRef]| {
        !members.is_empty() && members.iter().all(|member| usable(&member.value))
    };
    for change in changes {
        let holds = match change {
            MemberChange::Add(members) | MemberChange::Replace(members) => all(members),
            MemberChange::Remove(ids) => !ids.is_empty(),
            MemberChange::RemoveMatching(_) | MemberChange::Clear => true,
        };
        assert!(holds, "{change:?}");
    }
}

/// Members stay a set, and `false` means that they are as they were.
fn in_memory(resource_type: &ResourceType, changes: &[MemberChange]) {
    let member = |(id, kind): (&str, Option<&str>)| MemberRef {
        value: id.to_owned(),
        kind: kind.map(str::to_owned),
    };
    let before: Vec<_> = [("11", Some("User")), ("22", None), ("33", Some("Group"))]
        .map(member)
        .into();
    let mut after = before.clone();
    let changed = patch::change_members(resource_type, &mut after, changes);
    let set = |members: &[MemberRef]| members.iter().cloned().collect::<HashSet<_>>();
    assert_eq!(changed, set(&after) != set(&before));
    let ids: HashSet<&str> = after.iter().map(|member| member.value.as_str()).collect();
    assert_eq!(ids.len(), after.len());
    for change in changes {
        let mut once = before.clone();
        let change = std::slice::from_ref(change);
        patch::change_members(resource_type, &mut once, change);
        assert!(!patch::change_members(resource_type, &mut once, change));
    }
}

fn apply(
    resource_type: &ResourceType,
    document: &mut Document,
    operations: &[Operation],
) -> Result<bool, ScimError> {
    let before = document.clone();
    let result = patch::apply(resource_type, ID, document, operations);
    match &result {
        Ok(true) => {
            assert_ne!(*document, before);
            canonical(resource_type, document);
        }
        Ok(false) => assert_eq!(*document, before),
        Err(error) => {
            assert_eq!(*document, before);
            refused(error, &REFUSALS);
        }
    }
    result
}

/// A request is all or nothing, and what one after the other can do, all together do too.
fn whole(resource_type: &ResourceType, document: &Document, request: &PatchRequest) {
    assert!(request.operations.len() <= limits::PATCH_OPERATIONS * limits::JSON_KEYS);
    let mut together = document.clone();
    let result = apply(resource_type, &mut together, &request.operations);
    let mut in_turn = document.clone();
    let all = request.operations.iter().all(|operation| {
        let operation = std::slice::from_ref(operation);
        apply(resource_type, &mut in_turn, operation).is_ok()
    });
    if all {
        result.clone().expect("each operation was fine");
        assert_eq!(in_turn, together);
    }
    let strictness = Strictness {
        attributes: true,
        paths: true,
    };
    let mut strict = document.clone();
    let operations = &request.operations;
    if patch::apply_with(resource_type, ID, &mut strict, operations, strictness).is_ok() {
        result.expect("what the strict take, the tolerant take too");
        assert_eq!(strict, together);
    }
}

fn twice_is_once(resource_type: &ResourceType, document: &Document, operation: &Operation) {
    let operations = std::slice::from_ref(operation);
    let mut once = document.clone();
    if apply(resource_type, &mut once, operations).is_err() || moves_its_target(operation) {
        return;
    }
    let mut twice = once.clone();
    let result = apply(resource_type, &mut twice, operations);
    assert_eq!(result, Ok(false), "{operation:?} on {once:?}");
}

/// Whether an operation writes to sub-attributes that its own filter asks for, so that it selects others next time.
fn moves_its_target(operation: &Operation) -> bool {
    let Some(filter) = operation.path.filter.as_deref() else {
        return false;
    };
    if operation.kind == OperationKind::Remove {
        return false;
    }
    let mut asked = BTreeSet::new();
    names(filter, &mut asked);
    let mut written: Vec<String> = match (&operation.path.attribute.sub, &operation.value) {
        (Some(sub), _) => vec![sub.to_ascii_lowercase()],
        (None, Some(Value::Object(object))) => keys(object),
        // Text can be that of an object.
        (None, Some(Value::String(text))) if text.starts_with(|first: char| first != '{') => {
            vec!["value".to_owned()]
        }
        (None, _) => return true,
    };
    if written.iter().any(|name| name == "value") {
        written.push("$ref".to_owned());
    }
    written.iter().any(|name| asked.contains(name))
}

fn keys(object: &Document) -> Vec<String> {
    object.keys().map(|key| key.to_ascii_lowercase()).collect()
}

fn names(filter: &Filter, found: &mut BTreeSet<String>) {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => {
            parts.iter().for_each(|part| names(part, found));
        }
        Filter::Not(inner) => names(inner, found),
        Filter::Compare { path, .. } | Filter::Present(path) => {
            found.insert(path.attribute.to_ascii_lowercase());
        }
        Filter::ValuePath { .. } => {}
    }
}
