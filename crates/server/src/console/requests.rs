//! "Request log": what SCIM clients sent, with its filters, and how long it is kept.

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use jiff::{civil::DateTime, tz::TimeZone};
use tenure_scim::Deviation;
use tenure_store::{
    Error, TimeUs,
    request_log::{self, Entry, RequestQuery},
    setting::{self, LogBodies, Settings},
    token::{self, Scope},
};

use super::{
    failure::Failure,
    form::{Field, Form},
    page::{self, Shell},
    visitor::{Member, Submission},
    words::{self, Badge, Moment},
};
use crate::App;

/// Rows of a page.
const PAGE: u32 = 50;
/// Deviations that a row shows before it only counts.
const SHOWN_DEVIATIONS: usize = 3;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/w/{workspace}/settings/requests", get(list))
        .route(
            "/w/{workspace}/settings/requests/options",
            get(options).post(save),
        )
}

/// A request as a row.
struct Row {
    id: String,
    at: Moment,
    lost: u64,
    method: String,
    path: String,
    query: String,
    badge: Badge,
    status: u16,
    scim_type: String,
    detail: String,
    token_id: String,
    token: String,
    deviations: Vec<String>,
    more_deviations: usize,
    length: String,
}

fn row(entry: Entry) -> Row {
    let mut deviations = entry.deviations;
    let more_deviations = deviations.len().saturating_sub(SHOWN_DEVIATIONS);
    deviations.truncate(SHOWN_DEVIATIONS);
    Row {
        at: words::moment(entry.at_us),
        badge: words::request_badge(entry.status),
        length: words::duration(entry.duration_us),
        id: entry.id,
        lost: entry.lost,
        method: entry.method,
        path: entry.path,
        query: entry.query,
        status: entry.status,
        scim_type: entry.scim_type,
        detail: entry.detail,
        token_id: entry.token_id,
        token: entry.token_name,
        deviations,
        more_deviations,
    }
}

/// What the filter bar holds.
#[derive(Debug, Clone, Default)]
struct Filters {
    q: String,
    status: String,
    method: String,
    token: String,
    deviation: String,
    from: String,
    until: String,
}

/// Values and words of the status filter.
const STATUSES: [(&str, &str); 4] = [
    ("success", "Success"),
    ("error", "Any error"),
    ("4", "Refused (4xx)"),
    ("5", "Failed (5xx)"),
];
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// The microsecond of a UTC time as browsers write it: `2026-11-25T09:30`.
fn time_us(text: &str) -> Option<TimeUs> {
    let time: DateTime = text.parse().ok()?;
    let timestamp = TimeZone::UTC.to_timestamp(time).ok()?;
    Some(timestamp.as_microsecond())
}

impl Filters {
    fn read(member: &Member) -> Self {
        Self {
            q: member.query("q"),
            status: member.query("status"),
            method: member.query("method"),
            token: member.query("token"),
            deviation: member.query("deviation"),
            from: member.query("from"),
            until: member.query("until"),
        }
    }

    fn query(&self, before: &str) -> RequestQuery {
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        RequestQuery {
            status_class: match self.status.as_str() {
                "success" => Some(2),
                "4" => Some(4),
                "5" => Some(5),
                _ => None,
            },
            only_errors: self.status == "error",
            method: given(&self.method),
            token_id: given(&self.token),
            only_deviations: self.deviation == "any",
            deviation: given(&self.deviation).filter(|code| code != "any"),
            text: given(&self.q),
            from_us: time_us(&self.from),
            until_us: time_us(&self.until),
            before: given(before),
            limit: PAGE + 1,
            ..RequestQuery::default()
        }
    }

    /// What cannot be understood, as a sentence.
    fn problem(&self) -> Option<&'static str> {
        let wrong = |text: &String| !text.is_empty() && time_us(text).is_none();
        [&self.from, &self.until]
            .into_iter()
            .any(wrong)
            .then_some("Write times in UTC such as 2026-11-25T09:30; this filter is left out.")
    }

    fn pairs(&self) -> [(&'static str, &String); 7] {
        [
            ("q", &self.q),
            ("status", &self.status),
            ("method", &self.method),
            ("token", &self.token),
            ("deviation", &self.deviation),
            ("from", &self.from),
            ("until", &self.until),
        ]
    }

    fn any(&self) -> bool {
        self.pairs().iter().any(|(_, text)| !text.is_empty())
    }

    /// The filters as a query, to be followed by a cursor.
    fn encoded(&self) -> String {
        self.pairs()
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}&", words::encode(value)))
            .collect()
    }
}

#[derive(Template)]
#[template(path = "requests.html")]
struct RequestsPage {
    shell: Shell,
    here: String,
    filters: Filters,
    problem: Option<&'static str>,
    statuses: [(&'static str, &'static str); 4],
    methods: [&'static str; 6],
    /// Ids and names.
    tokens: Vec<(String, String)>,
    deviations: [Deviation; Deviation::ALL.len()],
    rows: Vec<Row>,
    next: Option<String>,
    first_page: bool,
    kept: String,
    is_on: bool,
}

/// What is kept, in a sentence.
fn kept(settings: &Settings) -> String {
    if !settings.request_log {
        return "Requests are not logged at present.".to_owned();
    }
    let bodies = match settings.request_log_bodies {
        LogBodies::Never => "without bodies",
        LogBodies::Redacted => "with bodies whose personal values are replaced",
        LogBodies::Full => "with bodies",
    };
    let days = words::counted(settings.request_log_days.into(), "day", "days");
    format!("Requests are kept for {days}, {bodies}; secrets never.")
}

async fn list(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let (workspace, filters, before) = (
        member.workspace.id,
        Filters::read(&member),
        member.query("before"),
    );
    let query = filters.query(&before);
    let (mut entries, tokens, settings) = app
        .store
        .read(move |tx| {
            Ok((
                request_log::list(tx, workspace, &query)?,
                token::list(tx, workspace)?,
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
    let tokens = tokens
        .into_iter()
        .filter(|token| token.scope == Scope::Scim)
        .map(|token| (token.id, token.name));
    page::show(&RequestsPage {
        shell: member.shell("Request log", "settings"),
        here: member.person.visitor.path.clone(),
        problem: filters.problem(),
        filters,
        statuses: STATUSES,
        methods: METHODS,
        tokens: tokens.collect(),
        deviations: Deviation::ALL,
        rows: entries.into_iter().map(row).collect(),
        next,
        first_page: before.is_empty(),
        kept: kept(&settings),
        is_on: settings.request_log,
    })
}

fn options_form(settings: &Settings) -> Form {
    let bodies = match settings.request_log_bodies {
        LogBodies::Never => "never",
        LogBodies::Redacted => "redacted",
        LogBodies::Full => "full",
    };
    Form::new(vec![
        Field::new("checkbox", "on", "Log SCIM requests")
            .value(if settings.request_log { "on" } else { "" })
            .help("What clients deviate in is counted in any case, without personal data."),
        Field::choice(
            "radio",
            "bodies",
            "Bodies",
            &[
                ("full", "As they are, without passwords and other secrets"),
                ("redacted", "Only their structure: names, values and filters are replaced"),
                ("never", "Not at all"),
            ],
        )
        .value(bodies)
        .help("At most 16 KiB of each body. The request log shows names and addresses of people to every member of this workspace unless they are replaced."),
        Field::new("number", "days", "Days")
            .value(settings.request_log_days.to_string())
            .required()
            .help("For how long requests are kept, 1 to 365. At most 200,000 requests are kept."),
    ])
}

#[derive(Template)]
#[template(path = "request_options.html")]
struct OptionsPage {
    shell: Shell,
    form: Form,
}

fn show_options(member: &Member, form: Form, status: StatusCode) -> Result<Response, Failure> {
    let shell = member.shell("Request log", "settings");
    page::show_with(status, &OptionsPage { shell, form })
}

async fn options(State(app): State<App>, member: Member) -> Result<Response, Failure> {
    let workspace = member.workspace.id;
    let settings = app
        .store
        .read(move |tx| setting::get(tx, workspace))
        .await?;
    show_options(&member, options_form(&settings), StatusCode::OK)
}

async fn save(State(app): State<App>, sent: Submission) -> Result<Response, Failure> {
    let Submission { member, fields } = sent;
    let mut form = options_form(&Settings::default());
    form.fill(&fields);
    let bodies = match fields.raw("bodies") {
        "never" => LogBodies::Never,
        "redacted" => LogBodies::Redacted,
        "full" => LogBodies::Full,
        _ => {
            form.fail("bodies", "Choose what is kept of bodies.");
            LogBodies::Never
        }
    };
    let days = fields.text("days").parse().unwrap_or(0);
    if !(1..=365).contains(&days) {
        form.fail("days", "Give a whole number of days, 1 to 365.");
    }
    if form.failed() {
        return show_options(&member, form, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let (workspace, is_on) = (member.workspace.id, fields.ticked("on"));
    let written = app
        .store
        .write(member.actor(), move |tx| {
            let settings = Settings {
                request_log: is_on,
                request_log_bodies: bodies,
                request_log_days: days,
                ..setting::get(tx, workspace)?
            };
            setting::set(tx, workspace, &settings)
        })
        .await;
    match written {
        Ok(()) => {
            let to = format!("{}/settings/requests?notice=saved", member.root());
            Ok(Redirect::to(&to).into_response())
        }
        Err(Error::Invalid(message)) => {
            form.fail("", message);
            show_options(&member, form, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(other) => Err(other.into()),
    }
}
