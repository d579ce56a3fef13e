//! Targets that cannot do what the standard says: changes as whole resources, without filters, with other forms of values.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may unwrap as tests do"
)]

use serde_json::{Map, Value, json};
use tenure_plan::{
    Action, ApplicationConfig, Change, Operation,
    config::ObjectKind,
    dialect::{
        Dialect, Updates, list_request, match_request, read_request, replacement, requests,
        search_key, search_keys,
    },
    gallery,
};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("not an object: {other}"),
    }
}

/// `[attribute, before, after]`; `null`: none.
fn operation(kind: ObjectKind, action: Action, changes: &[(&str, Value, Value)]) -> Operation {
    let optional = |value: &Value| Some(value.clone()).filter(|value| !value.is_null());
    Operation {
        kind,
        action,
        source_id: "s".to_owned(),
        target_id: Some("t1".to_owned()),
        display_name: "Ada".to_owned(),
        changes: changes
            .iter()
            .map(|(attribute, before, after)| Change {
                attribute: (*attribute).to_owned(),
                before: optional(before),
                after: optional(after),
                added: Vec::new(),
                redacted: false,
            })
            .collect(),
        known_after: Map::new(),
        add_members: Vec::new(),
        remove_members: Vec::new(),
        reason: String::new(),
        unresolved: Vec::new(),
        unmanage_after: false,
    }
}

/// What the target has, one change, and what is sent back; `null`: nothing, because it is so already.
#[track_caller]
fn check(present: Value, change: (&str, Value, Value), wanted: impl Into<Value>) {
    let operation = operation(ObjectKind::User, Action::Update, &[change]);
    let found = replacement(&operation, &object(present), &[]).unwrap();
    assert_eq!(
        found.map_or(Value::Null, Value::Object),
        wanted.into(),
        "{:?}",
        operation.changes
    );
}

#[test]
fn what_is_not_ours_stays() {
    let present = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "t1", "userName": "ada", "active": true,
        "nickName": "A", "x:y": { "z": [1] }, "meta": { "version": "W/1" },
    });
    let mut wanted = present.clone();
    wanted["active"] = json!(false);
    check(present, ("active", json!(true), json!(false)), wanted);
}

#[test]
fn a_value_changes_where_it_is() {
    check(
        json!({ "Title": "a", "b": 1 }),
        ("title", json!("a"), json!("c")),
        json!({ "Title": "c", "b": 1 }),
    );
    check(
        json!({ "active": "True" }),
        ("active", Value::Null, json!(true)),
        Value::Null,
    );
    check(
        json!({ "title": "a", "b": 1 }),
        ("title", json!("a"), Value::Null),
        json!({ "b": 1 }),
    );
    check(
        json!({ "name": { "givenName": "A", "familyName": "B" } }),
        ("name.familyName", json!("B"), json!("C")),
        json!({ "name": { "givenName": "A", "familyName": "C" } }),
    );
    check(
        json!({}),
        ("name.familyName", Value::Null, json!("C")),
        json!({ "name": { "familyName": "C" } }),
    );
    check(
        json!({ "name": { "familyName": "B" } }),
        ("name.familyName", json!("B"), Value::Null),
        json!({}),
    );
}

#[test]
fn extensions_are_declared_when_they_come() {
    let department = format!("{ENTERPRISE}:department");
    check(
        json!({ "schemas": ["core"] }),
        (&department, Value::Null, json!("R&D")),
        json!({ "schemas": ["core", ENTERPRISE], ENTERPRISE: { "department": "R&D" } }),
    );
    check(
        json!({ "schemas": ["core", ENTERPRISE], ENTERPRISE: { "department": "R&D", "division": "x" } }),
        (&department, json!("R&D"), Value::Null),
        json!({ "schemas": ["core", ENTERPRISE], ENTERPRISE: { "division": "x" } }),
    );
    check(
        json!({ "schemas": [ENTERPRISE] }),
        (&format!("{ENTERPRISE}:manager"), Value::Null, json!("t7")),
        json!({ "schemas": [ENTERPRISE], ENTERPRISE: { "manager": { "value": "t7" } } }),
    );
}

#[test]
fn only_the_element_that_is_meant_changes() {
    let work = "emails[type eq \"work\"].value";
    let home = json!({ "type": "home", "value": "h", "primary": true });
    check(
        json!({ "emails": [home, { "type": "work", "value": "w", "x": 1 }] }),
        (work, json!("w"), json!("v")),
        json!({ "emails": [home, { "type": "work", "value": "v", "x": 1 }] }),
    );
    check(
        json!({ "emails": [home] }),
        (work, Value::Null, json!("v")),
        json!({ "emails": [home, { "type": "work", "value": "v" }] }),
    );
    check(
        json!({ "emails": [home, { "type": "work", "value": "w" }] }),
        (work, json!("w"), Value::Null),
        json!({ "emails": [home] }),
    );
    check(
        json!({ "emails": [home, { "type": "work", "value": "w" }] }),
        ("emails[type eq \"work\"].primary", Value::Null, json!(true)),
        json!({ "emails": [
            { "type": "home", "value": "h", "primary": false },
            { "type": "work", "value": "w", "primary": true },
        ] }),
    );
}

#[test]
fn members_are_added_to_those_that_are_there() {
    let mut change = operation(ObjectKind::Group, Action::Members, &[]);
    change.add_members = vec!["b".to_owned(), "c".to_owned()];
    change.remove_members = vec!["a".to_owned()];
    let member = |id: &str| json!({ "value": id, "display": id });
    let present = object(json!({ "id": "t1", "members": [member("a"), member("b"), member("x")] }));
    assert_eq!(
        replacement(&change, &present, &[]).unwrap().unwrap()["members"],
        json!([member("b"), member("x"), { "value": "c" }])
    );
    let there = object(json!({ "id": "t1", "members": [member("b"), member("c")] }));
    assert_eq!(replacement(&change, &there, &[]), Ok(None));
}

/// What the target shows of a group whose members we know, and whether replacing it is refused.
#[track_caller]
fn check_hidden(shown: Option<usize>, known: usize, is_refused: bool) {
    let ids: Vec<String> = (0..known).map(|number| format!("m{number}")).collect();
    let mut present = object(json!({ "id": "t1", "displayName": "Sales" }));
    if let Some(shown) = shown {
        let members = ids.iter().take(shown).map(|id| json!({ "value": id }));
        present.insert("members".to_owned(), members.collect());
    }
    let rename = operation(
        ObjectKind::Group,
        Action::Update,
        &[("displayName", json!("Sales"), json!("Sales team"))],
    );
    let found = replacement(&rename, &present, &ids);
    assert_eq!(
        found.is_err(),
        is_refused,
        "{shown:?} of {known}: {found:?}"
    );
}

#[test]
fn nobody_loses_a_membership_that_the_target_hides() {
    check_hidden(Some(5), 5, false);
    // One was taken out by hand.
    check_hidden(Some(4), 5, false);
    check_hidden(None, 5, true);
    check_hidden(None, 0, false);
    check_hidden(Some(2), 5, true);
    // A page of them.
    check_hidden(Some(1000), 1020, true);
}

#[test]
fn who_replaces_does_not_patch() {
    let dialect = Dialect {
        user_updates: Updates::Put,
        ..Dialect::default()
    };
    for (kind, action, replaces) in [
        (ObjectKind::User, Action::Update, true),
        (ObjectKind::User, Action::Disable, true),
        (ObjectKind::User, Action::Delete, false),
        (ObjectKind::Group, Action::Update, false),
        (ObjectKind::Group, Action::Members, false),
    ] {
        let change = ("active", json!(true), json!(false));
        let mut operation = operation(kind, action, &[change]);
        operation.add_members = vec!["a".to_owned()];
        assert_eq!(
            dialect.replaces(&operation),
            replaces,
            "{kind:?} {action:?}"
        );
        assert_eq!(requests(&dialect, &operation).is_empty(), replaces);
    }
}

/// PATCH operations with this dialect.
fn operations(dialect: &Dialect, changes: &[(&str, Value, Value)]) -> Value {
    let operation = operation(ObjectKind::User, Action::Update, changes);
    let request = requests(dialect, &operation).remove(0);
    request.body.unwrap()["Operations"].clone()
}

#[test]
fn booleans_as_texts() {
    let dialect = Dialect {
        boolean_texts: true,
        ..Dialect::default()
    };
    assert_eq!(
        operations(
            &dialect,
            &[
                ("active", json!(true), json!(false)),
                (
                    "emails",
                    Value::Null,
                    json!([{ "value": "a", "primary": true }])
                ),
            ]
        ),
        json!([
            { "op": "replace", "path": "active", "value": "False" },
            { "op": "add", "path": "emails", "value": [{ "value": "a", "primary": "True" }] },
        ])
    );
}

#[test]
fn values_without_a_path() {
    let dialect = Dialect {
        patch_paths: false,
        ..Dialect::default()
    };
    assert_eq!(
        operations(
            &dialect,
            &[
                ("active", json!(true), json!(false)),
                ("title", json!("a"), Value::Null),
                ("name.givenName", json!("a"), json!("b")),
                ("name.familyName", json!("a"), json!("c")),
            ]
        ),
        json!([
            { "op": "replace", "value": { "active": false, "name": { "givenName": "b", "familyName": "c" } } },
            { "op": "remove", "path": "title" },
        ])
    );
}

#[test]
fn parameters_are_left_out() {
    let dialect = Dialect {
        excluded_attributes: false,
        ..Dialect::default()
    };
    for path in [
        match_request(&dialect, ObjectKind::Group, "displayName", "a").path,
        read_request(&dialect, ObjectKind::Group, "a").path,
        list_request(&dialect, ObjectKind::Group, 1, 10, false).path,
    ] {
        assert!(!path.contains("excluded"), "{path}");
    }
    let blind = Dialect {
        shows_members: false,
        ..Dialect::default()
    };
    let list = |dialect: &Dialect| list_request(dialect, ObjectKind::Group, 0, 10, true).path;
    assert_eq!(list(&Dialect::default()), "Groups?startIndex=0&count=10");
    assert_eq!(
        list(&blind),
        "Groups?startIndex=0&count=10&excludedAttributes=members"
    );
}

/// Whether a search for a value would find a document.
#[track_caller]
fn check_search(attribute: &str, value: &str, document: Value, is_found: bool) {
    let keys = search_keys(attribute, &object(document));
    let found = keys.contains(&search_key(attribute, value));
    assert_eq!(found, is_found, "{attribute} eq {value:?} in {keys:?}");
}

#[test]
fn searching_without_a_filter() {
    check_search("userName", "ADA", json!({ "username": "ada" }), true);
    check_search("userName", "ada", json!({ "userName": "bob" }), false);
    check_search("externalId", "a", json!({ "externalId": "A" }), false);
    check_search("externalId", "A", json!({ "externalId": "A" }), true);
    check_search("employeeNumber", "7", json!({ "employeeNumber": 7 }), true);
    let emails =
        json!({ "emails": [{ "type": "home", "value": "h" }, { "type": "work", "value": "W" }] });
    let work = "emails[type eq \"work\"].value";
    check_search(work, "w", emails.clone(), true);
    check_search(work, "h", emails.clone(), false);
    check_search("emails", "h", emails.clone(), true);
    check_search("emails.value", "w", emails, true);
    check_search("userName", "", json!({}), false);
}

#[test]
fn configurations_of_before_are_read() {
    let template = gallery::template("custom").unwrap().config;
    let mut config = serde_json::to_value(&template).unwrap();
    config["dialect"] = json!({ "members_per_patch": 7 });
    let read: ApplicationConfig = serde_json::from_value(config.clone()).unwrap();
    let wanted = Dialect {
        members_per_patch: 7,
        ..Dialect::default()
    };
    assert_eq!(read.dialect, wanted);
    config["dialect"] = json!({ "members": 7 });
    let error = serde_json::from_value::<ApplicationConfig>(config).unwrap_err();
    assert!(
        error.to_string().contains("unknown field `members`"),
        "{error}"
    );
}
