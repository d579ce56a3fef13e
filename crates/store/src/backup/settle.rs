//! What of the past must not go on in a restored database.
//!
//! A ledger of yesterday does not know what was sent since, and a directory of yesterday has people who have left since. So:
//!
//! - no lease, no claim on a mail, no running cycle of the old server is carried over, and fences are raised;
//! - unless it is a move, every application that was on is switched off and says why; its next cycle looks at everything;
//!   approvals and plans are void, since they were made for another state of the target; mails that waited are not sent.
//!
//! Operations whose fate is open stay open: the next cycle finds it out by reading the target, as after a crash.

use super::{Answer, Manifest};
use crate::{
    Error, TimeUs, WorkspaceId,
    audit::{self, AuditEntry},
    connection::{Database, values},
    job,
};

/// What was changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) switched_off: u64,
    pub(super) secrets_forgotten: u64,
}

/// All workspaces with their slugs.
pub(crate) fn workspaces(database: &mut dyn Database) -> Result<Vec<(WorkspaceId, String)>, Error> {
    let rows = database.query("SELECT id, slug FROM workspace ORDER BY id", &[])?;
    rows.iter()
        .map(|row| Ok((WorkspaceId(row.integer(0)?), row.text(1)?)))
        .collect()
}

/// Workspaces whose audit chain is broken, and where.
pub(crate) fn broken_audits(database: &mut dyn Database) -> Result<Vec<(String, String)>, Error> {
    let mut broken = Vec::new();
    for (workspace, slug) in workspaces(database)? {
        match audit::verify_in(database, workspace) {
            Ok(_) => {}
            Err(Error::Conflict(message)) => broken.push((slug, message)),
            Err(other) => return Err(other),
        }
    }
    Ok(broken)
}

/// Prepares a restored database for its new life.
pub(super) fn settle(
    database: &mut dyn Database,
    answer: &Answer,
    manifest: &Manifest,
) -> Result<Settled, Error> {
    let mut settled = Settled::default();
    for (workspace, _) in workspaces(database)? {
        release(database, workspace)?;
        if !answer.moved {
            settled.switched_off += switch_off(database, workspace, answer.now_us)?;
            forget_intentions(database, workspace, answer.now_us)?;
        }
        if answer.without_secrets {
            settled.secrets_forgotten += database.execute(
                "UPDATE application SET secret = NULL WHERE workspace_id = $1 AND secret IS NOT NULL",
                values![workspace],
            )?;
        }
        record(database, workspace, answer, manifest)?;
    }
    Ok(settled)
}

/// Nobody holds anything.
fn release(database: &mut dyn Database, workspace: WorkspaceId) -> Result<(), Error> {
    database.execute(
        "UPDATE job SET lease_owner = NULL, lease_until_us = 0, fence = fence + 1 WHERE workspace_id = $1",
        values![workspace],
    )?;
    database.execute(
        "UPDATE notification SET lease_owner = NULL, lease_until_us = 0 WHERE workspace_id = $1",
        values![workspace],
    )?;
    Ok(())
}

/// How many were on.
fn switch_off(
    database: &mut dyn Database,
    workspace: WorkspaceId,
    now_us: TimeUs,
) -> Result<u64, Error> {
    database.execute(
        "UPDATE job SET watermark = NULL, cycle_id = NULL, cycle_cursor = NULL, backoff = 0, run_at_us = $2 WHERE workspace_id = $1",
        values![workspace, now_us],
    )?;
    database.execute(
        "UPDATE job SET state = 'paused', quarantine_code = $2, quarantine_reason = $3, quarantined_since_us = $4, failures = 0 \
         WHERE workspace_id = $1 AND state IN ('active', 'quarantined')",
        values![workspace, job::RESTORED_CODE, job::RESTORED_REASON, now_us],
    )
}

/// What was decided or under way for a state of the targets that is over.
fn forget_intentions(
    database: &mut dyn Database,
    workspace: WorkspaceId,
    now_us: TimeUs,
) -> Result<(), Error> {
    database.execute(
        "UPDATE cycle SET status = 'interrupted', ended_us = $2, message = 'a backup was restored' \
         WHERE workspace_id = $1 AND ended_us IS NULL",
        values![workspace, now_us],
    )?;
    database.execute(
        "UPDATE notification SET state = 'expired', ended_us = $2, error = 'a backup was restored' \
         WHERE workspace_id = $1 AND state = 'waiting'",
        values![workspace, now_us],
    )?;
    for statement in [
        "UPDATE cycle SET plan_head = NULL, plan_config = NULL WHERE workspace_id = $1 AND plan_head IS NOT NULL",
        "UPDATE escrow SET approved_us = NULL WHERE workspace_id = $1 AND approved_us IS NOT NULL",
        "DELETE FROM listed_value WHERE workspace_id = $1",
        "DELETE FROM listed_account WHERE workspace_id = $1",
    ] {
        database.execute(statement, values![workspace])?;
    }
    Ok(())
}

fn record(
    database: &mut dyn Database,
    workspace: WorkspaceId,
    answer: &Answer,
    manifest: &Manifest,
) -> Result<(), Error> {
    let detail = serde_json::json!({
        "madeUs": manifest.created_us,
        "sha256": manifest.sha256,
        "moved": answer.moved,
        "withoutSecrets": answer.without_secrets,
    });
    let entry = AuditEntry {
        seq: 0,
        at_us: answer.now_us,
        actor: answer.actor.clone(),
        action: "server.restore".to_owned(),
        object: "Backup".to_owned(),
        detail: detail.to_string(),
        hash: String::new(),
    };
    audit::append_to(database, workspace, entry)
}
