//! The server as a process.

use crate::kit::Place;

#[test]
fn ready_line_then_graceful_end() {
    for signal in ["-TERM", "-INT"] {
        let place = Place::new();
        let server = place.serve(&[]);
        assert!(
            server.url.starts_with("http://127.0.0.1:"),
            "{}",
            server.url
        );
        assert!(!server.url.ends_with(":0"), "{}", server.url);
        assert_eq!(server.get("/healthz", None).0, 200);
        let ended = server.stop(signal).expect(0);
        assert_eq!(ended.stdout, "", "one line is all");
    }
}

#[test]
fn set_up_link_until_somebody_can_sign_in() {
    let place = Place::new();
    let server = place.serve(&[]);
    let link = format!("{}/setup?token=", server.url);
    let ended = server.stop("-TERM").expect(0);
    assert!(ended.stderr.contains(&link), "{}", ended.stderr);

    place.json(&["workspace", "create", "Acme"]);
    let create = [
        "admin",
        "create",
        "--workspace",
        "acme",
        "--email",
        "a@b.example",
        "--name",
        "A",
    ];
    place.run_with(&create, "a long enough sentence").expect(0);
    let ended = place.serve(&[]).stop("-TERM").expect(0);
    assert!(!ended.stderr.contains("/setup"), "{}", ended.stderr);
}

#[test]
fn commands_work_while_a_server_runs() {
    let place = Place::new();
    let server = place.serve(&[]);
    place.json(&["workspace", "create", "Acme"]);
    let created = place.json(&["token", "create", "--workspace", "Acme", "--name", "Test"]);
    let token = created["token"].as_str().unwrap();
    let file = place.file("people.csv", "userName\nada\n");
    place
        .run(&["import", &file, "--workspace", "Acme"])
        .expect(0);
    let (status, body) = server.get("/scim/Users?filter=userName%20eq%20%22ada%22", Some(token));
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("\"totalResults\":1"), "{body}");
    assert_eq!(server.get("/scim/Users", Some("tnr_scim_wrong")).0, 401);
    server.stop("-TERM").expect(0);
}
