//! The worked examples of RFC 7643 and RFC 7644, with data of our own.

use serde_json::{Value, json};
use tenure_scim::{
    Document, ScimError, ScimType, filter::Filter, json::parse_object, patch, patch::MemberChange,
    schema::SchemaSet, validate,
};

fn object(value: Value) -> Document {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is not an object"),
    }
}

/// A full user in the manner of RFC 7643 section 8.3.
fn full_user() -> Value {
    json!({
        "schemas": [
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        ],
        "externalId": "hr-00417",
        "userName": "mira.okafor@mills.example",
        "name": {
            "formatted": "Dr. Mira Adaeze Okafor III", "familyName": "Okafor", "givenName": "Mira",
            "middleName": "Adaeze", "honorificPrefix": "Dr.", "honorificSuffix": "III",
        },
        "displayName": "Mira Okafor",
        "nickName": "Mi",
        "profileUrl": "https://people.mills.example/mira",
        "title": "Weaver",
        "userType": "Employee",
        "preferredLanguage": "en-US,de;q=0.7",
        "locale": "en-US",
        "timezone": "Europe/Berlin",
        "active": true,
        "emails": [
            {"value": "mira.okafor@mills.example", "type": "work", "primary": true},
            {"value": "mira@okafor.example", "type": "home"},
        ],
        "phoneNumbers": [{"value": "tel:+49-228-555-0101", "type": "work"}],
        "ims": [{"value": "miraokafor", "type": "xmpp"}],
        "photos": [{"value": "https://photos.mills.example/mira/F", "type": "photo"}],
        "addresses": [{
            "formatted": "Webergasse 7\n53111 Bonn", "streetAddress": "Webergasse 7", "locality": "Bonn",
            "region": "NW", "postalCode": "53111", "country": "DE", "type": "work", "primary": true,
        }],
        "entitlements": [{"value": "loom-3"}],
        "roles": [{"value": "lead", "type": "floor"}],
        "x509Certificates": [{"value": "MIIDQzCCAqygAwIBAgICEAAwDQYJKoZIhvcNAQEFBQAw"}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "employeeNumber": "00417", "costCenter": "4130", "organization": "Northwind Mills",
            "division": "Cloth", "department": "Weaving",
            "manager": {"value": "41cc", "$ref": "../Users/41cc"},
        },
    })
}

#[test]
fn a_full_user_is_stored_as_it_was_sent() {
    let validated = validate::create(SchemaSet::user(), object(full_user())).unwrap();
    assert_eq!(validated.ignored, Vec::<String>::new());
    assert_eq!(
        Value::Object(validated.document).to_string(),
        full_user().to_string()
    );
}

#[test]
fn bodies_survive_the_reader() {
    let text = full_user().to_string();
    assert_eq!(
        Value::Object(parse_object(text.as_bytes()).unwrap()).to_string(),
        text
    );
}

/// RFC 7644 section 3.4.2.2, figure by figure.
#[test]
fn filter_examples() {
    let mut user = object(full_user());
    user.insert("id".to_owned(), "7b1c".into());
    user.insert(
        "meta".to_owned(),
        json!({"resourceType": "User", "lastModified": "2026-05-13T04:42:34.000Z"}),
    );
    let check = |text: &str, expected: bool| {
        let filter = Filter::parse(text).unwrap();
        filter.check(SchemaSet::user()).unwrap();
        assert_eq!(filter.matches(SchemaSet::user(), &user), expected, "{text}");
    };
    check(r#"userName eq "mira.okafor@mills.example""#, true);
    check(r#"name.familyName co "KAF""#, true);
    check(r#"userName sw "M""#, true);
    check(
        r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#,
        false,
    );
    check("title pr", true);
    check(r#"meta.lastModified gt "2026-05-13T04:42:34Z""#, false);
    check(r#"meta.lastModified ge "2026-05-13T04:42:34Z""#, true);
    check(r#"meta.lastModified lt "2026-05-13T04:42:35Z""#, true);
    check(r#"meta.lastModified le "2026-05-13T06:42:34+02:00""#, true);
    check(r#"title pr and userType eq "Employee""#, true);
    check(r#"title pr or userType eq "Intern""#, true);
    check(
        r#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#,
        true,
    );
    check(
        r#"userType eq "Employee" and (emails co "mills.example" or emails.value co "mills.test")"#,
        true,
    );
    check(
        r#"userType ne "Employee" and not (emails co "mills.example" or emails.value co "mills.test")"#,
        false,
    );
    check(
        r#"userType eq "Employee" and (emails.type eq "work")"#,
        true,
    );
    check(
        r#"userType eq "Employee" and emails[type eq "work" and value co "@mills.example"]"#,
        true,
    );
    check(
        r#"emails[type eq "work" and value co "@okafor"] or ims[type eq "xmpp" and value co "ira"]"#,
        true,
    );
}

fn patched(operations: &Value) -> Result<Value, ScimError> {
    let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations});
    let request = patch::parse(SchemaSet::user(), &object(body))?;
    let mut user = object(full_user());
    patch::apply(SchemaSet::user(), "7b1c", &mut user, &request.operations)?;
    Ok(Value::Object(user))
}

/// RFC 7644 section 3.5.2.1: an addition without path.
#[test]
fn add_attributes() {
    let user = patched(&json!([{"op": "add", "value": {
        "emails": [{"value": "m@guild.example", "type": "other"}],
        "nickName": "Mimi",
    }}]))
    .unwrap();
    assert_eq!(user["nickName"], "Mimi");
    assert_eq!(user["emails"].as_array().unwrap().len(), 3);
    assert_eq!(
        user["emails"][2],
        json!({"value": "m@guild.example", "type": "other"})
    );
}

/// RFC 7644 section 3.5.2.2.
#[test]
fn remove_attributes() {
    let user = patched(
        &json!([{"op": "remove", "path": r#"emails[type eq "work" and value ew "mills.example"]"#}]),
    )
    .unwrap();
    assert_eq!(
        user["emails"],
        json!([{"value": "mira@okafor.example", "type": "home"}])
    );
    let error = patched(&json!([{"op": "remove"}])).unwrap_err();
    assert_eq!(
        (error.status, error.scim_type),
        (400, Some(ScimType::NoTarget))
    );
}

/// RFC 7644 section 3.5.2.3.
#[test]
fn replace_attributes() {
    let user = patched(&json!([{"op": "replace", "path": r#"addresses[type eq "work"]"#, "value": {
        "type": "work", "streetAddress": "Spinnereiweg 1", "formatted": "Spinnereiweg 1\n53111 Bonn",
    }}]))
    .unwrap();
    assert_eq!(user["addresses"][0]["streetAddress"], "Spinnereiweg 1");
    assert_eq!(user["addresses"][0]["country"], "DE");
    let path = r#"addresses[type eq "work"].streetAddress"#;
    let user =
        patched(&json!([{"op": "replace", "path": path, "value": "Spinnereiweg 2"}])).unwrap();
    assert_eq!(user["addresses"][0]["streetAddress"], "Spinnereiweg 2");
    let user = patched(&json!([{"op": "replace", "value": {
        "emails": [{"value": "m@guild.example", "type": "other", "primary": true}], "nickName": "Mo",
    }}]))
    .unwrap();
    assert_eq!(
        user["emails"],
        json!([{"value": "m@guild.example", "type": "other", "primary": true}])
    );
}

/// RFC 7644 section 3.5.2: members are added, removed and exchanged.
#[test]
fn member_examples() {
    let body = json!({"Operations": [
        {"op": "remove", "path": r#"members[value eq "2819"]"#},
        {"op": "add", "path": "members", "value": [{"display": "Mira", "$ref": "https://id.example/v2/Users/902c", "value": "902c"}]},
        {"op": "remove", "path": "members"},
    ]});
    let request = patch::parse(SchemaSet::group(), &object(body)).unwrap();
    let [
        MemberChange::Remove(removed),
        MemberChange::Add(added),
        MemberChange::Clear,
    ] = request.members.as_slice()
    else {
        panic!("{:?}", request.members)
    };
    assert_eq!(
        (removed.as_slice(), added[0].value.as_str()),
        (["2819".to_owned()].as_slice(), "902c")
    );
}

/// RFC 7644 section 3.12.
#[test]
fn error_bodies() {
    assert_eq!(
        ScimError::uniqueness("`userName` is taken.").body(),
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": "409",
            "scimType": "uniqueness",
            "detail": "`userName` is taken.",
        })
    );
    assert!(
        ScimError::status(404, "There is no such resource.")
            .body()
            .get("scimType")
            .is_none()
    );
}
