//! PATCH (RFC 7644 section 3.5.2) with the habits of real clients turned into the standard form.
use crate::{Document, ScimError, path::Path, schema::ResourceType};
use serde_json::Value;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OperationKind { Add, Remove, Replace }

/// One parsed operation; path-less operations have been split into one per attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation { pub kind: OperationKind, pub path: Path, pub value: Option<Value> }

/// A member named in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRef {
    /// `value`: id of the resource.
    pub value: String,
    /// `type` if given: `User` or `Group`.
    pub kind: Option<String>,
}

/// A change of a group's members, which the store performs on rows without building a document.
#[derive(Debug, Clone, PartialEq)]
pub enum MemberChange {
    Add(Vec<MemberRef>),
    /// Ids to remove; absent ones are ignored.
    Remove(Vec<String>),
    /// Remove those members that match a filter other than `value eq`.
    RemoveMatching(crate::filter::Filter),
    Replace(Vec<MemberRef>),
    Clear,
}

/// A parsed PATCH body: attribute operations in order, and member changes in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PatchRequest { pub operations: Vec<Operation>, pub members: Vec<MemberChange> }

/// Parses a PatchOp body for a resource type.
pub fn parse(resource_type: &ResourceType, body: &Document) -> Result<PatchRequest, ScimError> { let _ = (resource_type, body); todo!() }

/// Applies operations atomically; `Ok(false)` when nothing changed. On error the document is unchanged.
/// `id` is the resource's id, needed to accept an unchanged `id` in a path-less value.
pub fn apply(resource_type: &ResourceType, id: &str, document: &mut Document, operations: &[Operation]) -> Result<bool, ScimError> { let _ = (resource_type, id, document, operations); todo!() }
