//! What the planner is told about one object.

use crate::config::ObjectKind;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// An object of the workspace's directory as read just now.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceObject {
    /// Its id.
    pub id: String,
    /// SCIM document; need not contain `id`.
    pub document: Map<String, Value>,
}

/// Why an object is or is not entitled to the application.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entitlement {
    /// Assigned directly.
    pub direct: bool,
    /// Display names of assigned groups it is an immediate member of.
    pub via_groups: Vec<String>,
}

impl Entitlement {
    /// Assigned in any way.
    #[must_use]
    pub fn assigned(&self) -> bool {
        self.direct || !self.via_groups.is_empty()
    }
}

/// The ledger's row about an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Id at the target.
    pub target_id: String,
    /// Target attribute path → value last known at the target.
    pub known: Map<String, Value>,
    /// False after the object left scope and was dealt with.
    pub managed: bool,
    /// `known` was read from the target a moment ago and the ledger may say something else.
    pub fresh: bool,
}

/// What matching found at the target.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// No account.
    Nothing,
    /// Exactly one account.
    One {
        /// Id at the target.
        id: String,
        /// Its SCIM document.
        document: Map<String, Value>,
        /// Matching attribute that hit.
        attribute: String,
    },
    /// More accounts than one; nobody can tell which is meant.
    Many {
        /// Matching attribute that hit.
        attribute: String,
        /// Ids at the target.
        ids: Vec<String>,
    },
}

/// Everything the planner may look at.
pub struct Facts<'a> {
    /// User or group.
    pub kind: ObjectKind,
    /// Source id (also when the object is gone).
    pub source_id: &'a str,
    /// `None`: deleted in the source.
    pub source: Option<&'a SourceObject>,
    /// Assignment to the application.
    pub entitlement: &'a Entitlement,
    /// The ledger's row, if there is one.
    pub link: Option<&'a Link>,
    /// `None`: not asked yet.
    pub found: Option<&'a Found>,
    /// `None`: not asked yet. Target attribute → the first of its candidates that nobody has at the target, or none
    /// when all are taken.
    pub chosen: Option<&'a BTreeMap<String, Option<String>>>,
    /// Target id of a referenced source object, if it is linked.
    pub references: &'a dyn Fn(&str) -> Option<String>,
    /// The cycle's time in microseconds since 1970.
    pub now_us: i64,
    /// Names this object of this application for good, and nothing else: generated values come from it.
    pub seed: &'a str,
}

/// One line of the story told in the provisioning log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogStep {
    /// `EntryImport`, `EntrySynchronizationScoping`, …
    pub name: String,
    /// import, scoping, matching, processing, referenceResolution, export.
    #[serde(rename = "type")]
    pub kind: String,
    /// success, failure, skipped, warning.
    pub status: String,
    /// A sentence for people.
    pub description: String,
    /// Values behind the sentence.
    #[serde(default)]
    pub details: Map<String, Value>,
}
