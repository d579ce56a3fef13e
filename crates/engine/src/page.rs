//! One page of objects: read → plan → persist → intent → send → record.

use crate::{
    agenda::Cursor,
    code, doubt,
    load::{Hint, Loaded},
    perform::perform,
    record::{EscrowEffect, Line, LinkEffect, Record, Tally, waiting_for, word},
    run::{Halt, Reach, Run},
    settle::{self, Verdict},
    target::{Exchange, Failure, FailureKind},
};
use futures_util::{StreamExt, stream};
use std::collections::HashMap;
use tenure_plan::{Operation, Outcome, planner::skip};
use tenure_store::{
    membership,
    run::{self, OperationState},
};

/// Objects of a page.
pub(crate) const PAGE: usize = 100;
/// How often an object is planned again in a page: matching, a vanished account, a lost reply.
const ROUNDS: usize = 4;

/// An operation that was sent.
pub(crate) struct Sent {
    pub(crate) loaded: Loaded,
    pub(crate) operation: Operation,
    pub(crate) number: i64,
    pub(crate) exchanges: Vec<Exchange>,
}

impl Run<'_> {
    /// Takes objects through the whole pipeline. `position` is saved together with what happened.
    pub(crate) async fn page(
        &mut self,
        rids: &[i64],
        position: Option<Cursor>,
    ) -> Result<(), Halt> {
        self.check_lease()?;
        let hint = Hint {
            refresh: self.refresh,
            ..Hint::default()
        };
        let mut wanted: Vec<(i64, Hint)> = rids.iter().map(|rid| (*rid, hint.clone())).collect();
        // `recovering`: the places of records whose lost create has made an account that is not linked yet.
        let (mut records, mut recovering, mut halt) = (Vec::new(), Vec::new(), None);
        // Accounts found in this page, so that two objects do not take the same one.
        let mut taken = HashMap::new();
        for round in 0..ROUNDS {
            let loaded = self.load(wanted).await?;
            let (loaded, mut refused) = self.ask_target(loaded, &mut taken).await?;
            let (loaded, unanswered) = self.choose(loaded).await?;
            refused.extend(unanswered);
            for (mut loaded, failure) in refused {
                // What was found belongs to somebody else.
                loaded.hint.recovered &= failure.code != code::DUPLICATE_SOURCE;
                halt = halt.or(Halt::from_failure(&failure));
                if !matches!(failure.kind, FailureKind::Unreachable) {
                    records.push(Record::failed(
                        &loaded,
                        "other",
                        &failure,
                        loaded.planned.steps.clone(),
                    ));
                }
            }
            if halt.is_some() {
                break;
            }
            let operations = self.decide(loaded, &mut records);
            let sent = self.send(operations).await?;
            wanted = Vec::new();
            for sent in sent {
                let last = round + 1 == ROUNDS;
                let uncertain = settle::uncertain_create(&sent);
                let verdict = settle::settle(self.reach.reader(), &self.context, sent, last).await;
                match verdict {
                    Verdict::Done(record) => {
                        if let LinkEffect::Put { target_id, .. } = &record.link {
                            taken.entry(target_id.clone()).or_insert(record.rid);
                        }
                        if let (Some(operation), true) = (uncertain, record.is_unknown()) {
                            let now_us = self.engine.store.now_us();
                            self.doubts
                                .add(&self.context, record.rid, &operation, now_us);
                        }
                        records.push(*record);
                    }
                    Verdict::Again { rid, hint, record } => {
                        if hint.recovered && record.is_some() {
                            recovering.push(records.len());
                        }
                        records.extend(record.map(|record| *record));
                        wanted.push((rid, *hint));
                    }
                    Verdict::Halt {
                        number,
                        state,
                        halt: why,
                    } => {
                        self.settle(vec![(number, state)]).await?;
                        halt = halt.or(Some(why));
                    }
                }
            }
            if wanted.is_empty() || halt.is_some() {
                break;
            }
        }
        keep_in_question(&mut records, &recovering);
        self.touch_groups(&records).await?;
        match halt {
            None => self.end_page(rids, records, position).await,
            Some(halt) => {
                self.record(records, 0, None).await?;
                Err(halt)
            }
        }
    }

    async fn end_page(
        &mut self,
        rids: &[i64],
        records: Vec<Record>,
        position: Option<Cursor>,
    ) -> Result<(), Halt> {
        for rid in rids {
            self.pending.remove(rid);
        }
        let done = u64::try_from(rids.len()).unwrap_or(u64::MAX);
        let cursor = position.map(|position| self.position(position).text());
        self.record(records, done, cursor).await?;
        Ok(())
    }

    /// Turns plans that need no request into records; returns the rest.
    fn decide(
        &mut self,
        loaded: Vec<Loaded>,
        records: &mut Vec<Record>,
    ) -> Vec<(Loaded, Operation)> {
        let mut operations = Vec::new();
        let is_dry = matches!(self.reach, Reach::Read(_));
        for one in loaded {
            if let (Some(doubt), false) = (self.in_question(&one), is_dry) {
                records.push(doubt::postponed(&one, &doubt));
                continue;
            }
            if let (Outcome::Operation(operation), Some(expected)) =
                (&one.planned.outcome, &self.expected)
            {
                if expected.allows(one.rid, operation) {
                    let operation = operation.as_ref().clone();
                    operations.push((one, operation));
                } else {
                    let operation = operation.clone();
                    records.push(self.stale_record(&one, &operation));
                }
                continue;
            }
            match one.planned.outcome.clone() {
                Outcome::Operation(operation) => {
                    let is_guarded = operation.action.takes_access()
                        && !is_dry
                        && !self.approved.contains(&one.rid);
                    match is_guarded.then(|| self.reason_to_hold()).flatten() {
                        Some(why) => {
                            records.push(staged(&one, &operation, &why));
                            self.held_operations += 1;
                        }
                        None => operations.push((one, *operation)),
                    }
                }
                outcome => records.extend(self.without_request(&one, outcome)),
            }
        }
        operations
    }

    /// Whether the account must not be created now, because it may have been already.
    /// Whether one more operation may take access: who left after the cycle had begun was not counted before.
    fn reason_to_hold(&mut self) -> Option<String> {
        if self.hold.is_none() {
            match &mut self.losses_left {
                Some(0) => {
                    self.hold = Some("while the cycle ran, more accounts came to be disabled or deleted than the threshold allows".to_owned());
                }
                Some(left) => *left -= 1,
                None => {}
            }
        }
        self.hold.clone()
    }

    fn without_request(&self, loaded: &Loaded, outcome: Outcome) -> Option<Record> {
        match outcome {
            Outcome::Skip {
                code,
                reason,
                unmanage,
                link,
                unresolved,
            } => {
                let recovered = loaded.hint.recovered;
                let is_counted = self.reconciled.contains(&loaded.rid);
                let mut record = Record::new(
                    loaded,
                    if recovered {
                        Tally::Created
                    } else if is_counted {
                        Tally::Nothing
                    } else {
                        Tally::Skipped
                    },
                );
                record.escrow = EscrowEffect::Clear;
                let was_expected = unmanage
                    || link.is_some()
                    || record.forget_link
                    || code == skip::IMPORT_SKIPPED;
                record.link = match (link, loaded.present_link()) {
                    (Some((target_id, known)), _) => LinkEffect::Put {
                        target_id,
                        known,
                        managed: true,
                    },
                    (None, Some(_)) if loaded.deleted => LinkEffect::Remove,
                    (None, Some(link)) if unmanage => LinkEffect::Put {
                        target_id: link.target_id.clone(),
                        known: crate::load::known(link),
                        managed: false,
                    },
                    _ => record.link,
                };
                record.waiting = Some(waiting_for(&unresolved));
                let target_id = match &record.link {
                    LinkEffect::Put { target_id, .. } => target_id.clone(),
                    _ => loaded
                        .present_link()
                        .map(|link| link.target_id.clone())
                        .unwrap_or_default(),
                };
                record.line = (self.verbose || was_expected || recovered).then(|| Line {
                    action: if recovered { "create" } else { "other" }.to_owned(),
                    status: if recovered { "success" } else { "skipped" }.to_owned(),
                    target_id,
                    error_code: (!recovered).then(|| code.to_owned()),
                    reason: Some(if recovered { "the reply to the create was lost; the account was found by reading the target".to_owned() } else { reason }),
                    steps: loaded.planned.steps.clone(),
                    changes: Vec::new(),
                    duration_ms: 0,
                });
                Some(record)
            }
            Outcome::Fail { code, reason } => {
                let failure = Failure {
                    kind: FailureKind::Answered,
                    code,
                    message: reason,
                    status: None,
                    retry_after_s: None,
                };
                Some(Record::failed(
                    loaded,
                    "other",
                    &failure,
                    loaded.planned.steps.clone(),
                ))
            }
            // Asked and answered before; a plan that asks again has changed its mind about the source, which the next cycle sees.
            Outcome::Match(_) | Outcome::Choose(_) | Outcome::Operation(_) => None,
        }
    }

    /// Persists plans and intents, then sends. A dry run stops after persisting and counts as if all were done.
    pub(crate) async fn send(
        &mut self,
        operations: Vec<(Loaded, Operation)>,
    ) -> Result<Vec<Sent>, Halt> {
        if operations.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<(i64, String, String)> = operations
            .iter()
            .map(|(loaded, operation)| {
                Ok((
                    loaded.rid,
                    word(operation.action).to_owned(),
                    body_of(operation)?,
                ))
            })
            .collect::<Result<_, Halt>>()?;
        let (lease, cycle_id) = (self.lease(), self.cycle.id.clone());
        let writer = match &self.reach {
            Reach::Write(writer) => writer.clone(),
            Reach::Read(_) => {
                self.write(move |tx| run::plan(tx, &lease, &cycle_id, &rows))
                    .await?;
                for (_, operation) in &operations {
                    Tally::of(operation.action).add_to(&mut self.counts);
                }
                return Ok(Vec::new());
            }
        };
        let intents = self
            .write(move |tx| {
                let numbers = run::plan(tx, &lease, &cycle_id, &rows)?;
                run::intend(tx, &lease, &numbers)
            })
            .await?;
        self.check_lease()?;
        let mut exported = Vec::with_capacity(operations.len());
        for (loaded, operation) in &operations {
            exported.push(self.exported(loaded.rid, operation).await?);
        }
        let calls = operations.into_iter().zip(intents).zip(exported).map(
            |(((loaded, operation), intent), exported)| {
                let writer = writer.clone();
                async move {
                    let performed = perform(&writer, &intent, &operation, &exported, false).await;
                    Sent {
                        loaded,
                        operation,
                        number: intent.operation(),
                        exchanges: performed.exchanges,
                    }
                }
            },
        );
        Ok(stream::iter(calls)
            .buffer_unordered(self.concurrency())
            .collect()
            .await)
    }

    pub(crate) fn concurrency(&self) -> usize {
        self.context
            .compiled
            .config
            .dialect
            .concurrency
            .clamp(1, 64)
    }

    /// The groups of an object whose link came, went, or stopped being managed: their members differ now.
    async fn touch_groups(&mut self, records: &[Record]) -> Result<(), Halt> {
        let mut members: Vec<i64> = Vec::new();
        for record in records {
            if record.link != LinkEffect::Keep && record.tally != Tally::Updated {
                members.push(record.rid);
            }
            if record.kind == tenure_store::Kind::Group {
                self.touched_groups.insert(record.rid);
            }
        }
        if members.is_empty() || !self.context.compiled.provisions_members() {
            return Ok(());
        }
        let workspace = self.context.workspace;
        let groups = self
            .engine
            .store
            .read(move |tx| {
                let mut groups = Vec::new();
                for rid in &members {
                    groups.extend(
                        membership::groups_of(tx, workspace, *rid)?
                            .into_iter()
                            .filter(|group| group.direct)
                            .map(|group| group.rid),
                    );
                }
                Ok(groups)
            })
            .await?;
        self.touched_groups.extend(groups);
        Ok(())
    }
}

/// The page may have ended before these objects had their turn again: their creates stay in question, or nobody would know that
/// the accounts are ours.
fn keep_in_question(records: &mut [Record], recovering: &[usize]) {
    for place in recovering {
        let (before, after) = records.split_at_mut(place + 1);
        if let Some(record) = before.last_mut()
            && !after.iter().any(|later| later.rid == record.rid)
        {
            for (_, state) in &mut record.operations {
                *state = OperationState::Unknown;
            }
        }
    }
}

fn body_of(operation: &Operation) -> Result<String, Halt> {
    serde_json::to_string(operation).map_err(|error| {
        Halt::Store(tenure_store::Error::Invalid(format!(
            "the plan cannot be stored: {error}"
        )))
    })
}

/// Held by the deletion threshold: tried again later, and shown as what it would be.
fn staged(loaded: &Loaded, operation: &Operation, why: &str) -> Record {
    let mut record = Record::new(loaded, Tally::Skipped);
    record.escrow = EscrowEffect::Fail {
        code: code::STAGED.to_owned(),
        message: why.to_owned(),
        retry_after_s: None,
    };
    record.line = Some(Line {
        action: "stagedDelete".to_owned(),
        status: "skipped".to_owned(),
        target_id: operation.target_id.clone().unwrap_or_default(),
        error_code: Some(code::STAGED.to_owned()),
        reason: Some(format!(
            "{} ({}) is held: {why}",
            word(operation.action),
            operation.reason
        )),
        steps: loaded.planned.steps.clone(),
        changes: operation.changes.clone(),
        duration_ms: 0,
    });
    record
}

/// A finished operation as the ledger sees it.
pub(crate) fn confirmed(state: OperationState, sent: &Sent) -> Vec<(i64, OperationState)> {
    vec![(sent.number, state)]
}
