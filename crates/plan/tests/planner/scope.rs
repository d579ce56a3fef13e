//! Assignment and scoping filters.

use crate::support::*;
use serde_json::json;
use tenure_plan::{
    config::{Clause, Scope, ScopingFilter},
    facts::Entitlement,
};

#[test]
fn scope_all_needs_no_assignment() {
    Setup::linked()
        .unassigned()
        .config(|config| config.scope = Scope::All)
        .check("skip RedundantExport");
    let via = Entitlement {
        direct: false,
        via_groups: vec!["Sales".to_owned()],
    };
    Setup {
        entitlement: via,
        ..Setup::linked()
    }
    .check("skip RedundantExport");
}

fn check_filter(attribute: &str, operator: &str, value: &str, passes: bool) {
    let clause = Clause {
        attribute: attribute.to_owned(),
        operator: operator.to_owned(),
        value: Some(value.to_owned()),
    };
    let filter = ScopingFilter {
        title: "F".to_owned(),
        clauses: vec![clause],
    };
    let setup = Setup::linked().config(|config| config.users.filters = vec![filter]);
    let setup = setup
        .source("title", json!("Head Chef"))
        .source("nickName", json!("42"))
        .source("roles", json!([{ "value": "cook" }, { "value": "buyer" }]));
    let scoped = setup.plan().steps[1].status == "success";
    assert_eq!(scoped, passes, "{attribute} {operator} {value}");
}

#[test]
fn scoping_operators() {
    for (attribute, operator, value, passes) in [
        ("title", "EQUALS", "Head Chef", true),
        ("title", "equals", "head chef", false),
        ("jobTitle", "NOT EQUALS", "Cook", true),
        ("title", "NOT_EQUALS", "Head Chef", false),
        ("department", "NOT EQUALS", "Sales", false),
        ("title", "Includes", "ad C", true),
        ("title", "ENDS_WITH", "Chef", true),
        ("title", "endswith", "Head", false),
        ("nickName", "Greater_Than", "41", true),
        ("nickName", "Greater_Than", "42", false),
        ("nickName", "Greater_Than_OR_EQUALS", "42", true),
        ("title", "Greater_Than", "1", false),
        ("active", "IS TRUE", "", true),
        ("active", "IS FALSE", "", false),
        ("active", "EQUALS", "True", true),
        ("department", "IS NULL", "", true),
        ("title", "IS NULL", "", false),
        ("title", "IS NOT NULL", "", true),
        ("department", "IS NOT NULL", "", false),
        ("title", "REGEX MATCH", "C.ef$", true),
        ("title", "REGEX MATCH", "^Chef", false),
        ("title", "NOT REGEX MATCH", "^Chef", true),
        ("department", "NOT REGEX MATCH", "x", false),
        ("title", "Includes", "ad c", false),
        ("title", "ENDS_WITH", "chef", false),
        ("nickName", "Greater_Than", "-1", true),
        ("nickName", "greater than or equals", "43", false),
        ("department", "Greater_Than", "0", false),
        ("department", "EQUALS", "Sales", false),
        ("department", "Includes", "S", false),
        ("department", "IS TRUE", "", false),
        ("department", "IS FALSE", "", false),
        ("title", "IS TRUE", "", false),
        ("title", "REGEX MATCH", "^[A-Z]\\w+ [A-Z]\\w+$", true),
        ("title", "REGEX MATCH", "head", false),
        ("title", "REGEX MATCH", "(?i)HEAD", true),
        ("nickName", "REGEX MATCH", "([1-9][0-9])", true),
        ("nickName", "NOT REGEX MATCH", "[0-9]", false),
        ("department", "&", "Sales", false),
        ("department", "!&", "Sales", false),
        ("nickName", "!&", "41", true),
        ("nickName", "&", "41, 42", true),
        ("nickName", "!&", "41, 42", false),
        ("roles", "EQUALS", "buyer", true),
        ("roles", "NOT EQUALS", "buyer", false),
    ] {
        check_filter(attribute, operator, value, passes);
    }
}

#[test]
fn clauses_are_and_filters_are_or() {
    let clause = |attribute: &str, value: &str| Clause {
        attribute: attribute.to_owned(),
        operator: "EQUALS".to_owned(),
        value: Some(value.to_owned()),
    };
    let filter = |clauses| ScopingFilter {
        title: "F".to_owned(),
        clauses,
    };
    let with = |filters: Vec<ScopingFilter>| {
        Setup::linked().config(|config| config.users.filters = filters)
    };
    let (right, wrong) = (
        clause("displayName", "Ada Okafor"),
        clause("displayName", "Eva"),
    );
    with(vec![filter(vec![right.clone(), wrong.clone()])])
        .unmanaged()
        .check(NOT_ENTITLED);
    with(vec![filter(vec![wrong]), filter(vec![right])]).check("skip RedundantExport");
}
