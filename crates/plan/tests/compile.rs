//! What is wrong with a configuration is said completely and in place.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may unwrap as tests do"
)]

use serde_json::{Value, json};
use tenure_plan::{
    ApplicationConfig, compile,
    config::{Apply, Clause, Mapping, ScopingFilter, Source},
    dialect::Updates,
    gallery::template,
};

fn custom() -> ApplicationConfig {
    template("custom").unwrap().config
}

fn mapping(target: &str, source: Source) -> Mapping {
    Mapping {
        target: target.to_owned(),
        source,
        default: None,
        apply: Apply::Always,
        matching: None,
    }
}

/// Changes the default configuration and wants these problems, each as `place: part of the message`.
#[track_caller]
fn check(change: impl FnOnce(&mut ApplicationConfig), wanted: &[(&str, &str)]) {
    let mut config = custom();
    change(&mut config);
    let problems = compile(&config).err().unwrap_or_default();
    let fits = problems.len() == wanted.len()
        && wanted.iter().all(|(place, part)| {
            problems
                .iter()
                .any(|problem| problem.place == *place && problem.message.contains(part))
        });
    assert!(fits, "wanted {wanted:#?}, got {problems:#?}");
}

#[test]
fn exium_maps_its_sixteen_attributes() {
    let config = template("exium").unwrap().config;
    let mut targets: Vec<&str> = config
        .users
        .mappings
        .iter()
        .map(|mapping| mapping.target.as_str())
        .collect();
    targets.sort_unstable();
    assert_eq!(
        targets,
        [
            "active",
            "addresses[type eq \"work\"].country",
            "addresses[type eq \"work\"].locality",
            "addresses[type eq \"work\"].postalCode",
            "addresses[type eq \"work\"].region",
            "addresses[type eq \"work\"].streetAddress",
            "displayName",
            "emails[type eq \"work\"].value",
            "externalId",
            "name.familyName",
            "name.givenName",
            "phoneNumbers[type eq \"work\"].value",
            "timezone",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
            "userName",
            "userType",
        ]
    );
}

#[test]
fn configurations_survive_json() {
    let config = custom();
    let text = serde_json::to_string(&config).unwrap();
    assert_eq!(
        serde_json::from_str::<ApplicationConfig>(&text).unwrap(),
        config
    );
    let mut value: Value = serde_json::from_str(&text).unwrap();
    value["users"]["surprise"] = json!(1);
    assert!(serde_json::from_value::<ApplicationConfig>(value).is_err());
}

/// Adds this mapping and wants a problem at the member, or none.
#[track_caller]
fn check_mapping(added: Mapping, wanted: Option<(&str, &str)>) {
    let place = format!("users.mappings[{}]", custom().users.mappings.len());
    let wanted: Vec<(String, &str)> = wanted
        .into_iter()
        .map(|(member, part)| (format!("{place}.{member}"), part))
        .collect();
    let wanted: Vec<(&str, &str)> = wanted
        .iter()
        .map(|(place, part)| (place.as_str(), *part))
        .collect();
    check(|config| config.users.mappings.push(added), &wanted);
}

#[test]
fn mappings_are_checked() {
    let from = |target: &str, source: &str| mapping(target, Source::Attribute(source.to_owned()));
    let computed = |text: &str| mapping("nickName", Source::Expression(text.to_owned()));
    let urn = "urn:example:2.0:User:shoeSize";
    check_mapping(from("nickName", "nickName"), None);
    check_mapping(from(urn, urn), None);
    check_mapping(
        from("USERNAME", "mail"),
        Some(("target", "mapped already by users.mappings[0]")),
    );
    check_mapping(from("id", "id"), Some(("target", "belongs to the target")));
    check_mapping(
        from("meta.created", "id"),
        Some(("target", "belongs to the target")),
    );
    check_mapping(
        from("emails[type eq", "mail"),
        Some(("target", "not an attribute path")),
    );
    check_mapping(
        from("emails[type co \"w\"].value", "mail"),
        Some(("target", "only `eq`")),
    );
    check_mapping(from("nickName", "shoeSize"), Some(("source", "`shoeSize`")));
    check_mapping(
        computed("ToLower([shoeSize])"),
        Some(("source", "`shoeSize`")),
    );
    check_mapping(
        computed("ToLowr([mail])"),
        Some(("source", "did you mean ToLower? (at position 0)")),
    );
    check_mapping(
        computed("Join(\"@\", [mailNickname], DefaultDomain())"),
        Some(("source", "`default_domain`")),
    );
    let unique = "SelectUniqueValue([mail], [userName])";
    check_mapping(
        computed(unique),
        Some(("apply", "only during object creation")),
    );
    let once = Mapping {
        apply: Apply::OnCreate,
        ..computed(unique)
    };
    check_mapping(once.clone(), None);
    let matching = Mapping {
        matching: Some(2),
        ..once
    };
    check_mapping(matching, Some(("matching", "cannot find existing objects")));
    let default = Mapping {
        default: Some(json!({})),
        ..mapping("nickName", Source::None)
    };
    check_mapping(default, Some(("default", "A default is")));
}

#[test]
fn the_default_domain_is_checked() {
    for (domain, problems) in [
        ("acme.example", &[] as &[_]),
        ("münchen.example", &[]),
        ("", &[("default_domain", "not a domain")]),
        ("@acme.example", &[("default_domain", "not a domain")]),
        ("acme..example", &[("default_domain", "not a domain")]),
    ] {
        check(
            |config| {
                config.default_domain = Some(domain.to_owned());
                config.users.mappings[1].source = Source::Expression("DefaultDomain()".to_owned());
            },
            problems,
        );
    }
}

#[test]
fn matching_is_checked() {
    check(
        |config| config.users.mappings[0].matching = None,
        &[("users.mappings", "usually `userName`")],
    );
    check(
        |config| config.users.mappings[1].matching = Some(1),
        &[(
            "users.mappings[1].matching",
            "precedence 1 is used already by users.mappings[0]",
        )],
    );
    check(
        |config| config.users.mappings[1].matching = Some(0),
        &[("users.mappings[1].matching", "counts from 1")],
    );
    check(
        |config| config.groups.mappings[2].matching = Some(2),
        &[(
            "groups.mappings[2].matching",
            "cannot be a matching attribute",
        )],
    );
    check(
        |config| config.users.mappings.last_mut().unwrap().matching = Some(2),
        &[("users.mappings[19].matching", "not a single simple value")],
    );
    check(
        |config| {
            config.groups.enabled = false;
            config.groups.mappings.clear();
        },
        &[],
    );
}

#[test]
fn filters_are_checked() {
    let with = |attribute: &str, operator: &str, value: Option<&str>| {
        let clause = Clause {
            attribute: attribute.to_owned(),
            operator: operator.to_owned(),
            value: value.map(str::to_owned),
        };
        move |config: &mut ApplicationConfig| {
            config.users.filters.push(ScopingFilter {
                title: "F".to_owned(),
                clauses: vec![clause],
            });
        }
    };
    let place = "users.filters[0].clauses[0]";
    check(with("department", "not_equals", Some("HR")), &[]);
    check(
        with("department", "less than", Some("1")),
        &[(place, "no operator `less than`")],
    );
    check(
        with("department", "EQUALS", None),
        &[(place, "needs a value")],
    );
    check(
        with("department", "Greater_Than", Some("ten")),
        &[(place, "whole numbers")],
    );
    check(
        with("department", "REGEX MATCH", Some("(?<!a)b")),
        &[(place, "look-behind")],
    );
    check(
        with("department", "REGEX MATCH", Some("(a)\\1")),
        &[(place, "refers back")],
    );
    check(
        with("shoeSize", "IS NULL", None),
        &[("users.filters[0].clauses[0].attribute", "`shoeSize`")],
    );
    check(
        with("IsSoftDeleted", "IS TRUE", None),
        &[(place, "computed from the scope")],
    );
    check(
        |config| {
            config.users.filters.push(ScopingFilter {
                title: "F".to_owned(),
                clauses: Vec::new(),
            });
        },
        &[("users.filters[0]", "no clauses")],
    );
}

#[test]
fn numbers_are_checked() {
    check(
        |config| config.interval_minutes = 0,
        &[("interval_minutes", "1 to 1440")],
    );
    check(
        |config| config.interval_minutes = 1441,
        &[("interval_minutes", "not 1441")],
    );
    check(|config| config.interval_minutes = 1440, &[]);
    check(
        |config| config.deletion_threshold = Some(0),
        &[("deletion_threshold", "1 or more")],
    );
    check(
        |config| config.dialect.concurrency = 65,
        &[("dialect.concurrency", "1 to 64")],
    );
    check(
        |config| config.dialect.members_per_patch = 0,
        &[("dialect.members_per_patch", "1 to 1000")],
    );
    check(
        |config| config.dialect.page_size = 1001,
        &[("dialect.page_size", "1 to 1000, not 1001")],
    );
    check(
        |config| config.dialect.first_index = 2,
        &[("dialect.first_index", "0 to 1")],
    );
    check(
        |config| config.dialect.requests_per_second = Some(0.0),
        &[(
            "dialect.requests_per_second",
            "0.01 to 1000, not 0; leave it out",
        )],
    );
    check(
        |config| {
            config.groups.enabled = true;
            config.dialect.group_updates = Updates::Put;
            config.dialect.shows_members = false;
        },
        &[("dialect.group_updates", "PUT would take them away")],
    );
    check(
        |config| config.notification_email = Some("nobody".into()),
        &[("notification_email", "not an email address")],
    );
    check(
        |config| config.notification_email = Some("ops@example.org".into()),
        &[],
    );
    check(
        |config| config.notification_email = Some("ops@example.org, ana@example.org;b@c\n".into()),
        &[],
    );
    check(
        |config| config.notification_email = Some("ops@example.org,<a@b>".into()),
        &[("notification_email", "not an email address")],
    );
    check(
        |config| config.notification_email = Some("a@b ".repeat(11)),
        &[("notification_email", "more than 10")],
    );
}

#[test]
fn all_problems_are_reported() {
    check(
        |config| {
            config.interval_minutes = 0;
            config.users.mappings[1].source = Source::Expression("Foo()".into());
            config.groups.mappings[0].matching = None;
        },
        &[
            ("interval_minutes", ""),
            ("users.mappings[1].source", "Foo"),
            ("groups.mappings", "displayName"),
        ],
    );
}
