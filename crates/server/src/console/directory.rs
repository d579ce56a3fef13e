//! Users and groups of the workspace's directory.

use askama::Template;
use axum::{Router, extract::State, response::Response, routing::get};
use serde_json::Value;
use tenure_store::{
    Error, Kind, Tx, WorkspaceId, application, assignment, escrow, ledger, membership,
    resource::{self, Stored},
};

use super::{
    failure::Failure,
    page::{self, Shell},
    visitor::Member,
    words::{self, Badge, Moment},
};
use crate::App;

/// Rows of a page.
const PAGE: u32 = 50;
/// Attributes that are shown at most; the SCIM tab has them all.
const ATTRIBUTES: usize = 200;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/w/{workspace}/users", get(users))
        .route("/w/{workspace}/users/{id}", get(user))
        .route("/w/{workspace}/groups", get(groups))
        .route("/w/{workspace}/groups/{id}", get(group))
}

/// A user or group as a row.
pub(super) struct ResourceRow {
    pub(super) id: String,
    pub(super) label: String,
    /// Second line: userName or e-mail of a user.
    pub(super) sub: String,
    pub(super) department: String,
    pub(super) state: Badge,
    pub(super) members: String,
    pub(super) kind: &'static str,
    pub(super) kind_path: &'static str,
    pub(super) modified: Moment,
}

/// A text member of an object.
fn text(value: &Value, name: &str) -> String {
    value
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// A row of any resource. A body that cannot be read shows as its label only.
pub(super) fn row(stored: &Stored) -> ResourceRow {
    let body: Value = serde_json::from_str(&stored.body).unwrap_or_default();
    let shown = text(&body, "displayName");
    let user_name = text(&body, "userName");
    let enterprise = body.get("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User");
    ResourceRow {
        id: stored.id.clone(),
        label: if shown.is_empty() {
            stored.label()
        } else {
            shown
        },
        sub: user_name,
        department: enterprise.map_or_else(String::new, |extension| text(extension, "department")),
        state: words::active_badge(body.get("active").and_then(Value::as_bool).unwrap_or(true)),
        members: String::new(),
        kind: words::kind(stored.kind),
        kind_path: words::kind_path(stored.kind),
        modified: words::moment(stored.modified_us),
    }
}

#[derive(Template)]
#[template(path = "resources.html")]
struct ListPage {
    shell: Shell,
    users: bool,
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

async fn list(app: &App, member: &Member, kind: Kind) -> Result<Response, Failure> {
    let (workspace, q) = (member.workspace.id, member.query("q"));
    let after: Option<i64> = member.query("after").parse().ok();
    let asked = q.clone();
    let (total, found, members) = app
        .store
        .read(move |tx| {
            let found = resource::search(tx, workspace, kind, &asked, after, PAGE + 1)?;
            let mut members = Vec::new();
            if kind == Kind::Group {
                for group in &found {
                    members.push(membership::count(tx, workspace, group.rid)?);
                }
            }
            Ok((resource::count(tx, workspace, kind)?, found, members))
        })
        .await?;
    let more = found.len() > PAGE as usize;
    let shown: Vec<&Stored> = found.iter().take(PAGE as usize).collect();
    let next = shown.last().filter(|_| more).map(|stored| stored.rid);
    let mut rows: Vec<ResourceRow> = shown.into_iter().map(row).collect();
    for (row, count) in rows.iter_mut().zip(members) {
        row.members = words::number(count);
    }
    let users = kind == Kind::User;
    let (title, section) = if users {
        ("Users", "users")
    } else {
        ("Groups", "groups")
    };
    let shell = member.shell(title, section);
    page::show(&ListPage {
        shell,
        users,
        q,
        rows,
        total: words::number(total),
        next,
        first_page: after.is_none(),
    })
}

async fn users(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    list(&app, &member, Kind::User).await
}

async fn groups(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    list(&app, &member, Kind::Group).await
}

/// How one application sees a resource.
struct AppRow {
    id: String,
    name: String,
    entitled: String,
    target_id: String,
    state: Badge,
    note: String,
}

fn app_rows(tx: &mut Tx<'_>, workspace: WorkspaceId, rid: i64) -> Result<Vec<AppRow>, Error> {
    let mut rows = Vec::new();
    for application in application::list(tx, workspace)? {
        let entitled = assignment::entitled(tx, workspace, application.key, rid)?;
        let link = ledger::get(tx, workspace, application.key, rid)?;
        let escrow = escrow::get(tx, workspace, application.key, rid)?;
        let mut ways = Vec::new();
        if entitled.direct {
            ways.push("directly".to_owned());
        }
        ways.extend(
            entitled
                .via_groups
                .iter()
                .map(|group| format!("through {group}")),
        );
        let state = match (&escrow, &link) {
            (Some(_), _) => Badge {
                tone: "bad",
                word: "Failure",
            },
            (None, Some(link)) if link.managed => Badge {
                tone: "ok",
                word: "Provisioned",
            },
            (None, Some(_)) => Badge {
                tone: "off",
                word: "No longer managed",
            },
            (None, None) => Badge {
                tone: "mute",
                word: "Not provisioned",
            },
        };
        rows.push(AppRow {
            id: application.id,
            name: application.name,
            entitled: if ways.is_empty() {
                "Not assigned".into()
            } else {
                format!("Assigned {}", ways.join(", "))
            },
            target_id: link.map(|link| link.target_id).unwrap_or_default(),
            state,
            note: escrow
                .map(|escrow| format!("{}: {}", escrow.code, escrow.message))
                .unwrap_or_default(),
        });
    }
    Ok(rows)
}

#[derive(Template)]
#[template(path = "user.html")]
struct UserPage {
    shell: Shell,
    row: ResourceRow,
    tab: &'static str,
    attributes: Vec<(String, String)>,
    groups: Vec<membership::GroupRow>,
    apps: Vec<AppRow>,
    json: String,
}

/// The SCIM document as the API would give it, without what the store keeps beside it.
pub(super) fn pretty(type_name: &str, stored: &Stored) -> String {
    let mut whole = serde_json::Map::new();
    let body: Value = serde_json::from_str(&stored.body).unwrap_or_default();
    if let Some(schemas) = body.get("schemas") {
        whole.insert("schemas".into(), schemas.clone());
    }
    whole.insert("id".into(), stored.id.clone().into());
    for (name, value) in body.as_object().into_iter().flatten() {
        whole.entry(name.clone()).or_insert_with(|| value.clone());
    }
    whole.insert(
        "meta".into(),
        serde_json::json!({
            "resourceType": type_name,
            "created": tenure_scim::value::format_time_us(stored.created_us),
            "lastModified": tenure_scim::value::format_time_us(stored.modified_us),
            "version": format!("W/\"{}\"", stored.version),
        }),
    );
    serde_json::to_string_pretty(&whole).unwrap_or_default()
}

/// Attribute paths with their values, depth first, without the schemas.
fn flatten(name: &str, value: &Value, depth: u8, into: &mut Vec<(String, String)>) {
    if into.len() >= ATTRIBUTES {
        return;
    }
    match value {
        Value::Object(members) if depth < 4 => {
            for (key, value) in members {
                let separator = if name.is_empty() {
                    ""
                } else if name.starts_with("urn:") && !name.contains('.') && depth == 1 {
                    ":"
                } else {
                    "."
                };
                flatten(&format!("{name}{separator}{key}"), value, depth + 1, into);
            }
        }
        Value::Array(items) if name != "schemas" && depth < 4 => {
            for item in items {
                let path = match item.get("type").and_then(Value::as_str) {
                    Some(kind) => format!("{name}[type eq \"{kind}\"]"),
                    None => name.to_owned(),
                };
                flatten(&path, item, depth + 1, into);
            }
        }
        Value::Array(_) | Value::Null => {}
        Value::String(text) => into.push((name.to_owned(), text.clone())),
        other => into.push((name.to_owned(), other.to_string())),
    }
}

/// Attribute paths of a resource with their values.
pub(super) fn attributes(stored: &Stored) -> Vec<(String, String)> {
    let mut attributes = Vec::new();
    let body: Value = serde_json::from_str(&stored.body).unwrap_or_default();
    flatten("", &body, 0, &mut attributes);
    attributes
}

async fn user(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let (workspace, id) = (member.workspace.id, member.param("id"));
    let found = app
        .store
        .read(move |tx| {
            let Some(stored) = resource::get(tx, workspace, Kind::User, &id)? else {
                return Ok(None);
            };
            let groups = membership::groups_of(tx, workspace, stored.rid)?;
            let apps = app_rows(tx, workspace, stored.rid)?;
            Ok(Some((stored, groups, apps)))
        })
        .await?;
    let (stored, groups, apps) = found.ok_or(Failure::NotFound)?;
    let attributes = attributes(&stored);
    let row = row(&stored);
    let tab = match member.query("tab").as_str() {
        "groups" => "groups",
        "apps" => "apps",
        "scim" => "scim",
        _ => "profile",
    };
    let shell = member.shell(&row.label, "users");
    page::show(&UserPage {
        shell,
        row,
        tab,
        attributes,
        groups,
        apps,
        json: pretty(words::kind(stored.kind), &stored),
    })
}

#[derive(Template)]
#[template(path = "group.html")]
struct GroupPage {
    shell: Shell,
    row: ResourceRow,
    tab: &'static str,
    count: String,
    members: Vec<membership::MemberRow>,
    next: Option<i64>,
    first_page: bool,
    apps: Vec<AppRow>,
    json: String,
}

impl GroupPage {
    fn path(kind: &Kind) -> &'static str {
        words::kind_path(*kind)
    }

    fn kind(kind: &Kind) -> &'static str {
        words::kind(*kind)
    }
}

async fn group(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let (workspace, id) = (member.workspace.id, member.param("id"));
    let after: i64 = member.query("after").parse().unwrap_or(0);
    let found = app
        .store
        .read(move |tx| {
            let Some(stored) = resource::get(tx, workspace, Kind::Group, &id)? else {
                return Ok(None);
            };
            let members = membership::members(tx, workspace, stored.rid, after, PAGE + 1)?;
            let count = membership::count(tx, workspace, stored.rid)?;
            let apps = app_rows(tx, workspace, stored.rid)?;
            Ok(Some((stored, members, count, apps)))
        })
        .await?;
    let (stored, mut members, count, apps) = found.ok_or(Failure::NotFound)?;
    let more = members.len() > PAGE as usize;
    members.truncate(PAGE as usize);
    let next = members.last().filter(|_| more).map(|member| member.rid);
    let row = row(&stored);
    let tab = match member.query("tab").as_str() {
        "apps" => "apps",
        "scim" => "scim",
        _ => "members",
    };
    let shell = member.shell(&row.label, "groups");
    let count = words::number(count);
    page::show(&GroupPage {
        shell,
        row,
        tab,
        count,
        members,
        next,
        first_page: after == 0,
        apps,
        json: pretty(words::kind(stored.kind), &stored),
    })
}
