//! Whether a document matches a filter.

use serde_json::Value;

use super::{CompareOperator, Filter};
use crate::{
    Document,
    path::{AttributePath, Resolved},
    schema::{Attribute, AttributeType, ResourceType},
    value,
};

pub(super) fn matches(filter: &Filter, resource_type: &ResourceType, document: &Document) -> bool {
    match filter {
        Filter::And(operands) => operands
            .iter()
            .all(|operand| matches(operand, resource_type, document)),
        Filter::Or(operands) => operands
            .iter()
            .any(|operand| matches(operand, resource_type, document)),
        Filter::Not(inner) => !matches(inner, resource_type, document),
        Filter::Compare {
            path,
            operator,
            value,
        } => {
            let resolved = path.resolve(resource_type).filter(is_readable);
            resolved.is_some_and(|resolved| {
                let found = leaf_values(&resolved, document);
                compare(resolved.leaf(), *operator, value, &found)
            })
        }
        Filter::Present(path) => {
            let resolved = path.resolve(resource_type).filter(is_readable);
            resolved.is_some_and(|resolved| {
                leaf_values(&resolved, document)
                    .into_iter()
                    .any(is_assigned)
            })
        }
        Filter::ValuePath { path, filter } => {
            let resolved = path.resolve(resource_type).filter(is_readable);
            resolved.is_some_and(|resolved| {
                elements(resolved.extension, resolved.attribute, document)
                    .filter_map(Value::as_object)
                    .any(|element| matches_element(filter, resolved.attribute, element))
            })
        }
    }
}

/// Whether one value of a complex attribute matches a filter in brackets.
pub(crate) fn matches_element(filter: &Filter, attribute: &Attribute, element: &Document) -> bool {
    match filter {
        Filter::And(operands) => operands
            .iter()
            .all(|operand| matches_element(operand, attribute, element)),
        Filter::Or(operands) => operands
            .iter()
            .any(|operand| matches_element(operand, attribute, element)),
        Filter::Not(inner) => !matches_element(inner, attribute, element),
        Filter::Compare {
            path,
            operator,
            value,
        } => readable_sub_attribute(attribute, path).is_some_and(|sub| {
            let found: Vec<&Value> = element.get(&sub.name).into_iter().collect();
            compare(sub, *operator, value, &found)
        }),
        Filter::Present(path) => readable_sub_attribute(attribute, path)
            .and_then(|sub| element.get(&sub.name))
            .is_some_and(is_assigned),
        Filter::ValuePath { .. } => false,
    }
}

fn readable_sub_attribute<'a>(
    attribute: &'a Attribute,
    path: &AttributePath,
) -> Option<&'a Attribute> {
    let sub = attribute.sub_attribute(&path.attribute);
    sub.filter(|sub| !sub.is_secret())
}

fn is_readable(resolved: &Resolved<'_>) -> bool {
    !resolved.is_secret()
}

/// The values of an attribute; a single value counts as a list of one.
pub(crate) fn elements<'d>(
    extension: Option<&str>,
    attribute: &Attribute,
    document: &'d Document,
) -> impl Iterator<Item = &'d Value> {
    let container = match extension {
        None => Some(document),
        Some(urn) => document.get(urn).and_then(Value::as_object),
    };
    match container.and_then(|container| container.get(&attribute.name)) {
        Some(Value::Array(values)) => values.as_slice(),
        Some(value) => std::slice::from_ref(value),
        None => &[],
    }
    .iter()
}

/// The values that a path compares, in document order.
pub(crate) fn leaf_values<'d>(resolved: &Resolved<'_>, document: &'d Document) -> Vec<&'d Value> {
    let leaf = resolved.leaf();
    let all = elements(resolved.extension, resolved.attribute, document);
    if std::ptr::eq(leaf, resolved.attribute) {
        return all.collect();
    }
    all.filter_map(|element| element.get(&leaf.name)).collect()
}

/// `pr`: not null, not an empty string, and not made of such (RFC 7644 table 3).
pub(crate) fn is_assigned(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => values.iter().any(is_assigned),
        Value::Object(members) => members.values().any(is_assigned),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

fn compare(leaf: &Attribute, operator: CompareOperator, literal: &Value, found: &[&Value]) -> bool {
    use CompareOperator::{Co, Eq, Ew, Ge, Gt, Le, Lt, Ne, Sw};
    if literal.is_null() {
        let assigned = found.iter().any(|value| !value.is_null());
        return match operator {
            Eq => !assigned,
            Ne => assigned,
            _ => false,
        };
    }
    let wanted = match (operator, literal.as_str()) {
        (Co | Sw | Ew, Some(text)) => value::pattern_key(leaf, text),
        (Co | Sw | Ew, None) => None,
        _ => value::key(leaf, literal),
    };
    let Some(wanted) = wanted.filter(|_| is_possible(leaf, operator)) else {
        return false;
    };
    let holds = |key: &String| match operator {
        Eq => *key == wanted,
        Ne => *key != wanted,
        Co => key.contains(&wanted),
        Sw => key.starts_with(&wanted),
        Ew => key.ends_with(&wanted),
        Gt => *key > wanted,
        Ge => *key >= wanted,
        Lt => *key < wanted,
        Le => *key <= wanted,
    };
    let mut keys = found
        .iter()
        .filter_map(|value| value::key(leaf, value))
        .peekable();
    if keys.peek().is_none() {
        return operator == Ne;
    }
    keys.any(|key| holds(&key))
}

fn is_possible(leaf: &Attribute, operator: CompareOperator) -> bool {
    let is_ordered = !matches!(leaf.kind, AttributeType::Boolean | AttributeType::Binary);
    is_ordered || matches!(operator, CompareOperator::Eq | CompareOperator::Ne)
}
