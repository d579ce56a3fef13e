//! Everything that is refused, with status, keyword and order (RFC 7644 section 3.12).

use serde_json::{Value, json};

use crate::harness::World;

const UNKNOWN: &str = "00000000-0000-7000-8000-000000000000";

#[tokio::test]
async fn table_of_errors() {
    let world = World::new().await;
    let user = world.user("mira").await;
    world.user("nils").await;
    let path = format!("/scim/Users/{user}");
    let patch = |operations: Value| json!({"Operations": operations});
    let cases: [(&str, &str, Value, u16, Option<&str>); 21] = [
        (
            "POST",
            "/scim/Users",
            json!({"userName": "MIRA"}),
            409,
            Some("uniqueness"),
        ),
        (
            "POST",
            "/scim/Users",
            json!({"displayName": "x"}),
            400,
            Some("invalidValue"),
        ),
        (
            "POST",
            "/scim/Users",
            json!({"userName": "x", "active": "perhaps"}),
            400,
            Some("invalidValue"),
        ),
        (
            "POST",
            "/scim/Groups",
            json!({"displayName": "x", "members": [{"value": UNKNOWN}]}),
            400,
            Some("invalidValue"),
        ),
        (
            "PUT",
            &path,
            json!({"userName": "Nils"}),
            409,
            Some("uniqueness"),
        ),
        (
            "PUT",
            &path,
            json!({"displayName": "x"}),
            400,
            Some("invalidValue"),
        ),
        (
            "PATCH",
            &path,
            patch(json!([{"op": "replace", "path": "userName", "value": "nils"}])),
            409,
            Some("uniqueness"),
        ),
        (
            "PATCH",
            &path,
            patch(json!([{"op": "replace", "path": "id", "value": "x"}])),
            400,
            Some("mutability"),
        ),
        (
            "PATCH",
            &path,
            patch(json!([{"op": "remove"}])),
            400,
            Some("noTarget"),
        ),
        (
            "PATCH",
            &path,
            patch(json!([{"op": "replace", "path": "shoeSize", "value": 1}])),
            400,
            Some("invalidPath"),
        ),
        (
            "PATCH",
            &path,
            patch(json!([{"op": "move", "path": "title"}])),
            400,
            Some("invalidSyntax"),
        ),
        ("PATCH", &path, patch(json!([])), 400, Some("invalidSyntax")),
        (
            "GET",
            "/scim/Users?filter=userName+eqq+%22x%22",
            Value::Null,
            400,
            Some("invalidFilter"),
        ),
        (
            "GET",
            "/scim/Users?filter=shoeSize+eq+1",
            Value::Null,
            400,
            Some("invalidFilter"),
        ),
        (
            "GET",
            "/scim/Users?filter=password+sw+%22a%22",
            Value::Null,
            400,
            Some("invalidFilter"),
        ),
        (
            "GET",
            "/scim/Users?startIndex=one",
            Value::Null,
            400,
            Some("invalidValue"),
        ),
        (
            "GET",
            "/scim/Users?sortBy=password",
            Value::Null,
            400,
            Some("invalidValue"),
        ),
        (
            "GET",
            "/scim/Users?filter=id+pr&filter=id+pr",
            Value::Null,
            400,
            Some("invalidValue"),
        ),
        ("GET", "/scim/Nothing", Value::Null, 404, None),
        ("GET", "/scim/Users/a/b", Value::Null, 404, None),
        (
            "POST",
            "/scim/Users/.search",
            json!({"schemas": ["urn:x"]}),
            400,
            Some("invalidSyntax"),
        ),
    ];
    for (method, path, body, status, scim_type) in &cases {
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let answer = world
            .with(
                method,
                path,
                &[("content-type", "application/scim+json")],
                &text,
            )
            .await;
        assert_eq!(
            answer.status, *status,
            "{method} {path} {body}: {}",
            answer.text
        );
        answer.refused(*status, *scim_type);
    }
}

#[tokio::test]
async fn malformed_bodies() {
    let world = World::new().await;
    let path = format!("/scim/Users/{}", world.user("mira").await);
    let deep = format!("{{\"userName\":{}1{}}}", "[".repeat(100), "]".repeat(100));
    for body in [
        "",
        "{",
        "[]",
        "null",
        "{\"userName\":\"a\",\"userName\":\"b\"}",
        deep.as_str(),
    ] {
        for (method, path) in [
            ("POST", "/scim/Users"),
            ("PUT", &path),
            ("PATCH", &path),
            ("POST", "/scim/Users/.search"),
        ] {
            let answer = world
                .with(method, path, &[("content-type", "application/json")], body)
                .await;
            answer.refused(400, Some("invalidSyntax"));
        }
    }
}

#[tokio::test]
async fn refusals_come_in_order() {
    let world = World::new().await;
    let path = format!("/scim/Users/{}", world.user("mira").await);
    let unknown = format!("/scim/Users/{UNKNOWN}");
    let xml = ("content-type", "application/xml");
    let json_type = ("content-type", "application/json");
    let stale = ("if-match", "W/\"9\"");
    for method in ["PUT", "PATCH"] {
        world
            .with_token("none")
            .with(method, &unknown, &[xml], "{")
            .await
            .refused(401, None);
        world
            .with(method, &unknown, &[xml, stale], "{")
            .await
            .refused(404, None);
        world
            .with(method, &unknown, &[json_type], "{")
            .await
            .refused(404, None);
        world
            .with(method, &path, &[xml, stale], "{")
            .await
            .refused(412, None);
        world
            .with(method, &path, &[json_type, stale], "{")
            .await
            .refused(412, None);
        world
            .with(method, &path, &[xml], "{")
            .await
            .refused(415, None);
        world
            .with(method, &path, &[json_type], "{")
            .await
            .refused(400, Some("invalidSyntax"));
    }
    world
        .get(&format!("{unknown}?attributes=id&excludedAttributes=id"))
        .await
        .refused(404, None);
}

#[tokio::test]
async fn wrong_methods_name_the_right_ones() {
    let world = World::new().await;
    let one = format!("/scim/Users/{}", world.user("mira").await);
    let cases = [
        (
            "/scim/Users",
            vec!["PUT", "PATCH", "DELETE", "OPTIONS"],
            "GET, HEAD, POST",
        ),
        (
            one.as_str(),
            vec!["POST", "OPTIONS"],
            "GET, HEAD, PUT, PATCH, DELETE",
        ),
        (
            "/scim/Groups/.search",
            vec!["GET", "PUT", "PATCH", "DELETE"],
            "POST",
        ),
        (
            "/scim/ServiceProviderConfig",
            vec!["POST", "PUT", "PATCH", "DELETE"],
            "GET, HEAD",
        ),
        (
            "/scim/Schemas",
            vec!["POST", "PUT", "PATCH", "DELETE"],
            "GET, HEAD",
        ),
        ("/scim/Schemas/urn:x", vec!["POST", "DELETE"], "GET, HEAD"),
        (
            "/scim/ResourceTypes",
            vec!["POST", "PUT", "PATCH", "DELETE"],
            "GET, HEAD",
        ),
    ];
    for (path, methods, allow) in cases {
        for method in methods {
            let answer = world.with(method, path, &[], "{}").await;
            answer.refused(405, None);
            assert_eq!(answer.header("allow"), allow, "{method} {path}");
        }
    }
    let overridden = world
        .with("POST", &one, &[("x-http-method-override", "DELETE")], "")
        .await;
    overridden.refused(405, None);
    world.get(&one).await.expect(200);
}

#[tokio::test]
async fn unsupported_parts_say_so() {
    let world = World::new().await;
    for (method, path) in [
        ("GET", "/scim/Me"),
        ("PATCH", "/scim/v2/Me"),
        ("POST", "/scim/Bulk"),
        ("GET", "/scim"),
        ("GET", "/scim/v2/?filter=id+pr"),
        ("POST", "/scim/.search"),
    ] {
        world.with(method, path, &[], "").await.refused(501, None);
    }
}

#[tokio::test]
async fn tokens() {
    let world = World::new().await;
    let missing = axum::http::Request::builder()
        .uri("/scim/Users")
        .body(axum::body::Body::empty())
        .unwrap();
    let answer = world.send(missing).await;
    answer.refused(401, None);
    assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"scim\"");
    let mut wrong = world.token.clone();
    wrong.pop();
    wrong.push('~');
    for token in ["", "x", wrong.as_str(), "tnr_scim_"] {
        let answer = world.with_token(token).get("/scim/Users").await;
        let body = answer.refused(401, None);
        assert_eq!(
            answer.header("www-authenticate"),
            "Bearer error=\"invalid_token\""
        );
        assert_eq!(
            body,
            world
                .with_token("y")
                .get("/scim/Nothing")
                .await
                .refused(401, None)
        );
    }
    let revoke = |tx: &mut tenure_store::Tx<'_>| {
        let workspace = tenure_store::workspace::find(tx, "Mills")?.unwrap().id;
        let id = tenure_store::token::list(tx, workspace)?[0].id.clone();
        tenure_store::token::revoke(tx, workspace, &id)
    };
    world.get("/scim/Users").await.expect(200);
    world
        .app
        .store
        .write(tenure_store::Actor::system(), revoke)
        .await
        .unwrap();
    world.get("/scim/Users").await.refused(401, None);
}
