use serde_json::{Value, json};

use super::Filter;
use crate::{ScimType, limits, schema::SchemaSet};

fn person() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": "7b1c",
        "externalId": "Ext-1",
        "userName": "Mira.Okafor@Mills.example",
        "name": {"familyName": "Okafor", "givenName": "Mira"},
        "displayName": "",
        "active": true,
        "emails": [
            {"type": "work", "value": "mira@mills.example", "primary": true},
            {"type": "home", "value": "Mira@home.example"},
        ],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "department": "Weaving",
            "manager": {"value": "41cc"},
        },
        "meta": {"created": "2026-03-01T10:00:00.000Z", "resourceType": "User"},
    })
}

#[track_caller]
fn check(text: &str, expected: bool) {
    let filter = Filter::parse(text).unwrap();
    filter.check(SchemaSet::user()).unwrap();
    let person = person();
    let found = filter.matches(SchemaSet::user(), person.as_object().unwrap());
    assert_eq!(found, expected, "{text}");
    let printed = filter.to_string();
    assert_eq!(
        Filter::parse(&printed).unwrap(),
        filter,
        "{text} printed as {printed}"
    );
}

#[track_caller]
fn malformed(text: &str, part: &str) {
    let error = Filter::parse(text).unwrap_err();
    assert_eq!(error.scim_type, Some(ScimType::InvalidFilter));
    assert!(error.detail.contains(part), "{text}: {}", error.detail);
}

#[track_caller]
fn senseless(text: &str, part: &str) {
    let filter = Filter::parse(text).unwrap();
    let error = filter.check(SchemaSet::user()).unwrap_err();
    assert_eq!(error.scim_type, Some(ScimType::InvalidFilter));
    assert!(error.detail.contains(part), "{text}: {}", error.detail);
    let person = person();
    assert!(
        !filter.matches(SchemaSet::user(), person.as_object().unwrap()),
        "{text}"
    );
}

#[test]
fn strings_compare_by_their_case_rule() {
    check(r#"userName eq "MIRA.okafor@mills.EXAMPLE""#, true);
    check(r#"USERNAME Eq "mira.okafor@mills.example""#, true);
    check(r#"externalId eq "ext-1""#, false);
    check(r#"externalId eq "Ext-1""#, true);
    check(r#"id eq "7b1c""#, true);
    check(r#"userName sw "MIRA""#, true);
    check(r#"userName ew ".Example""#, true);
    check(r#"userName co "okafor@""#, true);
    check(r#"userName eq"mira.okafor@mills.example""#, true);
    check(
        r#"name.familyName gt "Oa" and name.familyName lt "ol""#,
        true,
    );
    check(
        r#"name.familyName ge "okafor" and name.familyName le "OKAFOR""#,
        true,
    );
    check(r#"userName co """#, true);
}

#[test]
fn unassigned_attributes_follow_two_valued_logic() {
    check(r#"nickName eq "x""#, false);
    check(r#"nickName ne "x""#, true);
    check("nickName eq null", true);
    check("nickName ne null", false);
    check("userName eq NULL", false);
    check("nickName pr", false);
    check("not (nickName pr)", true);
    check("displayName pr", false);
    check(r#"displayName eq """#, true);
    check("name pr", true);
    check("emails pr", true);
    check("name eq null", false);
    check(r#"not(nickName eq "x")"#, true);
}

#[test]
fn multi_valued_attributes_match_by_any_value() {
    for form in [
        r#"emails eq "MIRA@home.example""#,
        r#"email eq "mira@home.example""#,
        r#"emails.value eq "mira@home.example""#,
        r#"emails[value eq "mira@home.example"]"#,
        r#"emails[type eq "home"].value eq "mira@home.example""#,
        r#"emails[type eq "home" and value eq "mira@home.example"]"#,
    ] {
        check(form, true);
        check(&form.replace("@home", "@mills"), !form.contains("type"));
    }
    check(r#"emails.type ne "work""#, true);
    check(r#"not (emails.type eq "work")"#, false);
    check(r#"emails[type eq "work" and value co "home"]"#, false);
    check(
        r#"emails[type eq "work" or (value co "home" and not (primary eq true))]"#,
        true,
    );
    check(r#"emails[type eq "work"].value pr"#, true);
    check(r#"emails[type eq "other"].value pr"#, false);
    check(r#"emails[not (type eq "work")]"#, true);
    check(r#"emails.primary eq "True""#, true);
}

#[test]
fn qualified_names_dates_and_precedence() {
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    check(&format!(r#"{enterprise}:department eq "weaving""#), true);
    check(
        &format!(r#"{}:DEPARTMENT eq "weaving""#, enterprise.to_uppercase()),
        true,
    );
    check(&format!(r#"{enterprise}:manager.value eq "41cc""#), true);
    check(&format!(r#"{enterprise}:manager[value eq "41cc"]"#), true);
    check(
        r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "mira""#,
        true,
    );
    check(
        r#"schemas eq "URN:ietf:params:scim:schemas:core:2.0:user""#,
        true,
    );
    check(r#"meta.created eq "2026-03-01T11:00:00+01:00""#, true);
    check(r#"meta.created gt "2026-03-01T09:59:59.999""#, true);
    check(r#"meta.created lt "2026-03-01T10:00:00Z""#, false);
    check(r#"meta.created sw "2026-03-01t10""#, true);
    check(
        r#"userName eq "x" and userName eq "y" or active eq true"#,
        true,
    );
    check(
        r#"userName eq "x" and (userName eq "y" or active eq true)"#,
        false,
    );
    check(
        r#"active eq true and active eq "TRUE" and not (active eq False)"#,
        true,
    );
    check(
        r#"(active eq true and userName pr) and (name pr and id pr)"#,
        true,
    );
    check(r#"userName eq "\u004dira.okafor@mills.example""#, true);
}

#[test]
fn malformed_filters_name_the_position() {
    malformed("", "character 1: an attribute name is missing");
    malformed("userName", "character 9: an operator is missing");
    malformed("userName xx \"a\"", "character 10: `xx` is not an operator");
    malformed("userName eq", "character 12: a value was expected");
    malformed("userName eq 'a'", "character 13: a value was expected");
    malformed(
        "userName eq \"a",
        "character 13: the string has no closing quote",
    );
    malformed(
        "userName eq \"\\q\"",
        "character 13: the string is not a valid",
    );
    malformed("userName eq \"\\u0000\"", "NUL");
    malformed("userName eq 01", "character 13: a value was expected");
    malformed("userName pr pr", "character 13: `and`, `or` or the end");
    malformed("(userName pr", "character 13: a closing `)` is missing");
    malformed("userName pr)", "character 12: there is no `(`");
    malformed(
        "not userName pr",
        "character 5: `not` must be followed by `(`",
    );
    malformed("emails[type pr", "a closing `]` is missing");
    malformed(
        "emails[type[value pr]]",
        "brackets cannot stand inside of brackets",
    );
    malformed("emails[a.b pr]", "only names of sub-attributes");
    malformed(
        "emails.value[type pr]",
        "only an attribute can have brackets",
    );
    malformed("emails[type pr]. pr", "after the dot");
    malformed(
        "é eq 1",
        "character 1: an attribute name was expected, not `é`",
    );
    malformed("userName eq \"é\" é", "character 17");
    malformed("a.b.c pr", "is not an attribute name");
    malformed("foo:bar pr", "is not an attribute name");
    malformed("and and and", "`and` is not an operator");
}

#[test]
fn senseless_filters_are_refused_and_match_nothing() {
    senseless(
        r#"shoeSize eq "38""#,
        "`shoeSize` is not an attribute of User",
    );
    senseless(r#"urn:x:y:userName eq "a""#, "is not an attribute");
    senseless("userName eq 5", "must be compared with a string");
    senseless("userName eq true", "must be compared with a string");
    senseless(r#"active eq "yes""#, "must be compared with true or false");
    senseless("active gt true", "`gt` cannot be used");
    senseless("active eq 1", "must be compared with true or false");
    senseless("userName gt null", "Only eq and ne");
    senseless(r#"meta.created gt "yesterday""#, "a date and time");
    senseless(r#"name eq "x""#, "is complex");
    senseless(r#"addresses eq "x""#, "is complex");
    senseless(r#"password sw "a""#, "cannot be used in a filter");
    senseless("password pr", "cannot be used in a filter");
    senseless(r#"emails[shoe eq "x"]"#, "has no sub-attribute `shoe`");
    senseless(r#"userName[a eq "x"]"#, "has no sub-attributes");
    senseless(r#"x509Certificates.value co "AA""#, "`co` cannot be used");
}

#[test]
fn limits_hold_at_their_edge() {
    let nested = |depth: usize| format!("{}userName pr{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Filter::parse(&nested(limits::FILTER_DEPTH)).is_ok());
    malformed(&nested(limits::FILTER_DEPTH + 1), "nested deeper");
    malformed(&nested(900), "nested deeper");
    let wide = |terms: usize| vec!["userName pr"; terms].join(" or ");
    // One part is the `or` itself.
    assert!(Filter::parse(&wide(limits::FILTER_NODES - 1)).is_ok());
    malformed(&wide(limits::FILTER_NODES), "more than");
    let long = |chars: usize| format!("userName eq \"{}\"", "é".repeat(chars - 14));
    assert!(Filter::parse(&long(limits::FILTER_CHARS)).is_ok());
    malformed(&long(limits::FILTER_CHARS + 1), "longer than");
}

#[test]
fn what_is_read_fits_the_limits_when_it_is_printed() {
    // The comparison after the brackets moves into them, behind parentheses if there is an `or`.
    let continued = |depth: usize| {
        let (open, close) = ("not (".repeat(depth), ")".repeat(depth));
        format!(r#"emails[{open}type pr or value pr{close} or display pr].value eq "a""#)
    };
    let deepest = limits::FILTER_DEPTH - 2;
    let filter = Filter::parse(&continued(deepest)).unwrap();
    assert_eq!(Filter::parse(&filter.to_string()).unwrap(), filter);
    malformed(&continued(deepest + 1), "nested deeper");
    let wide = |terms: usize| {
        let terms = vec!["type pr"; terms].join(" or ");
        format!(r#"emails[{terms}].value eq "a""#)
    };
    // The others are the brackets, the `or`, the comparison and an `and`.
    let filter = Filter::parse(&wide(limits::FILTER_NODES - 4)).unwrap();
    assert_eq!(Filter::parse(&filter.to_string()).unwrap(), filter);
    malformed(&wide(limits::FILTER_NODES - 3), "more than");
}

#[test]
fn addresses_that_are_made_when_sent_find_nothing() {
    senseless(
        r#"meta.location eq "https://id.mills.example/scim/Users/7b1c""#,
        "filter by `id`",
    );
    senseless(r#"groups.$ref co "Groups""#, "filter by `groups.value`");
    senseless(r#"groups[$ref co "Groups"]"#, "filter by `groups.value`");
}

#[test]
fn over_several_types_an_undefined_attribute_has_no_value() {
    use super::Narrowed::{Everything, Matching, Nothing};
    use crate::schema::SchemaSet;

    let types = [SchemaSet::user().as_ref(), SchemaSet::group().as_ref()];
    let check = |text: &str, user: Option<&str>, group: Option<&str>| {
        let filter = Filter::parse(text).unwrap();
        filter.check_any(&types).unwrap();
        for (resource_type, expected) in types.iter().zip([user, group]) {
            let expected = match expected {
                None => Nothing,
                Some("") => Everything,
                Some(text) => Matching(Filter::parse(text).unwrap()),
            };
            assert_eq!(
                filter.narrow(resource_type),
                expected,
                "{text} {}",
                resource_type.name
            );
        }
    };
    check("userName eq \"a\"", Some("userName eq \"a\""), None);
    check("userName ne \"a\"", Some("userName ne \"a\""), Some(""));
    check("userName eq null", Some("userName eq null"), Some(""));
    check("userName ne null", Some("userName ne null"), None);
    check("not (userName pr)", Some("not (userName pr)"), Some(""));
    check(
        "emails[type eq \"work\"]",
        Some("emails[type eq \"work\"]"),
        None,
    );
    check("shoeSize gt 3", None, None);
    check("shoeSize ne 3", Some(""), Some(""));
    check(
        "displayName eq \"x\" or (members pr and userName pr)",
        Some("displayName eq \"x\""),
        Some("displayName eq \"x\""),
    );
    check("meta.resourceType eq \"user\"", None, None);
    check(
        "meta.resourceType eq \"User\" and active eq true",
        Some("active eq true"),
        None,
    );
    check(
        "not (meta.resourceType eq \"User\" or displayName pr)",
        None,
        Some("not (displayName pr)"),
    );
    check(
        "urn:ietf:params:scim:schemas:core:2.0:Group:displayName pr",
        None,
        Some("urn:ietf:params:scim:schemas:core:2.0:Group:displayName pr"),
    );
    for wrong in [
        "password eq \"x\"",
        "active eq \"perhaps\"",
        "name eq \"x\"",
        "meta.created gt 5",
        "shoeSize eq 1 and active gt true",
        "members[shoe eq 1]",
    ] {
        let error = Filter::parse(wrong).unwrap().check_any(&types).unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::InvalidFilter), "{wrong}");
    }
}

#[test]
fn addresses_stand_for_ids() {
    let check = |text: &str, expected: &str| {
        let filter = Filter::parse(text)
            .unwrap()
            .by_id("https://id.mills.example/scim");
        assert_eq!(filter, Filter::parse(expected).unwrap(), "{text}");
    };
    check(
        r#"not (META.location ne "https://id.mills.example/scim/Users/7")"#,
        r#"not (id ne "7")"#,
    );
    check(
        r#"members.$ref eq "Users/7" or title pr"#,
        r#"members.value eq "7" or title pr"#,
    );
    check(
        r#"groups[$ref eq "https://id.mills.example/scim/Groups/9" and type eq "direct"]"#,
        r#"groups[value eq "9" and type eq "direct"]"#,
    );
    let foreign = r#"meta.location eq "https://other.example/scim/Users/7""#;
    check(foreign, r#"id eq "https://other.example/scim/Users/7""#);
    check(
        r#"profileUrl eq "https://id.mills.example/scim/Users/7""#,
        r#"profileUrl eq "https://id.mills.example/scim/Users/7""#,
    );
}
