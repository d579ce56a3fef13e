//! Deletion, which is final for SCIM but not for an administrator: what was deleted can be brought back, with its id
//! and its memberships, until it is purged.

use super::{COLUMNS, Stored, from_row, indexing, parked, write};
use crate::{
    Error, Kind, TimeUs, Tx, WorkspaceId, audit,
    change::{self, What},
    connection::values,
    membership, schema,
};
use tenure_scim::{Document, ScimError};

/// A resource that is deleted but not purged.
#[derive(Debug, Clone, PartialEq)]
pub struct Deleted {
    /// As it was.
    pub stored: Stored,
    /// When it was deleted.
    pub deleted_us: TimeUs,
}

/// Deletes for good as far as SCIM sees; the row stays, for the ledger and for [`restore`].
///
/// # Errors
///
/// `Scim`: 404, 412.
pub fn delete(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
    id: &str,
    if_match: Option<&str>,
) -> Result<(), Error> {
    let stored = write::load(tx, workspace, kind, id, if_match)?;
    let types = schema::types(tx, workspace)?;
    let now = tx.now_us();
    let document = stored.document()?;
    indexing::update(tx, workspace, kind, stored.rid, &document, &Document::new())?;
    for group in membership::leave_all(tx, workspace, stored.rid)? {
        remember(tx, workspace, stored.rid, group, stored.rid)?;
        tx.execute(
            "UPDATE resource SET version = version + 1, modified_us = $3 WHERE workspace_id = $1 AND rid = $2",
            values![workspace, group, now],
        )?;
    }
    if kind == Kind::Group {
        // The feed rows tell jobs that these people may have lost what the group gave them.
        let members = membership::rids(tx, workspace, stored.rid)?;
        for member in &members {
            remember(tx, workspace, stored.rid, stored.rid, *member)?;
        }
        membership::remove(tx, workspace, stored.rid, &members)?;
        parked::forget_all(tx, workspace, stored.rid)?;
    }
    tx.execute(
        "UPDATE resource SET deleted_us = $3, version = version + 1, modified_us = $3 WHERE workspace_id = $1 AND rid = $2",
        values![workspace, stored.rid, now],
    )?;
    if !matches!(kind, Kind::Custom(_)) {
        change::append(tx, workspace, kind, stored.rid, None, What::Deleted)?;
    }
    let object = write::object(&types, &stored);
    audit::append(tx, workspace, &write::action(kind, "delete"), &object, "{}")
}

fn remember(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    deleted: i64,
    group: i64,
    member: i64,
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO former_member (workspace_id, deleted_rid, group_rid, member_rid) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (workspace_id, deleted_rid, group_rid, member_rid) DO NOTHING",
        values![workspace, deleted, group, member],
    )?;
    Ok(())
}

/// Deleted resources that can be brought back, the last deleted first. `after`: the last of the page before, as
/// `(deleted_us, rid)`.
///
/// # Errors
///
/// `Database`.
pub fn deleted(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
    after: Option<(TimeUs, i64)>,
    limit: u32,
) -> Result<Vec<Deleted>, Error> {
    let (time, rid) = after.unwrap_or((i64::MAX, i64::MAX));
    tx.query(
        &format!(
            "SELECT {COLUMNS}, r.deleted_us FROM resource r WHERE r.workspace_id = $1 AND r.kind = $2 AND r.deleted_us IS NOT NULL \
             AND r.purged_us IS NULL AND (r.deleted_us < $3 OR (r.deleted_us = $3 AND r.rid < $4)) \
             ORDER BY r.deleted_us DESC, r.rid DESC LIMIT $5"
        ),
        values![workspace, kind, time, rid, limit],
    )?
    .iter()
    .map(|row| {
        Ok(Deleted {
            stored: from_row(row)?,
            deleted_us: row.integer(7)?,
        })
    })
    .collect()
}

/// Brings a deleted resource back: same id, attributes as they were, back in the groups (or with the members) that
/// still exist.
///
/// # Errors
///
/// `Scim`: 404 when nothing deleted has the id or it was purged, 409 `uniqueness` when somebody has the name by now.
pub fn restore(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
    id: &str,
) -> Result<Stored, Error> {
    let row = tx.first(
        &format!(
            "SELECT {COLUMNS} FROM resource r WHERE r.workspace_id = $1 AND r.id = $2 AND r.kind = $3 \
             AND r.deleted_us IS NOT NULL AND r.purged_us IS NULL"
        ),
        values![workspace, id, kind],
    )?;
    let mut stored = row.as_ref().map(from_row).transpose()?.ok_or_else(|| {
        Error::Scim(ScimError::status(
            404,
            "Nothing deleted has this id, or it has been purged.",
        ))
    })?;
    let types = schema::types(tx, workspace)?;
    let document = stored.document()?;
    indexing::update(tx, workspace, kind, stored.rid, &Document::new(), &document)?;
    stored.version += 1;
    stored.modified_us = tx.now_us().max(stored.modified_us);
    tx.execute(
        "UPDATE resource SET deleted_us = NULL, version = $3, modified_us = $4 WHERE workspace_id = $1 AND rid = $2",
        values![workspace, stored.rid, stored.version, stored.modified_us],
    )?;
    if !matches!(kind, Kind::Custom(_)) {
        change::append(tx, workspace, kind, stored.rid, None, What::Created)?;
    }
    rejoin(tx, workspace, stored.rid)?;
    parked::arrive(tx, workspace, &stored, &document)?;
    let object = write::object(&types, &stored);
    audit::append(
        tx,
        workspace,
        &write::action(kind, "restore"),
        &object,
        "{}",
    )?;
    super::get(tx, workspace, kind, id)?.ok_or_else(|| Error::Database("not restored".into()))
}

/// Back into the groups, or the members back into the group, as far as the other side still exists.
fn rejoin(tx: &mut Tx<'_>, workspace: WorkspaceId, rid: i64) -> Result<(), Error> {
    let former = tx.query(
        "SELECT f.group_rid, f.member_rid FROM former_member f \
         JOIN resource g ON g.workspace_id = $1 AND g.rid = f.group_rid AND g.deleted_us IS NULL \
         JOIN resource m ON m.workspace_id = $1 AND m.rid = f.member_rid AND m.deleted_us IS NULL \
         WHERE f.workspace_id = $1 AND f.deleted_rid = $2",
        values![workspace, rid],
    )?;
    for row in &former {
        parked::join(tx, workspace, row.integer(0)?, row.integer(1)?)?;
    }
    tx.execute(
        "DELETE FROM former_member WHERE workspace_id = $1 AND deleted_rid = $2",
        values![workspace, rid],
    )?;
    Ok(())
}

/// Removes what was deleted before a time for good, at most `limit` resources; returns how many. Only the number and
/// the id stay, for the ledgers of applications.
///
/// # Errors
///
/// `Database`.
pub fn purge(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    before_us: TimeUs,
    limit: u32,
) -> Result<u64, Error> {
    let now = tx.now_us();
    let rows = tx.query(
        "SELECT rid FROM resource WHERE workspace_id = $1 AND deleted_us IS NOT NULL AND purged_us IS NULL AND deleted_us < $2 LIMIT $3",
        values![workspace, before_us, limit],
    )?;
    for row in &rows {
        let rid = row.integer(0)?;
        tx.execute(
            "UPDATE resource SET purged_us = $3, body = '{}' WHERE workspace_id = $1 AND rid = $2",
            values![workspace, rid, now],
        )?;
        tx.execute(
            "DELETE FROM former_member WHERE workspace_id = $1 AND deleted_rid = $2",
            values![workspace, rid],
        )?;
    }
    Ok(rows.len() as u64)
}
