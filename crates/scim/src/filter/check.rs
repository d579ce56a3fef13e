//! Whether a filter makes sense for a resource type.

use serde_json::Value;

use super::{CompareOperator, Filter};
use crate::{
    ScimError, ScimType,
    path::AttributePath,
    schema::{Attribute, AttributeType, ResourceType},
    value,
};

pub(super) fn filter(filter: &Filter, resource_type: &ResourceType) -> Result<(), ScimError> {
    match filter {
        Filter::And(operands) | Filter::Or(operands) => operands
            .iter()
            .try_for_each(|operand| self::filter(operand, resource_type)),
        Filter::Not(inner) => self::filter(inner, resource_type),
        Filter::Compare {
            path,
            operator,
            value,
        } => {
            let resolved = path
                .resolve(resource_type)
                .ok_or_else(|| unknown(path, resource_type))?;
            guard(resolved.is_secret(), path)?;
            if let (Some(sub), None) = (resolved.sub, resolved.extension) {
                computed(resolved.attribute, sub)?;
            }
            comparison(resolved.leaf(), *operator, value, &path.to_string())
        }
        Filter::Present(path) => {
            let resolved = path
                .resolve(resource_type)
                .ok_or_else(|| unknown(path, resource_type))?;
            guard(resolved.is_secret(), path)
        }
        Filter::ValuePath { path, filter } => {
            let resolved = path
                .resolve(resource_type)
                .ok_or_else(|| unknown(path, resource_type))?;
            guard(resolved.is_secret(), path)?;
            if resolved.sub.is_some() {
                return Err(refuse(format!(
                    "`{path}` cannot have brackets: it is a sub-attribute."
                )));
            }
            inside(filter, resolved.attribute)
        }
    }
}

/// Checks a filter in brackets against the sub-attributes of an attribute.
pub(crate) fn inside(filter: &Filter, attribute: &Attribute) -> Result<(), ScimError> {
    if attribute.kind != AttributeType::Complex {
        return Err(refuse(format!(
            "`{}` cannot have brackets: it has no sub-attributes.",
            attribute.name
        )));
    }
    let sub_attribute = |path: &AttributePath| {
        let sub = attribute
            .sub_attribute(&path.attribute)
            .filter(|_| path.sub.is_none() && path.schema.is_none())
            .ok_or_else(|| {
                refuse(format!(
                    "`{}` has no sub-attribute `{path}`.",
                    attribute.name
                ))
            })?;
        guard(sub.is_secret(), path)?;
        computed(attribute, sub).map(|()| sub)
    };
    match filter {
        Filter::And(operands) | Filter::Or(operands) => operands
            .iter()
            .try_for_each(|operand| inside(operand, attribute)),
        Filter::Not(inner) => inside(inner, attribute),
        Filter::Compare {
            path,
            operator,
            value,
        } => {
            let shown = format!("{}.{path}", attribute.name);
            comparison(sub_attribute(path)?, *operator, value, &shown)
        }
        Filter::Present(path) => sub_attribute(path).map(|_| ()),
        Filter::ValuePath { .. } => Err(refuse(
            "Brackets cannot stand inside of brackets.".to_owned(),
        )),
    }
}

/// URIs of resources are made when they are sent, so that nothing can be found by them.
fn computed(attribute: &Attribute, sub: &Attribute) -> Result<(), ScimError> {
    let instead = match (attribute.name.as_str(), sub.name.as_str()) {
        ("meta", "location") => "id",
        ("members", "$ref") => "members.value",
        ("groups", "$ref") => "groups.value",
        _ => return Ok(()),
    };
    Err(refuse(format!(
        "`{}.{}` cannot be used in a filter; filter by `{instead}`.",
        attribute.name, sub.name
    )))
}

/// A secret must not be guessed by searching for it.
fn guard(is_secret: bool, path: &AttributePath) -> Result<(), ScimError> {
    if is_secret {
        return Err(refuse(format!("`{path}` cannot be used in a filter.")));
    }
    Ok(())
}

fn comparison(
    leaf: &Attribute,
    operator: CompareOperator,
    literal: &Value,
    shown: &str,
) -> Result<(), ScimError> {
    use CompareOperator::{Co, Eq, Ew, Ne, Sw};
    let is_identity = matches!(operator, Eq | Ne);
    if literal.is_null() {
        return if is_identity {
            Ok(())
        } else {
            Err(refuse(format!(
                "Only eq and ne can be used with null, as for `{shown}`."
            )))
        };
    }
    let is_pattern = matches!(operator, Co | Sw | Ew);
    let (allowed, expected) = match leaf.kind {
        AttributeType::Complex => {
            return Err(refuse(format!(
                "`{shown}` is complex: name one of its sub-attributes."
            )));
        }
        AttributeType::String | AttributeType::Reference => (true, "a string in double quotes"),
        AttributeType::Boolean => (is_identity, "true or false"),
        AttributeType::Integer => (!is_pattern, "a whole number"),
        AttributeType::Decimal => (!is_pattern, "a number"),
        AttributeType::DateTime => (true, "a date and time such as \"2026-11-24T20:30:40Z\""),
        AttributeType::Binary => (is_identity, "a string in base64"),
    };
    if !allowed {
        let (operator, kind) = (operator.as_str(), leaf.kind.as_str());
        return Err(refuse(format!(
            "`{operator}` cannot be used with `{shown}`, which is a {kind}."
        )));
    }
    let fits = match (is_pattern, literal.as_str()) {
        (true, Some(text)) => value::pattern_key(leaf, text).is_some(),
        _ => value::key(leaf, literal).is_some(),
    };
    if fits {
        Ok(())
    } else {
        Err(refuse(format!(
            "`{shown}` must be compared with {expected}."
        )))
    }
}

fn unknown(path: &AttributePath, resource_type: &ResourceType) -> ScimError {
    refuse(format!(
        "`{path}` is not an attribute of {}.",
        resource_type.name
    ))
}

fn refuse(detail: String) -> ScimError {
    ScimError::bad_request(ScimType::InvalidFilter, detail)
}
