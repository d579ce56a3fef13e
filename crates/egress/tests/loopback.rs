//! Real requests to a real server on loopback.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
    routing::{any, get, post},
};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tenure_egress::{
    Authorization, Body as Content, Call, Egress, EgressError, Policy, REPLY_BYTES, Trace,
};
use tokio::net::TcpListener;

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

fn call(method: &str, url: String) -> Call {
    Call {
        method: method.to_owned(),
        url,
        authorization: Some(Authorization::Bearer("secret".to_owned())),
        body: None,
        media_type: tenure_egress::MediaType::Scim,
        timeout: Duration::from_secs(5),
    }
}

fn open() -> Egress {
    Egress::new(Policy::AllowPrivate)
}

async fn echo(headers: HeaderMap, request: Request) -> impl IntoResponse {
    let text = |name: &str| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
            .unwrap_or_default()
    };
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let body = axum::body::to_bytes(request.into_body(), 1024)
        .await
        .unwrap();
    let lines = [
        method.to_string(),
        uri.to_string(),
        text("authorization"),
        text("accept"),
        text("content-type"),
        text("user-agent"),
    ];
    let body = format!("{}\n{}", lines.join("\n"), String::from_utf8_lossy(&body));
    (
        StatusCode::CREATED,
        [("content-type", "text/x-test"), ("retry-after", "7")],
        body,
    )
}

#[tokio::test]
async fn sends_what_scim_needs_and_reads_the_reply() {
    let address = serve(Router::new().route("/scim/Users", any(echo))).await;
    let mut call = call("PATCH", format!("http://{address}/scim/Users?a=b%20c"));
    call.body = Some(Content::Scim(serde_json::json!({ "x": 1 })));
    assert!(!format!("{call:?}").contains("secret"));
    let reply = open().send(call).await.unwrap();
    assert_eq!(
        (
            reply.status,
            reply.content_type.as_str(),
            reply.retry_after_s
        ),
        (201, "text/x-test", Some(7))
    );
    let text = String::from_utf8(reply.body).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let expected = format!(
        "PATCH\n/scim/Users?a=b%20c\nBearer secret\napplication/scim+json, application/json\napplication/scim+json\nTenure/{version}\n{{\"x\":1}}"
    );
    assert_eq!(text, expected);
}

#[tokio::test]
async fn says_which_trace_a_request_belongs_to() {
    let parent = |headers: HeaderMap| async move {
        let values = headers.get_all("traceparent").iter();
        let values: Vec<&str> = values.map(|value| value.to_str().unwrap()).collect();
        values.join(",")
    };
    let address = serve(Router::new().route("/", get(parent))).await;
    let ask = async |egress: &Egress| {
        let reply = egress.send(call("GET", format!("http://{address}/"))).await;
        String::from_utf8(reply.unwrap().body).unwrap()
    };
    let (egress, trace) = (open(), Trace::random());
    assert_eq!(ask(&egress).await, "");
    let traced = egress.within(trace);
    let (first, second) = (ask(&traced).await, ask(&traced).await);
    assert_ne!(first, second, "each request is a parent of its own");
    for header in [&first, &second] {
        assert_eq!(Trace::from_header(header), Some(trace), "{header}");
    }
    // What clones count is seen by all.
    let mut registry = prometheus_client::registry::Registry::default();
    egress.register(&mut registry);
    let mut text = String::new();
    prometheus_client::encoding::prometheus_text::encode(&mut text, &registry).unwrap();
    let count = "tenure_target_requests_total{method=\"GET\",outcome=\"2xx\"} 3";
    assert!(text.contains(count), "{text}");
    assert!(!text.contains("127.0.0.1"), "{text}");
}

#[tokio::test]
async fn sends_forms_with_basic_authentication() {
    let address = serve(Router::new().route("/token", any(echo))).await;
    let mut call = call("POST", format!("http://{address}/token"));
    call.authorization = Some(Authorization::Basic {
        user_name: "Aladdin".to_owned(),
        password: "open sesame".to_owned(),
    });
    call.body = Some(Content::Form(vec![
        ("grant_type".to_owned(), "client_credentials".to_owned()),
        ("scope".to_owned(), "a b&c=ü".to_owned()),
    ]));
    let shown = format!("{call:?} {:?}", call.body);
    assert!(!shown.contains("sesame") && !shown.contains("a b"));
    let text = String::from_utf8(open().send(call).await.unwrap().body).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let expected = format!(
        "POST\n/token\nBasic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\napplication/json\napplication/x-www-form-urlencoded\nTenure/{version}\ngrant_type=client_credentials&scope=a+b%26c%3D%C3%BC"
    );
    assert_eq!(text, expected);
}

#[tokio::test]
async fn follows_no_redirect() {
    let address = serve(
        Router::new()
            .route(
                "/",
                get(|| async { (StatusCode::FOUND, [("location", "/other")]) }),
            )
            .route("/other", get(|| async { "inside" })),
    )
    .await;
    let reply = open()
        .send(call("GET", format!("http://{address}/")))
        .await
        .unwrap();
    assert_eq!(reply.status, 302);
}

#[tokio::test]
async fn public_only_never_reaches_loopback() {
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&requests);
    let address = serve(Router::new().route(
        "/",
        any(move || {
            counter.fetch_add(1, Ordering::SeqCst);
            async { "reached" }
        }),
    ))
    .await;
    let egress = Egress::new(Policy::PublicOnly);
    for url in [
        format!("http://{address}/"),
        format!("https://{address}/"),
        format!("https://localhost:{}/", address.port()),
        "https://localhost/".to_owned(),
        "https://127.1/".to_owned(),
    ] {
        let outcome = egress.send(call("GET", url.clone())).await;
        assert!(
            matches!(outcome, Err(EgressError::Refused(_))),
            "{url}: {outcome:?}"
        );
    }
    assert_eq!(requests.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn tells_nothing_sent_from_maybe_carried_out() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = closed.local_addr().unwrap();
    drop(closed);
    let outcome = open().send(call("POST", format!("http://{nobody}/"))).await;
    assert!(
        matches!(outcome, Err(EgressError::Connect(_))),
        "{outcome:?}"
    );

    let slow = serve(Router::new().route("/", post(std::future::pending::<&'static str>))).await;
    let mut waiting = call("POST", format!("http://{slow}/"));
    waiting.timeout = Duration::from_millis(100);
    let outcome = open().send(waiting).await;
    assert!(
        matches!(outcome, Err(EgressError::Unknown(_))),
        "{outcome:?}"
    );

    // Accepts, reads a little, and hangs up.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let rude = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.readable().await.unwrap();
            let _ = stream.try_read(&mut [0; 4096]).unwrap();
        }
    });
    let outcome = open().send(call("POST", format!("http://{rude}/"))).await;
    assert!(
        matches!(outcome, Err(EgressError::Unknown(_))),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn cuts_replies_that_are_too_large() {
    let router = Router::new()
        .route(
            "/fits",
            get(|| async { Body::from(vec![b'x'; REPLY_BYTES]) }),
        )
        .route(
            "/large",
            get(|| async { Body::from(vec![b'x'; REPLY_BYTES + 1]) }),
        );
    let address = serve(router).await;
    let reply = open()
        .send(call("GET", format!("http://{address}/fits")))
        .await
        .unwrap();
    assert_eq!(reply.body.len(), REPLY_BYTES);
    let outcome = open()
        .send(call("GET", format!("http://{address}/large")))
        .await;
    assert_eq!(outcome.unwrap_err(), EgressError::TooLarge(REPLY_BYTES));
}

#[tokio::test]
async fn a_secret_with_line_breaks_is_refused() {
    let address = serve(Router::new().route("/", any(echo))).await;
    let mut bad = call("GET", format!("http://{address}/"));
    bad.authorization = Some(Authorization::Bearer("a\r\nX-Evil: 1".to_owned()));
    assert!(matches!(
        open().send(bad).await,
        Err(EgressError::Refused(_))
    ));
}
