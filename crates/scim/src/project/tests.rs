use serde_json::{Value, json};

use super::Projection;
use crate::schema::SchemaSet;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn person() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": "7b1c",
        "userName": "mira",
        "password": "secret-1",
        "name": {"givenName": "Mira", "familyName": "Okafor"},
        "emails": [{"value": "a@b", "type": "work"}, {"value": "h@b"}],
        (ENTERPRISE): {"department": "Weaving", "manager": {"value": "41cc"}},
        "meta": {"resourceType": "User", "location": "Users/7b1c"},
    })
}

#[track_caller]
fn check(attributes: Option<&str>, excluded: Option<&str>, kept: &[&str], gone: &[&str]) {
    let projection = Projection::from_parameters(attributes, excluded).unwrap();
    let Value::Object(mut document) = person() else {
        panic!("not an object")
    };
    projection.apply(SchemaSet::user(), &mut document);
    let document = Value::Object(document);
    for pointer in ["/id", "/schemas"].iter().chain(kept) {
        assert!(
            document.pointer(pointer).is_some(),
            "{pointer} is gone: {document}"
        );
    }
    for pointer in ["/password"].iter().chain(gone) {
        assert!(
            document.pointer(pointer).is_none(),
            "{pointer} is there: {document}"
        );
    }
}

#[test]
fn attributes_select() {
    check(
        None,
        None,
        &["/userName", "/meta/location", "/emails/1"],
        &[],
    );
    check(
        Some(" USERNAME , emails.type"),
        None,
        &["/userName", "/emails/0/type"],
        &["/emails/0/value", "/emails/1", "/meta", "/name"],
    );
    check(Some("password"), None, &[], &["/userName"]);
    check(Some("shoeSize"), None, &[], &["/userName"]);
    check(
        Some("name,name.givenName"),
        None,
        &["/name/familyName"],
        &[],
    );
    check(
        Some("name.givenName,name"),
        None,
        &["/name/familyName"],
        &[],
    );
    check(
        Some("meta.location"),
        None,
        &["/meta/location"],
        &["/meta/resourceType"],
    );
    check(Some(" , "), None, &["/userName"], &[]);
    let department = format!("/{ENTERPRISE}/department");
    let manager = format!("/{ENTERPRISE}/manager");
    check(
        Some(&format!("{ENTERPRISE}:department")),
        None,
        &[&department],
        &[&manager, "/userName"],
    );
    check(
        Some(&ENTERPRISE.to_uppercase()),
        None,
        &[&department, &manager],
        &["/userName"],
    );
    check(
        Some("urn:scim:schemas:extension:enterprise:1.0"),
        None,
        &[&department, &manager],
        &["/userName"],
    );
    check(
        Some("urn:ietf:params:scim:schemas:core:2.0:User:userName"),
        None,
        &["/userName"],
        &["/name"],
    );
    check(
        Some("urn:ietf:params:scim:schemas:core:2.0:User"),
        None,
        &["/userName", "/name"],
        &[&department],
    );
}

#[test]
fn excluded_attributes_go() {
    let manager = format!("/{ENTERPRISE}/manager");
    let department = format!("/{ENTERPRISE}/department");
    check(
        None,
        Some("id,schemas,emails,NAME.familyname"),
        &["/userName", "/name/givenName"],
        &["/emails", "/name/familyName"],
    );
    check(
        None,
        Some("meta.location"),
        &["/meta/resourceType"],
        &["/meta/location"],
    );
    check(
        None,
        Some(&format!("{ENTERPRISE}:manager.value")),
        &[&department],
        &[&manager],
    );
    check(None, Some(ENTERPRISE), &["/userName"], &[&department]);
    check(None, Some("shoeSize"), &["/userName"], &[]);
}

#[test]
fn both_at_once_are_refused() {
    let error = Projection::from_parameters(Some("id"), Some("name")).unwrap_err();
    assert_eq!(error.body()["scimType"], "invalidValue");
    assert!(Projection::from_parameters(Some("id"), Some("")).is_ok());
}

#[test]
fn the_store_learns_what_it_need_not_read() {
    let check = |attributes: Option<&str>, excluded: Option<&str>, expected: bool| {
        let projection = Projection::from_parameters(attributes, excluded).unwrap();
        assert_eq!(projection.includes(SchemaSet::group(), "members"), expected);
        assert!(projection.includes(SchemaSet::group(), "id"));
        assert!(!projection.includes(SchemaSet::group(), "password"));
    };
    check(None, None, true);
    check(None, Some("Members"), false);
    check(None, Some("members.display"), true);
    check(Some("displayName"), None, false);
    check(Some("members.value"), None, true);
    check(
        Some("urn:ietf:params:scim:schemas:core:2.0:Group:members"),
        None,
        true,
    );
}
