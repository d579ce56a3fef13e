//! What is removed when its time is over: operations first, then the cycles that they belonged to.

use crate::{Error, Tx, WorkspaceId, connection::values};

/// Removes operations of cycles that ended before `keep_us`, then these cycles themselves, at most about `limit` rows at
/// once; returns how many. What stays: operations whose fate is unknown, with their cycles; a cycle that the job goes on
/// with; a plan that is being applied, and that it was applied as long as there is the plan; the last cycle of each
/// application, without its operations.
///
/// # Errors
///
/// `Database`.
pub fn prune(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    keep_us: i64,
    limit: u32,
) -> Result<u64, Error> {
    let before = tx.now_us().saturating_sub(keep_us);
    let mut removed = 0;
    while removed < u64::from(limit) {
        let rest = limit - u32::try_from(removed).unwrap_or(limit);
        let row = tx.first(
            "SELECT c.id FROM cycle c WHERE c.workspace_id = $1 AND c.ended_us < $2 \
             AND EXISTS (SELECT 1 FROM operation o WHERE o.workspace_id = $1 AND o.cycle_id = c.id AND o.state NOT IN ('intent', 'sent', 'unknown')) \
             AND NOT EXISTS (SELECT 1 FROM job j WHERE j.workspace_id = $1 AND j.application = c.application AND j.cycle_id = c.id) \
             AND NOT EXISTS (SELECT 1 FROM cycle a WHERE a.workspace_id = $1 AND a.of_cycle = c.id AND a.ended_us IS NULL) \
             ORDER BY c.ended_us LIMIT 1",
            values![workspace, before],
        )?;
        let Some(row) = row else {
            return Ok(removed + cycles(tx, workspace, before, rest)?);
        };
        removed += operations(tx, workspace, &row.text(0)?, rest)?;
    }
    Ok(removed)
}

/// Operations of a cycle whose fate is known. A plan that lost some can no longer be applied.
fn operations(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    cycle_id: &str,
    limit: u32,
) -> Result<u64, Error> {
    tx.execute(
        "UPDATE cycle SET plan_head = NULL, plan_config = NULL WHERE workspace_id = $1 AND id = $2",
        values![workspace, cycle_id],
    )?;
    tx.execute(
        "DELETE FROM operation WHERE workspace_id = $1 AND id IN (SELECT o.id FROM operation o \
         WHERE o.workspace_id = $1 AND o.cycle_id = $2 AND o.state NOT IN ('intent', 'sent', 'unknown') ORDER BY o.id LIMIT $3)",
        values![workspace, cycle_id, limit],
    )
}

fn cycles(tx: &mut Tx<'_>, workspace: WorkspaceId, before: i64, limit: u32) -> Result<u64, Error> {
    tx.execute(
        "DELETE FROM cycle WHERE workspace_id = $1 AND number IN (SELECT c.number FROM cycle c \
         WHERE c.workspace_id = $1 AND c.ended_us < $2 \
         AND c.number < (SELECT max(n.number) FROM cycle n WHERE n.workspace_id = $1 AND n.application = c.application) \
         AND NOT EXISTS (SELECT 1 FROM operation o WHERE o.workspace_id = $1 AND o.cycle_id = c.id) \
         AND NOT EXISTS (SELECT 1 FROM job j WHERE j.workspace_id = $1 AND j.application = c.application AND j.cycle_id = c.id) \
         AND NOT EXISTS (SELECT 1 FROM cycle a WHERE a.workspace_id = $1 AND a.of_cycle = c.id AND a.ended_us IS NULL) \
         AND NOT EXISTS (SELECT 1 FROM cycle p WHERE p.workspace_id = $1 AND c.kind = 'apply' AND p.id = c.of_cycle) \
         ORDER BY c.ended_us LIMIT $3)",
        values![workspace, before, limit],
    )
}
