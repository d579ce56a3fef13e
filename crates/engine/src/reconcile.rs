//! Operations whose reply never came, because the process or the connection died: the target is asked what happened.

use crate::{
    code,
    load::object_kind,
    matching,
    record::{EscrowEffect, Line, LinkEffect, Record, Tally, word},
    run::{Halt, Run},
    settle,
    target::Failure,
};
use serde_json::Map;
use std::collections::BTreeSet;
use tenure_plan::{Action, Operation, facts::Found};
use tenure_store::{
    Kind, escrow, ledger,
    run::{self, OperationState, StoredOperation},
};

/// How long a create that a search does not find stays in question, even if it is tried again before: ten minutes.
const IN_QUESTION_US: i64 = 600_000_000;
/// How long one does for which several accounts are found, none of which can be told to be the one.
const AMBIGUOUS_US: i64 = 28 * 86_400_000_000;
/// Operations looked at in one go.
const CHUNK: u32 = 100;

impl Run<'_> {
    /// Resolves everything unresolved and returns the objects that have to be looked at again.
    pub(crate) async fn reconcile(&mut self) -> Result<BTreeSet<i64>, Halt> {
        let (mut again, mut after) = (BTreeSet::new(), 0);
        loop {
            self.check_stop()?;
            let (workspace, application) = (self.context.workspace, self.context.application);
            let unresolved = self
                .engine
                .store
                .read(move |tx| run::unresolved(tx, workspace, application, after, CHUNK))
                .await?;
            if unresolved.is_empty() {
                return Ok(again);
            }
            for stored in unresolved {
                after = stored.id;
                if !self.waits(stored.rid).await? {
                    again.insert(stored.rid);
                }
                let record = self.resolve(&stored).await?;
                if record.tally != Tally::Nothing {
                    self.reconciled.insert(record.rid);
                }
                self.record(vec![record], 0, None).await?;
            }
        }
    }

    async fn resolve(&mut self, stored: &StoredOperation) -> Result<Record, Halt> {
        let Ok(operation) = serde_json::from_str::<Operation>(&stored.body) else {
            tracing::warn!(
                operation = stored.id,
                "a stored operation cannot be read; its object is planned again"
            );
            return Ok(blank(stored, "", Kind::User));
        };
        let (workspace, application, rid) =
            (self.context.workspace, self.context.application, stored.rid);
        let link = self
            .engine
            .store
            .read(move |tx| ledger::get(tx, workspace, application, rid))
            .await?;
        let kind = if operation.kind == object_kind(Kind::User) {
            Kind::User
        } else {
            Kind::Group
        };
        let mut record = blank(stored, &operation.source_id, kind);
        record.name.clone_from(&operation.display_name);
        match (operation.action, link) {
            (Action::Create, None) => self.resolve_create(stored, &operation, &mut record).await?,
            (Action::Update | Action::Disable, link) => {
                record.link = self.doubtful(&operation, link).await?;
            }
            (Action::Delete, Some(link)) => {
                let found =
                    matching::read(self.reach.reader(), operation.kind, &link.target_id).await;
                match found {
                    Ok(None) => {
                        record.link = LinkEffect::Remove;
                        finish(&mut record, &operation, link.target_id);
                    }
                    // It is planned again, and deleting twice does no harm.
                    Ok(Some(_)) => {}
                    Err(failure) => unanswered(failure)?,
                }
            }
            // The ledger knows which members are in doubt; the difference puts them right.
            (Action::Members | Action::Create, _) | (_, None) => {}
        }
        Ok(record)
    }

    /// An object that failed has its own time.
    async fn waits(&self, rid: i64) -> Result<bool, Halt> {
        let (workspace, application) = (self.context.workspace, self.context.application);
        let escrow = self
            .engine
            .store
            .read(move |tx| escrow::get(tx, workspace, application, rid))
            .await?;
        let now_us = self.engine.store.now_us();
        Ok(escrow.is_some_and(|escrow| escrow.next_us > now_us))
    }

    /// What the account has now is not known. One that was to be taken over is ours from now on, unless it is somebody else's:
    /// who leaves next must not keep what we may have given.
    async fn doubtful(
        &self,
        operation: &Operation,
        link: Option<ledger::Link>,
    ) -> Result<LinkEffect, Halt> {
        let managed = link.as_ref().is_none_or(|link| link.managed);
        let present = link.map(|link| link.target_id);
        let Some(target_id) = operation.target_id.clone().or_else(|| present.clone()) else {
            return Ok(LinkEffect::Keep);
        };
        if present.as_ref() != Some(&target_id) && self.has_owner(&target_id).await? {
            return Ok(LinkEffect::Keep);
        }
        Ok(LinkEffect::Put {
            target_id,
            known: Map::new(),
            managed,
        })
    }

    async fn has_owner(&self, target_id: &str) -> Result<bool, Halt> {
        let (workspace, application, target_id) = (
            self.context.workspace,
            self.context.application,
            target_id.to_owned(),
        );
        let owner = self
            .engine
            .store
            .read(move |tx| ledger::source_of(tx, workspace, application, &target_id))
            .await?;
        Ok(owner.is_some())
    }

    async fn resolve_create(
        &mut self,
        stored: &StoredOperation,
        operation: &Operation,
        record: &mut Record,
    ) -> Result<(), Halt> {
        let found = settle::find_created(self.reach.reader(), &self.context, operation).await;
        let is_answered = found.is_ok();
        let found = found.or_else(|failure| unanswered(failure).map(|()| Found::Nothing))?;
        let candidates = self.without_owner(found).await?;
        if let [id] = candidates.as_slice() {
            record.link = LinkEffect::Put {
                target_id: id.clone(),
                known: Map::new(),
                managed: true,
            };
            finish(record, operation, id.clone());
            return Ok(());
        }
        // Many services search an index that lags behind what they store. Until it must have caught up, nothing found proves
        // nothing, and somebody who leaves meanwhile must not keep the account.
        let lasts_us = if candidates.is_empty() {
            IN_QUESTION_US
        } else {
            AMBIGUOUS_US
        };
        let sent_us = stored.planned_us;
        if !is_answered {
            self.unanswered.insert(stored.rid);
        }
        if !is_answered || self.engine.store.now_us() - sent_us < lasts_us {
            record.operations = vec![(stored.id, OperationState::Unknown)];
            record.look_again = false;
            self.doubts
                .add(&self.context, stored.rid, operation, sent_us);
        }
        Ok(())
    }

    /// Of the accounts that were found, those that may be the created one: nobody has them.
    async fn without_owner(&self, found: Found) -> Result<Vec<String>, Halt> {
        let ids = match found {
            Found::One { id, .. } => vec![id],
            Found::Many { ids, .. } => ids,
            Found::Nothing => Vec::new(),
        };
        let mut free = Vec::new();
        for id in ids {
            if !self.has_owner(&id).await? {
                free.push(id);
            }
        }
        Ok(free)
    }
}

/// A target that cannot be reached ends the cycle; one that cannot answer this question only leaves it open.
fn unanswered(failure: Failure) -> Result<(), Halt> {
    match Halt::from_failure(&failure) {
        Some(halt) => Err(halt),
        None if code::is_transient(failure.code) => Err(Halt::Unreachable(failure)),
        None => Ok(()),
    }
}

fn blank(stored: &StoredOperation, source_id: &str, kind: Kind) -> Record {
    Record {
        rid: stored.rid,
        kind,
        source_id: source_id.to_owned(),
        name: String::new(),
        operations: vec![(stored.id, OperationState::Reconciled)],
        forget_link: false,
        link: LinkEffect::Keep,
        look_again: true,
        waiting: None,
        escrow: EscrowEffect::Keep,
        tally: Tally::Nothing,
        line: None,
    }
}

fn finish(record: &mut Record, operation: &Operation, target_id: String) {
    record.tally = Tally::of(operation.action);
    record.line = Some(Line {
        action: word(operation.action).to_owned(),
        status: "success".to_owned(),
        target_id,
        error_code: None,
        reason: Some("the run ended before the reply was recorded; reading the target shows that it was carried out".to_owned()),
        steps: Vec::new(),
        changes: operation.changes.clone(),
        duration_ms: 0,
    });
}
