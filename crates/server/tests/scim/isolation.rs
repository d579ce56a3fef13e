//! Two workspaces: what belongs to the other one looks as if it did not exist.

use serde_json::{Value, json};

use crate::harness::World;

const UNKNOWN: &str = "00000000-0000-7000-8000-000000000000";

#[tokio::test]
async fn foreign_ids_look_like_unknown_ones() {
    let world = World::new().await;
    let stranger = world.with_token(&world.workspace("Rivals").await);
    let user = stranger.user("secret").await;
    let group = stranger.group("Secret", &[&user]).await;
    let operations = json!([{"op": "replace", "path": "displayName", "value": "taken"}]);
    let patch = json!({"Operations": operations});
    let put = json!({"userName": "taken", "displayName": "taken"});
    for (kind, foreign) in [("Users", &user), ("Groups", &group)] {
        for (method, body) in [
            ("GET", &Value::Null),
            ("PUT", &put),
            ("PATCH", &patch),
            ("DELETE", &Value::Null),
        ] {
            for if_match in ["*", "W/\"1\"", "W/\"9\""] {
                let text = if body.is_null() {
                    String::new()
                } else {
                    body.to_string()
                };
                let headers = [("content-type", "application/json"), ("if-match", if_match)];
                let path = |id: &str| format!("/scim/{kind}/{id}");
                let theirs = world.with(method, &path(foreign), &headers, &text).await;
                let nobodys = world.with(method, &path(UNKNOWN), &headers, &text).await;
                assert_eq!(
                    theirs.refused(404, None),
                    nobodys.refused(404, None),
                    "{method} {kind}"
                );
            }
        }
    }
    stranger
        .get(&format!("/scim/Users/{user}"))
        .await
        .expect(200);
    assert_eq!(
        stranger
            .get(&format!("/scim/Groups/{group}"))
            .await
            .expect(200)["displayName"],
        "Secret"
    );
}

#[tokio::test]
async fn lists_and_names_are_apart() {
    let world = World::new().await;
    let stranger = world.with_token(&world.workspace("Rivals").await);
    let user = stranger.user("mira").await;
    stranger.group("Leads", &[&user]).await;
    for path in [
        "/scim/Users".to_owned(),
        "/scim/Groups".to_owned(),
        "/scim/Users?filter=userName+eq+%22mira%22".to_owned(),
        "/scim/Users?filter=not+(userName+eq+%22x%22)".to_owned(),
        format!("/scim/Users?filter=id+eq+%22{user}%22"),
        format!("/scim/Groups?filter=members+eq+%22{user}%22"),
    ] {
        let list = world.get(&path).await.expect(200);
        assert_eq!(
            (&list["totalResults"], &list["Resources"]),
            (&json!(0), &json!([])),
            "{path}"
        );
    }
    world.user("mira").await;
}

#[tokio::test]
async fn foreign_members_are_unknown() {
    let world = World::new().await;
    let stranger = world.with_token(&world.workspace("Rivals").await);
    let foreign = stranger.user("secret").await;
    let group = world.group("Leads", &[]).await;
    let refusal = async |id: &str| {
        let body = json!({"displayName": "x", "members": [{"value": id}]});
        let created = world
            .post("/scim/Groups", &body)
            .await
            .refused(400, Some("invalidValue"));
        let add = json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
        let added = world
            .patch(&format!("/scim/Groups/{group}"), &add)
            .await
            .refused(400, Some("invalidValue"));
        (
            created.to_string().replace(id, "ID"),
            added.to_string().replace(id, "ID"),
        )
    };
    assert_eq!(refusal(&foreign).await, refusal(UNKNOWN).await);
    assert_eq!(
        world
            .get(&format!("/scim/Groups/{group}"))
            .await
            .expect(200)["members"],
        Value::Null
    );
}
