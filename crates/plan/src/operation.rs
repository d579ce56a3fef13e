//! The unit of effect: what is stored before anything is sent.
use crate::config::ObjectKind;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What an operation does at the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action { Create, Update, Disable, Delete, /// Add and remove members of a group; counted as an update.
    Members }
impl Action { /// Whether it takes access away and counts against the deletion threshold.
    #[must_use] pub fn takes_access(self) -> bool { matches!(self, Self::Disable | Self::Delete) } }

/// One attribute before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change { pub attribute: String, pub before: Option<Value>, pub after: Option<Value> }

/// A planned operation on one object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    pub kind: ObjectKind,
    pub action: Action,
    pub source_id: String,
    /// Absent for a create.
    pub target_id: Option<String>,
    /// For people: `Ada Okafor`.
    pub display_name: String,
    /// Attribute changes with before-values.
    pub changes: Vec<Change>,
    /// Target attribute → value that the target will have afterwards (mapped attributes only); becomes the link's `known`.
    pub known_after: Map<String, Value>,
    /// For `Members`: target ids.
    #[serde(default)] pub add_members: Vec<String>,
    #[serde(default)] pub remove_members: Vec<String>,
    /// Why, for people: `assigned directly`, `not assigned any more`.
    pub reason: String,
    /// Source ids that a reference attribute names but that have no account yet; repaired later.
    #[serde(default)] pub unresolved: Vec<Unresolved>,
}

/// A reference that could not be set yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unresolved { pub attribute: String, pub source_id: String }
