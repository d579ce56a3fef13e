//! Deleted users and groups, which an administrator can bring back for a while.

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use tenure_store::{
    Error, Kind,
    resource::{self, Deleted},
    setting,
};

use super::{
    directory::{self, ResourceRow},
    failure::Failure,
    form::{Field, Form},
    page::{self, Shell},
    visitor::{Member, Submission},
    words::{self, Moment},
};
use crate::App;

/// Rows of a page.
const PAGE: u32 = 50;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/w/{workspace}/deleted/{kind}", get(list))
        .route("/w/{workspace}/deleted/{kind}/keep", post(keep))
        .route("/w/{workspace}/deleted/{kind}/{id}/restore", post(restore))
}

#[derive(Template)]
#[template(path = "deleted.html")]
struct DeletedPage {
    shell: Shell,
    users: bool,
    rows: Vec<(ResourceRow, Moment)>,
    next: Option<String>,
    first_page: bool,
    days: u32,
    form: Form,
    /// Why somebody could not be brought back.
    problem: String,
}

fn kind_of(member: &Member) -> Result<Kind, Failure> {
    match member.param("kind").as_str() {
        "users" => Ok(Kind::User),
        "groups" => Ok(Kind::Group),
        _ => Err(Failure::NotFound),
    }
}

fn keep_form(days: &str) -> Form {
    Form::new(vec![
        Field::new("number", "days", "Days")
            .value(days)
            .help("0 to 3,650. After that they are removed for good.")
            .required(),
    ])
}

/// Where a page begins: time and number of the last one before it.
fn position(text: &str) -> Option<(i64, i64)> {
    let (time, rid) = text.split_once('-')?;
    Some((time.parse().ok()?, rid.parse().ok()?))
}

async fn show(
    app: &App,
    member: &Member,
    kind: Kind,
    form: Option<Form>,
    problem: String,
) -> Result<Response, Failure> {
    let workspace = member.workspace.id;
    let after = position(&member.query("after"));
    let (settings, mut found): (_, Vec<Deleted>) = app
        .store
        .read(move |tx| {
            Ok((
                setting::get(tx, workspace)?,
                resource::deleted(tx, workspace, kind, after, PAGE + 1)?,
            ))
        })
        .await?;
    let more = found.len() > PAGE as usize;
    found.truncate(PAGE as usize);
    let next = found
        .last()
        .filter(|_| more)
        .map(|last| format!("{}-{}", last.deleted_us, last.stored.rid));
    let users = kind == Kind::User;
    let (title, section) = if users {
        ("Deleted users", "users")
    } else {
        ("Deleted groups", "groups")
    };
    let failed = !problem.is_empty() || form.is_some();
    let days = settings.keep_deleted_days;
    let mut shell = member.shell(title, section);
    shell.here = format!("{}/deleted/{}", member.root(), words::kind_path(kind));
    let page = DeletedPage {
        shell,
        users,
        rows: found
            .iter()
            .map(|one| (directory::row(&one.stored), words::moment(one.deleted_us)))
            .collect(),
        next,
        first_page: after.is_none(),
        days,
        form: form.unwrap_or_else(|| keep_form(&days.to_string())),
        problem,
    };
    let status = if failed {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    page::show_with(status, &page)
}

async fn list(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let kind = kind_of(&member)?;
    show(&app, &member, kind, None, String::new()).await
}

async fn restore(State(app): State<App>, sent: Submission) -> Result<Response, Failure> {
    let member = sent.member;
    let kind = kind_of(&member)?;
    let (workspace, id) = (member.workspace.id, member.param("id"));
    let outcome = app
        .store
        .write(member.actor(), move |tx| {
            resource::restore(tx, workspace, kind, &id)
        })
        .await;
    match outcome {
        Ok(stored) => {
            let path = words::kind_path(kind);
            let to = format!("{}/{path}/{}?notice=restored", member.root(), stored.id);
            Ok(Redirect::to(&to).into_response())
        }
        Err(Error::Scim(error)) if error.status == 409 => {
            let problem = format!(
                "Not brought back: {}. Rename the other one first.",
                error.detail
            );
            show(&app, &member, kind, None, problem).await
        }
        Err(Error::Scim(error)) if error.status == 404 => Err(Failure::NotFound),
        Err(other) => Err(other.into()),
    }
}

async fn keep(State(app): State<App>, sent: Submission) -> Result<Response, Failure> {
    let Submission { member, fields } = sent;
    let kind = kind_of(&member)?;
    let mut form = keep_form(fields.raw("days"));
    let days = fields.text("days").parse::<u32>();
    let Ok(days) = days else {
        form.fail("days", "Give a whole number of days, 0 to 3,650.");
        return show(&app, &member, kind, Some(form), String::new()).await;
    };
    let workspace = member.workspace.id;
    let outcome = app
        .store
        .write(member.actor(), move |tx| {
            let mut settings = setting::get(tx, workspace)?;
            settings.keep_deleted_days = days;
            setting::set(tx, workspace, &settings)
        })
        .await;
    match outcome {
        Ok(()) => {
            let path = words::kind_path(kind);
            let to = format!("{}/deleted/{path}?notice=saved", member.root());
            Ok(Redirect::to(&to).into_response())
        }
        Err(Error::Invalid(_)) => {
            form.fail("days", "Give a whole number of days, 0 to 3,650.");
            show(&app, &member, kind, Some(form), String::new()).await
        }
        Err(other) => Err(other.into()),
    }
}
