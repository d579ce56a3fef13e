//! The API as its callers see it: the real router over a store in memory.

use std::sync::Arc;

use axum::{Router, body::Body, http::Request};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tenure_egress::{Egress, Policy};
use tenure_engine::Engine;
use tenure_store::{
    Actor, Store,
    token::{self, Scope},
    workspace,
};
use tower::ServiceExt as _;

use crate::{App, Config};

mod logs;
mod why;

/// A workspace with both kinds of tokens.
struct World {
    store: Store,
    name: &'static str,
    router: Router,
    api: String,
    scim: String,
}

async fn workspace(store: &Store, name: &'static str) -> (String, String) {
    store
        .write(Actor::system(), move |tx| {
            let id = workspace::create(tx, name)?.id;
            let (_, api) = token::create_for(tx, id, Scope::Api, "automation", None)?;
            let (_, scim) = token::create(tx, id, "identity provider", None)?;
            Ok((api, scim))
        })
        .await
        .unwrap()
}

impl World {
    /// Two workspaces on one server.
    async fn pair() -> (Self, Self) {
        let store = Store::open_in_memory().unwrap();
        let engine = Engine::new(store.clone(), Egress::new(Policy::AllowPrivate));
        let config = Config {
            public_url: "https://id.mills.example".into(),
            ..Config::default()
        };
        let router = crate::router(App {
            store: store.clone(),
            engine,
            config: Arc::new(config),
        });
        let world = |name, (api, scim)| Self {
            store: store.clone(),
            name,
            router: router.clone(),
            api,
            scim,
        };
        let first = workspace(&store, "Mills").await;
        let second = workspace(&store, "Bakery").await;
        (world("Mills", first), world("Bakery", second))
    }

    async fn new() -> Self {
        Self::pair().await.0
    }

    async fn send(&self, request: Request<Body>) -> (u16, Value) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (
            status,
            serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        )
    }

    /// What a path of the API gives as a file: media type and text.
    async fn file(&self, path: &str) -> (String, String) {
        let request = Request::builder()
            .uri(format!("/api/v1{path}"))
            .header("authorization", format!("Bearer {}", self.api))
            .body(Body::empty())
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status().as_u16(), 200, "{path}");
        let kind = response.headers()["content-type"].to_str().unwrap();
        let kind = kind.to_owned();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (kind, String::from_utf8(bytes.to_vec()).unwrap())
    }

    async fn call(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
            .unwrap();
        self.send(request).await
    }

    async fn api(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        self.call(method, &format!("/api/v1{path}"), &self.api, body)
            .await
    }

    async fn scim(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        self.call(method, &format!("/scim/v2{path}"), &self.scim, body)
            .await
    }
}

#[tokio::test]
async fn only_an_api_token_opens_the_api() {
    let world = World::new().await;
    assert_eq!(world.api("GET", "/settings", None).await.0, 200);
    for token in ["", "x", &world.scim, &format!("{}x", world.api)] {
        let (status, problem) = world.call("GET", "/api/v1/settings", token, None).await;
        assert_eq!((status, &problem["status"]), (401, &json!(401)), "{token}");
    }
    // Nor does an API token open SCIM.
    let (status, _) = world.call("GET", "/scim/v2/Users", &world.api, None).await;
    assert_eq!(status, 401);
    assert_eq!(world.api("GET", "/nothing", None).await.0, 404);
    assert_eq!(world.api("DELETE", "/settings", None).await.0, 405);
}

#[tokio::test]
async fn settings_are_replaced_as_a_whole_and_checked() {
    let world = World::new().await;
    let (_, before) = world.api("GET", "/settings", None).await;
    assert_eq!(before["keepDeletedDays"], 30);
    let (status, after) = world
        .api("PUT", "/settings", Some(json!({"keepDeletedDays": 90})))
        .await;
    assert_eq!((status, &after["keepDeletedDays"]), (200, &json!(90)));
    for wrong in [
        json!({"keepDeletedDays": 4000}),
        json!({"keepDeletedDays": "90"}),
        json!({"keepDeleted": 1}),
        json!([]),
    ] {
        let (status, problem) = world.api("PUT", "/settings", Some(wrong.clone())).await;
        assert_eq!(status, 422, "{wrong}");
        assert!(problem["detail"].as_str().unwrap().len() > 10);
    }
    assert_eq!(world.api("GET", "/settings", None).await.1, after);
}

fn room() -> Value {
    json!({
        "schemas": [
            {"id": "urn:mills:params:Room", "attributes": [{"name": "name", "required": true}, {"name": "floor", "type": "integer"}]},
            {"id": "urn:mills:params:Shift", "attributes": [{"name": "shift"}]},
        ],
        "resourceTypes": [
            {"name": "Room", "endpoint": "/Rooms", "schema": "urn:mills:params:Room"},
            {"name": "User", "schemaExtensions": [{"schema": "urn:mills:params:Shift"}]},
        ],
    })
}

#[tokio::test]
async fn a_schema_set_here_rules_the_scim_api_of_this_workspace_alone() {
    let (world, other) = World::pair().await;
    assert_eq!(world.scim("GET", "/Rooms", None).await.0, 404);
    let (status, set) = world.api("PUT", "/schema", Some(room())).await;
    assert_eq!(status, 200, "{set}");
    assert_eq!(world.api("GET", "/schema", None).await.1, set);

    let (status, created) = world
        .scim("POST", "/Rooms", Some(json!({"NAME": "Attic", "floor": 3})))
        .await;
    assert_eq!(status, 201, "{created}");
    assert_eq!(created["meta"]["resourceType"], "Room");
    let location = format!(
        "https://id.mills.example/scim/Rooms/{}",
        created["id"].as_str().unwrap()
    );
    assert_eq!(created["meta"]["location"], location);
    assert_eq!(
        world
            .scim("POST", "/Rooms", Some(json!({"floor": 3})))
            .await
            .0,
        400
    );
    let (_, found) = world
        .scim("GET", "/Rooms?filter=floor%20gt%202&sortBy=name", None)
        .await;
    assert_eq!(found["totalResults"], 1);
    let id = created["id"].as_str().unwrap();
    let operations = json!({"Operations": [{"op": "replace", "path": "floor", "value": 4}]});
    let (status, patched) = world
        .scim("PATCH", &format!("/Rooms/{id}"), Some(operations))
        .await;
    assert_eq!((status, &patched["floor"]), (200, &json!(4)));
    let shift = json!({"userName": "ada", "urn:mills:params:Shift": {"shift": "early"}});
    let (_, ada) = world.scim("POST", "/Users", Some(shift)).await;
    assert_eq!(ada["urn:mills:params:Shift"]["shift"], "early");
    let (_, types) = world.scim("GET", "/ResourceTypes", None).await;
    assert_eq!(types["totalResults"], 3);
    let (status, schema) = world
        .scim("GET", "/Schemas/urn:mills:params:Shift", None)
        .await;
    assert_eq!((status, &schema["name"]), (200, &json!("Shift")));

    assert_eq!(other.scim("GET", "/Rooms", None).await.0, 404);
    assert_eq!(
        other.scim("GET", &format!("/Rooms/{id}"), None).await.0,
        404
    );
    let (_, types) = other.scim("GET", "/ResourceTypes", None).await;
    assert_eq!(types["totalResults"], 2);
    // A room with that id is no user.
    assert_eq!(
        world.scim("GET", &format!("/Users/{id}"), None).await.0,
        404
    );
}

#[tokio::test]
async fn schema_mistakes_and_lost_races_change_nothing() {
    let world = World::new().await;
    let mut wrong = room();
    wrong["schemas"][0]["attributes"][1]["type"] = json!("number");
    let (status, problem) = world.api("PUT", "/schema", Some(wrong)).await;
    assert_eq!(status, 400);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("schemas[0].attributes[1].type"), "{detail}");
    world.api("PUT", "/schema", Some(room())).await;
    let request = Request::builder()
        .method("PUT")
        .uri("/api/v1/schema")
        .header("authorization", format!("Bearer {}", world.api))
        .header("if-match", "\"0\"")
        .body(Body::from("{}"))
        .unwrap();
    assert_eq!(world.send(request).await.0, 412);
    world
        .scim("POST", "/Rooms", Some(json!({"name": "Attic"})))
        .await;
    let (status, problem) = world.api("PUT", "/schema", Some(json!({}))).await;
    assert_eq!(status, 409, "{problem}");
    assert_eq!(world.scim("GET", "/Rooms", None).await.1["totalResults"], 1);
}

#[tokio::test]
async fn what_a_client_deleted_is_listed_and_brought_back() {
    let (world, other) = World::pair().await;
    let mut ids = Vec::new();
    for name in ["ada", "bo", "cy"] {
        let (_, user) = world
            .scim("POST", "/Users", Some(json!({"userName": name})))
            .await;
        let id = user["id"].as_str().unwrap().to_owned();
        world.scim("DELETE", &format!("/Users/{id}"), None).await;
        ids.push(id);
    }
    let (_, first) = world.api("GET", "/deleted/Users?limit=2", None).await;
    assert_eq!(first["items"][0]["name"], "cy");
    let next = first["next"].as_str().unwrap();
    let (_, second) = world
        .api("GET", &format!("/deleted/Users?limit=2&after={next}"), None)
        .await;
    assert_eq!(
        (&second["items"][0]["name"], &second["next"]),
        (&json!("ada"), &Value::Null)
    );
    let restore = format!("/deleted/Users/{}/restore", ids[0]);
    assert_eq!(other.api("POST", &restore, None).await.0, 404);
    let (status, restored) = world.api("POST", &restore, None).await;
    assert_eq!((status, &restored["name"]), (200, &json!("ada")));
    assert_eq!(
        world
            .scim("GET", &format!("/Users/{}", ids[0]), None)
            .await
            .0,
        200
    );
    assert_eq!(world.api("POST", &restore, None).await.0, 404);
    for path in [
        "/deleted/Nobody",
        "/deleted/Users?after=x",
        "/deleted/Users?limit=x",
    ] {
        let (status, problem) = world.api("GET", path, None).await;
        assert!((400..500).contains(&status), "{path}: {status}");
        assert_eq!(problem["status"], status, "{path}");
    }
}

#[tokio::test]
async fn options_of_a_token_change_how_its_client_is_treated() {
    let world = World::new().await;
    let (_, tokens) = world.api("GET", "/tokens", None).await;
    let scim = tokens["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|token| token["scope"] == "scim")
        .unwrap();
    assert!(!tokens.to_string().contains(&world.scim));
    let path = format!("/tokens/{}/options", scim["id"].as_str().unwrap());
    let group = json!({"displayName": "Mill", "members": [{"value": "hr-1"}]});
    assert_eq!(
        world.scim("POST", "/Groups", Some(group.clone())).await.0,
        400
    );
    let options =
        json!({"rules": {"unknownMembers": "park"}, "patchAnswer": "empty", "repeatDeletes": true});
    let (status, answer) = world.api("PUT", &path, Some(options)).await;
    assert_eq!(
        (status, &answer["rules"]["unknownMembers"]),
        (200, &json!("park"))
    );
    let (status, mill) = world.scim("POST", "/Groups", Some(group)).await;
    assert_eq!(status, 201);
    let mill = format!("/Groups/{}", mill["id"].as_str().unwrap());
    world
        .scim(
            "POST",
            "/Users",
            Some(json!({"userName": "ada", "externalId": "hr-1"})),
        )
        .await;
    let (_, read) = world.scim("GET", &mill, None).await;
    assert_eq!(read["members"].as_array().unwrap().len(), 1);
    let operations =
        json!({"Operations": [{"op": "replace", "path": "displayName", "value": "Mill 2"}]});
    assert_eq!(world.scim("PATCH", &mill, Some(operations)).await.0, 204);
    assert_eq!(world.scim("DELETE", &mill, None).await.0, 204);
    assert_eq!(world.scim("DELETE", &mill, None).await.0, 204);
    assert_eq!(world.scim("GET", &mill, None).await.0, 404);
    for wrong in [
        json!({"rules": {"unknownMembers": "maybe"}}),
        json!({"rule": {}}),
    ] {
        assert_eq!(world.api("PUT", &path, Some(wrong)).await.0, 422);
    }
    let foreign = world
        .api("PUT", "/tokens/tok_none/options", Some(json!({})))
        .await;
    assert_eq!(foreign.0, 404);
}

/// What a path lists once there is something: requests are written down in the background.
async fn listed(world: &World, path: &str) -> Vec<Value> {
    for _ in 0..1000 {
        let (status, list) = world.api("GET", path, None).await;
        assert_eq!(status, 200, "{list}");
        let items = list["items"].as_array().unwrap();
        if !items.is_empty() {
            return items.clone();
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{path} stays empty");
}

#[tokio::test]
async fn requests_and_habits_of_clients_can_be_asked_for() {
    let (world, other) = World::pair().await;
    let body = json!({"userName": "ada", "active": "True"});
    assert_eq!(world.scim("POST", "/Users", Some(body)).await.0, 201);
    let requests = listed(&world, "/requests?method=POST&deviations=true&status=2").await;
    assert_eq!(
        (&requests[0]["path"], &requests[0]["status"]),
        (&json!("/scim/v2/Users"), &json!(201))
    );
    let path = format!("/requests/{}", requests[0]["id"].as_str().unwrap());
    let (_, one) = world.api("GET", &path, None).await;
    assert!(one["request"].as_str().unwrap().contains("ada"));
    assert_eq!(other.api("GET", &path, None).await.0, 404);
    assert_eq!(
        other.api("GET", "/requests", None).await.1["items"],
        json!([])
    );
    let token = requests[0]["tokenId"].as_str().unwrap();
    let habits = listed(&world, &format!("/tokens/{token}/deviations")).await;
    let habit = habits
        .iter()
        .find(|habit| habit["code"] == "string-boolean")
        .unwrap();
    assert_eq!((&habit["week"], &habit["month"]), (&json!(1), &json!(1)));
    assert_eq!(
        other
            .api("GET", &format!("/tokens/{token}/deviations"), None)
            .await
            .0,
        404
    );
    let (_, none) = world.api("GET", "/requests?errors=true", None).await;
    assert_eq!(none["items"], json!([]));
    assert_eq!(
        world.api("GET", "/requests?from=yesterday", None).await.0,
        422
    );
}

#[tokio::test]
async fn me_stands_for_the_user_that_a_token_names() {
    let world = World::new().await;
    assert_eq!(world.scim("GET", "/Me", None).await.0, 501);
    let (_, ada) = world
        .scim("POST", "/Users", Some(json!({"userName": "ada"})))
        .await;
    let id = ada["id"].as_str().unwrap();
    let (_, tokens) = world.api("GET", "/tokens", None).await;
    let scim = tokens["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|token| token["scope"] == "scim")
        .unwrap();
    let path = format!("/tokens/{}/options", scim["id"].as_str().unwrap());
    let (status, problem) = world.api("PUT", &path, Some(json!({"me": "nobody"}))).await;
    assert_eq!(status, 422, "{problem}");
    assert_eq!(
        world.api("PUT", &path, Some(json!({"me": id}))).await.0,
        200
    );
    let request = Request::builder()
        .uri("/scim/v2/Me?attributes=userName")
        .header("authorization", format!("Bearer {}", world.scim))
        .body(Body::empty())
        .unwrap();
    let response = world.router.clone().oneshot(request).await.unwrap();
    let location = response.headers()["location"].to_str().unwrap();
    assert_eq!(
        location,
        format!("https://id.mills.example/scim/Users/{id}")
    );
    let operations = json!({"Operations": [{"op": "add", "path": "title", "value": "Miller"}]});
    let (status, me) = world.scim("PATCH", "/Me", Some(operations)).await;
    assert_eq!(
        (status, &me["id"], &me["title"]),
        (200, &json!(id), &json!("Miller"))
    );
    assert_eq!(world.scim("POST", "/Me", Some(json!({}))).await.0, 405);
    assert_eq!(world.scim("GET", "/Me/x", None).await.0, 404);
    assert_eq!(world.scim("DELETE", "/Me", None).await.0, 204);
    assert_eq!(world.scim("GET", "/Me", None).await.0, 404);
}
