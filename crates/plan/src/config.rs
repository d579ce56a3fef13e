//! Configuration of an application, as it is stored and exchanged (JSON through serde, unknown members refused).
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Users or groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ObjectKind { User, Group }

/// Who is a candidate ("Sync only assigned users and groups" / "Sync all users and groups").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope { Assigned, All }

/// Everything about an application that decides a plan; the credentials are kept elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplicationConfig {
    pub scope: Scope,
    pub users: ObjectConfig,
    pub groups: ObjectConfig,
    /// Leave accounts alone that fall out of scope (spec 6.4).
    #[serde(default)]
    pub skip_out_of_scope_deletions: bool,
    /// More deletes and disables than this in one cycle are held; `None`: no limit.
    #[serde(default)]
    pub deletion_threshold: Option<u32>,
    #[serde(default)]
    pub notification_email: Option<String>,
    /// Minutes between cycles when nothing wakes the job. Default 40.
    #[serde(default = "default_interval")]
    pub interval_minutes: u32,
    #[serde(default)]
    pub dialect: crate::dialect::Dialect,
}
fn default_interval() -> u32 { 40 }

/// One object type of an application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectConfig {
    pub enabled: bool,
    pub actions: Actions,
    /// OR between filters; none: everything passes.
    #[serde(default)]
    pub filters: Vec<ScopingFilter>,
    pub mappings: Vec<Mapping>,
}

/// Target object actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actions { pub create: bool, pub update: bool, pub delete: bool }

/// A titled list of clauses, all of which must hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopingFilter { pub title: String, pub clauses: Vec<Clause> }

/// `attribute operator value`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clause { pub attribute: String, /// Label of spec 3.2, compared without case, space or underscore.
    pub operator: String, #[serde(default)] pub value: Option<String> }

/// Where a target attribute's value comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Source { /// Source attribute by name.
    Attribute(String), Constant(Value), Expression(String), None }

/// When a mapping applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Apply { #[default] Always, /// Only during object creation.
    OnCreate }

/// One attribute mapping.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// SCIM path: `userName`, `emails[type eq "work"].value`, `urn:…:User:manager`, `members`.
    pub target: String,
    pub source: Source,
    /// Sent at creation when the source gives nothing.
    #[serde(default)]
    pub default: Option<Value>,
    #[serde(default)]
    pub apply: Apply,
    /// Matching precedence from 1; absent: not a matching attribute.
    #[serde(default)]
    pub matching: Option<u32>,
}
