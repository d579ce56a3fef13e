//! How the whole database is doing, for whoever operates it: counts and ages over all workspaces, nothing that tells
//! whose they are.

use crate::{Error, TimeUs, Tx, connection::values};
use std::collections::BTreeMap;

/// Counts and ages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overview {
    /// Jobs by state (`not-started`, `active`, `paused`, `quarantined`).
    pub jobs: BTreeMap<String, u64>,
    /// Jobs whose lease somebody holds.
    pub running: u64,
    /// When the oldest change was made that some active job has not dealt with. Jobs before the end of their first cycle
    /// have no position in the feed and do not count.
    pub oldest_change_us: Option<TimeUs>,
    /// Objects whose export failed or is held, by code of the provisioning log.
    pub escrows: BTreeMap<String, u64>,
    /// Objects that are to be looked at although nothing about them changed in the feed.
    pub queued: u64,
    /// Notifications that have not been tried yet.
    pub mails_waiting: u64,
    /// Notifications that could not be sent so far.
    pub mails_failing: u64,
    /// When the oldest notification was made that has not been sent.
    pub oldest_mail_us: Option<TimeUs>,
}

/// Reads everything.
///
/// # Errors
///
/// `Database`.
pub fn read(tx: &mut Tx<'_>) -> Result<Overview, Error> {
    let mut overview = Overview::default();
    let now = tx.now_us();
    tx.span()?;
    let jobs = tx.query(
        "SELECT j.state, CASE WHEN j.lease_owner IS NOT NULL AND j.lease_until_us > $1 THEN 1 ELSE 0 END, COUNT(*) \
         FROM job j GROUP BY 1, 2",
        values![now],
    )?;
    for row in jobs {
        let count = row.unsigned(2)?;
        *overview.jobs.entry(row.text(0)?).or_default() += count;
        if row.integer(1)? == 1 {
            overview.running += count;
        }
    }
    let oldest = tx.first(
        "SELECT MIN(c.at_us) FROM job j JOIN change c ON c.workspace_id = j.workspace_id AND c.seq = \
         (SELECT MIN(n.seq) FROM change n WHERE n.workspace_id = j.workspace_id AND n.seq > j.watermark) \
         WHERE j.state = 'active'",
        values![],
    )?;
    overview.oldest_change_us = oldest.map_or(Ok(None), |row| row.optional_integer(0))?;
    for row in tx.query(
        "SELECT e.code, COUNT(*) FROM escrow e GROUP BY 1",
        values![],
    )? {
        overview.escrows.insert(row.text(0)?, row.unsigned(1)?);
    }
    overview.queued = tx.count("SELECT COUNT(*) FROM job_work", values![])?;
    let mails = tx.query(
        "SELECT CASE WHEN n.attempts > 0 THEN 1 ELSE 0 END, COUNT(*), MIN(n.created_us) FROM notification n \
         WHERE n.state = 'waiting' GROUP BY 1",
        values![],
    )?;
    for row in mails {
        let count = row.unsigned(1)?;
        match row.integer(0)? {
            0 => overview.mails_waiting = count,
            _ => overview.mails_failing = count,
        }
        let created_us = row.optional_integer(2)?;
        overview.oldest_mail_us = match (overview.oldest_mail_us, created_us) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
    Ok(overview)
}
