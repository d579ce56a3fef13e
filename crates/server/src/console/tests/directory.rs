//! Schemas, resources of a workspace's own types, and what was deleted.

use super::*;

async fn signed_in() -> (App, Browser) {
    let app = app();
    let mut browser = Browser::new(&app);
    browser.sign_up("dana@acme.test", "Acme").await;
    (app, browser)
}

#[tokio::test]
async fn a_deleted_person_is_brought_back_with_a_click() {
    let (app, mut browser) = signed_in().await;
    let (user, group, _) = furnish(&app, "acme").await;
    let empty = browser.get("/w/acme/deleted/users").await;
    assert!(empty.html.contains("Nothing is deleted"));
    let (gone, also) = (user.clone(), group.clone());
    app.store
        .write(Actor::system(), move |tx| {
            let workspace = workspace::find(tx, "acme")?.unwrap().id;
            resource::delete(tx, workspace, Kind::User, &gone, None)?;
            resource::delete(tx, workspace, Kind::Group, &also, None)
        })
        .await
        .unwrap();
    let page = "/w/acme/deleted/users";
    let listed = browser.get(page).await.html;
    assert!(listed.contains("alert(1)") && !listed.contains("<script>alert"));
    let restored = browser
        .post(page, &format!("{page}/{user}/restore"), &[])
        .await;
    assert_eq!(restored.status, StatusCode::SEE_OTHER);
    assert_eq!(
        restored.location,
        format!("/w/acme/users/{user}?notice=restored")
    );
    assert_eq!(browser.get(&restored.location).await.status, StatusCode::OK);
    let again = browser
        .post(page, &format!("{page}/{user}/restore"), &[])
        .await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    let groups = browser.get("/w/acme/deleted/groups").await.html;
    assert!(groups.contains("alert(2)"));
    assert_eq!(
        browser.get("/w/acme/deleted/apps").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_name_taken_meanwhile_is_said_and_the_time_of_keeping_is_checked() {
    let (app, mut browser) = signed_in().await;
    let (user, _, _) = furnish(&app, "acme").await;
    let gone = user.clone();
    app.store
        .write(Actor::system(), move |tx| {
            let workspace = workspace::find(tx, "acme")?.unwrap().id;
            resource::delete(tx, workspace, Kind::User, &gone, None)?;
            let other = json!({"userName": "ADA@acme.test"});
            resource::create(tx, workspace, Kind::User, other.as_object().unwrap(), &[])
        })
        .await
        .unwrap();
    let page = "/w/acme/deleted/users";
    let refused = browser
        .post(page, &format!("{page}/{user}/restore"), &[])
        .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.html.contains("Not brought back"),
        "{}",
        refused.html
    );
    for days in ["", "-1", "x", "3651"] {
        let wrong = browser
            .post(page, &format!("{page}/keep"), &[("days", days)])
            .await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{days}");
        assert!(wrong.html.contains("0 to 3,650"));
    }
    let saved = browser
        .post(page, &format!("{page}/keep"), &[("days", "90")])
        .await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    assert!(browser.get(page).await.html.contains("for 90 days"));
}

#[tokio::test]
async fn attributes_and_types_are_added_and_mistakes_change_nothing() {
    let (app, mut browser) = signed_in().await;
    let page = "/w/acme/settings/schemas";
    let add = format!("{page}/attribute");
    let attribute = |name: &'static str| {
        [
            ("type", "User"),
            ("schema", "urn:acme:params:User"),
            ("name", name),
            ("kind", "integer"),
            ("unique", "on"),
        ]
    };
    for (fields, expected) in [
        (attribute("1st"), "a letter followed by"),
        (attribute("nickName"), "is an attribute of User itself"),
        (attribute(""), "Attribute name is missing."),
    ] {
        let refused = browser.post(page, &add, &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            refused.html.contains(expected),
            "{expected}: {}",
            refused.html
        );
    }
    let saved = browser.post(page, &add, &attribute("badge")).await;
    assert_eq!(saved.location, format!("{page}?notice=saved"));
    let saved = browser.post(page, &add, &attribute("locker")).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    let html = browser.get(page).await.html;
    assert!(html.contains("<code>badge</code>") && html.contains("<code>locker</code>"));

    let version = html
        .split("name=\"version\" value=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .unwrap()
        .to_owned();
    let definition = json!({
        "schemas": [{"id": "urn:acme:Room", "attributes": [{"name": "displayName"}]}],
        "resourceTypes": [{"name": "Room", "endpoint": "/Rooms", "schema": "urn:acme:Room"}],
    })
    .to_string();
    let wrong = browser
        .post(page, page, &[("version", &version), ("definition", "{")])
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.html.contains("not valid JSON"));
    let old = browser
        .post(page, page, &[("version", "0"), ("definition", &definition)])
        .await;
    assert_eq!(old.status, StatusCode::CONFLICT);
    let saved = browser
        .post(
            page,
            page,
            &[("version", &version), ("definition", &definition)],
        )
        .await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    resources_are_shown(&app, &mut browser).await;
}

/// A resource of the type `Room` appears on its pages, as text.
async fn resources_are_shown(app: &App, browser: &mut Browser) {
    let room = json!({"displayName": "<script>alert(9)</script>"});
    let id = app
        .store
        .write(Actor::system(), move |tx| {
            let workspace = workspace::find(tx, "acme")?.unwrap().id;
            let kind = tenure_store::schema::types(tx, workspace)?
                .at("Rooms")
                .unwrap();
            resource::create(tx, workspace, kind, room.as_object().unwrap(), &[])
        })
        .await
        .unwrap()
        .id;
    for path in ["", "?q=%3Cscript", &format!("/{id}")] {
        let shown = browser.get(&format!("/w/acme/resources/Rooms{path}")).await;
        assert_eq!(shown.status, StatusCode::OK);
        assert!(shown.html.contains("alert(9)") && !shown.html.contains("<script>alert"));
    }
    for path in ["Users", "Nothing", &format!("Users/{id}")] {
        let page = browser.get(&format!("/w/acme/resources/{path}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
    }
}
