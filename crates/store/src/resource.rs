//! Users and groups (architecture note 7.2). Every write appends to the change feed and the audit log in the same transaction.
use crate::{Error, Kind, TimeUs, Tx, WorkspaceId};
use tenure_scim::{Document, filter::Filter, patch::{MemberRef, PatchRequest}};
/// A stored resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored { /// Internal number, never reused.
    pub rid: i64, pub id: String, pub kind: Kind, /// Counts changes from 1; the ETag is `W/"version"`.
    pub version: i64, pub created_us: TimeUs, pub modified_us: TimeUs, /// JSON text without id, meta, members, groups.
    pub body: String }
impl Stored { /// The body parsed.
    pub fn document(&self) -> Result<Document, Error> { todo!() }
    /// `userName` or `displayName`, for logs.
    #[must_use] pub fn label(&self) -> String { todo!() } }
/// A query. `filter` must have passed [`Filter::check`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query { pub filter: Option<Filter>, /// Attribute path and ascending.
    pub sort: Option<(tenure_scim::path::AttributePath, bool)>, /// From 1.
    pub start_index: u64, pub count: u64 }
/// A page of results.
#[derive(Debug, Clone, PartialEq)]
pub struct Page { pub total: u64, pub items: Vec<Stored> }
/// Creates; 409 uniqueness when a unique value is taken; unknown members are 400 `invalidValue` naming them.
pub fn create(tx: &mut Tx<'_>, workspace: WorkspaceId, kind: Kind, document: &Document, members: &[MemberRef]) -> Result<Stored, Error> { let _ = (tx, workspace, kind, document, members); todo!() }
/// By SCIM id; deleted ones do not exist.
pub fn get(tx: &mut Tx<'_>, workspace: WorkspaceId, kind: Kind, id: &str) -> Result<Option<Stored>, Error> { let _ = (tx, workspace, kind, id); todo!() }
/// By internal number, deleted included (second value true).
pub fn by_rid(tx: &mut Tx<'_>, workspace: WorkspaceId, rid: i64) -> Result<Option<(Stored, bool)>, Error> { let _ = (tx, workspace, rid); todo!() }
/// Replaces by a raw PUT body: validates against the present document. `if_match`: ETag text, `*`, or none; 412 on mismatch. `Ok.1`: changed.
pub fn replace(tx: &mut Tx<'_>, workspace: WorkspaceId, kind: Kind, id: &str, if_match: Option<&str>, body: &Document) -> Result<(Stored, bool), Error> { let _ = (tx, workspace, kind, id, if_match, body); todo!() }
/// Applies a PATCH atomically. No change: same version, no feed row. 404, 412 as `replace`.
pub fn patch(tx: &mut Tx<'_>, workspace: WorkspaceId, kind: Kind, id: &str, if_match: Option<&str>, request: &PatchRequest) -> Result<(Stored, bool), Error> { let _ = (tx, workspace, kind, id, if_match, request); todo!() }
/// Deletes for good as far as SCIM sees; the row stays as a tombstone for the ledger.
pub fn delete(tx: &mut Tx<'_>, workspace: WorkspaceId, kind: Kind, id: &str, if_match: Option<&str>) -> Result<(), Error> { let _ = (tx, workspace, kind, id, if_match); todo!() }
/// Filter, sort, page. The index narrows, the evaluator decides.
pub fn query(tx: &mut Tx<'_>, workspace: WorkspaceId, kind: Kind, query: &Query) -> Result<Page, Error> { let _ = (tx, workspace, kind, query); todo!() }
/// Console search: prefix of userName, displayName, family or given name, or e-mail; newest first when `text` is empty.
/// `after`: rid cursor of the last row of the page before.
pub fn search(tx: &mut Tx<'_>, workspace: WorkspaceId, kind: Kind, text: &str, after: Option<i64>, limit: u32) -> Result<Vec<Stored>, Error> { let _ = (tx, workspace, kind, text, after, limit); todo!() }
/// How many live ones there are.
pub fn count(tx: &mut Tx<'_>, workspace: WorkspaceId, kind: Kind) -> Result<u64, Error> { let _ = (tx, workspace, kind); todo!() }
