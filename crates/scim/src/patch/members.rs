//! Members of a group in request bodies.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{MemberChange, MemberRef, OperationKind};
use crate::{
    Document, ScimError, ScimType,
    deviation::{Deviation, Deviations},
    filter::{CompareOperator, Filter, matches_element},
    normalize::invalid,
    path::Path,
    schema::{Attribute, AttributeType, Mutability, ResourceType},
};

/// Whether an attribute is the list of members, which is kept beside the document.
pub(crate) fn is_members(resource_type: &ResourceType, attribute: &Attribute) -> bool {
    attribute.name == "members"
        && attribute.kind == AttributeType::Complex
        && attribute.multi_valued
        && attribute.mutability == Mutability::ReadWrite
        && resource_type.name == "Group"
}

/// The members in a value: a list, a single member, or bare ids. Each id once, in order.
pub(crate) fn read(value: Value, deviations: &mut Deviations) -> Result<Vec<MemberRef>, ScimError> {
    let values = match value {
        Value::Array(values) => values,
        Value::Null => Vec::new(),
        Value::String(text) if text.is_empty() => {
            deviations.insert(Deviation::EmptyText);
            Vec::new()
        }
        single => {
            deviations.insert(Deviation::SingleForList);
            vec![single]
        }
    };
    let mut seen = HashSet::new();
    let mut members = Vec::with_capacity(values.len());
    for value in values {
        if value.is_null() {
            continue;
        }
        deviations.insert_if(value.is_string(), Deviation::StringForComplex);
        let member = member(&value)?;
        if seen.insert(member.value.clone()) {
            members.push(member);
        }
    }
    Ok(members)
}

fn member(value: &Value) -> Result<MemberRef, ScimError> {
    let missing =
        || invalid("Each of `members` must have a `value`, the id of the member.".to_owned());
    if let Some(id) = value.as_str() {
        return member_ref(id, None).ok_or_else(missing);
    }
    let object = value.as_object().ok_or_else(missing)?;
    let find = |name: &str| {
        let mut found = object
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found.next().and_then(|(_, value)| value.as_str())
    };
    // A reference alone also says who is meant: its last segment is the id.
    let from_reference =
        || find("$ref").and_then(|reference| reference.trim_end_matches('/').rsplit('/').next());
    let id = find("value")
        .filter(|id| !id.is_empty())
        .or_else(from_reference)
        .ok_or_else(missing)?;
    let kind = find("type").and_then(|kind| {
        ["User", "Group"]
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(kind))
    });
    member_ref(id, kind).ok_or_else(missing)
}

fn member_ref(id: &str, kind: Option<&str>) -> Option<MemberRef> {
    let usable = !id.is_empty() && id.len() <= 1024 && !id.chars().any(char::is_control);
    usable.then(|| MemberRef {
        value: id.to_owned(),
        kind: kind.map(str::to_owned),
    })
}

/// See [`super::change_members`].
pub(super) fn change(
    resource_type: &ResourceType,
    members: &mut Vec<MemberRef>,
    changes: &[MemberChange],
) -> bool {
    let before = members.clone();
    for change in changes {
        match change {
            MemberChange::Add(added) => {
                let present: HashSet<String> = ids(members.clone()).into_iter().collect();
                let new = added
                    .iter()
                    .filter(|member| !present.contains(&member.value));
                members.extend(new.cloned());
            }
            MemberChange::Remove(ids) => {
                let gone: HashSet<&str> = ids.iter().map(String::as_str).collect();
                members.retain(|member| !gone.contains(member.value.as_str()));
            }
            MemberChange::RemoveMatching(filter) => {
                if let Some(attribute) = resource_type.attribute("members") {
                    members.retain(|member| !matches_element(filter, attribute, &element(member)));
                }
            }
            MemberChange::Replace(all) => *members = replaced(members, all),
            MemberChange::Clear => members.clear(),
        }
    }
    // Members are a set.
    let set = |members: &[MemberRef]| members.iter().cloned().collect::<HashSet<_>>();
    let changed = set(members) != set(&before);
    if !changed {
        *members = before;
    }
    changed
}

/// The new members; those who stay keep their type when none is given.
fn replaced(present: &[MemberRef], all: &[MemberRef]) -> Vec<MemberRef> {
    let kinds: HashMap<&str, &Option<String>> = present
        .iter()
        .map(|member| (member.value.as_str(), &member.kind))
        .collect();
    let kept = |member: &MemberRef| {
        let known = kinds.get(member.value.as_str()).copied().cloned();
        MemberRef {
            value: member.value.clone(),
            kind: member.kind.clone().or(known.flatten()),
        }
    };
    all.iter().map(kept).collect()
}

fn element(member: &MemberRef) -> Document {
    let value = ("value".to_owned(), member.value.clone().into());
    let kind = member.kind.clone();
    let kind = kind.map(|kind| ("type".to_owned(), kind.into()));
    std::iter::once(value).chain(kind).collect()
}

/// The changes that one operation on `members` asks for.
pub(super) fn changes(
    kind: OperationKind,
    path: &Path,
    value: Option<Value>,
    deviations: &mut Deviations,
) -> Result<Vec<MemberChange>, ScimError> {
    if path.attribute.sub.is_some() {
        if kind != OperationKind::Remove && stays(path, value.as_ref()) {
            return Ok(Vec::new());
        }
        return Err(ScimError::bad_request(
            ScimType::Mutability,
            format!("`{path}` cannot be changed: add or remove the member itself."),
        ));
    }
    match (kind, path.filter.as_deref()) {
        (OperationKind::Remove, Some(filter)) => Ok(vec![match value_terms(filter) {
            Some(ids) => MemberChange::Remove(ids),
            None => MemberChange::RemoveMatching(filter.clone()),
        }]),
        (OperationKind::Remove, None) => Ok(match value {
            None | Some(Value::Null) => {
                deviations.insert(Deviation::ClearMembers);
                vec![MemberChange::Clear]
            }
            // With a value only the named ones go; an empty list removes nobody.
            Some(value) => {
                deviations.insert(Deviation::RemoveWithValue);
                match ids(read(value, deviations)?) {
                    ids if ids.is_empty() => Vec::new(),
                    ids => vec![MemberChange::Remove(ids)],
                }
            }
        }),
        (OperationKind::Add, None) => Ok(match read(value.unwrap_or_default(), deviations)? {
            members if members.is_empty() => Vec::new(),
            members => vec![MemberChange::Add(members)],
        }),
        (OperationKind::Replace, None) => Ok(match read(value.unwrap_or_default(), deviations)? {
            members if members.is_empty() => {
                deviations.insert(Deviation::ClearMembers);
                vec![MemberChange::Clear]
            }
            members => vec![MemberChange::Replace(members)],
        }),
        (OperationKind::Add | OperationKind::Replace, Some(_)) => Err(ScimError::bad_request(
            ScimType::Mutability,
            format!(
                "`{path}` cannot be changed: a member is added or removed as a whole, with the path `members`."
            ),
        )),
    }
}

fn ids(members: Vec<MemberRef>) -> Vec<String> {
    members.into_iter().map(|member| member.value).collect()
}

/// Whether `members[value eq "a"].value` is set to what it is.
fn stays(path: &Path, value: Option<&Value>) -> bool {
    let is_value = path
        .attribute
        .sub
        .as_deref()
        .is_some_and(|sub| sub.eq_ignore_ascii_case("value"));
    let selected = path.filter.as_deref().and_then(value_terms);
    let given = value.and_then(Value::as_str);
    is_value && selected.is_some_and(|ids| ids.iter().map(String::as_str).eq(given))
}

/// The ids of `value eq "a" or value eq "b"`.
fn value_terms(filter: &Filter) -> Option<Vec<String>> {
    match filter {
        Filter::Compare {
            path,
            operator: CompareOperator::Eq,
            value: Value::String(id),
        } if path.attribute.eq_ignore_ascii_case("value") => Some(vec![id.clone()]),
        Filter::Or(terms) => {
            let ids: Option<Vec<Vec<String>>> = terms.iter().map(value_terms).collect();
            ids.map(|ids| ids.into_iter().flatten().collect())
        }
        _ => None,
    }
}
