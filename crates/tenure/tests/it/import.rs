//! Files of users.

use crate::kit::Place;

fn place() -> Place {
    let place = Place::new();
    place.json(&["workspace", "create", "Acme"]);
    place
}

fn total(place: &Place) -> u64 {
    place.json(&["user", "list", "--workspace", "acme"])["total"]
        .as_u64()
        .unwrap()
}

#[test]
fn csv_is_loaded_and_loaded_again() {
    let place = place();
    let file = place.file(
        "people.csv",
        "\u{feff}Login,E-Mail,First name,Last name,Department,Manager,Active\r\n\
         ada,ada@acme.example,Ada,Okafor,Mills,bo,yes\r\n\
         bo,bo@acme.example,Bo,\"Lund, Jr.\",Mills,,true\r\n",
    );
    let load = ["import", file.as_str(), "--workspace", "acme"];
    let dry = place.json(&[&load[..], &["--dry-run"]].concat());
    assert_eq!(
        (&dry["created"], &dry["failed"]),
        (&2.into(), &0.into()),
        "{dry}"
    );
    assert_eq!(total(&place), 0, "a dry run writes nothing");

    let first = place.json(&load);
    assert_eq!(
        (&first["created"], &first["updated"]),
        (&2.into(), &0.into()),
        "{first}"
    );
    let ada = place.json(&["user", "get", "ADA", "--workspace", "acme"]);
    let bo = place.json(&["user", "get", "bo", "--workspace", "acme"]);
    assert_eq!(ada["emails"][0]["value"], "ada@acme.example");
    assert_eq!(bo["name"]["familyName"], "Lund, Jr.");
    let enterprise = &ada["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"];
    assert_eq!(enterprise["department"], "Mills");
    assert_eq!(enterprise["manager"]["value"], bo["id"]);

    let again = place.json(&load);
    assert_eq!(
        (&again["created"], &again["unchanged"]),
        (&0.into(), &2.into()),
        "{again}"
    );
    let changed = place.file(
        "changed.csv",
        "login,department\nada,Logistics\nbo,Mills\ncy,Mills\n",
    );
    let skipped = [
        "import",
        changed.as_str(),
        "--workspace",
        "acme",
        "--dry-run",
        "--on-conflict",
        "error",
    ];
    let skipped = place
        .run(&[&skipped[..], &["--json"]].concat())
        .expect(7)
        .json();
    assert_eq!(
        (&skipped["created"], &skipped["failed"]),
        (&1.into(), &2.into()),
        "{skipped}"
    );
    let third = place.json(&["import", &changed, "--workspace", "acme"]);
    assert_eq!(
        (&third["created"], &third["updated"], &third["unchanged"]),
        (&1.into(), &1.into(), &1.into()),
        "{third}"
    );
}

#[test]
fn broken_lines_are_named_and_the_rest_is_loaded() {
    let place = place();
    let mut text = b"userName,active,department,manager\n".to_vec();
    for line in [
        &b"ada,yes,Mills,"[..],        // 2
        b"bo,perhaps,Mills,",          // 3
        b"cy,yes",                     // 4
        b"ADA,yes,Mills,",             // 5
        b",yes,Mills,",                // 6
        b"di,yes,M\xffills,",          // 7
        b"ed,yes,\"Mills,",            // 8
        b"fay,yes,Mills,nobody",       // 9
        b"gus,yes,\"two\nlines\",ada", // 10, 11
        b"hal,yes,Mills,gus",          // 12
    ] {
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    let file = place.file("people.csv", text);
    let finished = place
        .run(&["import", &file, "--workspace", "acme", "--json"])
        .expect(7);
    for expected in [
        ":3: column \"active\": \"perhaps\" is neither true nor false",
        ":4: the line has 2 fields, the header has 4",
        ":5: column \"userName\": \"ADA\" is in the file already",
        ":6: column \"userName\": the userName is empty",
        ":7: column \"department\": not UTF-8 at byte 2",
        ":8: a quote is",
        ":9: column \"manager\": no user \"nobody\"",
    ] {
        assert!(
            finished.stderr.contains(&format!("people.csv{expected}")),
            "{expected}: {}",
            finished.stderr
        );
    }
    let summary = finished.json();
    assert_eq!(
        (&summary["created"], &summary["failed"]),
        (&4.into(), &7.into()),
        "{summary}"
    );
    assert_eq!(summary["errors"].as_array().unwrap().len(), 7);
    assert_eq!(total(&place), 4);
}

#[test]
fn unusable_files_write_nothing() {
    let place = place();
    let check = |content: &str, more: &[&str], code: i32, message: &str| {
        let file = place.file("people.csv", content);
        let finished =
            place.run(&[&["import", file.as_str(), "--workspace", "acme"], more].concat());
        let finished = finished.expect(code);
        assert!(finished.stderr.contains(message), "{finished:#?}");
        assert_eq!(total(&place), 0);
    };
    check("", &[], 2, "is empty");
    check(
        "userName,shoe\nada,38\n",
        &[],
        2,
        "unknown columns: \"shoe\"",
    );
    check("mail\na@b.example\n", &[], 2, "no column for userName");
    check(
        "userName\nada\n",
        &["--map", "x=title"],
        2,
        "no column \"x\"",
    );
    check(
        "userName,active\nada,maybe\n",
        &[],
        1,
        ":2: column \"active\"",
    );
}

#[test]
fn columns_are_mapped_or_left_out() {
    let place = place();
    let file = place.file("people.txt", "who;shoe;unit\nada;38;4711\n");
    let cost_centre = "unit=urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter";
    let loaded = place.json(&[
        "import",
        &file,
        "--workspace",
        "acme",
        "--delimiter",
        ";",
        "--map",
        "who=userName",
        "--map",
        cost_centre,
        "--ignore-unknown-columns",
    ]);
    assert_eq!(loaded["created"], 1);
    let ada = place.json(&["user", "get", "ada", "--workspace", "acme"]);
    assert_eq!(
        ada["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]["costCenter"],
        "4711"
    );
}

#[test]
fn jsonl_replaces() {
    let place = place();
    let file = place.file(
        "people.jsonl",
        "{\"userName\":\"ada\",\"title\":\"Weaver\"}\n\n{\"userName\":\n{\"userName\":\"bo\",\"shoe\":1}\n",
    );
    let finished = place
        .run(&["import", &file, "--workspace", "acme", "--json"])
        .expect(7);
    assert!(
        finished.stderr.contains("people.jsonl:3: "),
        "{}",
        finished.stderr
    );
    assert!(
        finished
            .stderr
            .contains("people.jsonl:4: unknown attributes: shoe"),
        "{}",
        finished.stderr
    );
    assert_eq!(finished.json()["created"], 1);
    let file = place.file(
        "people.jsonl",
        "{\"userName\":\"ada\",\"nickName\":\"A\"}\n",
    );
    let loaded = place.json(&["import", &file, "--workspace", "acme"]);
    assert_eq!(loaded["updated"], 1);
    let ada = place.json(&["user", "get", "ada", "--workspace", "acme"]);
    assert_eq!((ada.get("title"), &ada["nickName"]), (None, &"A".into()));
}

#[test]
fn groups_come_after_users() {
    let place = place();
    let people = place.file("people.csv", "userName\nada\nbo\n");
    let groups = place.file(
        "groups.csv",
        "group,member\nWeavers,ada\nWeavers,bo\nDyers,bo\nDyers,nobody\n",
    );
    let load = [
        "import",
        people.as_str(),
        "--workspace",
        "acme",
        "--groups",
        groups.as_str(),
        "--json",
    ];
    let finished = place.run(&load).expect(7);
    assert!(
        finished
            .stderr
            .contains("groups.csv:5: column \"member\": no user \"nobody\""),
        "{}",
        finished.stderr
    );
    let summary = finished.json();
    assert_eq!(
        summary["groups"],
        serde_json::json!({"created": 2, "memberships": 3, "failed": 1})
    );
    let weavers = place.json(&["group", "get", "Weavers", "--workspace", "acme"]);
    assert_eq!(weavers["members"].as_array().unwrap().len(), 2);
}
