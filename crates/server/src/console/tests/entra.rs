//! Schemas of Entra ID: downloaded, pasted, looked at, and only then saved.

use super::{Browser, app, furnish};
use axum::http::StatusCode;
use serde_json::{Value, json};
use tenure_plan::{ApplicationConfig, entra, gallery::template};
use tenure_store::{application, workspace};

async fn stored(app: &crate::App, id: &str) -> ApplicationConfig {
    let id = id.to_owned();
    let application = app
        .store
        .read(move |tx| {
            let workspace = workspace::find(tx, "acme")?.unwrap().id;
            application::find(tx, workspace, &id)
        })
        .await
        .unwrap()
        .unwrap();
    serde_json::from_str(&application.config).unwrap()
}

/// The text of the editor on a page.
fn editor(html: &str) -> String {
    let text = html.split("name=\"config\"").nth(1).unwrap();
    let text = text.split_once('>').unwrap().1;
    let text = text.split("</textarea>").next().unwrap();
    text.replace("&#34;", "\"")
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#38;", "&")
}

#[tokio::test]
async fn a_schema_is_shown_before_it_is_saved() {
    let app = app();
    let mut browser = Browser::new(&app);
    browser.sign_up("dana@acme.test", "Acme").await;
    let (.., id) = furnish(&app, "acme").await;
    let mappings = format!("/w/acme/apps/{id}/provisioning/mappings");
    let page = format!("{mappings}/entra");
    assert!(
        browser.get(&mappings).await.html.contains(&page),
        "the mappings lead there"
    );

    let download = browser.get(&format!("{page}/entra-schema.json")).await;
    assert_eq!(download.status, StatusCode::OK);
    let mut schema: Value = serde_json::from_str(&download.html).unwrap();
    let before = template("exium").unwrap().config;
    assert_eq!(schema, entra::export(&before).schema);

    let users = &mut schema["synchronizationRules"][0]["objectMappings"][0];
    users["flowTypes"] = "Add".into();
    users["attributeMappings"][1]["source"] =
        json!({ "type": "Attribute", "name": "<i>extensionAttribute1" });
    // Larger than any other form may be.
    let text = format!("{schema}{}", " ".repeat(300 * 1024));
    let shown = browser.post(&page, &page, &[("schema", &text)]).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.html);
    assert!(shown.html.contains("Nothing is saved yet"));
    assert!(shown.html.contains("attributeMappings[1]</code>"));
    assert!(
        shown.html.contains("extensionAttribute1")
            && !shown.html.contains("<i>extensionAttribute1")
    );
    assert!(shown.html.contains("Target object actions: Create<"));
    assert_eq!(stored(&app, &id).await, before);

    let config = editor(&shown.html);
    let fields = [("version", "1"), ("config", config.as_str())];
    let saved = browser.post(&page, &mappings, &fields).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.html);
    let after = stored(&app, &id).await;
    assert!(after.users.actions.create && !after.users.actions.update);
    assert_eq!(after.users.mappings.len(), before.users.mappings.len() - 1);
    assert_eq!(after.groups, before.groups);
}

#[tokio::test]
async fn what_cannot_be_read_or_used_is_said() {
    let app = app();
    let mut browser = Browser::new(&app);
    browser.sign_up("dana@acme.test", "Acme").await;
    let (.., id) = furnish(&app, "acme").await;
    let page = format!("/w/acme/apps/{id}/provisioning/mappings/entra");
    let mut schema = entra::export(&template("exium").unwrap().config).schema;
    schema["synchronizationRules"][0]["objectMappings"][0]["scope"] = "<b>".into();
    for (text, part) in [
        ("", "not JSON"),
        ("{}", "not a synchronization schema"),
        (
            schema.to_string().as_str(),
            "objectMappings[0].scope: A scope must be",
        ),
    ] {
        let answer = browser.post(&page, &page, &[("schema", text)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
        assert!(answer.html.contains(part), "{part}");
        assert!(!answer.html.contains("<b>"));
    }
    // It can be read, but not be saved like that.
    let object = &mut schema["synchronizationRules"][0]["objectMappings"][0];
    object["scope"] = Value::Null;
    object["attributeMappings"] = json!([]);
    let text = schema.to_string();
    let answer = browser.post(&page, &page, &[("schema", &text)]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(
        answer
            .html
            .contains("users.mappings: No attribute is used for matching")
    );
    let long = " ".repeat(crate::limits::SCHEMA_FORM_BYTES);
    let answer = browser.post(&page, &page, &[("schema", &long)]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn other_forms_stay_small() {
    let app = app();
    let mut browser = Browser::new(&app);
    browser.sign_up("dana@acme.test", "Acme").await;
    let (.., id) = furnish(&app, "acme").await;
    let page = format!("/w/acme/apps/{id}/provisioning/mappings");
    let long = " ".repeat(crate::limits::FORM_BODY_BYTES);
    let answer = browser
        .post(&page, &page, &[("version", "1"), ("config", &long)])
        .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}
