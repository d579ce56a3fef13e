//! Accounts at a target that are not managed.

use askama::Template;
use axum::{Router, extract::State, response::Response, routing::get};
use tenure_store::{
    resource, run,
    stranger::{self, Standing},
};

use super::{
    applications::{self, Head},
    failure::Failure,
    page::{self, Shell},
    visitor::Member,
    words::{self, Moment},
};
use crate::App;

/// Accounts of a page.
const PAGE: u32 = 100;
/// Cycles among which the last drift check is looked for.
const RECENT: u32 = 1_000;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/w/{workspace}/apps/{app}/provisioning/accounts", get(show))
}

struct Row {
    name: String,
    kind: &'static str,
    target_id: String,
    active: &'static str,
    standing: &'static str,
    fits: String,
}

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Local => "Nobody fits",
        Standing::Unassigned => "Not in scope",
        Standing::Assigned => "Taken over next",
        Standing::Second => "Second account",
    }
}

#[derive(Template)]
#[template(path = "accounts.html")]
struct AccountsPage {
    shell: Shell,
    head: Head,
    /// Value, word, count and whether it is chosen.
    standings: Vec<(&'static str, &'static str, u64, bool)>,
    chosen: &'static str,
    rows: Vec<Row>,
    next: Option<i64>,
    checked: Option<Moment>,
}

async fn show(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let (application, job) = applications::load(&app, &member).await?;
    let (workspace, key) = (member.workspace.id, application.key);
    let after: i64 = member.query("after").parse().unwrap_or(0);
    let asked = member.query("standing");
    let chosen = Standing::ALL.into_iter().find(|one| one.as_str() == asked);
    let (counts, rows, next, checked) = app
        .store
        .read(move |tx| {
            let found = stranger::list(tx, workspace, key, chosen, after, PAGE)?;
            let is_full = found.len() == usize::try_from(PAGE).unwrap_or(usize::MAX);
            let next = found.last().map(|(number, _)| *number).filter(|_| is_full);
            let mut rows = Vec::with_capacity(found.len());
            for (_, one) in found {
                let fits = match one.rid {
                    Some(rid) => {
                        resource::by_rid(tx, workspace, rid)?.map(|(stored, _)| stored.label())
                    }
                    None => None,
                };
                rows.push(Row {
                    name: one.name,
                    kind: words::kind(one.kind),
                    target_id: one.target_id,
                    active: match one.active {
                        Some(true) => "Yes",
                        Some(false) => "No",
                        None => "",
                    },
                    standing: word(one.standing),
                    fits: fits.unwrap_or_default(),
                });
            }
            let checked = run::list(tx, workspace, key, RECENT)?
                .into_iter()
                .find(|cycle| cycle.kind == run::CycleKind::Drift && cycle.status == "completed")
                .map(|cycle| words::moment(cycle.started_us));
            Ok((stranger::counts(tx, workspace, key)?, rows, next, checked))
        })
        .await?;
    page::show(&AccountsPage {
        shell: member.shell(&format!("Accounts of {}", application.name), "apps"),
        head: Head::new(&member, &application, &job, "cycles"),
        standings: counts
            .into_iter()
            .map(|(one, count)| (one.as_str(), word(one), count, Some(one) == chosen))
            .collect(),
        chosen: chosen.map_or("", Standing::as_str),
        rows,
        next,
        checked,
    })
}
