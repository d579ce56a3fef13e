//! What follows from a new link: who had the account before gives it up, and who waited for it is looked at.

use super::{Link, remove};
use crate::{Error, Tx, WorkspaceId, connection::values, job::Lease};

/// What passes from a deleted source to a living one must not be deleted in the name of the former.
pub(super) fn forget_dead(tx: &mut Tx<'_>, lease: &Lease, link: &Link) -> Result<(), Error> {
    let (workspace, application) = (lease.workspace(), lease.application());
    let dead = tx.query(
        "SELECT l.rid FROM link l JOIN resource r ON r.workspace_id = l.workspace_id AND r.rid = l.rid AND r.deleted_us IS NOT NULL \
         WHERE l.workspace_id = $1 AND l.application = $2 AND l.target_id = $3 AND l.kind = $4 AND l.rid <> $5",
        values![workspace, application, &link.target_id, link.kind, link.rid],
    )?;
    for row in dead {
        let rid = row.integer(0)?;
        pass_memberships(tx, workspace, application, rid, link)?;
        remove(tx, lease, rid)?;
    }
    Ok(())
}

/// What an account is a member of, and what members a group has, passes along, so that the directory is asked whether they
/// belong there.
fn pass_memberships(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    dead: i64,
    link: &Link,
) -> Result<(), Error> {
    let parameters = values![workspace, application, dead, link.rid];
    tx.execute(
        "INSERT INTO exported_member (workspace_id, application, group_rid, member_rid, target_id, sure) \
         SELECT m.workspace_id, m.application, m.group_rid, CAST($4 AS BIGINT), m.target_id, m.sure FROM exported_member m \
         WHERE m.workspace_id = $1 AND m.application = $2 AND m.member_rid = $3 \
         ON CONFLICT (workspace_id, application, group_rid, member_rid) DO NOTHING",
        parameters,
    )?;
    tx.execute(
        "INSERT INTO exported_member (workspace_id, application, group_rid, member_rid, target_id, sure) \
         SELECT m.workspace_id, m.application, CAST($4 AS BIGINT), m.member_rid, m.target_id, m.sure FROM exported_member m \
         WHERE m.workspace_id = $1 AND m.application = $2 AND m.group_rid = $3 \
         ON CONFLICT (workspace_id, application, group_rid, member_rid) DO NOTHING",
        parameters,
    )?;
    tx.execute(
        "INSERT INTO job_work (workspace_id, application, rid, kind) \
         SELECT DISTINCT m.workspace_id, m.application, m.group_rid, r.kind FROM exported_member m \
         JOIN resource r ON r.workspace_id = m.workspace_id AND r.rid = m.group_rid \
         WHERE m.workspace_id = $1 AND r.workspace_id = $1 AND m.application = $2 AND (m.member_rid = $3 OR m.group_rid = $3) \
         ON CONFLICT (workspace_id, application, rid) DO NOTHING",
        values![workspace, application, link.rid],
    )?;
    Ok(())
}

pub(super) fn wake(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    link: &Link,
) -> Result<(), Error> {
    // A row that is there already may be one that a run is just done with: it gets a new number.
    tx.execute(
        "DELETE FROM job_work WHERE workspace_id = $1 AND application = $2 AND rid IN ( \
         SELECT w.rid FROM waiting_reference w WHERE w.workspace_id = $1 AND w.application = $2 AND w.source_id = $3 \
         UNION SELECT m.group_rid FROM member m WHERE m.workspace_id = $1 AND m.member_rid = $4 AND EXISTS ( \
             SELECT 1 FROM link l WHERE l.workspace_id = $1 AND l.application = $2 AND l.rid = m.group_rid))",
        values![workspace, application, &link.source_id, link.rid],
    )?;
    tx.execute(
        "INSERT INTO job_work (workspace_id, application, rid, kind) \
         SELECT DISTINCT w.workspace_id, w.application, w.rid, r.kind FROM waiting_reference w \
         JOIN resource r ON r.workspace_id = w.workspace_id AND r.rid = w.rid \
         WHERE w.workspace_id = $1 AND w.application = $2 AND w.source_id = $3 \
         ON CONFLICT (workspace_id, application, rid) DO NOTHING",
        values![workspace, application, &link.source_id],
    )?;
    tx.execute(
        "INSERT INTO job_work (workspace_id, application, rid, kind) \
         SELECT m.workspace_id, l.application, m.group_rid, l.kind FROM member m \
         JOIN link l ON l.workspace_id = m.workspace_id AND l.application = $2 AND l.rid = m.group_rid \
         WHERE m.workspace_id = $1 AND m.member_rid = $3 \
         ON CONFLICT (workspace_id, application, rid) DO NOTHING",
        values![workspace, application, link.rid],
    )?;
    // A new group gets its members even if whoever made it ends here.
    tx.execute(
        "INSERT INTO job_work (workspace_id, application, rid, kind) \
         SELECT l.workspace_id, l.application, l.rid, l.kind FROM link l \
         WHERE l.workspace_id = $1 AND l.application = $2 AND l.rid = $3 AND EXISTS ( \
             SELECT 1 FROM member m WHERE m.workspace_id = $1 AND m.group_rid = l.rid) \
         ON CONFLICT (workspace_id, application, rid) DO NOTHING",
        values![workspace, application, link.rid],
    )?;
    Ok(())
}
