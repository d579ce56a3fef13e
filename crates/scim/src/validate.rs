//! From a request body to a canonical document (RFC 7643 section 2, RFC 7644 sections 3.3 and 3.5.1).
use crate::{Document, ScimError, patch::MemberRef, schema::ResourceType};

/// A validated body: the document without `id`, `meta`, `members`, `groups`; the members of a group beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Validated { pub document: Document, /// `None` when the body did not mention members.
    pub members: Option<Vec<MemberRef>>, /// Names of attributes and schemas that were dropped because unknown.
    pub ignored: Vec<String> }

/// Validates a POST body: spelling of names, types (strings for booleans tolerated), required attributes, read-only
/// values dropped, unknown attributes dropped and reported, `schemas` completed, at most one primary.
pub fn create(resource_type: &ResourceType, body: Document) -> Result<Validated, ScimError> { let _ = (resource_type, body); todo!() }

/// Validates a PUT body against the current document: clears omitted readWrite attributes, keeps omitted
/// immutable and writeOnly ones, refuses a changed immutable one (`mutability`).
pub fn replace(resource_type: &ResourceType, current: &Document, body: Document) -> Result<Validated, ScimError> { let _ = (resource_type, current, body); todo!() }
