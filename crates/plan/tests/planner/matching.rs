//! Existing accounts, creation, groups.

use crate::support::*;
use serde_json::{Value, json};
use tenure_plan::{ApplicationConfig, Outcome, facts::Found};

#[test]
fn groups() {
    let linked =
        || Setup::group().link(true, json!({ "displayName": "Sales", "externalId": "g-7" }));
    Setup::group().check("match [(\"displayName\", \"Sales\")]");
    Setup::group()
        .found(Found::Nothing)
        .check("Create new: displayName ->\"Sales\"; externalId ->\"g-7\"");
    linked().check("skip RedundantExport");
    linked()
        .source("displayName", json!("Sales EMEA"))
        .check("Update t-1: displayName \"Sales\">\"Sales EMEA\"");
    linked().unassigned().check("Delete t-1");
    linked().deleted().check("Delete t-1");
    linked()
        .unassigned()
        .config(|config| config.groups.actions.delete = false)
        .check("skip EntrySynchronizationSkipped, unmanaged");
    linked()
        .config(|config| config.groups.enabled = false)
        .check(SKIPPED);
}

#[test]
fn matching() {
    let second = |config: &mut ApplicationConfig| {
        config.users.mappings[1].matching = Some(3);
        config
            .users
            .mappings
            .iter_mut()
            .find(|mapping| mapping.target.starts_with("emails"))
            .unwrap()
            .matching = Some(2);
    };
    Setup::user().check("match [(\"userName\", \"ada@x.example\")]");
    Setup::user()
        .config(second)
        .source("emails", json!([{ "value": "a@x.example" }]))
        .check("match [(\"userName\", \"ada@x.example\"), (\"emails[type eq \\\"work\\\"].value\", \"a@x.example\"), (\"displayName\", \"Ada Okafor\")]");
    Setup::user()
        .source("userName", Value::Null)
        .check("skip ImportSkipped");
    Setup::user().found(Found::Nothing).check(
        "Create new: userName ->\"ada@x.example\"; displayName ->\"Ada Okafor\"; active ->true",
    );
    Setup::user()
        .found(Found::Nothing)
        .config(|config| config.users.actions.create = false)
        .check(SKIPPED);
    let same = json!({ "id": "t-5", "userName": "ada@x.example", "displayName": "Ada Okafor", "active": true, "title": "Boss" });
    Setup::user()
        .found(one(same.clone()))
        .check("skip RedundantExport, link t-5");
    Setup::user()
        .found(one(same.clone()))
        .source("displayName", json!("Ada"))
        .check("Update t-5: displayName \"Ada Okafor\">\"Ada\"");
    Setup::user()
        .found(one(same))
        .source("displayName", json!("Ada"))
        .config(|config| config.users.actions.update = false)
        .check("skip EntrySynchronizationSkipped, link t-5");
    Setup::user()
        .found(one(
            json!({ "userName": "Ada@X.example", "displayName": "Ada Okafor", "active": "true" }),
        ))
        .check("Update t-5: userName \"Ada@X.example\">\"ada@x.example\"");
    let many = Setup::user().found(Found::Many {
        attribute: "userName".to_owned(),
        ids: vec!["t-5".to_owned(), "t-6".to_owned()],
    });
    many.check("fail DuplicateTargetEntries");
    let Outcome::Fail { reason, .. } = many.plan().outcome else {
        panic!("must fail")
    };
    assert!(reason.contains("t-5, t-6"), "{reason}");
}

#[test]
fn what_is_known_after_a_match() {
    let operation = Setup::user()
        .found(one(json!({ "userName": "ada@x.example", "title": "Boss" })))
        .operation();
    let wanted = json!({ "userName": "ada@x.example", "title": "Boss", "displayName": "Ada Okafor", "active": true });
    assert_eq!(Value::Object(operation.known_after), wanted);
}

#[test]
fn required_values() {
    let by_mail = |config: &mut ApplicationConfig| {
        config.users.mappings[0].matching = None;
        config.users.mappings[1].matching = Some(1);
    };
    Setup::user()
        .config(by_mail)
        .source("userName", json!(""))
        .found(Found::Nothing)
        .check("fail MissingValues");
}
