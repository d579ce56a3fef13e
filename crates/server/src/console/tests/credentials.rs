//! The form "Admin Credentials" with every method of authentication.

use super::*;
use axum::{Form, extract::State, http::HeaderMap, routing};
use std::sync::{Mutex, PoisonError};
use tenure_store::application::{
    Application, Authentication, ClientAuthentication, ClientCredentials,
};

/// What was asked: the path and the header `Authorization`.
type Asked = Arc<Mutex<Vec<(String, String)>>>;

/// A target that lets in with the access token of its token endpoint, or with `ada:pass word`.
async fn target() -> (String, Asked) {
    async fn token(
        State(asked): State<Asked>,
        Form(form): Form<BTreeMap<String, String>>,
    ) -> (StatusCode, String) {
        let secret = form.get("client_secret").cloned().unwrap_or_default();
        note(&asked, "token", &secret);
        if secret == "client-secret" {
            (
                StatusCode::OK,
                json!({ "access_token": "fresh", "expires_in": 60 }).to_string(),
            )
        } else {
            let error = json!({ "error": "invalid_client", "error_description": secret });
            (StatusCode::UNAUTHORIZED, error.to_string())
        }
    }
    async fn users(State(asked): State<Asked>, headers: HeaderMap) -> (StatusCode, String) {
        let shown = headers
            .get("authorization")
            .map_or("", |value| value.to_str().unwrap());
        note(&asked, "scim", shown);
        // base64 of `ada:pass word`
        if ["Bearer fresh", "Basic YWRhOnBhc3Mgd29yZA=="].contains(&shown) {
            (
                StatusCode::OK,
                json!({ "totalResults": 0, "Resources": [] }).to_string(),
            )
        } else {
            (StatusCode::UNAUTHORIZED, "{}".to_owned())
        }
    }
    fn note(asked: &Asked, path: &str, shown: &str) {
        asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((path.to_owned(), shown.to_owned()));
    }
    let asked = Asked::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new()
        .route("/token", routing::post(token))
        .fallback(users)
        .with_state(Arc::clone(&asked));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, asked)
}

async fn stored(app: &App, id: &str) -> (Application, Option<String>) {
    let id = id.to_owned();
    app.store
        .read(move |tx| {
            let workspace = workspace::find(tx, "acme")?.unwrap().id;
            let found = application::find(tx, workspace, &id)?.unwrap();
            let secret = application::secret(tx, workspace, found.key)?;
            Ok((found, secret))
        })
        .await
        .unwrap()
}

fn asked_of(asked: &Asked) -> Vec<(String, String)> {
    std::mem::take(&mut asked.lock().unwrap())
}

#[tokio::test]
async fn every_method_is_tested_before_it_is_saved_and_never_shown() {
    let app = app();
    let mut browser = Browser::new(&app);
    browser.sign_up("dana@acme.test", "Acme").await;
    let (_, _, id) = furnish(&app, "acme").await;
    let (url, asked) = target().await;
    let page = format!("/w/acme/apps/{id}/provisioning");
    let test = format!("{page}/test");
    let (scim, token) = (format!("{url}/scim"), format!("{url}/token"));

    let basic = [
        ("tenant_url", scim.as_str()),
        ("auth_method", "basic"),
        ("user_name", "ada"),
    ];
    let missing = browser.post(&page, &test, &basic).await;
    assert_eq!(missing.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(missing.html.contains("Password is missing."));
    let with_password = [&basic[..], &[("password", "pass word")]].concat();
    let passed = browser.post(&page, &test, &with_password).await;
    assert!(
        passed.html.contains("The credentials are saved.") && !passed.html.contains("pass word")
    );
    let (application, secret) = stored(&app, &id).await;
    assert_eq!(secret.as_deref(), Some("pass word"));
    let ada = Authentication::Basic {
        user_name: "ada".to_owned(),
    };
    assert_eq!(application.authentication, ada);
    let shown = browser.get(&page).await.html;
    assert!(shown.contains("value=\"ada\"") && !shown.contains("pass word"));
    assert!(shown.contains("A password is stored and never shown."));

    // The password is not sent to another host, nor as a client secret.
    asked_of(&asked);
    let moved = [
        ("tenant_url", "http://127.0.0.1:9/scim"),
        ("auth_method", "basic"),
        ("user_name", "ada"),
    ];
    let refused = browser.post(&page, &test, &moved).await;
    assert!(
        refused
            .html
            .contains("What is stored is not sent to another address.")
    );
    let client = [
        ("tenant_url", scim.as_str()),
        ("auth_method", "client_credentials"),
        ("token_url", token.as_str()),
        ("client_id", "tenure"),
        ("client_authentication", "post"),
        ("oauth_scope", "scim"),
        ("oauth_parameters", "audience=https://scim\r\n\r\nx=a=b"),
    ];
    let missing = browser.post(&page, &test, &client).await;
    assert!(missing.html.contains("Client Secret is missing."));
    assert_eq!(asked_of(&asked), []);

    // What is wrong comes back as it was typed, and is not saved.
    let wrong = [&client[..], &[("client_secret", "wr0ng")]].concat();
    let failed = browser.post(&page, &test, &wrong).await;
    assert!(failed.html.contains("invalid_client: ***") && failed.html.contains("Access token"));
    assert!(failed.html.contains("value=\"wr0ng\"") && failed.html.contains("x=a=b"));
    assert_eq!(stored(&app, &id).await.0.authentication, ada);
    assert_eq!(asked_of(&asked), [("token".to_owned(), "wr0ng".to_owned())]);

    let right = [&client[..], &[("client_secret", " client-secret ")]].concat();
    let passed = browser.post(&page, &test, &right).await;
    assert!(passed.html.contains("The credentials are saved."));
    assert!(!passed.html.contains("client-secret") && !passed.html.contains("fresh"));
    let (application, secret) = stored(&app, &id).await;
    assert_eq!(secret.as_deref(), Some("client-secret"));
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let expected = Authentication::ClientCredentials(ClientCredentials {
        token_url: token.clone(),
        client_id: "tenure".to_owned(),
        client_authentication: ClientAuthentication::Post,
        scope: Some("scim".to_owned()),
        parameters: vec![pair("audience", "https://scim"), pair("x", "a=b")],
    });
    assert_eq!(application.authentication, expected);
    // Saving again with the fields as they are keeps it.
    let save = format!("{page}/credentials");
    let saved = browser.post(&page, &save, &client).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    let kept = stored(&app, &id).await;
    assert_eq!((kept.0.authentication, kept.1), (expected, secret));
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_told_at_its_field() {
    let app = app();
    let mut browser = Browser::new(&app);
    browser.sign_up("dana@acme.test", "Acme").await;
    let (_, _, id) = furnish(&app, "acme").await;
    let page = format!("/w/acme/apps/{id}/provisioning");
    let save = format!("{page}/credentials");
    let url = ("tenant_url", "https://app.example/scim");
    let client = |more: &[(&'static str, &'static str)]| {
        let mut fields = vec![
            url,
            ("auth_method", "client_credentials"),
            ("client_secret", "s"),
        ];
        fields.extend_from_slice(more);
        fields
    };
    let (id_field, token) = (("client_id", "c"), ("token_url", "https://login.example"));
    for (fields, expected) in [
        (
            vec![url, ("auth_method", "basic"), ("password", "p")],
            "User Name is missing.",
        ),
        (
            vec![
                url,
                ("auth_method", "basic"),
                ("password", "p"),
                ("user_name", "a:b"),
            ],
            "the user name must not contain a colon.",
        ),
        (client(&[id_field]), "Token URL is missing."),
        (client(&[token]), "Client ID is missing."),
        (
            client(&[id_field, ("token_url", "ftp://x")]),
            "The Token URL begins with https://.",
        ),
        (
            client(&[id_field, ("token_url", "https://a:b@login.example")]),
            "The Token URL must not contain a user name",
        ),
        (
            client(&[id_field, token, ("oauth_parameters", "audience")]),
            "Each line is a name, an equals sign and a value.",
        ),
        (
            client(&[id_field, token, ("oauth_parameters", "client_secret=x")]),
            "the extra parameter client_secret has a field of its own.",
        ),
    ] {
        let answer = browser.post(&page, &save, &fields).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{fields:?}"
        );
        assert!(answer.html.contains(expected), "{fields:?}: {expected}");
    }
    assert!(!stored(&app, &id).await.0.has_secret);
}
