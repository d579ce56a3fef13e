//! HTTP around SCIM: media types, sizes, headers, paths as people paste them.

use axum::{body::Body, http::Request};
use serde_json::json;

use crate::harness::{BASE, World};

const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
    connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

#[tokio::test]
async fn media_types() {
    let world = World::new().await;
    let types = [
        ("application/scim+json", 201),
        ("application/scim+json; charset=utf-8", 201),
        ("application/json", 201),
        ("Application/JSON;charset=UTF-8", 201),
        ("text/json", 201),
        ("application/json; charset=latin1", 415),
        ("text/plain", 415),
        ("application/xml", 415),
        ("application/x-www-form-urlencoded", 415),
    ];
    for (number, (content_type, status)) in types.iter().enumerate() {
        let body = json!({"userName": format!("user{number}")}).to_string();
        let answer = world
            .with(
                "POST",
                "/scim/Users",
                &[("content-type", content_type)],
                &body,
            )
            .await;
        assert_eq!(answer.status, *status, "{content_type}");
        if *status == 415 {
            answer.refused(415, None);
        }
    }
    world
        .with("POST", "/scim/Users", &[], "{\"userName\":\"none\"}")
        .await
        .expect(201);
    let gzip = world
        .with(
            "POST",
            "/scim/Users",
            &[("content-encoding", "gzip")],
            "{\"userName\":\"z\"}",
        )
        .await;
    gzip.refused(415, None);
}

#[tokio::test]
async fn answers_are_scim_json_unless_plain_json_is_asked_for() {
    let world = World::new().await;
    for (accept, content_type) in [
        ("*/*", "application/scim+json"),
        ("application/scim+json", "application/scim+json"),
        (
            "application/json, application/scim+json",
            "application/scim+json",
        ),
        ("application/json, */*;q=0.1", "application/scim+json"),
        ("application/json", "application/json"),
        ("application/json;q=0.9", "application/json"),
        ("text/html", "application/scim+json"),
    ] {
        for path in ["/scim/Users", "/scim/Nothing"] {
            let answer = world.with("GET", path, &[("accept", accept)], "").await;
            assert_eq!(answer.header("content-type"), content_type, "{accept}");
        }
    }
}

/// A user whose JSON has exactly so many bytes.
fn body_of(bytes: usize) -> String {
    let (start, end) = ("{\"userName\":\"mira\",\"unknown\":[\"", "\"]}");
    let mut text = start.to_owned();
    // Many short strings, so that the limit of a single one is not what is tested.
    while text.len() + 1003 + end.len() < bytes {
        text.push_str(&"x".repeat(1000));
        text.push_str("\",\"");
    }
    let rest = bytes - text.len() - end.len();
    format!("{text}{}{end}", "x".repeat(rest))
}

#[tokio::test]
async fn bodies_up_to_a_mebibyte() {
    let world = World::new().await;
    let limit = 1024 * 1024;
    let announced = |body: &str| [("content-length", body.len().to_string())];
    for over in [body_of(limit + 1), body_of(3 * limit)] {
        let length = announced(&over);
        let headers: Vec<(&str, &str)> = length
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        for headers in [headers.as_slice(), &[]] {
            world
                .with("POST", "/scim/Users", headers, &over)
                .await
                .refused(413, None);
        }
    }
    assert_eq!(
        world.get("/scim/Users").await.expect(200)["totalResults"],
        0
    );
    let exact = body_of(limit);
    assert_eq!(exact.len(), limit);
    world
        .with("POST", "/scim/Users", &[], &exact)
        .await
        .expect(201);
}

#[tokio::test]
async fn paths_as_people_paste_them() {
    let world = World::new().await;
    let id = world.user("mira").await;
    for path in [
        "/scim/Users/",
        "/scim//Users",
        "//scim/v2/Users",
        "/scim/v2/v2/Users",
        "/scim/v2//Users//?x=/",
    ] {
        assert_eq!(
            world.get(path).await.expect(200)["totalResults"],
            1,
            "{path}"
        );
    }
    let user = world
        .get(&format!("/scim/v2/v2/Users//{id}/"))
        .await
        .expect(200);
    assert_eq!(user["meta"]["location"], format!("{BASE}/Users/{id}"));
    for path in [
        "/scim/Users/%00",
        "/scim/Users/..%2F..",
        "/scim/Users/%C3%28",
        "/scim/Users/%F0%9F%A6%86",
    ] {
        world.get(path).await.refused(404, None);
    }
}

#[tokio::test]
async fn host_header_is_not_believed() {
    let world = World::new().await;
    let headers = [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
    ];
    let answer = world
        .with("POST", "/scim/Users", &headers, "{\"userName\":\"mira\"}")
        .await;
    assert_eq!(answer.status, 201);
    assert!(!answer.text.contains("evil") && answer.header("location").starts_with(BASE));
}

#[tokio::test]
async fn head_is_get_without_body() {
    let world = World::new().await;
    let path = format!("/scim/Users/{}", world.user("mira").await);
    let get = world.get(&path).await;
    let head = world.with("HEAD", &path, &[], "").await;
    assert_eq!(
        (head.status, head.text.as_str(), head.header("etag")),
        (200, "", "W/\"1\"")
    );
    assert_eq!(head.header("content-length"), get.text.len().to_string());
}

#[tokio::test]
async fn security_headers_are_everywhere() {
    let world = World::new().await;
    let id = world.user("mira").await;
    let one = format!("/scim/Users/{id}");
    let scim = [
        ("GET", "/scim/Users"),
        ("GET", one.as_str()),
        ("DELETE", "/scim/Users/nobody"),
        ("POST", "/scim/Users"),
        ("PUT", "/scim/Users"),
        ("GET", "/scim/Nothing"),
        ("GET", "/scim/Me"),
        ("GET", "/scim/ServiceProviderConfig"),
        ("GET", "//scim/Schemas"),
    ];
    let pages = [
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("POST", "/healthz"),
        ("GET", "/no/such/page"),
        ("GET", "/"),
    ];
    let scim = scim.iter().map(|case| (case, "default-src 'none'"));
    for ((method, path), policy) in scim.chain(pages.iter().map(|case| (case, PAGE_POLICY))) {
        let answer = world.with(method, path, &[], "").await;
        for (name, value) in [
            ("content-security-policy", policy),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), value, "{method} {path}");
        }
        assert!(
            answer
                .header("strict-transport-security")
                .starts_with("max-age=")
        );
        assert_eq!(answer.header("x-request-id").len(), 32, "{method} {path}");
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
}

#[tokio::test]
async fn request_ids_are_taken_over_when_harmless() {
    let world = World::new().await;
    let long = "a".repeat(65);
    for (sent, kept) in [
        ("abc-1_2.3", true),
        ("a b", false),
        ("\"<script>", false),
        (long.as_str(), false),
    ] {
        let answer = world
            .with("GET", "/healthz", &[("x-request-id", sent)], "")
            .await;
        assert_eq!(answer.header("x-request-id") == sent, kept, "{sent}");
    }
}

#[tokio::test]
async fn health_and_readiness() {
    let world = World::new().await;
    for (path, text) in [("/healthz", "ok\n"), ("/readyz", "ready\n")] {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        let answer = world.send(request).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, text));
    }
}
