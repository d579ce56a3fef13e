//! Creating, reading, replacing, changing and deleting (RFC 7644 sections 3.3 to 3.6), with versions (3.14).

use serde_json::json;

use crate::harness::{BASE, GROUP, USER, World};

#[tokio::test]
async fn user_from_birth_to_death() {
    let world = World::new().await;
    let body = json!({
        "schemas": [USER], "id": "mine", "userName": "Mira", "active": "True", "password": "secret-of-mira",
        "name": {"givenName": "Mira"}, "groups": [], "shoeSize": 38,
    });
    let created = world.post("/scim/v2/Users", &body).await;
    let user = created.expect(201);
    let id = user["id"].as_str().unwrap();
    let location = format!("{BASE}/Users/{id}");
    assert_ne!(id, "mine");
    assert_eq!(created.header("location"), location);
    assert_eq!(created.header("etag"), "W/\"1\"");
    assert!(
        created.text.starts_with("{\"schemas\":"),
        "{}",
        created.text
    );
    assert!(!created.text.contains("secret-of-mira") && !created.text.contains("shoeSize"));
    assert_eq!(user["active"], true);
    assert_eq!(user["meta"]["resourceType"], "User");
    assert_eq!(user["meta"]["location"], location);
    assert_eq!(user["meta"]["version"], "W/\"1\"");
    assert_eq!(user["meta"]["created"], user["meta"]["lastModified"]);

    let path = format!("/scim/Users/{id}");
    let read = world.get(&path).await;
    assert_eq!(read.expect(200), user);
    assert_eq!(read.header("content-location"), location);
    assert_eq!(read.header("location"), "");

    let replaced = world
        .json(
            "PUT",
            &path,
            &json!({"schemas": [USER], "userName": "Mira", "displayName": "M"}),
        )
        .await;
    let user = replaced.expect(200);
    assert_eq!(
        (&user["displayName"], &user["name"]),
        (&json!("M"), &json!(null))
    );
    assert_eq!(replaced.header("etag"), "W/\"2\"");

    let patched = world
        .patch(
            &path,
            &json!([{"op": "add", "path": "title", "value": "Lead"}]),
        )
        .await;
    assert_eq!(patched.expect(200)["title"], "Lead");
    assert_eq!(patched.header("etag"), "W/\"3\"");
    let again = world
        .patch(
            &path,
            &json!([{"op": "add", "path": "title", "value": "Lead"}]),
        )
        .await;
    assert_eq!(again.expect(200)["meta"], patched.expect(200)["meta"]);

    let deleted = world.delete(&path).await;
    assert_eq!(
        (deleted.expect(204), deleted.text.as_str()),
        (json!(null), "")
    );
    for method in ["GET", "DELETE"] {
        world.with(method, &path, &[], "").await.refused(404, None);
    }
    world
        .json("PUT", &path, &json!({"userName": "x"}))
        .await
        .refused(404, None);
    world
        .patch(&path, &json!([{"op": "remove", "path": "title"}]))
        .await
        .refused(404, None);
    assert_ne!(world.user("mira").await, id);
}

#[tokio::test]
async fn group_shows_members_and_user_shows_groups() {
    let world = World::new().await;
    let user = world.user("mira").await;
    let inner = world.group("Inner", &[&user]).await;
    let outer = world.group("Outer", &[&inner]).await;
    let group = world
        .get(&format!("/scim/Groups/{outer}"))
        .await
        .expect(200);
    assert_eq!(
        group["members"],
        json!([{"value": inner, "$ref": format!("{BASE}/Groups/{inner}"), "type": "Group"}])
    );
    let named = world
        .get(&format!("/scim/Groups/{outer}?attributes=members.display"))
        .await
        .expect(200);
    assert_eq!(named["members"], json!([{"display": "Inner"}]));
    let group = world
        .get(&format!("/scim/Groups/{inner}"))
        .await
        .expect(200);
    assert_eq!(group["members"][0]["$ref"], format!("{BASE}/Users/{user}"));
    assert_eq!(group["members"][0]["type"], "User");
    let shown = world.get(&format!("/scim/Users/{user}")).await.expect(200);
    assert_eq!(
        shown["groups"],
        json!([
            {"value": inner, "$ref": format!("{BASE}/Groups/{inner}"), "type": "direct", "display": "Inner"},
            {"value": outer, "$ref": format!("{BASE}/Groups/{outer}"), "type": "indirect", "display": "Outer"},
        ])
    );
}

#[tokio::test]
async fn projections() {
    let world = World::new().await;
    let user = world.user("mira").await;
    let group = world.group("Leads", &[&user]).await;
    let path = format!("/scim/Groups/{group}");
    let without = world
        .get(&format!("{path}?excludedAttributes=members"))
        .await
        .expect(200);
    assert_eq!(
        (&without["members"], &without["displayName"]),
        (&json!(null), &json!("Leads"))
    );
    let only = world
        .get(&format!("{path}?attributes=members.value"))
        .await
        .expect(200);
    assert_eq!(
        only,
        json!({"schemas": [GROUP], "id": group, "members": [{"value": user}]})
    );
    let only = world
        .get(&format!("/scim/Users/{user}?attributes=userName,password"))
        .await
        .expect(200);
    assert_eq!(
        only,
        json!({"schemas": [USER], "id": user, "userName": "mira"})
    );
    let both = world
        .get(&format!("{path}?attributes=id&excludedAttributes=members"))
        .await;
    both.refused(400, Some("invalidValue"));
    let created = world
        .post(
            "/scim/Users?attributes=userName",
            &json!({"userName": "nils", "title": "x"}),
        )
        .await;
    assert_eq!(created.expect(201).as_object().unwrap().len(), 3);
    assert!(created.header("location").starts_with(BASE));
}

#[tokio::test]
async fn large_group_is_not_sent_back_after_a_patch() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for number in 0..1001 {
        ids.push(world.user(&format!("user{number}")).await);
    }
    let (last, first) = ids.split_last().unwrap();
    let first: Vec<&str> = first.iter().map(String::as_str).collect();
    let path = format!("/scim/Groups/{}", world.group("All", &first).await);
    let all = world.get(&path).await.expect(200);
    assert_eq!(all["members"].as_array().unwrap().len(), 1000);
    let rename = json!([{"op": "replace", "path": "displayName", "value": "Everybody"}]);
    assert_eq!(
        world.patch(&path, &rename).await.expect(200)["members"]
            .as_array()
            .unwrap()
            .len(),
        1000
    );
    let answer = world
        .patch(
            &path,
            &json!([{"op": "add", "path": "members", "value": [{"value": last}]}]),
        )
        .await;
    assert_eq!(
        (answer.status, answer.text.as_str(), answer.header("etag")),
        (204, "", "W/\"3\"")
    );
    let named = world
        .patch(&format!("{path}?attributes=displayName"), &rename)
        .await
        .expect(200);
    assert_eq!(named["displayName"], "Everybody");
    let without = world
        .patch(&format!("{path}?excludedAttributes=members"), &rename)
        .await
        .expect(200);
    assert_eq!(without["members"], json!(null));
    let all = world.get(&path).await.expect(200);
    assert_eq!(all["members"].as_array().unwrap().len(), 1001);
}

#[tokio::test]
async fn versions_guard_changes() {
    let world = World::new().await;
    let path = format!("/scim/Users/{}", world.user("mira").await);
    let json_type = ("content-type", "application/json");
    for (tag, status) in [
        ("W/\"1\"", 304),
        ("\"1\"", 304),
        ("*", 304),
        ("\"7\", W/\"1\"", 304),
        ("W/\"2\"", 200),
    ] {
        let answer = world
            .with("GET", &path, &[("if-none-match", tag)], "")
            .await;
        assert_eq!(
            (answer.status, answer.text.is_empty()),
            (status, status == 304),
            "{tag}"
        );
        assert_eq!(answer.header("etag"), "W/\"1\"");
    }
    let put = json!({"userName": "mira", "title": "a"}).to_string();
    let patch = json!({"Operations": [{"op": "add", "path": "title", "value": "b"}]}).to_string();
    for (method, body) in [
        ("PUT", put.as_str()),
        ("PATCH", patch.as_str()),
        ("DELETE", ""),
    ] {
        let stale = world
            .with(method, &path, &[json_type, ("if-match", "W/\"9\"")], body)
            .await;
        stale.refused(412, None);
    }
    assert_eq!(world.get(&path).await.header("etag"), "W/\"1\"");
    let fresh = world
        .with("PUT", &path, &[json_type, ("if-match", "W/\"1\"")], &put)
        .await;
    assert_eq!(fresh.expect(200)["title"], "a");
    let fresh = world
        .with("PATCH", &path, &[json_type, ("if-match", "*")], &patch)
        .await;
    assert_eq!(fresh.expect(200)["title"], "b");
    world
        .with("DELETE", &path, &[("if-match", "W/\"3\"")], "")
        .await
        .expect(204);
}

#[tokio::test]
async fn minimal_answer_on_request() {
    let world = World::new().await;
    let path = format!("/scim/Users/{}", world.user("mira").await);
    let body = json!({"Operations": [{"op": "add", "path": "title", "value": "b"}]}).to_string();
    let answer = world
        .with("PATCH", &path, &[("prefer", "return=minimal")], &body)
        .await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
}
