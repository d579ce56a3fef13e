//! The change feed: which object changed, in commit order. Readers look at the present state of the object.

use crate::{Error, Kind, Tx, WorkspaceId, connection::values};

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// A new resource.
    Created,
    /// Attributes changed.
    Updated,
    /// It is gone.
    Deleted,
    /// A member joined the group.
    MemberAdded,
    /// A member left the group.
    MemberRemoved,
}

impl What {
    fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::MemberAdded => "member-added",
            Self::MemberRemoved => "member-removed",
        }
    }

    fn from_text(text: &str) -> Result<Self, Error> {
        [
            Self::Created,
            Self::Updated,
            Self::Deleted,
            Self::MemberAdded,
            Self::MemberRemoved,
        ]
        .into_iter()
        .find(|what| what.as_str() == text)
        .ok_or_else(|| Error::Database(format!("unknown change {text:?}")))
    }
}

/// One row: `rid` is the object; for member rows `rid` is the group and `other` the member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Position.
    pub seq: i64,
    /// Kind of `rid`.
    pub kind: Kind,
    /// The object.
    pub rid: i64,
    /// The member.
    pub other: Option<i64>,
    /// What happened.
    pub what: What,
}

pub(crate) fn append(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
    rid: i64,
    other: Option<i64>,
    what: What,
) -> Result<(), Error> {
    let now = tx.now_us();
    tx.execute(
        "INSERT INTO change (workspace_id, kind, rid, other_rid, what, at_us) VALUES ($1, $2, $3, $4, $5, $6)",
        values![workspace, kind, rid, other, what.as_str(), now],
    )?;
    tx.touch_feed();
    Ok(())
}

/// Rows after a position, in order.
///
/// # Errors
///
/// `Database`.
pub fn read(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    after: i64,
    limit: u32,
) -> Result<Vec<Change>, Error> {
    tx.query(
        "SELECT seq, kind, rid, other_rid, what FROM change WHERE workspace_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
        values![workspace, after, limit],
    )?
    .iter()
    .map(|row| {
        Ok(Change {
            seq: row.integer(0)?,
            kind: row.kind(1)?,
            rid: row.integer(2)?,
            other: row.optional_integer(3)?,
            what: What::from_text(&row.text(4)?)?,
        })
    })
    .collect()
}

/// The newest position, 0 when there never was a change.
///
/// # Errors
///
/// `Database`.
pub fn head(tx: &mut Tx<'_>, workspace: WorkspaceId) -> Result<i64, Error> {
    let newest = tx
        .first(
            "SELECT seq FROM change WHERE workspace_id = $1 ORDER BY seq DESC LIMIT 1",
            values![workspace],
        )?
        .map_or(Ok(0), |row| row.integer(0))?;
    Ok(newest.max(floor(tx, workspace)?))
}

/// The newest position whose row is no longer kept: a watermark below it needs a full cycle.
///
/// # Errors
///
/// `Database`.
pub fn floor(tx: &mut Tx<'_>, workspace: WorkspaceId) -> Result<i64, Error> {
    tx.first(
        "SELECT seq FROM change_floor WHERE workspace_id = $1",
        values![workspace],
    )?
    .map_or(Ok(0), |row| row.integer(0))
}

/// Removes rows older than `keep_us` that every job has dealt with, at most 10,000 at once; returns how many.
///
/// # Errors
///
/// `Database`.
pub fn prune(tx: &mut Tx<'_>, workspace: WorkspaceId, keep_us: i64) -> Result<u64, Error> {
    let before = tx.now_us().saturating_sub(keep_us);
    // Looks at the oldest rows only, and at none of them while the very oldest is too young: this is asked after each cycle.
    let last = tx.first(
        "SELECT max(seq) FROM (SELECT seq, at_us FROM change WHERE workspace_id = $1 \
         AND (SELECT at_us FROM change WHERE workspace_id = $1 ORDER BY seq LIMIT 1) < $2 AND seq <= COALESCE( \
         (SELECT min(watermark) FROM job WHERE workspace_id = $1 AND watermark IS NOT NULL), $3) ORDER BY seq LIMIT 10000) oldest \
         WHERE at_us < $2",
        values![workspace, before, i64::MAX],
    )?;
    let Some(last) = last
        .map(|row| row.optional_integer(0))
        .transpose()?
        .flatten()
    else {
        return Ok(0);
    };
    let removed = tx.execute(
        "DELETE FROM change WHERE workspace_id = $1 AND seq <= $2",
        values![workspace, last],
    )?;
    tx.execute(
        "INSERT INTO change_floor (workspace_id, seq) VALUES ($1, $2) \
         ON CONFLICT (workspace_id) DO UPDATE SET seq = excluded.seq",
        values![workspace, last],
    )?;
    Ok(removed)
}
