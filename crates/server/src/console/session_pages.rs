//! Signing in and out, choosing a workspace, the theme, and addresses that other tutorials use.

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use tenure_store::{Actor, account, session};

use super::{
    entry::{self, SignPage},
    failure::Failure,
    form::{Field, Form},
    page::{self, Shell},
    visitor::{self, OpenSubmission, Person, PersonalSubmission, Visitor},
    words,
};
use crate::{App, password};

/// Failures before sign-ins are delayed.
const FREE_FAILURES: u32 = 5;
/// Longest delay after a failure.
const MAX_DELAY_S: i64 = 15 * 60;
/// The one text for every cause, so that it tells nobody which addresses have an account.
const WRONG: &str = "Email or password is wrong.";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(root))
        .route("/workspaces", get(workspaces))
        .route("/sign-in", get(sign_in).post(signed_in))
        .route("/sign-out", post(sign_out))
        .route("/theme", post(theme))
        .route("/profile", get(settings))
        .route("/profile/settings", get(settings))
        .route("/settings", get(settings))
}

fn form() -> Form {
    Form::new(vec![
        Field::new("email", "email", "Email")
            .autocomplete("username")
            .required(),
        Field::new("password", "password", "Password")
            .autocomplete("current-password")
            .required(),
    ])
}

fn sign_in_page(app: &App, visitor: &Visitor, next: String, form: Form) -> SignPage {
    let (foot, foot_href, foot_link) = if app.config.open_sign_up {
        ("No account?", "/sign-up", "Sign up for a workspace")
    } else {
        ("", "", "")
    };
    SignPage {
        shell: visitor.shell("Sign in"),
        lead: "",
        action: "/sign-in",
        button: "Sign in",
        hidden: vec![("next", next)],
        form,
        foot,
        foot_href,
        foot_link,
    }
}

/// A path on this server, or `/`.
fn safe_path(next: &str) -> &str {
    let local = next.starts_with('/')
        && !next.starts_with("//")
        && next
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if local { next } else { "/" }
}

async fn sign_in(State(app): State<App>, visitor: Visitor) -> Result<Response, Failure> {
    let next = safe_path(visitor.query.raw("next")).to_owned();
    entry::show_open(
        &app,
        &visitor,
        sign_in_page(&app, &visitor, next, form()),
        StatusCode::OK,
    )
}

/// Seconds until the next try is looked at.
fn delay_s(failures: u32, last_us: i64, now_us: i64) -> i64 {
    let Some(steps) = failures.checked_sub(FREE_FAILURES) else {
        return 0;
    };
    let delay_s = 1_i64
        .checked_shl(steps.min(20))
        .map_or(MAX_DELAY_S, |delay_s| delay_s.min(MAX_DELAY_S));
    let passed_s = (now_us - last_us).max(0) / 1_000_000;
    (delay_s - passed_s).max(0)
}

async fn signed_in(State(app): State<App>, sent: OpenSubmission) -> Result<Response, Failure> {
    let mut form = form();
    form.fill(&sent.fields);
    form.check_required(&sent.fields);
    let (email, next) = (
        sent.fields.text("email"),
        safe_path(sent.fields.raw("next")).to_owned(),
    );
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    if !form.failed() {
        let asked = email.clone();
        let (wait_s, account) = app
            .store
            .read(move |tx| {
                let (failures, last_us) = account::sign_in_failures(tx, &asked)?;
                Ok((
                    delay_s(failures, last_us, tx.now_us()),
                    account::by_email(tx, &asked)?,
                ))
            })
            .await?;
        if wait_s > 0 {
            status = StatusCode::TOO_MANY_REQUESTS;
            form.fail(
                "",
                format!("Too many tries. Wait {wait_s} s and try again."),
            );
        } else {
            let typed = sent.fields.raw("password").to_owned();
            let right = match &account {
                Some(account) => password::verify(account.password_hash.clone(), typed).await,
                None => password::verify_nobody(typed).await,
            };
            match account.filter(|_| right) {
                Some(account) => {
                    let known = email.clone();
                    app.store
                        .write(Actor::system(), move |tx| {
                            account::sign_in_succeeded(tx, &known)
                        })
                        .await?;
                    return entry::start_session(&app, &account, &next).await;
                }
                None => {
                    app.store
                        .write(Actor::system(), move |tx| {
                            account::sign_in_failed(tx, &email)
                        })
                        .await?;
                    form.fail("", WRONG);
                }
            }
        }
    }
    entry::show_open(
        &app,
        &sent.visitor,
        sign_in_page(&app, &sent.visitor, next, form),
        status,
    )
}

async fn sign_out(State(app): State<App>, sent: PersonalSubmission) -> Result<Response, Failure> {
    let cookie = sent.person.cookie.clone();
    app.store
        .write(sent.person.actor(), move |tx| session::end(tx, &cookie))
        .await?;
    let mut response = Redirect::to("/sign-in?notice=signed-out").into_response();
    entry::add_cookie(
        &mut response,
        &visitor::set_cookie(&app, visitor::SESSION, "", 0),
    )?;
    Ok(response)
}

async fn theme(State(app): State<App>, sent: PersonalSubmission) -> Result<Response, Failure> {
    let value = match sent.fields.raw("theme") {
        "light" => "light",
        "dark" => "dark",
        _ => "system",
    };
    let mut response = Redirect::to(safe_path(sent.fields.raw("next"))).into_response();
    entry::add_cookie(
        &mut response,
        &visitor::set_cookie(&app, visitor::THEME, value, 365 * 24 * 60 * 60),
    )?;
    Ok(response)
}

/// Name, slug and role of the person's workspaces.
async fn memberships(
    app: &App,
    person: &Person,
) -> Result<Vec<(String, String, &'static str)>, Failure> {
    let account_id = person.account.id.clone();
    let found = app
        .store
        .read(move |tx| account::workspaces(tx, &account_id))
        .await?;
    Ok(found
        .into_iter()
        .map(|(workspace, role)| (workspace.name, workspace.slug, words::role(role)))
        .collect())
}

/// With one workspace there is nothing to choose.
async fn go(app: &App, person: &Person, below: &str) -> Result<Response, Failure> {
    let found = memberships(app, person).await?;
    let to = match found.as_slice() {
        [(_, slug, _)] => format!("/w/{slug}{below}"),
        _ => "/workspaces".into(),
    };
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response())
}

async fn root(State(app): State<App>, person: Person) -> Result<Response, Failure> {
    go(&app, &person, "").await
}

async fn settings(State(app): State<App>, person: Person) -> Result<Response, Failure> {
    go(&app, &person, "/settings").await
}

#[derive(Template)]
#[template(path = "workspaces.html")]
struct WorkspacesPage {
    shell: Shell,
    workspaces: Vec<(String, String, &'static str)>,
}

async fn workspaces(State(app): State<App>, person: Person) -> Result<Response, Failure> {
    let workspaces = memberships(&app, &person).await?;
    page::show(&WorkspacesPage {
        shell: person.shell("Choose a workspace"),
        workspaces,
    })
}

#[cfg(test)]
mod tests {
    use super::{delay_s, safe_path};

    #[test]
    fn only_own_paths_are_followed() {
        let check = |next: &str, expected: &str| assert_eq!(safe_path(next), expected, "{next}");
        check("/w/acme?a=b", "/w/acme?a=b");
        check("//evil.test", "/");
        check("/\\evil.test", "/");
        check("https://evil.test", "/");
        check("/a\r\nX: y", "/");
        check("", "/");
    }

    #[test]
    fn the_delay_grows_from_the_fifth_failure() {
        let check = |failures: u32, expected_s: i64| {
            assert_eq!(delay_s(failures, 0, 0), expected_s, "{failures}");
        };
        check(4, 0);
        check(5, 1);
        check(6, 2);
        check(10, 32);
        check(40, 900);
        assert_eq!(delay_s(10, 0, 32_000_000), 0);
    }
}
