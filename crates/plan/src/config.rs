//! Configuration of an application, as it is stored and exchanged: JSON through serde, unknown members refused.

use crate::dialect::Dialect;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Users or groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ObjectKind {
    /// A person's account.
    User,
    /// A group with members.
    Group,
}

impl ObjectKind {
    /// `User` or `Group`, the SCIM resource type.
    #[must_use]
    pub fn resource_type(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }
}

/// Who is a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// "Sync only assigned users and groups".
    Assigned,
    /// "Sync all users and groups".
    All,
}

/// Everything about an application that decides a plan; the credentials are kept elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplicationConfig {
    /// Who is a candidate.
    pub scope: Scope,
    /// How people are provisioned.
    pub users: ObjectConfig,
    /// How groups are provisioned.
    pub groups: ObjectConfig,
    /// Leave accounts alone that fall out of scope; they are not managed any more.
    #[serde(default)]
    pub skip_out_of_scope_deletions: bool,
    /// More deletes and disables than this in one cycle are held; `None`: no limit.
    #[serde(default)]
    pub deletion_threshold: Option<u32>,
    /// Where failures are reported: addresses parted by commas; none: to those of the workspace.
    #[serde(default)]
    pub notification_email: Option<String>,
    /// Whether failures are reported at all.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub notify: bool,
    /// Minutes between cycles when nothing wakes the job, 1 to 1440. Default 40.
    #[serde(default = "default_interval")]
    pub interval_minutes: u32,
    /// What the function `DefaultDomain` gives: `acme.example`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_domain: Option<String>,
    /// How the target wants to be spoken to.
    #[serde(default)]
    pub dialect: Dialect,
}

fn yes() -> bool {
    true
}

fn is_yes(value: &bool) -> bool {
    *value
}

fn default_interval() -> u32 {
    40
}

/// One object type of an application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectConfig {
    /// Whether objects of this type are provisioned at all.
    pub enabled: bool,
    /// What may be done at the target.
    pub actions: Actions,
    /// OR between filters; none: everything passes.
    #[serde(default)]
    pub filters: Vec<ScopingFilter>,
    /// One per target attribute.
    pub mappings: Vec<Mapping>,
}

/// Target object actions. Disabling is an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actions {
    /// Create accounts that do not exist.
    pub create: bool,
    /// Change accounts, also to disable them.
    pub update: bool,
    /// Delete accounts whose source object is gone.
    pub delete: bool,
}

/// A titled list of clauses, all of which must hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopingFilter {
    /// For people.
    pub title: String,
    /// AND between clauses.
    pub clauses: Vec<Clause>,
}

/// `attribute operator value`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clause {
    /// Source attribute.
    pub attribute: String,
    /// Label such as `EQUALS` or `IS NOT NULL`, compared without case, space or underscore.
    pub operator: String,
    /// What to compare with; none for unary operators.
    #[serde(default)]
    pub value: Option<String>,
}

/// Where a target attribute's value comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Source {
    /// Source attribute by name.
    Attribute(String),
    /// Always this value.
    Constant(Value),
    /// Result of an expression.
    Expression(String),
    /// Nothing flows; an empty target value is filled with the mapping's default.
    None,
}

/// When a mapping applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Apply {
    /// At creation and at every update.
    #[default]
    Always,
    /// Only during object creation.
    OnCreate,
    /// At creation; at an update a multi-valued attribute only gains values, and any other is only filled when empty.
    AddValues,
    /// As always, but nothing is ever taken away: no attribute is cleared, and a multi-valued one only gains values.
    NeverRemove,
    /// At creation; at an update only while the target has no value at all.
    IfEmpty,
}

impl Apply {
    /// How it is called for people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::OnCreate => "Only during object creation",
            Self::AddValues => "Only when adding values",
            Self::NeverRemove => "Always, but never remove",
            Self::IfEmpty => "Only when the target has no value",
        }
    }
}

/// One attribute mapping.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// SCIM path: `userName`, `emails[type eq "work"].value`, `urn:…:User:manager`, `members`.
    pub target: String,
    /// Where the value comes from.
    pub source: Source,
    /// Sent at creation when the source gives nothing.
    #[serde(default)]
    pub default: Option<Value>,
    /// When the mapping applies.
    #[serde(default)]
    pub apply: Apply,
    /// Matching precedence from 1; absent: not a matching attribute.
    #[serde(default)]
    pub matching: Option<u32>,
}
