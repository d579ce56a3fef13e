//! One object: from facts to what happens next.
use crate::{Compiled, Facts, facts::LogStep, operation::Operation};

/// What happens next.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Ask the target with these attribute/value pairs in order, first hit wins; then plan again with `found`.
    Match(Vec<(String, String)>),
    Operation(Box<Operation>),
    /// Nothing to do. `code`: `RedundantExport`, `NotEffectivelyEntitled`, `ImportSkipped`, …
    Skip { code: &'static str, reason: String, /// The object is linked but should no longer be managed.
        unmanage: bool, /// An existing account was matched and is already equal: link it to this target id.
        link: Option<(String, serde_json::Map<String, serde_json::Value>)> },
    /// The object cannot be exported: error code of spec 9.7, reason.
    Fail { code: &'static str, reason: String },
}

/// The answer with its story.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned { pub outcome: Outcome, pub steps: Vec<LogStep> }

/// Plans one object (not group members; see [`members`]).
#[must_use]
pub fn plan(config: &Compiled, facts: &Facts<'_>) -> Planned { let _ = (config, facts); todo!() }
