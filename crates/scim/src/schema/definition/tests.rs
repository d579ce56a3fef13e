use serde_json::{Value, json};

use super::Definition;

fn badge() -> Value {
    json!({
        "schemas": [
            {"id": "urn:mills:params:Badge", "name": "Badge", "description": "An access card", "attributes": [
                {"name": "number", "type": "integer", "uniqueness": "server", "required": true},
                {"name": "doors", "type": "complex", "multiValued": true, "subAttributes": [
                    {"name": "value"}, {"name": "since", "type": "dateTime"}, {"name": "primary", "type": "boolean"}]},
            ]},
            {"id": "urn:mills:params:Shift", "attributes": [{"name": "shift", "canonicalValues": ["early", "late"]}]},
        ],
        "resourceTypes": [
            {"name": "Badge", "endpoint": "/Badges", "schema": "urn:mills:params:badge"},
            {"name": "User", "schemaExtensions": [{"schema": "urn:mills:params:Shift", "required": false}]},
        ],
    })
}

#[test]
fn a_definition_becomes_types_and_its_own_text_again() {
    let definition = Definition::parse(&badge()).unwrap();
    let set = definition.build().unwrap();
    let names: Vec<&str> = set
        .resource_types
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(names, ["User", "Group", "Badge"]);
    let badge = set.at("Badges").unwrap();
    assert_eq!(badge.schema.name, "Badge");
    assert!(
        badge
            .attribute("doors")
            .unwrap()
            .sub_attribute("SINCE")
            .is_some()
    );
    let user = set.named("user").unwrap();
    assert_eq!(user.extensions.len(), 2);
    assert_eq!(definition.schemas[1].name, "Shift");
    let again = Definition::parse(&definition.to_json()).unwrap();
    assert_eq!(again, definition);
}

/// Changes one place of the good definition and expects a refusal that names it.
fn check(pointer: &str, value: Value, expected: &str) {
    let mut changed = badge();
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    match changed.pointer_mut(parent).unwrap() {
        Value::Array(items) => items.push(value),
        parent => parent[last] = value,
    }
    let error = Definition::parse(&changed).unwrap_err();
    assert_eq!(error.status, 400);
    assert!(
        error.detail.contains(expected),
        "{pointer}: {}",
        error.detail
    );
}

#[test]
fn mistakes_in_schemas_are_named_with_their_place() {
    check(
        "/schemas/0/id",
        json!("badge"),
        "`schemas[0].id` must be a URN",
    );
    check(
        "/schemas/0/id",
        json!("urn:mills:a b"),
        "`schemas[0].id` must be a URN",
    );
    check(
        "/schemas/0/id",
        json!("urn:ietf:params:scim:schemas:core:2.0:user"),
        "fixed by the standard",
    );
    check(
        "/schemas/1/id",
        json!("URN:mills:params:badge"),
        "defined twice",
    );
    let attribute = "/schemas/0/attributes/0";
    for (name, value, expected) in [
        (
            "type",
            json!("number"),
            "`schemas[0].attributes[0].type` is one of string",
        ),
        ("name", json!("1st"), "`schemas[0].attributes[0].name`"),
        ("name", json!("Doors"), "defined twice"),
        ("name", json!("members"), "fixed meaning"),
        (
            "requird",
            json!(true),
            "`schemas[0].attributes[0].requird` is unknown",
        ),
        ("required", json!("yes"), "true or false"),
        ("subAttributes", json!([{"name": "x"}]), "only for complex"),
        ("mutability", json!("writeOnly"), "must be `never`"),
    ] {
        check(&format!("{attribute}/{name}"), value, expected);
    }
    check(
        "/schemas/0/attributes/1/subAttributes",
        json!([]),
        "is required for a complex",
    );
    check(
        "/schemas/0/attributes/1/uniqueness",
        json!("server"),
        "must be `none`",
    );
    check(
        "/schemas/0/attributes/1/subAttributes/0/type",
        json!("complex"),
        "cannot be complex within",
    );
    check(
        "/schemas/1/attributes/0/name",
        json!("nickName"),
        "is an attribute of User itself",
    );
    check("/schemas/1/attributes", json!([]), "at least one attribute");
}

#[test]
fn mistakes_in_resource_types_are_named_with_their_place() {
    check("/resourceTypes/0/endpoint", json!("/Users"), "is taken");
    check(
        "/resourceTypes/0/endpoint",
        json!("/a/b"),
        "`resourceTypes[0].endpoint`",
    );
    check(
        "/resourceTypes/0/schema",
        json!("urn:mills:params:none"),
        "does not define",
    );
    check(
        "/resourceTypes/0/name",
        json!("group"),
        "Write the resource type",
    );
    check(
        "/resourceTypes/1/name",
        json!("Badge"),
        "`resourceTypes[1].endpoint` is required",
    );
    check("/resourceTypes/-", json!({"name": "User"}), "defined twice");
    check(
        "/resourceTypes/1/schemaExtensions/-",
        json!({"schema": "urn:mills:params:SHIFT"}),
        "already",
    );
    check("/more", json!(1), "`more` is unknown");
    assert!(Definition::parse(&json!([])).is_err());
}

#[test]
fn only_what_changes_the_meaning_of_values_counts() {
    let base = Definition::parse(&badge()).unwrap();
    let attribute = |changed: &Definition| changed.schemas[0].attributes[1].clone();
    let mut changed = badge();
    changed["schemas"][0]["attributes"][1]["description"] = json!("where it opens");
    changed["schemas"][0]["attributes"][1]["subAttributes"][0]["required"] = json!(true);
    let harmless = attribute(&Definition::parse(&changed).unwrap());
    assert!(attribute(&base).reads_like(&harmless));
    changed["schemas"][0]["attributes"][1]["subAttributes"][1]["type"] = json!("string");
    let other = attribute(&Definition::parse(&changed).unwrap());
    assert!(!attribute(&base).reads_like(&other));
}
