//! Into quarantine and out of it, and what people are told about it.

use super::{Job, Lease, State, get, record};
use crate::{
    Error, Tx, WorkspaceId,
    connection::values,
    notification::{self, Event, Facts},
    run,
};

/// A quarantine that lasts longer than this, 28 days, switches the job off.
pub const QUARANTINE_LONGEST_US: i64 = 28 * 24 * 60 * 60 * 1_000_000;

/// Tells people that somebody, not a cycle, lifted the quarantine.
pub(super) fn note_lifted(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
) -> Result<(), Error> {
    let job = get(tx, workspace, application)?;
    // Nobody was told that a restore switched it off, so nobody is told that it is over.
    if matches!(
        job.quarantine_code.as_deref(),
        None | Some(super::RESTORED_CODE)
    ) {
        return Ok(());
    }
    let facts = Facts {
        by: tx.actor().name.clone(),
        ..facts(tx, &job)?
    };
    notification::note(tx, workspace, application, Event::Recovered, facts)
}

/// What there is to say about a job as it is.
fn facts(tx: &mut Tx<'_>, job: &Job) -> Result<Facts, Error> {
    let mut facts = Facts {
        code: job.quarantine_code.clone().unwrap_or_default(),
        reason: job.quarantine_reason.clone().unwrap_or_default(),
        since_us: job.quarantined_since_us.unwrap_or_default(),
        ..Facts::default()
    };
    let cycle = match &job.cycle_id {
        Some(id) => run::get(tx, job.workspace, id)?,
        None => None,
    };
    if let Some(cycle) = cycle {
        facts.created = cycle.counts.created;
        facts.updated = cycle.counts.updated;
        facts.disabled = cycle.counts.disabled;
        facts.deleted = cycle.counts.deleted;
        facts.failed = cycle.counts.failed;
        facts.cycle = cycle.id;
    }
    Ok(facts)
}

/// Puts the job into quarantine with a code and a sentence, or lifts it. A job that is switched off stays off; one that
/// has been in quarantine for 28 days is switched off. People are told what changes.
///
/// # Errors
///
/// `StaleFence`.
pub fn set_quarantine(
    tx: &mut Tx<'_>,
    lease: &Lease,
    quarantine: Option<(&str, &str)>,
) -> Result<(), Error> {
    lease.check(tx)?;
    let before = get(tx, lease.workspace, lease.application)?;
    match quarantine {
        Some((code, reason)) => quarantine_for(tx, &before, code, reason),
        None => lift(tx, &before),
    }
}

fn quarantine_for(tx: &mut Tx<'_>, before: &Job, code: &str, reason: &str) -> Result<(), Error> {
    let (workspace, application, now) = (before.workspace, before.application, tx.now_us());
    let since_us = before.quarantined_since_us.unwrap_or(now);
    let state = match before.state {
        State::Quarantined if now - since_us >= QUARANTINE_LONGEST_US => State::Paused,
        State::Active => State::Quarantined,
        other => other,
    };
    tx.execute(
        "UPDATE job SET state = $3, quarantine_code = $4, quarantine_reason = $5, quarantined_since_us = $6, \
         failures = failures + 1 WHERE workspace_id = $1 AND application = $2",
        values![workspace, application, state.as_str(), code, reason, since_us],
    )?;
    let event = match state {
        State::Paused if before.state == State::Quarantined => Event::Stopped,
        State::Quarantined if code == notification::HELD_CODE => Event::Held,
        State::Quarantined => Event::Quarantined,
        // Nobody waits for a job that is off.
        State::NotStarted | State::Active | State::Paused => return Ok(()),
    };
    let after = get(tx, workspace, application)?;
    let facts = facts(tx, &after)?;
    notification::note(tx, workspace, application, event, facts)?;
    if event == Event::Stopped {
        record(tx, workspace, application, "provisioning.stop")?;
    }
    Ok(())
}

fn lift(tx: &mut Tx<'_>, before: &Job) -> Result<(), Error> {
    let (workspace, application) = (before.workspace, before.application);
    tx.execute(
        "UPDATE job SET state = CASE state WHEN 'quarantined' THEN 'active' ELSE state END, quarantine_code = NULL, \
         quarantine_reason = NULL, quarantined_since_us = NULL, failures = 0 WHERE workspace_id = $1 AND application = $2",
        values![workspace, application],
    )?;
    if before.state != State::Quarantined {
        return Ok(());
    }
    let facts = facts(tx, before)?;
    notification::note(tx, workspace, application, Event::Recovered, facts)
}
