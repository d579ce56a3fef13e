//! The console as a browser sees it: the real router over a store in memory.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{Request, Response, StatusCode, header},
};
use http_body_util::BodyExt as _;
use serde_json::json;
use tenure_egress::{Egress, Policy};
use tenure_engine::Engine;
use tenure_store::{
    Actor, Kind, Store, account, account::Role, application, assignment, resource, workspace,
};
use tower::ServiceExt as _;

use crate::{App, Config};

mod credentials;
mod directory;
mod entra;
mod gallery;
mod logs;
mod notifications;
mod requests;

const URL: &str = "http://127.0.0.1:8080";
const PASSWORD: &str = "five calm otters swim";

fn app() -> App {
    let store = Store::open_in_memory().unwrap();
    let engine = Engine::new(store.clone(), Egress::new(Policy::AllowPrivate));
    let config = Config {
        public_url: URL.into(),
        open_sign_up: true,
        ..Config::default()
    };
    App {
        store,
        engine,
        config: Arc::new(config),
    }
}

/// What came back.
struct Page {
    status: StatusCode,
    location: String,
    cache: String,
    html: String,
}

/// A browser with cookies.
struct Browser {
    router: Router,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    fn new(app: &App) -> Self {
        Self {
            router: crate::router(app.clone()),
            cookies: BTreeMap::new(),
        }
    }

    async fn send(&mut self, mut request: Request<Body>) -> Page {
        let pairs: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if !pairs.is_empty() {
            request
                .headers_mut()
                .insert(header::COOKIE, pairs.join("; ").parse().unwrap());
        }
        let response: Response<Body> = self.router.clone().oneshot(request).await.unwrap();
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.into(), value.into());
        }
        let text = |name: header::HeaderName| {
            response
                .headers()
                .get(name)
                .map_or(String::new(), |value| value.to_str().unwrap().to_owned())
        };
        let (status, location, cache) = (
            response.status(),
            text(header::LOCATION),
            text(header::CACHE_CONTROL),
        );
        let body = response.into_body().collect().await.unwrap().to_bytes();
        Page {
            status,
            location,
            cache,
            html: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    async fn get(&mut self, path: &str) -> Page {
        self.send(Request::get(path).body(Body::empty()).unwrap())
            .await
    }

    /// Sends a form as our own page would, with whatever token is given.
    async fn post_with(&mut self, path: &str, csrf: &str, fields: &[(&str, &str)]) -> Page {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("csrf", csrf).extend_pairs(fields);
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ORIGIN, URL)
            .body(Body::from(form.finish()))
            .unwrap();
        self.send(request).await
    }

    /// Loads a page, takes its token and sends a form to `path`.
    async fn post(&mut self, page: &str, path: &str, fields: &[(&str, &str)]) -> Page {
        let html = self.get(page).await.html;
        let csrf = html
            .split("name=\"csrf\" value=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        self.post_with(path, csrf.unwrap_or_default(), fields).await
    }

    async fn sign_up(&mut self, email: &str, workspace: &str) -> Page {
        let fields = [
            ("email", email),
            ("name", "Dana <b>Whitfield"),
            ("workspace", workspace),
            ("password", PASSWORD),
        ];
        self.post("/sign-up", "/sign-up", &fields).await
    }
}

/// A workspace with a user, a group, an application and an assignment whose names are markup.
async fn furnish(app: &App, slug: &'static str) -> (String, String, String) {
    app.store
        .write(Actor::system(), move |tx| {
            let workspace = workspace::find(tx, slug)?.unwrap().id;
            let user = json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "userName": "ada@acme.test", "displayName": "<script>alert(1)</script>", "active": true,
            });
            let group = json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
                "displayName": "<script>alert(2)</script>",
            });
            let user = resource::create(tx, workspace, Kind::User, user.as_object().unwrap(), &[])?;
            let group = resource::create(tx, workspace, Kind::Group, group.as_object().unwrap(), &[])?;
            let config = serde_json::to_string(&tenure_plan::gallery::template("exium").unwrap().config).unwrap();
            let name = "<script>alert(3)</script>";
            let application = application::create(tx, workspace, name, "exium", "", None, &config)?;
            assignment::add(tx, workspace, application.key, user.rid)?;
            Ok((user.id, group.id, application.id))
        })
        .await
        .unwrap()
}

/// Every page below `/w/{slug}`.
fn pages(slug: &str, (user, group, app): &(String, String, String)) -> Vec<String> {
    let below = [
        String::new(),
        "/help".into(),
        "/settings".into(),
        "/settings/scim".into(),
        "/settings/requests?status=error".into(),
        "/settings/requests/options".into(),
        "/users".into(),
        format!("/users/{user}"),
        format!("/users/{user}?tab=groups"),
        format!("/users/{user}?tab=apps"),
        format!("/users/{user}?tab=scim"),
        "/groups".into(),
        "/deleted/users".into(),
        "/deleted/groups".into(),
        "/settings/schemas".into(),
        "/settings/notifications".into(),
        format!("/groups/{group}"),
        format!("/groups/{group}?tab=scim"),
        "/apps".into(),
        "/gallery".into(),
        "/gallery/exium".into(),
        "/gallery/aws-iam-identity-center".into(),
        "/gallery?q=%3Cscript%3Ealert(1)&letter=%23&page=99999999999999999999".into(),
        format!("/apps/{app}"),
        format!("/apps/{app}/delete"),
        format!("/apps/{app}/assignments?q=ada"),
        format!("/apps/{app}/provisioning"),
        format!("/apps/{app}/provisioning/status"),
        format!("/apps/{app}/provisioning/restart"),
        format!("/apps/{app}/provisioning/mappings"),
        format!("/apps/{app}/provisioning/mappings/entra"),
        format!("/apps/{app}/provisioning/on-demand"),
        format!("/apps/{app}/provisioning/logs?status=failure"),
        format!("/apps/{app}/provisioning/cycles"),
        format!("/apps/{app}/why/users/{user}"),
        format!("/apps/{app}/why/groups/{group}"),
        "/logs".into(),
        "/logs?q=%3Cscript%3Ealert(1)&from=%3Cscript%3Ealert(1)".into(),
        "/logs/options".into(),
        "/audit?verify=yes".into(),
    ];
    below
        .iter()
        .map(|path| format!("/w/{slug}{path}"))
        .collect()
}

#[tokio::test]
async fn every_page_opens_and_escapes_what_it_shows() {
    let app = app();
    let mut browser = Browser::new(&app);
    let page = browser.sign_up("dana@acme.test", "Acme").await;
    assert_eq!(
        (page.status, page.location.as_str()),
        (StatusCode::SEE_OTHER, "/w/acme")
    );
    let ids = furnish(&app, "acme").await;
    for path in pages("acme", &ids) {
        let page = browser.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.html);
        assert_eq!(page.cache, "no-store", "{path}");
        assert!(
            !page.html.contains("<script>alert"),
            "{path} shows a name as markup"
        );
        assert!(
            !page.html.contains("<b>Whitfield"),
            "{path} shows a name as markup"
        );
        assert!(!page.html.contains(" style="), "{path} has inline style");
    }
    let users = browser.get("/w/acme/users").await.html;
    assert!(users.contains("alert(1)"), "the user is on the list");
}

#[tokio::test]
async fn foreign_and_unknown_things_look_the_same() {
    let app = app();
    let (mut dana, mut eve) = (Browser::new(&app), Browser::new(&app));
    dana.sign_up("dana@acme.test", "Acme").await;
    eve.sign_up("eve@evil.test", "Evil").await;
    let ids = furnish(&app, "acme").await;
    let unknown = eve.get("/w/nowhere").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    for path in pages("acme", &ids).iter().chain(&pages("evil", &ids)) {
        let own = path.starts_with("/w/evil")
            && !path.contains(&ids.0)
            && !path.contains(&ids.1)
            && !path.contains(&ids.2);
        if own {
            continue;
        }
        let page = eve.get(path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(page.html, unknown.html, "{path}");
    }
}

#[tokio::test]
async fn forms_need_their_token_and_their_origin() {
    let app = app();
    let mut browser = Browser::new(&app);
    let page = browser.post_with("/sign-up", "", &[]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    browser.sign_up("dana@acme.test", "Acme").await;
    for csrf in ["", "wrong"] {
        let page = browser
            .post_with(
                "/w/acme/settings/scim",
                csrf,
                &[("name", "x"), ("expiry", "90")],
            )
            .await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
    }
    let html = browser.get("/w/acme/settings/scim").await.html;
    let csrf = html
        .split("name=\"csrf\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let check = [
        ("sec-fetch-site", "cross-site"),
        ("origin", "http://evil.test"),
        ("x-nothing", ""),
    ];
    for (name, value) in check {
        let request = Request::post("/w/acme/settings/scim")
            .header(name, value)
            .body(Body::from(format!("csrf={csrf}&name=x&expiry=90")))
            .unwrap();
        assert_eq!(
            browser.send(request).await.status,
            StatusCode::FORBIDDEN,
            "{name}: {value}"
        );
    }
    assert!(
        !browser
            .get("/w/acme/settings/scim")
            .await
            .html
            .contains("ends in"),
        "no token was made"
    );
}

#[tokio::test]
async fn a_token_is_shown_once() {
    let app = app();
    let mut browser = Browser::new(&app);
    browser.sign_up("dana@acme.test", "Acme").await;
    let path = "/w/acme/settings/scim";
    let empty = browser
        .post(path, path, &[("name", " "), ("expiry", "90")])
        .await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(empty.html.contains("Name is missing."));
    let page = browser
        .post(path, path, &[("name", "Entra"), ("expiry", "365")])
        .await;
    assert_eq!(
        (page.status, page.cache.as_str()),
        (StatusCode::OK, "no-store")
    );
    let secret = page
        .html
        .split("data-test=\"token-value\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    assert!(secret.starts_with("tnr_scim_"), "{secret}");
    let api = browser
        .post(
            path,
            path,
            &[("name", "CI"), ("expiry", "90"), ("scope", "api")],
        )
        .await;
    assert!(api.html.contains("value=\"tnr_api_") && api.html.contains("/api/v1"));
    let list = browser.get(path).await.html;
    assert!(list.contains("Entra") && !list.contains(secret));
    let id = list
        .split("/settings/scim/")
        .find_map(|rest| rest.split_once("/revoke"))
        .unwrap()
        .0
        .to_owned();
    let revoke = format!("{path}/{id}/revoke");
    assert_eq!(
        browser.post(&revoke, &revoke, &[]).await.status,
        StatusCode::SEE_OTHER
    );
    assert!(browser.get(path).await.html.contains("Revoked"));
}

#[tokio::test]
async fn an_auditor_looks_but_does_not_change() {
    let app = app();
    let (mut dana, mut ada) = (Browser::new(&app), Browser::new(&app));
    dana.sign_up("dana@acme.test", "Acme").await;
    ada.sign_up("ada@other.test", "Other").await;
    let ids = furnish(&app, "acme").await;
    app.store
        .write(Actor::system(), |tx| {
            let workspace = workspace::find(tx, "acme")?.unwrap().id;
            let ada = account::by_email(tx, "ada@other.test")?.unwrap();
            account::join(tx, workspace, &ada.id, Role::Auditor)
        })
        .await
        .unwrap();
    for path in pages("acme", &ids) {
        assert_eq!(ada.get(&path).await.status, StatusCode::OK, "{path}");
    }
    let app_root = format!("/w/acme/apps/{}", ids.2);
    let actions = [
        "/delete",
        "/assignments",
        "/assignments/remove",
        "/provisioning/credentials",
        "/provisioning/test",
    ];
    let more = [
        "/provisioning/settings",
        "/provisioning/run",
        "/provisioning/restart",
        "/provisioning/mappings",
        "/provisioning/mappings/entra",
    ];
    let paths = actions
        .iter()
        .chain(&more)
        .map(|below| format!("{app_root}{below}"));
    for path in paths.chain([
        "/w/acme/settings/scim".into(),
        "/w/acme/settings/scim/tok_x".into(),
        "/w/acme/settings/requests/options".into(),
        "/w/acme/gallery/exium".into(),
    ]) {
        let page = ada
            .post("/w/acme", &path, &[("name", "x"), ("expiry", "90")])
            .await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
        assert!(page.html.contains("Auditor"), "{path} says why");
    }
}

#[tokio::test]
async fn signing_in_says_one_thing_and_slows_down() {
    let app = app();
    Browser::new(&app).sign_up("dana@acme.test", "Acme").await;
    let mut browser = Browser::new(&app);
    let page = browser.get("/w/acme/users?q=a").await;
    assert_eq!(page.location, "/sign-in?next=%2Fw%2Facme%2Fusers%3Fq%3Da");
    let right = [
        ("email", "DANA@acme.test"),
        ("password", PASSWORD),
        ("next", "/w/acme/users?q=a"),
    ];
    let page = browser.post("/sign-in", "/sign-in", &right).await;
    assert_eq!(
        (page.status, page.location.as_str()),
        (StatusCode::SEE_OTHER, "/w/acme/users?q=a")
    );
    let out = browser.post("/w/acme", "/sign-out", &[]).await;
    assert_eq!(out.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.get("/w/acme").await.status, StatusCode::SEE_OTHER);
    for email in ["dana@acme.test", "nobody@acme.test"] {
        let page = browser
            .post(
                "/sign-in",
                "/sign-in",
                &[("email", email), ("password", "wrong")],
            )
            .await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.html.contains("Email or password is wrong."));
    }
    app.store
        .write(Actor::system(), |tx| {
            (0..10).try_for_each(|_| account::sign_in_failed(tx, "dana@acme.test"))
        })
        .await
        .unwrap();
    let page = browser.post("/sign-in", "/sign-in", &right).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn the_set_up_link_works_once_and_only_by_post() {
    let app = app();
    let token = app
        .store
        .write(Actor::system(), |tx| {
            tenure_store::session::create_setup(tx, 60_000_000)
        })
        .await
        .unwrap();
    let mut browser = Browser::new(&app);
    assert_eq!(
        browser.get("/setup?token=tnr_setup_wrong").await.status,
        StatusCode::GONE
    );
    let path = format!("/setup?token={token}");
    for _ in 0..2 {
        assert_eq!(browser.get(&path).await.status, StatusCode::OK);
    }
    let weak = [
        ("token", token.as_str()),
        ("email", "a@b.test"),
        ("name", "A"),
        ("workspace", "Acme"),
        ("password", "short"),
    ];
    let page = browser.post(&path, "/setup", &weak).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        page.html.contains("value=\"a@b.test\""),
        "typed input is kept"
    );
    let good = [
        ("token", token.as_str()),
        ("email", "a@b.test"),
        ("name", "A"),
        ("workspace", "Acme"),
        ("password", PASSWORD),
    ];
    assert_eq!(
        browser.post(&path, "/setup", &good).await.location,
        "/w/acme"
    );
    assert_eq!(browser.get(&path).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn mappings_are_checked_before_they_are_stored() {
    let app = app();
    let mut browser = Browser::new(&app);
    browser.sign_up("dana@acme.test", "Acme").await;
    let (.., id) = furnish(&app, "acme").await;
    let path = format!("/w/acme/apps/{id}/provisioning/mappings");
    let mut config = tenure_plan::gallery::template("exium").unwrap().config;
    config.interval_minutes = 30;
    let good = serde_json::to_string(&config).unwrap();
    config.users.mappings[0].source = tenure_plan::config::Source::Expression("Join(".into());
    let broken = serde_json::to_string(&config).unwrap();
    for text in ["{", broken.as_str()] {
        let page = browser
            .post(&path, &path, &[("version", "1"), ("config", text)])
            .await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
    }
    let page = browser
        .post(&path, &path, &[("version", "1"), ("config", &good)])
        .await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    let stale = browser
        .post(
            &path,
            &path,
            &[("version", "1"), ("config", &good.replace("30", "20"))],
        )
        .await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn assets_are_immutable_under_their_hash() {
    let app = app();
    let mut browser = Browser::new(&app);
    for name in ["app.css", "app.js", "icon.svg"] {
        let page = browser.get(super::assets::url(name)).await;
        assert_eq!(page.status, StatusCode::OK, "{name}");
        assert!(page.cache.contains("immutable"), "{name}");
    }
    assert_eq!(
        browser.get("/assets/0000000000000000/app.css").await.status,
        StatusCode::NOT_FOUND
    );
}
