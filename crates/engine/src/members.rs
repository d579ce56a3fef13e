//! Members of linked groups: the difference between the directory and what was exported so far.

use crate::{
    apply::PLANNED_MEMBERS,
    load::{Hint, Loaded, planner_link},
    perform::perform,
    record::{Line, LinkEffect, Record, Tally, export_step, word},
    run::{Halt, Reach, Run},
    settle::{duration_ms, state_after},
    target::{Exchange, Failure, WriteTarget},
};
use serde_json::Map;
use tenure_plan::{Operation, planner::member_operation};
use tenure_store::{
    Kind, escrow, ledger,
    run::{self, OperationState},
};

/// Members read at a time, on either side.
const DIFFERENCE: u32 = 1_000;
/// Members of one group that one cycle changes at most, as a multiple of [`DIFFERENCE`]; the next cycle goes on.
const ROUNDS: usize = 1_000;

/// Members to add or to remove with one request.
pub(crate) struct Chunk {
    pub(crate) operation: Operation,
    pub(crate) added: Vec<i64>,
    pub(crate) removed: Vec<i64>,
}

impl Run<'_> {
    /// Brings the members of groups up to date; groups without a managed link are left alone.
    pub(crate) async fn member_page(
        &mut self,
        groups: &[i64],
        cursor: Option<String>,
    ) -> Result<(), Halt> {
        let wanted = groups.iter().map(|rid| (*rid, Hint::default())).collect();
        for group in self.load(wanted).await? {
            if group.kind == Kind::Group
                && !group.deleted
                && group.link.as_ref().is_some_and(|link| link.managed)
            {
                self.group_members(&group).await?;
            }
        }
        if cursor.is_some() {
            self.record(Vec::new(), 0, cursor).await?;
        }
        Ok(())
    }

    async fn group_members(&mut self, group: &Loaded) -> Result<(), Halt> {
        let Some(link) = &group.link else {
            return Ok(());
        };
        // A plan shows all of it at once.
        let limit = match &self.reach {
            Reach::Read(_) => PLANNED_MEMBERS,
            Reach::Write(_) => DIFFERENCE,
        };
        let mut tally = Tally::Updated;
        for _ in 0..ROUNDS {
            let (workspace, application, rid) =
                (self.context.workspace, self.context.application, group.rid);
            let (add, remove) = self
                .engine
                .store
                .read(move |tx| ledger::member_difference(tx, workspace, application, rid, limit))
                .await?;
            if add.is_empty() && remove.is_empty() {
                if tally == Tally::Nothing {
                    self.members_are_done(rid).await?;
                }
                return Ok(());
            }
            let chunks = self.chunks(group, link, &add, &remove);
            let writer = match &self.reach {
                Reach::Write(writer) => writer.clone(),
                Reach::Read(_) => return self.plan_members(group, &chunks).await,
            };
            for chunk in chunks {
                self.check_stop()?;
                if !self.export(&writer, group, chunk, tally).await? {
                    return Ok(());
                }
                // The group counts once.
                tally = Tally::Nothing;
            }
        }
        Ok(())
    }

    /// Only the last change lifts an earlier failure: a run that ends in between leaves the rest to be done.
    async fn members_are_done(&self, rid: i64) -> Result<(), Halt> {
        let lease = self.lease();
        self.write(move |tx| escrow::clear(tx, &lease, &[rid]))
            .await?;
        Ok(())
    }

    fn chunks(
        &self,
        group: &Loaded,
        link: &ledger::Link,
        add: &[(i64, String)],
        remove: &[(i64, String)],
    ) -> Vec<Chunk> {
        let size = self.context.compiled.config.dialect.members_per_operation();
        let link = planner_link(link);
        let ids = |members: &[(i64, String)]| {
            members
                .iter()
                .map(|(_, target_id)| target_id.clone())
                .collect::<Vec<_>>()
        };
        let rids =
            |members: &[(i64, String)]| members.iter().map(|(rid, _)| *rid).collect::<Vec<_>>();
        let removals = remove.chunks(size).map(|part| Chunk {
            operation: member_operation(
                &group.source_id,
                &link,
                &group.name,
                Vec::new(),
                ids(part),
            ),
            added: Vec::new(),
            removed: rids(part),
        });
        let additions = add.chunks(size).map(|part| Chunk {
            operation: member_operation(
                &group.source_id,
                &link,
                &group.name,
                ids(part),
                Vec::new(),
            ),
            added: rids(part),
            removed: Vec::new(),
        });
        removals.chain(additions).collect()
    }

    /// A dry run shows the operations and counts the group.
    async fn plan_members(&mut self, group: &Loaded, chunks: &[Chunk]) -> Result<(), Halt> {
        let rows = chunks
            .iter()
            .map(|chunk| row(group, chunk))
            .collect::<Result<Vec<_>, Halt>>()?;
        let (lease, cycle_id) = (self.lease(), self.cycle.id.clone());
        self.write(move |tx| run::plan(tx, &lease, &cycle_id, &rows))
            .await?;
        Tally::Updated.add_to(&mut self.counts);
        Ok(())
    }

    /// One chunk; false when the group has to wait for another cycle.
    pub(crate) async fn export(
        &mut self,
        writer: &WriteTarget,
        group: &Loaded,
        chunk: Chunk,
        tally: Tally,
    ) -> Result<bool, Halt> {
        let (lease, cycle_id, rows) = (
            self.lease(),
            self.cycle.id.clone(),
            vec![row(group, &chunk)?],
        );
        let (rid, added, removed) = (group.rid, chunk.added.clone(), chunk.removed.clone());
        let (intents, doubt) = self
            .write(move |tx| {
                let numbers = run::plan(tx, &lease, &cycle_id, &rows)?;
                let doubt = ledger::members_intended(tx, &lease, rid, &added, &removed)?;
                Ok((run::intend(tx, &lease, &numbers)?, doubt))
            })
            .await?;
        let exported = self.exported(rid, &chunk.operation).await?;
        let (mut exchanges, mut numbers) = (Vec::new(), Vec::new());
        let (mut was_repeated, mut writes) = (false, 0);
        for intent in &intents {
            numbers.push(intent.operation());
            // Adding a member twice changes nothing, so that what may be lost is simply asked for again.
            let performed = perform(writer, intent, &chunk.operation, &exported, true).await;
            was_repeated |= performed.was_repeated;
            writes += performed.writes();
            exchanges.extend(performed.exchanges);
        }
        let failure = exchanges
            .iter()
            .find_map(|exchange| exchange.result.as_ref().err().cloned());
        let state = match &failure {
            None => OperationState::Confirmed,
            Some(_) if was_repeated => OperationState::Unknown,
            Some(failure) => state_after(failure),
        };
        // One refused request did nothing; of several, the first ones may have done something.
        if state == OperationState::Rejected && writes <= 1 {
            let lease = self.lease();
            self.write(move |tx| ledger::members_rejected(tx, &lease, rid, &doubt))
                .await?;
        }
        if let Some(halt) = failure.as_ref().and_then(Halt::from_failure) {
            self.settle(numbers.into_iter().map(|number| (number, state)).collect())
                .await?;
            return Err(halt);
        }
        let mut record =
            member_record(group, &chunk.operation, &exchanges, failure.as_ref(), tally);
        record.operations = numbers.iter().map(|number| (*number, state)).collect();
        if failure.is_none() {
            let lease = self.lease();
            self.write(move |tx| {
                ledger::members_exported(tx, &lease, rid, &chunk.added, &chunk.removed)
            })
            .await?;
        }
        self.record(vec![record], 0, None).await?;
        Ok(failure.is_none())
    }
}

fn row(group: &Loaded, chunk: &Chunk) -> Result<(i64, String, String), Halt> {
    let body = serde_json::to_string(&chunk.operation).map_err(|error| {
        Halt::Store(tenure_store::Error::Invalid(format!(
            "the plan cannot be stored: {error}"
        )))
    })?;
    Ok((group.rid, word(chunk.operation.action).to_owned(), body))
}

fn member_record(
    group: &Loaded,
    operation: &Operation,
    exchanges: &[Exchange],
    failure: Option<&Failure>,
    tally: Tally,
) -> Record {
    let steps = vec![export_step(operation, exchanges, failure)];
    let mut record = match failure {
        None => Record::new(group, tally),
        Some(failure) => Record::failed(group, "update", failure, steps.clone()),
    };
    match failure {
        None => {
            record.line = Some(Line {
                action: "update".to_owned(),
                status: "success".to_owned(),
                target_id: operation.target_id.clone().unwrap_or_default(),
                error_code: None,
                reason: Some(operation.reason.clone()),
                steps,
                changes: Vec::new(),
                duration_ms: duration_ms(exchanges),
            });
        }
        // The group, or somebody who was to join it, is gone at the target: the next attempt reads the group first, and makes
        // it again, with its members, if it is not there.
        Some(failure) => {
            if let (true, Some(link)) = (failure.is_status(404), &group.link) {
                record.link = LinkEffect::Put {
                    target_id: link.target_id.clone(),
                    known: Map::new(),
                    managed: link.managed,
                };
            }
        }
    }
    record
}
