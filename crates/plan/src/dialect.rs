//! An operation as requests for this target (interop note 2.12: how targets differ).
use crate::operation::Operation;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How a target wants to be spoken to. Defaults are strict RFC 7644.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dialect {
    /// Members of one group PATCH. Default 100.
    pub members_per_patch: usize,
    /// Requests in flight. Default 8, 1 to 64.
    pub concurrency: usize,
    /// Whether taking away access is `active: false` (true) or DELETE. Default true.
    pub soft_delete: bool,
    /// Remove a member by `members[value eq "…"]` (true) or by a value list. Default true.
    pub remove_member_by_path: bool,
}
impl Default for Dialect { fn default() -> Self { Self { members_per_patch: 100, concurrency: 8, soft_delete: true, remove_member_by_path: true } } }

/// HTTP verb of a SCIM request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method { Get, Post, Put, Patch, Delete }

/// A request relative to the Tenant URL: `Users/…` with a query already percent-encoded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request { pub method: Method, pub path: String, pub body: Option<Value> }

/// The requests that perform an operation, in order. A membership operation may need several.
#[must_use]
pub fn requests(dialect: &Dialect, operation: &Operation) -> Vec<Request> { let _ = (dialect, operation); todo!() }

/// `GET {Users|Groups}?filter=attribute eq "value"`, groups with `excludedAttributes=members`; value escaped by RFC 7644.
#[must_use]
pub fn match_request(kind: crate::config::ObjectKind, attribute: &str, value: &str) -> Request { let _ = (kind, attribute, value); todo!() }
/// `GET {Users|Groups}/{id}`, groups with `excludedAttributes=members`.
#[must_use]
pub fn read_request(kind: crate::config::ObjectKind, target_id: &str) -> Request { let _ = (kind, target_id); todo!() }
