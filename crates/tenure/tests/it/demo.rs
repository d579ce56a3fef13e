//! The demo.

use crate::kit::{Place, Server, finish};

#[test]
fn story_is_told_and_data_made_anew() {
    let place = Place::new();
    for _ in 0..2 {
        let mut demo = place.command();
        demo.args(["demo", "--listen", "127.0.0.1:0", "--exit-when-done"]);
        let told = finish(demo, "").expect(0);
        assert!(
            told.stdout.starts_with("listening on http://127.0.0.1:"),
            "{}",
            told.stdout
        );
        for line in [
            "initial cycle completed: ",
            "joiner  ",
            "mover   ",
            "leaver  ",
            "demo@northwind.example",
        ] {
            assert!(told.stdout.contains(line), "{line}: {}", told.stdout);
        }
    }
    assert!(place.directory.path().join("demo-data").is_dir());
}

#[test]
fn taken_port_and_directory() {
    let place = Place::new();
    let start = |listen: &str| {
        let mut demo = place.command();
        demo.args(["demo", "--no-story", "--listen", listen]);
        demo
    };
    let first = Server::start(start("127.0.0.1:0"));
    let listen = first.url.strip_prefix("http://").unwrap().to_owned();
    let busy = finish(start("127.0.0.1:0"), "").expect(75);
    assert!(busy.stderr.contains("another demo"), "{}", busy.stderr);
    let mut beside = start(&listen);
    beside.args(["--data", "other-data"]);
    let beside = Server::start(beside);
    assert_ne!(beside.url, first.url);
    beside.stop("-TERM").expect(0);
    first.stop("-INT").expect(0);
}

#[test]
fn foreign_data_is_left_alone() {
    let place = Place::new();
    place.json(&["workspace", "create", "Acme"]);
    place.run(&["demo", "--listen", "127.0.0.1:0"]).expect(5);
    assert_eq!(
        place.json(&["workspace", "list"])["workspaces"][0]["name"],
        "Acme"
    );
}
