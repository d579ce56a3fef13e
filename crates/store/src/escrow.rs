//! Objects whose export failed, with their next attempt.

use crate::{
    Error, Kind, TimeUs, Tx, WorkspaceId,
    connection::{Row, values},
    job::{self, Lease},
};

/// An escrow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escrow {
    /// Source object.
    pub rid: i64,
    /// User or group.
    pub kind: Kind,
    /// Error code of the last failure.
    pub code: String,
    /// Its sentence.
    pub message: String,
    /// How often it was tried.
    pub attempts: u32,
    /// First failure.
    pub first_us: TimeUs,
    /// Next attempt.
    pub next_us: TimeUs,
}

const COLUMNS: &str = "SELECT rid, kind, code, message, attempts, first_us, next_us FROM escrow";

fn from_row(row: &Row) -> Result<Escrow, Error> {
    Ok(Escrow {
        rid: row.integer(0)?,
        kind: row.kind(1)?,
        code: row.text(2)?,
        message: row.text(3)?,
        attempts: u32::try_from(row.integer(4)?).unwrap_or(u32::MAX),
        first_us: row.integer(5)?,
        next_us: row.integer(6)?,
    })
}

/// Records a failure; the next attempt is given by the caller.
///
/// # Errors
///
/// `StaleFence`.
pub fn put(
    tx: &mut Tx<'_>,
    lease: &Lease,
    rid: i64,
    kind: Kind,
    code: &str,
    message: &str,
    next_us: TimeUs,
) -> Result<Escrow, Error> {
    write(tx, lease, (rid, kind), (code, message), 1, next_us)
}

/// Records why an object is tried at a time only, without counting an attempt: nothing was sent.
///
/// # Errors
///
/// `StaleFence`.
pub fn postpone(
    tx: &mut Tx<'_>,
    lease: &Lease,
    rid: i64,
    kind: Kind,
    code: &str,
    message: &str,
    next_us: TimeUs,
) -> Result<Escrow, Error> {
    write(tx, lease, (rid, kind), (code, message), 0, next_us)
}

fn write(
    tx: &mut Tx<'_>,
    lease: &Lease,
    (rid, kind): (i64, Kind),
    (code, message): (&str, &str),
    attempts: i64,
    next_us: TimeUs,
) -> Result<Escrow, Error> {
    lease.check(tx)?;
    let now = tx.now_us();
    let row = tx.first(
        "INSERT INTO escrow (workspace_id, application, rid, kind, code, message, attempts, first_us, next_us) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (workspace_id, application, rid) DO UPDATE SET \
         code = excluded.code, message = excluded.message, attempts = escrow.attempts + excluded.attempts, next_us = excluded.next_us \
         RETURNING rid, kind, code, message, attempts, first_us, next_us",
        values![
            lease.workspace(),
            lease.application(),
            rid,
            kind,
            code,
            message,
            attempts,
            now,
            next_us
        ],
    )?;
    from_row(&row.ok_or_else(|| Error::Database("no row returned".into()))?)
}

/// Clears after success.
///
/// # Errors
///
/// `StaleFence`.
pub fn clear(tx: &mut Tx<'_>, lease: &Lease, rids: &[i64]) -> Result<(), Error> {
    lease.check(tx)?;
    for rid in rids {
        tx.execute(
            "DELETE FROM escrow WHERE workspace_id = $1 AND application = $2 AND rid = $3",
            values![lease.workspace(), lease.application(), *rid],
        )?;
    }
    Ok(())
}

/// The escrow of one object.
///
/// # Errors
///
/// `Database`.
pub fn get(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    rid: i64,
) -> Result<Option<Escrow>, Error> {
    let row = tx.first(
        &format!("{COLUMNS} WHERE workspace_id = $1 AND application = $2 AND rid = $3"),
        values![workspace, application, rid],
    )?;
    row.as_ref().map(from_row).transpose()
}

/// Those whose time has come.
///
/// # Errors
///
/// `Database`.
pub fn due(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    limit: u32,
) -> Result<Vec<Escrow>, Error> {
    let now = tx.now_us();
    tx.query(
        &format!("{COLUMNS} WHERE workspace_id = $1 AND application = $2 AND next_us <= $3 ORDER BY next_us LIMIT $4"),
        values![workspace, application, now, limit],
    )?
    .iter()
    .map(from_row)
    .collect()
}

/// Those held with a code, oldest first, after a rid.
///
/// # Errors
///
/// `Database`.
pub fn held(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    code: &str,
    after: i64,
    limit: u32,
) -> Result<Vec<Escrow>, Error> {
    tx.query(
        &format!("{COLUMNS} WHERE workspace_id = $1 AND application = $2 AND code = $3 AND rid > $4 ORDER BY rid LIMIT $5"),
        values![workspace, application, code, after, limit],
    )?
    .iter()
    .map(from_row)
    .collect()
}

/// How many are held with a code.
///
/// # Errors
///
/// `Database`.
pub fn held_count(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    code: &str,
) -> Result<u64, Error> {
    tx.count(
        "SELECT count(*) FROM escrow WHERE workspace_id = $1 AND application = $2 AND code = $3",
        values![workspace, application, code],
    )
}

/// Allows what is held with a code at this moment, and makes the job due. What is held later needs another approval.
/// Returns how many objects were allowed.
///
/// # Errors
///
/// `Conflict` when there are not `expected` of them any more: what was approved is not what there is; nothing changes.
pub fn approve(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    code: &str,
    expected: u64,
) -> Result<u64, Error> {
    let held = held_count(tx, workspace, application, code)?;
    if held != expected {
        return Err(Error::Conflict(format!(
            "{held} operations are held now, not {expected}; look at them again before you allow them"
        )));
    }
    let now = tx.now_us();
    tx.execute(
        "UPDATE escrow SET approved_us = $4, next_us = $4 WHERE workspace_id = $1 AND application = $2 AND code = $3",
        values![workspace, application, code, now],
    )?;
    job::approved(tx, workspace, application, held)?;
    Ok(held)
}

/// Objects that may lose access whatever the threshold says.
///
/// # Errors
///
/// `Database`.
pub fn approved(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
) -> Result<Vec<i64>, Error> {
    tx.query(
        "SELECT rid FROM escrow WHERE workspace_id = $1 AND application = $2 AND approved_us IS NOT NULL ORDER BY rid",
        values![workspace, application],
    )?
    .iter()
    .map(|row| row.integer(0))
    .collect()
}

/// How many there are.
///
/// # Errors
///
/// `Database`.
pub fn count(tx: &mut Tx<'_>, workspace: WorkspaceId, application: i64) -> Result<u64, Error> {
    tx.count(
        "SELECT count(*) FROM escrow WHERE workspace_id = $1 AND application = $2",
        values![workspace, application],
    )
}
