//! A server with a workspace and a token, and short words for requests and expectations.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request},
};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tenure_egress::{Egress, Policy};
use tenure_engine::Engine;
use tenure_server::{App, Config};
use tenure_store::{Actor, Store, token, workspace};
use tower::ServiceExt as _;

pub(crate) const BASE: &str = "https://id.mills.example/scim";
pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(crate) const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// A server and the token of one workspace.
pub(crate) struct World {
    pub(crate) app: App,
    router: Router,
    pub(crate) token: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl World {
    pub(crate) async fn new() -> Self {
        let store = Store::open_in_memory().unwrap();
        let engine = Engine::new(store.clone(), Egress::new(Policy::AllowPrivate));
        let config = Config {
            public_url: "https://id.mills.example".to_owned(),
            ..Config::default()
        };
        let app = App {
            store,
            engine,
            config: Arc::new(config),
        };
        let router = tenure_server::router(app.clone());
        let mut world = Self {
            app,
            router,
            token: String::new(),
        };
        world.token = world.workspace("Mills").await;
        world
    }

    /// A further workspace; gives back its token.
    pub(crate) async fn workspace(&self, name: &'static str) -> String {
        let create = move |tx: &mut tenure_store::Tx<'_>| {
            let workspace = workspace::create(tx, name)?;
            token::create(tx, workspace.id, "identity provider", None)
        };
        self.app
            .store
            .write(Actor::system(), create)
            .await
            .unwrap()
            .1
    }

    /// The same server seen by the holder of another token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self {
            app: self.app.clone(),
            router: self.router.clone(),
            token: token.to_owned(),
        }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text,
        }
    }

    /// A request with the token and any headers.
    pub(crate) async fn with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.token));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap())
            .await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.with("GET", path, &[], "").await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.with("DELETE", path, &[], "").await
    }

    pub(crate) async fn json(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.with(
            method,
            path,
            &[("content-type", "application/scim+json")],
            &body.to_string(),
        )
        .await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.json("POST", path, body).await
    }

    pub(crate) async fn patch(&self, path: &str, operations: &Value) -> Answer {
        self.json(
            "PATCH",
            path,
            &json!({"schemas": [PATCH_OP], "Operations": operations}),
        )
        .await
    }

    /// Creates a user and gives back its id.
    pub(crate) async fn user(&self, name: &str) -> String {
        let answer = self
            .post("/scim/Users", &json!({"schemas": [USER], "userName": name}))
            .await;
        answer.expect(201)["id"].as_str().unwrap().to_owned()
    }

    /// Creates a group and gives back its id.
    pub(crate) async fn group(&self, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
        let body = json!({"schemas": [GROUP], "displayName": name, "members": members});
        self.post("/scim/Groups", &body).await.expect(201)["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

impl Answer {
    /// The body, after a look at the status.
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() {
            return Value::Null;
        }
        assert_eq!(self.header("content-type"), "application/scim+json");
        serde_json::from_str(&self.text).unwrap()
    }

    /// The body of an error, after a look at its shape.
    pub(crate) fn refused(&self, status: u16, scim_type: Option<&str>) -> Value {
        let body = self.expect(status);
        assert_eq!(body["schemas"], json!([ERROR]));
        assert_eq!(body["status"], status.to_string());
        assert_eq!(
            body.get("scimType").and_then(Value::as_str),
            scim_type,
            "{body}"
        );
        assert!(
            body["detail"]
                .as_str()
                .is_some_and(|detail| !detail.is_empty()),
            "{body}"
        );
        body
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}
