//! The two ways to a first account: the one-time set-up link, and signing up where the operator allows it.

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use tenure_store::{
    Actor, Error,
    account::{self, Account, Role},
    session, workspace,
};

use super::{
    failure::Failure,
    form::{Field, Fields, Form},
    page::{self, Shell},
    visitor::{self, OpenSubmission, Visitor},
};
use crate::{App, password};

/// Longest name of a person.
const NAME_CHARS: usize = 100;
/// How long the cookie of a form before sign-in lives.
const FORM_COOKIE_S: i64 = 12 * 60 * 60;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/setup", get(setup).post(set_up))
        .route("/sign-up", get(sign_up).post(signed_up))
}

/// A page with one form for a person without a session.
#[derive(Template)]
#[template(path = "sign.html")]
pub(super) struct SignPage {
    pub(super) shell: Shell,
    pub(super) lead: &'static str,
    pub(super) action: &'static str,
    pub(super) button: &'static str,
    pub(super) hidden: Vec<(&'static str, String)>,
    pub(super) form: Form,
    pub(super) foot: &'static str,
    pub(super) foot_href: &'static str,
    pub(super) foot_link: &'static str,
}

/// Shows a page for a person without a session; its form and a cookie carry the same random value.
pub(super) fn show_open(
    app: &App,
    visitor: &Visitor,
    mut page: SignPage,
    status: StatusCode,
) -> Result<Response, Failure> {
    let known = visitor
        .form_cookie
        .clone()
        .filter(|value| value.len() == 32);
    let token = match known {
        Some(token) => token,
        None => random_token()?,
    };
    page.shell.csrf.clone_from(&token);
    let mut response = page::show_with(status, &page)?;
    add_cookie(
        &mut response,
        &visitor::set_cookie(app, visitor::FORM, &token, FORM_COOKIE_S),
    )?;
    Ok(response)
}

fn random_token() -> Result<String, Failure> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| Failure::Internal(error.to_string()))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// Adds a `Set-Cookie` header.
pub(super) fn add_cookie(response: &mut Response, cookie: &str) -> Result<(), Failure> {
    let value =
        HeaderValue::from_str(cookie).map_err(|error| Failure::Internal(error.to_string()))?;
    response.headers_mut().append(header::SET_COOKIE, value);
    Ok(())
}

/// Starts a session and goes to a path.
pub(super) async fn start_session(
    app: &App,
    account: &Account,
    to: &str,
) -> Result<Response, Failure> {
    let actor = Actor {
        kind: "member".into(),
        id: account.id.clone(),
        name: account.name.clone(),
    };
    let account_id = account.id.clone();
    let (cookie, _) = app
        .store
        .write(actor, move |tx| {
            session::create(tx, &account_id, visitor::SESSION_LIFETIME_US)
        })
        .await?;
    let mut response = Redirect::to(to).into_response();
    let age_s = visitor::SESSION_LIFETIME_US / 1_000_000;
    add_cookie(
        &mut response,
        &visitor::set_cookie(app, visitor::SESSION, &cookie, age_s),
    )?;
    add_cookie(
        &mut response,
        &visitor::set_cookie(app, visitor::FORM, "", 0),
    )?;
    Ok(response)
}

fn account_form() -> Form {
    Form::new(vec![
        Field::new("email", "email", "Email")
            .autocomplete("username")
            .required(),
        Field::new("text", "name", "Your name")
            .autocomplete("name")
            .required(),
        Field::new("text", "workspace", "Workspace name")
            .autocomplete("organization")
            .help("Usually the name of your company.")
            .required(),
        Field::new("password", "password", "Password")
            .autocomplete("new-password")
            .help("At least 15 characters. A few words are fine.")
            .required(),
    ])
}

fn sign_up_page(visitor: &Visitor, form: Form) -> SignPage {
    SignPage {
        shell: visitor.shell("Sign up for a workspace"),
        lead: "You become the owner of a new workspace.",
        action: "/sign-up",
        button: "Create workspace",
        hidden: Vec::new(),
        form,
        foot: "Have an account?",
        foot_href: "/sign-in",
        foot_link: "Sign in",
    }
}

fn setup_page(visitor: &Visitor, token: &str, form: Form) -> SignPage {
    SignPage {
        shell: visitor.shell("Set up this server"),
        lead: "Create the first account and its workspace. The link that brought you here works once.",
        action: "/setup",
        button: "Create workspace",
        hidden: vec![("token", token.to_owned())],
        form,
        foot: "",
        foot_href: "",
        foot_link: "",
    }
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage {
    shell: Shell,
    text: &'static str,
    href: &'static str,
    link: &'static str,
}

fn setup_refused(visitor: &Visitor, done: bool) -> Result<Response, Failure> {
    let (title, text) = if done {
        (
            "This server is already set up",
            "The set-up link has been used. Sign in with your account.",
        )
    } else {
        (
            "This link does not work any more",
            "A set-up link works once and for a limited time. Start the server again: as long as no account exists it prints a new link.",
        )
    };
    let page = MessagePage {
        shell: visitor.shell(title),
        text,
        href: "/sign-in",
        link: "Sign in",
    };
    page::show_with(StatusCode::GONE, &page)
}

async fn setup(State(app): State<App>, visitor: Visitor) -> Result<Response, Failure> {
    let token = visitor.query.text("token");
    let asked = token.clone();
    let (accounts, valid) = app
        .store
        .read(move |tx| Ok((account::count(tx)?, session::setup_valid(tx, &asked)?)))
        .await?;
    if accounts > 0 || !valid {
        return setup_refused(&visitor, accounts > 0);
    }
    show_open(
        &app,
        &visitor,
        setup_page(&visitor, &token, account_form()),
        StatusCode::OK,
    )
}

async fn set_up(State(app): State<App>, sent: OpenSubmission) -> Result<Response, Failure> {
    let token = sent.fields.text("token");
    match create(&app, &sent.fields, Some(token.clone())).await? {
        Created::Done(account, slug) => start_session(&app, &account, &format!("/w/{slug}")).await,
        Created::Rejected(form) => {
            let page = setup_page(&sent.visitor, &token, form);
            show_open(&app, &sent.visitor, page, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Created::NoLink => {
            let accounts = app.store.read(account::count).await?;
            setup_refused(&sent.visitor, accounts > 0)
        }
    }
}

async fn sign_up(State(app): State<App>, visitor: Visitor) -> Result<Response, Failure> {
    if !app.config.open_sign_up {
        return Err(Failure::NotFound);
    }
    show_open(
        &app,
        &visitor,
        sign_up_page(&visitor, account_form()),
        StatusCode::OK,
    )
}

async fn signed_up(State(app): State<App>, sent: OpenSubmission) -> Result<Response, Failure> {
    if !app.config.open_sign_up {
        return Err(Failure::NotFound);
    }
    match create(&app, &sent.fields, None).await? {
        Created::Done(account, slug) => start_session(&app, &account, &format!("/w/{slug}")).await,
        Created::Rejected(form) => {
            let page = sign_up_page(&sent.visitor, form);
            show_open(&app, &sent.visitor, page, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Created::NoLink => Err(Failure::NotFound),
    }
}

enum Created {
    Done(Account, String),
    Rejected(Form),
    /// The set-up link was not valid when it was to be used up.
    NoLink,
}

/// What the transaction found.
enum Outcome {
    Done(Account, String),
    EmailTaken,
    NoLink,
}

fn check(fields: &Fields) -> Form {
    let mut form = account_form();
    form.fill(fields);
    form.check_required(fields);
    let (email, name) = (fields.text("email"), fields.text("name"));
    let (local, domain) = email.split_once('@').unwrap_or_default();
    if !email.is_empty()
        && (local.is_empty() || domain.is_empty() || email.chars().any(char::is_whitespace))
    {
        form.fail(
            "email",
            "This is not an e-mail address. It should look like name@example.com.",
        );
    }
    if email.len() > 254 {
        form.fail("email", "An e-mail address has at most 254 characters.");
    }
    if name.chars().count() > NAME_CHARS {
        form.fail("name", "A name has at most 100 characters.");
    }
    let password = fields.raw("password");
    if !password.is_empty()
        && let Err(message) = password::check_rules(password, &email, &fields.text("workspace"))
    {
        form.fail("password", message);
    }
    form
}

/// Creates account and workspace in one transaction; a set-up token is used up in the same one.
async fn create(app: &App, fields: &Fields, setup: Option<String>) -> Result<Created, Failure> {
    let mut form = check(fields);
    if form.failed() {
        return Ok(Created::Rejected(form));
    }
    let hash = password::hash(fields.raw("password").to_owned())
        .await
        .map_err(|error| Failure::Internal(error.to_string()))?;
    let (email, name, workspace) = (
        fields.text("email"),
        fields.text("name"),
        fields.text("workspace"),
    );
    let actor = Actor {
        kind: "member".into(),
        id: String::new(),
        name: name.clone(),
    };
    let result = app
        .store
        .write(actor, move |tx| {
            if let Some(token) = &setup
                && (account::count(tx)? > 0 || !session::use_setup(tx, token)?)
            {
                return Ok(Outcome::NoLink);
            }
            if account::by_email(tx, &email)?.is_some() {
                return Ok(Outcome::EmailTaken);
            }
            let workspace = workspace::create(tx, &workspace)?;
            let account = account::create(tx, &email, &name, &hash)?;
            account::join(tx, workspace.id, &account.id, Role::Owner)?;
            Ok(Outcome::Done(account, workspace.slug))
        })
        .await;
    match result {
        Ok(Outcome::Done(account, slug)) => return Ok(Created::Done(account, slug)),
        Ok(Outcome::NoLink) => return Ok(Created::NoLink),
        Ok(Outcome::EmailTaken) => {
            form.fail(
                "email",
                "This address cannot be used for a new account. If it is yours, sign in instead.",
            );
        }
        Err(Error::Conflict(message) | Error::Invalid(message)) => form.fail("workspace", message),
        Err(other) => return Err(other.into()),
    }
    Ok(Created::Rejected(form))
}
