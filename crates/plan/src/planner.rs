//! One object: from facts to what happens next.

mod leaving;
mod object;

pub(crate) use object::scope_reason;

use crate::{
    Compiled, Facts,
    config::ObjectKind,
    facts::{Link, LogStep},
    operation::{Action, Operation, Unresolved},
    story,
};
use object::Planner;
use serde_json::{Map, Value};

/// Why an object is skipped.
pub mod skip {
    /// Source and target are equal already.
    pub const REDUNDANT_EXPORT: &str = "RedundantExport";
    /// Not assigned, not passed by the filters, or inactive in the source.
    pub const NOT_EFFECTIVELY_ENTITLED: &str = "NotEffectivelyEntitled";
    /// No matching attribute has a value.
    pub const IMPORT_SKIPPED: &str = "ImportSkipped";
    /// The configuration does not let anything be done.
    pub const SYNCHRONIZATION_SKIPPED: &str = "EntrySynchronizationSkipped";
}

/// What happens next.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Ask the target with these attribute/value pairs in order, first hit wins; then plan again with `found`.
    Match(Vec<(String, String)>),
    /// For each attribute, ask the target for the candidates in order until one is free; then plan again with `chosen`.
    Choose(Vec<Candidates>),
    /// Do this.
    Operation(Box<Operation>),
    /// Nothing to do.
    Skip {
        /// See [`skip`].
        code: &'static str,
        /// A sentence for people.
        reason: String,
        /// The object is linked but is not managed from now on.
        unmanage: bool,
        /// The account with this target id and these known values is equal already: link it, or manage it again.
        link: Option<(String, Map<String, Value>)>,
        /// References that could not be set yet.
        unresolved: Vec<Unresolved>,
    },
    /// The object cannot be exported.
    Fail {
        /// `MissingValues`, `DuplicateTargetEntries`, `NoUniqueValue`, `SchemaPropertyCanOnlyAcceptValue` or `MappingEvaluationFailed`.
        code: &'static str,
        /// A sentence for people.
        reason: String,
    },
}

/// Values that an attribute may take, of which the target has some already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidates {
    /// Target attribute.
    pub attribute: String,
    /// In order of preference, each once, at least one.
    pub values: Vec<String>,
}

/// The answer with its story.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// What happens next.
    pub outcome: Outcome,
    /// How that came about. The engine adds the export step.
    pub steps: Vec<LogStep>,
}

/// Plans one object (not group members; see [`member_operation`]).
#[must_use]
pub fn plan(config: &Compiled, facts: &Facts<'_>) -> Planned {
    let mut planner = Planner {
        config,
        object: config.object(facts.kind),
        facts,
        steps: Vec::new(),
    };
    let outcome = planner
        .outcome()
        .unwrap_or_else(|(code, reason)| Outcome::Fail { code, reason });
    let mut steps = planner.steps;
    match &outcome {
        Outcome::Skip {
            code,
            reason,
            unresolved,
            ..
        } => {
            if !unresolved.is_empty() {
                steps.push(story::unresolved(unresolved));
            }
            steps.push(story::skip(code, reason));
        }
        Outcome::Operation(operation) if !operation.unresolved.is_empty() => {
            steps.push(story::unresolved(&operation.unresolved));
        }
        Outcome::Fail { code, reason } => steps.push(story::fail(code, reason)),
        _ => {}
    }
    Planned { outcome, steps }
}

/// An operation that adds and removes members of a group by target id.
#[must_use]
pub fn member_operation(
    source_id: &str,
    link: &Link,
    display_name: &str,
    add: Vec<String>,
    remove: Vec<String>,
) -> Operation {
    let reason = match (add.len(), remove.len()) {
        (added, 0) => format!("{added} new in the group"),
        (0, removed) => format!("{removed} not in the group any more"),
        (added, removed) => format!("{added} new in the group, {removed} not in it any more"),
    };
    Operation {
        kind: ObjectKind::Group,
        action: Action::Members,
        source_id: source_id.to_owned(),
        target_id: Some(link.target_id.clone()),
        display_name: display_name.to_owned(),
        changes: Vec::new(),
        known_after: link.known.clone(),
        add_members: add,
        remove_members: remove,
        reason,
        unresolved: Vec::new(),
        unmanage_after: !link.managed,
    }
}
