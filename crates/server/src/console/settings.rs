//! "Profile settings": general facts and members, and the tab "SCIM Configuration" with its tokens.

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use tenure_store::{
    Error, TimeUs, account,
    token::{self, Scope},
};

use super::{
    failure::Failure,
    form::{Field, Form},
    page::{self, Shell},
    visitor::{Member, Submission},
    words::{self, Badge, Moment},
};
use crate::App;

/// Microseconds of a day.
const DAY_US: i64 = 24 * 60 * 60 * 1_000_000;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/w/{workspace}/settings", get(general))
        .route("/w/{workspace}/settings/scim", get(scim).post(create))
        .route(
            "/w/{workspace}/settings/scim/{token}/revoke",
            get(ask_revoke).post(revoke),
        )
}

#[derive(Template)]
#[template(path = "settings.html")]
struct GeneralPage {
    shell: Shell,
    public_id: String,
    created: Moment,
    /// Name, e-mail, role.
    members: Vec<(String, String, &'static str)>,
}

async fn general(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let workspace = member.workspace.id;
    let members = app
        .store
        .read(move |tx| account::members(tx, workspace))
        .await?;
    let members = members
        .into_iter()
        .map(|member| {
            (
                member.account.name,
                member.account.email,
                words::role(member.role),
            )
        })
        .collect();
    page::show(&GeneralPage {
        shell: member.shell("Profile settings", "settings"),
        public_id: member.workspace.public_id.clone(),
        created: words::moment(member.workspace.created_us),
        members,
    })
}

/// A token as a row.
struct TokenRow {
    id: String,
    name: String,
    suffix: String,
    badge: Badge,
    created: Moment,
    created_by: String,
    expires: Option<Moment>,
    last_used: Option<String>,
    last_agent: String,
    revocable: bool,
    /// Tokens of the SCIM API have options and requests.
    has_page: bool,
}

fn row(token: token::Token, now_us: TimeUs) -> TokenRow {
    TokenRow {
        badge: words::token_badge(&token, now_us),
        id: token.id,
        name: token.name,
        suffix: token.suffix,
        created: words::moment(token.created_us),
        created_by: token.created_by,
        expires: token.expires_us.map(words::moment),
        last_used: token
            .last_used_us
            .map(|at_us| words::relative(now_us, at_us)),
        last_agent: token.last_agent.unwrap_or_default(),
        revocable: token.revoked_us.is_none(),
        has_page: token.scope == token::Scope::Scim,
    }
}

#[derive(Template)]
#[template(path = "scim.html")]
struct ScimPage {
    shell: Shell,
    tenant_url: String,
    tokens: Vec<TokenRow>,
    connection: Badge,
    connection_text: String,
    form: Form,
}

fn token_form() -> Form {
    Form::new(vec![
        Field::new("text", "name", "Name")
            .placeholder("Microsoft Entra ID, production")
            .help("Say who will use it, so that you know later which one to revoke.")
            .required(),
        Field::choice(
            "select",
            "expiry",
            "Expires",
            &[
                ("90", "In 90 days"),
                ("365", "In 1 year"),
                ("730", "In 2 years"),
                ("never", "Never (not recommended)"),
            ],
        )
        .value("365"),
        Field::choice(
            "select",
            "scope",
            "For",
            &[
                ("scim", "An identity provider or another SCIM client"),
                ("api", "The management API at /api/v1"),
            ],
        )
        .value("scim"),
    ])
}

async fn show_scim(
    app: &App,
    member: &Member,
    form: Form,
    status: StatusCode,
) -> Result<Response, Failure> {
    let workspace = member.workspace.id;
    let (now_us, tokens) = app
        .store
        .read(move |tx| Ok((tx.now_us(), token::list(tx, workspace)?)))
        .await?;
    let last = tokens
        .iter()
        .filter_map(|token| token.last_used_us.map(|at_us| (at_us, token.name.clone())))
        .max();
    let living = tokens.iter().any(|token| {
        matches!(
            words::token_badge(token, now_us).word,
            "Active" | "Expires soon"
        )
    });
    let (connection, connection_text) = match last {
        _ if !living => (
            Badge {
                tone: "mute",
                word: "Draft",
            },
            "No valid token: nobody can sign in to the SCIM API.".into(),
        ),
        Some((at_us, name)) => (
            Badge {
                tone: "ok",
                word: "Active",
            },
            format!(
                "Last request {} with the token {name}.",
                words::relative(now_us, at_us)
            ),
        ),
        None => (
            Badge {
                tone: "mute",
                word: "Draft",
            },
            "Waiting for the first request of your identity provider.".into(),
        ),
    };
    let page = ScimPage {
        shell: member.shell("SCIM Configuration", "settings"),
        tenant_url: format!("{}/scim", app.config.public_url),
        tokens: tokens.into_iter().map(|token| row(token, now_us)).collect(),
        connection,
        connection_text,
        form,
    };
    page::show_with(status, &page)
}

async fn scim(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    show_scim(&app, &member, token_form(), StatusCode::OK).await
}

#[derive(Template)]
#[template(path = "token.html")]
struct TokenPage {
    shell: Shell,
    name: String,
    secret: String,
    tenant_url: String,
    /// For the management API, not for SCIM.
    api: bool,
}

async fn create(State(app): State<App>, sent: Submission) -> Result<Response, Failure> {
    let Submission { member, fields } = sent;
    let mut form = token_form();
    form.fill(&fields);
    form.check_required(&fields);
    let days = match fields.raw("expiry") {
        "never" => None,
        days => match days.parse::<i64>() {
            Ok(days @ 1..=730) => Some(days),
            _ => {
                form.fail("expiry", "Choose when the token expires.");
                None
            }
        },
    };
    if form.failed() {
        return show_scim(&app, &member, form, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let scope = match fields.raw("scope") {
        "api" => Scope::Api,
        _ => Scope::Scim,
    };
    let (workspace, name) = (member.workspace.id, fields.text("name"));
    let result = app
        .store
        .write(member.actor(), move |tx| {
            let expires_us = days.map(|days| tx.now_us() + days * DAY_US);
            token::create_for(tx, workspace, scope, &name, expires_us)
        })
        .await;
    match result {
        Ok((token, secret)) => page::show(&TokenPage {
            shell: member.shell("SCIM 2.0 Bearer Token", "settings"),
            name: token.name,
            secret,
            tenant_url: match scope {
                Scope::Api => format!("{}/api/v1", app.config.public_url),
                Scope::Scim => format!("{}/scim", app.config.public_url),
            },
            api: scope == Scope::Api,
        }),
        Err(Error::Conflict(message) | Error::Invalid(message)) => {
            form.fail("name", message);
            show_scim(&app, &member, form, StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(other) => Err(other.into()),
    }
}

/// A page that asks before something that cannot be undone.
#[derive(Template)]
#[template(path = "confirm.html")]
pub(super) struct ConfirmPage {
    pub(super) shell: Shell,
    pub(super) lines: Vec<String>,
    pub(super) form: Form,
    pub(super) button: &'static str,
    pub(super) back: String,
}

async fn ask_revoke(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let (workspace, id) = (member.workspace.id, member.param("token"));
    let (now_us, tokens) = app
        .store
        .read(move |tx| Ok((tx.now_us(), token::list(tx, workspace)?)))
        .await?;
    let token = tokens
        .into_iter()
        .find(|token| token.id == id)
        .ok_or(Failure::NotFound)?;
    let used = token.last_used_us.map_or_else(
        || "It was never used.".to_owned(),
        |at_us| format!("It was last used {}.", words::relative(now_us, at_us)),
    );
    page::show(&ConfirmPage {
        shell: member.shell("Revoke token", "settings"),
        lines: vec![
            format!("The token {} (ends in {}) stops working at once. {used}", token.name, token.suffix),
            "Clients that still use it are refused until they get another token. This cannot be undone.".into(),
        ],
        form: Form::default(),
        button: "Revoke token",
        back: format!("{}/settings/scim", member.root()),
    })
}

async fn revoke(State(app): State<App>, sent: Submission) -> Result<Response, Failure> {
    let (workspace, id) = (sent.member.workspace.id, sent.member.param("token"));
    app.store
        .write(sent.member.actor(), move |tx| {
            token::revoke(tx, workspace, &id)
        })
        .await?;
    Ok(Redirect::to(&format!(
        "{}/settings/scim?notice=revoked",
        sent.member.root()
    ))
    .into_response())
}
