//! Cycles and their operations: `planned → intent → sent → confirmed | rejected | unknown → reconciled`.
use crate::{Error, TimeUs, Tx, WorkspaceId, job::Lease};
/// Kind of a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CycleKind { Initial, Incremental, OnDemand, /// Plans only.
    DryRun }
/// Result counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts { pub created: u64, pub updated: u64, pub disabled: u64, pub deleted: u64, pub skipped: u64, pub failed: u64 }
/// A cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle { pub id: String, pub kind: CycleKind, pub started_us: TimeUs, pub ended_us: Option<TimeUs>, /// `running`, `completed`, `interrupted`, `quarantined`.
    pub status: String, pub counts: Counts, pub done: u64, pub total: u64, pub message: Option<String> }
/// State of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OperationState { Planned, Intent, Sent, Confirmed, Rejected, Unknown, Reconciled }
/// A stored operation; `body` is the plan's JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredOperation { pub id: i64, pub rid: i64, pub state: OperationState, pub body: String }
/// Proof that an intent is committed; only this module makes one, and only with it may a request be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent { operation: i64 }
impl Intent { /// Number of the operation.
    #[must_use] pub fn operation(&self) -> i64 { self.operation } }
/// Begins a cycle (dry runs too).
pub fn begin(tx: &mut Tx<'_>, lease: &Lease, kind: CycleKind, total: u64) -> Result<Cycle, Error> { let _ = (tx, lease, kind, total); todo!() }
/// Saves progress.
pub fn progress(tx: &mut Tx<'_>, lease: &Lease, cycle_id: &str, done: u64, total: u64, counts: &Counts) -> Result<(), Error> { let _ = (tx, lease, cycle_id, done, total, counts); todo!() }
/// Ends a cycle.
pub fn end(tx: &mut Tx<'_>, lease: &Lease, cycle_id: &str, status: &str, counts: &Counts, message: Option<&str>) -> Result<(), Error> { let _ = (tx, lease, cycle_id, status, counts, message); todo!() }
/// Newest cycles first; with a `before` cursor (cycle id).
pub fn list(tx: &mut Tx<'_>, workspace: WorkspaceId, application: i64, limit: u32) -> Result<Vec<Cycle>, Error> { let _ = (tx, workspace, application, limit); todo!() }
/// One cycle.
pub fn get(tx: &mut Tx<'_>, workspace: WorkspaceId, cycle_id: &str) -> Result<Option<Cycle>, Error> { let _ = (tx, workspace, cycle_id); todo!() }
/// Stores operations of a page as `planned` (rid, action word, plan JSON). Returns their numbers in order.
pub fn plan(tx: &mut Tx<'_>, lease: &Lease, cycle_id: &str, operations: &[(i64, String, String)]) -> Result<Vec<i64>, Error> { let _ = (tx, lease, cycle_id, operations); todo!() }
/// Marks operations as intended.
pub fn intend(tx: &mut Tx<'_>, lease: &Lease, operations: &[i64]) -> Result<Vec<Intent>, Error> { let _ = (tx, lease, operations); todo!() }
/// Final (or `Unknown`) state of operations.
pub fn settle(tx: &mut Tx<'_>, lease: &Lease, operations: &[(i64, OperationState)]) -> Result<(), Error> { let _ = (tx, lease, operations); todo!() }
/// Operations that may have reached the target without our knowing: `intent`, `sent`, `unknown`.
pub fn unresolved(tx: &mut Tx<'_>, workspace: WorkspaceId, application: i64, limit: u32) -> Result<Vec<StoredOperation>, Error> { let _ = (tx, workspace, application, limit); todo!() }
/// Operations of a cycle after a number, for showing a plan.
pub fn operations(tx: &mut Tx<'_>, workspace: WorkspaceId, cycle_id: &str, after: i64, limit: u32) -> Result<Vec<StoredOperation>, Error> { let _ = (tx, workspace, cycle_id, after, limit); todo!() }
