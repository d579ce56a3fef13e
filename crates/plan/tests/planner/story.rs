//! What the log is told, and member operations.

use crate::support::*;
use serde_json::{Value, json};
use tenure_plan::{Action, config::ObjectKind, facts::Found, member_operation};

#[test]
fn the_story_is_told() {
    let planned = Setup::linked().config(only_sales).unassigned().plan();
    let names: Vec<(&str, &str)> = planned
        .steps
        .iter()
        .map(|step| (step.name.as_str(), step.status.as_str()))
        .collect();
    assert_eq!(
        names,
        [
            ("EntryImportUpdate", "success"),
            ("EntrySynchronizationScoping", "skipped"),
            ("EntrySynchronizationUpdate", "success")
        ]
    );
    let scoping = &planned.steps[1].details;
    assert_eq!(scoping["Active in the source system"], "True");
    assert_eq!(scoping["Assigned to the application"], "False");
    assert_eq!(scoping["Scoping filter evaluation passed"], "False");
    let result: Value =
        serde_json::from_str(scoping["ScopeEvaluationResult"].as_str().unwrap()).unwrap();
    assert_eq!(
        result["Sales people"]["clauses"][0],
        json!({ "attribute": "department", "operator": "EQUALS", "value": "Sales", "actual": null, "passed": false })
    );
    assert_eq!(
        planned.steps[0].details["attributes"]["userName"],
        "ada@x.example"
    );
    let created = Setup::user().found(Found::Nothing).plan();
    let kinds: Vec<&str> = created
        .steps
        .iter()
        .map(|step| step.kind.as_str())
        .collect();
    assert_eq!(kinds, ["import", "scoping", "matching", "processing"]);
    let skipped = Setup::user().unassigned().plan();
    let last = skipped.steps.last().unwrap();
    assert_eq!(
        (last.name.as_str(), &last.details["SkipReason"]),
        ("EntrySynchronizationSkip", &json!("NotEffectivelyEntitled"))
    );
    assert_eq!(last.description, "not assigned to the application");
}

#[test]
fn redacted_values_stay_out_of_the_story() {
    let setup = Setup::linked()
        .map_title("Redact([title])")
        .source("title", json!("secret-7"));
    let planned = setup.plan();
    let story = serde_json::to_string(&planned.steps).unwrap();
    assert!(
        !story.contains("secret-7") && story.contains("[Redact]"),
        "{story}"
    );
    let change = &setup.operation().changes[0];
    assert_eq!(
        (change.after.clone(), change.shown_after()),
        (Some(json!("secret-7")), Some(json!("[Redact]")))
    );
}

#[test]
fn members() {
    let link = Setup::linked().link.unwrap();
    let operation = member_operation(
        "g-1",
        &link,
        "Sales",
        vec!["t-2".to_owned()],
        vec!["t-3".to_owned(), "t-4".to_owned()],
    );
    assert_eq!(
        (
            operation.action,
            operation.kind,
            operation.target_id.as_deref()
        ),
        (Action::Members, ObjectKind::Group, Some("t-1"))
    );
    assert_eq!(operation.reason, "1 new in the group, 2 not in it any more");
    assert!(!operation.action.takes_access() && !operation.unmanage_after);
}
