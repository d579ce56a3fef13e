//! The provisioning log as files, how long it is kept, and why somebody has an account.

use crate::application::pair;
use serde_json::{Value, json};

#[test]
fn the_log_becomes_a_file() {
    let pair = pair("all");
    pair.application(&["run", "App"]);
    let export = |more: &[&str], code: i32| {
        let command = [&["log", "export", "--workspace", "Source"], more].concat();
        pair.place.run(&command).expect(code).stdout
    };
    let csv = export(&["--action", "create"], 0);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 4, "{csv}");
    assert!(
        lines[0].starts_with("id,activityDateTime,application,"),
        "{csv}"
    );
    let records: Value = serde_json::from_str(&export(&["--format", "json"], 0)).unwrap();
    let first = &records[0];
    assert_eq!(first["application"]["displayName"], "App");
    let source = first["sourceIdentity"]["id"].as_str().unwrap();
    for (filter, expected) in [
        (["--source", source], 1),
        (["--kind", "group"], 0),
        (["--from", "2020-01-01"], 3),
        (["--to", "2020-01-01T00:00:00Z"], 0),
        (["--status", "failure"], 0),
        (["--application", "App"], 3),
    ] {
        let found = export(&[&filter[..], &["--format", "json"]].concat(), 0);
        let found: Vec<Value> = serde_json::from_str(&found).unwrap();
        assert_eq!(found.len(), expected, "{filter:?}");
        let listed = [&["log", "list", "--workspace", "Source"], &filter[..]].concat();
        let listed = pair.place.json(&listed);
        assert_eq!(
            listed["entries"].as_array().unwrap().len(),
            expected,
            "{filter:?}"
        );
    }
    export(&["--from", "yesterday"], 2);
    export(&["--application", "None"], 3);
}

#[test]
fn settings_are_set_from_a_file() {
    let pair = pair("all");
    let settings = ["workspace", "settings", "--workspace", "Source"];
    assert_eq!(pair.place.json(&settings)["keepProvisioningDays"], 30);
    for (text, code) in [
        (json!({"keepProvisioningDays": 400}), 0),
        (json!({"keepProvisioningDays": 0}), 2),
        (json!({"keepProvisioning": 1}), 2),
    ] {
        let file = pair.place.file("settings.json", text.to_string());
        pair.place
            .run(&[&settings[..], &["--set", &file]].concat())
            .expect(code);
    }
    assert_eq!(pair.place.json(&settings)["keepProvisioningDays"], 400);
}

#[test]
fn why_is_told_before_and_after() {
    let pair = pair("assigned");
    let why = |more: &[&str]| pair.application(&[&["why", "App"], more].concat());
    let before = why(&["--user", "ada"]);
    assert_eq!(before["next"]["code"], "NotEffectivelyEntitled");
    pair.application(&["assign", "App", "--user", "ada"]);
    pair.application(&["run", "App"]);
    let after = why(&["--user", "ada"]);
    assert_eq!(after["lastAnswer"]["requests"][0]["status"], 201, "{after}");
    let ask = ["application", "why", "App", "--workspace", "Source"];
    let text = pair
        .place
        .run(&[&ask[..], &["--user", "ada"]].concat())
        .expect(0)
        .stdout;
    for part in [
        "In scope: yes",
        "assigned directly: yes",
        "is looked for by userName = ada",
        "→ 201",
        ": same",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for (more, code) in [
        (&["--user", "nobody"][..], 3),
        (&["--user", "ada", "--user", "bo"], 2),
        (&[], 2),
    ] {
        pair.place.run(&[&ask[..], more].concat()).expect(code);
    }
}
