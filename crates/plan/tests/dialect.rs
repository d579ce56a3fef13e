//! Operations on the wire, in strict RFC 7644.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may unwrap as tests do"
)]

use serde_json::{Map, Value, json};
use tenure_plan::{
    Action, Change, Operation,
    config::ObjectKind,
    dialect::{Dialect, Method, Request, match_request, read_request, requests},
};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn change(attribute: &str, before: Value, after: Value) -> Change {
    let optional = |value: Value| Some(value).filter(|value| !value.is_null());
    Change {
        attribute: attribute.to_owned(),
        before: optional(before),
        after: optional(after),
        added: Vec::new(),
        redacted: false,
    }
}

fn operation(
    kind: ObjectKind,
    action: Action,
    changes: Vec<Change>,
    known_after: Value,
) -> Operation {
    let Value::Object(known_after) = known_after else {
        panic!("known_after must be an object")
    };
    Operation {
        kind,
        action,
        source_id: "s".to_owned(),
        target_id: (action != Action::Create).then(|| "t/1".to_owned()),
        display_name: "Ada Okafor".to_owned(),
        changes,
        known_after,
        add_members: Vec::new(),
        remove_members: Vec::new(),
        reason: String::new(),
        unresolved: Vec::new(),
        unmanage_after: false,
    }
}

fn one(operation: &Operation) -> Request {
    let mut all = requests(&Dialect::default(), operation);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[track_caller]
fn check_patch(changes: Vec<Change>, known_after: Value, wanted: &Value) {
    let request = one(&operation(
        ObjectKind::User,
        Action::Update,
        changes,
        known_after,
    ));
    assert_eq!(
        (request.method, request.path.as_str()),
        (Method::Patch, "Users/t%2F1")
    );
    let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": wanted });
    assert_eq!(request.body, Some(body));
}

#[test]
fn create_nests_values() {
    let set = |attribute: &str, value: Value| change(attribute, Value::Null, value);
    let changes = vec![
        set("userName", json!("ada@example.org")),
        set("active", json!(true)),
        set("emails[type eq \"work\"].value", json!("ada@example.org")),
        set("emails[type eq \"other\"].value", json!("ada@home.example")),
        set("name.givenName", json!("Ada")),
        set("name.familyName", json!("Okafor")),
        set("addresses[type eq \"work\"].locality", json!("Lagos")),
        set("addresses[type eq \"work\"].country", json!("NG")),
        set(&format!("{ENTERPRISE}:department"), json!("Sales")),
        set(&format!("{ENTERPRISE}:manager"), json!("t-9")),
        set("urn:example:2.0:User:shoe.size", json!("44")),
        set("externalId", json!("s")),
        set("title", Value::Null),
    ];
    let request = one(&operation(
        ObjectKind::User,
        Action::Create,
        changes,
        json!({}),
    ));
    assert_eq!(
        (request.method, request.path.as_str()),
        (Method::Post, "Users")
    );
    let wanted = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE, "urn:example:2.0:User"],
        "userName": "ada@example.org",
        "active": true,
        "emails": [{ "type": "work", "value": "ada@example.org", "primary": true }, { "type": "other", "value": "ada@home.example" }],
        "name": { "givenName": "Ada", "familyName": "Okafor" },
        "addresses": [{ "type": "work", "locality": "Lagos", "country": "NG" }],
        ENTERPRISE: { "department": "Sales", "manager": { "value": "t-9" } },
        "urn:example:2.0:User": { "shoe": { "size": "44" } },
        "externalId": "s"
    });
    assert_eq!(request.body, Some(wanted));
}

#[test]
fn primary_is_not_set_twice() {
    let changes = vec![
        change("emails[type eq \"work\"].value", Value::Null, json!("a@x")),
        change("emails[type eq \"home\"].primary", Value::Null, json!(true)),
    ];
    let body = one(&operation(
        ObjectKind::User,
        Action::Create,
        changes,
        json!({}),
    ))
    .body
    .unwrap();
    assert_eq!(
        body["emails"],
        json!([{ "type": "work", "value": "a@x" }, { "type": "home", "primary": true }])
    );
}

#[test]
fn groups_are_created_without_members() {
    let request = one(&operation(
        ObjectKind::Group,
        Action::Create,
        vec![change("displayName", Value::Null, json!("Sales"))],
        json!({}),
    ));
    assert_eq!(request.path, "Groups");
    assert_eq!(
        request.body,
        Some(
            json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Sales" })
        )
    );
}

#[test]
fn updates_add_replace_and_remove() {
    let work = "emails[type eq \"work\"].value";
    check_patch(
        vec![
            change("displayName", json!("Ada"), json!("Ada Okafor")),
            change("title", Value::Null, json!("Chef")),
            change("nickName", json!("A"), Value::Null),
            change("active", json!(true), json!(false)),
            change(work, json!("a@x"), json!("b@x")),
            change(&format!("{ENTERPRISE}:manager"), json!("t-8"), json!("t-9")),
        ],
        json!({}),
        &json!([
            { "op": "replace", "path": "displayName", "value": "Ada Okafor" },
            { "op": "add", "path": "title", "value": "Chef" },
            { "op": "remove", "path": "nickName" },
            { "op": "replace", "path": "active", "value": false },
            { "op": "replace", "path": work, "value": "b@x" },
            { "op": "replace", "path": format!("{ENTERPRISE}:manager"), "value": { "value": "t-9" } }
        ]),
    );
}

#[test]
fn new_elements_are_added_whole() {
    let street = "addresses[type eq \"work\"].streetAddress";
    let city = "addresses[type eq \"work\"].locality";
    let changes = vec![
        change(street, Value::Null, json!("Main 1")),
        change(city, Value::Null, json!("Lagos")),
    ];
    check_patch(
        changes.clone(),
        json!({ street: "Main 1", city: "Lagos" }),
        &json!([{ "op": "add", "path": "addresses", "value": [{ "type": "work", "streetAddress": "Main 1", "locality": "Lagos" }] }]),
    );
    // The target has the element already, so its other part is not disturbed.
    check_patch(
        changes[..1].to_vec(),
        json!({ street: "Main 1", city: "Lagos" }),
        &json!([{ "op": "add", "path": street, "value": "Main 1" }]),
    );
}

#[test]
fn deletes_and_empty_updates() {
    let request = one(&operation(
        ObjectKind::Group,
        Action::Delete,
        Vec::new(),
        json!({}),
    ));
    assert_eq!(
        request,
        Request {
            method: Method::Delete,
            path: "Groups/t%2F1".to_owned(),
            body: None
        }
    );
    assert!(
        requests(
            &Dialect::default(),
            &operation(ObjectKind::User, Action::Update, Vec::new(), json!({}))
        )
        .is_empty()
    );
}

fn member_bodies(dialect: &Dialect, add: &[&str], remove: &[&str]) -> Vec<Value> {
    let mut operation = operation(
        ObjectKind::Group,
        Action::Members,
        Vec::new(),
        Value::Object(Map::new()),
    );
    operation.add_members = add.iter().map(|&id| id.to_owned()).collect();
    operation.remove_members = remove.iter().map(|&id| id.to_owned()).collect();
    requests(dialect, &operation)
        .into_iter()
        .map(|request| request.body.unwrap()["Operations"].clone())
        .collect()
}

#[test]
fn members_go_in_chunks() {
    let dialect = Dialect {
        members_per_patch: 2,
        ..Dialect::default()
    };
    assert_eq!(
        member_bodies(&dialect, &["a", "b", "c"], &["x\"", "y", "z"]),
        [
            json!([{ "op": "add", "path": "members", "value": [{ "value": "a" }, { "value": "b" }] }]),
            json!([{ "op": "add", "path": "members", "value": [{ "value": "c" }] }]),
            json!([{ "op": "remove", "path": "members[value eq \"x\\\"\"]" }, { "op": "remove", "path": "members[value eq \"y\"]" }]),
            json!([{ "op": "remove", "path": "members[value eq \"z\"]" }]),
        ]
    );
    let listed = Dialect {
        remove_member_by_path: false,
        ..dialect
    };
    assert_eq!(
        member_bodies(&listed, &[], &["x", "y"]),
        [
            json!([{ "op": "remove", "path": "members", "value": [{ "value": "x" }, { "value": "y" }] }])
        ]
    );
    assert!(member_bodies(&Dialect::default(), &[], &[]).is_empty());
}

#[test]
fn queries_are_escaped() {
    let dialect = Dialect::default();
    let path = |kind, attribute, value| match_request(&dialect, kind, attribute, value).path;
    assert_eq!(
        path(ObjectKind::User, "userName", "eva@example.org"),
        "Users?filter=userName%20eq%20%22eva%40example.org%22"
    );
    assert_eq!(
        path(ObjectKind::Group, "displayName", "R&D \"x\" \\ ü"),
        "Groups?filter=displayName%20eq%20%22R%26D%20%5C%22x%5C%22%20%5C%5C%20%C3%BC%22&excludedAttributes=members"
    );
    assert_eq!(
        path(ObjectKind::User, "emails[type eq \"work\"].value", "a"),
        "Users?filter=emails%5Btype%20eq%20%22work%22%20and%20value%20eq%20%22a%22%5D"
    );
    let read = |kind, id| read_request(&dialect, kind, id).path;
    assert_eq!(read(ObjectKind::User, "a b"), "Users/a%20b");
    assert_eq!(
        read(ObjectKind::Group, "7"),
        "Groups/7?excludedAttributes=members"
    );
}
