//! Links between source and target objects, exported members, waiting references.
use crate::{Error, Kind, TimeUs, Tx, WorkspaceId, job::Lease};
/// A link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link { pub rid: i64, pub source_id: String, pub kind: Kind, pub target_id: String, /// JSON text: target attribute → value last known.
    pub known: String, pub managed: bool, pub updated_us: TimeUs }
/// Link of one object.
pub fn get(tx: &mut Tx<'_>, workspace: WorkspaceId, application: i64, rid: i64) -> Result<Option<Link>, Error> { let _ = (tx, workspace, application, rid); todo!() }
/// Target ids of source ids that are linked (managed or not), for references.
pub fn target_ids(tx: &mut Tx<'_>, workspace: WorkspaceId, application: i64, source_ids: &[String]) -> Result<Vec<(String, String)>, Error> { let _ = (tx, workspace, application, source_ids); todo!() }
/// Source id of a linked target id: two sources must not share one account (DuplicateSourceEntries).
pub fn source_of(tx: &mut Tx<'_>, workspace: WorkspaceId, application: i64, target_id: &str) -> Result<Option<String>, Error> { let _ = (tx, workspace, application, target_id); todo!() }
/// Writes a link; a new link wakes references and memberships that waited for its source id (work rows).
pub fn put(tx: &mut Tx<'_>, lease: &Lease, link: &Link) -> Result<(), Error> { let _ = (tx, lease, link); todo!() }
/// Forgets a link and the exported members it stands for.
pub fn remove(tx: &mut Tx<'_>, lease: &Lease, rid: i64) -> Result<(), Error> { let _ = (tx, lease, rid); todo!() }
/// Sets what an object waits for: (attribute, source id) pairs; empty clears.
pub fn set_waiting(tx: &mut Tx<'_>, lease: &Lease, rid: i64, waiting: &[(String, String)]) -> Result<(), Error> { let _ = (tx, lease, rid, waiting); todo!() }
/// Difference between the group's direct members that have a managed link here and the members exported so far:
/// (rid, target id) to add and to remove, each at most `limit`.
pub fn member_difference(tx: &mut Tx<'_>, workspace: WorkspaceId, application: i64, group_rid: i64, limit: u32) -> Result<(Vec<(i64, String)>, Vec<(i64, String)>), Error> { let _ = (tx, workspace, application, group_rid, limit); todo!() }
/// Records exported members.
pub fn members_exported(tx: &mut Tx<'_>, lease: &Lease, group_rid: i64, added: &[i64], removed: &[i64]) -> Result<(), Error> { let _ = (tx, lease, group_rid, added, removed); todo!() }
/// Counts of linked users and groups.
pub fn counts(tx: &mut Tx<'_>, workspace: WorkspaceId, application: i64) -> Result<(u64, u64), Error> { let _ = (tx, workspace, application); todo!() }
