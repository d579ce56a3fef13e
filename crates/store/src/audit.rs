//! The audit log: one row per change, in the transaction of the change, hash-chained per workspace.

use crate::{
    Error, TimeUs, Tx, WorkspaceId,
    connection::{Connection, Row, values},
    node::hex,
    store::{Actor, refuse_nul},
};
use sha2::{Digest, Sha256};

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// From 1, without gaps, per workspace.
    pub seq: i64,
    /// When.
    pub at_us: TimeUs,
    /// Who.
    pub actor: Actor,
    /// `user.create`, `group.member.add`, `token.create`, `provisioning.start`, …
    pub action: String,
    /// `User ada@northwind.example (2819…)`, `Application Payroll`.
    pub object: String,
    /// JSON text with details, never secrets.
    pub detail: String,
    /// SHA-256 over the hash before and this row, in hexadecimal digits.
    pub hash: String,
}

const COLUMNS: &str =
    "SELECT seq, at_us, actor_kind, actor_id, actor_name, action, object, detail, hash FROM audit";

fn from_row(row: &Row) -> Result<AuditEntry, Error> {
    Ok(AuditEntry {
        seq: row.integer(0)?,
        at_us: row.integer(1)?,
        actor: Actor {
            kind: row.text(2)?,
            id: row.text(3)?,
            name: row.text(4)?,
        },
        action: row.text(5)?,
        object: row.text(6)?,
        detail: row.text(7)?,
        hash: row.text(8)?,
    })
}

/// Each part is preceded by its length, so that no two different rows have the same bytes.
fn chain(previous: &str, entry: &AuditEntry) -> String {
    let mut hash = Sha256::new();
    let (seq, at) = (entry.seq.to_string(), entry.at_us.to_string());
    let parts = [
        previous,
        &seq,
        &at,
        &entry.actor.kind,
        &entry.actor.id,
        &entry.actor.name,
        &entry.action,
        &entry.object,
        &entry.detail,
    ];
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

/// Appends with the transaction's actor.
///
/// # Errors
///
/// `Database`; then the change it stands for is not made either.
pub fn append(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    action: &str,
    object: &str,
    detail: &str,
) -> Result<(), Error> {
    let entry = AuditEntry {
        seq: 0,
        at_us: tx.now_us(),
        actor: tx.actor().clone(),
        action: action.to_owned(),
        object: object.to_owned(),
        detail: detail.to_owned(),
        hash: String::new(),
    };
    append_to(tx.connection(), workspace, entry)
}

/// Appends a row, whose number and hash are found here.
pub(crate) fn append_to(
    connection: &mut dyn Connection,
    workspace: WorkspaceId,
    mut entry: AuditEntry,
) -> Result<(), Error> {
    let (last, previous) = head(connection, workspace)?;
    entry.seq = last + 1;
    entry.hash = chain(&previous, &entry);
    let values = values![
        workspace,
        entry.seq,
        entry.at_us,
        entry.actor.kind,
        entry.actor.id,
        entry.actor.name,
        entry.action,
        entry.object,
        entry.detail,
        &entry.hash
    ];
    refuse_nul(values)?;
    connection.execute(
        "INSERT INTO audit (workspace_id, seq, at_us, actor_kind, actor_id, actor_name, action, object, detail, hash) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        values,
    )?;
    connection.execute(
        "INSERT INTO audit_head (workspace_id, seq, hash) VALUES ($1, $2, $3) \
         ON CONFLICT (workspace_id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
        values![workspace, entry.seq, entry.hash],
    )?;
    Ok(())
}

/// Number and hash of the last row; 0 and nothing when there is none.
fn head(connection: &mut dyn Connection, workspace: WorkspaceId) -> Result<(i64, String), Error> {
    let rows = connection.query(
        "SELECT seq, hash FROM audit_head WHERE workspace_id = $1",
        values![workspace],
    )?;
    rows.first().map_or(Ok((0, String::new())), |row| {
        Ok((row.integer(0)?, row.text(1)?))
    })
}

fn tampered(seq: i64) -> Error {
    Error::Conflict(format!("the audit log was tampered with at entry {seq}"))
}

/// Newest first, before a sequence number.
///
/// # Errors
///
/// `Database`.
pub fn list(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<AuditEntry>, Error> {
    tx.query(
        &format!("{COLUMNS} WHERE workspace_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3"),
        values![workspace, before.unwrap_or(i64::MAX), limit],
    )?
    .iter()
    .map(from_row)
    .collect()
}

/// Checks the chain and returns how many rows it has.
///
/// # Errors
///
/// `Conflict` names the first row that was changed, removed or inserted.
pub fn verify(tx: &mut Tx<'_>, workspace: WorkspaceId) -> Result<u64, Error> {
    verify_in(tx.connection(), workspace)
}

/// [`verify`] without a store.
pub(crate) fn verify_in(
    connection: &mut dyn Connection,
    workspace: WorkspaceId,
) -> Result<u64, Error> {
    let mut previous = String::new();
    let mut seq: i64 = 0;
    loop {
        let rows = connection.query(
            &format!("{COLUMNS} WHERE workspace_id = $1 AND seq > $2 ORDER BY seq LIMIT 1000"),
            values![workspace, seq],
        )?;
        if rows.is_empty() {
            return match head(connection, workspace)? == (seq, previous) {
                true => Ok(seq.unsigned_abs()),
                false => Err(tampered(seq + 1)),
            };
        }
        for row in &rows {
            let entry = from_row(row)?;
            if entry.seq != seq + 1 || entry.hash != chain(&previous, &entry) {
                return Err(tampered(seq + 1));
            }
            seq = entry.seq;
            previous = entry.hash;
        }
    }
}
