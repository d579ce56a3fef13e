//! Plans: what they were made from, and which cycle carried them out.

use crate::{Error, Tx, WorkspaceId, connection::values, job::Lease};

/// What a plan was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basis {
    /// Position of the change feed.
    pub head: i64,
    /// Configuration, as JSON.
    pub config: String,
    /// The cycle that it takes back; `None`: an ordinary plan.
    pub undoes: Option<String>,
}

/// Saves what a plan was made from.
///
/// # Errors
///
/// `StaleFence`.
pub fn set_basis(
    tx: &mut Tx<'_>,
    lease: &Lease,
    cycle_id: &str,
    basis: &Basis,
) -> Result<(), Error> {
    lease.check(tx)?;
    tx.execute(
        "UPDATE cycle SET plan_head = $4, plan_config = $5, of_cycle = $6 WHERE workspace_id = $1 AND application = $2 AND id = $3",
        values![
            lease.workspace(), lease.application(), cycle_id, basis.head, &basis.config, basis.undoes.as_deref()
        ],
    )?;
    Ok(())
}

/// What a plan was made from; `None`: no such plan of this application.
///
/// # Errors
///
/// `Database`.
pub fn basis(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    cycle_id: &str,
) -> Result<Option<Basis>, Error> {
    let row = tx.first(
        "SELECT plan_head, plan_config, of_cycle FROM cycle \
         WHERE workspace_id = $1 AND application = $2 AND id = $3 AND plan_head IS NOT NULL",
        values![workspace, application, cycle_id],
    )?;
    row.map(|row| {
        Ok(Basis {
            head: row.integer(0)?,
            config: row.text(1)?,
            undoes: row.optional_text(2)?,
        })
    })
    .transpose()
}

/// Says that a cycle carries out a plan.
///
/// # Errors
///
/// `StaleFence`; `Conflict` when another cycle did or does.
pub fn applies(tx: &mut Tx<'_>, lease: &Lease, cycle_id: &str, plan_id: &str) -> Result<(), Error> {
    lease.check(tx)?;
    if let Some(other) = applied_by(tx, lease.workspace(), plan_id)? {
        return Err(Error::Conflict(format!(
            "the plan was applied already, by cycle {other}"
        )));
    }
    tx.execute(
        "UPDATE cycle SET of_cycle = $4 WHERE workspace_id = $1 AND application = $2 AND id = $3",
        values![lease.workspace(), lease.application(), cycle_id, plan_id],
    )?;
    Ok(())
}

/// The cycle that carried out a plan.
///
/// # Errors
///
/// `Database`.
pub fn applied_by(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    plan_id: &str,
) -> Result<Option<String>, Error> {
    let row = tx.first(
        "SELECT id FROM cycle WHERE workspace_id = $1 AND of_cycle = $2 AND kind = 'apply' ORDER BY number LIMIT 1",
        values![workspace, plan_id],
    )?;
    row.map(|row| row.text(0)).transpose()
}
