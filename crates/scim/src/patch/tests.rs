#![expect(
    clippy::needless_pass_by_value,
    reason = "tables of values read better without references"
)]

mod requests;

use serde_json::{Value, json};

use super::{apply, parse};
use crate::{Document, ScimError, ScimType, limits, schema::SchemaSet};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn object(value: Value) -> Document {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is not an object"),
    }
}

/// Parses and applies one operation (or a list) to a user.
fn patched(before: &Value, operations: Value) -> Result<(Value, bool), ScimError> {
    let request = parse(
        SchemaSet::user(),
        &object(json!({"Operations": operations})),
    )?;
    let mut document = object(before.clone());
    document.entry("userName").or_insert("mira".into());
    let untouched = document.clone();
    match apply(
        SchemaSet::user(),
        "7b1c",
        &mut document,
        &request.operations,
    ) {
        Ok(changed) => {
            document.shift_remove("schemas");
            if before.get("userName").is_none() {
                document.shift_remove("userName");
            }
            Ok((Value::Object(document), changed))
        }
        Err(error) => {
            assert_eq!(document, untouched);
            Err(error)
        }
    }
}

#[track_caller]
fn check(before: Value, operations: Value, after: Value) {
    let changes = before != after;
    let (document, changed) = patched(&before, operations).unwrap();
    assert_eq!(document, after);
    assert_eq!(changed, changes);
}

#[track_caller]
fn refused(before: Value, operations: Value, scim_type: ScimType, part: &str) {
    let error = patched(&before, operations).unwrap_err();
    assert_eq!(error.scim_type, Some(scim_type), "{}", error.detail);
    assert!(error.detail.contains(part), "{}", error.detail);
}

fn add(path: &str, value: Value) -> Value {
    json!({"op": "add", "path": path, "value": value})
}

fn replaced(path: &str, value: Value) -> Value {
    json!({"op": "replace", "path": path, "value": value})
}

fn remove(path: &str) -> Value {
    json!({"op": "remove", "path": path})
}

#[test]
fn single_values() {
    check(
        json!({}),
        add("title", json!("Weaver")),
        json!({"title": "Weaver"}),
    );
    check(
        json!({"title": "a"}),
        add("TITLE", json!("b")),
        json!({"title": "b"}),
    );
    check(
        json!({"title": "a"}),
        replaced("title", json!("a")),
        json!({"title": "a"}),
    );
    check(
        json!({"title": "a"}),
        replaced("title", Value::Null),
        json!({}),
    );
    check(json!({"title": "a"}), remove("title"), json!({}));
    check(json!({}), remove("title"), json!({}));
    check(
        json!({}),
        replaced("active", json!("False")),
        json!({"active": false}),
    );
    check(
        json!({"userName": "a"}),
        replaced("userName", json!("b")),
        json!({"userName": "b"}),
    );
    check(json!({}), add("password", json!("secret-1")), json!({}));
    check(json!({}), remove("password"), json!({}));
    check(
        json!({}),
        add("externalId", json!("e")),
        json!({"externalId": "e"}),
    );
}

#[test]
fn complex_values_merge() {
    let before = json!({"name": {"familyName": "Okafor", "givenName": "Mira"}});
    check(
        before.clone(),
        replaced("name", json!({"familyName": "Lindt"})),
        json!({"name": {"familyName": "Lindt", "givenName": "Mira"}}),
    );
    check(
        before.clone(),
        json!({"op": "replace", "value": {"name": {"familyName": "Lindt", "givenName": null}}}),
        json!({"name": {"familyName": "Lindt"}}),
    );
    check(
        before.clone(),
        add("name.givenName", json!("Mi")),
        json!({"name": {"familyName": "Okafor", "givenName": "Mi"}}),
    );
    check(
        before.clone(),
        remove("name.givenName"),
        json!({"name": {"familyName": "Okafor"}}),
    );
    check(
        before.clone(),
        json!([remove("name.givenName"), remove("name.familyName")]),
        json!({}),
    );
    check(before.clone(), replaced("name", json!("")), json!({}));
    check(
        before,
        add("name", json!({"name.givenName": "Mi"})),
        json!({"name": {"familyName": "Okafor", "givenName": "Mi"}}),
    );
}

#[test]
fn lists_grow_by_what_is_new() {
    let work = json!({"value": "a@b", "type": "work"});
    let home = json!({"value": "h@b", "type": "home"});
    check(
        json!({"emails": [work]}),
        add("emails", json!([home])),
        json!({"emails": [work, home]}),
    );
    check(
        json!({"emails": [work]}),
        add("emails", json!(home)),
        json!({"emails": [work, home]}),
    );
    check(
        json!({"emails": [work]}),
        add("emails", json!([work])),
        json!({"emails": [work]}),
    );
    check(
        json!({"emails": [work]}),
        add("emails", json!([{"value": "A@B"}])),
        json!({"emails": [work]}),
    );
    check(
        json!({"emails": [work]}),
        add("emails", json!([{"value": "a@b", "display": "Mira"}])),
        json!({"emails": [{"value": "a@b", "type": "work", "display": "Mira"}]}),
    );
    check(
        json!({"emails": [work]}),
        add("emails", json!([{"value": "a@b", "type": "home"}])),
        json!({"emails": [work, {"value": "a@b", "type": "home"}]}),
    );
    check(
        json!({"emails": [work]}),
        replaced("emails", json!([home])),
        json!({"emails": [home]}),
    );
    check(
        json!({"emails": [work]}),
        replaced("emails", json!([])),
        json!({}),
    );
    check(json!({"emails": [work]}), remove("emails"), json!({}));
    let address = json!({"country": "DE", "locality": "Bonn"});
    check(
        json!({"addresses": [address]}),
        add("addresses", json!([address])),
        json!({"addresses": [address]}),
    );
}

#[test]
fn removals_with_a_value_take_only_that() {
    let emails = json!([{"value": "a@b", "type": "work"}, {"value": "h@b", "type": "home"}]);
    let with = |value: Value| json!({"op": "Remove", "path": "emails", "value": value});
    let home = json!({"emails": [{"value": "h@b", "type": "home"}]});
    check(
        json!({"emails": emails}),
        with(json!([{"value": "A@b"}])),
        home.clone(),
    );
    check(
        json!({"emails": emails}),
        with(json!({"value": "a@b", "type": null})),
        home.clone(),
    );
    check(
        json!({"emails": emails}),
        with(json!({"type": "work"})),
        home.clone(),
    );
    check(
        json!({"emails": emails}),
        with(json!([{"type": "other"}, {"value": "x@b", "type": "home"}, {"type": "WORK"}])),
        home,
    );
    check(
        json!({"emails": emails}),
        with(json!([])),
        json!({"emails": emails}),
    );
    check(
        json!({"emails": emails}),
        with(json!([{"value": "a@b", "type": "home"}])),
        json!({"emails": emails}),
    );
}

#[test]
fn value_paths_select() {
    let before =
        json!({"emails": [{"value": "a@b", "type": "work"}, {"value": "h@b", "type": "home"}]});
    let home = json!({"value": "h@b", "type": "home"});
    check(
        before.clone(),
        remove(r#"emails[type eq "work"]"#),
        json!({"emails": [home]}),
    );
    check(
        before.clone(),
        remove(r#"emails[type eq "other"]"#),
        before.clone(),
    );
    check(before.clone(), remove(r#"emails[type pr]"#), json!({}));
    check(
        before.clone(),
        remove(r#"emails[type eq "work"].type"#),
        json!({"emails": [{"value": "a@b"}, home]}),
    );
    check(
        before.clone(),
        replaced(r#"emails[type eq "WORK"].value"#, json!("n@b")),
        json!({"emails": [{"value": "n@b", "type": "work"}, home]}),
    );
    check(
        before.clone(),
        replaced(r#"emails[type eq "work"]"#, json!({"display": "Mira"})),
        json!({"emails": [{"value": "a@b", "type": "work", "display": "Mira"}, home]}),
    );
    check(
        before.clone(),
        replaced(r#"emails[type eq "work"]"#, Value::Null),
        json!({"emails": [home]}),
    );
    check(
        before,
        replaced(r#"emails[value sw "a" or type eq "x"].display"#, json!("D")),
        json!({"emails": [{"value": "a@b", "type": "work", "display": "D"}, home]}),
    );
}

#[test]
fn missing_values_are_created_from_equalities_only() {
    check(
        json!({}),
        replaced(r#"emails[type eq "work"].value"#, json!("n@b")),
        json!({"emails": [{"value": "n@b", "type": "work"}]}),
    );
    check(
        json!({}),
        json!([
            add(r#"addresses[type eq "work"].locality"#, json!("Bonn")),
            add(r#"addresses[type eq "work"].country"#, json!("DE")),
        ]),
        json!({"addresses": [{"locality": "Bonn", "country": "DE", "type": "work"}]}),
    );
    check(
        json!({}),
        add(
            r#"emails[type eq "work" and primary eq "True"]"#,
            json!({"value": "n@b"}),
        ),
        json!({"emails": [{"value": "n@b", "type": "work", "primary": true}]}),
    );
    check(
        json!({}),
        replaced(r#"emails[type eq "work"].value"#, Value::Null),
        json!({}),
    );
    for filter in [
        r#"type ne "work""#,
        r#"type eq "a" or type eq "b""#,
        r#"not (type eq "a")"#,
        "type pr",
    ] {
        for kind in ["add", "replace"] {
            let operation =
                json!({"op": kind, "path": format!("emails[{filter}].value"), "value": "x"});
            refused(json!({}), operation, ScimType::NoTarget, "selects no value");
        }
    }
    let contradiction = r#"emails[type eq "a" and type eq "b"].value"#;
    refused(
        json!({}),
        add(contradiction, json!("x")),
        ScimType::NoTarget,
        "selects no value",
    );
}

#[test]
fn values_have_a_limit_however_they_come() {
    let emails: Vec<Value> = (0..limits::ATTRIBUTE_VALUES)
        .map(|index| json!({"value": format!("{index}@mills.example")}))
        .collect();
    let before = json!({"emails": emails});
    for operation in [
        add("emails", json!("one.more@mills.example")),
        add(
            r#"emails[value eq "one.more@mills.example"].type"#,
            json!("work"),
        ),
    ] {
        refused(
            before.clone(),
            operation,
            ScimType::InvalidValue,
            "at most 1000",
        );
    }
}

#[test]
fn many_operations_on_many_values_are_refused() {
    let emails: Vec<Value> = (0..limits::ATTRIBUTE_VALUES)
        .map(|index| json!({"value": format!("{index}@mills.example")}))
        .collect();
    let before = json!({"emails": emails});
    let filter = vec!["value pr"; limits::FILTER_NODES - 1].join(" and ");
    let operation = add(&format!("emails[{filter}].display"), json!("x"));
    assert!(patched(&before, vec![operation.clone(); 2].into()).is_ok());
    refused(
        before,
        vec![operation; 20].into(),
        ScimType::TooMany,
        "the many values of `emails`",
    );
}

#[test]
fn a_new_primary_replaces_the_old_one() {
    let before = json!({"emails": [{"value": "a", "primary": true}, {"value": "b"}]});
    let moved =
        json!({"emails": [{"value": "a", "primary": false}, {"value": "b", "primary": true}]});
    check(
        before.clone(),
        replaced(r#"emails[value eq "b"].primary"#, json!(true)),
        moved.clone(),
    );
    check(
        before.clone(),
        add("emails", json!([{"value": "b", "primary": "True"}])),
        moved,
    );
    check(
        before.clone(),
        add("emails", json!([{"value": "c", "primary": true}])),
        json!({"emails": [{"value": "a", "primary": false}, {"value": "b"}, {"value": "c", "primary": true}]}),
    );
    let two = json!([{"value": "c", "primary": true}, {"value": "d", "primary": true}]);
    refused(
        before.clone(),
        add("emails", two.clone()),
        ScimType::InvalidValue,
        "Only one value",
    );
    refused(
        before.clone(),
        replaced("emails", two),
        ScimType::InvalidValue,
        "Only one value",
    );
    refused(
        before,
        replaced("emails.primary", json!(true)),
        ScimType::InvalidValue,
        "Only one value",
    );
}

#[test]
fn extensions_come_and_go_with_their_values() {
    let request = |operations: Value| {
        parse(
            SchemaSet::user(),
            &object(json!({"Operations": operations})),
        )
        .unwrap()
    };
    let mut document =
        object(json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "m"}));
    let before = document.clone();
    let path = format!("{}:manager", ENTERPRISE.to_lowercase());
    let adding = request(add(&path, json!("41cc"))).operations;
    assert!(apply(SchemaSet::user(), "7b1c", &mut document, &adding).unwrap());
    assert_eq!(
        document["schemas"],
        json!(["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE])
    );
    assert_eq!(document[ENTERPRISE], json!({"manager": {"value": "41cc"}}));
    assert!(!apply(SchemaSet::user(), "7b1c", &mut document, &adding).unwrap());
    for removal in [
        remove(&path),
        remove(ENTERPRISE),
        replaced(&path, json!("")),
        json!({"op": "replace", "value": {(ENTERPRISE): null}}),
    ] {
        let mut copy = document.clone();
        assert!(
            apply(
                SchemaSet::user(),
                "7b1c",
                &mut copy,
                &request(removal).operations
            )
            .unwrap()
        );
        assert_eq!(copy, before);
    }
    let after = json!({(ENTERPRISE): {"department": "Weaving"}});
    check(
        json!({}),
        json!({"op": "add", "value": {(format!("{ENTERPRISE}:department")): "Weaving"}}),
        after.clone(),
    );
    check(
        json!({}),
        json!({"op": "add", "value": {(ENTERPRISE): {"department": "Weaving", "floor": 1}}}),
        after.clone(),
    );
    check(
        json!({}),
        add(ENTERPRISE, json!({"DEPARTMENT": "Weaving"})),
        after,
    );
}

/// The last part of such a URN does not look like an attribute.
#[test]
fn urns_with_a_version_at_the_end_name_schemas() {
    let old = "urn:scim:schemas:extension:enterprise:1.0";
    let after = json!({"title": "Weaver", (ENTERPRISE): {"department": "Weaving"}});
    let value = json!({"department": "Weaving"});
    let core = json!({"title": "Weaver"});
    check(
        json!({"title": "Weaver"}),
        add(old, value.clone()),
        after.clone(),
    );
    check(
        json!({}),
        json!({"op": "add", "value": {"urn:scim:schemas:core:1.0": core.clone(), (old): value}}),
        after.clone(),
    );
    check(after, remove(old), core);
}

#[test]
fn a_manager_is_one_value() {
    let with = |manager: Value| json!({(ENTERPRISE): {"manager": manager}});
    let path = format!("{ENTERPRISE}:manager");
    let before = with(json!({"value": "1", "$ref": "Users/1"}));
    check(
        before.clone(),
        replaced(&path, json!({"value": "2"})),
        with(json!({"value": "2"})),
    );
    check(
        before.clone(),
        replaced(&path, json!({"value": "1"})),
        before.clone(),
    );
    let by_filter = format!(r#"{path}[value eq "1"]"#);
    check(before.clone(), remove(&by_filter), json!({}));
    check(
        before.clone(),
        replaced(&by_filter, json!({"value": "3"})),
        with(json!({"value": "3"})),
    );
    let other = format!(r#"{path}[value eq "9"]"#);
    refused(
        before.clone(),
        replaced(&other, json!({"value": "3"})),
        ScimType::NoTarget,
        "selects no value",
    );
    refused(
        before,
        replaced(&format!("{path}.displayName"), json!("B")),
        ScimType::Mutability,
        "read-only",
    );
}
