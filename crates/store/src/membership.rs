//! Group members as rows of their own.
use crate::{Error, Kind, Tx, WorkspaceId};
/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow { pub rid: i64, pub id: String, pub kind: Kind, pub display: String }
/// A group of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRow { pub rid: i64, pub id: String, pub display: String, /// False: through a nested group.
    pub direct: bool }
/// Members ordered by rid after a cursor.
pub fn members(tx: &mut Tx<'_>, workspace: WorkspaceId, group_rid: i64, after: i64, limit: u32) -> Result<Vec<MemberRow>, Error> { let _ = (tx, workspace, group_rid, after, limit); todo!() }
/// How many members a group has.
pub fn count(tx: &mut Tx<'_>, workspace: WorkspaceId, group_rid: i64) -> Result<u64, Error> { let _ = (tx, workspace, group_rid); todo!() }
/// Groups of a resource, direct first, then indirect (depth at most 16, cycles tolerated).
pub fn groups_of(tx: &mut Tx<'_>, workspace: WorkspaceId, rid: i64) -> Result<Vec<GroupRow>, Error> { let _ = (tx, workspace, rid); todo!() }
