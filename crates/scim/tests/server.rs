//! The example server answers as a SCIM server does.
#![expect(clippy::unwrap_used, reason = "a test that fails here has failed")]

#[path = "../examples/server.rs"]
#[expect(dead_code, reason = "the test needs no main")]
mod server;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

async fn ask(server: &Router, line: &str, if_match: Option<&str>, body: Value) -> Answer {
    let (method, path) = line.split_once(' ').unwrap();
    let mut request = Request::builder()
        .method(method)
        .uri(format!("/scim/v2/{path}"));
    if let Some(tag) = if_match {
        request = request.header("if-match", tag);
    }
    let text = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let request = request.body(Body::from(text)).unwrap();
    let response = server.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, 1 << 20).await.unwrap();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
    }
}

async fn created(server: &Router, endpoint: &str, body: Value) -> String {
    let answer = ask(server, &format!("POST {endpoint}"), None, body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(
        answer.headers["location"],
        *answer.body["meta"]["location"].as_str().unwrap()
    );
    answer.body["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_user_lives_and_goes() {
    let server = server::router();
    let id = created(&server, "Users", json!({"userName": "mira"})).await;
    let one = |method: &str| format!("{method} Users/{id}");
    let read = ask(&server, &one("GET"), None, Value::Null).await;
    assert_eq!((read.status, &read.body["userName"]), (200, &json!("mira")));
    assert_eq!(read.headers["etag"], "W/\"1\"");
    assert_eq!(read.headers["content-type"], "application/scim+json");

    let change = json!({"Operations": [{"op": "add", "path": "title", "value": "Weaver"}]});
    let patched = ask(&server, &one("PATCH"), Some("W/\"1\""), change.clone()).await;
    assert_eq!(
        (patched.status, &patched.body["title"]),
        (200, &json!("Weaver"))
    );
    assert_eq!(patched.headers["etag"], "W/\"2\"");
    let late = ask(&server, &one("PATCH"), Some("W/\"1\""), change).await;
    assert_eq!((late.status, &late.body["status"]), (412, &json!("412")));

    let body = json!({"userName": "mira.okafor"});
    let replaced = ask(&server, &one("PUT"), None, body).await;
    assert_eq!(replaced.status, 200);
    assert_eq!(replaced.body["userName"], "mira.okafor");
    assert_eq!(replaced.body.get("title"), None);

    let late = ask(&server, &one("DELETE"), Some("W/\"1\""), Value::Null).await;
    assert_eq!(late.status, 412);
    let deleted = ask(&server, &one("DELETE"), None, Value::Null).await;
    assert_eq!(deleted.status, 204);
    let gone = ask(&server, &one("GET"), None, Value::Null).await;
    assert_eq!(gone.status, 404);
}

#[tokio::test]
async fn lists_are_filtered_sorted_paged_and_cut() {
    let server = server::router();
    for name in ["mira", "Ada", "milo"] {
        created(&server, "Users", json!({"userName": name})).await;
    }
    created(&server, "Groups", json!({"displayName": "Weavers"})).await;
    let line = "GET Users?filter=userName+sw+%22M%22&sortBy=userName&count=1&attributes=userName";
    let answer = ask(&server, line, None, Value::Null).await;
    assert_eq!(answer.body["totalResults"], 2);
    assert_eq!(answer.body["Resources"][0]["userName"], "milo");
    assert_eq!(answer.body["Resources"][0].get("meta"), None);
    let all = ask(&server, "GET Users", None, Value::Null).await;
    assert_eq!(all.body["totalResults"], 3);
}

#[tokio::test]
async fn groups_have_members() {
    let server = server::router();
    let body = json!({"displayName": "Weavers", "members": [{"value": "7b1c"}]});
    let id = created(&server, "Groups", body).await;
    let change =
        json!({"Operations": [{"op": "add", "path": "members", "value": [{"value": "41cc"}]}]});
    let answer = ask(&server, &format!("PATCH Groups/{id}"), None, change).await;
    assert_eq!(
        answer.body["members"],
        json!([{"value": "7b1c"}, {"value": "41cc"}])
    );
    let line = "GET Groups?filter=members+eq+%2241cc%22";
    let found = ask(&server, line, None, Value::Null).await;
    assert_eq!(found.body["Resources"][0]["id"], *id);
}

#[tokio::test]
async fn refusals_say_why() {
    let server = server::router();
    created(&server, "Users", json!({"userName": "mira"})).await;
    for (line, body, status, keyword) in [
        ("POST Users", json!({"userName": "MIRA"}), 409, "uniqueness"),
        ("POST Users", json!({"userName": 5}), 400, "invalidValue"),
        ("POST Users", json!([]), 400, "invalidSyntax"),
        ("GET Users?filter=a", Value::Null, 400, "invalidFilter"),
        (
            "GET Users?sortBy=password",
            Value::Null,
            400,
            "invalidValue",
        ),
        ("GET Users/none", Value::Null, 404, ""),
        ("GET Shoes", Value::Null, 404, ""),
        ("GET Schemas/none", Value::Null, 404, ""),
    ] {
        let answer = ask(&server, line, None, body).await;
        assert_eq!(answer.status, status, "{line}");
        let found = answer.body["scimType"].as_str().unwrap_or_default();
        assert_eq!(found, keyword, "{line}");
        assert_eq!(answer.body["status"], status.to_string());
    }
}

#[tokio::test]
async fn discovery_answers() {
    let server = server::router();
    let user = "urn:ietf:params:scim:schemas:core:2.0:User";
    for (path, pointer, expected) in [
        (
            "ServiceProviderConfig".to_owned(),
            "/patch/supported",
            json!(true),
        ),
        ("ResourceTypes".to_owned(), "/totalResults", json!(2)),
        (
            "ResourceTypes/Group".to_owned(),
            "/endpoint",
            json!("/Groups"),
        ),
        ("Schemas".to_owned(), "/Resources/0/id", json!(user)),
        (format!("Schemas/{user}"), "/name", json!("User")),
    ] {
        let answer = ask(&server, &format!("GET {path}"), None, Value::Null).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.body.pointer(pointer), Some(&expected), "{path}");
    }
}
