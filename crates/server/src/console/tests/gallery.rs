//! Finding one of two hundred applications.

use super::{Browser, app};
use axum::http::StatusCode;

/// Ids of the entries on a page, in order.
fn entries(html: &str) -> Vec<String> {
    html.split("href=\"/w/acme/gallery/")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
        .collect()
}

#[tokio::test]
async fn entries_are_found_by_page_letter_and_search() {
    let app = app();
    let mut browser = Browser::new(&app);
    browser.sign_up("dana@acme.test", "Acme").await;
    let first = browser.get("/w/acme/gallery").await.html;
    assert_eq!(entries(&first)[..2], ["custom", "exium"]);
    assert_eq!(entries(&first).len(), 31);
    assert!(first.contains("201 applications"));
    let mut seen = entries(&first);
    for page in 2..=7 {
        let html = browser
            .get(&format!("/w/acme/gallery?page={page}"))
            .await
            .html;
        assert_eq!(html.contains(">Next</a>"), page < 7, "page {page}");
        seen.extend(entries(&html));
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 202, "each entry is on one page");
    for (query, wanted) in [
        ("q=atlassian", &["custom", "atlassian-cloud"][..]),
        ("q=Slack", &["custom", "slack"]),
        ("q=nothing+of+the+kind", &["custom"]),
        ("letter=%23", &["custom", "15five", "1password"]),
        ("letter=q", &["custom", "qase", "qlik-cloud", "quickbase"]),
        ("letter=q&q=developer", &["custom", "qase"]),
    ] {
        let html = browser.get(&format!("/w/acme/gallery?{query}")).await.html;
        assert_eq!(entries(&html), wanted, "{query}");
    }
}

#[tokio::test]
async fn an_entry_says_what_is_known_about_it() {
    let app = app();
    let mut browser = Browser::new(&app);
    browser.sign_up("dana@acme.test", "Acme").await;
    let slack = browser.get("/w/acme/gallery/slack").await.html;
    for part in [
        "https://api.slack.com/scim/v2",
        "not checked",
        "at most 21 characters",
        "Documented",
        "docs.slack.dev",
        "not tried out",
    ] {
        assert!(slack.contains(part), "{part}");
    }
    let page = browser
        .post(
            "/w/acme/gallery/slack",
            "/w/acme/gallery/slack",
            &[("name", "Chat")],
        )
        .await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.html);

    let zendesk = browser.get("/w/acme/gallery/zendesk").await.html;
    assert!(
        zendesk.contains("Has no SCIM endpoint") && !zendesk.contains("<button class=\"primary\"")
    );
    let page = browser
        .post(
            "/w/acme/gallery/slack",
            "/w/acme/gallery/zendesk",
            &[("name", "Desk")],
        )
        .await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}
