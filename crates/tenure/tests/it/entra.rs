//! Schemas of Entra ID: written, changed as Entra would, and read again.

use crate::kit::Place;
use serde_json::{Value, json};

const AT: [&str; 2] = ["--workspace", "Acme"];

/// A workspace with an application that nothing is sent to.
fn place() -> Place {
    let place = Place::new();
    place.json(&["workspace", "create", "Acme"]);
    let create = [
        "application",
        "create",
        "--name",
        "Payroll",
        "--tenant-url",
        "http://127.0.0.1:9/scim",
    ];
    place.json(&[&create[..], &AT].concat());
    place
}

fn application(place: &Place, verb: &[&str]) -> Value {
    place.json(&[&["app"], verb, &AT].concat())
}

fn object(schema: &mut Value) -> &mut Value {
    &mut schema["synchronizationRules"][0]["objectMappings"][0]
}

fn audited(place: &Place) -> usize {
    let audit = place.json(&[&["audit", "list"], &AT[..]].concat());
    let entries = audit["entries"].as_array().unwrap();
    entries
        .iter()
        .filter(|entry| entry["action"] == "application.update")
        .count()
}

#[test]
fn there_and_back() {
    let place = place();
    let before = application(&place, &["config", "Payroll"]);
    let file = place.directory.path().join("schema.json");
    let file = file.to_str().unwrap();
    let exported = application(&place, &["schema", "export", "Payroll", "--output", file]);
    assert_eq!(
        (&exported["result"], &exported["file"]),
        (&json!("exported"), &json!(file))
    );
    let written: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let printed = application(&place, &["schema", "export", "Payroll"]);
    assert_eq!(written, printed);
    let unchanged = application(&place, &["schema", "import", "Payroll", file]);
    assert_eq!(unchanged["result"], "unchanged");
    assert_eq!(application(&place, &["config", "Payroll"]), before);
    assert_eq!(audited(&place), 0);
}

#[test]
fn a_schema_changes_the_configuration() {
    let place = place();
    let before = application(&place, &["config", "Payroll"]);
    let mut schema = application(&place, &["schema", "export", "Payroll"]);
    object(&mut schema)["flowTypes"] = "Add, Update".into();
    object(&mut schema)["scope"] = json!({ "groups": [{ "name": "Norway", "clauses": [{
        "operatorName": "EQUALS", "sourceOperandName": "country", "targetOperand": { "values": ["NO"] },
    }] }] });
    object(&mut schema)["attributeMappings"][1]["source"] =
        json!({ "type": "Attribute", "name": "extensionAttribute1" });
    let file = place.file("schema.json", schema.to_string());

    let import = ["schema", "import", "Payroll", &file];
    let dry = application(&place, &[&import[..], &["--dry-run"]].concat());
    assert_eq!(dry["result"], "dry run");
    assert_eq!(dry["config"]["users"]["actions"]["delete"], false);
    assert_eq!(application(&place, &["config", "Payroll"]), before);

    let done = place
        .run(&[&["application"], &import[..], &AT].concat())
        .expect(0);
    assert_eq!(done.stdout, "imported Payroll\n");
    let warning = "warning: synchronizationRules[0].objectMappings[0].attributeMappings[1]: ";
    assert!(done.stderr.starts_with(warning), "{}", done.stderr);
    assert!(
        done.stderr.contains("extensionAttribute1"),
        "{}",
        done.stderr
    );
    let after = application(&place, &["config", "Payroll"]);
    assert_eq!(after, dry["config"]);
    assert_eq!(after["users"]["filters"][0]["title"], "Norway");
    let count = |config: &Value| config["users"]["mappings"].as_array().unwrap().len();
    assert_eq!(count(&after), count(&before) - 1);
    assert_eq!(after["groups"], before["groups"]);
    assert_eq!(audited(&place), 1);
}

#[test]
fn what_cannot_be_used_changes_nothing() {
    let place = place();
    let before = application(&place, &["config", "Payroll"]);
    let schema = application(&place, &["schema", "export", "Payroll"]);
    let check = |change: &dyn Fn(&mut Value), part: &str| {
        let mut schema = schema.clone();
        change(object(&mut schema));
        let import = [
            "application",
            "schema",
            "import",
            "Payroll",
            "-",
            AT[0],
            AT[1],
        ];
        let refused = place.run_with(&import, &schema.to_string()).expect(2);
        assert!(refused.stderr.contains(part), "{}", refused.stderr);
        assert_eq!(refused.stdout, "");
    };
    check(
        &|users| users["scope"] = "all".into(),
        "objectMappings[0].scope: ",
    );
    // Without a matching attribute it can be read, but not be used.
    check(
        &|users| users["attributeMappings"][0]["matchingPriority"] = 0.into(),
        "users.mappings: No attribute is used for matching",
    );
    check(
        &|users| users["sourceObjectName"] = "Contact".into(),
        "nothing to import",
    );
    assert_eq!(application(&place, &["config", "Payroll"]), before);
    let none = [
        "application",
        "schema",
        "export",
        "Nobody",
        "--workspace",
        "Acme",
    ];
    place.run(&none).expect(3);
    let into = [
        &["application", "schema", "export", "Payroll"],
        &AT[..],
        &["--output", "no/such/folder.json"],
    ];
    place.run(&into.concat()).expect(1);
}
