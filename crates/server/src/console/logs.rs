//! "Provisioning logs": the list with its filters, and one record with its four tabs.

use askama::Template;
use axum::{Router, extract::State, response::Response, routing::get};
use serde_json::{Map, Value};
use tenure_plan::{Change, facts::LogStep};
use tenure_scim::value::parse_time_us;
use tenure_store::{
    TimeUs, application,
    log::{self, Entry, LogQuery},
    setting,
};

use super::{
    applications::{self, Head},
    failure::Failure,
    page::{self, Shell},
    visitor::Member,
    words::{self, Badge, Moment},
};
use crate::{
    App,
    provisioning_log::{Export, Format, advice},
};

/// Rows of a page.
const PAGE: u32 = 50;
/// Microseconds of a day.
const DAY_US: i64 = 24 * 60 * 60 * 1_000_000;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/w/{workspace}/logs", get(all))
        .route("/w/{workspace}/logs/export", get(export_all))
        .route(
            "/w/{workspace}/apps/{app}/provisioning/logs",
            get(of_application),
        )
        .route(
            "/w/{workspace}/apps/{app}/provisioning/logs/export",
            get(export_of_application),
        )
        .route(
            "/w/{workspace}/apps/{app}/provisioning/logs/{id}",
            get(entry),
        )
}

/// A JSON value as people read it: text without quotes, nothing for null.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Details of a step as pairs.
pub(super) fn details(details: &Map<String, Value>) -> Vec<(String, String)> {
    details
        .iter()
        .map(|(name, value)| (name.clone(), plain(value)))
        .collect()
}

/// A changed attribute as it is shown.
pub(super) struct ChangeRow {
    pub(super) attribute: String,
    pub(super) before: String,
    pub(super) after: String,
}

impl From<&Change> for ChangeRow {
    fn from(change: &Change) -> Self {
        let shown = |value: Option<Value>| value.as_ref().map(plain).unwrap_or_default();
        Self {
            attribute: change.attribute.clone(),
            before: shown(change.shown_before()),
            after: shown(change.shown_after()),
        }
    }
}

struct Row {
    id: String,
    at: Moment,
    application_id: String,
    application: String,
    name: String,
    kind: &'static str,
    kind_path: &'static str,
    action: &'static str,
    badge: Badge,
    reason: String,
    source_id: String,
    target_id: String,
    length: String,
}

fn row(entry: Entry, application: Option<&application::Application>) -> Row {
    Row {
        at: words::moment(entry.at_us),
        application_id: application
            .map(|application| application.id.clone())
            .unwrap_or_default(),
        application: application
            .map(|application| application.name.clone())
            .unwrap_or_default(),
        name: entry.source_name,
        kind: words::kind(entry.kind),
        kind_path: words::kind_path(entry.kind),
        action: words::action(&entry.action),
        badge: words::result_badge(&entry.status),
        reason: entry.error_code.or(entry.reason).unwrap_or_default(),
        source_id: entry.source_id,
        target_id: entry.target_id,
        length: words::duration(entry.duration_ms * 1000),
        id: entry.id,
    }
}

/// What the filter bar holds.
#[derive(Debug, Clone, Default)]
struct Filters {
    status: String,
    action: String,
    q: String,
    cycle: String,
    code: String,
    /// Days, the last one included.
    from: String,
    to: String,
}

/// The beginning of a day in UTC.
fn day_us(text: &str) -> Option<TimeUs> {
    parse_time_us(&format!("{}T00:00:00Z", text.trim()))
}

impl Filters {
    fn read(member: &Member) -> Self {
        Self {
            status: member.query("status"),
            action: member.query("action"),
            q: member.query("q"),
            cycle: member.query("cycle"),
            code: member.query("code"),
            from: member.query("from"),
            to: member.query("to"),
        }
    }

    fn query(&self, application: Option<i64>, before: &str) -> LogQuery {
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        LogQuery {
            application,
            status: given(&self.status),
            action: given(&self.action),
            cycle_id: given(&self.cycle),
            error_code: given(&self.code),
            text: given(&self.q),
            from_us: day_us(&self.from),
            until_us: day_us(&self.to).map(|day| day + DAY_US),
            before: given(before),
            limit: PAGE + 1,
            ..LogQuery::default()
        }
    }

    fn pairs(&self) -> [(&'static str, &String); 7] {
        [
            ("status", &self.status),
            ("action", &self.action),
            ("q", &self.q),
            ("cycle", &self.cycle),
            ("code", &self.code),
            ("from", &self.from),
            ("to", &self.to),
        ]
    }

    /// What is wrong with the filters; they are left out then.
    fn problem(&self) -> &'static str {
        let wrong = |text: &String| !text.is_empty() && day_us(text).is_none();
        if wrong(&self.from) || wrong(&self.to) {
            "Give a day as 2026-11-24."
        } else {
            ""
        }
    }

    fn any(&self) -> bool {
        self.pairs().iter().any(|(_, text)| !text.is_empty())
    }

    /// The filters as a query, to be followed by another parameter.
    fn encoded(&self) -> String {
        self.pairs()
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}&", words::encode(value)))
            .collect()
    }
}

/// Values and words of the status filter.
const STATUSES: [(&str, &str); 4] = [
    ("success", "Success"),
    ("failure", "Failure"),
    ("skipped", "Skipped"),
    ("warning", "Warning"),
];
/// Values and words of the action filter.
const ACTIONS: [(&str, &str); 6] = [
    ("create", "Create"),
    ("update", "Update"),
    ("disable", "Disable"),
    ("delete", "Delete"),
    ("stagedDelete", "Staged delete"),
    ("other", "Other"),
];

#[derive(Template)]
#[template(path = "logs.html")]
struct LogsPage {
    shell: Shell,
    head: Option<Head>,
    here: String,
    filters: Filters,
    problem: &'static str,
    /// For how many days records are kept.
    kept: String,
    statuses: [(&'static str, &'static str); 4],
    actions: [(&'static str, &'static str); 6],
    rows: Vec<Row>,
    next: Option<String>,
    first_page: bool,
}

async fn list(
    app: &App,
    member: &Member,
    shell: Shell,
    (application, head): (Option<i64>, Option<Head>),
) -> Result<Response, Failure> {
    let (workspace, filters, before) = (
        member.workspace.id,
        Filters::read(member),
        member.query("before"),
    );
    let first_page = before.is_empty();
    let query = filters.query(application, &before);
    let (mut entries, applications, settings) = app
        .store
        .read(move |tx| {
            Ok((
                log::list(tx, workspace, &query)?,
                application::list(tx, workspace)?,
                setting::get(tx, workspace)?,
            ))
        })
        .await?;
    let more = entries.len() > PAGE as usize;
    entries.truncate(PAGE as usize);
    let next = entries
        .last()
        .filter(|_| more)
        .map(|entry| entry.id.clone());
    let rows = entries
        .into_iter()
        .map(|entry| {
            let application = applications
                .iter()
                .find(|application| application.key == entry.application);
            row(entry, application)
        })
        .collect();
    let here = member.person.visitor.path.clone();
    page::show(&LogsPage {
        shell,
        head,
        here,
        problem: filters.problem(),
        kept: words::counted(settings.keep_provisioning_days.into(), "day", "days"),
        filters,
        statuses: STATUSES,
        actions: ACTIONS,
        rows,
        next,
        first_page,
    })
}

async fn all(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    list(
        &app,
        &member,
        member.shell("Provisioning logs", "logs"),
        (None, None),
    )
    .await
}

async fn of_application(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let (application, job) = applications::load(&app, &member).await?;
    let head = Head::new(&member, &application, &job, "logs");
    let shell = member.shell(
        &format!("Provisioning logs of {}", application.name),
        "apps",
    );
    list(&app, &member, shell, (Some(application.key), Some(head))).await
}

/// What the filters find as a file.
async fn export(app: &App, member: &Member, application: Option<i64>) -> Result<Response, Failure> {
    let format = Format::of(&member.query("format")).ok_or(Failure::NotFound)?;
    let filters = Filters::read(member);
    if !filters.problem().is_empty() {
        return Err(Failure::NotFound);
    }
    let query = filters.query(application, "");
    let export = Export::begin(app.store.clone(), member.workspace.id, format, query).await?;
    Ok(export.into_response())
}

async fn export_all(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    export(&app, &member, None).await
}

async fn export_of_application(
    State(app): State<App>,
    member: Member,
) -> Result<Response, Failure> {
    let (application, _) = applications::load(&app, &member).await?;
    export(&app, &member, Some(application.key)).await
}

/// A step of the story of one object.
struct StepRow {
    name: String,
    description: String,
    details: Vec<(String, String)>,
    badge: Badge,
}

impl From<LogStep> for StepRow {
    fn from(step: LogStep) -> Self {
        Self {
            details: details(&step.details),
            badge: words::result_badge(&step.status),
            name: step.name,
            description: step.description,
        }
    }
}

#[derive(Template)]
#[template(path = "log_entry.html")]
struct EntryPage {
    shell: Shell,
    head: Head,
    here: String,
    tab: &'static str,
    entry: Entry,
    at: Moment,
    badge: Badge,
    action: &'static str,
    kind: &'static str,
    kind_path: &'static str,
    length: String,
    code: String,
    reason: String,
    advice: (&'static str, &'static str, &'static str),
    steps: Vec<StepRow>,
    changes: Vec<ChangeRow>,
}

async fn entry(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let (application, job) = applications::load(&app, &member).await?;
    let (workspace, id, key) = (member.workspace.id, member.param("id"), application.key);
    let found = app
        .store
        .read(move |tx| log::get(tx, workspace, &id))
        .await?;
    let entry = found
        .filter(|entry| entry.application == key)
        .ok_or(Failure::NotFound)?;
    // Records are written by us; one that cannot be read shows without its steps rather than not at all.
    let steps: Vec<LogStep> = serde_json::from_str(&entry.steps).unwrap_or_default();
    let changes: Vec<Change> = serde_json::from_str(&entry.modified).unwrap_or_default();
    let tab = match member.query("tab").as_str() {
        "troubleshooting" => "troubleshooting",
        "modified" => "modified",
        "summary" => "summary",
        _ => "steps",
    };
    let code = entry.error_code.clone().unwrap_or_default();
    page::show(&EntryPage {
        shell: member.shell(&entry.source_name, "apps"),
        head: Head::new(&member, &application, &job, "logs"),
        here: member.person.visitor.path.clone(),
        tab,
        at: words::moment(entry.at_us),
        badge: words::result_badge(&entry.status),
        action: words::action(&entry.action),
        kind: words::kind(entry.kind),
        kind_path: words::kind_path(entry.kind),
        length: words::duration(entry.duration_ms * 1000),
        advice: advice(&code),
        code,
        reason: entry.reason.clone().unwrap_or_default(),
        steps: steps.into_iter().map(StepRow::from).collect(),
        changes: changes.iter().map(ChangeRow::from).collect(),
        entry,
    })
}
