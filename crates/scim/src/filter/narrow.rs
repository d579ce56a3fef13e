//! Filters over several resource types (RFC 7644 section 3.4.2.1): what a type does not define has no value there.

use serde_json::json;

use super::{CompareOperator, Filter, Narrowed, check};
use crate::{ScimError, path::AttributePath, schema::ResourceType};

pub(super) fn check_any(filter: &Filter, types: &[&ResourceType]) -> Result<(), ScimError> {
    let path = match filter {
        Filter::And(operands) | Filter::Or(operands) => {
            return operands
                .iter()
                .try_for_each(|operand| check_any(operand, types));
        }
        Filter::Not(inner) => return check_any(inner, types),
        Filter::Present(path) | Filter::Compare { path, .. } | Filter::ValuePath { path, .. } => {
            path
        }
    };
    let mut first = None;
    for resource_type in types {
        if path.resolve(resource_type).is_none() {
            continue;
        }
        match check::filter(filter, resource_type) {
            Ok(()) => return Ok(()),
            Err(error) => {
                first.get_or_insert(error);
            }
        }
    }
    first.map_or(Ok(()), Err)
}

pub(super) fn narrow(filter: &Filter, resource_type: &ResourceType) -> Narrowed {
    match filter {
        Filter::And(operands) => {
            let mut kept = Vec::new();
            for operand in operands {
                match narrow(operand, resource_type) {
                    Narrowed::Nothing => return Narrowed::Nothing,
                    Narrowed::Everything => {}
                    Narrowed::Matching(filter) => kept.push(filter),
                }
            }
            joined(kept, Narrowed::Everything, Filter::And)
        }
        Filter::Or(operands) => {
            let mut kept = Vec::new();
            for operand in operands {
                match narrow(operand, resource_type) {
                    Narrowed::Everything => return Narrowed::Everything,
                    Narrowed::Nothing => {}
                    Narrowed::Matching(filter) => kept.push(filter),
                }
            }
            joined(kept, Narrowed::Nothing, Filter::Or)
        }
        Filter::Not(inner) => match narrow(inner, resource_type) {
            Narrowed::Everything => Narrowed::Nothing,
            Narrowed::Nothing => Narrowed::Everything,
            Narrowed::Matching(filter) => Narrowed::Matching(Filter::Not(Box::new(filter))),
        },
        Filter::Compare {
            path,
            operator,
            value,
        } if path.resolve(resource_type).is_none() => constant(match operator {
            CompareOperator::Eq => value.is_null(),
            CompareOperator::Ne => !value.is_null(),
            _ => false,
        }),
        leaf if check::filter(leaf, resource_type).is_err() => Narrowed::Nothing,
        Filter::Compare { path, .. } if is_resource_type(path, resource_type) => {
            let document = json!({"meta": {"resourceType": resource_type.name}});
            let found = document
                .as_object()
                .is_some_and(|document| filter.matches(resource_type, document));
            constant(found)
        }
        leaf => Narrowed::Matching(leaf.clone()),
    }
}

fn constant(matches: bool) -> Narrowed {
    if matches {
        Narrowed::Everything
    } else {
        Narrowed::Nothing
    }
}

fn joined(mut kept: Vec<Filter>, none: Narrowed, join: fn(Vec<Filter>) -> Filter) -> Narrowed {
    match kept.len() {
        0 => none,
        1 => kept.pop().map_or(none, Narrowed::Matching),
        _ => Narrowed::Matching(join(kept)),
    }
}

fn is_resource_type(path: &AttributePath, resource_type: &ResourceType) -> bool {
    path.resolve(resource_type).is_some_and(|found| {
        found.attribute.name == "meta" && found.sub.is_some_and(|sub| sub.name == "resourceType")
    })
}
