//! Scope, matching and difference of an object that exists in the source.

use super::{Candidates, Outcome, skip};
use crate::{
    Compiled, Facts,
    compile::CompiledObject,
    config::{ObjectKind, Scope},
    facts::{Entitlement, Found, Link, LogStep, SourceObject},
    operation::{Action, Operation, REDACTED},
    scope::{ScopeResult, evaluate},
    source::{SourceView, is_active},
    story,
    target::get,
    values::{
        Desired, DesiredValues, Difference, Evaluation, Failure, coerce, creation, known_from,
        update,
    },
};
use serde_json::{Map, Value, json};

/// Whether the object is entitled, and why.
pub(super) struct Verdict {
    pub(super) active: bool,
    entitled: bool,
    pub(super) reason: String,
}

/// The state of planning one object.
pub(super) struct Planner<'a> {
    pub(super) config: &'a Compiled,
    pub(super) object: &'a CompiledObject,
    pub(super) facts: &'a Facts<'a>,
    pub(super) steps: Vec<LogStep>,
}

impl<'a> Planner<'a> {
    pub(super) fn outcome(&mut self) -> Result<Outcome, Failure> {
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

    pub(super) fn view(&self, source: &'a SourceObject, soft_deleted: bool) -> SourceView<'a> {
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
        let filters = evaluate(&self.object.filters, &view).redacted(&self.object.redacted);
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
            reason: scope_reason(self.facts.entitlement, active, sync_all, &filters),
        }
    }

    pub(super) fn linked(
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
            !link.managed || link.fresh,
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
            Some(Found::Nothing) => self.create(source, desired, verdict),
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
        mut desired: DesiredValues<'_>,
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
        let open = self.choose(&mut desired)?;
        if !open.is_empty() {
            return Ok(Outcome::Choose(open));
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
        operation.unresolved = desired.unresolved;
        Ok(Outcome::Operation(Box::new(operation)))
    }

    /// Puts in what was found free at the target; returns what has to be asked.
    fn choose(&self, desired: &mut DesiredValues<'_>) -> Result<Vec<Candidates>, Failure> {
        let mut open = Vec::new();
        for (mapping, value) in &mut desired.values {
            let Desired::Candidates(candidates) = value else {
                continue;
            };
            let known = self
                .facts
                .chosen
                .and_then(|known| known.get(&mapping.target));
            match known {
                Some(Some(free)) => {
                    *value = Desired::Set(coerce(mapping, Value::from(free.as_str()))?);
                }
                Some(None) => {
                    let shown = if mapping.redacted {
                        REDACTED.to_owned()
                    } else {
                        candidates.join(", ")
                    };
                    return Err((
                        "NoUniqueValue",
                        format!(
                            "Every value that {} could take exists at the target already ({shown}); add a rule to SelectUniqueValue",
                            mapping.target
                        ),
                    ));
                }
                None => open.push(Candidates {
                    attribute: mapping.target.clone(),
                    values: std::mem::take(candidates),
                }),
            }
        }
        Ok(open)
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

    pub(super) fn evaluation<'v>(&self, view: &'v SourceView<'v>) -> Evaluation<'v>
    where
        'a: 'v,
    {
        Evaluation {
            view,
            references: self.facts.references,
            now_us: self.facts.now_us,
            seed: self.facts.seed,
            default_domain: self.config.config.default_domain.as_deref(),
        }
    }

    /// An operation on this object without changes.
    pub(super) fn operation(
        &self,
        action: Action,
        display_name: String,
        reason: String,
    ) -> Operation {
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

/// Why an object is in scope, or why not.
pub(crate) fn scope_reason(
    entitlement: &Entitlement,
    active: bool,
    sync_all: bool,
    filters: &ScopeResult,
) -> String {
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

pub(super) fn skipped(code: &'static str, reason: impl Into<String>) -> Outcome {
    Outcome::Skip {
        code,
        reason: reason.into(),
        unmanage: false,
        link: None,
        unresolved: Vec::new(),
    }
}

pub(super) fn display_name(source: &SourceObject) -> String {
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
