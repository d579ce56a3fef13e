//! Objects whose export failed, with their next attempt.
use crate::{Error, Kind, TimeUs, Tx, WorkspaceId, job::Lease};
/// An escrow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escrow { pub rid: i64, pub kind: Kind, pub code: String, pub message: String, pub attempts: u32, pub first_us: TimeUs, pub next_us: TimeUs }
/// Records a failure; the next attempt is given by the caller.
pub fn put(tx: &mut Tx<'_>, lease: &Lease, rid: i64, kind: Kind, code: &str, message: &str, next_us: TimeUs) -> Result<Escrow, Error> { let _ = (tx, lease, rid, kind, code, message, next_us); todo!() }
/// Clears after success.
pub fn clear(tx: &mut Tx<'_>, lease: &Lease, rids: &[i64]) -> Result<(), Error> { let _ = (tx, lease, rids); todo!() }
/// The escrow of one object.
pub fn get(tx: &mut Tx<'_>, workspace: WorkspaceId, application: i64, rid: i64) -> Result<Option<Escrow>, Error> { let _ = (tx, workspace, application, rid); todo!() }
/// Those whose time has come.
pub fn due(tx: &mut Tx<'_>, workspace: WorkspaceId, application: i64, limit: u32) -> Result<Vec<Escrow>, Error> { let _ = (tx, workspace, application, limit); todo!() }
/// How many there are.
pub fn count(tx: &mut Tx<'_>, workspace: WorkspaceId, application: i64) -> Result<u64, Error> { let _ = (tx, workspace, application); todo!() }
