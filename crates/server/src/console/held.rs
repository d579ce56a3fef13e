//! Who would lose access but is held by the deletion threshold, and allowing it.

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use tenure_engine::STAGED;
use tenure_store::{escrow, resource};

use super::{
    applications::{self, Head},
    failure::Failure,
    page::{self, Shell},
    visitor::{Member, Submission},
    words::{self, Moment},
};
use crate::App;

/// Held objects of a page.
const PAGE: u32 = 100;

pub(super) fn routes() -> Router<App> {
    Router::new().route(
        "/w/{workspace}/apps/{app}/provisioning/held",
        get(show).post(allow),
    )
}

struct Row {
    name: String,
    kind: &'static str,
    reason: String,
    since: Moment,
}

#[derive(Template)]
#[template(path = "held.html")]
struct HeldPage {
    shell: Shell,
    head: Head,
    rows: Vec<Row>,
    count: u64,
    next: Option<i64>,
}

async fn show(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let (application, job) = applications::load(&app, &member).await?;
    let (workspace, key) = (member.workspace.id, application.key);
    let after: i64 = member.query("after").parse().unwrap_or(0);
    let (count, next, rows) = app
        .store
        .read(move |tx| {
            let held = escrow::held(tx, workspace, key, STAGED, after, PAGE)?;
            let is_full = held.len() == usize::try_from(PAGE).unwrap_or(usize::MAX);
            let next = held.last().map(|last| last.rid).filter(|_| is_full);
            let mut rows = Vec::with_capacity(held.len());
            for one in held {
                let name = resource::by_rid(tx, workspace, one.rid)?
                    .map(|(stored, _)| stored.label())
                    .unwrap_or_default();
                rows.push(Row {
                    name,
                    kind: words::kind(one.kind),
                    reason: one.message,
                    since: words::moment(one.first_us),
                });
            }
            Ok((escrow::held_count(tx, workspace, key, STAGED)?, next, rows))
        })
        .await?;
    page::show(&HeldPage {
        shell: member.shell(&format!("Held operations of {}", application.name), "apps"),
        head: Head::new(&member, &application, &job, "provisioning"),
        rows,
        count,
        next,
    })
}

async fn allow(State(app): State<App>, sent: Submission) -> Result<Response, Failure> {
    let Submission { member, fields } = sent;
    let (application, _) = applications::load(&app, &member).await?;
    let expected: u64 = fields.text("count").parse().map_err(|_| Failure::Changed)?;
    let (workspace, key) = (member.workspace.id, application.key);
    app.store
        .write(member.actor(), move |tx| {
            escrow::approve(tx, workspace, key, STAGED, expected)
        })
        .await?;
    let to = format!(
        "{}/apps/{}/provisioning?notice=allowed",
        member.root(),
        application.id
    );
    Ok(Redirect::to(&to).into_response())
}
