#![expect(
    clippy::needless_pass_by_value,
    reason = "tables of values read better without references"
)]

use serde_json::{Value, json};

use super::*;
use crate::{Document, ScimType, filter::Filter, patch, schema::SchemaSet, validate};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

fn object(value: Value) -> Document {
    value.as_object().unwrap().clone()
}

fn codes(deviations: Deviations) -> Vec<&'static str> {
    deviations.iter().map(Deviation::code).collect()
}

#[test]
fn codes_are_stable_and_different() {
    let mut seen = std::collections::BTreeSet::new();
    for deviation in Deviation::ALL {
        assert!(seen.insert(deviation.code()), "{deviation:?}");
        assert_eq!(Deviation::from_code(deviation.code()), Some(deviation));
        assert!(deviation.text().ends_with('.'), "{deviation:?}");
    }
    assert_eq!(Deviation::from_code("none"), None);
    let all: Deviations = Deviation::ALL.into_iter().collect();
    assert_eq!(all.iter().count(), Deviation::ALL.len());
}

/// A create body with `schemas` and a userName put in.
fn check_create(body: Value, expected: &[&str]) {
    let mut full = object(json!({"schemas": [USER], "userName": "mira"}));
    full.extend(object(body.clone()));
    let validated = validate::create(SchemaSet::user(), full).unwrap();
    assert_eq!(codes(validated.deviations), expected, "{body}");
}

#[test]
fn habits_in_bodies() {
    check_create(json!({}), &[]);
    check_create(
        json!({"active": true, "name": {"givenName": "Mira"}, "emails": [{"value": "a"}], "title": ""}),
        &[],
    );
    check_create(json!({"schemas": null}), &["missing-schemas"]);
    check_create(json!({"schemas": []}), &["missing-schemas"]);
    check_create(json!({"schemas": USER}), &["single-object-for-array"]);
    check_create(
        json!({"schemas": ["urn:scim:schemas:core:1.0"]}),
        &["scim-1.1-urn"],
    );
    check_create(
        json!({"urn:scim:schemas:extension:enterprise:1.0": {"department": "Mill"}}),
        &["scim-1.1-urn"],
    );
    check_create(
        json!({"schemas": [USER, "urn:example:shoes"]}),
        &["unknown-schema"],
    );
    for body in [
        json!({"shoeSize": 38}),
        json!({"name": {"shoe": 1}}),
        json!({(ENTERPRISE): {"floor": 3}}),
    ] {
        check_create(body, &["unknown-attribute"]);
    }
    for body in [
        json!({"displayname": "x"}),
        json!({"name": {"givenname": "x"}}),
        json!({(ENTERPRISE): {"Department": "x"}}),
    ] {
        check_create(body, &["attribute-case"]);
    }
    check_create(json!({"active": "False"}), &["string-boolean"]);
    check_create(
        json!({"emails": [{"value": "a", "primary": "true"}]}),
        &["string-boolean"],
    );
    check_create(
        json!({(ENTERPRISE): {"manager": "7b1c"}}),
        &["string-for-complex"],
    );
    check_create(json!({"roles": ["admin"]}), &["string-for-complex"]);
    check_create(
        json!({"roles": ["{\"value\": \"admin\"}"]}),
        &["json-in-string"],
    );
    check_create(
        json!({"emails": {"value": "a"}}),
        &["single-object-for-array"],
    );
    check_create(json!({"name": ""}), &["empty-string"]);
    check_create(json!({"id": "1", "meta": {}}), &["read-only-sent"]);
    check_create(json!({"password": "x"}), &["password-sent"]);
}

/// One operation of a PATCH, against a user.
fn check_patch(operation: Value, expected: &[&str]) {
    let body = object(json!({"schemas": [PATCH_OP], "Operations": [operation]}));
    check_message(body, expected);
}

fn check_message(body: Document, expected: &[&str]) {
    let request = patch::parse(SchemaSet::user(), &body).unwrap();
    let mut document =
        object(json!({"userName": "mira", "emails": [{"value": "a", "type": "work"}]}));
    let applied = patch::apply_with(
        SchemaSet::user(),
        "7b1c",
        &mut document,
        &request.operations,
        Strictness::default(),
    )
    .unwrap();
    let mut all = request.deviations;
    all.extend(applied.deviations);
    assert_eq!(codes(all), expected, "{body:?}");
}

#[test]
fn habits_in_patches() {
    let replace = |path: &str, value: Value| json!({"op": "replace", "path": path, "value": value});
    let bare = |value: Value| json!({"op": "add", "value": value});
    check_patch(replace("displayName", json!("x")), &[]);
    check_patch(bare(json!({"displayName": "x"})), &[]);
    check_patch(
        json!({"op": "Replace", "path": "title", "value": "x"}),
        &["op-case"],
    );
    check_patch(
        json!({"OP": "replace", "path": "title", "value": "x"}),
        &["operations-case"],
    );
    check_patch(replace("displayname", json!("x")), &["attribute-case"]);
    check_patch(replace("active", json!("True")), &["string-boolean"]);
    check_patch(bare(json!({"name.givenName": "x"})), &["dotted-key"]);
    check_patch(
        bare(json!({"name": {"name.givenName": "x"}})),
        &["dotted-key"],
    );
    check_patch(
        bare(json!({format!("{ENTERPRISE}:department"): "x"})),
        &["qualified-key"],
    );
    check_patch(
        bare(json!({"emails[type eq \"work\"].value": "b"})),
        &["value-path-key"],
    );
    check_patch(bare(json!({"shoeSize": 38})), &["unknown-attribute"]);
    check_patch(
        replace("name", json!({"shoe": 1, "givenName": "x"})),
        &["unknown-attribute"],
    );
    check_patch(bare(json!({"meta": {}})), &["read-only-sent"]);
    check_patch(bare(json!({"id": "7b1c"})), &["read-only-unchanged"]);
    check_patch(replace("password", json!("x")), &["password-sent"]);
    check_patch(
        json!({"op": "remove", "path": "emails", "value": [{"value": "a"}]}),
        &["remove-with-value"],
    );
    check_patch(
        replace("emails[type eq \"home\"].value", json!("b")),
        &["value-path-created"],
    );
    check_patch(replace("name", json!("")), &["empty-string"]);
    check_patch(
        replace("name", json!([{"givenName": "x"}])),
        &["list-for-single"],
    );
    check_patch(
        json!({"op": "add", "path": "emails", "value": {"value": "b"}}),
        &["single-object-for-array"],
    );
    let single =
        json!({"schemas": [PATCH_OP], "Operations": {"op": "add", "path": "title", "value": "x"}});
    check_message(object(single), &["single-operation"]);
    let lower = json!({"operations": [{"op": "add", "path": "title", "value": "x"}]});
    check_message(object(lower), &["operations-case", "missing-schemas"]);
}

#[test]
fn habits_with_members() {
    let check = |operation: Value, expected: &[&str]| {
        let body = object(json!({"schemas": [PATCH_OP], "Operations": [operation]}));
        let request = patch::parse(SchemaSet::group(), &body).unwrap();
        assert_eq!(codes(request.deviations), expected, "{body:?}");
    };
    let one = json!([{"value": "7b1c"}]);
    check(json!({"op": "add", "path": "members", "value": one}), &[]);
    check(
        json!({"op": "remove", "path": "members[value eq \"7b1c\"]"}),
        &[],
    );
    check(
        json!({"op": "remove", "path": "members", "value": one}),
        &["remove-with-value"],
    );
    check(
        json!({"op": "remove", "path": "members"}),
        &["clear-members"],
    );
    check(
        json!({"op": "replace", "path": "members", "value": []}),
        &["clear-members"],
    );
    check(
        json!({"op": "add", "path": "members", "value": ["7b1c"]}),
        &["string-for-complex"],
    );
    check(
        json!({"op": "add", "path": "members", "value": {"value": "7b1c"}}),
        &["single-object-for-array"],
    );
}

#[test]
fn habits_in_filters() {
    for (filter, expected) in [
        ("emails eq \"a\"", &[][..]),
        ("email eq \"a\"", &["email-for-emails"]),
        (
            "not (active eq true and email.value sw \"a\")",
            &["email-for-emails"],
        ),
    ] {
        let found = Filter::parse(filter).unwrap().deviations(SchemaSet::user());
        assert_eq!(codes(found), expected, "{filter}");
    }
}

#[test]
fn strict_clients_are_told() {
    let strict = Strictness {
        attributes: true,
        paths: true,
    };
    let check = |operation: Value, expected: Option<(ScimType, &str)>| {
        let body = object(json!({"Operations": [operation]}));
        let request = patch::parse(SchemaSet::user(), &body).unwrap();
        let before = object(json!({"userName": "mira"}));
        let mut document = before.clone();
        let result = patch::apply_with(
            SchemaSet::user(),
            "1",
            &mut document,
            &request.operations,
            strict,
        );
        match expected {
            None => assert!(result.unwrap().changed),
            Some((scim_type, part)) => {
                let error = result.unwrap_err();
                assert_eq!(error.scim_type, Some(scim_type), "{body:?}");
                assert!(error.detail.contains(part), "{error}");
                assert_eq!(document, before);
            }
        }
    };
    let path = "emails[type eq \"home\"].value";
    check(
        json!({"op": "replace", "path": path, "value": "b"}),
        Some((ScimType::NoTarget, path)),
    );
    check(
        json!({"op": "add", "path": "name", "value": {"shoe": 1}}),
        Some((ScimType::InvalidSyntax, "`name.shoe`")),
    );
    check(
        json!({"op": "add", "path": "emails", "value": [{"value": "b"}]}),
        None,
    );
    let body = object(json!({"userName": "mira", "shoeSize": 38}));
    let validated = validate::create(SchemaSet::user(), body).unwrap();
    let error = validate::refuse_unknown(&validated.ignored).unwrap_err();
    assert!(error.detail.contains("`shoeSize`"), "{error}");
    assert_eq!(validate::refuse_unknown(&[]), Ok(()));
}
