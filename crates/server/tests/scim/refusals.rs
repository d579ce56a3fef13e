//! Everything that is refused, with status, keyword and order (RFC 7644 section 3.12).

use crate::harness::World;

const UNKNOWN: &str = "00000000-0000-7000-8000-000000000000";

/// Method, path, body (or `-`), status, keyword (or `-`); `USER` stands for the id of mira.
const TABLE: &str = r#"
POST  | /scim/Users      | {"userName": "MIRA"}                     | 409 | uniqueness
POST  | /scim/Users      | {"displayName": "x"}                     | 400 | invalidValue
POST  | /scim/Users      | {"userName": "x", "active": "perhaps"}   | 400 | invalidValue
POST  | /scim/Groups     | {"displayName": "x", "members": [{"value": "nobody"}]} | 400 | invalidValue
PUT   | /scim/Users/USER | {"userName": "Nils"}                     | 409 | uniqueness
PUT   | /scim/Users/USER | {"displayName": "x"}                     | 400 | invalidValue
PATCH | /scim/Users/USER | {"Operations": [{"op": "replace", "path": "userName", "value": "nils"}]} | 409 | uniqueness
PATCH | /scim/Users/USER | {"Operations": [{"op": "replace", "path": "id", "value": "x"}]}          | 400 | mutability
PATCH | /scim/Users/USER | {"Operations": [{"op": "remove"}]}       | 400 | noTarget
PATCH | /scim/Users/USER | {"Operations": [{"op": "replace", "path": "shoeSize", "value": 1}]}      | 400 | invalidPath
PATCH | /scim/Users/USER | {"Operations": [{"op": "move", "path": "title"}]} | 400 | invalidSyntax
PATCH | /scim/Users/USER | {"Operations": []}                       | 400 | invalidSyntax
GET   | /scim/Users?filter=userName+eqq+%22x%22   | -               | 400 | invalidFilter
GET   | /scim/Users?filter=shoeSize+eq+1          | -               | 400 | invalidFilter
GET   | /scim/Users?filter=password+sw+%22a%22    | -               | 400 | invalidFilter
GET   | /scim/Users?filter=                       | -               | 400 | invalidFilter
GET   | /scim/Users?filter=id+pr&filter=id+pr     | -               | 400 | invalidValue
GET   | /scim/Users?startIndex=one                | -               | 400 | invalidValue
GET   | /scim/Users?cursor=x                      | -               | 400 | invalidCursor
GET   | /scim/Users?sortBy=password               | -               | 400 | invalidValue
GET   | /scim/Nothing    | -                                        | 404 | -
GET   | /scim/v1/Users   | -                                        | 404 | -
GET   | /scim/Users/a/b  | -                                        | 404 | -
POST  | /scim/Users/.search | {"schemas": ["urn:x"]}                | 400 | invalidSyntax
"#;

#[tokio::test]
async fn table_of_errors() {
    let world = World::new().await;
    let user = world.user("mira").await;
    world.user("nils").await;
    for row in TABLE.lines().filter(|row| !row.is_empty()) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [method, path, body, status, scim_type] = cells[..] else {
            panic!("{row}")
        };
        let body = if body == "-" { "" } else { body };
        let json_type = [("content-type", "application/scim+json")];
        let answer = world
            .with(method, &path.replace("USER", &user), &json_type, body)
            .await;
        assert_eq!(answer.status.to_string(), status, "{row}: {}", answer.text);
        answer.refused(
            answer.status,
            Some(scim_type).filter(|keyword| *keyword != "-"),
        );
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
        ("/scim/v2", vec!["POST", "DELETE"], "GET, HEAD"),
        ("/scim/.search", vec!["GET", "PUT"], "POST"),
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
        ("/scim/Bulk", vec!["GET", "PUT", "PATCH", "DELETE"], "POST"),
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
    for (method, path) in [("GET", "/scim/Me"), ("PATCH", "/scim/v2/Me")] {
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

#[tokio::test]
async fn use_of_a_token_is_written_down() {
    let world = World::new().await;
    let last_use = |tx: &mut tenure_store::Tx<'_>| {
        let workspace = tenure_store::workspace::find(tx, "Mills")?.unwrap().id;
        let token = tenure_store::token::list(tx, workspace)?.remove(0);
        Ok((token.last_used_us, token.last_agent))
    };
    assert_eq!(world.app.store.read(last_use).await.unwrap(), (None, None));
    world
        .with(
            "GET",
            "/scim/Users",
            &[("user-agent", "Mills Identity 1.0")],
            "",
        )
        .await
        .expect(200);
    // The write runs behind the answer; the bound is only there so that a failure ends.
    let written = async {
        loop {
            if let (Some(_), agent) = world.app.store.read(last_use).await.unwrap() {
                return agent;
            }
            tokio::task::yield_now().await;
        }
    };
    let agent = tokio::time::timeout(std::time::Duration::from_secs(30), written)
        .await
        .unwrap();
    assert_eq!(agent.as_deref(), Some("Mills Identity 1.0"));
}
