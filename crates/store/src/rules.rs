//! How far the directory follows a client where clients differ. Every default is the one that loses and invents
//! nothing.

use serde::{Deserialize, Serialize};
use tenure_scim::Strictness;

/// What becomes of a member that no resource has the id of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum UnknownMembers {
    /// The request is refused with 400.
    #[default]
    Refuse,
    /// It is left out; the others are added.
    Skip,
    /// It is kept aside and joins when a resource with that id or externalId arrives.
    Park,
}

/// What a PUT without `members` means for a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AbsentMembers {
    /// No members, as RFC 7644 section 3.5.1 suggests for what is left out.
    #[default]
    Clear,
    /// The members stay.
    Keep,
}

/// Most members that one `remove` of the whole list takes out unless a rule allows more.
pub const CLEARED_MEMBERS: u64 = 1000;

/// Rules for the writes of one client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Rules {
    /// Members that do not exist.
    pub unknown_members: UnknownMembers,
    /// PUT of a group without `members`.
    pub absent_members: AbsentMembers,
    /// Most members that a PATCH may take out by removing `members` as a whole; more is 400 `tooMany`.
    pub cleared_members: u64,
    /// Whether a second group with the same `displayName` is 409.
    pub unique_group_names: bool,
    /// Whether creating a user whose userName an inactive user has brings that one back instead of 409.
    pub revive_inactive: bool,
    /// Unknown attributes and schemas in a body are 400 instead of being ignored.
    pub strict_attributes: bool,
    /// A PATCH path whose filter selects nothing is 400 `noTarget` instead of creating the value that the filter
    /// describes.
    pub strict_paths: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            unknown_members: UnknownMembers::default(),
            absent_members: AbsentMembers::default(),
            cleared_members: CLEARED_MEMBERS,
            unique_group_names: false,
            revive_inactive: false,
            strict_attributes: false,
            strict_paths: false,
        }
    }
}

impl Rules {
    /// What is refused although it could be tolerated.
    #[must_use]
    pub fn strictness(&self) -> Strictness {
        Strictness {
            attributes: self.strict_attributes,
            paths: self.strict_paths,
        }
    }

    /// Rules for Tenure's own console, command line and import: as strict as can be, but a list may be cleared.
    #[must_use]
    pub fn own() -> Self {
        Self {
            cleared_members: u64::MAX,
            ..Self::default()
        }
    }
}
