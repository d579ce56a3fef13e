//! The audit log: one row per change, in the transaction of the change, hash-chained per workspace.
use crate::{Error, TimeUs, Tx, WorkspaceId, store::Actor};
/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry { pub seq: i64, pub at_us: TimeUs, pub actor: Actor, /// `user.create`, `group.member.add`, `token.create`, `provisioning.start`, …
    pub action: String, /// `User 2819…`, `Application Payroll`.
    pub object: String, /// JSON text with details, never secrets.
    pub detail: String, pub hash: String }
/// Appends with the transaction's actor.
pub fn append(tx: &mut Tx<'_>, workspace: WorkspaceId, action: &str, object: &str, detail: &str) -> Result<(), Error> { let _ = (tx, workspace, action, object, detail); todo!() }
/// Newest first, before a sequence number.
pub fn list(tx: &mut Tx<'_>, workspace: WorkspaceId, before: Option<i64>, limit: u32) -> Result<Vec<AuditEntry>, Error> { let _ = (tx, workspace, before, limit); todo!() }
/// Checks the chain; `Err(Conflict)` names the first bad row. Returns how many rows were checked.
pub fn verify(tx: &mut Tx<'_>, workspace: WorkspaceId) -> Result<u64, Error> { let _ = (tx, workspace); todo!() }
