//! Plans, undo and held operations from the command line.

use crate::application::{Pair, pair};
use serde_json::{Value, json};

const AT: [&str; 2] = ["--workspace", "Source"];

impl Pair {
    fn import(&self, text: &str) {
        let file = self.place.file("more.csv", text);
        self.place.json(&["import", &file, "--workspace", "Source"]);
    }

    #[track_caller]
    fn refused(&self, verb: &[&str], code: i32) -> String {
        self.place
            .run(&[&["application"], verb, &AT].concat())
            .expect(code)
            .stderr
    }
}

fn id(cycle: &Value) -> &str {
    cycle["cycle"].as_str().unwrap()
}

#[test]
fn a_plan_is_shown_applied_once_and_undone() {
    let pair = pair("all");
    pair.cycle([3, 0, 0, 0]);
    pair.import("userName,displayName\nada,Ada Okafor\ndan,Dan\n");
    let plan = pair.application(&["plan", "App"]);
    assert_eq!(
        (&plan["created"], &plan["updated"]),
        (&1.into(), &1.into()),
        "{plan}"
    );
    let operations = plan["operations"].as_array().unwrap();
    assert_eq!(operations.len(), 2, "{plan}");
    let ada = operations
        .iter()
        .find(|one| one["action"] == "update")
        .unwrap();
    let renamed = json!({ "attribute": "displayName", "before": "Ada", "after": "Ada Okafor" });
    assert!(
        ada["changes"].as_array().unwrap().contains(&renamed),
        "{ada}"
    );

    let hint = pair.refused(&["apply", "App", id(&plan)], 2);
    assert!(hint.contains("create 1, update 1"), "{hint}");
    assert_eq!(pair.target_user("ada")["displayName"], "Ada");
    let applied = pair.application(&["apply", "App", id(&plan), "--yes"]);
    assert_eq!(
        (&applied["kind"], &applied["created"]),
        (&"apply".into(), &1.into()),
        "{applied}"
    );
    assert_eq!(pair.target_user("ada")["displayName"], "Ada Okafor");
    pair.refused(&["apply", "App", id(&plan), "--yes"], 5);
    pair.refused(&["apply", "App", "cyc_none", "--yes"], 3);
    pair.cycle([0, 0, 0, 0]);

    let undo = pair.application(&["undo", "App", id(&applied)]);
    assert_eq!(
        (&undo["updated"], undo["left"].as_array().unwrap().len()),
        (&1.into(), 1),
        "{undo}"
    );
    pair.application(&["apply", "App", id(&undo), "--yes"]);
    assert_eq!(pair.target_user("ada")["displayName"], "Ada");
    pair.refused(&["undo", "App", "cyc_none"], 3);

    let audit = pair.place.json(&["audit", "list", "--workspace", "Source"]);
    assert!(
        audit.to_string().contains("provisioning.applyPlan"),
        "{audit}"
    );
}

#[test]
fn a_plan_with_another_configuration_and_a_stale_one() {
    let pair = pair("all");
    pair.cycle([3, 0, 0, 0]);
    let mut config = pair.application(&["config", "App"]);
    for mapping in config["users"]["mappings"].as_array_mut().unwrap() {
        if mapping["target"] == "displayName" {
            mapping["source"] = json!({ "expression": "ToUpper([displayName])" });
        }
    }
    let file = pair.place.file("config.json", config.to_string());
    let plan = pair.application(&["plan", "App", "--config", &file]);
    assert_eq!(plan["updated"], 3, "{plan}");
    let why = pair.refused(&["apply", "App", id(&plan), "--yes"], 5);
    assert!(why.contains("configuration"), "{why}");
    pair.application(&["config", "App", "--set", &file]);
    pair.import("userName,displayName\nbo,Bobby\n");
    let why = pair.refused(&["apply", "App", id(&plan), "--yes"], 5);
    assert!(why.contains("Bo"), "{why}");
    let wrong = pair.place.file("wrong.json", "{}");
    pair.refused(&["plan", "App", "--config", &wrong], 2);
    pair.server.stop("-TERM").expect(0);
}

#[test]
fn held_operations_are_listed_and_allowed() {
    let pair = pair("all");
    pair.cycle([3, 0, 0, 0]);
    let mut config = pair.application(&["config", "App"]);
    config["deletion_threshold"] = 1.into();
    let file = pair.place.file("config.json", config.to_string());
    pair.application(&["config", "App", "--set", &file]);
    pair.import("userName,active\nada,no\nbo,no\n");
    // Quarantine is not success.
    pair.refused(&["run", "App"], 6);
    let held = pair.application(&["held", "App"]);
    assert_eq!(
        (&held["count"], &held["held"][0]["name"]),
        (&2.into(), &"ada".into()),
        "{held}"
    );
    pair.refused(&["allow-deletes", "App", "--expect", "3"], 5);
    pair.application(&["allow-deletes", "App", "--expect", "2"]);
    pair.cycle([0, 0, 2, 0]);
    assert_eq!(pair.target_user("ada")["active"], false);
    assert_eq!(pair.application(&["held", "App"])["count"], 0);
}

#[test]
fn drift_is_found_and_strangers_are_listed() {
    let pair = pair("all");
    pair.cycle([3, 0, 0, 0]);
    // Somebody works in the target by hand.
    let file = pair
        .place
        .file("hand.csv", "userName,displayName\nada,Mallory\neve,Eve\n");
    pair.place.json(&["import", &file, "--workspace", "Target"]);
    let drift = pair.application(&["drift", "App"]);
    assert_eq!(
        (&drift["kind"], &drift["updated"]),
        (&"drift".into(), &1.into()),
        "{drift}"
    );
    let accounts = pair.application(&["accounts", "App"]);
    assert_eq!(accounts["counts"]["local"], 1, "{accounts}");
    assert_eq!(accounts["accounts"][0]["name"], "eve", "{accounts}");
    let none = pair.application(&["accounts", "App", "--standing", "second"]);
    assert_eq!(none["accounts"], json!([]));
    pair.application(&["apply", "App", id(&drift), "--yes"]);
    assert_eq!(pair.target_user("ada")["displayName"], "Ada");
    assert_eq!(pair.target_user("eve")["displayName"], "Eve");
}
