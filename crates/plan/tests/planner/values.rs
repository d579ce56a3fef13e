//! Nulls, defaults, types and references.

use crate::support::*;
use serde_json::{Value, json};
use tenure_plan::{
    ApplicationConfig, Outcome,
    config::{Apply, Mapping, Source},
    facts::Found,
};

#[test]
fn nulls_defaults_and_empty_values() {
    let known = json!({ "userName": "ada@x.example", "displayName": "Ada Okafor", "active": true, "title": "Chef" });
    let linked = || Setup::linked().link(true, known.clone());
    let default = |config: &mut ApplicationConfig| title(config).default = Some(json!("Staff"));
    let create =
        "Create new: userName ->\"ada@x.example\"; displayName ->\"Ada Okafor\"; active ->true";
    // Null leaves the target alone, an empty value clears it.
    linked().check("skip RedundantExport");
    linked()
        .source("title", json!(""))
        .check("Update t-1: title \"Chef\">-");
    linked()
        .map_title("IIF(IsPresent([title]), [title], \"\")")
        .check("Update t-1: title \"Chef\">-");
    Setup::linked()
        .source("title", json!(""))
        .check("skip RedundantExport");
    // The default counts at creation only.
    linked().config(default).check("skip RedundantExport");
    Setup::linked()
        .config(default)
        .check("skip RedundantExport");
    Setup::user().found(Found::Nothing).check(create);
    Setup::user()
        .found(Found::Nothing)
        .config(default)
        .check(&format!("{create}; title ->\"Staff\""));
    Setup::user()
        .found(Found::Nothing)
        .config(default)
        .map_title("IgnoreFlowIfNullOrEmpty([title])")
        .check(create);
    linked()
        .map_title("IgnoreFlowIfNullOrEmpty([nickName])")
        .source("nickName", json!(""))
        .check("skip RedundantExport");
    // A mapping without a source fills what is empty, and nothing else.
    let none = |config: &mut ApplicationConfig| {
        title(config).source = Source::None;
        title(config).default = Some(json!("Staff"));
    };
    Setup::linked()
        .config(none)
        .check("Update t-1: title ->\"Staff\"");
    linked().config(none).check("skip RedundantExport");
    assert!(
        !linked()
            .source("title", json!(""))
            .operation()
            .known_after
            .contains_key("title")
    );
}

#[test]
fn only_at_creation() {
    let once = |config: &mut ApplicationConfig| title(config).apply = Apply::OnCreate;
    Setup::linked()
        .config(once)
        .source("title", json!("Chef"))
        .check("skip RedundantExport");
    let created = Setup::user()
        .config(once)
        .source("title", json!("Chef"))
        .found(Found::Nothing)
        .operation();
    assert_eq!(created.known_after.get("title"), Some(&json!("Chef")));
}

#[test]
fn values_fit_their_target() {
    Setup::linked()
        .map_title("[emails]")
        .source("emails", json!([{ "value": "a@x" }, { "value": "b@x" }]))
        .check("fail SchemaPropertyCanOnlyAcceptValue");
    Setup::linked()
        .map_title("IsPresent([userName])")
        .check("Update t-1: title ->\"True\"");
    let active = |text: &str| {
        let source = Source::Expression(text.to_owned());
        Setup::linked().config(|config| {
            config
                .users
                .mappings
                .iter_mut()
                .find(|mapping| mapping.target == "active")
                .unwrap()
                .source = source
        })
    };
    active("Not([IsSoftDeleted])").check("skip RedundantExport");
    active("Not([IsSoftDeleted])")
        .unassigned()
        .check("Disable t-1: active true>false, then unmanaged");
    active("\"maybe\"").check("fail SchemaPropertyCanOnlyAcceptValue");
    let roles = |config: &mut ApplicationConfig| {
        let source = Source::Expression("Split([title], \";\")".to_owned());
        config.users.mappings.push(Mapping {
            target: "roles".to_owned(),
            source,
            default: None,
            apply: Apply::Always,
            matching: None,
        });
    };
    Setup::linked().link(true, json!({ "userName": "ada@x.example", "displayName": "Ada Okafor", "active": true, "title": "a;b" })).source("title", json!("a;b")).config(roles).check("Update t-1: roles ->[{\"value\":\"a\"},{\"value\":\"b\"}]");
}

#[test]
fn mail_falls_back() {
    let mail = |emails: Value| Setup::linked().source("emails", emails);
    let update =
        |address: &str| format!("Update t-1: emails[type eq \"work\"].value ->\"{address}\"");
    mail(json!([{ "value": "h@x", "type": "home" }, { "value": "w@x", "type": "work" }]))
        .check(&update("w@x"));
    mail(json!([{ "value": "h@x", "type": "home" }, { "value": "p@x", "primary": true }]))
        .check(&update("p@x"));
    mail(json!([{ "value": "h@x", "type": "home" }])).check(&update("h@x"));
    mail(json!([])).check("skip RedundantExport");
}

#[test]
fn references() {
    let managed_by = |setup: Setup, id: &str| {
        setup.source(
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
            json!({ "manager": { "value": id } }),
        )
    };
    managed_by(Setup::linked(), "s-boss").check(&format!("Update t-1: {MANAGER} ->\"t-boss\""));
    let missing = managed_by(Setup::linked(), "s-new").plan();
    let Outcome::Skip {
        code: "RedundantExport",
        unresolved,
        ..
    } = &missing.outcome
    else {
        panic!("{missing:?}")
    };
    assert_eq!(
        (
            unresolved[0].attribute.as_str(),
            unresolved[0].source_id.as_str()
        ),
        (MANAGER, "s-new")
    );
    assert!(
        missing
            .steps
            .iter()
            .any(|step| step.kind == "referenceResolution" && step.status == "warning")
    );
    let created = managed_by(Setup::user(), "s-new")
        .found(Found::Nothing)
        .operation();
    assert_eq!(created.unresolved.len(), 1);
    assert!(!created.known_after.contains_key(MANAGER));
    // The account that matching finds has its manager as a complex value.
    let document = json!({ "userName": "ada@x.example", "displayName": "Ada Okafor", "active": true,
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "manager": { "value": "t-boss", "displayName": "B" } } });
    managed_by(Setup::user(), "s-boss")
        .found(one(document))
        .check("skip RedundantExport, link t-5");
}
