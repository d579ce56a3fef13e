use super::*;
use crate::{credentials::Credentials, engine::Limits};
use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tenure_egress::{Authorization, Egress, Policy};
use tenure_plan::{compile, dialect, dialect::Method, facts::Found, gallery};

type Answers = Arc<(fn(usize) -> Response, AtomicUsize)>;

/// A target that gives the nth answer to the nth request, and how often it was asked.
async fn target(answer: fn(usize) -> Response) -> (ReadTarget, Answers) {
    async fn handle(State(answers): State<Answers>) -> Response {
        (answers.0)(answers.1.fetch_add(1, Ordering::SeqCst))
    }
    let answers: Answers = Arc::new((answer, AtomicUsize::new(0)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/scim?flag", listener.local_addr().unwrap());
    let router = Router::new()
        .fallback(handle)
        .with_state(Arc::clone(&answers));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (read_target(url), answers)
}

fn read_target(url: String) -> ReadTarget {
    let limits = Limits {
        patience: Duration::ZERO,
        throttle_wait: Duration::from_secs(1),
        backoff_first: Duration::from_millis(1),
        ..Limits::default()
    };
    ReadTarget::new(
        Egress::new(Policy::AllowPrivate),
        url,
        Credentials::Fixed(Some(Authorization::Bearer("s3cret".to_owned()))),
        limits,
        crate::target::Manner::default(),
    )
}

fn scim(status: u16, body: &serde_json::Value) -> Response {
    (
        StatusCode::from_u16(status).unwrap(),
        [("content-type", "application/scim+json")],
        body.to_string(),
    )
        .into_response()
}

fn empty() -> Response {
    scim(200, &json!({ "totalResults": 0, "Resources": [] }))
}

async fn check(name: &str, answer: fn(usize) -> Response, passed: bool, contains: &str) {
    let compiled = compile(&gallery::template("custom").unwrap().config).unwrap();
    let report = test(&target(answer).await.0, &compiled).await;
    assert_eq!(report.passed, passed, "{name}: {report:?}");
    assert!(
        report.summary.contains(contains),
        "{name}: {}",
        report.summary
    );
    assert!(!format!("{report:?}").contains("s3cret"), "{name}");
}

#[tokio::test]
async fn every_wrong_answer_is_explained() {
    check("empty list", |_| empty(), true, "accepts the credentials").await;
    check(
        "empty list without Resources",
        |_| scim(200, &json!({ "totalResults": 0 })),
        true,
        "accepts",
    )
    .await;
    check(
        "everybody",
        |_| {
            scim(
                200,
                &json!({ "totalResults": 2, "Resources": [{ "id": "1" }, { "id": "2" }] }),
            )
        },
        false,
        "ignores the filter",
    )
    .await;
    check(
        "everybody, on another page",
        |_| scim(200, &json!({ "totalResults": 9, "Resources": [] })),
        false,
        "ignores the filter",
    )
    .await;
    check(
        "404",
        |_| scim(404, &json!({})),
        false,
        "200 with an empty list",
    )
    .await;
    check(
        "401",
        |_| scim(401, &json!({ "detail": "token s3cret is wrong" })),
        false,
        "token *** is wrong",
    )
    .await;
    check("403", |_| scim(403, &json!({})), false, "may not do this").await;
    check(
        "web page",
        |_| (StatusCode::OK, [("content-type", "text/html")], "<html>").into_response(),
        false,
        "HTML, not SCIM",
    )
    .await;
    check(
        "hidden web page",
        |_| (StatusCode::OK, "<!doctype html>").into_response(),
        false,
        "HTML, not SCIM",
    )
    .await;
    check(
        "redirect",
        |_| (StatusCode::FOUND, [("location", "https://elsewhere")]).into_response(),
        false,
        "redirect",
    )
    .await;
    check(
        "other JSON",
        |_| scim(200, &json!({ "users": [] })),
        false,
        "not a ListResponse",
    )
    .await;
    check(
        "array",
        |_| scim(200, &json!([])),
        false,
        "without a JSON object",
    )
    .await;
}

#[tokio::test]
async fn nobody_there_is_told_apart() {
    let compiled = compile(&gallery::template("custom").unwrap().config).unwrap();
    let report = test(
        &read_target("http://127.0.0.1:1/scim".to_owned()),
        &compiled,
    )
    .await;
    assert!(
        !report.passed && report.summary.contains("no connection"),
        "{report:?}"
    );
    let report = test(
        &read_target("http://169.254.169.254/scim".to_owned()),
        &compiled,
    )
    .await;
    assert!(
        !report.passed && report.summary.contains("not public"),
        "{report:?}"
    );
}

#[tokio::test]
async fn throttling_is_waited_for_but_not_for_ever() {
    let throttled = |count: usize| {
        if count < 2 {
            (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")]).into_response()
        } else {
            empty()
        }
    };
    let (reader, answers) = target(throttled).await;
    let exchange = reader.read(&Request::get("Users".to_owned())).await;
    assert!(exchange.result.is_ok());
    assert_eq!(answers.1.load(Ordering::SeqCst), 3);

    let (reader, answers) =
        target(|_| (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "3600")]).into_response())
            .await;
    let failure = reader
        .read(&Request::get("Users".to_owned()))
        .await
        .result
        .unwrap_err();
    assert_eq!(
        (failure.code, failure.retry_after_s),
        ("TooManyRequests", Some(3600))
    );
    assert_eq!(answers.1.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_read_target_only_reads() {
    let (reader, _) = target(|_| empty()).await;
    let request = dialect::Request {
        method: Method::Delete,
        path: "Users/1".to_owned(),
        body: Some(json!({})),
    };
    assert_eq!(reader.read(&request).await.method, "GET");
}

#[tokio::test]
async fn matching_takes_only_what_was_asked_for() {
    let queries = [
        ("userName".to_owned(), "Ada@example.org".to_owned()),
        ("externalId".to_owned(), "7".to_owned()),
    ];
    let one = |count: usize| {
        if count == 0 {
            empty()
        } else {
            scim(
                200,
                &json!({ "totalResults": 1, "Resources": [{ "id": "a", "externalId": "7" }] }),
            )
        }
    };
    let found = matching::find(&target(one).await.0, ObjectKind::User, &queries)
        .await
        .unwrap();
    assert!(
        matches!(found, Found::One { id, attribute, .. } if id == "a" && attribute == "externalId")
    );

    let other_case = |_| {
        scim(
            200,
            &json!({ "totalResults": 1, "Resources": [{ "id": "a", "userName": "ada@EXAMPLE.org" }] }),
        )
    };
    assert!(matches!(
        matching::find(&target(other_case).await.0, ObjectKind::User, &queries).await,
        Ok(Found::One { .. })
    ));

    let stranger = |_| {
        scim(
            200,
            &json!({ "totalResults": 1, "Resources": [{ "id": "b", "userName": "bob@example.org" }] }),
        )
    };
    let failure = matching::find(&target(stranger).await.0, ObjectKind::User, &queries)
        .await
        .unwrap_err();
    assert!(
        failure.message.contains("ignores the filter"),
        "{failure:?}"
    );

    let two = |_| {
        scim(
            200,
            &json!({ "totalResults": 2, "Resources": [{ "id": "a", "userName": "ada@example.org" }, { "id": "b", "userName": "ada@example.org" }] }),
        )
    };
    assert!(
        matches!(matching::find(&target(two).await.0, ObjectKind::User, &queries).await, Ok(Found::Many { ids, .. }) if ids == ["a", "b"])
    );

    let anonymous = |_| {
        scim(
            200,
            &json!({ "totalResults": 1, "Resources": [{ "userName": "ada@example.org" }] }),
        )
    };
    assert!(
        matching::find(&target(anonymous).await.0, ObjectKind::User, &queries)
            .await
            .is_err()
    );
}

#[test]
fn guids_are_random() {
    let (first, second) = (random_guid(), random_guid());
    assert_eq!(
        first.split('-').map(str::len).collect::<Vec<_>>(),
        [8, 4, 4, 4, 12]
    );
    assert_ne!(first, second);
}
