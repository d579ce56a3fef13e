//! Conditions on addresses of resources, which are made when a resource is sent and stored nowhere: they become
//! conditions on ids.

use serde_json::Value;

use super::{CompareOperator, Filter};
use crate::path::AttributePath;

pub(super) fn by_id(filter: Filter, base_url: &str) -> Filter {
    match filter {
        Filter::And(operands) => Filter::And(all(operands, base_url)),
        Filter::Or(operands) => Filter::Or(all(operands, base_url)),
        Filter::Not(inner) => Filter::Not(Box::new(by_id(*inner, base_url))),
        Filter::Compare {
            path,
            operator: operator @ (CompareOperator::Eq | CompareOperator::Ne),
            value: Value::String(text),
        } => {
            let instead = instead(&path);
            let value = match instead {
                Some(_) => id(&text, base_url).to_owned(),
                None => text,
            };
            Filter::Compare {
                path: instead.unwrap_or(path),
                operator,
                value: value.into(),
            }
        }
        Filter::ValuePath { path, filter } if is_references(&path) && path.sub.is_none() => {
            let inner = inside(*filter, base_url);
            Filter::ValuePath {
                path,
                filter: Box::new(inner),
            }
        }
        other => other,
    }
}

fn all(operands: Vec<Filter>, base_url: &str) -> Vec<Filter> {
    operands
        .into_iter()
        .map(|operand| by_id(operand, base_url))
        .collect()
}

/// The same within the brackets of `members[…]` and `groups[…]`.
fn inside(filter: Filter, base_url: &str) -> Filter {
    let each = |operands: Vec<Filter>| {
        operands
            .into_iter()
            .map(|operand| inside(operand, base_url))
            .collect()
    };
    match filter {
        Filter::And(operands) => Filter::And(each(operands)),
        Filter::Or(operands) => Filter::Or(each(operands)),
        Filter::Not(inner) => Filter::Not(Box::new(inside(*inner, base_url))),
        Filter::Compare {
            mut path,
            operator: operator @ (CompareOperator::Eq | CompareOperator::Ne),
            value: Value::String(text),
        } if path.attribute.eq_ignore_ascii_case("$ref") => {
            path.attribute = "value".to_owned();
            let value = id(&text, base_url).into();
            Filter::Compare {
                path,
                operator,
                value,
            }
        }
        other => other,
    }
}

fn is_references(path: &AttributePath) -> bool {
    ["members", "groups"]
        .iter()
        .any(|name| path.attribute.eq_ignore_ascii_case(name))
}

/// `id` for `meta.location`, `members.value` for `members.$ref`.
fn instead(path: &AttributePath) -> Option<AttributePath> {
    let sub = path.sub.as_deref()?;
    if path.attribute.eq_ignore_ascii_case("meta") && sub.eq_ignore_ascii_case("location") {
        return Some(AttributePath {
            attribute: "id".to_owned(),
            sub: None,
            schema: path.schema.clone(),
        });
    }
    let is_address = is_references(path) && sub.eq_ignore_ascii_case("$ref");
    is_address.then(|| AttributePath {
        sub: Some("value".to_owned()),
        ..path.clone()
    })
}

/// The id in an address below the root, or in a relative one; another server's address stays, and is nobody's id.
fn id<'t>(address: &'t str, base_url: &str) -> &'t str {
    let relative = address.strip_prefix(base_url).unwrap_or(address);
    if relative.contains("://") {
        return address;
    }
    relative.rsplit('/').next().unwrap_or(relative)
}
