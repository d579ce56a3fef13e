//! One object: from facts to what happens next.

use crate::{
    Compiled, Facts,
    compile::CompiledObject,
    config::{ObjectKind, Scope},
    facts::{Found, Link, LogStep, SourceObject},
    operation::{Action, Operation, Unresolved},
    scope::{ScopeResult, evaluate},
    source::{SourceView, is_active},
    story,
    target::get,
    values::{
        Desired, DesiredValues, Difference, Evaluation, Failure, creation, known_from, update,
    },
};
use serde_json::{Map, Value, json};

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
        /// `MissingValues`, `DuplicateTargetEntries`, `SchemaPropertyCanOnlyAcceptValue` or `MappingEvaluationFailed`.
        code: &'static str,
        /// A sentence for people.
        reason: String,
    },
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
            steps.push(story::unresolved(&operation.unresolved))
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

/// Whether the object is entitled, and why.
struct Verdict {
    active: bool,
    entitled: bool,
    reason: String,
}

struct Planner<'a> {
    config: &'a Compiled,
    object: &'a CompiledObject,
    facts: &'a Facts<'a>,
    steps: Vec<LogStep>,
}

impl<'a> Planner<'a> {
    fn outcome(&mut self) -> Result<Outcome, Failure> {
        if !self.object.enabled {
            return Ok(skipped(
                skip::SYNCHRONIZATION_SKIPPED,
                format!(
                    "{}s are not provisioned to this application",
                    self.facts.kind.resource_type()
                ),
            ));
        }
        let Some(source) = self.facts.source else {
            self.steps
                .push(story::import_deleted(self.facts.kind, self.facts.source_id));
            return Ok(self.deleted());
        };
        let verdict = self.verdict(source);
        match self.facts.link {
            None if verdict.entitled && verdict.active => self.unlinked(source, &verdict),
            None => Ok(skipped(skip::NOT_EFFECTIVELY_ENTITLED, verdict.reason)),
            Some(link) if !verdict.entitled => self.out_of_scope(source, link, &verdict.reason),
            Some(link) if verdict.active => self.linked(source, link, &verdict),
            Some(link) => self.inactive(source, link, &verdict),
        }
    }

    fn view(&self, source: &'a SourceObject, soft_deleted: bool) -> SourceView<'a> {
        SourceView::planned(self.facts.kind, source, soft_deleted, &self.object.names)
    }

    fn verdict(&mut self, source: &'a SourceObject) -> Verdict {
        let active = is_active(self.facts.kind, &source.document);
        let view = self.view(source, !active);
        self.steps.push(story::import(
            self.facts.kind,
            self.object,
            &view,
            &display_name(source),
            self.facts.link.is_some(),
        ));
        let filters = evaluate(&self.object.filters, &view);
        let sync_all = self.config.config.scope == Scope::All;
        self.steps.push(story::scoping(
            active,
            sync_all,
            self.facts.entitlement,
            &filters,
        ));
        let entitled = (sync_all || self.facts.entitlement.assigned()) && filters.passed;
        Verdict {
            active,
            entitled,
            reason: self.scope_reason(active, sync_all, &filters),
        }
    }

    fn scope_reason(&self, active: bool, sync_all: bool, filters: &ScopeResult) -> String {
        let entitlement = self.facts.entitlement;
        let titles: Vec<&str> = filters
            .filters
            .iter()
            .map(|filter| filter.title.as_str())
            .collect();
        if !sync_all && !entitlement.assigned() {
            "not assigned to the application".to_owned()
        } else if !filters.passed {
            format!("no scoping filter lets it pass ({})", titles.join(", "))
        } else if !active {
            "inactive in the directory".to_owned()
        } else if sync_all {
            "all users and groups are in scope".to_owned()
        } else if entitlement.direct {
            "assigned directly".to_owned()
        } else {
            format!("assigned through {}", entitlement.via_groups.join(", "))
        }
    }

    fn deleted(&self) -> Outcome {
        let Some(link) = self.facts.link else {
            return skipped(
                skip::SYNCHRONIZATION_SKIPPED,
                "deleted in the directory, and never had an account at the target",
            );
        };
        if !link.managed {
            return skipped(
                skip::SYNCHRONIZATION_SKIPPED,
                "deleted in the directory, but the account is not managed since it left scope, so it is left alone",
            );
        }
        self.delete(
            link,
            known_display_name(link, self.facts.source_id),
            "deleted in the directory",
        )
    }

    /// A delete if that is allowed; otherwise the account stays behind, unmanaged.
    fn delete(&self, link: &Link, display_name: String, reason: &str) -> Outcome {
        if !self.object.actions.delete {
            return unmanaged(
                skip::SYNCHRONIZATION_SKIPPED,
                format!(
                    "{reason}, but the action Delete is turned off; it is not managed any more"
                ),
            );
        }
        let mut operation = self.operation(Action::Delete, display_name, reason.to_owned());
        operation.target_id = Some(link.target_id.clone());
        Outcome::Operation(Box::new(operation))
    }

    fn out_of_scope(
        &mut self,
        source: &'a SourceObject,
        link: &Link,
        reason: &str,
    ) -> Result<Outcome, Failure> {
        if !link.managed {
            return Ok(skipped(
                skip::NOT_EFFECTIVELY_ENTITLED,
                format!("{reason}; the account is not managed"),
            ));
        }
        if self.config.config.skip_out_of_scope_deletions {
            return Ok(unmanaged(
                skip::NOT_EFFECTIVELY_ENTITLED,
                format!(
                    "{reason}, but accounts that leave scope are left alone (SkipOutOfScopeDeletions); it is not managed any more"
                ),
            ));
        }
        if self.facts.kind == ObjectKind::Group || !self.config.config.dialect.soft_delete {
            return Ok(self.delete(link, display_name(source), reason));
        }
        self.disable(source, link, reason, true)
    }

    /// Changes only what tells whether the account has access.
    fn disable(
        &mut self,
        source: &'a SourceObject,
        link: &Link,
        reason: &str,
        unmanage: bool,
    ) -> Result<Outcome, Failure> {
        let nothing = |code, why: &str| Outcome::Skip {
            code,
            reason: format!("{reason}, {why}"),
            unmanage,
            link: None,
            unresolved: Vec::new(),
        };
        if !self.object.actions.update {
            return Ok(nothing(
                skip::SYNCHRONIZATION_SKIPPED,
                "but the action Update is turned off, so the account cannot be disabled",
            ));
        }
        let view = self.view(source, true);
        let evaluation = self.evaluation(&view);
        let mut values = Vec::new();
        for mapping in self
            .object
            .mappings
            .iter()
            .filter(|mapping| mapping.tells_access)
        {
            values.push((mapping, evaluation.one(mapping)?));
        }
        if values.is_empty() {
            return Ok(nothing(
                skip::SYNCHRONIZATION_SKIPPED,
                "but no target attribute is mapped from IsSoftDeleted or active, so the account cannot be disabled",
            ));
        }
        let difference = update(self.object, &values, &link.known)?;
        self.steps.push(story::processing(
            self.object,
            &difference.changes,
            &link.known,
            false,
        ));
        if difference.changes.is_empty() {
            return Ok(nothing(
                skip::REDUNDANT_EXPORT,
                "and the account is disabled already",
            ));
        }
        let mut operation =
            self.operation(Action::Disable, display_name(source), reason.to_owned());
        operation.target_id = Some(link.target_id.clone());
        operation.changes = difference.changes;
        operation.known_after = difference.known_after;
        operation.unmanage_after = unmanage;
        Ok(Outcome::Operation(Box::new(operation)))
    }

    /// Entitled, but not active in the source: access ends, the account stays managed.
    fn inactive(
        &mut self,
        source: &'a SourceObject,
        link: &Link,
        verdict: &Verdict,
    ) -> Result<Outcome, Failure> {
        if !link.managed {
            return Ok(skipped(
                skip::NOT_EFFECTIVELY_ENTITLED,
                format!("{}; the account is not managed", verdict.reason),
            ));
        }
        if !self.config.config.dialect.soft_delete {
            return Ok(self.delete(link, display_name(source), &verdict.reason));
        }
        // A mapping that cannot be evaluated must not keep access alive.
        match self.linked(source, link, verdict) {
            Err(_) => self.disable(source, link, &verdict.reason, false),
            outcome => outcome,
        }
    }

    fn linked(
        &mut self,
        source: &'a SourceObject,
        link: &Link,
        verdict: &Verdict,
    ) -> Result<Outcome, Failure> {
        let desired = self.desired(source, !verdict.active)?;
        self.bring_up_to_date(
            source,
            &link.target_id,
            &link.known,
            !link.managed,
            desired,
            verdict,
        )
    }

    fn unlinked(
        &mut self,
        source: &'a SourceObject,
        verdict: &Verdict,
    ) -> Result<Outcome, Failure> {
        let desired = self.desired(source, false)?;
        let queries = self.queries(&desired);
        if queries.is_empty() {
            let names: Vec<&str> = self
                .object
                .matching()
                .map(|mapping| mapping.target.as_str())
                .collect();
            return Ok(skipped(
                skip::IMPORT_SKIPPED,
                format!("no matching attribute has a value ({})", names.join(", ")),
            ));
        }
        match self.facts.found {
            None => Ok(Outcome::Match(queries)),
            Some(Found::Nothing) => self.create(source, &desired, verdict),
            Some(Found::One {
                id,
                document,
                attribute,
            }) => {
                let details = json!({ "targetId": id, "attribute": attribute });
                self.steps.push(story::matching(
                    "success",
                    format!("Found an account at the target by {attribute}"),
                    details,
                ));
                let known = known_from(self.object, document);
                self.bring_up_to_date(source, id, &known, true, desired, verdict)
            }
            Some(Found::Many { attribute, ids }) => {
                let reason = format!(
                    "{} objects at the target have the same {attribute}: {}; remove the duplicates or match by another attribute",
                    ids.len(),
                    ids.join(", ")
                );
                self.steps.push(story::matching(
                    "failure",
                    reason.clone(),
                    json!({ "attribute": attribute, "targetIds": ids }),
                ));
                Err(("DuplicateTargetEntries", reason))
            }
        }
    }

    /// Target values to look for, in precedence order.
    fn queries(&self, desired: &DesiredValues<'_>) -> Vec<(String, String)> {
        let value_of = |target: &str| {
            desired
                .values
                .iter()
                .find(|(mapping, _)| mapping.target == target)
                .map(|(_, value)| value)
        };
        self.object
            .matching()
            .filter_map(|mapping| match value_of(&mapping.target)? {
                Desired::Set(Value::String(text)) => Some((mapping.target.clone(), text.clone())),
                Desired::Set(value @ (Value::Number(_) | Value::Bool(_))) => {
                    Some((mapping.target.clone(), value.to_string()))
                }
                _ => None,
            })
            .collect()
    }

    fn create(
        &mut self,
        source: &'a SourceObject,
        desired: &DesiredValues<'_>,
        verdict: &Verdict,
    ) -> Result<Outcome, Failure> {
        self.steps.push(story::matching(
            "success",
            "Found no account at the target".to_owned(),
            json!({}),
        ));
        if !self.object.actions.create {
            return Ok(skipped(
                skip::SYNCHRONIZATION_SKIPPED,
                "there is no account at the target, and the action Create is turned off",
            ));
        }
        let difference = creation(&desired.values)?;
        self.steps.push(story::processing(
            self.object,
            &difference.changes,
            &Map::new(),
            true,
        ));
        let required = if self.facts.kind == ObjectKind::User {
            "userName"
        } else {
            "displayName"
        };
        let has_required = self.object.mappings.iter().any(|mapping| {
            mapping.path.is(required) && difference.known_after.contains_key(&mapping.target)
        });
        if !has_required {
            return Err((
                "MissingValues",
                format!(
                    "{required} is required to create a {}, but the mapping gives no value",
                    self.facts.kind.resource_type()
                ),
            ));
        }
        let mut operation =
            self.operation(Action::Create, display_name(source), verdict.reason.clone());
        operation.changes = difference.changes;
        operation.known_after = difference.known_after;
        operation.unresolved.clone_from(&desired.unresolved);
        Ok(Outcome::Operation(Box::new(operation)))
    }

    /// `relink`: the ledger does not have the account as managed yet.
    fn bring_up_to_date(
        &mut self,
        source: &'a SourceObject,
        target_id: &str,
        known: &Map<String, Value>,
        relink: bool,
        desired: DesiredValues<'_>,
        verdict: &Verdict,
    ) -> Result<Outcome, Failure> {
        let Difference {
            changes,
            known_after,
        } = update(self.object, &desired.values, known)?;
        self.steps
            .push(story::processing(self.object, &changes, known, false));
        if changes.is_empty() || !self.object.actions.update {
            let (code, reason) = if changes.is_empty() {
                (
                    skip::REDUNDANT_EXPORT,
                    "source and target are equal already",
                )
            } else {
                (
                    skip::SYNCHRONIZATION_SKIPPED,
                    "the account differs, but the action Update is turned off",
                )
            };
            let link = relink.then(|| (target_id.to_owned(), known.clone()));
            return Ok(Outcome::Skip {
                code,
                reason: reason.to_owned(),
                unmanage: false,
                link,
                unresolved: desired.unresolved,
            });
        }
        let takes_access = !verdict.active
            && changes
                .iter()
                .any(|change| self.ends_access(&change.attribute));
        let action = if takes_access {
            Action::Disable
        } else {
            Action::Update
        };
        let mut operation = self.operation(action, display_name(source), verdict.reason.clone());
        operation.target_id = Some(target_id.to_owned());
        operation.changes = changes;
        operation.known_after = known_after;
        operation.unresolved = desired.unresolved;
        Ok(Outcome::Operation(Box::new(operation)))
    }

    fn ends_access(&self, attribute: &str) -> bool {
        self.object
            .mappings
            .iter()
            .any(|mapping| mapping.tells_access && mapping.target == attribute)
    }

    fn desired(
        &self,
        source: &'a SourceObject,
        soft_deleted: bool,
    ) -> Result<DesiredValues<'a>, Failure> {
        let view = self.view(source, soft_deleted);
        self.evaluation(&view).all(self.object)
    }

    fn evaluation<'v>(&self, view: &'v SourceView<'v>) -> Evaluation<'v>
    where
        'a: 'v,
    {
        Evaluation {
            view,
            references: self.facts.references,
            now_us: self.facts.now_us,
        }
    }

    /// An operation on this object without changes.
    fn operation(&self, action: Action, display_name: String, reason: String) -> Operation {
        Operation {
            kind: self.facts.kind,
            action,
            source_id: self.facts.source_id.to_owned(),
            target_id: None,
            display_name,
            changes: Vec::new(),
            known_after: Map::new(),
            add_members: Vec::new(),
            remove_members: Vec::new(),
            reason,
            unresolved: Vec::new(),
            unmanage_after: false,
        }
    }
}

fn skipped(code: &'static str, reason: impl Into<String>) -> Outcome {
    Outcome::Skip {
        code,
        reason: reason.into(),
        unmanage: false,
        link: None,
        unresolved: Vec::new(),
    }
}

fn unmanaged(code: &'static str, reason: String) -> Outcome {
    Outcome::Skip {
        code,
        reason,
        unmanage: true,
        link: None,
        unresolved: Vec::new(),
    }
}

fn display_name(source: &SourceObject) -> String {
    let text = |name: &str| {
        get(&source.document, name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    text("displayName")
        .or_else(|| text("userName"))
        .unwrap_or(&source.id)
        .to_owned()
}

/// The source object is gone; the ledger remembers what it was called.
fn known_display_name(link: &Link, source_id: &str) -> String {
    let text = |name: &str| get(&link.known, name).and_then(Value::as_str);
    text("displayName")
        .or_else(|| text("userName"))
        .unwrap_or(source_id)
        .to_owned()
}
