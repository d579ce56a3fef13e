//! Accounts of a target, read page by page before a full cycle, so that people are matched here and not with a query each.
//! On disk, because a target may have more accounts than fit in memory.

use crate::{Error, Kind, Tx, WorkspaceId, connection::values, job::Lease};

/// An account as it was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Id at the target.
    pub target_id: String,
    /// Its SCIM document, as JSON.
    pub document: String,
    /// Matching attribute and value, as the target wrote it.
    pub values: Vec<(String, String)>,
}

/// Values are compared without case, as SCIM compares names and addresses; the caller looks at the document where that
/// is too lenient.
fn folded(value: &str) -> String {
    value.to_lowercase()
}

/// Adds accounts; one that is there already is replaced.
///
/// # Errors
///
/// `StaleFence`.
pub fn add(tx: &mut Tx<'_>, lease: &Lease, kind: Kind, accounts: &[Listed]) -> Result<(), Error> {
    lease.check(tx)?;
    let (workspace, application) = (lease.workspace(), lease.application());
    for account in accounts {
        tx.execute(
            "INSERT INTO listed_account (workspace_id, application, kind, target_id, document) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (workspace_id, application, kind, target_id) DO UPDATE SET document = excluded.document",
            values![workspace, application, kind, &account.target_id, &account.document],
        )?;
        for (attribute, value) in &account.values {
            tx.execute(
                "INSERT INTO listed_value (workspace_id, application, kind, attribute, value, target_id) VALUES ($1, $2, $3, $4, $5, $6) \
                 ON CONFLICT (workspace_id, application, kind, attribute, value, target_id) DO NOTHING",
                values![workspace, application, kind, attribute, folded(value), &account.target_id],
            )?;
        }
    }
    Ok(())
}

/// Ids and documents of the accounts with a value, at most `limit`.
///
/// # Errors
///
/// `Database`.
pub fn find(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    kind: Kind,
    attribute: &str,
    value: &str,
    limit: u32,
) -> Result<Vec<(String, String)>, Error> {
    tx.query(
        "SELECT a.target_id, a.document FROM listed_value v JOIN listed_account a ON a.workspace_id = $1 \
         AND a.application = v.application AND a.kind = v.kind AND a.target_id = v.target_id \
         WHERE v.workspace_id = $1 AND v.application = $2 AND v.kind = $3 AND v.attribute = $4 AND v.value = $5 \
         ORDER BY a.target_id LIMIT $6",
        values![workspace, application, kind, attribute, folded(value), limit],
    )?
    .iter()
    .map(|row| Ok((row.text(0)?, row.text(1)?)))
    .collect()
}

/// Removes some of what was listed; false when nothing was left.
///
/// # Errors
///
/// `StaleFence`.
pub fn forget(tx: &mut Tx<'_>, lease: &Lease, limit: u32) -> Result<bool, Error> {
    lease.check(tx)?;
    let (workspace, application) = (lease.workspace(), lease.application());
    let accounts = tx.query(
        "SELECT kind, target_id FROM listed_account WHERE workspace_id = $1 AND application = $2 LIMIT $3",
        values![workspace, application, limit],
    )?;
    for row in &accounts {
        tx.execute(
            "DELETE FROM listed_account WHERE workspace_id = $1 AND application = $2 AND kind = $3 AND target_id = $4",
            values![workspace, application, row.kind(0)?, row.text(1)?],
        )?;
    }
    if accounts.is_empty() {
        tx.execute(
            "DELETE FROM listed_value WHERE workspace_id = $1 AND application = $2",
            values![workspace, application],
        )?;
    }
    Ok(!accounts.is_empty())
}
