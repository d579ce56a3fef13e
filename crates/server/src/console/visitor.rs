//! Who asks: session, membership, role; and the proof that a form was sent from our own page.

use axum::{
    RequestExt as _,
    extract::{FromRequest, FromRequestParts, RawPathParams, Request},
    http::{HeaderMap, Method, header, request::Parts},
};
use subtle::ConstantTimeEq as _;
use tenure_store::{
    Actor,
    account::{self, Account, Role},
    session,
    workspace::{self, Workspace},
};

use super::{failure::Failure, form::Fields, page, page::Shell, words};
use crate::App;

/// Most bytes of any form; the routes allow most forms less.
const FORM_BYTES: usize = crate::limits::SCHEMA_FORM_BYTES;
/// How long a session lives.
pub(super) const SESSION_LIFETIME_US: i64 = 24 * 60 * 60 * 1_000_000;

/// Name of a cookie; with https it is bound to this host by its prefix.
fn cookie_name(app: &App, name: &str) -> String {
    if secure(app) {
        format!("__Host-{name}")
    } else {
        name.to_owned()
    }
}

fn secure(app: &App) -> bool {
    app.config.public_url.starts_with("https://")
}

/// A `Set-Cookie` value; an age of 0 removes the cookie.
pub(super) fn set_cookie(app: &App, name: &str, value: &str, age_s: i64) -> String {
    let secure = if secure(app) { "; Secure" } else { "" };
    format!(
        "{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age_s}{secure}",
        cookie_name(app, name)
    )
}

/// The value of a cookie.
pub(super) fn cookie(app: &App, headers: &HeaderMap, name: &str) -> Option<String> {
    let name = cookie_name(app, name);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
}

/// Name of the session cookie.
pub(super) const SESSION: &str = "tenure_session";
/// Name of the cookie that a form without a session must repeat.
pub(super) const FORM: &str = "tenure_form";
/// Name of the cookie that holds the chosen theme.
pub(super) const THEME: &str = "tenure_theme";

/// What every page knows about the request.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    pub(super) theme: &'static str,
    pub(super) path: String,
    pub(super) query: Fields,
    pub(super) demo: bool,
    /// The double-submit value that the browser sent, if any.
    pub(super) form_cookie: Option<String>,
    session_cookie: Option<String>,
}

impl Visitor {
    fn read(parts: &Parts, app: &App) -> Self {
        let theme = match cookie(app, &parts.headers, THEME).as_deref() {
            Some("light") => "light",
            Some("dark") => "dark",
            _ => "",
        };
        Self {
            theme,
            path: parts.uri.path().to_owned(),
            query: Fields::parse(parts.uri.query().unwrap_or_default().as_bytes()),
            demo: app.config.demo,
            form_cookie: cookie(app, &parts.headers, FORM),
            session_cookie: cookie(app, &parts.headers, SESSION),
        }
    }

    pub(super) fn shell(&self, title: &str) -> Shell {
        Shell {
            theme: self.theme,
            demo: self.demo,
            here: self.path.clone(),
            notice: page::notice(self.query.raw("notice")),
            ..Shell::plain(title)
        }
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        Ok(Self::read(parts, app))
    }
}

/// A signed-in person.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) visitor: Visitor,
    pub(super) account: Account,
    pub(super) csrf: String,
    pub(super) cookie: String,
}

impl Person {
    pub(super) fn actor(&self) -> Actor {
        Actor {
            kind: "member".into(),
            id: self.account.id.clone(),
            name: self.account.name.clone(),
        }
    }

    pub(super) fn shell(&self, title: &str) -> Shell {
        Shell {
            name: self.account.name.clone(),
            email: self.account.email.clone(),
            csrf: self.csrf.clone(),
            ..self.visitor.shell(title)
        }
    }
}

impl FromRequestParts<App> for Person {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let visitor = Visitor::read(parts, app);
        let next = if parts.method == Method::GET {
            parts
                .uri
                .path_and_query()
                .map(ToString::to_string)
                .unwrap_or_default()
        } else {
            String::new()
        };
        let Some(cookie) = visitor.session_cookie.clone() else {
            return Err(Failure::SignIn { next });
        };
        let value = cookie.clone();
        let found = app
            .store
            .read(move |tx| {
                let Some(session) = session::find(tx, &value)? else {
                    return Ok(None);
                };
                let account = account::get(tx, &session.account_id)?;
                Ok(account.map(|account| (session, account)))
            })
            .await?;
        let (session, account) = found.ok_or(Failure::SignIn { next })?;
        Ok(Self {
            visitor,
            account,
            csrf: session.csrf,
            cookie,
        })
    }
}

/// A signed-in person as a member of the workspace that the path names.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) person: Person,
    pub(super) workspace: Workspace,
    pub(super) role: Role,
    params: Vec<(String, String)>,
}

impl Member {
    /// A parameter of the path; empty when the route has none of that name.
    pub(super) fn param(&self, name: &str) -> String {
        self.params
            .iter()
            .find(|(key, _)| key == name)
            .map_or_else(String::new, |(_, value)| value.clone())
    }

    /// A value of the query.
    pub(super) fn query(&self, name: &str) -> String {
        self.person.visitor.query.text(name)
    }

    pub(super) fn actor(&self) -> Actor {
        self.person.actor()
    }

    /// Path of the workspace: `/w/acme`.
    pub(super) fn root(&self) -> String {
        format!("/w/{}", self.workspace.slug)
    }

    pub(super) fn can_write(&self) -> bool {
        self.role != Role::Auditor
    }

    pub(super) fn shell(&self, title: &str, section: &'static str) -> Shell {
        Shell {
            section,
            workspace: self.workspace.name.clone(),
            slug: self.workspace.slug.clone(),
            role: words::role(self.role),
            can_write: self.can_write(),
            ..self.person.shell(title)
        }
    }
}

impl FromRequestParts<App> for Member {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let person = Person::from_request_parts(parts, app).await?;
        let params = RawPathParams::from_request_parts(parts, app)
            .await
            .map_err(|_| Failure::NotFound)?;
        let params: Vec<(String, String)> = params
            .iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        let slug = params
            .iter()
            .find(|(key, _)| key == "workspace")
            .map(|(_, value)| value.clone());
        let slug = slug.ok_or(Failure::NotFound)?;
        let account_id = person.account.id.clone();
        let found = app
            .store
            .read(move |tx| {
                let Some(workspace) = workspace::find(tx, &slug)? else {
                    return Ok(None);
                };
                if workspace.slug != slug {
                    return Ok(None);
                }
                let role = account::role(tx, workspace.id, &account_id)?;
                Ok(role.map(|role| (workspace, role)))
            })
            .await?;
        let (workspace, role) = found.ok_or(Failure::NotFound)?;
        Ok(Self {
            person,
            workspace,
            role,
            params,
        })
    }
}

/// A form sent by a member who may change things.
#[derive(Debug)]
pub(super) struct Submission {
    pub(super) member: Member,
    pub(super) fields: Fields,
}

impl FromRequest<App> for Submission {
    type Rejection = Failure;

    async fn from_request(mut request: Request, app: &App) -> Result<Self, Failure> {
        let member = request.extract_parts_with_state::<Member, App>(app).await?;
        let fields = read_form(request, app).await?;
        check_token(fields.raw("csrf"), &member.person.csrf)?;
        if !member.can_write() {
            return Err(Failure::ReadOnly);
        }
        Ok(Self { member, fields })
    }
}

/// A form sent by a signed-in person outside a workspace.
#[derive(Debug)]
pub(super) struct PersonalSubmission {
    pub(super) person: Person,
    pub(super) fields: Fields,
}

impl FromRequest<App> for PersonalSubmission {
    type Rejection = Failure;

    async fn from_request(mut request: Request, app: &App) -> Result<Self, Failure> {
        let person = request.extract_parts_with_state::<Person, App>(app).await?;
        let fields = read_form(request, app).await?;
        check_token(fields.raw("csrf"), &person.csrf)?;
        Ok(Self { person, fields })
    }
}

/// A form sent before anybody is signed in: its token must equal the form cookie.
#[derive(Debug)]
pub(super) struct OpenSubmission {
    pub(super) visitor: Visitor,
    pub(super) fields: Fields,
}

impl FromRequest<App> for OpenSubmission {
    type Rejection = Failure;

    async fn from_request(mut request: Request, app: &App) -> Result<Self, Failure> {
        let visitor = request
            .extract_parts_with_state::<Visitor, App>(app)
            .await?;
        let fields = read_form(request, app).await?;
        check_token(
            fields.raw("csrf"),
            visitor.form_cookie.as_deref().unwrap_or_default(),
        )?;
        Ok(Self { visitor, fields })
    }
}

async fn read_form(request: Request, app: &App) -> Result<Fields, Failure> {
    check_origin(request.headers(), &app.config.public_url)?;
    let body = axum::body::to_bytes(request.into_body(), FORM_BYTES)
        .await
        .map_err(|_| Failure::TooLarge)?;
    Ok(Fields::parse(&body))
}

fn check_token(sent: &str, expected: &str) -> Result<(), Failure> {
    let equal = bool::from(sent.as_bytes().ct_eq(expected.as_bytes()));
    if equal && !expected.is_empty() {
        Ok(())
    } else {
        Err(Failure::Forged)
    }
}

/// A browser says by itself where a form comes from. `Sec-Fetch-Site` is missing on plain-http names, then the
/// `Origin` decides; a request with neither is not from a browser's form and is refused.
fn check_origin(headers: &HeaderMap, public_url: &str) -> Result<(), Failure> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let own = match text("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => text("origin").is_some_and(|origin| origin == words::origin(public_url)),
    };
    if own { Ok(()) } else { Err(Failure::Forged) }
}
