use super::{AttributePath, Path};
use crate::{ScimType, schema::SchemaSet};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

#[track_caller]
fn resolves(text: &str, expected: Option<&str>) {
    let found = AttributePath::parse(text)
        .unwrap()
        .resolve(SchemaSet::user())
        .map(|found| found.index_name());
    assert_eq!(found.as_deref(), expected, "{text}");
}

#[test]
fn names_are_found_in_any_case_and_under_their_urn() {
    resolves("USERNAME", Some("username"));
    resolves("emails", Some("emails.value"));
    resolves("email", Some("emails.value"));
    resolves("email.type", Some("emails.type"));
    resolves("addresses", Some("addresses"));
    resolves("name", Some("name"));
    resolves("Meta.LastModified", Some("meta.lastmodified"));
    resolves("id", Some("id"));
    resolves("externalid", Some("externalid"));
    resolves("schemas", Some("schemas"));
    resolves("groups.$ref", Some("groups.$ref"));
    resolves(
        "URN:IETF:params:scim:schemas:core:2.0:user:UserName",
        Some("username"),
    );
    resolves("urn:scim:schemas:core:1.0:userName", Some("username"));
    let department = format!("{ENTERPRISE}:department").to_lowercase();
    resolves(&department, Some(&department));
    resolves(
        "urn:scim:schemas:extension:enterprise:1.0:department",
        Some(&department),
    );
    let manager = format!("{ENTERPRISE}:manager.value");
    resolves(&manager, Some(&manager.to_lowercase()));
    resolves("department", None);
    resolves("name.shoe", None);
    resolves("members", None);
    resolves("urn:ietf:params:scim:schemas:core:2.0:Group:userName", None);
    resolves(&format!("{ENTERPRISE}:userName"), None);
    resolves(&format!("{ENTERPRISE}.department"), None);
}

#[test]
fn paths_print_as_they_are_read() {
    let check = |text: &str, canonical: &str| {
        let path = Path::parse(text).unwrap();
        assert_eq!(path.to_string(), canonical);
        assert_eq!(Path::parse(canonical).unwrap(), path);
    };
    check(" title ", "title");
    check("name.givenName", "name.givenName");
    check(
        "emails[ type EQ \"work\" AND(primary eq TRUE) ].value",
        "emails[type eq \"work\" and primary eq true].value",
    );
    let manager = format!("{ENTERPRISE}:manager[value eq \"1\"].displayName");
    check(&manager, &manager);
}

#[test]
fn malformed_paths_name_the_position() {
    let check = |text: &str, part: &str| {
        let error = Path::parse(text).unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::InvalidPath));
        assert!(error.detail.contains(part), "{text}: {}", error.detail);
    };
    check("", "character 1");
    check("1a", "`1a` is not an attribute name");
    check("a b", "character 3: `b` was not expected");
    check("a.b.c", "is not an attribute name");
    check(
        "emails[type eq \"work\"",
        "character 22: a closing `]` is missing",
    );
    check("emails[type eq \"work\"].", "character 24");
    check("emails[type eq \"work\"].a.b", "character 24");
    check(
        "emails.value[type pr]",
        "only an attribute can have a filter",
    );
    check("emails[]", "character 8");
    check("urn:", "is not an attribute name");
    check(&"a".repeat(2049), "longer than");
    assert!(AttributePath::parse("emails[type pr]").is_err());
}
