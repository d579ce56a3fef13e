//! Members that a client named before they existed. They join when a user or group with that id or externalId
//! arrives: identity providers send a group before its people, and some name people by an id of their own.

use super::Stored;
use crate::{Error, Kind, Tx, WorkspaceId, connection::values, membership};
use serde_json::Value;
use tenure_scim::{Document, ScimError, ScimType, limits};

/// Members that may wait for one group.
const PARKED: u64 = 100_000;

/// Keeps members aside for a group.
pub(super) fn park(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    group: i64,
    ids: &[String],
) -> Result<(), Error> {
    let now = tx.now_us();
    for id in ids {
        if id.len() > limits::INDEX_KEY_CHARS {
            return Err(membership::unknown_members(std::slice::from_ref(id)));
        }
        tx.execute(
            "INSERT INTO parked_member (workspace_id, value, group_rid, parked_us) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (workspace_id, value, group_rid) DO NOTHING",
            values![workspace, id, group, now],
        )?;
    }
    if count(tx, workspace, group)? > PARKED {
        let detail = format!("More than {PARKED} members of this group do not exist.");
        return Err(Error::Scim(ScimError::bad_request(
            ScimType::TooMany,
            detail,
        )));
    }
    Ok(())
}

/// How many members wait for a group.
pub(super) fn count(tx: &mut Tx<'_>, workspace: WorkspaceId, group: i64) -> Result<u64, Error> {
    tx.count(
        "SELECT count(*) FROM parked_member WHERE workspace_id = $1 AND group_rid = $2",
        values![workspace, group],
    )
}

/// No longer waits for these.
pub(super) fn forget(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    group: i64,
    ids: &[String],
) -> Result<(), Error> {
    for id in ids {
        tx.execute(
            "DELETE FROM parked_member WHERE workspace_id = $1 AND value = $2 AND group_rid = $3",
            values![workspace, id, group],
        )?;
    }
    Ok(())
}

/// No longer waits for anybody.
pub(super) fn forget_all(tx: &mut Tx<'_>, workspace: WorkspaceId, group: i64) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM parked_member WHERE workspace_id = $1 AND group_rid = $2",
        values![workspace, group],
    )?;
    Ok(())
}

/// Lets a resource join the groups that wait for it.
pub(super) fn arrive(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    stored: &Stored,
    document: &Document,
) -> Result<(), Error> {
    if matches!(stored.kind, Kind::Custom(_)) {
        return Ok(());
    }
    let external = document.get("externalId").and_then(Value::as_str);
    for name in std::iter::once(stored.id.as_str()).chain(external) {
        let waiting = tx.query(
            "SELECT group_rid FROM parked_member WHERE workspace_id = $1 AND value = $2",
            values![workspace, name],
        )?;
        for row in &waiting {
            let group = row.integer(0)?;
            if group != stored.rid {
                join(tx, workspace, group, stored.rid)?;
            }
            forget(tx, workspace, group, &[name.to_owned()])?;
        }
    }
    Ok(())
}

/// Adds a member to a group that is not being written itself; its version grows.
pub(super) fn join(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    group: i64,
    member: i64,
) -> Result<(), Error> {
    if membership::add(tx, workspace, group, &[member])?.is_empty() {
        return Ok(());
    }
    let now = tx.now_us();
    tx.execute(
        "UPDATE resource SET version = version + 1, modified_us = $3 WHERE workspace_id = $1 AND rid = $2",
        values![workspace, group, now],
    )?;
    Ok(())
}
