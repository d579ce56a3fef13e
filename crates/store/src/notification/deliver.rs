//! Sending what waits: claimed by one process at a time, and with a result each time.

use super::{Notification, State, from_row};
use crate::{Error, TimeUs, Tx, WorkspaceId, connection::values};

/// What could not be sent for so long is given up: three days.
pub const LARGEST_AGE_US: i64 = 3 * 24 * 60 * 60 * 1_000_000;
/// Longest error that is kept, in characters.
const ERROR_CHARS: usize = 500;

/// A notification that this process may send; only [`claim`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    workspace: WorkspaceId,
    /// What is to be said.
    pub notification: Notification,
    /// Addresses that need nothing more: it was sent to them, or they were refused.
    pub settled: Vec<String>,
    node: String,
}

impl Claim {
    /// Whose it is.
    #[must_use]
    pub fn workspace(&self) -> WorkspaceId {
        self.workspace
    }
}

/// How an attempt to send ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It was sent to at least one address; a text if another one was refused.
    Sent(String),
    /// Every address was refused.
    Refused(String),
    /// Nobody wants to be told.
    Nobody,
    /// To be tried again.
    Again {
        /// When.
        next_us: TimeUs,
        /// Why.
        error: String,
    },
}

/// Up to `limit` notifications of all workspaces that should be sent now, the oldest of each application first, and not
/// claimed by a living process.
///
/// # Errors
///
/// `Database`.
pub fn due(tx: &mut Tx<'_>, limit: usize) -> Result<Vec<(WorkspaceId, i64)>, Error> {
    let now = tx.now_us();
    tx.span()?;
    let rows = tx.query(
        "SELECT n.workspace_id, n.id, n.lease_owner, n.lease_until_us FROM notification n \
         WHERE n.state = 'waiting' AND n.next_us <= $1 AND NOT EXISTS (SELECT 1 FROM notification e \
           WHERE e.workspace_id = n.workspace_id AND e.application = n.application AND e.id < n.id AND e.state = 'waiting') \
         ORDER BY n.next_us, n.id LIMIT 1000",
        values![now],
    )?;
    let mut due = Vec::new();
    for row in rows {
        let claimed = match row.optional_text(2)? {
            Some(owner) => row.integer(3)? > now && !tx.is_dead(&owner)?,
            None => false,
        };
        if !claimed {
            due.push((WorkspaceId(row.integer(0)?), row.integer(1)?));
        }
        if due.len() >= limit {
            break;
        }
    }
    Ok(due)
}

/// Takes a notification for `ttl_us`. `None`: somebody else has it, it is done, or it has become too old and is given up.
///
/// # Errors
///
/// `Database`.
pub fn claim(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    id: i64,
    ttl_us: i64,
) -> Result<Option<Claim>, Error> {
    let now = tx.now_us();
    let row = tx.first(
        "SELECT id, application, kind, facts, state, next_us, attempts, ended_us, error, lease_owner, lease_until_us, \
         created_us, settled FROM notification WHERE workspace_id = $1 AND id = $2 AND state = 'waiting'",
        values![workspace, id],
    )?;
    let Some(row) = row else { return Ok(None) };
    if let Some(owner) = row.optional_text(9)?
        && row.integer(10)? > now
        && !tx.is_dead(&owner)?
    {
        return Ok(None);
    }
    let mut notification = from_row(&row)?;
    if row.integer(11)? < now - LARGEST_AGE_US {
        tx.execute(
            "UPDATE notification SET state = 'expired', ended_us = $3, lease_owner = NULL WHERE workspace_id = $1 AND id = $2",
            values![workspace, id, now],
        )?;
        return Ok(None);
    }
    notification.attempts = notification.attempts.saturating_add(1);
    let node = tx.node().id().to_owned();
    tx.execute(
        "UPDATE notification SET lease_owner = $3, lease_until_us = $4, attempts = $5 WHERE workspace_id = $1 AND id = $2",
        values![workspace, id, &node, now.saturating_add(ttl_us), notification.attempts],
    )?;
    Ok(Some(Claim {
        workspace,
        notification,
        settled: row.text(12)?.lines().map(str::to_owned).collect(),
        node,
    }))
}

/// Refuses to go on when somebody else has claimed it since.
fn check(tx: &mut Tx<'_>, claim: &Claim) -> Result<(), Error> {
    let held = tx.first(
        "SELECT id FROM notification WHERE workspace_id = $1 AND id = $2 AND attempts = $3 AND lease_owner = $4 AND state = 'waiting'",
        values![claim.workspace, claim.notification.id, claim.notification.attempts, &claim.node],
    )?;
    held.map(|_| ()).ok_or(Error::StaleFence)
}

/// Remembers that nothing more has to be sent to an address, whatever becomes of the others.
///
/// # Errors
///
/// `StaleFence` when the claim was lost.
pub fn settle(tx: &mut Tx<'_>, claim: &Claim, address: &str) -> Result<(), Error> {
    check(tx, claim)?;
    tx.execute(
        "UPDATE notification SET settled = settled || $3 WHERE workspace_id = $1 AND id = $2",
        values![
            claim.workspace,
            claim.notification.id,
            format!("{address}\n")
        ],
    )?;
    Ok(())
}

/// Gives a claim back with its result.
///
/// # Errors
///
/// `StaleFence` when the claim was lost.
pub fn finish(tx: &mut Tx<'_>, claim: &Claim, end: &End) -> Result<(), Error> {
    check(tx, claim)?;
    let now = tx.now_us();
    let (state, next_us, error) = match end {
        End::Sent(error) => (State::Sent, now, error.as_str()),
        End::Refused(error) => (State::Refused, now, error.as_str()),
        End::Nobody => (State::Nobody, now, ""),
        End::Again { next_us, error } => (State::Waiting, *next_us, error.as_str()),
    };
    let ended_us = (state != State::Waiting).then_some(now);
    let error: String = error
        .chars()
        .map(|c| if c == '\0' { '\u{fffd}' } else { c })
        .take(ERROR_CHARS)
        .collect();
    tx.execute(
        "UPDATE notification SET state = $3, next_us = $4, error = $5, ended_us = $6, lease_owner = NULL, lease_until_us = 0 \
         WHERE workspace_id = $1 AND id = $2",
        values![claim.workspace, claim.notification.id, state.as_str(), next_us, error, ended_us],
    )?;
    Ok(())
}
