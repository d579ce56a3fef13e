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
    words::encode,
};
use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/w/{workspace}/gallery", get(list))
        .route("/w/{workspace}/gallery/{entry}", get(entry).post(add))
}

/// Entries of a page, besides the custom application.
const PAGE: usize = 30;

#[derive(Template)]
#[template(path = "gallery.html")]
struct GalleryPage {
    shell: Shell,
    q: String,
    /// Chosen first letter, empty for all.
    letter: String,
    /// First letters that there are.
    letters: Vec<String>,
    /// How many entries fit the search.
    count: usize,
    entries: Vec<&'static Entry>,
    /// Page from 1.
    page: usize,
    has_next: bool,
}

impl GalleryPage {
    /// Address of a page of this search.
    fn at(&self, page: usize) -> String {
        format!(
            "{}/gallery?q={}&letter={}&page={page}",
            self.shell.root(),
            encode(&self.q),
            encode(&self.letter)
        )
    }
}

/// The first letter of a name, `#` for digits and signs.
fn letter_of(entry: &Entry) -> String {
    match entry.name.chars().next() {
        Some(first) if first.is_alphabetic() => first.to_uppercase().collect(),
        _ => "#".to_owned(),
    }
}

async fn list(member: Member) -> Result<Response, Failure> {
    let (q, letter) = (member.query("q"), member.query("letter").to_uppercase());
    let page = member.query("page").parse::<usize>().unwrap_or(1).max(1);
    let is_named = |entry: &&Entry| entry.id != "custom";
    let mut letters: Vec<String> = gallery::templates()
        .iter()
        .filter(is_named)
        .map(letter_of)
        .collect();
    letters.sort();
    letters.dedup();
    let found: Vec<&Entry> = gallery::search(&q)
        .into_iter()
        .filter(is_named)
        .filter(|entry| letter.is_empty() || letter_of(entry) == letter)
        .collect();
    let skipped = (page - 1).saturating_mul(PAGE);
    // The custom application fits every search: there is always a way on.
    let custom = gallery::templates()
        .iter()
        .filter(|entry| entry.id == "custom" && page == 1);
    let entries = custom
        .chain(found.iter().copied().skip(skipped).take(PAGE))
        .collect();
    page::show(&GalleryPage {
        shell: member.shell("Gallery", "gallery"),
        q,
        letter,
        letters,
        count: found.len(),
        entries,
        page,
        has_next: found.len() > skipped.saturating_add(PAGE),
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
    let entry = gallery::template(&member.param("entry"))
        .filter(|entry| entry.speaks_scim)
        .ok_or(Failure::NotFound)?;
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
