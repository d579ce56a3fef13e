//! The operations of a cycle, from the plan to what became of them.

use crate::{
    Error, TimeUs, Tx, WorkspaceId,
    connection::{Row, values},
    job::Lease,
};

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

/// The newest operations on one object that may have reached the target without our knowing, at most ten.
///
/// # Errors
///
/// `Database`.
pub fn unresolved_of(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    rid: i64,
) -> Result<Vec<StoredOperation>, Error> {
    tx.query(
        "SELECT id, rid, state, body, planned_us FROM operation WHERE workspace_id = $1 AND application = $2 AND rid = $3 \
         AND state IN ('intent', 'sent', 'unknown') ORDER BY id DESC LIMIT 10",
        values![workspace, application, rid],
    )?
    .iter()
    .map(operation_from_row)
    .collect()
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

/// Operations of a cycle before a number, the last one first.
///
/// # Errors
///
/// `Database`.
pub fn operations_before(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    cycle_id: &str,
    before: i64,
    limit: u32,
) -> Result<Vec<StoredOperation>, Error> {
    tx.query(
        "SELECT id, rid, state, body, planned_us FROM operation \
         WHERE workspace_id = $1 AND cycle_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4",
        values![workspace, cycle_id, before, limit],
    )?
    .iter()
    .map(operation_from_row)
    .collect()
}
