//! Provisioning jobs: one per application; leases with a fence.
//!
//! A run holds a lease. Each claim raises the fence, and every write of a run names its fence, so that a run that slept
//! past its lease can write nothing any more.

mod health;

pub use health::{QUARANTINE_LONGEST_US, set_quarantine};

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use crate::{
    Error, Kind, TimeUs, Tx, WorkspaceId,
    application::{self, Application},
    audit,
    connection::{Row, values},
};

/// Quarantine code of a job that was switched off because a backup was restored.
pub const RESTORED_CODE: &str = "RestoredFromBackup";
/// Why it was.
pub(crate) const RESTORED_REASON: &str = "A backup was restored. What was sent to the application after the backup was made is not known here, and people who have left \
    since may be in the directory again. Bring the directory up to date, look at a drift check or a plan, then switch provisioning on.";

/// Health of a job.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Copy)]
pub enum State {
    /// Never switched on.
    NotStarted,
    /// Switched on.
    Active,
    /// Switched off.
    Paused,
    /// Switched on but unhealthy: see the quarantine fields.
    Quarantined,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::NotStarted => "not-started",
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Quarantined => "quarantined",
        }
    }

    fn from_text(text: &str) -> Result<Self, Error> {
        [
            Self::NotStarted,
            Self::Active,
            Self::Paused,
            Self::Quarantined,
        ]
        .into_iter()
        .find(|state| state.as_str() == text)
        .ok_or_else(|| Error::Database(format!("unknown job state {text:?}")))
    }
}

/// Everything about a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// Key of the application.
    pub application: i64,
    /// Health.
    pub state: State,
    /// Feed position dealt with; `None`: the next cycle is initial.
    pub watermark: Option<i64>,
    /// When it is due without any change.
    pub run_at_us: TimeUs,
    /// Node that runs it.
    pub lease_owner: Option<String>,
    /// When its lease is over.
    pub lease_until_us: TimeUs,
    /// Counts claims.
    pub fence: i64,
    /// Why it is quarantined: a code.
    pub quarantine_code: Option<String>,
    /// Why it is quarantined: a sentence.
    pub quarantine_reason: Option<String>,
    /// Since when it is quarantined.
    pub quarantined_since_us: Option<TimeUs>,
    /// Consecutive quarantine decisions.
    pub failures: u32,
    /// Cycle that was begun and not ended.
    pub cycle_id: Option<String>,
    /// Its resume position.
    pub cycle_cursor: Option<String>,
}

/// Proof of ownership of a job; only this module makes one.
#[derive(Debug, Clone)]
pub struct Lease {
    workspace: WorkspaceId,
    application: i64,
    fence: i64,
    node: String,
    /// Greatest number of a work row that the run has seen; [`work_done`] leaves later ones alone.
    seen_work: Arc<AtomicI64>,
    /// When the job was due as it was claimed: if that has changed by the end of the run, somebody wants it sooner.
    run_at_us: TimeUs,
}

impl PartialEq for Lease {
    fn eq(&self, other: &Self) -> bool {
        (self.workspace, self.application, self.fence, &self.node)
            == (other.workspace, other.application, other.fence, &other.node)
    }
}

impl Eq for Lease {}

impl Lease {
    /// Workspace of the job.
    #[must_use]
    pub fn workspace(&self) -> WorkspaceId {
        self.workspace
    }

    /// Application key.
    #[must_use]
    pub fn application(&self) -> i64 {
        self.application
    }

    /// Refuses to go on when somebody else has claimed the job since.
    pub(crate) fn check(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let held = tx.first(
            "SELECT fence FROM job WHERE workspace_id = $1 AND application = $2 AND fence = $3 AND lease_owner = $4",
            values![self.workspace, self.application, self.fence, &self.node],
        )?;
        held.map(|_| ()).ok_or(Error::StaleFence)
    }
}

fn from_row(row: &Row) -> Result<Job, Error> {
    Ok(Job {
        workspace: WorkspaceId(row.integer(0)?),
        application: row.integer(1)?,
        state: State::from_text(&row.text(2)?)?,
        watermark: row.optional_integer(3)?,
        run_at_us: row.integer(4)?,
        lease_owner: row.optional_text(5)?,
        lease_until_us: row.integer(6)?,
        fence: row.integer(7)?,
        quarantine_code: row.optional_text(8)?,
        quarantine_reason: row.optional_text(9)?,
        quarantined_since_us: row.optional_integer(10)?,
        failures: u32::try_from(row.integer(11)?).unwrap_or(u32::MAX),
        cycle_id: row.optional_text(12)?,
        cycle_cursor: row.optional_text(13)?,
    })
}

/// Reads a job.
///
/// # Errors
///
/// `NotFound`.
pub fn get(tx: &mut Tx<'_>, workspace: WorkspaceId, application: i64) -> Result<Job, Error> {
    let row = tx.first(
        "SELECT workspace_id, application, state, watermark, run_at_us, lease_owner, lease_until_us, fence, quarantine_code, \
         quarantine_reason, quarantined_since_us, failures, cycle_id, cycle_cursor FROM job \
         WHERE workspace_id = $1 AND application = $2",
        values![workspace, application],
    )?;
    from_row(&row.ok_or_else(|| Error::NotFound("the application".into()))?)
}

fn record(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    action: &str,
) -> Result<(), Error> {
    let name = application::get(tx, workspace, application)?.name;
    tx.touch_feed();
    audit::append(tx, workspace, action, &format!("Application {name}"), "{}")
}

/// Held operations were allowed: the job is due now, and the audit log says how many there were.
pub(crate) fn approved(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    count: u64,
) -> Result<(), Error> {
    let now = tx.now_us();
    tx.execute(
        "UPDATE job SET run_at_us = $3, backoff = 0 WHERE workspace_id = $1 AND application = $2",
        values![workspace, application, now],
    )?;
    let name = application::get(tx, workspace, application)?.name;
    tx.touch_feed();
    audit::append(
        tx,
        workspace,
        "provisioning.allowDeletes",
        &format!("Application {name}"),
        &format!("{{\"operations\":{count}}}"),
    )
}

/// Switches on: due now, quarantine lifted.
///
/// # Errors
///
/// `NotFound`.
pub fn start(tx: &mut Tx<'_>, workspace: WorkspaceId, application: i64) -> Result<(), Error> {
    let now = tx.now_us();
    health::note_lifted(tx, workspace, application)?;
    tx.execute(
        "UPDATE job SET state = 'active', run_at_us = $3, backoff = 0, quarantine_code = NULL, quarantine_reason = NULL, \
         quarantined_since_us = NULL, failures = 0 WHERE workspace_id = $1 AND application = $2",
        values![workspace, application, now],
    )?;
    record(tx, workspace, application, "provisioning.start")
}

/// Switches off; a running cycle ends after its page.
///
/// # Errors
///
/// `NotFound`.
pub fn stop(tx: &mut Tx<'_>, workspace: WorkspaceId, application: i64) -> Result<(), Error> {
    tx.execute(
        "UPDATE job SET state = 'paused' WHERE workspace_id = $1 AND application = $2",
        values![workspace, application],
    )?;
    record(tx, workspace, application, "provisioning.stop")
}

/// What a restart clears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reset {
    /// Look at everything again.
    pub watermark: bool,
    /// Forget recorded failures.
    pub escrows: bool,
    /// Leave quarantine.
    pub quarantine: bool,
    /// Forget links; everything is matched again.
    pub links: bool,
}

/// Restarts: clears the chosen parts and makes the job due now.
///
/// # Errors
///
/// `NotFound`.
pub fn restart(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    reset: Reset,
) -> Result<(), Error> {
    let now = tx.now_us();
    if reset.watermark || reset.links {
        tx.execute(
            "UPDATE job SET watermark = NULL, cycle_id = NULL, cycle_cursor = NULL WHERE workspace_id = $1 AND application = $2",
            values![workspace, application],
        )?;
    }
    if reset.escrows {
        tx.execute(
            "DELETE FROM escrow WHERE workspace_id = $1 AND application = $2",
            values![workspace, application],
        )?;
    }
    if reset.links {
        application::forget_target(tx, workspace, application)?;
    }
    if reset.quarantine {
        health::note_lifted(tx, workspace, application)?;
        tx.execute(
            "UPDATE job SET state = CASE state WHEN 'quarantined' THEN 'active' ELSE state END, quarantine_code = NULL, \
             quarantine_reason = NULL, quarantined_since_us = NULL, failures = 0 WHERE workspace_id = $1 AND application = $2",
            values![workspace, application],
        )?;
    }
    tx.execute(
        "UPDATE job SET run_at_us = $3, backoff = 0 WHERE workspace_id = $1 AND application = $2",
        values![workspace, application, now],
    )?;
    record(tx, workspace, application, "provisioning.restart")
}

/// Jobs that should run, at most `limit`: due by time; or, when active and not backing off, by unseen feed rows, queued work
/// or due escrows; and not leased by a living node.
///
/// # Errors
///
/// `Database`.
pub fn due(tx: &mut Tx<'_>, limit: u32) -> Result<Vec<(WorkspaceId, i64)>, Error> {
    let now = tx.now_us();
    tx.span()?;
    let rows = tx.query(
        "SELECT j.workspace_id, j.application, j.lease_owner, j.lease_until_us FROM job j \
         WHERE j.state IN ('active', 'quarantined') AND (j.run_at_us <= $1 OR (j.state = 'active' AND j.backoff = 0 AND ( \
           EXISTS (SELECT 1 FROM change c WHERE c.workspace_id = j.workspace_id AND c.seq > j.watermark) \
           OR EXISTS (SELECT 1 FROM job_work w WHERE w.workspace_id = j.workspace_id AND w.application = j.application) \
           OR EXISTS (SELECT 1 FROM escrow e WHERE e.workspace_id = j.workspace_id AND e.application = j.application AND e.next_us <= $1)))) \
         ORDER BY j.run_at_us",
        values![now],
    )?;
    let mut due = Vec::new();
    for row in rows {
        let owner = row.optional_text(2)?;
        let leased = match owner {
            Some(owner) => row.integer(3)? > now && !tx.is_dead(&owner)?,
            None => false,
        };
        if !leased {
            due.push((WorkspaceId(row.integer(0)?), row.integer(1)?));
        }
        if due.len() >= limit as usize {
            break;
        }
    }
    Ok(due)
}

/// Takes the lease for `ttl_us`, if nobody living holds it, and raises the fence. `None`: somebody else runs the job.
/// An owner is dead when its lease is over or its node's lock is free.
///
/// # Errors
///
/// `NotFound`.
pub fn claim(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    ttl_us: i64,
) -> Result<Option<Lease>, Error> {
    let now = tx.now_us();
    let job = get(tx, workspace, application)?;
    if let Some(owner) = &job.lease_owner
        && job.lease_until_us > now
        && !tx.is_dead(owner)?
    {
        return Ok(None);
    }
    let lease = Lease {
        workspace,
        application,
        fence: job.fence + 1,
        node: tx.node().id().to_owned(),
        seen_work: Arc::default(),
        run_at_us: job.run_at_us,
    };
    tx.execute(
        "UPDATE job SET lease_owner = $3, lease_until_us = $4, fence = $5 WHERE workspace_id = $1 AND application = $2",
        values![workspace, application, &lease.node, now.saturating_add(ttl_us), lease.fence],
    )?;
    Ok(Some(lease))
}

/// Extends a lease.
///
/// # Errors
///
/// `StaleFence` when it was lost.
pub fn renew(tx: &mut Tx<'_>, lease: &Lease, ttl_us: i64) -> Result<(), Error> {
    lease.check(tx)?;
    let until = tx.now_us().saturating_add(ttl_us);
    tx.execute(
        "UPDATE job SET lease_until_us = $3 WHERE workspace_id = $1 AND application = $2",
        values![lease.workspace, lease.application, until],
    )?;
    Ok(())
}

fn give_back(
    tx: &mut Tx<'_>,
    lease: &Lease,
    run_at_us: TimeUs,
    backoff: bool,
) -> Result<(), Error> {
    lease.check(tx)?;
    // Who restarted the job, allowed what it held or changed its configuration meanwhile does not wait for the next interval.
    tx.execute(
        "UPDATE job SET lease_owner = NULL, lease_until_us = 0, \
         failures = CASE WHEN $4 = 1 THEN failures + 1 WHEN state = 'active' THEN 0 ELSE failures END, backoff = CASE WHEN run_at_us = $5 THEN $4 ELSE backoff END, run_at_us = CASE WHEN run_at_us = $5 THEN $3 ELSE run_at_us END \
         WHERE workspace_id = $1 AND application = $2",
        values![lease.workspace, lease.application, run_at_us, backoff, lease.run_at_us],
    )?;
    Ok(())
}

/// Gives the lease back after a healthy run and says when the job is due next; a change wakes it earlier.
///
/// # Errors
///
/// `StaleFence`.
pub fn release(tx: &mut Tx<'_>, lease: &Lease, run_at_us: TimeUs) -> Result<(), Error> {
    give_back(tx, lease, run_at_us, false)
}

/// Gives the lease back after a failed run, which is counted: nothing wakes the job before `run_at_us`.
///
/// # Errors
///
/// `StaleFence`.
pub fn release_after_failure(
    tx: &mut Tx<'_>,
    lease: &Lease,
    run_at_us: TimeUs,
) -> Result<(), Error> {
    give_back(tx, lease, run_at_us, true)
}

/// Saves the watermark at the end of a cycle and clears its cursor.
///
/// # Errors
///
/// `StaleFence`.
pub fn finish_cycle(tx: &mut Tx<'_>, lease: &Lease, watermark: Option<i64>) -> Result<(), Error> {
    lease.check(tx)?;
    tx.execute(
        "UPDATE job SET watermark = $3, cycle_id = NULL, cycle_cursor = NULL WHERE workspace_id = $1 AND application = $2",
        values![lease.workspace, lease.application, watermark],
    )?;
    Ok(())
}

/// Saves the resume position of the running cycle.
///
/// # Errors
///
/// `StaleFence`.
pub fn save_cursor(
    tx: &mut Tx<'_>,
    lease: &Lease,
    cycle_id: &str,
    cursor: &str,
) -> Result<(), Error> {
    lease.check(tx)?;
    tx.execute(
        "UPDATE job SET cycle_id = $3, cycle_cursor = $4 WHERE workspace_id = $1 AND application = $2",
        values![lease.workspace, lease.application, cycle_id, cursor],
    )?;
    Ok(())
}

/// Queued work of this job (assignment changes, reference repairs), oldest first; it stays until [`work_done`].
///
/// # Errors
///
/// `StaleFence`.
pub fn work(tx: &mut Tx<'_>, lease: &Lease, limit: u32) -> Result<Vec<(i64, Kind)>, Error> {
    lease.check(tx)?;
    let rows = tx.query(
        "SELECT rid, kind, seq FROM job_work WHERE workspace_id = $1 AND application = $2 ORDER BY seq LIMIT $3",
        values![lease.workspace, lease.application, limit],
    )?;
    if let Some(last) = rows.last() {
        lease
            .seen_work
            .fetch_max(last.integer(2)?, Ordering::Relaxed);
    }
    rows.iter()
        .map(|row| Ok((row.integer(0)?, row.kind(1)?)))
        .collect()
}

/// Queues an object, so that this cycle or the next one looks at it.
///
/// # Errors
///
/// `StaleFence`.
pub fn queue(tx: &mut Tx<'_>, lease: &Lease, rid: i64, kind: Kind) -> Result<(), Error> {
    lease.check(tx)?;
    // A row that is there already may be one that a run is just done with: it gets a new number.
    tx.execute(
        "DELETE FROM job_work WHERE workspace_id = $1 AND application = $2 AND rid = $3",
        values![lease.workspace, lease.application, rid],
    )?;
    tx.execute(
        "INSERT INTO job_work (workspace_id, application, rid, kind) VALUES ($1, $2, $3, $4)",
        values![lease.workspace, lease.application, rid, kind],
    )?;
    Ok(())
}

/// Removes work rows, but not those that were queued anew after [`work`] read them: their object changed meanwhile.
///
/// # Errors
///
/// `StaleFence`.
pub fn work_done(tx: &mut Tx<'_>, lease: &Lease, rids: &[i64]) -> Result<(), Error> {
    lease.check(tx)?;
    let seen = lease.seen_work.load(Ordering::Relaxed);
    for rid in rids {
        tx.execute(
            "DELETE FROM job_work WHERE workspace_id = $1 AND application = $2 AND rid = $3 AND seq <= $4",
            values![lease.workspace, lease.application, *rid, seen],
        )?;
    }
    Ok(())
}

/// The application of a job.
///
/// # Errors
///
/// `StaleFence`.
pub fn application(tx: &mut Tx<'_>, lease: &Lease) -> Result<Application, Error> {
    lease.check(tx)?;
    application::get(tx, lease.workspace, lease.application)
}
