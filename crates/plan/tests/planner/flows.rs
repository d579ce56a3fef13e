//! When mappings apply, roles, and values that the target or the seed decides.

use crate::support::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tenure_plan::{
    ApplicationConfig, Outcome,
    config::{Apply, Mapping, Source},
    dialect::{Dialect, requests},
    facts::Found,
};

const EQUAL: &str = "skip RedundantExport";

fn with(target: &str, text: &str, apply: Apply) -> impl FnOnce(&mut ApplicationConfig) {
    let mapping = Mapping {
        target: target.to_owned(),
        source: Source::Expression(text.to_owned()),
        default: None,
        apply,
        matching: None,
    };
    move |config| config.users.mappings.push(mapping)
}

/// What an update does to `attribute`, which has the value `known`, when the source wants `wanted`.
fn check_flow(apply: Apply, attribute: &str, known: &Value, wanted: &Value, outcome: &str) {
    let mut before =
        json!({ "userName": "ada@x.example", "displayName": "Ada Okafor", "active": true });
    if !known.is_null() {
        before[attribute] = known.clone();
    }
    let setup = Setup::linked()
        .link(true, before)
        .source(attribute, wanted.clone())
        .config(|config| {
            config
                .users
                .mappings
                .retain(|mapping| mapping.target != attribute);
        })
        .config(with(attribute, &format!("[{attribute}]"), apply));
    let actual = summary(&setup.plan().outcome);
    assert_eq!(actual, outcome, "{apply:?} {attribute} {known} {wanted}");
}

#[test]
fn flows() {
    let list = |values: &[&str]| -> Value {
        values
            .iter()
            .map(|value| json!({ "value": value }))
            .collect()
    };
    let text = |value: &str| json!(value);
    let none = Value::Null;
    let replaced = "Update t-1: nickName \"A\">\"B\"";
    let cleared = "Update t-1: nickName \"A\">-";
    let filled = "Update t-1: nickName ->\"B\"";
    for (apply, outcomes) in [
        (Apply::Always, [replaced, cleared, filled]),
        (Apply::OnCreate, [EQUAL, EQUAL, EQUAL]),
        (Apply::AddValues, [EQUAL, EQUAL, filled]),
        (Apply::NeverRemove, [replaced, EQUAL, filled]),
        (Apply::IfEmpty, [EQUAL, EQUAL, filled]),
    ] {
        check_flow(apply, "nickName", &text("A"), &text("B"), outcomes[0]);
        check_flow(apply, "nickName", &text("A"), &text(""), outcomes[1]);
        check_flow(apply, "nickName", &none, &text("B"), outcomes[2]);
        check_flow(apply, "nickName", &text("A"), &none, EQUAL);
        check_flow(apply, "nickName", &text("A"), &text("A"), EQUAL);
    }
    let [a, ab, bc, abc] = [&["a"] as &[_], &["a", "b"], &["b", "c"], &["a", "b", "c"]].map(list);
    let update = |before: &Value, after: &Value| format!("Update t-1: ims {before}>{after}");
    let first = |after: &Value| format!("Update t-1: ims ->{after}");
    for (apply, shorter, other, new) in [
        (Apply::Always, update(&ab, &a), update(&ab, &bc), first(&a)),
        (Apply::OnCreate, EQUAL.into(), EQUAL.into(), EQUAL.into()),
        (Apply::AddValues, EQUAL.into(), update(&ab, &abc), first(&a)),
        (
            Apply::NeverRemove,
            EQUAL.into(),
            update(&ab, &abc),
            first(&a),
        ),
        (Apply::IfEmpty, EQUAL.into(), EQUAL.into(), first(&a)),
    ] {
        check_flow(apply, "ims", &ab, &a, &shorter);
        check_flow(apply, "ims", &ab, &bc, &other);
        check_flow(apply, "ims", &none, &a, &new);
    }
}

#[test]
fn flows_at_creation() {
    for apply in [
        Apply::Always,
        Apply::OnCreate,
        Apply::AddValues,
        Apply::NeverRemove,
        Apply::IfEmpty,
    ] {
        let operation = Setup::user()
            .found(Found::Nothing)
            .config(with("nickName", "\"N\"", apply))
            .operation();
        assert_eq!(operation.known_after["nickName"], json!("N"), "{apply:?}");
    }
}

#[test]
fn roles() {
    let role = |value: &str| json!({ "primary": false, "type": "WindowsAzureActiveDirectoryRole", "display": value, "value": value });
    let setup = |text: &str| {
        Setup::linked()
            .link(true, json!({ "userName": "ada@x.example", "displayName": "Ada Okafor", "active": true, "roles": [role("Reader")] }))
            .source("roles", json!([{ "value": "Admin" }]))
            .config(with("roles", text, Apply::Always))
    };
    let body = |text: &str| {
        let operation = setup(text).operation();
        requests(&Dialect::default(), &operation)[0]
            .body
            .clone()
            .unwrap()["Operations"]
            .clone()
    };
    assert_eq!(
        body("AppRoleAssignmentsComplex([appRoleAssignments])"),
        json!([{ "op": "add", "path": "roles", "value": [role("Admin")] }])
    );
    assert_eq!(
        body("AssertiveAppRoleAssignmentsComplex([appRoleAssignments])"),
        json!([{ "op": "replace", "path": "roles", "value": [role("Admin")] }])
    );
    let without = |text: &str| setup(text).source("roles", json!([]));
    without("AppRoleAssignmentsComplex([appRoleAssignments])").check(EQUAL);
    let cleared = without("AssertiveAppRoleAssignmentsComplex([appRoleAssignments])").operation();
    assert_eq!(cleared.changes[0].after, None);
    let single = Setup::linked()
        .source(
            "roles",
            json!([{ "value": "Reader" }, { "value": "Admin", "primary": true }]),
        )
        .config(with(
            "roles[primary eq \"True\"].value",
            "SingleAppRoleAssignment([appRoleAssignments])",
            Apply::Always,
        ));
    single.check("Update t-1: roles[primary eq \"True\"].value ->\"Admin\"");
}

#[test]
fn candidates_are_asked_for_at_creation_only() {
    let rules = "SelectUniqueValue([mailNickname], Append([mailNickname], \"2\"), [nickName])";
    let setup = |found| {
        Setup::user()
            .found(found)
            .config(with("nickName", rules, Apply::OnCreate))
    };
    setup(Found::Nothing).check("choose nickName of [\"ada\", \"ada2\"]");
    let chosen = |value: Option<&str>| Setup {
        chosen: Some(BTreeMap::from([(
            "nickName".to_owned(),
            value.map(str::to_owned),
        )])),
        ..setup(Found::Nothing)
    };
    assert_eq!(
        chosen(Some("ada2")).operation().known_after["nickName"],
        json!("ada2")
    );
    let Outcome::Fail { code, reason } = chosen(None).plan().outcome else {
        panic!("must fail")
    };
    assert_eq!(code, "NoUniqueValue");
    assert!(reason.contains("(ada, ada2)"), "{reason}");
    let existing =
        json!({ "userName": "ada@x.example", "displayName": "Ada Okafor", "active": true });
    setup(one(existing)).check("skip RedundantExport, link t-5");
    Setup::linked()
        .config(with("nickName", rules, Apply::OnCreate))
        .check(EQUAL);
    setup(Found::Nothing)
        .config(|config| config.users.actions.create = false)
        .check(SKIPPED);
    let nothing = Setup::user().found(Found::Nothing).config(with(
        "nickName",
        "SelectUniqueValue([title], [nickName])",
        Apply::OnCreate,
    ));
    assert!(!nothing.operation().known_after.contains_key("nickName"));
    let hidden = Setup {
        chosen: Some(BTreeMap::from([("nickName".to_owned(), None)])),
        ..Setup::user().found(Found::Nothing).config(with(
            "nickName",
            "SelectUniqueValue(Redact([mailNickname]), \"x\")",
            Apply::OnCreate,
        ))
    };
    let Outcome::Fail { reason, .. } = hidden.plan().outcome else {
        panic!("must fail")
    };
    assert!(!reason.contains("ada"), "{reason}");
}

#[test]
fn generated_values_differ_from_attribute_to_attribute() {
    let created = || {
        Setup::user()
            .found(Found::Nothing)
            .config(with("nickName", "Guid()", Apply::Always))
            .config(with("profileUrl", "Guid()", Apply::Always))
            .operation()
            .known_after
    };
    let known = created();
    assert_eq!(known, created());
    assert_ne!(known["nickName"], known["profileUrl"]);
}
