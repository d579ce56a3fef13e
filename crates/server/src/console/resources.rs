//! Resources of the workspace's own types.

use askama::Template;
use axum::{Router, extract::State, response::Response, routing::get};
use tenure_store::{
    Error, Kind, Tx, WorkspaceId,
    resource::{self, Stored},
    schema,
};

use super::{
    directory::{self, ResourceRow},
    failure::Failure,
    page::{self, Shell},
    visitor::Member,
    words,
};
use crate::App;

/// Rows of a page.
const PAGE: u32 = 50;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/w/{workspace}/resources/{endpoint}", get(list))
        .route("/w/{workspace}/resources/{endpoint}/{id}", get(one))
}

#[derive(Template)]
#[template(path = "custom_resources.html")]
struct ListPage {
    shell: Shell,
    q: String,
    rows: Vec<ResourceRow>,
    total: String,
    next: Option<i64>,
    first_page: bool,
}

impl ListPage {
    fn query(&self) -> String {
        words::encode(&self.q)
    }
}

#[derive(Template)]
#[template(path = "custom_resource.html")]
struct OnePage {
    shell: Shell,
    type_name: String,
    back: String,
    row: ResourceRow,
    attributes: Vec<(String, String)>,
    json: String,
}

/// A type of the workspace's own by its endpoint: users and groups have pages of their own.
fn found(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    endpoint: &str,
) -> Result<Option<(Kind, String)>, Error> {
    let types = schema::types(tx, workspace)?;
    let kind = types
        .at(endpoint)
        .filter(|kind| matches!(kind, Kind::Custom(_)));
    Ok(kind.map(|kind| (kind, types.name(kind))))
}

async fn list(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let (workspace, q) = (member.workspace.id, member.query("q"));
    let endpoint = member.param("endpoint");
    let after: Option<i64> = member.query("after").parse().ok();
    let asked = q.clone();
    let read = app
        .store
        .read(move |tx| {
            let Some((kind, name)) = found(tx, workspace, &endpoint)? else {
                return Ok(None);
            };
            let rows = resource::search(tx, workspace, kind, &asked, after, PAGE + 1)?;
            Ok(Some((name, resource::count(tx, workspace, kind)?, rows)))
        })
        .await?;
    let (name, total, stored): (String, u64, Vec<Stored>) = read.ok_or(Failure::NotFound)?;
    let more = stored.len() > PAGE as usize;
    let shown: Vec<&Stored> = stored.iter().take(PAGE as usize).collect();
    let next = shown.last().filter(|_| more).map(|last| last.rid);
    page::show(&ListPage {
        shell: member.shell(&name, "settings"),
        q,
        rows: shown.into_iter().map(directory::row).collect(),
        total: words::number(total),
        next,
        first_page: after.is_none(),
    })
}

async fn one(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let (workspace, id) = (member.workspace.id, member.param("id"));
    let endpoint = member.param("endpoint");
    let wanted = endpoint.clone();
    let read = app
        .store
        .read(move |tx| {
            let Some((kind, name)) = found(tx, workspace, &wanted)? else {
                return Ok(None);
            };
            let stored = resource::get(tx, workspace, kind, &id)?;
            Ok(stored.map(|stored| (name, stored)))
        })
        .await?;
    let (type_name, stored) = read.ok_or(Failure::NotFound)?;
    let row = directory::row(&stored);
    page::show(&OnePage {
        shell: member.shell(&row.label, "settings"),
        back: format!("{}/resources/{endpoint}", member.root()),
        attributes: directory::attributes(&stored),
        json: directory::pretty(&type_name, &stored),
        type_name,
        row,
    })
}
