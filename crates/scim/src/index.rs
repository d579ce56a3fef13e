//! Which values of a document a store indexes, folded exactly as the filter evaluator compares them.
use crate::{Document, schema::ResourceType};

/// One indexed value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexEntry {
    /// Lower-case path: `username`, `emails.value`, `urn:…:user:department`.
    pub attribute: String,
    /// Comparison key from [`crate::value`]: folded text, `true`/`false`, or a sortable form for dates and numbers.
    pub key: String,
    /// Which element of a multi-valued attribute, from 0.
    pub element: u32,
}

/// A value that must be unique in the workspace and type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UniqueEntry { pub attribute: String, pub key: String, pub shown: String }

/// All index entries of a document: every simple string, boolean, number, date and reference attribute and
/// sub-attribute of the schemas, but not `password`, `id` and `meta`. Keys are cut at [`crate::limits::INDEX_KEY_CHARS`].
#[must_use]
pub fn entries(resource_type: &ResourceType, document: &Document) -> Vec<IndexEntry> { let _ = (resource_type, document); todo!() }

/// The values of attributes with uniqueness `server` or `global`.
#[must_use]
pub fn unique(resource_type: &ResourceType, document: &Document) -> Vec<UniqueEntry> { let _ = (resource_type, document); todo!() }
