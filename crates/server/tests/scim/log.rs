//! The request log: what a request leaves there, and that it harms no request.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use tenure_store::{
    Actor, WorkspaceId, deviation,
    request_log::{self, Entry, RequestQuery},
    setting::{self, LogBodies, Settings},
    token::{self, Options},
    workspace,
};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::{
    harness::{PATCH_OP, USER, World},
    loopback::{answer, start},
};

async fn workspace_id(world: &World, name: &'static str) -> WorkspaceId {
    let find = move |tx: &mut tenure_store::Tx<'_>| workspace::find(tx, name);
    world.app.store.read(find).await.unwrap().unwrap().id
}

/// All entries with their bodies, oldest first.
async fn entries(world: &World, workspace: WorkspaceId) -> Vec<Entry> {
    let read = move |tx: &mut tenure_store::Tx<'_>| {
        let query = RequestQuery {
            limit: 10_000,
            ..RequestQuery::default()
        };
        let mut listed = request_log::list(tx, workspace, &query)?;
        listed.reverse();
        let full = listed
            .iter()
            .map(|entry| request_log::get(tx, workspace, &entry.id));
        let full: Result<Vec<Option<Entry>>, _> = full.collect();
        Ok(full?.into_iter().flatten().collect())
    };
    world.app.store.read(read).await.unwrap()
}

/// Waits until so many requests are written down or counted as lost.
async fn written(world: &World, workspace: WorkspaceId, count: u64) -> Vec<Entry> {
    for _ in 0..2000 {
        let found = entries(world, workspace).await;
        let total: u64 = found.iter().map(|entry| entry.lost.max(1)).sum();
        assert!(total <= count, "{total} instead of {count}");
        if total == count {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the log was not written");
}

async fn set(world: &World, workspace: WorkspaceId, settings: Settings) {
    let write = move |tx: &mut tenure_store::Tx<'_>| setting::set(tx, workspace, &settings);
    world.app.store.write(Actor::system(), write).await.unwrap();
}

/// Codes with their counts of the only token of a workspace.
async fn habits(world: &World, workspace: WorkspaceId) -> BTreeMap<String, u64> {
    let read = move |tx: &mut tenure_store::Tx<'_>| {
        let token = token::list(tx, workspace)?.remove(0);
        deviation::of_token(tx, workspace, &token.id)
    };
    let habits = world.app.store.read(read).await.unwrap();
    habits
        .into_iter()
        .map(|habit| (habit.code, habit.month))
        .collect()
}

#[tokio::test]
async fn what_waits_is_written_before_the_server_stops() {
    let world = World::new().await;
    let mills = workspace_id(&world, "mills").await;
    let running = start(&world).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let body =
        json!({"schemas": [USER], "userName": "mira", "active": "True", "password": "hunter2"})
            .to_string();
    let request = format!(
        "POST /scim/v2/Users?attributes=userName HTTP/1.1\r\nhost: x\r\nuser-agent: Azure/1\r\nx-request-id: abc-1\r\n\
         authorization: Bearer {}\r\ncontent-type: application/scim+json\r\ncontent-length: {}\r\n\r\n{body}",
        world.token,
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    assert!(answer(&mut stream).await.starts_with("HTTP/1.1 201 "));
    drop(stream);
    running.stop.send(true).unwrap();
    running.task.await.unwrap().unwrap();
    let found = entries(&world, mills).await;
    let [entry] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(
        (entry.method.as_str(), entry.path.as_str(), entry.status),
        ("POST", "/scim/v2/Users", 201)
    );
    assert_eq!(entry.query, "attributes=userName");
    assert_eq!(
        (entry.agent.as_str(), entry.request_id.as_str()),
        ("Azure/1", "abc-1")
    );
    assert_eq!(entry.token_name, "identity provider");
    assert_eq!(entry.deviations, ["string-boolean", "password-sent"]);
    assert!(entry.duration_us > 0 && entry.at_us > 0);
    let sent: Value = serde_json::from_str(&entry.request).unwrap();
    assert_eq!(sent["userName"], "mira");
    assert_eq!(sent["password"], "***");
    let received: Value = serde_json::from_str(&entry.response).unwrap();
    assert_eq!(received["userName"], "mira");
    assert_eq!(
        habits(&world, mills).await,
        BTreeMap::from([("password-sent".into(), 1), ("string-boolean".into(), 1)])
    );
}

#[tokio::test]
async fn each_kind_of_request_and_refusal() {
    let world = World::new().await;
    let mills = workspace_id(&world, "mills").await;
    requests_of_all_kinds(&world).await;
    let found = written(&world, mills, 9).await;
    check_kinds(&found);
    assert!(found[1].detail.contains("userName"), "{}", found[1].detail);
    assert_eq!(found[4].request, "{\"…\":\"…\"}");
}

/// Requests that are answered and refused, with and without habits.
async fn requests_of_all_kinds(world: &World) {
    let id = world.user("mira").await;
    let path = format!("/scim/Users/{id}");
    world
        .post(
            "/scim/Users",
            &json!({"schemas": [USER], "userName": "MIRA"}),
        )
        .await
        .refused(409, Some("uniqueness"));
    world.with("HEAD", &path, &[], "").await;
    world.get("/scim/Nothing").await.refused(404, None);
    world
        .with(
            "POST",
            "/scim/Users",
            &[("content-type", "application/scim+json")],
            "{\"userName\": ",
        )
        .await
        .refused(400, Some("invalidSyntax"));
    world
        .get("/scim/v2//Users/?startIndex=0&count=1001&filter=email%2520eq%2520%2522a%2522")
        .await
        .expect(200);
    world
        .patch(
            &path,
            &json!([{"op": "Replace", "path": "emails[type eq \"home\"].value", "value": "m@x"}]),
        )
        .await
        .expect(200);
    let bulk = json!({"Operations": [{"method": "POST", "path": "/Users", "bulkId": "b", "data": {"userName": "x", "shoe": 1}}]});
    world.post("/scim/Bulk", &bulk).await.expect(200);
    world.delete(&path).await;
    // Strangers belong to no workspace.
    assert_eq!(
        world
            .with_token("tnr_scim_x")
            .get("/scim/Users")
            .await
            .status,
        401
    );
}

fn check_kinds(found: &[Entry]) {
    let shown: Vec<(&str, u16, &str, Vec<&str>)> = found
        .iter()
        .map(|entry| {
            let deviations = entry.deviations.iter().map(String::as_str).collect();
            (
                entry.method.as_str(),
                entry.status,
                entry.scim_type.as_str(),
                deviations,
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("POST", 201, "", vec![]),
            ("POST", 409, "uniqueness", vec![]),
            ("HEAD", 200, "", vec![]),
            ("GET", 404, "", vec![]),
            ("POST", 400, "invalidSyntax", vec![]),
            (
                "GET",
                200,
                "",
                vec![
                    "email-for-emails",
                    "double-encoding",
                    "start-index-below-one",
                    "count-above-maximum",
                    "repeated-slash",
                    "trailing-slash"
                ]
            ),
            ("PATCH", 200, "", vec!["op-case", "value-path-created"]),
            (
                "POST",
                200,
                "",
                vec!["missing-schemas", "unknown-attribute"]
            ),
            ("DELETE", 204, "", vec![]),
        ]
    );
}

#[tokio::test]
async fn settings_decide_what_is_kept() {
    let world = World::new().await;
    let mills = workspace_id(&world, "mills").await;
    let with = |request_log, request_log_bodies| Settings {
        request_log,
        request_log_bodies,
        ..Settings::default()
    };
    set(&world, mills, with(false, LogBodies::Full)).await;
    let habit = json!({"schemas": [USER], "userName": "off", "active": "True"});
    world.post("/scim/Users", &habit).await.expect(201);
    set(&world, mills, with(true, LogBodies::Never)).await;
    let path = "/scim/Users?filter=userName%20eq%20%22personal%22";
    world.get(path).await.expect(200);
    set(&world, mills, with(true, LogBodies::Redacted)).await;
    let body = json!({"schemas": [USER], "userName": "personal", "title": "personal"});
    world.post("/scim/Users", &body).await.expect(201);
    world
        .post("/scim/Users", &body)
        .await
        .refused(409, Some("uniqueness"));
    let found = written(&world, mills, 3).await;
    assert!(!format!("{found:?}").contains("personal"), "{found:?}");
    assert_eq!(
        (found[0].request.as_str(), found[0].response.as_str()),
        ("", "")
    );
    assert_eq!(found[0].query, "filter=userName+eq+%22***%22");
    assert!(found[1].request.contains("\"userName\":\"***\""));
    assert!(found[2].detail.contains("***"), "{}", found[2].detail);
    assert_eq!(
        habits(&world, mills).await["string-boolean"],
        1,
        "counted all the same"
    );
}

#[tokio::test]
async fn other_workspaces_see_nothing() {
    let world = World::new().await;
    let other = world.workspace("Other").await;
    let (mills, foreign) = (
        workspace_id(&world, "mills").await,
        workspace_id(&world, "other").await,
    );
    world.get("/scim/Users?x=1").await.expect(200);
    world
        .with_token(&other)
        .get("/scim/Groups")
        .await
        .expect(200);
    let (mine, theirs) = (
        written(&world, mills, 1).await,
        written(&world, foreign, 1).await,
    );
    assert_eq!(
        (mine[0].path.as_str(), theirs[0].path.as_str()),
        ("/scim/Users", "/scim/Groups")
    );
    assert_eq!(habits(&world, mills).await.len(), 1);
    assert_eq!(habits(&world, foreign).await.len(), 0);
}

#[tokio::test]
async fn large_bodies_are_cut_and_answered_whole() {
    let world = World::new().await;
    let mills = workspace_id(&world, "mills").await;
    let emails: Vec<Value> = (0..900)
        .map(|number| json!({"value": format!("m{number}@mills.example")}))
        .collect();
    let body = json!({"schemas": [USER], "userName": "mira", "emails": emails});
    let created = world.post("/scim/Users", &body).await.expect(201);
    assert_eq!(created["emails"].as_array().unwrap().len(), 900);
    let found = written(&world, mills, 1).await;
    for kept in [&found[0].request, &found[0].response] {
        assert!((10_000..20_000).contains(&kept.len()), "{}", kept.len());
        let shown: Value = serde_json::from_str(kept).unwrap();
        assert_eq!(shown["…"], "…");
    }
}

/// As long as the writer is busy with something else, requests are answered, and each is logged or counted.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_written_blocks_nobody() {
    const REQUESTS: u64 = 1500;
    let world = World::new().await;
    let mills = workspace_id(&world, "mills").await;
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let store = world.app.store.clone();
    let blocked = tokio::spawn(async move {
        // An error means that the test is over.
        let wait = move |_: &mut tenure_store::Tx<'_>| Ok(released.lock().unwrap().recv().is_ok());
        store.write(Actor::system(), wait).await
    });
    for _ in 0..REQUESTS {
        world.get("/scim/ResourceTypes").await.expect(200);
    }
    assert_eq!(
        entries(&world, mills).await,
        [],
        "nothing could be written so far"
    );
    release.send(()).unwrap();
    assert!(blocked.await.unwrap().unwrap());
    written(&world, mills, REQUESTS).await;
}

#[tokio::test]
async fn strict_clients_are_refused() {
    let world = World::new().await;
    let mills = workspace_id(&world, "mills").await;
    let id = world.user("mira").await;
    let path = format!("/scim/Users/{id}");
    let patch = |path: &str, value: Value| json!([{"op": "replace", "path": path, "value": value}]);
    let unknown = json!({"schemas": [USER], "userName": "x", "shoeSize": 38});
    let created = patch("addresses[type eq \"work\"].locality", json!("Ulm"));
    for strict in [false, true] {
        let mut options = Options::default();
        (options.rules.strict_attributes, options.rules.strict_paths) = (strict, strict);
        let write = move |tx: &mut tenure_store::Tx<'_>| {
            let token = token::list(tx, mills)?.remove(0);
            token::set_options(tx, mills, &token.id, &options)
        };
        world.app.store.write(Actor::system(), write).await.unwrap();
        let answers = [
            world.post("/scim/Users", &unknown).await,
            world.json("PUT", &path, &unknown).await,
            world
                .patch(&path, &patch("name", json!({"givenName": "M", "shoe": 1})))
                .await,
            world
                .patch(&path, &json!([{"op": "add", "value": {"shoe": 1}}]))
                .await,
            world.patch(&path, &created).await,
        ];
        if !strict {
            // The userName is taken by the first one.
            let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
            assert_eq!(statuses, [201, 409, 200, 200, 200]);
            world
                .patch(&path, &json!([{"op": "remove", "path": "addresses"}]))
                .await
                .expect(200);
            continue;
        }
        for (answer, name) in answers
            .iter()
            .zip(["shoeSize", "shoeSize", "name.shoe", "shoe"])
        {
            let body = answer.refused(400, Some("invalidSyntax"));
            assert!(
                body["detail"]
                    .as_str()
                    .unwrap()
                    .contains(&format!("`{name}`")),
                "{body}"
            );
        }
        answers[4].refused(400, Some("noTarget"));
        let bulk = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "b", "data": unknown},
            {"method": "PATCH", "path": format!("/Users/{id}"), "data": {"schemas": [PATCH_OP], "Operations": created}},
        ]});
        let results = world.post("/scim/Bulk", &bulk).await.expect(200);
        assert_eq!(results["Operations"][0]["status"], "400", "{results}");
        assert_eq!(
            results["Operations"][1]["response"]["scimType"], "noTarget",
            "{results}"
        );
    }
}
