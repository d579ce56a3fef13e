//! What is refused, and how requests are read.

use serde_json::{Value, json};

use super::{ENTERPRISE, add, check, object, refused, remove, replaced};
use crate::{
    Deviation, ScimType,
    patch::{MemberChange, MemberRef, PatchRequest, change_members, parse},
    schema::SchemaSet,
};

#[test]
fn what_may_not_change_is_refused() {
    use ScimType::Mutability;
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
}

#[test]
fn what_does_not_fit_is_refused() {
    use ScimType::{InvalidPath, InvalidValue};
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
        json!({"Operations": vec![good.clone(); crate::limits::PATCH_OPERATIONS + 1]}),
        ScimType::TooMany,
        "at most 10000",
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
}

#[test]
fn names_in_any_case_are_read_and_unknown_ones_reported() {
    let request = |body: Value| parse(SchemaSet::user(), &object(body));
    assert!(request(json!({"operations": {"OP": "ADD", "Path": "title", "VALUE": "x"}})).is_ok());
}

#[test]
fn unknown_keys_are_reported() {
    let body = json!({"Operations": [{"op": "add", "value": {"shoe": 1, "a b": 2}}]});
    let ignored = parse(SchemaSet::user(), &object(body)).unwrap();
    assert_eq!(
        ignored,
        PatchRequest {
            ignored: vec!["shoe".into(), "a b".into()],
            deviations: [Deviation::MissingSchemas, Deviation::UnknownAttribute]
                .into_iter()
                .collect(),
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

#[test]
fn a_member_set_to_what_it_is_stays() {
    let request = |value: &str| {
        let path = r#"members[value eq "a"].value"#;
        let body = json!({"Operations": [{"op": "replace", "path": path, "value": value}]});
        parse(SchemaSet::group(), body.as_object().unwrap())
    };
    let unchanged = request("a").unwrap();
    assert!(unchanged.operations.is_empty() && unchanged.members.is_empty());
    assert_eq!(
        request("b").unwrap_err().scim_type,
        Some(ScimType::Mutability)
    );
}

#[test]
fn names_of_the_message_in_two_cases_are_refused() {
    for body in [
        json!({"Operations": [{"op": "add", "path": "title", "Path": "nickName", "value": "x"}]}),
        json!({"Operations": [{"op": "add", "OP": "remove", "path": "title", "value": "x"}]}),
        json!({"Operations": [], "operations": [{"op": "remove", "path": "title"}]}),
    ] {
        let error = parse(SchemaSet::user(), body.as_object().unwrap()).unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax), "{body}");
    }
}

#[test]
fn members_change_in_memory() {
    let check = |operation: Value, expected: &[&str], changes: bool| {
        let request = parse(
            SchemaSet::group(),
            &object(json!({"Operations": [operation]})),
        )
        .unwrap();
        let mut members = vec![
            member("1"),
            MemberRef {
                kind: Some("Group".to_owned()),
                ..member("2")
            },
        ];
        let changed = change_members(SchemaSet::group(), &mut members, &request.members);
        let ids: Vec<_> = members.iter().map(|member| member.value.as_str()).collect();
        assert_eq!((ids.as_slice(), changed), (expected, changes));
    };
    let with = |op: &str, value: Value| json!({"op": op, "path": "members", "value": value});
    check(with("add", json!(["2", "3"])), &["1", "2", "3"], true);
    check(with("add", json!(["2"])), &["1", "2"], false);
    check(with("remove", json!(["1", "9"])), &["2"], true);
    check(with("remove", json!([])), &["1", "2"], false);
    check(remove("members"), &[], true);
    check(remove(r#"members[type eq "Group"]"#), &["1"], true);
    check(remove(r#"members[not (value eq "1")]"#), &["1"], true);
    check(with("replace", json!(["2", "1"])), &["1", "2"], false);
    check(with("replace", json!(["2", "4"])), &["2", "4"], true);
}

#[test]
fn values_of_the_server_may_be_sent_back_unchanged() {
    let shown = object(json!({"meta": {"version": "W/\"3\""}, "groups": [{"value": "g"}]}));
    let left = |path: &str, value: Value| {
        let body = json!({"Operations": [{"op": "replace", "path": path, "value": value}]});
        let mut request = parse(SchemaSet::user(), &object(body)).unwrap();
        assert!(request.sets_read_only(SchemaSet::user()));
        request.drop_unchanged(SchemaSet::user(), &shown);
        request.operations.len()
    };
    assert_eq!(left("meta.version", json!("W/\"3\"")), 0);
    assert_eq!(left("meta.version", json!("W/\"4\"")), 1);
    assert_eq!(left("groups", json!([{"value": "g"}])), 0);
    assert_eq!(left("meta.location", json!("x")), 1);
    let body = json!({"Operations": [{"op": "replace", "path": "title", "value": "x"}]});
    let request = parse(SchemaSet::user(), &object(body)).unwrap();
    assert!(!request.sets_read_only(SchemaSet::user()));
}
