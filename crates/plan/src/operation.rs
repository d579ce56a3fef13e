//! The unit of effect: what is stored before anything is sent.

use crate::config::ObjectKind;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What an operation does at the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// A new account or group.
    Create,
    /// Changed attributes.
    Update,
    /// An update that takes away access.
    Disable,
    /// The account or group goes away.
    Delete,
    /// Add and remove members of a group; counted as an update.
    Members,
}

impl Action {
    /// Whether it takes access away and counts against the deletion threshold.
    #[must_use]
    pub fn takes_access(self) -> bool {
        matches!(self, Self::Disable | Self::Delete)
    }
}

/// One attribute before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Target attribute path, as it is mapped.
    pub attribute: String,
    /// Value last known at the target; `None`: no value.
    pub before: Option<Value>,
    /// Value to set; `None`: remove.
    pub after: Option<Value>,
    /// When not empty: `after` is `before` with these values behind it, and only these are sent, so that values that the
    /// target got elsewhere stay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<Value>,
    /// The values must not appear in logs or on pages (`Redact`); show [`REDACTED`] instead.
    #[serde(default)]
    pub redacted: bool,
}

/// What stands for a value that must not be shown.
pub const REDACTED: &str = "[Redact]";

impl Change {
    /// [`before`](Self::before) as it may be shown.
    #[must_use]
    pub fn shown_before(&self) -> Option<Value> {
        self.shown(self.before.as_ref())
    }

    /// [`after`](Self::after) as it may be shown.
    #[must_use]
    pub fn shown_after(&self) -> Option<Value> {
        self.shown(self.after.as_ref())
    }

    fn shown(&self, value: Option<&Value>) -> Option<Value> {
        value.map(|value| {
            if self.redacted {
                Value::from(REDACTED)
            } else {
                value.clone()
            }
        })
    }
}

/// A planned operation on one object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// User or group.
    pub kind: ObjectKind,
    /// What is done.
    pub action: Action,
    /// Id of the object in the workspace's directory.
    pub source_id: String,
    /// Id at the target; absent for a create.
    pub target_id: Option<String>,
    /// For people: `Ada Okafor`.
    pub display_name: String,
    /// Attribute changes with before-values.
    pub changes: Vec<Change>,
    /// Target attribute → value that the target will have afterwards (mapped attributes only); becomes the link's `known`.
    pub known_after: Map<String, Value>,
    /// For `Members`: target ids to add.
    #[serde(default)]
    pub add_members: Vec<String>,
    /// For `Members`: target ids to remove.
    #[serde(default)]
    pub remove_members: Vec<String>,
    /// Why, for people: `assigned directly`, `not assigned any more`.
    pub reason: String,
    /// Source ids that a reference attribute names but that have no account yet; repaired later.
    #[serde(default)]
    pub unresolved: Vec<Unresolved>,
    /// After success the link is not managed any more: the object left scope. Otherwise the link is managed (again).
    #[serde(default)]
    pub unmanage_after: bool,
}

/// A reference that could not be set yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unresolved {
    /// Target attribute.
    pub attribute: String,
    /// Source id that it should refer to.
    pub source_id: String,
}
