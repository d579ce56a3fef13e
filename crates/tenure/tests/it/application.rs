//! Provisioning from one workspace into another of the same server.

use crate::kit::{Place, Server};
use serde_json::{Value, json};

/// A server with two workspaces and an application between them.
pub(crate) struct Pair {
    pub(crate) place: Place,
    pub(crate) server: Server,
}

const SOURCE: [&str; 2] = ["--workspace", "Source"];
const TARGET: [&str; 2] = ["--workspace", "Target"];

pub(crate) fn pair(scope: &str) -> Pair {
    let place = Place::new();
    let server = place.serve(&[]);
    place.json(&["workspace", "create", "Source"]);
    place.json(&["workspace", "create", "Target"]);
    let created = place.json(&[
        "token",
        "create",
        "--workspace",
        "Target",
        "--name",
        "Source",
    ]);
    let file = place.file(
        "people.csv",
        "userName,displayName\nada,Ada\nbo,Bo\ncy,Cy\n",
    );
    place.json(&["import", &file, "--workspace", "Source"]);
    let url = format!("{}/scim", server.url);
    let create = [
        "application",
        "create",
        "--workspace",
        "Source",
        "--name",
        "App",
        "--gallery",
        "custom",
        "--tenant-url",
        &url,
        "--secret-token",
        "-",
        "--scope",
        scope,
        "--json",
    ];
    let token = created["token"].as_str().unwrap();
    let application = place.run_with(&create, token).expect(0).json();
    assert_eq!(application["has_secret"], true);
    Pair { place, server }
}

impl Pair {
    pub(crate) fn application(&self, verb: &[&str]) -> Value {
        self.place.json(&[&["application"], verb, &SOURCE].concat())
    }

    #[track_caller]
    pub(crate) fn cycle(&self, counts: [u64; 4]) {
        let cycle = self.application(&["run", "App"]);
        let seen =
            ["created", "updated", "disabled", "failed"].map(|name| cycle[name].as_u64().unwrap());
        assert_eq!(seen, counts, "{cycle}");
        assert_eq!(cycle["status"], "completed", "{cycle}");
    }

    pub(crate) fn target_user(&self, name: &str) -> Value {
        self.place
            .json(&[&["user", "get", name], &TARGET[..]].concat())
    }
}

#[test]
fn joiner_mover_leaver() {
    let pair = pair("all");
    let dry = pair.application(&["run", "App", "--dry-run"]);
    assert_eq!(
        (&dry["created"], &dry["status"]),
        (&3.into(), &"completed".into()),
        "{dry}"
    );
    assert_eq!(dry["operations"].as_array().unwrap().len(), 3);
    let listed = pair.place.json(&[&["user", "list"], &TARGET[..]].concat());
    assert_eq!(listed["total"], 0, "a dry run writes nothing");

    pair.cycle([3, 0, 0, 0]);
    pair.cycle([0, 0, 0, 0]);
    let file = pair.place.file(
        "moved.csv",
        "userName,displayName,active\nada,Ada Okafor,\nbo,,no\n",
    );
    pair.place.json(&["import", &file, "--workspace", "Source"]);
    pair.application(&["run", "App"]);
    assert_eq!(pair.target_user("ada")["displayName"], "Ada Okafor");
    assert_eq!(pair.target_user("bo")["active"], false);

    let log = pair.place.json(&[
        "log",
        "list",
        "--workspace",
        "Source",
        "--application",
        "App",
        "--action",
        "create",
    ]);
    let entries = log["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 3, "{log}");
    let id = entries[0]["id"].as_str().unwrap();
    let entry = pair
        .place
        .json(&["log", "show", id, "--workspace", "Source"]);
    assert!(!entry["steps"].as_array().unwrap().is_empty(), "{entry}");
    pair.server.stop("-TERM").expect(0);
}

#[test]
fn assignment_decides() {
    let pair = pair("assigned");
    pair.cycle([0, 0, 0, 0]);
    pair.application(&["assign", "App", "--user", "ada", "--user", "bo"]);
    pair.place
        .run(&[
            "application",
            "assign",
            "App",
            "--user",
            "cy",
            "--user",
            "nobody",
            "--workspace",
            "Source",
        ])
        .expect(3);
    pair.cycle([2, 0, 0, 0]);
    pair.application(&["unassign", "App", "--user", "bo"]);
    pair.cycle([0, 0, 1, 0]);
    let one = pair.application(&["provision", "App", "--user", "ada"]);
    assert_ne!(one["status"], "failure", "{one}");
    assert!(!one["steps"].as_array().unwrap().is_empty(), "{one}");
}

#[test]
fn started_job_runs_in_the_server() {
    let pair = pair("all");
    pair.application(&["start", "App"]);
    assert_eq!(pair.application(&["status", "App"])["state"], "active");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let status = pair.application(&["status", "App"]);
        if status["last_cycle"]["status"] == "completed" && status["linked"]["users"] == 3 {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{status}");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    pair.application(&["stop", "App"]);
    assert_eq!(pair.application(&["show", "App"])["state"], "paused");
    pair.application(&["restart", "App"]);
    pair.place
        .run(&["application", "delete", "App", "--workspace", "Source"])
        .expect(2);
    pair.application(&["delete", "App", "--yes"]);
    assert_eq!(pair.application(&["list"])["applications"], json!([]));
}

#[test]
fn wrong_targets_are_told() {
    let pair = pair("all");
    let report = pair.application(&["test", "App"]);
    assert_eq!(report["passed"], true, "{report}");
    let credentials = ["application", "credentials", "App", "--workspace", "Source"];
    let wrong = [&credentials[..], &["--secret-token", "tnr_scim_wrong"]].concat();
    pair.place.run(&wrong).expect(0);
    pair.place
        .run(&["application", "test", "App", "--workspace", "Source"])
        .expect(6);
    pair.place
        .run(&["application", "run", "App", "--workspace", "Source"])
        .expect(6);
    pair.place
        .run(&[&credentials[..], &["--tenant-url", "ftp://x"]].concat())
        .expect(2);
    pair.place.run(&credentials).expect(2);
    // Nothing listens there.
    let gone = [
        &credentials[..],
        &[
            "--tenant-url",
            "http://127.0.0.1:9/scim",
            "--secret-token-env",
            "SECRET",
        ],
    ]
    .concat();
    pair.place.run(&gone).expect(2);
    let gone = [
        &credentials[..],
        &[
            "--tenant-url",
            "http://127.0.0.1:9/scim",
            "--secret-token",
            "x",
        ],
    ]
    .concat();
    pair.place.run(&gone).expect(0);
    pair.place
        .run(&["application", "run", "App", "--workspace", "Source"])
        .expect(6);
}

#[test]
fn the_method_of_authentication_is_chosen_with_flags() {
    let pair = pair("all");
    let secret = pair.place.file("secret.txt", "s3cret \n");
    let credentials = |more: &[&str]| {
        let command = ["application", "credentials", "App", "--workspace", "Source"];
        pair.place.run(&[&command[..], more].concat())
    };
    let shown = || pair.application(&["show", "App"]);
    let client = [
        "--auth",
        "client-credentials",
        "--token-url",
        "http://127.0.0.1:9/token",
        "--client-id",
        "c",
    ];
    for wrong in [
        &["--auth", "basic"][..],
        &["--auth", "basic", "--user-name", "a:b"],
        &["--user-name", "ada"],
        &["--auth", "basic", "--user-name", "a", "--client-id", "c"],
        &["--auth", "basic", "--user-name", "a", "--secret-token", "x"],
        &client[..4],
        &[&client[..], &["--oauth-parameter", "audience"]].concat(),
        &[
            "--auth",
            "client-credentials",
            "--client-id",
            "c",
            "--token-url",
            "ftp://x",
        ],
    ] {
        credentials(wrong).expect(2);
    }
    assert_eq!(shown()["authentication"], json!({ "method": "bearer" }));
    assert_eq!(shown()["has_secret"], true);
    // The token is no password.
    credentials(&["--auth", "basic", "--user-name", "ada"]).expect(0);
    assert_eq!(shown()["has_secret"], false);
    credentials(&["--secret-file", &secret]).expect(0);
    let basic = json!({ "method": "basic", "user_name": "ada" });
    assert_eq!(shown()["authentication"], basic);
    assert_eq!(shown()["has_secret"], true);
    let more = [
        "--client-auth",
        "body",
        "--oauth-scope",
        "scim",
        "--oauth-parameter",
        "audience=a=b",
        "--secret-file",
        &secret,
    ];
    credentials(&[&client[..], &more].concat()).expect(0);
    // The other settings stay.
    credentials(&["--oauth-scope", ""]).expect(0);
    let expected = json!({
        "method": "client_credentials", "token_url": "http://127.0.0.1:9/token", "client_id": "c",
        "client_authentication": "client_secret_post", "parameters": [["audience", "a=b"]],
    });
    assert_eq!(shown()["authentication"], expected);
    assert_eq!(shown()["has_secret"], true);
    let run = ["application", "test", "App", "--workspace", "Source"];
    let report = format!("{:?}", pair.place.run(&run).expect(6));
    assert!(!report.contains("s3cret"), "{report}");
    assert!(
        report.contains("no connection to the token endpoint"),
        "{report}"
    );
}

#[test]
fn configuration_is_checked() {
    let pair = pair("all");
    let mut config = pair.application(&["config", "App"]);
    assert_eq!(config["scope"], "all");
    config["deletion_threshold"] = 5.into();
    let set = [
        "application",
        "config",
        "App",
        "--workspace",
        "Source",
        "--set",
        "-",
    ];
    pair.place.run_with(&set, &config.to_string()).expect(0);
    assert_eq!(
        pair.application(&["config", "App"])["deletion_threshold"],
        5
    );
    config["users"]["mappings"][0]["source"] = json!({ "expression": "Nope(" });
    let refused = pair.place.run_with(&set, &config.to_string()).expect(2);
    assert!(
        refused.stderr.contains("users.mappings[0]"),
        "{}",
        refused.stderr
    );
    pair.place.run_with(&set, "{}").expect(2);
    let unknown = [
        "application",
        "create",
        "--workspace",
        "Source",
        "--name",
        "X",
        "--gallery",
        "none",
    ];
    pair.place.run(&unknown).expect(3);
    let twice = [
        "application",
        "create",
        "--workspace",
        "Source",
        "--name",
        "APP",
        "--tenant-url",
        &pair.server.url,
    ];
    pair.place.run(&twice).expect(5);
}
