//! Who is given an application, and the candidates of a cycle.
use crate::{Error, Kind, TimeUs, Tx, WorkspaceId, resource::Stored};
/// An assignment.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment { pub resource: Stored, pub created_us: TimeUs }
/// Why a resource is entitled: directly, and through which assigned groups (display names, at most 20).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entitled { pub direct: bool, pub via_groups: Vec<String> }
/// Assigns; idempotent. Enqueues the object (and a group's members, by a feed-like work row) for this application.
pub fn add(tx: &mut Tx<'_>, workspace: WorkspaceId, application: i64, rid: i64) -> Result<(), Error> { let _ = (tx, workspace, application, rid); todo!() }
/// Takes the assignment away; idempotent; enqueues likewise.
pub fn remove(tx: &mut Tx<'_>, workspace: WorkspaceId, application: i64, rid: i64) -> Result<(), Error> { let _ = (tx, workspace, application, rid); todo!() }
/// Assigned resources after a rid cursor.
pub fn list(tx: &mut Tx<'_>, workspace: WorkspaceId, application: i64, after: i64, limit: u32) -> Result<Vec<Assignment>, Error> { let _ = (tx, workspace, application, after, limit); todo!() }
/// How many users and groups are assigned.
pub fn count(tx: &mut Tx<'_>, workspace: WorkspaceId, application: i64) -> Result<(u64, u64), Error> { let _ = (tx, workspace, application); todo!() }
/// Entitlement of one resource.
pub fn entitled(tx: &mut Tx<'_>, workspace: WorkspaceId, application: i64, rid: i64) -> Result<Entitled, Error> { let _ = (tx, workspace, application, rid); todo!() }
/// Candidates of a full cycle after a rid cursor: with `all` every live resource of the kind, else the entitled ones; in both
/// cases also everything that has a link (deleted ones too). Returns rids in order.
pub fn candidates(tx: &mut Tx<'_>, workspace: WorkspaceId, application: i64, kind: Kind, all: bool, after: i64, limit: u32) -> Result<Vec<i64>, Error> { let _ = (tx, workspace, application, kind, all, after, limit); todo!() }
/// How many candidates a full cycle has.
pub fn candidate_count(tx: &mut Tx<'_>, workspace: WorkspaceId, application: i64, kind: Kind, all: bool) -> Result<u64, Error> { let _ = (tx, workspace, application, kind, all); todo!() }
