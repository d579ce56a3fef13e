//! The provisioning logs: filters, files, and how long they are kept.

use tenure_store::{
    Kind, job,
    log::{self, Entry},
};

use super::*;

fn entry(status: &str, code: Option<&str>, days: i64, now_us: i64) -> Entry {
    Entry {
        id: String::new(),
        at_us: now_us - days * 86_400_000_000,
        application: 0,
        cycle_id: "cyc_1".to_owned(),
        change_id: "chg_1".to_owned(),
        duration_ms: 1,
        action: "create".to_owned(),
        status: status.to_owned(),
        kind: Kind::User,
        source_id: "s".to_owned(),
        source_name: format!("{status}-{days}"),
        target_id: String::new(),
        error_code: code.map(str::to_owned),
        reason: None,
        steps: "[]".to_owned(),
        modified: "[]".to_owned(),
        initiated_by: "Tenure".to_owned(),
    }
}

/// A signed-in administrator and an application with three records.
async fn logged() -> (App, Browser, String) {
    let app = app();
    let mut browser = Browser::new(&app);
    browser.sign_up("dana@acme.test", "Acme").await;
    let (_, _, id) = furnish(&app, "acme").await;
    let wanted = id.clone();
    app.store
        .write(Actor::system(), move |tx| {
            let workspace = workspace::find(tx, "acme")?.unwrap().id;
            let application = application::find(tx, workspace, &wanted)?.unwrap();
            job::start(tx, workspace, application.key)?;
            let lease = job::claim(tx, workspace, application.key, 60_000_000)?.unwrap();
            let now_us = tx.now_us();
            let entries = [
                entry("failure", Some("Timeout"), 9, now_us),
                entry("success", None, 0, now_us),
                entry("failure", Some("Conflict"), 0, now_us),
            ];
            log::append(tx, &lease, &entries)
        })
        .await
        .unwrap();
    (app, browser, id)
}

#[tokio::test]
async fn a_file_holds_what_the_filters_find() {
    let (_, mut browser, id) = logged().await;
    let day = |days: i64| {
        let at_us = jiff::Timestamp::now().as_microsecond() - days * 86_400_000_000;
        tenure_scim::value::format_time_us(at_us)[..10].to_owned()
    };
    for (filter, expected) in [
        (String::new(), 3),
        ("status=failure&".to_owned(), 2),
        ("code=Timeout&".to_owned(), 1),
        (format!("from={}&", day(3)), 2),
        (format!("to={}&", day(3)), 1),
        (format!("from={}&to={}&", day(9), day(9)), 1),
    ] {
        for list in [
            "/w/acme/logs".to_owned(),
            format!("/w/acme/apps/{id}/provisioning/logs"),
        ] {
            let page = browser.get(&format!("{list}?{filter}")).await;
            assert_eq!(
                page.html.matches("data-test=\"log-row\"").count(),
                expected,
                "{filter}"
            );
            let link = format!("{list}/export?{filter}format=csv").replace('&', "&#38;");
            assert!(page.html.contains(&link), "{link}: {}", page.html);
            let file = browser
                .get(&format!("{list}/export?{filter}format=csv"))
                .await;
            assert_eq!(
                (file.status, file.html.lines().count()),
                (StatusCode::OK, expected + 1)
            );
            let file = browser
                .get(&format!("{list}/export?{filter}format=json"))
                .await;
            let records: Vec<serde_json::Value> = serde_json::from_str(&file.html).unwrap();
            assert_eq!(records.len(), expected);
        }
    }
    for wrong in ["", "?format=xml", "?format=csv&from=yesterday"] {
        let file = browser.get(&format!("/w/acme/logs/export{wrong}")).await;
        assert_eq!(file.status, StatusCode::NOT_FOUND, "{wrong}");
    }
    let page = browser.get("/w/acme/logs?from=yesterday").await;
    assert!(page.html.contains("Give a day as"));
}

#[tokio::test]
async fn days_are_set() {
    let (_, mut browser, _) = logged().await;
    let page = "/w/acme/logs/options";
    for wrong in ["0", "3651", "many"] {
        let answer = browser.post(page, page, &[("days", wrong)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.html.contains("1 to 3,650"));
    }
    let saved = browser.post(page, page, &[("days", "400")]).await;
    assert_eq!(saved.location, "/w/acme/logs?notice=saved");
    assert!(
        browser
            .get(&saved.location)
            .await
            .html
            .contains("Kept for 400 days")
    );
}
