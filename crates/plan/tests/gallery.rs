//! The gallery: every entry can be used as it is.

use std::collections::HashSet;
use tenure_plan::{
    compile,
    config::{Mapping, ObjectKind, Source},
    gallery::{Confidence, Leaving, Template, search, template, templates},
};

fn ids(found: &[&Template]) -> Vec<&'static str> {
    found.iter().map(|template| template.id).collect()
}

#[test]
fn entries_are_sound() {
    assert_eq!(templates().len(), 202);
    let distinct: HashSet<&str> = templates().iter().map(|template| template.id).collect();
    assert_eq!(distinct.len(), templates().len());
    let first: Vec<&str> = templates()
        .iter()
        .take(2)
        .map(|template| template.id)
        .collect();
    assert_eq!(first, ["custom", "exium"]);
    let names: Vec<String> = templates()[2..]
        .iter()
        .map(|template| template.name.to_lowercase())
        .collect();
    assert!(names.is_sorted());
    for template in templates() {
        let id = template.id;
        assert!(
            !id.is_empty()
                && id
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
            "{id}"
        );
        assert!(
            !template.name.is_empty() && !template.description.is_empty(),
            "{id}"
        );
        assert_eq!(template.confidence.is_none(), id == "custom");
        assert_eq!(template.category.is_empty(), id == "custom");
        assert!(
            template.notes.iter().all(|note| note.ends_with(['.', '…'])),
            "{id}"
        );
        assert!(
            template
                .sources
                .iter()
                .all(|page| page.starts_with("https://")),
            "{id}"
        );
        for url in [template.tenant_url, template.tenant_url_pattern] {
            assert!(url.is_empty() || url.starts_with("https://"), "{id}: {url}");
        }
        assert!(!template.tenant_url.contains('{'), "{id}");
    }
}

#[test]
fn entries_compile() {
    for template in templates() {
        let compiled = compile(&template.config)
            .unwrap_or_else(|problems| panic!("{}: {problems:#?}", template.id));
        assert_eq!(
            compiled.provisions(ObjectKind::User),
            template.speaks_scim,
            "{}",
            template.id
        );
        if !template.speaks_scim {
            continue;
        }
        assert!(
            !compiled.matching_attributes(ObjectKind::User).is_empty(),
            "{}",
            template.id
        );
        if compiled.provisions(ObjectKind::Group) {
            assert_ne!(
                compiled.matching_attributes(ObjectKind::Group),
                [] as [&str; 0],
                "{}",
                template.id
            );
        }
        let has = |target: &str| {
            let mappings = &template.config.users.mappings;
            mappings.iter().any(|mapping| mapping.target == target)
        };
        assert!(has("userName"), "{}", template.id);
        if template.leaving == Leaving::Disable {
            assert!(has("active"), "{}: nobody could be disabled", template.id);
        }
    }
    let silent: Vec<&str> = templates()
        .iter()
        .filter(|template| !template.speaks_scim)
        .map(|template| template.id)
        .collect();
    assert_eq!(silent, ["docusign", "google-workspace", "zendesk"]);
}

fn source<'a>(mappings: &'a [Mapping], target: &str) -> Option<&'a Source> {
    let mapping = mappings.iter().find(|mapping| mapping.target == target)?;
    Some(&mapping.source)
}

#[test]
fn facts_become_a_configuration() {
    let aws = template("aws-iam-identity-center").unwrap();
    let users = &aws.config.users.mappings;
    let from = |name: &str| Some(Source::Attribute(name.to_owned()));
    for (target, wanted) in [
        ("name.familyName", from("surname")),
        ("locale", from("locale")),
        (
            "phoneNumbers[type eq \"work\"].value",
            from("telephoneNumber"),
        ),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
            from("manager"),
        ),
        (
            "addresses[type eq \"work\"].formatted",
            from("addresses[type eq \"work\"].formatted"),
        ),
    ] {
        assert_eq!(source(users, target), wanted.as_ref(), "{target}");
    }
    assert_eq!(aws.tenant_url, "");
    assert_eq!(aws.config.dialect.members_per_patch, 100);
    let compiled = compile(&aws.config).unwrap();
    assert_eq!(
        compiled.matching_attributes(ObjectKind::User),
        ["userName", "externalId"]
    );
    assert_eq!(
        compiled.matching_attributes(ObjectKind::Group),
        ["displayName", "externalId"]
    );

    let salesforce = template("salesforce").unwrap();
    assert!(salesforce.unmapped.contains(&"entitlements".to_owned()));
    assert!(salesforce.required.contains(&"entitlements".to_owned()));
    assert!(
        !template("github-organization")
            .unwrap()
            .config
            .groups
            .enabled
    );
    assert!(!template("sentry").unwrap().config.dialect.soft_delete);
    assert!(!template("miro").unwrap().config.groups.actions.create);
    assert!(
        !template("tableau-cloud")
            .unwrap()
            .config
            .users
            .actions
            .update
    );
    assert_eq!(template("deel").unwrap().config.dialect.concurrency, 2);
    let chainguard = template("chainguard").unwrap().config;
    assert!(
        chainguard
            .users
            .mappings
            .iter()
            .all(|mapping| !mapping.target.contains('['))
    );
    assert!(!chainguard.dialect.remove_member_by_path);
    assert_eq!(
        template("exium").unwrap().tenant_url,
        "https://subapi.exium.net/scim"
    );
    assert_eq!(
        template("asana").unwrap().confidence,
        Some(Confidence::High)
    );
    assert_eq!(template("none"), None);
}

#[test]
fn search_finds_by_name_and_category() {
    assert_eq!(search("").len(), templates().len());
    assert_eq!(ids(&search("EXIUM")), ["exium"]);
    assert_eq!(
        ids(&search("  github enterprise ")),
        ["github-enterprise-managed-users"]
    );
    assert_eq!(ids(&search("git"))[0], "github-enterprise-managed-users");
    assert!(ids(&search("observability")).contains(&"datadog"));
    assert_eq!(search("no such application"), Vec::<&Template>::new());
}
