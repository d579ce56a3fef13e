//! The change feed.
use crate::{Error, Kind, Tx, WorkspaceId};
/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What { Created, Updated, Deleted, MemberAdded, MemberRemoved }
/// One row: `rid` is the object; for member rows `rid` is the group and `other` the member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change { pub seq: i64, pub kind: Kind, pub rid: i64, pub other: Option<i64>, pub what: What }
/// Rows after a position, in order.
pub fn read(tx: &mut Tx<'_>, workspace: WorkspaceId, after: i64, limit: u32) -> Result<Vec<Change>, Error> { let _ = (tx, workspace, after, limit); todo!() }
/// The newest position, 0 when empty.
pub fn head(tx: &mut Tx<'_>, workspace: WorkspaceId) -> Result<i64, Error> { let _ = (tx, workspace); todo!() }
/// The oldest position that is still kept, minus one: a watermark below it needs a full cycle.
pub fn floor(tx: &mut Tx<'_>, workspace: WorkspaceId) -> Result<i64, Error> { let _ = (tx, workspace); todo!() }
