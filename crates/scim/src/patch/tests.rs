use serde_json::{Value, json};

use super::{MemberChange, MemberRef, PatchRequest, apply, parse};
use crate::{Document, ScimError, ScimType, schema::SchemaSet};

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

#[test]
fn what_may_not_change_is_refused() {
    use ScimType::{InvalidPath, InvalidValue, Mutability};
    refused(
        json!({}),
        replaced("id", json!("other")),
        Mutability,
        "`id` is read-only",
    );
    check(json!({}), replaced("id", json!("7b1c")), json!({}));
    check(
        json!({}),
        json!({"op": "replace", "value": {"id": "7b1c", "meta": {}, "groups": [], "schemas": []}}),
        json!({}),
    );
    refused(
        json!({}),
        json!({"op": "replace", "value": {"id": "x"}}),
        Mutability,
        "read-only",
    );
    refused(
        json!({}),
        replaced("groups", json!([])),
        Mutability,
        "read-only",
    );
    refused(
        json!({}),
        replaced("meta.created", json!("x")),
        Mutability,
        "read-only",
    );
    refused(
        json!({}),
        remove("groups"),
        Mutability,
        "Operations[0]: `groups` cannot be removed",
    );
    refused(json!({}), remove("userName"), Mutability, "required");
    refused(
        json!({}),
        replaced("userName", Value::Null),
        InvalidValue,
        "`userName` is required",
    );
    refused(
        json!({}),
        replaced("userName", json!("")),
        InvalidValue,
        "must not be empty",
    );
    refused(
        json!({}),
        replaced("active", json!("maybe")),
        InvalidValue,
        "true or false",
    );
    refused(
        json!({}),
        add("shoeSize", json!(1)),
        InvalidPath,
        "Operations[0]: `shoeSize` is not an attribute",
    );
    refused(
        json!({}),
        add("name.shoe", json!(1)),
        InvalidPath,
        "is not an attribute",
    );
    refused(
        json!({}),
        add("emails[type eq", json!(1)),
        InvalidPath,
        "character 15",
    );
    refused(
        json!({}),
        add(&format!("{ENTERPRISE}.department"), json!("x")),
        InvalidPath,
        "is not an attribute",
    );
    refused(
        json!({}),
        add("title[value eq \"x\"]", json!(1)),
        InvalidPath,
        "no sub-attributes",
    );
    refused(
        json!({}),
        add("emails[shoe eq \"x\"]", json!(1)),
        ScimType::InvalidFilter,
        "no sub-attribute `shoe`",
    );
}

#[test]
fn malformed_requests_name_the_operation() {
    let request = |body: Value| parse(SchemaSet::user(), &object(body));
    let check = |body: Value, scim_type: ScimType, part: &str| {
        let error = request(body).unwrap_err();
        assert_eq!(error.scim_type, Some(scim_type), "{}", error.detail);
        assert!(error.detail.contains(part), "{}", error.detail);
    };
    let good = json!({"op": "add", "path": "title", "value": "x"});
    let second = |bad: Value| json!({"Operations": [good.clone(), bad]});
    check(
        json!({}),
        ScimType::InvalidSyntax,
        "`Operations` is missing",
    );
    check(
        json!({"Operations": []}),
        ScimType::InvalidSyntax,
        "at least one",
    );
    check(
        json!({"Operations": "x"}),
        ScimType::InvalidSyntax,
        "must be a list",
    );
    check(
        json!({"Operations": vec![good.clone(); 1001]}),
        ScimType::TooMany,
        "at most 1000",
    );
    check(
        json!({"schemas": ["urn:x"], "Operations": [good]}),
        ScimType::InvalidSyntax,
        "PatchOp",
    );
    check(
        second(json!(5)),
        ScimType::InvalidSyntax,
        "Operations[1]: An operation must be an object",
    );
    check(
        second(json!({"path": "title"})),
        ScimType::InvalidSyntax,
        "Operations[1]: `op` is missing",
    );
    check(
        second(json!({"op": "move"})),
        ScimType::InvalidSyntax,
        "not `move`",
    );
    check(
        second(json!({"op": "remove"})),
        ScimType::NoTarget,
        "Operations[1]: `remove` needs a `path`",
    );
    check(
        second(json!({"op": "add", "path": "title"})),
        ScimType::InvalidValue,
        "needs a `value`",
    );
    check(
        second(json!({"op": "add", "value": "x"})),
        ScimType::InvalidValue,
        "must be an object",
    );
    check(
        second(json!({"op": "add", "path": 5, "value": "x"})),
        ScimType::InvalidPath,
        "must be a string",
    );
    assert!(request(json!({"operations": {"OP": "ADD", "Path": "title", "VALUE": "x"}})).is_ok());
    let ignored =
        request(json!({"Operations": [{"op": "add", "value": {"shoe": 1, "a b": 2}}]})).unwrap();
    assert_eq!(
        ignored,
        PatchRequest {
            ignored: vec!["shoe".into(), "a b".into()],
            ..PatchRequest::default()
        }
    );
}

fn member(value: &str) -> MemberRef {
    MemberRef {
        value: value.to_owned(),
        kind: None,
    }
}

#[track_caller]
fn members(operation: Value, expected: &[MemberChange]) {
    let request = parse(
        SchemaSet::group(),
        &object(json!({"Operations": [operation]})),
    )
    .unwrap();
    assert_eq!(request.members, expected);
    assert!(request.operations.is_empty());
}

#[test]
fn member_operations_never_do_more_than_asked() {
    let with = |op: &str, value: Value| json!({"op": op, "path": "members", "value": value});
    members(
        with("Add", json!([{"value": "1"}, {"value": "1"}])),
        &[MemberChange::Add(vec![member("1")])],
    );
    members(
        with("add", json!({"value": "1", "$ref": null})),
        &[MemberChange::Add(vec![member("1")])],
    );
    members(with("add", json!([])), &[]);
    members(
        with("Remove", json!([{"value": "1"}])),
        &[MemberChange::Remove(vec!["1".into()])],
    );
    members(
        with("Remove", json!("1")),
        &[MemberChange::Remove(vec!["1".into()])],
    );
    members(with("Remove", json!([])), &[]);
    members(remove("members"), &[MemberChange::Clear]);
    members(
        remove(r#"Members[Value eq "1"]"#),
        &[MemberChange::Remove(vec!["1".into()])],
    );
    members(
        remove(r#"members[value eq "1" or value eq "2"]"#),
        &[MemberChange::Remove(vec!["1".into(), "2".into()])],
    );
    let matching = crate::filter::Filter::parse(r#"type eq "Group""#).unwrap();
    members(
        remove(r#"members[type eq "Group"]"#),
        &[MemberChange::RemoveMatching(matching)],
    );
    members(
        with("replace", json!([{"value": "1"}])),
        &[MemberChange::Replace(vec![member("1")])],
    );
    members(with("replace", json!([])), &[MemberChange::Clear]);
    members(
        json!({"op": "add", "value": {"members": [{"value": "1"}]}}),
        &[MemberChange::Add(vec![member("1")])],
    );
    members(
        json!({"op": "add", "path": "urn:ietf:params:scim:schemas:core:2.0:Group:members", "value": "1"}),
        &[MemberChange::Add(vec![member("1")])],
    );
    let refused = |operation: Value| {
        parse(
            SchemaSet::group(),
            &object(json!({"Operations": [operation]})),
        )
        .unwrap_err()
        .scim_type
    };
    assert_eq!(
        refused(with("remove", json!([{"display": "Mira"}]))),
        Some(ScimType::InvalidValue)
    );
    assert_eq!(
        refused(add(r#"members[value eq "1"].type"#, json!("User"))),
        Some(ScimType::Mutability)
    );
    assert_eq!(
        refused(add("members.value", json!("1"))),
        Some(ScimType::Mutability)
    );
    assert_eq!(refused(remove("displayName")), Some(ScimType::Mutability));
}
