//! PATCH (RFC 7644 section 3.5.2) with the habits of real clients turned into the standard form.
//!
//! ```
//! use serde_json::json;
//! use tenure_scim::{patch, schema::SchemaSet};
//!
//! let body = json!({"Operations": [
//!     {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "mira@mills.example"},
//!     {"op": "add", "value": {"name.givenName": "Mira", "active": "False"}},
//! ]});
//! let request = patch::parse(SchemaSet::user(), body.as_object().unwrap()).unwrap();
//! let mut document = json!({"userName": "mira"}).as_object().unwrap().clone();
//! let changed = patch::apply(SchemaSet::user(), "7b1c", &mut document, &request.operations).unwrap();
//! assert!(changed);
//! assert_eq!(document["emails"], json!([{"value": "mira@mills.example", "type": "work"}]));
//! assert_eq!(document["active"], false);
//! ```

mod apply;
pub(crate) mod members;
mod parse;
#[cfg(test)]
mod tests;
mod unchanged;
mod values;

use serde_json::Value;

use crate::{
    Document, ScimError,
    deviation::{Deviations, Notes, Strictness},
    filter::Filter,
    path::Path,
    schema::ResourceType,
    validate::{arrange, refuse_unknown},
};

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OperationKind {
    /// Adds values, or sets what has none.
    Add,
    /// Makes unassigned.
    Remove,
    /// Sets.
    Replace,
}

/// One parsed operation; path-less operations have been split into one per attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// What it does.
    pub kind: OperationKind,
    /// To what.
    pub path: Path,
    /// With what. On a removal: the values to remove, as some clients send them; others stay.
    pub value: Option<Value>,
}

/// A member named in a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MemberRef {
    /// `value`: id of the resource.
    pub value: String,
    /// `type` if given: `User` or `Group`.
    pub kind: Option<String>,
}

/// A change of a group's members, which the store performs on rows without building a document.
#[derive(Debug, Clone, PartialEq)]
pub enum MemberChange {
    /// Members to add; those present are left alone.
    Add(Vec<MemberRef>),
    /// Ids to remove; absent ones are ignored.
    Remove(Vec<String>),
    /// Remove those members that match a filter other than `value eq`.
    RemoveMatching(Filter),
    /// The members from now on.
    Replace(Vec<MemberRef>),
    /// Remove all members.
    Clear,
}

/// A parsed PATCH body: attribute operations in order, and member changes in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PatchRequest {
    /// Operations on the document.
    pub operations: Vec<Operation>,
    /// Operations on the members.
    pub members: Vec<MemberChange>,
    /// Names in path-less values that were dropped because unknown.
    pub ignored: Vec<String>,
    /// What was tolerated so far; applying may add to it.
    pub deviations: Deviations,
}

/// Parses a PatchOp body for a resource type.
///
/// # Errors
///
/// 400 with `invalidSyntax`, `invalidPath`, `invalidFilter`, `invalidValue`, `noTarget`, `mutability` or `tooMany`;
/// the text names the operation by its index from 0.
pub fn parse(resource_type: &ResourceType, body: &Document) -> Result<PatchRequest, ScimError> {
    parse::request(resource_type, body)
}

/// Performs member changes on a list in memory; `false` when nothing changed. A store with a row for each member
/// performs them itself. Filters see the `value` and `type` of a member.
///
/// ```
/// use serde_json::json;
/// use tenure_scim::{patch, schema::SchemaSet};
///
/// let body = json!({"Operations": [{"op": "add", "path": "members", "value": [{"value": "7b1c"}, {"value": "41cc"}]}]});
/// let request = patch::parse(SchemaSet::group(), body.as_object().unwrap()).unwrap();
/// let mut members = vec![patch::MemberRef { value: "41cc".to_owned(), kind: None }];
/// assert!(patch::change_members(SchemaSet::group(), &mut members, &request.members));
/// assert_eq!(members.len(), 2);
/// ```
pub fn change_members(
    resource_type: &ResourceType,
    members: &mut Vec<MemberRef>,
    changes: &[MemberChange],
) -> bool {
    members::change(resource_type, members, changes)
}

/// Applies operations atomically; `Ok(false)` when nothing changed. On error the document is unchanged.
/// `id` is the resource's id, needed to accept an unchanged `id` in a path-less value.
///
/// # Errors
///
/// 400 with `invalidValue`, `invalidPath`, `noTarget` or `mutability`; the text names the path. 400 `tooMany` beyond
/// [`crate::limits::PATCH_EFFORT_BYTES`].
pub fn apply(
    resource_type: &ResourceType,
    id: &str,
    document: &mut Document,
    operations: &[Operation],
) -> Result<bool, ScimError> {
    let strictness = Strictness::default();
    apply_with(resource_type, id, document, operations, strictness).map(|applied| applied.changed)
}

/// What applying a PATCH did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Whether the document is another one now.
    pub changed: bool,
    /// What was tolerated while the values were read.
    pub deviations: Deviations,
    /// Names of unknown sub-attributes that were dropped.
    pub ignored: Vec<String>,
}

/// [`apply`] that says what was tolerated, and tolerates less.
///
/// # Errors
///
/// As [`apply`], and 400 `noTarget` or `invalidSyntax` as the strictness says.
pub fn apply_with(
    resource_type: &ResourceType,
    id: &str,
    document: &mut Document,
    operations: &[Operation],
    strictness: Strictness,
) -> Result<Applied, ScimError> {
    let mut notes = Notes::default();
    let mut work = apply::Work {
        resource_type,
        id,
        strict_paths: strictness.paths,
        effort_bytes: 0,
        notes: &mut notes,
    };
    let after = work.all(document, operations)?;
    if strictness.attributes {
        refuse_unknown(&notes.ignored)?;
    }
    // Equality of objects does not depend on the order of their members; completing `schemas` is not a change.
    let changed = after != arrange(resource_type, document.clone());
    if changed {
        *document = after;
    }
    Ok(Applied {
        changed,
        deviations: notes.deviations,
        ignored: notes.ignored,
    })
}
