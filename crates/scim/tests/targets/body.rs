//! The body of a POST or a PUT.

use serde_json::Value;
use tenure_scim::{
    Document, ScimType,
    filter::{CompareOperator, Filter},
    index,
    json::parse_object,
    limits,
    path::AttributePath,
    project::Projection,
    schema::{Attribute, AttributeType, Mutability, ResourceType, Returned, Schema},
    validate,
};

use super::{fixtures, refused};

pub(super) const REFUSALS: [ScimType; 2] = [ScimType::InvalidValue, ScimType::InvalidSyntax];

pub(super) fn run(input: &[u8]) {
    let body = match parse_object(input) {
        Ok(body) => body,
        Err(error) => return refused(&error, &[ScimType::InvalidSyntax]),
    };
    within_limits(&body);
    for resource_type in fixtures::resource_types() {
        check(resource_type, &body);
    }
}

/// The limits hold, and what was read is read again from what is written.
pub(super) fn within_limits(body: &Document) {
    let body = Value::Object(body.clone());
    assert!(depth(&body) <= limits::JSON_DEPTH);
    let written = body.to_string();
    let again = parse_object(written.as_bytes()).map(Value::Object);
    assert_eq!(again.as_ref(), Ok(&body));
    assert_eq!(body.to_string(), written);
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn check(resource_type: &ResourceType, body: &Document) {
    let current = validate::create(resource_type, fixtures::body(resource_type));
    let current = current.expect("a valid fixture").document;
    match validate::replace(resource_type, &current, body.clone()) {
        Ok(replaced) => canonical(resource_type, &replaced.document),
        Err(error) => refused(&error, &[&REFUSALS[..], &[ScimType::Mutability]].concat()),
    }
    create(resource_type, body);
}

/// Checks a body as that of a POST.
pub(super) fn create(resource_type: &ResourceType, body: &Document) {
    let created = match validate::create(resource_type, body.clone()) {
        Ok(created) => created,
        Err(error) => return refused(&error, &REFUSALS),
    };
    let document = &created.document;
    canonical(resource_type, document);
    for member in created.members.iter().flatten() {
        assert!(!member.value.is_empty());
        assert!(!member.value.chars().any(char::is_control));
    }
    indexed(resource_type, document);
}

/// What is stored is valid, stays what it is, and contains nothing that is kept elsewhere or not at all.
pub(super) fn canonical(resource_type: &ResourceType, document: &Document) {
    let again = validate::create(resource_type, document.clone()).expect("a valid document");
    assert_eq!(again.ignored, Vec::<String>::new());
    assert_eq!(again.members, None);
    assert!(again.deviations.is_empty(), "{:?}", again.deviations);
    same(&again.document, document);
    let replaced = validate::replace(resource_type, document, document.clone());
    same(&replaced.expect("a valid document").document, document);
    for name in ["id", "meta"] {
        assert!(!document.contains_key(name), "{name}");
    }
    if resource_type.name == "Group" {
        assert!(!document.contains_key("members"));
    }
    no_dropped(&resource_type.schema, document);
    for extension in &resource_type.extensions {
        let part = document.get(&extension.schema.id);
        let part = part.and_then(Value::as_object).cloned();
        no_dropped(&extension.schema, &part.unwrap_or_default());
    }
    nothing_secret_is_shown(resource_type, document);
}

/// What only the server writes and what nobody may read is not kept.
fn no_dropped(schema: &Schema, kept: &Document) {
    without(schema, kept, |attribute| {
        attribute.returned == Returned::Never || attribute.mutability == Mutability::ReadOnly
    });
}

/// Equal, also in order.
#[track_caller]
fn same(left: &Document, right: &Document) {
    let text = |document: &Document| Value::Object(document.clone()).to_string();
    assert_eq!(text(left), text(right));
}

fn nothing_secret_is_shown(resource_type: &ResourceType, document: &Document) {
    let mut shown = fixtures::shown(resource_type, document);
    Projection::default().apply(resource_type, &mut shown);
    no_secret(&resource_type.schema, &shown);
    for extension in &resource_type.extensions {
        let part = shown.get(&extension.schema.id).and_then(Value::as_object);
        no_secret(&extension.schema, part.unwrap_or(&Document::new()));
    }
}

fn no_secret(schema: &Schema, shown: &Document) {
    without(schema, shown, |attribute| {
        attribute.returned == Returned::Never
    });
}

/// No attribute or sub-attribute of a kind has a value.
fn without(schema: &Schema, document: &Document, is_of_kind: impl Fn(&Attribute) -> bool) {
    for attribute in &schema.attributes {
        let value = document.get(&attribute.name);
        assert!(value.is_none() || !is_of_kind(attribute));
        let elements = match value {
            Some(Value::Array(elements)) => elements.as_slice(),
            single => single.map(std::slice::from_ref).unwrap_or_default(),
        };
        for sub in attribute
            .sub_attributes
            .iter()
            .filter(|sub| is_of_kind(sub))
        {
            assert!(
                elements
                    .iter()
                    .all(|element| element.get(&sub.name).is_none())
            );
        }
    }
}

/// What is indexed is found by a filter, and nothing secret is indexed.
fn indexed(resource_type: &ResourceType, document: &Document) {
    for entry in index::entries(resource_type, document) {
        assert!(entry.key.chars().count() <= limits::INDEX_KEY_CHARS);
        let path = AttributePath::parse(&entry.attribute).expect("an index name is a path");
        let leaf = path.resolve(resource_type).expect("a known name").leaf();
        assert_ne!(leaf.returned, Returned::Never, "{}", entry.attribute);
        let is_text = matches!(leaf.kind, AttributeType::String | AttributeType::Reference);
        if !is_text {
            continue;
        }
        let operator = if entry.key.chars().count() < limits::INDEX_KEY_CHARS {
            CompareOperator::Eq
        } else {
            CompareOperator::Sw
        };
        let filter = Filter::Compare {
            path,
            operator,
            value: entry.key.into(),
        };
        assert!(filter.matches(resource_type, document), "{filter}");
    }
    for entry in index::unique(resource_type, document) {
        assert!(!entry.key.contains(char::is_control), "{}", entry.attribute);
    }
}
