use serde_json::{Value, json};

use super::{cut, entries, sort_key, unique};
use crate::{Document, limits, path::AttributePath, schema::SchemaSet};

fn person() -> Document {
    let person = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "externalId": "Ext-1",
        "userName": "Mira",
        "active": true,
        "title": "",
        "emails": [{"value": "A@B", "type": "work"}, {"value": "h@b", "primary": true}],
        "x509Certificates": [{"value": "AAAA"}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"manager": {"value": "X1"}},
    });
    match person {
        Value::Object(person) => person,
        other => panic!("{other} is not an object"),
    }
}

#[test]
fn every_simple_value_is_listed_once() {
    let found: Vec<(String, String, u32)> = entries(SchemaSet::user(), &person())
        .into_iter()
        .map(|entry| (entry.attribute, entry.key, entry.element))
        .collect();
    let expected = [
        ("externalid", "Ext-1", 0),
        ("username", "mira", 0),
        ("title", "", 0),
        ("active", "true", 0),
        ("emails.value", "a@b", 0),
        ("emails.type", "work", 0),
        ("emails.value", "h@b", 1),
        ("emails.primary", "true", 1),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user:manager.value",
            "X1",
            0,
        ),
    ];
    let expected: Vec<_> = expected
        .map(|(attribute, key, element)| (attribute.to_owned(), key.to_owned(), element))
        .to_vec();
    assert_eq!(found, expected);
}

#[test]
fn long_keys_are_cut_between_characters() {
    let long = "é".repeat(limits::INDEX_KEY_CHARS + 1);
    assert_eq!(cut(long).chars().count(), limits::INDEX_KEY_CHARS);
    let short = "é".repeat(limits::INDEX_KEY_CHARS);
    assert_eq!(cut(short.clone()), short);
}

#[test]
fn unique_values_keep_their_spelling_beside_the_key() {
    let found = unique(SchemaSet::user(), &person());
    assert_eq!(found.len(), 1);
    let entry = found.first().unwrap();
    assert_eq!(
        (
            entry.attribute.as_str(),
            entry.key.as_str(),
            entry.shown.as_str()
        ),
        ("username", "mira", "Mira")
    );
    let mut group = Document::new();
    group.insert("displayName".to_owned(), "Leads".into());
    assert_eq!(unique(SchemaSet::group(), &group), []);
}

#[test]
fn sorting_takes_the_primary_value() {
    let key = |name: &str| {
        let path = AttributePath::parse(name).unwrap();
        sort_key(path.resolve(SchemaSet::user()).unwrap(), &person())
    };
    assert_eq!(key("emails").as_deref(), Some("h@b"));
    assert_eq!(key("emails.type"), None);
    assert_eq!(key("userName").as_deref(), Some("mira"));
    assert_eq!(key("nickName"), None);
}
