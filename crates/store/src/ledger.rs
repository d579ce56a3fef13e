//! Links between source and target objects, exported members, waiting references.

mod succession;

use crate::{
    Error, Kind, TimeUs, Tx, WorkspaceId,
    connection::{Row, values},
    job::Lease,
};

/// A link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Source object.
    pub rid: i64,
    /// Its SCIM id.
    pub source_id: String,
    /// User or group.
    pub kind: Kind,
    /// Id at the target.
    pub target_id: String,
    /// JSON text: target attribute → value last known.
    pub known: String,
    /// False after the object left scope and was dealt with.
    pub managed: bool,
    /// When it was last written.
    pub updated_us: TimeUs,
}

fn from_row(row: &Row) -> Result<Link, Error> {
    Ok(Link {
        rid: row.integer(0)?,
        source_id: row.text(1)?,
        kind: row.kind(2)?,
        target_id: row.text(3)?,
        known: row.text(4)?,
        managed: row.integer(5)? == 1,
        updated_us: row.integer(6)?,
    })
}

/// Link of one object.
///
/// # Errors
///
/// `Database`.
pub fn get(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    rid: i64,
) -> Result<Option<Link>, Error> {
    let row = tx.first(
        "SELECT rid, source_id, kind, target_id, known, managed, updated_us FROM link \
         WHERE workspace_id = $1 AND application = $2 AND rid = $3",
        values![workspace, application, rid],
    )?;
    row.as_ref().map(from_row).transpose()
}

/// The link of an account, of a living source if there is one.
///
/// # Errors
///
/// `Database`.
pub fn of_target(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    kind: Kind,
    target_id: &str,
) -> Result<Option<Link>, Error> {
    let row = tx.first(
        "SELECT l.rid, l.source_id, l.kind, l.target_id, l.known, l.managed, l.updated_us FROM link l \
         JOIN resource r ON r.workspace_id = l.workspace_id AND r.rid = l.rid \
         WHERE l.workspace_id = $1 AND l.application = $2 AND l.kind = $3 AND l.target_id = $4 \
         ORDER BY CASE WHEN r.deleted_us IS NULL THEN 0 ELSE 1 END LIMIT 1",
        values![workspace, application, kind, target_id],
    )?;
    row.as_ref().map(from_row).transpose()
}

/// Managed links of a type after a rid, in order.
///
/// # Errors
///
/// `Database`.
pub fn managed(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    kind: Kind,
    after: i64,
    limit: u32,
) -> Result<Vec<Link>, Error> {
    tx.query(
        "SELECT rid, source_id, kind, target_id, known, managed, updated_us FROM link \
         WHERE workspace_id = $1 AND application = $2 AND kind = $3 AND rid > $4 AND managed = 1 ORDER BY rid LIMIT $5",
        values![workspace, application, kind, after, limit],
    )?
    .iter()
    .map(from_row)
    .collect()
}

/// Target ids of source ids that are linked (managed or not), for references: pairs of source and target.
///
/// # Errors
///
/// `Database`.
pub fn target_ids(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    source_ids: &[String],
) -> Result<Vec<(String, String)>, Error> {
    let mut pairs = Vec::new();
    for source_id in source_ids {
        let row = tx.first(
            "SELECT target_id FROM link WHERE workspace_id = $1 AND application = $2 AND source_id = $3",
            values![workspace, application, source_id],
        )?;
        if let Some(row) = row {
            pairs.push((source_id.clone(), row.text(0)?));
        }
    }
    Ok(pairs)
}

/// Source id of a linked target id whose source still exists: two living sources must not share one account.
///
/// # Errors
///
/// `Database`.
pub fn source_of(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    target_id: &str,
) -> Result<Option<String>, Error> {
    let row = tx.first(
        "SELECT l.source_id FROM link l JOIN resource r ON r.workspace_id = l.workspace_id AND r.rid = l.rid AND r.deleted_us IS NULL \
         WHERE l.workspace_id = $1 AND l.application = $2 AND l.target_id = $3 LIMIT 1",
        values![workspace, application, target_id],
    )?;
    row.map(|row| row.text(0)).transpose()
}

/// Writes a link. A link that is new, or managed again, wakes the references and memberships that waited for its object.
///
/// # Errors
///
/// `StaleFence`.
pub fn put(tx: &mut Tx<'_>, lease: &Lease, link: &Link) -> Result<(), Error> {
    lease.check(tx)?;
    let (workspace, application) = (lease.workspace(), lease.application());
    let before = get(tx, workspace, application, link.rid)?;
    let now = tx.now_us();
    succession::forget_dead(tx, lease, link)?;
    tx.execute(
        "INSERT INTO link (workspace_id, application, rid, source_id, kind, target_id, known, managed, updated_us) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (workspace_id, application, rid) DO UPDATE SET \
         target_id = excluded.target_id, known = excluded.known, managed = excluded.managed, updated_us = excluded.updated_us",
        values![
            workspace, application, link.rid, &link.source_id, link.kind, &link.target_id, &link.known, link.managed, now
        ],
    )?;
    let arrived = before.is_none_or(|before| {
        before.target_id != link.target_id || (!before.managed && link.managed)
    });
    if arrived {
        succession::wake(tx, workspace, application, link)?;
    }
    Ok(())
}

/// Forgets a link and the exported members it stands for.
///
/// # Errors
///
/// `StaleFence`.
pub fn remove(tx: &mut Tx<'_>, lease: &Lease, rid: i64) -> Result<(), Error> {
    lease.check(tx)?;
    let (workspace, application) = (lease.workspace(), lease.application());
    let parameters = values![workspace, application, rid];
    tx.execute(
        "DELETE FROM link WHERE workspace_id = $1 AND application = $2 AND rid = $3",
        parameters,
    )?;
    tx.execute("DELETE FROM exported_member WHERE workspace_id = $1 AND application = $2 AND group_rid = $3", parameters)?;
    tx.execute("DELETE FROM exported_member WHERE workspace_id = $1 AND application = $2 AND member_rid = $3", parameters)?;
    tx.execute(
        "DELETE FROM waiting_reference WHERE workspace_id = $1 AND application = $2 AND rid = $3",
        parameters,
    )?;
    Ok(())
}

/// Sets what an object waits for: (attribute, source id) pairs; empty clears. An object whose wait is over already is looked
/// at again.
///
/// # Errors
///
/// `StaleFence`.
pub fn set_waiting(
    tx: &mut Tx<'_>,
    lease: &Lease,
    rid: i64,
    waiting: &[(String, String)],
) -> Result<(), Error> {
    lease.check(tx)?;
    let (workspace, application) = (lease.workspace(), lease.application());
    tx.execute(
        "DELETE FROM waiting_reference WHERE workspace_id = $1 AND application = $2 AND rid = $3",
        values![workspace, application, rid],
    )?;
    for (attribute, source_id) in waiting {
        tx.execute(
            "INSERT INTO waiting_reference (workspace_id, application, rid, attribute, source_id) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (workspace_id, application, rid, attribute, source_id) DO NOTHING",
            values![workspace, application, rid, attribute, source_id],
        )?;
    }
    // What it waits for may have arrived since it was planned, in the same page even: then nobody would wake it any more.
    tx.execute(
        "INSERT INTO job_work (workspace_id, application, rid, kind) \
         SELECT DISTINCT w.workspace_id, w.application, r.rid, r.kind FROM waiting_reference w \
         JOIN link l ON l.workspace_id = $1 AND l.application = w.application AND l.source_id = w.source_id \
         JOIN resource r ON r.workspace_id = $1 AND r.rid = w.rid \
         WHERE w.workspace_id = $1 AND w.application = $2 AND w.rid = $3 \
         ON CONFLICT (workspace_id, application, rid) DO NOTHING",
        values![workspace, application, rid],
    )?;
    Ok(())
}

/// Members by rid and target id.
pub type Members = Vec<(i64, String)>;

/// Difference between the group's direct members that have a managed link here and the members exported so far: to add and
/// to remove, each at most `limit`. A member whose account was replaced is in both. Of whom nobody knows whether the target
/// has them, those who belong to the group are to be added and the others to be removed: both may be asked for twice.
///
/// # Errors
///
/// `Database`.
pub fn member_difference(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    group_rid: i64,
    limit: u32,
) -> Result<(Members, Members), Error> {
    let pairs = |rows: Vec<Row>| {
        rows.iter()
            .map(|row| Ok((row.integer(0)?, row.text(1)?)))
            .collect::<Result<_, Error>>()
    };
    let parameters = values![workspace, application, group_rid, limit];
    let add = tx.query(
        "SELECT l.rid, l.target_id FROM member m \
         JOIN link l ON l.workspace_id = m.workspace_id AND l.application = $2 AND l.rid = m.member_rid AND l.managed = 1 \
         WHERE m.workspace_id = $1 AND m.group_rid = $3 AND NOT EXISTS (SELECT 1 FROM exported_member e \
           WHERE e.workspace_id = $1 AND e.application = $2 AND e.group_rid = $3 AND e.member_rid = m.member_rid \
           AND e.target_id = l.target_id AND e.sure = 1) ORDER BY m.member_rid LIMIT $4",
        parameters,
    )?;
    let remove = tx.query(
        "SELECT e.member_rid, e.target_id FROM exported_member e \
         WHERE e.workspace_id = $1 AND e.application = $2 AND e.group_rid = $3 AND NOT EXISTS (SELECT 1 FROM member m \
           JOIN link l ON l.workspace_id = m.workspace_id AND l.application = $2 AND l.rid = m.member_rid AND l.managed = 1 \
           WHERE m.workspace_id = $1 AND m.group_rid = $3 AND m.member_rid = e.member_rid AND l.target_id = e.target_id) \
         ORDER BY e.member_rid LIMIT $4",
        parameters,
    )?;
    Ok((pairs(add)?, pairs(remove)?))
}

/// Ids at the target of the members that a group has got there for certain.
///
/// # Errors
///
/// `Database`.
pub fn sure_members(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    group_rid: i64,
) -> Result<Vec<String>, Error> {
    let rows = tx.query(
        "SELECT e.target_id FROM exported_member e \
         WHERE e.workspace_id = $1 AND e.application = $2 AND e.group_rid = $3 AND e.sure = 1 ORDER BY e.member_rid",
        values![workspace, application, group_rid],
    )?;
    rows.iter().map(|row| row.text(0)).collect()
}

/// The members that the group has in the directory and that have a managed link, and of the given target ids those that are
/// linked users and groups but no members: what should be there, and what should not.
///
/// # Errors
///
/// `Database`.
pub fn rightful_members(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    group_rid: i64,
    present: &[String],
) -> Result<(Members, Members), Error> {
    let rows = tx.query(
        "SELECT l.rid, l.target_id FROM member m \
         JOIN link l ON l.workspace_id = m.workspace_id AND l.application = $2 AND l.rid = m.member_rid AND l.managed = 1 \
         WHERE m.workspace_id = $1 AND m.group_rid = $3 ORDER BY m.member_rid",
        values![workspace, application, group_rid],
    )?;
    let rightful = rows
        .iter()
        .map(|row| Ok((row.integer(0)?, row.text(1)?)))
        .collect::<Result<Members, Error>>()?;
    let mut wrong = Vec::new();
    for target_id in present {
        let row = tx.first(
            "SELECT l.rid FROM link l WHERE l.workspace_id = $1 AND l.application = $2 AND l.target_id = $4 \
             AND NOT EXISTS (SELECT 1 FROM member m WHERE m.workspace_id = $1 AND m.group_rid = $3 AND m.member_rid = l.rid)",
            values![workspace, application, group_rid, target_id],
        )?;
        if let Some(row) = row {
            wrong.push((row.integer(0)?, target_id.clone()));
        }
    }
    Ok((rightful, wrong))
}

/// Of the members (by target id) that an undo wants to add to and to remove from a group at the target: those that are
/// not and those that are exported, with their rids. Whom nobody knows about may be both.
///
/// # Errors
///
/// `Database`.
pub fn reversible_members(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    group_rid: i64,
    add: &[String],
    remove: &[String],
) -> Result<(Members, Members), Error> {
    let mut addable = Vec::new();
    for target_id in add {
        let row = tx.first(
            "SELECT l.rid FROM link l WHERE l.workspace_id = $1 AND l.application = $2 AND l.target_id = $4 \
             AND NOT EXISTS (SELECT 1 FROM exported_member e WHERE e.workspace_id = $1 AND e.application = $2 \
             AND e.group_rid = $3 AND e.member_rid = l.rid AND e.sure = 1)",
            values![workspace, application, group_rid, target_id],
        )?;
        if let Some(row) = row {
            addable.push((row.integer(0)?, target_id.clone()));
        }
    }
    let mut removable = Vec::new();
    for target_id in remove {
        let row = tx.first(
            "SELECT l.rid FROM link l WHERE l.workspace_id = $1 AND l.application = $2 AND l.target_id = $4 \
             AND EXISTS (SELECT 1 FROM exported_member e WHERE e.workspace_id = $1 AND e.application = $2 \
             AND e.group_rid = $3 AND e.member_rid = l.rid)",
            values![workspace, application, group_rid, target_id],
        )?;
        if let Some(row) = row {
            removable.push((row.integer(0)?, target_id.clone()));
        }
    }
    Ok((addable, removable))
}

/// What [`members_intended`] made uncertain and was certain before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doubt {
    added: Vec<i64>,
    removed: Vec<i64>,
}

/// Records that these members are about to be added and removed. Until [`members_exported`] or [`members_rejected`] says
/// more, nobody knows whether the target has them, even if the run dies.
///
/// # Errors
///
/// `StaleFence`.
pub fn members_intended(
    tx: &mut Tx<'_>,
    lease: &Lease,
    group_rid: i64,
    added: &[i64],
    removed: &[i64],
) -> Result<Doubt, Error> {
    lease.check(tx)?;
    let (workspace, application) = (lease.workspace(), lease.application());
    let mut doubt = Doubt::default();
    for rid in removed {
        let changed = tx.execute(
            "UPDATE exported_member SET sure = 0 \
             WHERE workspace_id = $1 AND application = $2 AND group_rid = $3 AND member_rid = $4 AND sure = 1",
            values![workspace, application, group_rid, *rid],
        )?;
        if changed > 0 {
            doubt.removed.push(*rid);
        }
    }
    for rid in added {
        let changed = tx.execute(
            "INSERT INTO exported_member (workspace_id, application, group_rid, member_rid, target_id, sure) \
             SELECT l.workspace_id, l.application, $3, l.rid, l.target_id, 0 FROM link l \
             WHERE l.workspace_id = $1 AND l.application = $2 AND l.rid = $4 \
             ON CONFLICT (workspace_id, application, group_rid, member_rid) DO NOTHING",
            values![workspace, application, group_rid, *rid],
        )?;
        if changed > 0 {
            doubt.added.push(*rid);
        }
    }
    Ok(doubt)
}

/// The target surely did nothing of what was intended.
///
/// # Errors
///
/// `StaleFence`.
pub fn members_rejected(
    tx: &mut Tx<'_>,
    lease: &Lease,
    group_rid: i64,
    doubt: &Doubt,
) -> Result<(), Error> {
    lease.check(tx)?;
    let (workspace, application) = (lease.workspace(), lease.application());
    for rid in &doubt.added {
        tx.execute(
            "DELETE FROM exported_member \
             WHERE workspace_id = $1 AND application = $2 AND group_rid = $3 AND member_rid = $4 AND sure = 0",
            values![workspace, application, group_rid, *rid],
        )?;
    }
    for rid in &doubt.removed {
        tx.execute(
            "UPDATE exported_member SET sure = 1 \
             WHERE workspace_id = $1 AND application = $2 AND group_rid = $3 AND member_rid = $4",
            values![workspace, application, group_rid, *rid],
        )?;
    }
    Ok(())
}

/// Records exported members under the target ids that their links have now.
///
/// # Errors
///
/// `StaleFence`.
pub fn members_exported(
    tx: &mut Tx<'_>,
    lease: &Lease,
    group_rid: i64,
    added: &[i64],
    removed: &[i64],
) -> Result<(), Error> {
    lease.check(tx)?;
    let (workspace, application) = (lease.workspace(), lease.application());
    for rid in removed {
        tx.execute(
            "DELETE FROM exported_member WHERE workspace_id = $1 AND application = $2 AND group_rid = $3 AND member_rid = $4",
            values![workspace, application, group_rid, *rid],
        )?;
    }
    for rid in added {
        tx.execute(
            "INSERT INTO exported_member (workspace_id, application, group_rid, member_rid, target_id, sure) \
             SELECT l.workspace_id, l.application, $3, l.rid, l.target_id, 1 FROM link l \
             WHERE l.workspace_id = $1 AND l.application = $2 AND l.rid = $4 \
             ON CONFLICT (workspace_id, application, group_rid, member_rid) \
             DO UPDATE SET target_id = excluded.target_id, sure = 1",
            values![workspace, application, group_rid, *rid],
        )?;
    }
    Ok(())
}

/// Counts of linked users and groups.
///
/// # Errors
///
/// `Database`.
pub fn counts(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
) -> Result<(u64, u64), Error> {
    let row = tx.first(
        "SELECT count(*) FILTER (WHERE kind = 'User'), count(*) FILTER (WHERE kind = 'Group') FROM link \
         WHERE workspace_id = $1 AND application = $2",
        values![workspace, application],
    )?;
    row.map_or(Ok((0, 0)), |row| Ok((row.unsigned(0)?, row.unsigned(1)?)))
}
