//! The event table: how access ends and comes back.

use crate::support::*;
use serde_json::json;
use tenure_plan::{ApplicationConfig, config::Source};

const DISABLE: &str = "Disable t-1: active true>false";

fn no_soft_delete(config: &mut ApplicationConfig) {
    config.dialect.soft_delete = false;
}

#[test]
fn leaving_scope_disables_once() {
    Setup::linked()
        .unassigned()
        .check("Disable t-1: active true>false, then unmanaged");
    Setup::linked()
        .config(only_sales)
        .check("Disable t-1: active true>false, then unmanaged");
    Setup::linked().unassigned().unmanaged().check(NOT_ENTITLED);
    Setup::linked()
        .unassigned()
        .link(true, json!({ "active": false }))
        .check("skip RedundantExport, unmanaged");
    Setup::user().unassigned().check(NOT_ENTITLED);
    Setup::linked()
        .unassigned()
        .config(|config| config.skip_out_of_scope_deletions = true)
        .check("skip NotEffectivelyEntitled, unmanaged");
    Setup::linked()
        .unassigned()
        .config(|config| config.users.actions.update = false)
        .check("skip EntrySynchronizationSkipped, unmanaged");
    Setup::linked()
        .unassigned()
        .config(|config| {
            config
                .users
                .mappings
                .retain(|mapping| mapping.target != "active")
        })
        .check("skip EntrySynchronizationSkipped, unmanaged");
    Setup::linked()
        .unassigned()
        .config(no_soft_delete)
        .check("Delete t-1");
    Setup::linked()
        .unassigned()
        .config(no_soft_delete)
        .config(|config| config.users.actions.delete = false)
        .check("skip EntrySynchronizationSkipped, unmanaged");
}

#[test]
fn a_direct_mapping_of_active_disables_too() {
    let direct = |config: &mut ApplicationConfig| {
        let active = config
            .users
            .mappings
            .iter_mut()
            .find(|mapping| mapping.target == "active")
            .unwrap();
        active.source = Source::Attribute("accountEnabled".to_owned());
    };
    Setup::linked()
        .unassigned()
        .config(direct)
        .check("Disable t-1: active true>false, then unmanaged");
    Setup::linked()
        .source("active", json!(false))
        .config(direct)
        .check(DISABLE);
    Setup::linked().config(direct).check("skip RedundantExport");
}

#[test]
fn inactive_people() {
    let inactive = |setup: Setup| setup.source("active", json!(false));
    inactive(Setup::linked()).check(DISABLE);
    inactive(Setup::linked())
        .source("title", json!("Chef"))
        .check("Disable t-1: active true>false; title ->\"Chef\"");
    inactive(Setup::user()).check(NOT_ENTITLED);
    inactive(Setup::user())
        .found(one(json!({ "userName": "ada@x.example" })))
        .check(NOT_ENTITLED);
    inactive(Setup::linked()).unmanaged().check(NOT_ENTITLED);
    inactive(Setup::linked())
        .config(no_soft_delete)
        .check("Delete t-1");
    inactive(Setup::linked())
        .link(
            true,
            json!({ "userName": "ada@x.example", "displayName": "Ada Okafor", "active": "False" }),
        )
        .check("skip RedundantExport");
    // A change of name while inactive is an ordinary update.
    inactive(Setup::linked())
        .link(
            true,
            json!({ "userName": "ada@x.example", "displayName": "Ada", "active": false }),
        )
        .check("Update t-1: displayName \"Ada\">\"Ada Okafor\"");
}

#[test]
fn a_broken_mapping_does_not_keep_access() {
    let broken = |setup: Setup| setup.map_title("Error(\"no title\")");
    broken(Setup::linked()).check("fail MappingEvaluationFailed");
    broken(Setup::linked())
        .source("active", json!(false))
        .check(DISABLE);
    broken(Setup::linked())
        .unassigned()
        .check("Disable t-1: active true>false, then unmanaged");
}

#[test]
fn a_missing_active_counts_as_true() {
    let mut setup = Setup::linked();
    setup
        .source
        .as_mut()
        .unwrap()
        .as_object_mut()
        .unwrap()
        .remove("active");
    setup.check("skip RedundantExport");
}

#[test]
fn deleted_in_the_source() {
    Setup::linked().deleted().check("Delete t-1");
    assert_eq!(
        Setup::linked().deleted().operation().display_name,
        "Ada Okafor"
    );
    Setup::linked().deleted().unmanaged().check(SKIPPED);
    Setup::user().deleted().check(SKIPPED);
    Setup::linked()
        .deleted()
        .config(|config| config.users.actions.delete = false)
        .check("skip EntrySynchronizationSkipped, unmanaged");
}

#[test]
fn coming_back_into_scope() {
    Setup::linked()
        .link(
            false,
            json!({ "userName": "ada@x.example", "displayName": "Ada Okafor", "active": false }),
        )
        .check("Update t-1: active false>true");
    Setup::linked()
        .unmanaged()
        .check("skip RedundantExport, link t-1");
}
