//! The provisioning log: one record per object and attempt.

use crate::{
    Error, Kind, TimeUs, Tx, WorkspaceId,
    connection::{Row, values},
    job::Lease,
    narrow::Narrowed,
};

/// By how much the clocks of servers may differ, and how long a transaction may last, without a record being overlooked
/// when a time is asked for.
const SKEW_US: i64 = 3_600_000_000;

/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// `evt_…`; empty when appending.
    pub id: String,
    /// When.
    pub at_us: TimeUs,
    /// Key of the application.
    pub application: i64,
    /// Groups one iteration of the job.
    pub cycle_id: String,
    /// Names this attempt.
    pub change_id: String,
    /// How long it took.
    pub duration_ms: i64,
    /// `create`, `update`, `disable`, `delete`, `stagedDelete`, `other`.
    pub action: String,
    /// `success`, `failure`, `skipped`, `warning`.
    pub status: String,
    /// User or group.
    pub kind: Kind,
    /// SCIM id in the directory.
    pub source_id: String,
    /// For people.
    pub source_name: String,
    /// Id at the target; empty when there is none.
    pub target_id: String,
    /// Error code.
    pub error_code: Option<String>,
    /// Sentence.
    pub reason: Option<String>,
    /// JSON array of steps.
    pub steps: String,
    /// JSON array of attribute, before, after.
    pub modified: String,
    /// `system`, or the name of a person.
    pub initiated_by: String,
}

/// Which records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// Of one application.
    pub application: Option<i64>,
    /// With this status.
    pub status: Option<String>,
    /// With this action.
    pub action: Option<String>,
    /// Of one cycle.
    pub cycle_id: Option<String>,
    /// Of one attempt.
    pub change_id: Option<String>,
    /// Of users or of groups.
    pub kind: Option<Kind>,
    /// With this id in the directory.
    pub source_id: Option<String>,
    /// With this id at the target.
    pub target_id: Option<String>,
    /// With this error code.
    pub error_code: Option<String>,
    /// At this time or later.
    pub from_us: Option<TimeUs>,
    /// Before this time.
    pub until_us: Option<TimeUs>,
    /// Part of the name without case, or a whole source or target id.
    pub text: Option<String>,
    /// Id of the last record of the page before.
    pub before: Option<String>,
    /// Most records to return.
    pub limit: u32,
}

const COLUMNS: &str = "SELECT id, at_us, application, cycle_id, change_id, duration_ms, action, status, kind, source_id, source_name, target_id, error_code, reason, steps, modified, initiated_by FROM provisioning_log";

fn from_row(row: &Row) -> Result<Entry, Error> {
    Ok(Entry {
        id: row.text(0)?,
        at_us: row.integer(1)?,
        application: row.integer(2)?,
        cycle_id: row.text(3)?,
        change_id: row.text(4)?,
        duration_ms: row.integer(5)?,
        action: row.text(6)?,
        status: row.text(7)?,
        kind: row.kind(8)?,
        source_id: row.text(9)?,
        source_name: row.text(10)?,
        target_id: row.text(11)?,
        error_code: row.optional_text(12)?,
        reason: row.optional_text(13)?,
        steps: row.text(14)?,
        modified: row.text(15)?,
        initiated_by: row.text(16)?,
    })
}

/// Appends records of one job.
///
/// # Errors
///
/// `StaleFence`.
pub fn append(tx: &mut Tx<'_>, lease: &Lease, entries: &[Entry]) -> Result<(), Error> {
    lease.check(tx)?;
    for entry in entries {
        let id = tx.new_id("evt_")?;
        tx.execute(
            "INSERT INTO provisioning_log (workspace_id, id, at_us, application, cycle_id, change_id, duration_ms, action, status, kind, \
             source_id, source_name, target_id, error_code, reason, steps, modified, initiated_by, source_key) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
            values![
                lease.workspace(), id, entry.at_us, lease.application(), &entry.cycle_id, &entry.change_id,
                entry.duration_ms, &entry.action, &entry.status, entry.kind, &entry.source_id, &entry.source_name,
                &entry.target_id, entry.error_code.as_ref(), entry.reason.as_ref(), &entry.steps, &entry.modified,
                &entry.initiated_by, crate::workspace::name_key(&entry.source_name)],
        )?;
    }
    Ok(())
}

/// Newest first.
///
/// # Errors
///
/// `Database`.
pub fn list(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    query: &LogQuery,
) -> Result<Vec<Entry>, Error> {
    let mut narrowed = Narrowed::new(format!("{COLUMNS} WHERE workspace_id = $1"), workspace);
    narrowed.and_given("application = {}", query.application);
    narrowed.and_given("status = {}", query.status.as_ref());
    narrowed.and_given("action = {}", query.action.as_ref());
    narrowed.and_given("cycle_id = {}", query.cycle_id.as_ref());
    narrowed.and_given("change_id = {}", query.change_id.as_ref());
    narrowed.and_given("kind = {}", query.kind);
    narrowed.and_given("source_id = {}", query.source_id.as_ref());
    narrowed.and_given("target_id = {}", query.target_id.as_ref());
    narrowed.and_given("error_code = {}", query.error_code.as_ref());
    if let Some(from_us) = query.from_us {
        // Not by the index on the time, which would sort all of them for each page.
        narrowed.and("at_us + 0 >= {}", from_us);
        // Records are in the order of their times but for the skew: the search for the last one ends here.
        narrowed.and(
            "seq > COALESCE((SELECT p.seq FROM provisioning_log p WHERE p.workspace_id = $1 AND p.at_us < {} ORDER BY p.at_us DESC LIMIT 1), 0)",
            from_us.saturating_sub(SKEW_US),
        );
    }
    if let Some(until_us) = query.until_us {
        narrowed.and("at_us + 0 < {}", until_us);
        narrowed.and(
            "seq < COALESCE((SELECT p.seq FROM provisioning_log p WHERE p.workspace_id = $1 AND p.at_us >= {} ORDER BY p.at_us LIMIT 1), 9223372036854775807)",
            until_us.saturating_add(SKEW_US),
        );
    }
    narrowed.and_given(
        "seq < COALESCE((SELECT p.seq FROM provisioning_log p WHERE p.workspace_id = $1 AND p.id = {}), 0)",
        query.before.as_ref(),
    );
    if let Some(text) = query.text.as_ref().filter(|text| !text.is_empty()) {
        narrowed.and_either(
            [
                "instr(source_key, {}) > 0",
                "source_id = {}",
                "target_id = {}",
            ],
            [&crate::workspace::name_key(text), text, text],
        );
    }
    let (sql, parameters) = narrowed.newest_first(query.limit);
    tx.query(&sql, &parameters)?.iter().map(from_row).collect()
}

/// One record.
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

/// Removes the oldest records that are older than `keep_us`, at most `limit` at once; returns how many.
///
/// # Errors
///
/// `Database`.
pub fn prune(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    keep_us: i64,
    limit: u32,
) -> Result<u64, Error> {
    let before = tx.now_us().saturating_sub(keep_us);
    tx.execute(
        "DELETE FROM provisioning_log WHERE workspace_id = $1 AND seq IN \
         (SELECT p.seq FROM provisioning_log p WHERE p.workspace_id = $1 AND p.at_us < $2 ORDER BY p.at_us LIMIT $3)",
        values![workspace, before, limit],
    )
}
