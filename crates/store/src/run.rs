//! Cycles and their operations: `planned → intent → sent → confirmed | rejected | unknown → reconciled`.

mod prune;

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

/// State of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OperationState {
    /// Stored, not to be sent yet.
    Planned,
    /// About to be sent.
    Intent,
    /// Given to the network.
    Sent,
    /// The target acknowledged.
    Confirmed,
    /// The target refused.
    Rejected,
    /// The reply was lost.
    Unknown,
    /// Its fate was found out by reading the target.
    Reconciled,
}

impl OperationState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Intent => "intent",
            Self::Sent => "sent",
            Self::Confirmed => "confirmed",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
            Self::Reconciled => "reconciled",
        }
    }

    fn from_text(text: &str) -> Result<Self, Error> {
        [
            Self::Planned,
            Self::Intent,
            Self::Sent,
            Self::Confirmed,
            Self::Rejected,
            Self::Unknown,
            Self::Reconciled,
        ]
        .into_iter()
        .find(|state| state.as_str() == text)
        .ok_or_else(|| Error::Database(format!("unknown operation state {text:?}")))
    }
}

/// A stored operation; `body` is the plan's JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredOperation {
    /// Number.
    pub id: i64,
    /// Source object.
    pub rid: i64,
    /// How far it got.
    pub state: OperationState,
    /// The plan's JSON.
    pub body: String,
    /// When it was planned.
    pub planned_us: TimeUs,
}

/// Proof that an intent is committed; only this module makes one, and only with it may a request be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    operation: i64,
}

impl Intent {
    /// Number of the operation.
    #[must_use]
    pub fn operation(&self) -> i64 {
        self.operation
    }
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

/// What a plan was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basis {
    /// Position of the change feed.
    pub head: i64,
    /// Configuration, as JSON.
    pub config: String,
    /// The cycle that it takes back; `None`: an ordinary plan.
    pub undoes: Option<String>,
}

/// Saves what a plan was made from.
///
/// # Errors
///
/// `StaleFence`.
pub fn set_basis(
    tx: &mut Tx<'_>,
    lease: &Lease,
    cycle_id: &str,
    basis: &Basis,
) -> Result<(), Error> {
    lease.check(tx)?;
    tx.execute(
        "UPDATE cycle SET plan_head = $4, plan_config = $5, of_cycle = $6 WHERE workspace_id = $1 AND application = $2 AND id = $3",
        values![
            lease.workspace(), lease.application(), cycle_id, basis.head, &basis.config, basis.undoes.as_deref()
        ],
    )?;
    Ok(())
}

/// What a plan was made from; `None`: no such plan of this application.
///
/// # Errors
///
/// `Database`.
pub fn basis(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    cycle_id: &str,
) -> Result<Option<Basis>, Error> {
    let row = tx.first(
        "SELECT plan_head, plan_config, of_cycle FROM cycle \
         WHERE workspace_id = $1 AND application = $2 AND id = $3 AND plan_head IS NOT NULL",
        values![workspace, application, cycle_id],
    )?;
    row.map(|row| {
        Ok(Basis {
            head: row.integer(0)?,
            config: row.text(1)?,
            undoes: row.optional_text(2)?,
        })
    })
    .transpose()
}

/// Says that a cycle carries out a plan.
///
/// # Errors
///
/// `StaleFence`; `Conflict` when another cycle did or does.
pub fn applies(tx: &mut Tx<'_>, lease: &Lease, cycle_id: &str, plan_id: &str) -> Result<(), Error> {
    lease.check(tx)?;
    if let Some(other) = applied_by(tx, lease.workspace(), plan_id)? {
        return Err(Error::Conflict(format!(
            "the plan was applied already, by cycle {other}"
        )));
    }
    tx.execute(
        "UPDATE cycle SET of_cycle = $4 WHERE workspace_id = $1 AND application = $2 AND id = $3",
        values![lease.workspace(), lease.application(), cycle_id, plan_id],
    )?;
    Ok(())
}

/// The cycle that carried out a plan.
///
/// # Errors
///
/// `Database`.
pub fn applied_by(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    plan_id: &str,
) -> Result<Option<String>, Error> {
    let row = tx.first(
        "SELECT id FROM cycle WHERE workspace_id = $1 AND of_cycle = $2 AND kind = 'apply' ORDER BY number LIMIT 1",
        values![workspace, plan_id],
    )?;
    row.map(|row| row.text(0)).transpose()
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

/// Stores operations of a page as `planned` (rid, action word, plan JSON). Returns their numbers in order.
///
/// # Errors
///
/// `StaleFence`.
pub fn plan(
    tx: &mut Tx<'_>,
    lease: &Lease,
    cycle_id: &str,
    operations: &[(i64, String, String)],
) -> Result<Vec<i64>, Error> {
    lease.check(tx)?;
    let now = tx.now_us();
    let mut numbers = Vec::with_capacity(operations.len());
    for (rid, action, body) in operations {
        let row = tx.first(
            "INSERT INTO operation (workspace_id, application, cycle_id, rid, action, state, body, planned_us) \
             VALUES ($1, $2, $3, $4, $5, 'planned', $6, $7) RETURNING id",
            values![lease.workspace(), lease.application(), cycle_id, *rid, action, body, now],
        )?;
        numbers.push(
            row.ok_or_else(|| Error::Database("no row returned".into()))?
                .integer(0)?,
        );
    }
    Ok(numbers)
}

fn set_state(
    tx: &mut Tx<'_>,
    lease: &Lease,
    operation: i64,
    state: OperationState,
) -> Result<(), Error> {
    let found = tx.execute(
        "UPDATE operation SET state = $4 WHERE workspace_id = $1 AND application = $2 AND id = $3",
        values![
            lease.workspace(),
            lease.application(),
            operation,
            state.as_str()
        ],
    )?;
    if found == 0 {
        return Err(Error::NotFound("the operation".into()));
    }
    Ok(())
}

/// Marks operations as intended.
///
/// # Errors
///
/// `StaleFence`.
pub fn intend(tx: &mut Tx<'_>, lease: &Lease, operations: &[i64]) -> Result<Vec<Intent>, Error> {
    lease.check(tx)?;
    for operation in operations {
        set_state(tx, lease, *operation, OperationState::Intent)?;
    }
    Ok(operations
        .iter()
        .map(|operation| Intent {
            operation: *operation,
        })
        .collect())
}

/// Final (or `Unknown`) state of operations.
///
/// # Errors
///
/// `StaleFence`.
pub fn settle(
    tx: &mut Tx<'_>,
    lease: &Lease,
    operations: &[(i64, OperationState)],
) -> Result<(), Error> {
    lease.check(tx)?;
    for (operation, state) in operations {
        set_state(tx, lease, *operation, *state)?;
    }
    Ok(())
}

fn operation_from_row(row: &Row) -> Result<StoredOperation, Error> {
    Ok(StoredOperation {
        id: row.integer(0)?,
        rid: row.integer(1)?,
        state: OperationState::from_text(&row.text(2)?)?,
        body: row.text(3)?,
        planned_us: row.integer(4)?,
    })
}

/// Operations after a number that may have reached the target without our knowing: `intent`, `sent`, `unknown`.
///
/// # Errors
///
/// `Database`.
pub fn unresolved(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    after: i64,
    limit: u32,
) -> Result<Vec<StoredOperation>, Error> {
    tx.query(
        "SELECT id, rid, state, body, planned_us FROM operation WHERE workspace_id = $1 AND application = $2 \
         AND state IN ('intent', 'sent', 'unknown') AND id > $3 ORDER BY id LIMIT $4",
        values![workspace, application, after, limit],
    )?
    .iter()
    .map(operation_from_row)
    .collect()
}

/// The operation on one object that may have reached the target without our knowing.
///
/// # Errors
///
/// `Database`.
pub fn unresolved_of(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    rid: i64,
) -> Result<Option<StoredOperation>, Error> {
    let row = tx.first(
        "SELECT id, rid, state, body FROM operation WHERE workspace_id = $1 AND application = $2 AND rid = $3 \
         AND state IN ('intent', 'sent', 'unknown') ORDER BY id LIMIT 1",
        values![workspace, application, rid],
    )?;
    row.as_ref().map(operation_from_row).transpose()
}

/// Operations of a cycle after a number, for showing a plan.
///
/// # Errors
///
/// `Database`.
pub fn operations(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    cycle_id: &str,
    after: i64,
    limit: u32,
) -> Result<Vec<StoredOperation>, Error> {
    tx.query(
        "SELECT id, rid, state, body, planned_us FROM operation WHERE workspace_id = $1 AND cycle_id = $2 AND id > $3 ORDER BY id LIMIT $4",
        values![workspace, cycle_id, after, limit],
    )?
    .iter()
    .map(operation_from_row)
    .collect()
}
