//! The request log: SCIM requests of clients with their answers, so that an administrator sees what an identity
//! provider really sends.

use crate::{
    Error, TimeUs, Tx, WorkspaceId,
    connection::{Row, values},
    narrow::Narrowed,
};

/// Rows that one workspace keeps at most.
pub const ROWS: u64 = 200_000;

/// A request and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// `req_…`; empty when appending.
    pub id: String,
    /// When it arrived.
    pub at_us: TimeUs,
    /// The value of `X-Request-Id` in the answer.
    pub request_id: String,
    /// Not 0: no request, but a note that so many around this time were not written down.
    pub lost: u64,
    /// `tok_…`.
    pub token_id: String,
    /// Name of the token at that time.
    pub token_name: String,
    /// User agent.
    pub agent: String,
    /// `GET`, `POST`, …
    pub method: String,
    /// Path without query, as it was sent.
    pub path: String,
    /// Query string without `?`.
    pub query: String,
    /// HTTP status; 0 when the client went away before there was an answer.
    pub status: u16,
    /// `scimType` of an error.
    pub scim_type: String,
    /// Text of an error.
    pub detail: String,
    /// Codes of what was tolerated.
    pub deviations: Vec<String>,
    /// From the headers of the request to those of the answer.
    pub duration_us: i64,
    /// Body of the request as JSON, possibly cut and redacted.
    pub request: String,
    /// Body of the answer, likewise.
    pub response: String,
}

/// Which requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestQuery {
    /// First digit of the status, 2 to 5.
    pub status_class: Option<u16>,
    /// With this method.
    pub method: Option<String>,
    /// Of this token.
    pub token_id: Option<String>,
    /// Whose path contains this, such as an id or `/Users`.
    pub path: Option<String>,
    /// Only those without success.
    pub only_errors: bool,
    /// Only those that deviate somehow.
    pub only_deviations: bool,
    /// Only those that deviate in this way.
    pub deviation: Option<String>,
    /// Text in path, query, error, user agent or one of the ids, without case.
    pub text: Option<String>,
    /// At this time or later.
    pub from_us: Option<TimeUs>,
    /// Before this time.
    pub until_us: Option<TimeUs>,
    /// Id of the last request of the page before.
    pub before: Option<String>,
    /// Most requests to return.
    pub limit: u32,
}

const COLUMNS: &str = "SELECT id, at_us, request_id, lost, token_id, token_name, agent, method, path, query, status, scim_type, detail, deviations, duration_us, request, response FROM request_log";
/// As [`COLUMNS`], but without bodies, which a list does not show.
const SUMMARY: &str = "SELECT id, at_us, request_id, lost, token_id, token_name, agent, method, path, query, status, scim_type, detail, deviations, duration_us, '', '' FROM request_log";

fn from_row(row: &Row) -> Result<Entry, Error> {
    Ok(Entry {
        id: row.text(0)?,
        at_us: row.integer(1)?,
        request_id: row.text(2)?,
        lost: row.unsigned(3)?,
        token_id: row.text(4)?,
        token_name: row.text(5)?,
        agent: row.text(6)?,
        method: row.text(7)?,
        path: row.text(8)?,
        query: row.text(9)?,
        status: u16::try_from(row.integer(10)?).unwrap_or_default(),
        scim_type: row.text(11)?,
        detail: row.text(12)?,
        deviations: row
            .text(13)?
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
        duration_us: row.integer(14)?,
        request: row.text(15)?,
        response: row.text(16)?,
    })
}

/// Codes with a space around each, so that one can be looked for as a word.
fn words(codes: &[String]) -> String {
    if codes.is_empty() {
        return String::new();
    }
    format!(" {} ", codes.join(" "))
}

/// Appends requests of one workspace.
///
/// # Errors
///
/// `Database`.
pub fn append(tx: &mut Tx<'_>, workspace: WorkspaceId, entries: &[Entry]) -> Result<(), Error> {
    for entry in entries {
        let id = tx.new_id("req_")?;
        tx.execute(
            "INSERT INTO request_log (workspace_id, id, at_us, request_id, lost, token_id, token_name, agent, method, path, query, \
             status, scim_type, detail, deviations, duration_us, request, response) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
            values![
                workspace, id, entry.at_us, &entry.request_id, entry.lost, &entry.token_id, &entry.token_name,
                &entry.agent, &entry.method, &entry.path, &entry.query, i64::from(entry.status), &entry.scim_type,
                &entry.detail, words(&entry.deviations), entry.duration_us, &entry.request, &entry.response
            ],
        )?;
    }
    Ok(())
}

/// Newest first, without bodies.
///
/// # Errors
///
/// `Database`.
pub fn list(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    query: &RequestQuery,
) -> Result<Vec<Entry>, Error> {
    let mut narrowed = Narrowed::new(format!("{SUMMARY} WHERE workspace_id = $1"), workspace);
    narrowed.and_given("status / 100 = {}", query.status_class.map(i64::from));
    narrowed.and_given("method = {}", query.method.as_ref());
    narrowed.and_given("token_id = {}", query.token_id.as_ref());
    narrowed.and_given("instr(path, {}) > 0", query.path.as_ref());
    if query.only_errors {
        narrowed.and("(lost > 0 OR status < 200 OR status >= {})", 400_i64);
    }
    if query.only_deviations {
        narrowed.and("deviations <> {}", "");
    }
    let deviation = query.deviation.as_ref().map(|code| format!(" {code} "));
    narrowed.and_given("instr(deviations, {}) > 0", deviation);
    let text = query.text.as_ref().map(|text| text.to_lowercase());
    narrowed.and_given(
        "instr(lower(path || ' ' || query || ' ' || detail || ' ' || scim_type || ' ' || agent || ' ' || id || ' ' || request_id), {}) > 0",
        text.filter(|text| !text.is_empty()),
    );
    narrowed.and_given("at_us >= {}", query.from_us);
    narrowed.and_given("at_us < {}", query.until_us);
    narrowed.and_given(
        "seq < COALESCE((SELECT p.seq FROM request_log p WHERE p.workspace_id = $1 AND p.id = {}), 0)",
        query.before.as_ref(),
    );
    let (sql, parameters) = narrowed.newest_first(query.limit);
    tx.query(&sql, &parameters)?.iter().map(from_row).collect()
}

/// One request with its bodies.
///
/// # Errors
///
/// `Database`.
pub fn get(tx: &mut Tx<'_>, workspace: WorkspaceId, id: &str) -> Result<Option<Entry>, Error> {
    let row = tx.first(
        &format!("{COLUMNS} WHERE workspace_id = $1 AND id = $2"),
        values![workspace, id],
    )?;
    row.as_ref().map(from_row).transpose()
}

/// Removes the oldest requests that are older than `keep_us` or more than `rows`, at most `limit` at once; returns how
/// many.
///
/// # Errors
///
/// `Database`.
pub fn prune(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    keep_us: i64,
    rows: u64,
    limit: u32,
) -> Result<u64, Error> {
    let before = tx.now_us().saturating_sub(keep_us);
    // The plus keeps SQLite from looking for the first old row from the newest one on.
    let aged = tx.first(
        "SELECT max(+seq) FROM request_log WHERE workspace_id = $1 AND at_us < $2",
        values![workspace, before],
    )?;
    let surplus = tx.first(
        "SELECT seq FROM request_log WHERE workspace_id = $1 ORDER BY seq DESC LIMIT 1 OFFSET $2",
        values![workspace, rows],
    )?;
    let aged = aged.map_or(Ok(None), |row| row.optional_integer(0))?;
    let surplus = surplus.map_or(Ok(None), |row| row.optional_integer(0))?;
    let Some(last) = aged.max(surplus) else {
        return Ok(0);
    };
    tx.execute(
        "DELETE FROM request_log WHERE workspace_id = $1 AND seq IN (SELECT seq FROM request_log WHERE workspace_id = $1 AND seq <= $2 ORDER BY seq LIMIT $3)",
        values![workspace, last, limit],
    )
}
