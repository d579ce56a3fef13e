#![expect(
    clippy::needless_pass_by_value,
    reason = "tables of values read better without references"
)]

use serde_json::{Value, json};

use super::{Validated, create, replace};
use crate::{Document, ScimError, ScimType, schema::SchemaSet};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

fn object(value: Value) -> Document {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is not an object"),
    }
}

fn create_user(body: Value) -> Result<Validated, ScimError> {
    create(SchemaSet::user(), object(body))
}

#[track_caller]
fn stored(body: Value, expected: Value) {
    let mut body = object(body);
    body.entry("userName").or_insert("mira".into());
    let mut document = create(SchemaSet::user(), body).unwrap().document;
    document.shift_remove("schemas");
    document.shift_remove("userName");
    assert_eq!(Value::Object(document), expected);
}

#[track_caller]
fn refused(body: Value, scim_type: ScimType, part: &str) {
    let mut body = object(body);
    body.entry("userName").or_insert("mira".into());
    let error = create(SchemaSet::user(), body).unwrap_err();
    assert_eq!(error.scim_type, Some(scim_type), "{}", error.detail);
    assert!(error.detail.contains(part), "{}", error.detail);
}

#[test]
fn names_get_their_registered_spelling_and_order() {
    let body = json!({
        "ACTIVE": true,
        "emails": [{"VALUE": "a@b.example", "Type": "work"}],
        (ENTERPRISE.to_uppercase()): {"DEPARTMENT": "Weaving"},
        "NAME": {"GIVENNAME": "Mira"},
        "username": "mira",
    });
    let document = create_user(body).unwrap().document;
    let text = Value::Object(document).to_string();
    assert_eq!(
        text,
        json!({
            "schemas": [USER, ENTERPRISE],
            "userName": "mira",
            "name": {"givenName": "Mira"},
            "active": true,
            "emails": [{"value": "a@b.example", "type": "work"}],
            (ENTERPRISE): {"department": "Weaving"},
        })
        .to_string()
    );
}

#[test]
fn tolerated_forms_become_the_defined_ones() {
    stored(json!({"active": "True"}), json!({"active": true}));
    stored(json!({"active": "fAlse"}), json!({"active": false}));
    stored(
        json!({"emails": {"value": "a@b"}}),
        json!({"emails": [{"value": "a@b"}]}),
    );
    stored(
        json!({"emails": "a@b"}),
        json!({"emails": [{"value": "a@b"}]}),
    );
    stored(
        json!({"roles": ["a", {"value": "b"}]}),
        json!({"roles": [{"value": "a"}, {"value": "b"}]}),
    );
    stored(
        json!({"roles": ["{\"value\":\"admin\",\"primary\":\"True\"}"]}),
        json!({"roles": [{"value": "admin", "primary": true}]}),
    );
    stored(
        json!({(ENTERPRISE): {"manager": "41cc"}}),
        json!({(ENTERPRISE): {"manager": {"value": "41cc"}}}),
    );
    stored(
        json!({"emails": [{"value": "a"}, {"value": "a"}]}),
        json!({"emails": [{"value": "a"}]}),
    );
}

#[test]
fn unassigned_and_read_only_values_are_left_out() {
    stored(
        json!({"id": "x", "meta": {"version": "1"}, "groups": [], "password": "secret-1", "schemas": null}),
        json!({}),
    );
    stored(
        json!({"title": null, "emails": [], "name": {"givenName": null}}),
        json!({}),
    );
    stored(
        json!({"emails": [null, {}], "name": "", "profileUrl": ""}),
        json!({}),
    );
    stored(json!({"title": ""}), json!({"title": ""}));
    stored(
        json!({(ENTERPRISE): {"manager": {"value": "1", "displayName": "Boss", "$ref": null}}}),
        json!({(ENTERPRISE): {"manager": {"value": "1"}}}),
    );
    stored(json!({(ENTERPRISE): {}}), json!({}));
    stored(json!({(ENTERPRISE): null}), json!({}));
}

#[test]
fn what_is_unknown_is_reported() {
    let body = json!({
        "userName": "mira",
        "shoeSize": 38,
        "schemas": [USER, "urn:example:shoes", ENTERPRISE.to_uppercase()],
        "name": {"shoe": 1},
        (ENTERPRISE): {"floor": 3},
    });
    let validated = create_user(body).unwrap();
    let floor = format!("{ENTERPRISE}:floor");
    assert_eq!(
        validated.ignored,
        ["shoeSize", "urn:example:shoes", "name.shoe", floor.as_str()]
    );
    assert_eq!(
        Value::Object(validated.document),
        json!({"schemas": [USER], "userName": "mira"})
    );
    assert!(
        create_user(json!({"schemas": "urn:scim:schemas:core:1.0", "userName": "m"}))
            .unwrap()
            .ignored
            .is_empty()
    );
}

#[test]
fn wrong_values_are_refused() {
    use ScimType::{InvalidSyntax, InvalidValue};
    refused(
        json!({"userName": "  "}),
        InvalidValue,
        "`userName` must not be empty",
    );
    refused(
        json!({"userName": null}),
        InvalidValue,
        "`userName` is required",
    );
    refused(
        json!({"userName": "a\nb"}),
        InvalidValue,
        "control characters",
    );
    refused(
        json!({"userName": ["a"]}),
        InvalidValue,
        "`userName` must be a string",
    );
    refused(
        json!({"title": true}),
        InvalidValue,
        "`title` must be a string",
    );
    refused(
        json!({"title": "x".repeat(65_537)}),
        InvalidValue,
        "longer than",
    );
    refused(
        json!({"active": "yes"}),
        InvalidValue,
        "`active` must be true or false",
    );
    refused(
        json!({"name": "Mira"}),
        InvalidValue,
        "`name` must be an object",
    );
    refused(
        json!({"emails": [{"value": {}}]}),
        InvalidValue,
        "`emails.value` must be a string",
    );
    refused(json!({"emails": [[]]}), InvalidValue, "not of lists");
    refused(
        json!({"x509Certificates": [{"value": "%"}]}),
        InvalidValue,
        "must be base64",
    );
    refused(
        json!({"emails": [{"value": "a", "primary": true}, {"value": "b", "primary": "true"}]}),
        InvalidValue,
        "Only one value of `emails` can be primary",
    );
    refused(
        json!({"username": "x"}),
        InvalidSyntax,
        "`userName` occurs twice",
    );
    refused(json!({"schemas": [5]}), InvalidSyntax, "list of URNs");
    refused(
        json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"]}),
        InvalidValue,
        "this is a User",
    );
    refused(
        json!({(ENTERPRISE): "x"}),
        InvalidValue,
        "must be an object",
    );
    let many: Vec<String> = (0..1001).map(|index| format!("{index}@b")).collect();
    refused(json!({"emails": many}), InvalidValue, "at most 1000 values");
}

#[test]
fn members_are_kept_beside_the_document() {
    let group = |body: Value| create(SchemaSet::group(), object(body));
    let validated = group(json!({"displayName": "Leads"})).unwrap();
    assert_eq!(validated.members, None);
    let validated = group(json!({
        "displayName": "Leads",
        "MEMBERS": [
            {"value": "1", "type": "user", "display": "Mira", "$ref": null},
            "2",
            {"$ref": "https://id.example/scim/v2/Groups/3"},
            {"value": "1"},
        ],
    }))
    .unwrap();
    let members = validated.members.unwrap();
    let pairs: Vec<_> = members
        .iter()
        .map(|member| (member.value.as_str(), member.kind.as_deref()))
        .collect();
    assert_eq!(pairs, [("1", Some("User")), ("2", None), ("3", None)]);
    assert!(!validated.document.contains_key("members"));
    assert_eq!(
        group(json!({"displayName": "L", "members": []}))
            .unwrap()
            .members,
        Some(Vec::new())
    );
    assert!(group(json!({"displayName": "L", "members": [{"type": "User"}]})).is_err());
    assert!(
        group(json!({"members": []}))
            .unwrap_err()
            .detail
            .contains("`displayName` is required")
    );
}

#[test]
fn a_put_clears_what_it_omits() {
    let current = object(json!({"userName": "mira", "title": "Weaver", "active": true}));
    let body = object(json!({"id": "other", "userName": "mira", "active": "False"}));
    let validated = replace(SchemaSet::user(), &current, body).unwrap();
    assert_eq!(
        Value::Object(validated.document),
        json!({"schemas": [USER], "userName": "mira", "active": false})
    );
    let error = replace(SchemaSet::user(), &current, object(json!({"title": "x"}))).unwrap_err();
    assert!(error.detail.contains("`userName` is required"));
}

#[test]
fn a_put_keeps_immutable_values_and_refuses_others() {
    let mut custom = SchemaSet::user().as_ref().clone();
    let mut schema = custom.schema.as_ref().clone();
    for attribute in &mut schema.attributes {
        if attribute.name == "nickName" {
            attribute.mutability = crate::schema::Mutability::Immutable;
        }
    }
    custom.schema = schema.into();
    let current = object(json!({"userName": "mira", "nickName": "Mi"}));
    let put = |body: Value| replace(&custom, &current, object(body));
    assert_eq!(
        put(json!({"userName": "m"})).unwrap().document["nickName"],
        "Mi"
    );
    assert_eq!(
        put(json!({"userName": "m", "nickName": "Mi"}))
            .unwrap()
            .document["nickName"],
        "Mi"
    );
    let error = put(json!({"userName": "m", "nickName": "Mo"})).unwrap_err();
    assert_eq!(error.scim_type, Some(ScimType::Mutability));
}

#[test]
fn passwords_are_not_kept_but_must_be_text() {
    let body = object(json!({"userName": "mira", "password": "hidden"}));
    let validated = create(SchemaSet::user(), body).unwrap();
    assert!(!json!(validated.document).to_string().contains("hidden"));
    for wrong in [json!(7), json!({"value": "hidden"}), json!([1])] {
        refused(
            json!({"password": wrong}),
            ScimType::InvalidValue,
            "`password`",
        );
    }
}

#[test]
fn roles_as_text_within_their_value_are_unpacked() {
    let text = json!({"id": "r-1", "value": "25", "displayName": "Foreman"}).to_string();
    let body = object(json!({"userName": "mira", "roles": [{"value": text, "primary": true}]}));
    let validated = create(SchemaSet::user(), body).unwrap();
    let expected = json!([{"value": "25", "display": "Foreman", "primary": true}]);
    assert_eq!(validated.document["roles"], expected);
    let plain = json!([{"value": "{not json"}]);
    let body = object(json!({"userName": "mira", "roles": plain}));
    assert_eq!(
        create(SchemaSet::user(), body).unwrap().document["roles"],
        plain
    );
}
