//! The request log and the page of a token.

use tenure_store::{
    WorkspaceId,
    deviation::{self, Sighting},
    request_log::{self, Entry},
    setting::{self, LogBodies, Settings},
    token::{self, Options, Scope, Token},
};

use super::*;

async fn signed_in() -> (App, Browser) {
    let app = app();
    let mut browser = Browser::new(&app);
    browser.sign_up("dana@acme.test", "Acme").await;
    (app, browser)
}

fn acme(tx: &mut tenure_store::Tx<'_>) -> WorkspaceId {
    workspace::find(tx, "acme").unwrap().unwrap().id
}

/// A token whose name is markup, with a number of requests and a deviation.
async fn client(app: &App, requests: i64) -> Token {
    app.store
        .write(Actor::system(), move |tx| {
            let workspace = acme(tx);
            let (token, _) = token::create(tx, workspace, "<script>alert(4)</script>", None)?;
            let entries: Vec<Entry> = (0..requests)
                .map(|number| Entry {
                    at_us: tx.now_us() + number,
                    token_id: token.id.clone(),
                    token_name: token.name.clone(),
                    method: "POST".to_owned(),
                    path: format!("/scim/Users/{number}"),
                    query: "filter=<script>alert(5)".to_owned(),
                    status: 409,
                    scim_type: "uniqueness".to_owned(),
                    detail: "<script>alert(6)".to_owned(),
                    deviations: vec!["op-case".to_owned(), "string-boolean".to_owned()],
                    agent: "<script>alert(7)".to_owned(),
                    request: "{\"userName\":\"</pre><script>alert(8)\"}".to_owned(),
                    response: "\"not JSON, 3 bytes\"".to_owned(),
                    ..Entry::default()
                })
                .collect();
            request_log::append(tx, workspace, &entries)?;
            let sighting = Sighting {
                token_id: token.id.clone(),
                code: "op-case".to_owned(),
                count: 1412,
                at_us: tx.now_us(),
                example: "PATCH /Users: <script>alert(9)".to_owned(),
            };
            deviation::add(tx, workspace, &[sighting])?;
            Ok(token)
        })
        .await
        .unwrap()
}

fn safe(html: &str) {
    assert!(!html.contains("<script>alert"), "{html}");
    assert!(!html.contains(" style="), "{html}");
}

#[tokio::test]
async fn requests_are_listed_filtered_and_shown() {
    let (app, mut browser) = signed_in().await;
    let log = "/w/acme/settings/requests";
    assert!(browser.get(log).await.html.contains("No requests yet"));
    let token = client(&app, 60).await;
    let first = browser.get(log).await.html;
    safe(&first);
    assert_eq!(first.matches("data-test=\"request-row\"").count(), 50);
    let before = first.split("before=").nth(1).unwrap();
    let before = before.split('"').next().unwrap();
    let second = browser.get(&format!("{log}?before={before}")).await.html;
    assert_eq!(second.matches("data-test=\"request-row\"").count(), 10);
    for (query, count) in [
        ("status=error", 50),
        ("status=success", 0),
        ("status=5", 0),
        ("method=GET", 0),
        ("q=users/17", 1),
        ("deviation=any", 50),
        ("deviation=op-case", 50),
        ("deviation=email-for-emails", 0),
        ("from=2999-01-01T00:00", 0),
        ("until=2000-01-01T00:00", 0),
        ("from=yesterday", 50),
    ] {
        let html = browser.get(&format!("{log}?{query}")).await.html;
        let found = html.matches("data-test=\"request-row\"").count();
        assert_eq!(found, count, "{query}");
        assert_eq!(
            html.contains("this filter is left out"),
            query == "from=yesterday"
        );
        assert_eq!(html.contains("No request matches"), count == 0, "{query}");
    }
    let path = format!("{log}?token={}", token.id);
    assert!(browser.get(&path).await.html.contains("request-row"));
    let id = first.split(&format!("{log}/req_")).nth(1).unwrap();
    let page = browser
        .get(&format!("{log}/req_{}", id.split('"').next().unwrap()))
        .await;
    assert_eq!(page.status, StatusCode::OK);
    safe(&page.html);
    for part in [
        "Another user or group has the value",
        "is not written in lower case",
        "$TOKEN",
        "uniqueness",
    ] {
        assert!(page.html.contains(part), "{part}");
    }
    let unknown = browser.get(&format!("{log}/req_none")).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_gap_in_the_log_is_told() {
    let (app, mut browser) = signed_in().await;
    app.store
        .write(Actor::system(), |tx| {
            let workspace = acme(tx);
            let note = Entry {
                lost: 1234,
                ..Entry::default()
            };
            request_log::append(tx, workspace, &[note])
        })
        .await
        .unwrap();
    let html = browser.get("/w/acme/settings/requests").await.html;
    assert!(html.contains("1234 more around this time"), "{html}");
}

#[tokio::test]
async fn other_workspaces_have_other_requests() {
    let (app, mut dana) = signed_in().await;
    let token = client(&app, 1).await;
    let mut eve = Browser::new(&app);
    eve.sign_up("eve@evil.test", "Evil").await;
    let mine = dana.get("/w/acme/settings/requests").await.html;
    let id = mine.split("/settings/requests/req_").nth(1).unwrap();
    let id = id.split('"').next().unwrap();
    for path in [
        format!("/w/evil/settings/requests/req_{id}"),
        format!("/w/evil/settings/scim/{}", token.id),
        format!("/w/acme/settings/requests/req_{id}"),
        format!("/w/acme/settings/scim/{}", token.id),
    ] {
        assert_eq!(eve.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let theirs = eve.get("/w/evil/settings/requests").await.html;
    assert!(theirs.contains("No requests yet"));
    let page = format!("/w/evil/settings/scim/{}", token.id);
    let answer = eve.post("/w/evil/settings/scim", &page, &good()).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_log_has_settings() {
    let (app, mut browser) = signed_in().await;
    let page = "/w/acme/settings/requests/options";
    for (bodies, days, error) in [
        ("redacted", "0", "1 to 365"),
        ("redacted", "many", "1 to 365"),
        ("some", "7", "Choose what is kept"),
    ] {
        let answer = browser
            .post(
                page,
                page,
                &[("on", "on"), ("bodies", bodies), ("days", days)],
            )
            .await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.html.contains(error), "{error}");
    }
    let saved = browser
        .post(page, page, &[("bodies", "redacted"), ("days", "30")])
        .await;
    assert_eq!(saved.location, "/w/acme/settings/requests?notice=saved");
    let settings = app.store.read(|tx| {
        let workspace = acme(tx);
        setting::get(tx, workspace)
    });
    let expected = Settings {
        request_log: false,
        request_log_bodies: LogBodies::Redacted,
        request_log_days: 30,
        ..Settings::default()
    };
    assert_eq!(settings.await.unwrap(), expected);
    let html = browser.get(&saved.location).await.html;
    assert!(html.contains("The log is off") && html.contains("Saved."));
}

/// A complete options form.
fn good() -> [(&'static str, &'static str); 8] {
    [
        ("unknown_members", "park"),
        ("absent_members", "keep"),
        ("patch_answer", "empty"),
        ("cleared_members", "12"),
        ("strict_attributes", "on"),
        ("strict_paths", "on"),
        ("unique_group_names", "on"),
        ("repeat_deletes", "on"),
    ]
}

#[tokio::test]
async fn a_token_has_options_and_habits() {
    let (app, mut browser) = signed_in().await;
    let token = client(&app, 0).await;
    let page = format!("/w/acme/settings/scim/{}", token.id);
    let html = browser.get(&page).await.html;
    safe(&html);
    assert!(
        html.contains("1,412") && html.contains("deviation=op-case"),
        "{html}"
    );
    for (name, value) in [
        ("cleared_members", "-1"),
        ("cleared_members", "10000001"),
        ("unknown_members", "x"),
        ("patch_answer", ""),
    ] {
        let mut fields = good();
        let field = fields.iter_mut().find(|field| field.0 == name).unwrap();
        field.1 = value;
        let answer = browser.post(&page, &page, &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert!(answer.html.contains(&format!("id=\"e-{name}\"")), "{name}");
    }
    let saved = browser.post(&page, &page, &good()).await;
    assert_eq!(saved.location, format!("{page}?notice=saved"));
    let options = app.store.read(|tx| {
        let workspace = acme(tx);
        Ok(token::list(tx, workspace)?.remove(0).options)
    });
    let expected: Options = serde_json::from_value(json!({
        "rules": {
            "unknownMembers": "park", "absentMembers": "keep", "clearedMembers": 12, "uniqueGroupNames": true,
            "strictAttributes": true, "strictPaths": true,
        },
        "patchAnswer": "empty", "repeatDeletes": true,
    }))
    .unwrap();
    assert_eq!(options.await.unwrap(), expected);
    let html = browser.get(&page).await.html;
    assert!(html.contains("name=\"cleared_members\" value=\"12\""));
    let listed = browser.get("/w/acme/settings/scim").await.html;
    assert!(listed.contains(&format!("href=\"{page}\"")));
}

#[tokio::test]
async fn tokens_of_the_management_api_have_no_such_page() {
    let (app, mut browser) = signed_in().await;
    let create = |tx: &mut tenure_store::Tx<'_>| {
        let workspace = acme(tx);
        token::create_for(tx, workspace, Scope::Api, "script", None)
    };
    let (token, _) = app.store.write(Actor::system(), create).await.unwrap();
    let page = format!("/w/acme/settings/scim/{}", token.id);
    assert_eq!(browser.get(&page).await.status, StatusCode::NOT_FOUND);
    let list = "/w/acme/settings/scim";
    let saved = browser.post(list, &page, &good()).await;
    assert_eq!(saved.status, StatusCode::NOT_FOUND);
    assert!(!browser.get(list).await.html.contains(&format!("{page}\"")));
}
