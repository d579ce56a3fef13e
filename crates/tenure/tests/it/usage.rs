//! Help, exit codes and the shape of errors.

use crate::kit::{Place, finish};

#[test]
fn help_begins_with_examples() {
    let place = Place::new();
    for command in [
        vec!["--help"],
        vec!["serve", "--help"],
        vec!["demo", "--help"],
        vec!["import", "--help"],
        vec!["token", "create", "--help"],
        vec!["application", "create", "--help"],
        vec!["application", "schema", "import", "--help"],
        vec!["expression", "test", "--help"],
        vec!["scope", "test", "--help"],
    ] {
        let help = place.run(&command).expect(0).stdout;
        assert!(help.starts_with("Example"), "{command:?}: {help}");
        assert!(help.contains("  tenure "), "{command:?}: {help}");
    }
    assert!(!place.data().exists(), "help needs no data directory");
}

#[test]
fn exit_codes() {
    let place = Place::new();
    place.run(&["workspace", "list"]).expect(3);
    assert!(
        !place.data().exists(),
        "a mistyped directory is not created"
    );
    place.json(&["workspace", "create", "Acme"]);
    let check = |arguments: &[&str], code: i32, error: &str| {
        let finished = place.run(arguments).expect(code);
        assert!(
            finished.stderr.contains(error),
            "{arguments:?}: {finished:#?}"
        );
        assert_eq!(finished.stdout, "", "{arguments:?}");
    };
    check(&[], 2, "Usage");
    check(&["wrokspace"], 2, "similar");
    check(&["token", "list"], 2, "--workspace");
    check(
        &["token", "list", "--workspace", "Nobody"],
        3,
        "error: workspace \"Nobody\" does not exist\nhint: ",
    );
    check(&["workspace", "create", "ACME"], 5, "error: ");
    check(
        &["application", "status", "Payroll", "--workspace", "Acme"],
        3,
        "\"Payroll\"",
    );
    check(
        &["user", "get", "nobody", "--workspace", "Acme"],
        3,
        "user \"nobody\"",
    );
    check(
        &["user", "delete", "nobody", "--workspace", "Acme"],
        2,
        "--yes",
    );
    check(
        &["log", "show", "evt_none", "--workspace", "Acme"],
        3,
        "evt_none",
    );
    check(&["serve", "--listen", "nowhere"], 2, "not an address");
    check(&["serve", "--listen", "0.0.0.0:0"], 2, "TLS proxy");
    check(&["demo", "--listen", "0.0.0.0:0"], 2, "loopback");
    check(
        &["import", "missing.csv", "--workspace", "Acme"],
        3,
        "missing.csv",
    );
}

#[test]
fn data_directory_from_the_environment_and_after_the_command() {
    let place = Place::new();
    place.json(&["workspace", "create", "Acme"]);
    let mut by_environment = place.command();
    by_environment
        .args(["workspace", "list", "--json"])
        .env("TENURE_DATA", place.data());
    let listed = finish(by_environment, "").expect(0).json();
    assert_eq!(listed["workspaces"][0]["name"], "Acme");
    let mut after = place.command();
    after
        .args(["workspace", "list", "--json", "--data"])
        .arg(place.data());
    assert_eq!(finish(after, "").expect(0).json(), listed);
}

#[test]
fn token_stands_alone_on_stdout() {
    let place = Place::new();
    place.json(&["workspace", "create", "Acme"]);
    let create = [
        "token",
        "create",
        "--workspace",
        "acme",
        "--name",
        "Entra",
        "--expires-days",
        "30",
    ];
    let finished = place.run(&create).expect(0);
    let token = finished.stdout.trim_end();
    assert!(
        token.starts_with("tnr_scim_") && !token.contains(char::is_whitespace),
        "{finished:#?}"
    );
    assert!(finished.stderr.contains("not shown again") && !finished.stderr.contains(token));

    let second = place.json(&["token", "create", "--workspace", "acme", "--name", "Okta"]);
    assert!(second["token"].as_str().unwrap().starts_with("tnr_scim_"));
    let id = second["id"].as_str().unwrap();
    place
        .run(&["token", "revoke", id, "--workspace", "acme"])
        .expect(0);
    let listed = place.json(&["token", "list", "--workspace", "acme"]);
    let okta = listed["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .find(|token| token["id"] == id)
        .unwrap();
    assert!(okta["revoked"].is_string(), "{listed}");
    assert!(okta.get("token").is_none());
    place
        .run(&["token", "revoke", "tok_none", "--workspace", "acme"])
        .expect(3);
}

#[test]
fn admin_gets_a_password_once() {
    let place = Place::new();
    place.json(&["workspace", "create", "Acme"]);
    let create = [
        "admin",
        "create",
        "--workspace",
        "acme",
        "--email",
        "ana@acme.example",
        "--name",
        "Ana",
    ];
    place.run_with(&create, "too short").expect(2);
    place
        .run_with(&create, "a long enough sentence\n")
        .expect(0);
    place
        .run_with(&create, "a long enough sentence\n")
        .expect(5);
    let mut other = create;
    other[5] = "bo@acme.example";
    let made = place
        .run(&[&other[..], &["--generate-password", "--json"]].concat())
        .expect(0)
        .json();
    assert!(made["password"].as_str().unwrap().len() >= 15);
    let members = place.json(&["admin", "list", "--workspace", "acme"]);
    assert_eq!(members["members"].as_array().unwrap().len(), 2, "{members}");
    let checked = place.json(&["audit", "verify", "--workspace", "acme"]);
    assert!(checked["checked"].as_u64().unwrap() > 0);
}
