//! The gallery of applications and adding one of them.

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use tenure_plan::gallery::{self, Template as Entry};
use tenure_store::{Error, application};

use super::{
    failure::Failure,
    form::{Field, Fields, Form},
    page::{self, Shell},
    visitor::{Member, Submission},
};
use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/w/{workspace}/gallery", get(list))
        .route("/w/{workspace}/gallery/{entry}", get(entry).post(add))
}

#[derive(Template)]
#[template(path = "gallery.html")]
struct GalleryPage {
    shell: Shell,
    q: String,
    entries: Vec<Entry>,
}

async fn list(member: Member) -> Result<Response, Failure> {
    let q = member.query("q");
    let words = q.to_lowercase();
    let entries = gallery::templates()
        .into_iter()
        .filter(|entry| {
            // The custom application fits every search: there is always a way on.
            entry.id == "custom"
                || entry.name.to_lowercase().contains(&words)
                || entry.description.to_lowercase().contains(&words)
        })
        .collect();
    page::show(&GalleryPage {
        shell: member.shell("Gallery", "gallery"),
        q,
        entries,
    })
}

#[derive(Template)]
#[template(path = "entry_detail.html")]
struct EntryPage {
    shell: Shell,
    entry: Entry,
    form: Form,
}

fn form(entry: &Entry) -> Form {
    let name = if entry.id == "custom" { "" } else { entry.name };
    Form::new(vec![
        Field::new("text", "name", "Name")
            .value(name)
            .placeholder("Northwind Payroll")
            .help("How the application is called in this workspace.")
            .required(),
    ])
}

async fn entry(member: Member) -> Result<Response, Failure> {
    let entry = gallery::template(&member.param("entry")).ok_or(Failure::NotFound)?;
    let form = form(&entry);
    page::show(&EntryPage {
        shell: member.shell(entry.name, "gallery"),
        entry,
        form,
    })
}

/// What is wrong with a name, as far as the store does not say it.
fn check(entry: &Entry, fields: &Fields) -> Form {
    let mut form = form(entry);
    form.fill(fields);
    form.check_required(fields);
    if fields.text("name").chars().count() > 100 {
        form.fail("name", "A name has at most 100 characters.");
    }
    form
}

async fn add(State(app): State<App>, sent: Submission) -> Result<Response, Failure> {
    let Submission { member, fields } = sent;
    let entry = gallery::template(&member.param("entry")).ok_or(Failure::NotFound)?;
    let mut form = check(&entry, &fields);
    if !form.failed() {
        let config = serde_json::to_string(&entry.config)
            .map_err(|error| Failure::Internal(error.to_string()))?;
        let (workspace, name, id, url) = (
            member.workspace.id,
            fields.text("name"),
            entry.id,
            entry.tenant_url,
        );
        let result = app
            .store
            .write(member.actor(), move |tx| {
                application::create(tx, workspace, &name, id, url, None, &config)
            })
            .await;
        match result {
            Ok(application) => {
                let to = format!("{}/apps/{}?notice=added", member.root(), application.id);
                return Ok(Redirect::to(&to).into_response());
            }
            Err(Error::Conflict(message) | Error::Invalid(message)) => form.fail("name", message),
            Err(other) => return Err(other.into()),
        }
    }
    let page = EntryPage {
        shell: member.shell(entry.name, "gallery"),
        entry,
        form,
    };
    page::show_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}
