//! Cycles and their operations: `planned → intent → sent → confirmed | rejected | unknown → reconciled`.

mod basis;
mod operation;
mod prune;

pub use basis::{Basis, applied_by, applies, basis, set_basis};
pub use operation::{
    Intent, OperationState, StoredOperation, intend, operations, operations_before, plan, settle,
    unresolved, unresolved_of,
};
pub use prune::prune;

use crate::{
    Error, TimeUs, Tx, WorkspaceId,
    connection::{Row, values},
    job::Lease,
};

/// Kind of a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CycleKind {
    /// Everything in scope is looked at.
    Initial,
    /// What changed since the watermark.
    Incremental,
    /// One object, at once.
    OnDemand,
    /// Plans only.
    DryRun,
    /// Carries out what a dry run planned.
    Apply,
    /// Reads the whole target and plans what would repair it.
    Drift,
}

impl CycleKind {
    /// Whether its operations are a plan: nothing was sent.
    #[must_use]
    pub fn is_plan(self) -> bool {
        matches!(self, Self::DryRun | Self::Drift)
    }
}

impl CycleKind {
    /// `initial`, `incremental`, `on-demand`, `dry-run`, `apply`, `drift`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Incremental => "incremental",
            Self::OnDemand => "on-demand",
            Self::DryRun => "dry-run",
            Self::Apply => "apply",
            Self::Drift => "drift",
        }
    }

    fn from_text(text: &str) -> Result<Self, Error> {
        [
            Self::Initial,
            Self::Incremental,
            Self::OnDemand,
            Self::DryRun,
            Self::Apply,
            Self::Drift,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == text)
        .ok_or_else(|| Error::Database(format!("unknown cycle kind {text:?}")))
    }
}

/// Result counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Accounts and groups made.
    pub created: u64,
    /// Changed, memberships included.
    pub updated: u64,
    /// Switched off.
    pub disabled: u64,
    /// Removed.
    pub deleted: u64,
    /// Nothing to do.
    pub skipped: u64,
    /// Could not be exported.
    pub failed: u64,
}

/// A cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    /// `cyc_…`.
    pub id: String,
    /// What it looked at.
    pub kind: CycleKind,
    /// When it began.
    pub started_us: TimeUs,
    /// When it ended.
    pub ended_us: Option<TimeUs>,
    /// `running`, `completed`, `interrupted`, `quarantined`.
    pub status: String,
    /// Results so far.
    pub counts: Counts,
    /// Objects dealt with.
    pub done: u64,
    /// Objects to deal with.
    pub total: u64,
    /// Why it ended early.
    pub message: Option<String>,
}

const COLUMNS: &str = "SELECT id, kind, started_us, ended_us, status, created, updated, disabled, deleted, skipped, failed, done, total, message FROM cycle";

fn from_row(row: &Row) -> Result<Cycle, Error> {
    Ok(Cycle {
        id: row.text(0)?,
        kind: CycleKind::from_text(&row.text(1)?)?,
        started_us: row.integer(2)?,
        ended_us: row.optional_integer(3)?,
        status: row.text(4)?,
        counts: Counts {
            created: row.unsigned(5)?,
            updated: row.unsigned(6)?,
            disabled: row.unsigned(7)?,
            deleted: row.unsigned(8)?,
            skipped: row.unsigned(9)?,
            failed: row.unsigned(10)?,
        },
        done: row.unsigned(11)?,
        total: row.unsigned(12)?,
        message: row.optional_text(13)?,
    })
}

/// Begins a cycle (dry runs too). The job's resume position is not touched.
///
/// # Errors
///
/// `StaleFence`.
pub fn begin(tx: &mut Tx<'_>, lease: &Lease, kind: CycleKind, total: u64) -> Result<Cycle, Error> {
    lease.check(tx)?;
    let id = tx.new_id("cyc_")?;
    let now = tx.now_us();
    tx.execute(
        "INSERT INTO cycle (workspace_id, application, id, kind, status, started_us, total) VALUES ($1, $2, $3, $4, 'running', $5, $6)",
        values![lease.workspace(), lease.application(), &id, kind.as_str(), now, total],
    )?;
    get(tx, lease.workspace(), &id)?.ok_or_else(|| Error::NotFound("the cycle".into()))
}

fn save(tx: &mut Tx<'_>, lease: &Lease, cycle_id: &str, counts: &Counts) -> Result<(), Error> {
    lease.check(tx)?;
    tx.execute(
        "UPDATE cycle SET created = $4, updated = $5, disabled = $6, deleted = $7, skipped = $8, failed = $9 \
         WHERE workspace_id = $1 AND application = $2 AND id = $3",
        values![
            lease.workspace(), lease.application(), cycle_id, counts.created, counts.updated, counts.disabled,
            counts.deleted, counts.skipped, counts.failed
        ],
    )?;
    Ok(())
}

/// Saves progress.
///
/// # Errors
///
/// `StaleFence`.
pub fn progress(
    tx: &mut Tx<'_>,
    lease: &Lease,
    cycle_id: &str,
    done: u64,
    total: u64,
    counts: &Counts,
) -> Result<(), Error> {
    save(tx, lease, cycle_id, counts)?;
    tx.execute(
        "UPDATE cycle SET done = $4, total = $5 WHERE workspace_id = $1 AND application = $2 AND id = $3",
        values![lease.workspace(), lease.application(), cycle_id, done, total],
    )?;
    Ok(())
}

/// Ends a cycle.
///
/// # Errors
///
/// `StaleFence`.
pub fn end(
    tx: &mut Tx<'_>,
    lease: &Lease,
    cycle_id: &str,
    status: &str,
    counts: &Counts,
    message: Option<&str>,
) -> Result<(), Error> {
    save(tx, lease, cycle_id, counts)?;
    let now = tx.now_us();
    tx.execute(
        "UPDATE cycle SET status = $4, message = $5, ended_us = $6 WHERE workspace_id = $1 AND application = $2 AND id = $3",
        values![lease.workspace(), lease.application(), cycle_id, status, message, now],
    )?;
    Ok(())
}

/// Ends what a process that died left running, but not the cycle that goes on.
///
/// # Errors
///
/// `StaleFence`.
pub fn abandon(tx: &mut Tx<'_>, lease: &Lease, keep: Option<&str>) -> Result<(), Error> {
    lease.check(tx)?;
    let now = tx.now_us();
    tx.execute(
        "UPDATE cycle SET status = 'interrupted', ended_us = $4, message = 'the process ended' \
         WHERE workspace_id = $1 AND application = $2 AND ended_us IS NULL AND id <> $3",
        values![
            lease.workspace(),
            lease.application(),
            keep.unwrap_or_default(),
            now
        ],
    )?;
    Ok(())
}

/// Newest cycles first.
///
/// # Errors
///
/// `Database`.
pub fn list(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    limit: u32,
) -> Result<Vec<Cycle>, Error> {
    tx.query(
        &format!(
            "{COLUMNS} WHERE workspace_id = $1 AND application = $2 ORDER BY number DESC LIMIT $3"
        ),
        values![workspace, application, limit],
    )?
    .iter()
    .map(from_row)
    .collect()
}

/// One cycle.
///
/// # Errors
///
/// `Database`.
pub fn get(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    cycle_id: &str,
) -> Result<Option<Cycle>, Error> {
    let row = tx.first(
        &format!("{COLUMNS} WHERE workspace_id = $1 AND id = $2"),
        values![workspace, cycle_id],
    )?;
    row.as_ref().map(from_row).transpose()
}

/// One cycle, if it is of this application.
///
/// # Errors
///
/// `Database`.
pub fn of_application(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    cycle_id: &str,
) -> Result<Option<Cycle>, Error> {
    let row = tx.first(
        &format!("{COLUMNS} WHERE workspace_id = $1 AND application = $2 AND id = $3"),
        values![workspace, application, cycle_id],
    )?;
    row.as_ref().map(from_row).transpose()
}
