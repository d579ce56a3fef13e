//! How access ends: out of scope, inactive or deleted in the source.

use super::{
    Outcome,
    object::{Planner, Verdict, display_name, skipped},
    skip,
};
use crate::{
    config::ObjectKind,
    facts::{Link, SourceObject},
    operation::Action,
    story,
    target::get,
    values::{Failure, update},
};
use serde_json::Value;

impl<'a> Planner<'a> {
    pub(super) fn deleted(&self) -> Outcome {
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

    pub(super) fn out_of_scope(
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
    pub(super) fn inactive(
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

/// The source object is gone; the ledger remembers what it was called.
fn known_display_name(link: &Link, source_id: &str) -> String {
    let text = |name: &str| get(&link.known, name).and_then(Value::as_str);
    text("displayName")
        .or_else(|| text("userName"))
        .unwrap_or(source_id)
        .to_owned()
}
