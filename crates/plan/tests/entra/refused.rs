//! What decides who is provisioned is never guessed.

use super::{base, import::clause};
use serde_json::{Value, json};
use tenure_plan::entra::import_value;

const AT: &str = "synchronizationRules[0].objectMappings[0]";

/// Refused as a whole, with this place and a part of the message.
#[track_caller]
fn refused(schema: &Value, place: &str, part: &str) {
    let problems = import_value(schema, &base()).unwrap_err();
    assert!(
        problems
            .iter()
            .any(|problem| problem.place == place && problem.message.contains(part)),
        "{problems:?}"
    );
}

#[test]
fn clauses() {
    let at = AT;
    let clause_at = format!("{at}.scope.groups[0].clauses[0]");
    refused(
        &clause("IsMemberOf", "department", &json!(["x"])),
        &clause_at,
        "no operator `IsMemberOf`",
    );
    refused(
        &clause("EQUALS", "extensionAttribute3", &json!(["x"])),
        &clause_at,
        "extensionAttribute3",
    );
    refused(
        &clause("EQUALS", "department", &json!(["x", "y"])),
        &clause_at,
        "2 values",
    );
    refused(
        &clause("EQUALS", "department", &json!([])),
        &clause_at,
        "needs a value",
    );
    refused(
        &clause("EQUALS", "department", &json!([3])),
        &clause_at,
        "must be a text",
    );
    refused(
        &clause("EQUALS", "", &json!(["x"])),
        &clause_at,
        "no attribute",
    );
}

/// Members that nobody knows are refused where they could make the scope smaller.
#[test]
fn members_that_may_narrow_the_scope() {
    let add = |path: &str, name: &str, value: Value| {
        let mut schema = clause("EQUALS", "department", &json!(["x"]));
        schema.pointer_mut(path).unwrap()[name] = value;
        schema
    };
    let rule = "/synchronizationRules/0";
    let object = format!("{rule}/objectMappings/0");
    refused(
        &add(rule, "groupFilter", json!({ "includedGroups": ["g"] })),
        "synchronizationRules[0].groupFilter",
        "more objects",
    );
    refused(
        &add(&format!("{object}/scope"), "not", json!(["x"])),
        &format!("{AT}.scope.not"),
        "not known",
    );
    let group = format!("{object}/scope/groups/0");
    refused(
        &add(&group, "negated", true.into()),
        &format!("{AT}.scope.groups[0].negated"),
        "not known",
    );
    let operand = format!("{group}/clauses/0/targetOperand");
    refused(
        &add(&operand, "caseExact", true.into()),
        &format!("{AT}.scope.groups[0].clauses[0].targetOperand.caseExact"),
        "not known",
    );
}

#[test]
fn scopes_and_switches() {
    let at = AT;
    let change = |path: &str, value: Value| {
        let mut schema = clause("EQUALS", "department", &json!(["x"]));
        *schema
            .pointer_mut(&format!("/synchronizationRules/0/objectMappings/0{path}"))
            .unwrap() = value;
        schema
    };
    refused(
        &change("/scope/groups", json!({})),
        &format!("{at}.scope.groups"),
        "list",
    );
    refused(
        &change("/scope/groups/0/clauses", json!([])),
        &format!("{at}.scope.groups[0].clauses"),
        "clauses",
    );
    refused(
        &change("/scope/groups/0", json!(1)),
        &format!("{at}.scope.groups[0].clauses"),
        "clauses",
    );
    refused(
        &change("/scope", json!("all")),
        &format!("{at}.scope"),
        "object",
    );
    let group = json!([{ "name": "x", "clauses": [] }]);
    refused(
        &change("/scope/inputFilterGroups", group.clone()),
        &format!("{at}.scope.inputFilterGroups"),
        "more objects",
    );
    refused(
        &change("/scope/categoryFilterGroups", group),
        &format!("{at}.scope.categoryFilterGroups"),
        "more objects",
    );
    refused(
        &change("/enabled", json!("yes")),
        &format!("{at}.enabled"),
        "true or false",
    );
    refused(
        &change("/flowTypes", json!("Add, Sync")),
        &format!("{at}.flowTypes"),
        "`Sync`",
    );
    refused(
        &change("/attributeMappings", json!(3)),
        &format!("{at}.attributeMappings"),
        "list",
    );
    refused(
        &change("/sourceObjectName", json!("Group")),
        "synchronizationRules",
        "`User`",
    );
    refused(
        &json!({ "value": [] }),
        "synchronizationRules",
        "not a synchronization schema",
    );
}
