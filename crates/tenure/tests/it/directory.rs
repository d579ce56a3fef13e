//! Users, groups, schemas and options of tokens from the command line.

use crate::kit::Place;
use serde_json::json;

fn place() -> Place {
    let place = Place::new();
    place.run(&["workspace", "create", "Acme"]).expect(0);
    let people = place.file("people.csv", "userName,displayName\nada,Ada\nbo,Bo\n");
    let groups = place.file("groups.csv", "group,member\nMill,ada\n");
    place
        .run(&[
            "import",
            &people,
            "--workspace",
            "acme",
            "--groups",
            &groups,
        ])
        .expect(0);
    place
}

#[test]
fn what_was_deleted_is_listed_and_restored() {
    let place = place();
    let at = ["--workspace", "acme"];
    let run = |words: &[&str]| place.run(&[words, &at].concat());
    let unsure = run(&["user", "delete", "ada"]).expect(2);
    assert!(unsure.stderr.contains("--yes"), "{unsure:?}");
    run(&["user", "delete", "ada", "--yes"]).expect(0);
    run(&["group", "delete", "Mill", "--yes"]).expect(0);
    run(&["user", "get", "ada"]).expect(3);
    let listed = run(&["user", "deleted", "--json"]).expect(0).json();
    assert_eq!(listed["deleted"][0]["name"], "ada");
    let id = listed["deleted"][0]["id"].as_str().unwrap();
    run(&["user", "restore", id]).expect(0);
    run(&["user", "get", "ada"]).expect(0);
    run(&["user", "restore", id]).expect(3);
    let groups = run(&["group", "deleted", "--json"]).expect(0).json();
    let id = groups["deleted"][0]["id"].as_str().unwrap();
    run(&["group", "restore", id]).expect(0);
    let group = run(&["group", "get", "Mill", "--json"]).expect(0).json();
    assert_eq!(group["displayName"], "Mill");
}

#[test]
fn schemas_are_printed_and_set() {
    let place = place();
    let at = ["--workspace", "acme"];
    let run = |words: &[&str]| place.run(&[words, &at].concat());
    let empty = run(&["schema", "get"]).expect(0).json();
    assert_eq!(empty, json!({"schemas": [], "resourceTypes": []}));
    let definition = json!({
        "schemas": [{"id": "urn:acme:Room", "attributes": [{"name": "floor", "type": "integer"}]}],
        "resourceTypes": [{"name": "Room", "endpoint": "/Rooms", "schema": "urn:acme:Room"}],
    });
    let file = place.file("schema.json", definition.to_string());
    let set = run(&["schema", "set", &file]).expect(0);
    assert!(set.stdout.contains("User, Group, Room"), "{set:?}");
    let text = run(&["schema", "get"]).expect(0).stdout;
    let again = place.file("again.json", &text);
    run(&["schema", "set", &again]).expect(0);
    assert_eq!(run(&["schema", "get"]).expect(0).stdout, text);
    let wrong = place.file("wrong.json", text.replace("integer", "number"));
    let refused = run(&["schema", "set", &wrong]).expect(2);
    assert!(
        refused.stderr.contains("schemas[0].attributes[0].type"),
        "{refused:?}"
    );
}

#[test]
fn options_of_a_token_are_printed_and_set() {
    let place = place();
    let at = ["--workspace", "acme"];
    let run = |words: &[&str]| place.run(&[words, &at].concat());
    let api = run(&["token", "create", "--name", "automation", "--api"]).expect(0);
    assert!(api.stdout.starts_with("tnr_api_"), "{api:?}");
    run(&["token", "create", "--name", "okta"]).expect(0);
    let tokens = run(&["token", "list", "--json"]).expect(0).json();
    let scim = tokens["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .find(|token| token["scope"] == "scim");
    let id = scim.unwrap()["id"].as_str().unwrap();
    let options = run(&["token", "options", id, "--json"]).expect(0).json();
    assert_eq!(options["rules"]["unknownMembers"], "refuse");
    let file = place.file("options.json", r#"{"rules": {"unknownMembers": "park"}}"#);
    let options = run(&["token", "options", id, "--set", &file, "--json"])
        .expect(0)
        .json();
    assert_eq!(options["rules"]["unknownMembers"], "park");
    let wrong = place.file("wrong.json", r#"{"rules": {"unknownMembers": "lose"}}"#);
    let refused = run(&["token", "options", id, "--set", &wrong]).expect(2);
    assert!(refused.stderr.contains("park"), "{refused:?}");
    run(&["token", "options", "tok_none"]).expect(3);
}
