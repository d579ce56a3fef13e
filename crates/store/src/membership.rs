//! Group members as rows of their own: adding one costs the same in a group of two and of 200,000.

use crate::{
    Error, Kind, Tx, WorkspaceId,
    change::{self, What},
    connection::values,
    resource::label,
};
use tenure_scim::{ScimError, ScimType, patch::MemberRef};

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow {
    /// Internal number.
    pub rid: i64,
    /// SCIM id.
    pub id: String,
    /// User or nested group.
    pub kind: Kind,
    /// Display name, for people.
    pub display: String,
}

/// A group of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRow {
    /// Internal number.
    pub rid: i64,
    /// SCIM id.
    pub id: String,
    /// Display name.
    pub display: String,
    /// False: through a nested group.
    pub direct: bool,
}

/// Members ordered by rid after a cursor.
///
/// # Errors
///
/// `Database`.
pub fn members(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    group_rid: i64,
    after: i64,
    limit: u32,
) -> Result<Vec<MemberRow>, Error> {
    tx.query(
        "SELECT r.rid, r.id, r.kind, r.body FROM member m JOIN resource r ON r.workspace_id = m.workspace_id AND r.rid = m.member_rid \
         WHERE m.workspace_id = $1 AND m.group_rid = $2 AND m.member_rid > $3 ORDER BY m.member_rid LIMIT $4",
        values![workspace, group_rid, after, limit],
    )?
    .iter()
    .map(|row| {
        Ok(MemberRow {
            rid: row.integer(0)?,
            id: row.text(1)?,
            kind: row.kind(2)?,
            display: label::display(&row.text(3)?),
        })
    })
    .collect()
}

/// How many members a group has.
///
/// # Errors
///
/// `Database`.
pub fn count(tx: &mut Tx<'_>, workspace: WorkspaceId, group_rid: i64) -> Result<u64, Error> {
    tx.count(
        "SELECT count(*) FROM member WHERE workspace_id = $1 AND group_rid = $2",
        values![workspace, group_rid],
    )
}

/// Whether a group has more members than this; looks at no more of them.
///
/// # Errors
///
/// `Database`.
pub fn exceeds(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    group_rid: i64,
    limit: u64,
) -> Result<bool, Error> {
    let seen = tx.count(
        "SELECT count(*) FROM (SELECT 1 FROM member WHERE workspace_id = $1 AND group_rid = $2 LIMIT $3) seen",
        values![workspace, group_rid, limit.saturating_add(1)],
    )?;
    Ok(seen > limit)
}

/// Groups of a resource, direct first, then indirect (through at most 16 levels; circles end by themselves).
///
/// # Errors
///
/// `Database`.
pub fn groups_of(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    rid: i64,
) -> Result<Vec<GroupRow>, Error> {
    // For the sake of the grouping, SQLite would walk through all resources; a cross join keeps the order of the tables.
    tx.query(
        "WITH RECURSIVE up (rid, level) AS ( \
           SELECT group_rid, 1 FROM member WHERE workspace_id = $1 AND member_rid = $2 \
           UNION SELECT m.group_rid, up.level + 1 FROM up JOIN member m ON m.workspace_id = $1 AND m.member_rid = up.rid WHERE up.level < 16) \
         SELECT r.rid, r.id, r.body, min(up.level) FROM up CROSS JOIN resource r \
         WHERE r.workspace_id = $1 AND r.rid = up.rid AND r.rid <> $2 GROUP BY r.rid, r.id, r.body ORDER BY min(up.level), r.rid",
        values![workspace, rid],
    )?
    .iter()
    .map(|row| {
        Ok(GroupRow {
            rid: row.integer(0)?,
            id: row.text(1)?,
            display: label::display(&row.text(2)?),
            direct: row.integer(3)? == 1,
        })
    })
    .collect()
}

/// Members named in a request.
pub(crate) struct Found {
    /// Internal numbers of those that exist.
    pub(crate) rids: Vec<i64>,
    /// Ids that no user or group has.
    pub(crate) unknown: Vec<String>,
}

fn invalid(detail: String) -> Error {
    Error::Scim(ScimError::bad_request(ScimType::InvalidValue, detail))
}

/// Finds members named in a request.
pub(crate) fn resolve(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    group_rid: i64,
    members: &[MemberRef],
) -> Result<Found, Error> {
    let mut found = Found {
        rids: Vec::with_capacity(members.len()),
        unknown: Vec::new(),
    };
    for member in members {
        let row = tx.first(
            "SELECT rid, kind FROM resource WHERE workspace_id = $1 AND id = $2 AND deleted_us IS NULL AND kind IN ('User', 'Group')",
            values![workspace, &member.value],
        )?;
        match row {
            None => found.unknown.push(member.value.clone()),
            Some(row) if row.integer(0)? == group_rid => {
                return Err(invalid("a group cannot be a member of itself".into()));
            }
            Some(row) => {
                let kind = row.text(1)?;
                if member
                    .kind
                    .as_ref()
                    .is_some_and(|wanted| !wanted.eq_ignore_ascii_case(&kind))
                {
                    return Err(invalid(format!("member {:?} is a {kind}", member.value)));
                }
                found.rids.push(row.integer(0)?);
            }
        }
    }
    Ok(found)
}

/// A 400 that names the first of the ids that nobody has.
pub(crate) fn unknown_members(unknown: &[String]) -> Error {
    let shown: Vec<_> = unknown
        .iter()
        .take(10)
        .map(|id| format!("{id:?}"))
        .collect();
    let more = if unknown.len() > 10 {
        format!(" and {} more", unknown.len() - 10)
    } else {
        String::new()
    };
    invalid(format!(
        "members: no user or group has the id {}{more}",
        shown.join(", ")
    ))
}

/// Internal numbers of those ids that exist; the others are no members anyway.
pub(crate) fn resolve_present(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    ids: &[String],
) -> Result<Vec<i64>, Error> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let row = tx.first(
            "SELECT rid FROM resource WHERE workspace_id = $1 AND id = $2",
            values![workspace, id],
        )?;
        if let Some(row) = row {
            found.push(row.integer(0)?);
        }
    }
    Ok(found)
}

/// Adds members; returns those that were not there before.
pub(crate) fn add(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    group: i64,
    members: &[i64],
) -> Result<Vec<i64>, Error> {
    let now = tx.now_us();
    let mut added = Vec::new();
    for member in members {
        let new = tx.execute(
            "INSERT INTO member (workspace_id, group_rid, member_rid, added_us) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (workspace_id, group_rid, member_rid) DO NOTHING",
            values![workspace, group, *member, now],
        )?;
        if new == 1 {
            change::append(
                tx,
                workspace,
                Kind::Group,
                group,
                Some(*member),
                What::MemberAdded,
            )?;
            added.push(*member);
        }
    }
    Ok(added)
}

/// Removes members; returns those that were there.
pub(crate) fn remove(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    group: i64,
    members: &[i64],
) -> Result<Vec<i64>, Error> {
    let mut removed = Vec::new();
    for member in members {
        let gone = tx.execute(
            "DELETE FROM member WHERE workspace_id = $1 AND group_rid = $2 AND member_rid = $3",
            values![workspace, group, *member],
        )?;
        if gone == 1 {
            change::append(
                tx,
                workspace,
                Kind::Group,
                group,
                Some(*member),
                What::MemberRemoved,
            )?;
            removed.push(*member);
        }
    }
    Ok(removed)
}

/// All member numbers of a group.
pub(crate) fn rids(tx: &mut Tx<'_>, workspace: WorkspaceId, group: i64) -> Result<Vec<i64>, Error> {
    tx.query(
        "SELECT member_rid FROM member WHERE workspace_id = $1 AND group_rid = $2",
        values![workspace, group],
    )?
    .iter()
    .map(|row| row.integer(0))
    .collect()
}

/// Takes a resource that is being deleted out of its groups; returns the groups.
pub(crate) fn leave_all(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    rid: i64,
) -> Result<Vec<i64>, Error> {
    let groups: Vec<i64> = tx
        .query(
            "SELECT group_rid FROM member WHERE workspace_id = $1 AND member_rid = $2",
            values![workspace, rid],
        )?
        .iter()
        .map(|row| row.integer(0))
        .collect::<Result<_, _>>()?;
    for group in &groups {
        remove(tx, workspace, *group, &[rid])?;
    }
    Ok(groups)
}
