//! Requests in the shapes that identity providers send, with invented people.
#![expect(clippy::unwrap_used, reason = "a test that fails here has failed")]

use serde_json::{Value, json};
use tenure_scim::{
    Document,
    filter::Filter,
    patch,
    patch::{MemberChange, PatchRequest},
    schema::{ResourceType, SchemaSet},
    validate,
};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn object(value: Value) -> Document {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is not an object"),
    }
}

fn parse(resource_type: &ResourceType, body: Value) -> PatchRequest {
    patch::parse(resource_type, &object(body)).unwrap()
}

#[track_caller]
fn user_after(before: Value, body: Value) -> Value {
    let request = parse(SchemaSet::user(), body);
    let mut document = validate::create(SchemaSet::user(), object(before))
        .unwrap()
        .document;
    patch::apply(
        SchemaSet::user(),
        "7b1c",
        &mut document,
        &request.operations,
    )
    .unwrap();
    document.shift_remove("schemas");
    Value::Object(document)
}

#[test]
fn entra_without_the_compliance_flag() {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        "externalId": "mira",
        "userName": "mira@mills.example",
        "active": "True",
        "emails": [{"primary": "True", "type": "work", "value": "mira@mills.example"}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": "Mira Okafor", "familyName": "Okafor", "givenName": "Mira"},
        "roles": [],
        "title": null,
        (ENTERPRISE): {"department": "Weaving", "manager": "41cc"},
    });
    let after = user_after(
        body,
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [
                {"op": "Replace", "path": "active", "value": "False"},
                {"op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+49 228 5550101"},
                {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "m.lindt@mills.example"},
                {"op": "Replace", "path": "name.familyName", "value": "Lindt"},
                {"op": "Add", "path": format!("{ENTERPRISE}:manager"), "value": "52dd"},
                {"op": "Remove", "path": format!("{ENTERPRISE}:department")},
                {"op": "Add", "path": "roles", "value": [{"value": "{\"id\":\"r1\",\"value\":\"lead\"}", "primary": "True"}]},
            ],
        }),
    );
    assert_eq!(
        after,
        json!({
            "externalId": "mira",
            "userName": "mira@mills.example",
            "name": {"formatted": "Mira Okafor", "familyName": "Lindt", "givenName": "Mira"},
            "active": false,
            "emails": [{"primary": true, "type": "work", "value": "m.lindt@mills.example"}],
            "phoneNumbers": [{"type": "mobile", "value": "+49 228 5550101"}],
            "roles": [{"value": "lead", "primary": true}],
            (ENTERPRISE): {"manager": {"value": "52dd"}},
        })
    );
}

#[test]
fn entra_group_membership_in_both_dialects() {
    let legacy = json!({"Operations": [{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": "7b1c"}]}]});
    let compliant = json!({"Operations": [{"op": "remove", "path": "members[value eq \"7b1c\"]"}]});
    let expected = [MemberChange::Remove(vec!["7b1c".to_owned()])];
    assert_eq!(parse(SchemaSet::group(), legacy).members, expected);
    assert_eq!(parse(SchemaSet::group(), compliant).members, expected);
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group", "http://schemas.vendor.example/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "externalId": "8aa1", "displayName": "Line Leads", "members": [], "meta": {"resourceType": "Group"},
    });
    let validated = validate::create(SchemaSet::group(), object(group)).unwrap();
    assert_eq!(validated.members, Some(Vec::new()));
    assert_eq!(validated.ignored.len(), 1);
}

#[test]
fn entra_with_the_compliance_flag() {
    let after = user_after(
        json!({"userName": "mira", "active": true, "displayName": "M"}),
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "value": {
                "displayName": "Mira Okafor",
                "name.givenName": "Mira",
                "name.familyName": "Okafor",
                "active": false,
                (format!("{ENTERPRISE}:department")): "Weaving",
                "emails[type eq \"work\"].value": "mira@mills.example",
            }}],
        }),
    );
    assert_eq!(
        after,
        json!({
            "userName": "mira",
            "name": {"givenName": "Mira", "familyName": "Okafor"},
            "displayName": "Mira Okafor",
            "active": false,
            "emails": [{"type": "work", "value": "mira@mills.example"}],
            (ENTERPRISE): {"department": "Weaving"},
        })
    );
}

#[test]
fn okta_users() {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "mira@mills.example",
        "name": {"givenName": "Mira", "familyName": "Okafor"},
        "emails": [{"primary": true, "value": "mira@mills.example", "type": "work"}],
        "displayName": "Mira Okafor", "locale": "en-US", "externalId": "00uQ7invented5d7",
        "groups": [], "password": "kR9-invented", "active": true,
    });
    let current = validate::create(SchemaSet::user(), object(body.clone()))
        .unwrap()
        .document;
    assert!(!current.contains_key("password") && !current.contains_key("groups"));
    let mut put = object(body.clone());
    put.insert("id".to_owned(), "7b1c".into());
    put.insert(
        "meta".to_owned(),
        json!({"resourceType": "User", "created": "2026-01-01T00:00:00Z"}),
    );
    put.insert(
        "groups".to_owned(),
        json!([{"value": "55aa", "display": "Leads"}]),
    );
    assert_eq!(
        validate::replace(SchemaSet::user(), &current, put)
            .unwrap()
            .document,
        current
    );
    let after = user_after(
        body,
        json!({"Operations": [{"op": "replace", "value": {"active": false}}]}),
    );
    assert_eq!(after["active"], false);
}

#[test]
fn okta_groups() {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [
            {"op": "remove", "path": "members[value eq \"41cc\"]"},
            {"op": "add", "path": "members", "value": [{"value": "7b1c", "display": "mira@mills.example"}]},
            {"op": "replace", "value": {"id": "55aa", "displayName": "Floor Leads"}},
        ],
    });
    let request = parse(SchemaSet::group(), body);
    assert_eq!(request.members.len(), 2);
    let mut group = object(json!({"displayName": "Line Leads"}));
    assert!(patch::apply(SchemaSet::group(), "55aa", &mut group, &request.operations).unwrap());
    assert_eq!(group["displayName"], "Floor Leads");
    assert!(!patch::apply(SchemaSet::group(), "55aa", &mut group, &request.operations).unwrap());
    assert!(patch::apply(SchemaSet::group(), "other", &mut group, &request.operations).is_err());
    let whole = json!({"Operations": [{"op": "replace", "path": "members", "value": [{"value": "7b1c"}, {"value": "8c2d"}]}]});
    let request = parse(SchemaSet::group(), whole);
    assert!(
        matches!(request.members.as_slice(), [MemberChange::Replace(members)] if members.len() == 2)
    );
}

#[test]
fn onelogin_sends_an_object_where_a_list_is_defined() {
    let after = user_after(
        json!({"schemas": ["urn:scim:schemas:core:1.0"], "userName": "mira", "externalId": "41711"}),
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "path": "emails", "value": {"type": "work", "primary": true, "value": "mira@mills.example"}}],
        }),
    );
    assert_eq!(
        after,
        json!({
            "externalId": "41711",
            "userName": "mira",
            "emails": [{"type": "work", "primary": true, "value": "mira@mills.example"}],
        })
    );
}

#[test]
fn jumpcloud_removes_listed_members_only() {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "remove", "path": "members", "value": [{"value": "7b1c"}]}],
    });
    assert_eq!(
        parse(SchemaSet::group(), body).members,
        [MemberChange::Remove(vec!["7b1c".to_owned()])]
    );
}

#[test]
fn lookups_of_the_providers_are_accepted() {
    for text in [
        r#"userName eq "5f0c1a-nobody""#,
        r#"externalId eq "00uQ7invented5d7" and active eq true"#,
        r#"emails[type eq "work"].value eq "mira@mills.example""#,
        r#"meta.lastModified gt "2026-01-01T00:00:00Z""#,
    ] {
        Filter::parse(text)
            .unwrap()
            .check(SchemaSet::user())
            .unwrap();
    }
    for text in [
        r#"displayName eq "Line Leads""#,
        r#"id eq "55aa" and members eq "7b1c""#,
        r#"members[value eq "7b1c"]"#,
    ] {
        Filter::parse(text)
            .unwrap()
            .check(SchemaSet::group())
            .unwrap();
    }
}
