use serde_json::{Value, json};

use super::Resource;
use crate::{Document, ScimType, schema::SchemaSet};

fn object(value: Value) -> Document {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is not an object"),
    }
}

fn group() -> Resource {
    let body = json!({"displayName": "Weavers", "members": [{"value": "1", "type": "user"}]});
    Resource::create(SchemaSet::group(), "g", object(body), 1).unwrap()
}

#[test]
fn members_are_part_of_a_group() {
    let group_type = SchemaSet::group();
    let mut group = group();
    assert!(!group.document.contains_key("members"));
    assert_eq!(
        group.shown(group_type, "")["members"],
        json!([{"value": "1", "type": "User"}])
    );
    let operations = json!([
        {"op": "add", "path": "members", "value": [{"value": "2"}]},
        {"op": "remove", "path": "members[type eq \"User\"]"},
    ]);
    let body = object(json!({"Operations": operations}));
    assert!(group.patch(group_type, &body, 2).unwrap());
    assert_eq!(
        group.shown(group_type, "")["members"],
        json!([{"value": "2"}])
    );
    let empty = object(json!({"displayName": "Weavers"}));
    assert!(group.replace(group_type, empty, 3).unwrap());
    assert!(!group.shown(group_type, "").contains_key("members"));
    assert_eq!(
        (group.created_us, group.modified_us, group.version),
        (1, 3, 3)
    );
}

#[test]
fn what_changes_nothing_is_no_new_version() {
    let (group_type, before) = (SchemaSet::group(), group());
    let mut after = before.clone();
    let body = object(json!({"members": ["1"], "displayName": "Weavers"}));
    let same = json!({"Operations": [{"op": "replace", "value": body}]});
    assert!(!after.patch(group_type, &object(same), 9).unwrap());
    assert_eq!(after, before);
    let same = json!({"displayName": "Weavers", "members": [{"value": "1", "type": "User"}]});
    assert!(!after.replace(group_type, object(same), 9).unwrap());
    assert_eq!(after, before);
    let wrong = json!({"Operations": [
        {"op": "add", "path": "members", "value": [{"value": "2"}]},
        {"op": "replace", "path": "displayName", "value": 5},
    ]});
    after.patch(group_type, &object(wrong), 9).unwrap_err();
    after.replace(group_type, Document::new(), 9).unwrap_err();
    assert_eq!(after, before);
}

#[test]
fn versions_are_compared() {
    let mut group = group();
    group.version = 3;
    for (header, expected) in [
        ("W/\"3\"", true),
        ("\"3\"", true),
        ("\"2\", W/\"3\"", true),
        ("*", true),
        ("W/\"33\"", false),
        ("3", false),
        ("", false),
    ] {
        assert_eq!(group.is_named_by(header), expected, "{header}");
        assert_eq!(group.check_match(Some(header)).is_ok(), expected);
    }
    assert!(group.check_match(None).is_ok());
    assert_eq!(group.check_match(Some("\"2\"")).unwrap_err().status, 412);
}

#[test]
fn unique_values_are_unique_whatever_their_spelling() {
    let user = |id: &str, name: &str| {
        let body = object(json!({"userName": name}));
        Resource::create(SchemaSet::user(), id, body, 0).unwrap()
    };
    let others = [user("1", "Mira"), user("2", "Ada")];
    let check = |one: &Resource| one.check_unique(SchemaSet::user(), &others);
    let error = check(&user("3", "MIRA")).unwrap_err();
    assert_eq!(
        (error.status, error.scim_type),
        (409, Some(ScimType::Uniqueness))
    );
    assert!(error.detail.contains("username"), "{}", error.detail);
    assert!(check(&user("1", "MIRA")).is_ok());
    assert!(check(&user("3", "Milo")).is_ok());
}
