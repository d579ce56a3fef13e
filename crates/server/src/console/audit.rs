//! The audit log of a workspace.

use askama::Template;
use axum::{Router, extract::State, response::Response, routing::get};
use tenure_store::{
    Error,
    audit::{self, AuditEntry},
};

use super::{
    failure::Failure,
    page::{self, Shell},
    visitor::Member,
    words::{self, Moment},
};
use crate::App;

/// Rows of a page.
const PAGE: u32 = 50;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/w/{workspace}/audit", get(list))
}

/// A row as it is shown.
pub(super) struct AuditRow {
    pub(super) seq: i64,
    pub(super) at: Moment,
    pub(super) actor: String,
    pub(super) actor_kind: String,
    pub(super) action: String,
    pub(super) object: String,
    pub(super) detail: String,
}

impl From<AuditEntry> for AuditRow {
    fn from(entry: AuditEntry) -> Self {
        let detail = if entry.detail == "{}" || entry.detail == "null" {
            String::new()
        } else {
            entry.detail
        };
        Self {
            seq: entry.seq,
            at: words::moment(entry.at_us),
            actor: entry.actor.name,
            actor_kind: entry.actor.kind,
            action: entry.action,
            object: entry.object,
            detail,
        }
    }
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    shell: Shell,
    rows: Vec<AuditRow>,
    next: Option<i64>,
    first_page: bool,
    /// Tone and text of the check of the chain, when it was asked for.
    chain: Option<(&'static str, String)>,
}

async fn list(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let workspace = member.workspace.id;
    let before = member.query("before").parse().ok();
    let check = member.query("verify") == "yes";
    let (mut entries, chain) = app
        .store
        .read(move |tx| {
            let chain = if check {
                Some(verify(audit::verify(tx, workspace))?)
            } else {
                None
            };
            Ok((audit::list(tx, workspace, before, PAGE + 1)?, chain))
        })
        .await?;
    let more = entries.len() > PAGE as usize;
    entries.truncate(PAGE as usize);
    let next = entries.last().filter(|_| more).map(|entry| entry.seq);
    let rows = entries.into_iter().map(AuditRow::from).collect();
    let shell = member.shell("Audit log", "audit");
    page::show(&AuditPage {
        shell,
        rows,
        next,
        first_page: before.is_none(),
        chain,
    })
}

fn verify(result: Result<u64, Error>) -> Result<(&'static str, String), Error> {
    match result {
        Ok(rows) => Ok((
            "ok",
            format!(
                "{} intact: no entry was changed or removed.",
                words::counted(rows, "entry is", "entries are")
            ),
        )),
        Err(Error::Conflict(message)) => Ok(("bad", message)),
        Err(other) => Err(other),
    }
}
