//! Provisioning jobs: one per application; leases with a fence.
use crate::{Error, TimeUs, Tx, WorkspaceId, application::Application};
/// Health of a job.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Copy)]
pub enum State { /// Never switched on.
    NotStarted, /// Switched on.
    Active, /// Switched off.
    Paused, /// Unhealthy: see the quarantine fields.
    Quarantined }
/// Everything about a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job { pub workspace: WorkspaceId, pub application: i64, pub state: State, /// Feed position dealt with; `None`: the next cycle is initial.
    pub watermark: Option<i64>, pub run_at_us: TimeUs, pub lease_owner: Option<String>, pub lease_until_us: TimeUs, pub fence: i64, pub quarantine_code: Option<String>, pub quarantine_reason: Option<String>, pub quarantined_since_us: Option<TimeUs>, pub failures: u32, /// Cycle that was begun and not ended, with its resume position.
    pub cycle_id: Option<String>, pub cycle_cursor: Option<String> }
/// Proof of ownership of a job; only this module makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease { workspace: WorkspaceId, application: i64, fence: i64, node: String }
impl Lease { /// Workspace of the job.
    #[must_use] pub fn workspace(&self) -> WorkspaceId { self.workspace } /// Application key.
    #[must_use] pub fn application(&self) -> i64 { self.application } }
/// Reads a job.
pub fn get(tx: &mut Tx<'_>, workspace: WorkspaceId, application: i64) -> Result<Job, Error> { let _ = (tx, workspace, application); todo!() }
/// Switches on (state Active, due now, quarantine lifted).
pub fn start(tx: &mut Tx<'_>, workspace: WorkspaceId, application: i64) -> Result<(), Error> { let _ = (tx, workspace, application); todo!() }
/// Switches off; a running cycle ends after its page.
pub fn stop(tx: &mut Tx<'_>, workspace: WorkspaceId, application: i64) -> Result<(), Error> { let _ = (tx, workspace, application); todo!() }
/// What a restart clears (spec 1.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reset { pub watermark: bool, pub escrows: bool, pub quarantine: bool, /// Forget links; everything is matched again.
    pub links: bool }
/// Restarts: clears the chosen parts and makes the job due now.
pub fn restart(tx: &mut Tx<'_>, workspace: WorkspaceId, application: i64, reset: Reset) -> Result<(), Error> { let _ = (tx, workspace, application, reset); todo!() }
/// Jobs that should run: active or quarantined, due by time, by unseen feed rows, queued work or due escrows; and not leased by a living node. At most `limit`.
pub fn due(tx: &mut Tx<'_>, limit: u32) -> Result<Vec<(WorkspaceId, i64)>, Error> { let _ = (tx, limit); todo!() }
/// Takes the lease for `ttl_us`, if nobody living holds it; raises the fence. `None`: somebody else runs it.
/// An owner is dead when its lease is over or its node lock file is free.
pub fn claim(tx: &mut Tx<'_>, workspace: WorkspaceId, application: i64, ttl_us: i64) -> Result<Option<Lease>, Error> { let _ = (tx, workspace, application, ttl_us); todo!() }
/// Extends it; StaleFence when lost.
pub fn renew(tx: &mut Tx<'_>, lease: &Lease, ttl_us: i64) -> Result<(), Error> { let _ = (tx, lease, ttl_us); todo!() }
/// Gives it back and says when the job is due next.
pub fn release(tx: &mut Tx<'_>, lease: &Lease, run_at_us: TimeUs) -> Result<(), Error> { let _ = (tx, lease, run_at_us); todo!() }
/// Saves the watermark at the end of a cycle and clears cycle id and cursor.
pub fn finish_cycle(tx: &mut Tx<'_>, lease: &Lease, watermark: Option<i64>) -> Result<(), Error> { let _ = (tx, lease, watermark); todo!() }
/// Saves the resume position of the running cycle.
pub fn save_cursor(tx: &mut Tx<'_>, lease: &Lease, cycle_id: &str, cursor: &str) -> Result<(), Error> { let _ = (tx, lease, cycle_id, cursor); todo!() }
/// Puts the job into quarantine with a code of spec 8.2, or lifts it.
pub fn set_quarantine(tx: &mut Tx<'_>, lease: &Lease, quarantine: Option<(&str, &str)>) -> Result<(), Error> { let _ = (tx, lease, quarantine); todo!() }
/// Takes queued work rows (assignment changes, reference repairs) of this job: rids with kinds, oldest first; they stay until [`work_done`].
pub fn work(tx: &mut Tx<'_>, lease: &Lease, limit: u32) -> Result<Vec<(i64, crate::Kind)>, Error> { let _ = (tx, lease, limit); todo!() }
/// Removes work rows.
pub fn work_done(tx: &mut Tx<'_>, lease: &Lease, rids: &[i64]) -> Result<(), Error> { let _ = (tx, lease, rids); todo!() }
/// The application of a job.
pub fn application(tx: &mut Tx<'_>, lease: &Lease) -> Result<Application, Error> { let _ = (tx, lease); todo!() }
