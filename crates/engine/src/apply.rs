//! Carrying out a plan exactly as it was shown, or not at all where the world has changed since.

use crate::{
    agenda, code, connection,
    engine::{Engine, EngineError, Prepared, Taken},
    guard::Wanted,
    lease::HeldLease,
    load::{Hint, Loaded},
    members::Chunk,
    record::{EscrowEffect, Line, Record, Tally, word},
    run::{Halt, Reach, Run},
    target::WriteTarget,
};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};
use tenure_plan::{Action, ApplicationConfig, Operation};
use tenure_store::{
    Actor, Error, WorkspaceId, audit, change,
    job::{Job, State},
    ledger,
    run::{self, Basis, Cycle, CycleKind, StoredOperation},
};

/// Operations read at a time.
const CHUNK: u32 = 100;
/// Names that are given when a plan is stale.
const NAMED: usize = 5;
/// Members of one group that a plan knows, on either side.
pub(crate) const PLANNED_MEMBERS: u32 = 1_000_000;

/// What a plan says about the objects at hand.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    operations: HashMap<i64, Operation>,
    /// Operations that would be different now, so far.
    pub(crate) stale: u64,
}

impl Expected {
    pub(crate) fn allows(&self, rid: i64, operation: &Operation) -> bool {
        self.operations.get(&rid) == Some(operation)
    }
}

/// Applies a plan of the application.
pub(crate) async fn run(
    engine: &Engine,
    actor: Actor,
    workspace: WorkspaceId,
    application: i64,
    plan_id: &str,
    patience: Duration,
) -> Result<Cycle, EngineError> {
    let Taken {
        prepared,
        held,
        job,
    } = engine.take(workspace, application, patience).await?;
    let outcome = with_lease(engine, actor, prepared, &held, &job, plan_id).await;
    held.give_back(&job).await?;
    outcome
}

async fn with_lease(
    engine: &Engine,
    actor: Actor,
    prepared: Prepared,
    held: &HeldLease,
    job: &Job,
    plan_id: &str,
) -> Result<Cycle, EngineError> {
    let (workspace, application) = (job.workspace, job.application);
    let wanted = plan_id.to_owned();
    let (plan, basis) = engine
        .store
        .read(move |tx| {
            let basis = run::basis(tx, workspace, application, &wanted)?;
            Ok(run::of_application(tx, workspace, application, &wanted)?.zip(basis))
        })
        .await?
        .ok_or_else(|| Error::NotFound(format!("a plan {plan_id} of this application")))?;
    if plan.status != "completed" {
        return Err(EngineError::Stale(format!(
            "the plan did not get to its end ({})",
            plan.status
        )));
    }
    if basis.undoes.is_some() {
        check_is_off(job)?;
    } else {
        check_is_current(engine, &prepared, job, plan_id, &basis).await?;
    }
    let (lease, of, interrupted) = (
        held.lease().clone(),
        plan_id.to_owned(),
        job.cycle_id.clone(),
    );
    let total =
        plan.counts.created + plan.counts.updated + plan.counts.disabled + plan.counts.deleted;
    let (name, detail) = (
        prepared.application.name.clone(),
        json!({ "plan": plan_id, "undoes": basis.undoes }).to_string(),
    );
    let initiator = actor.name.clone();
    let cycle = engine
        .store
        .write(actor, move |tx| {
            run::abandon(tx, &lease, interrupted.as_deref())?;
            let cycle = run::begin(tx, &lease, CycleKind::Apply, total)?;
            run::applies(tx, &lease, &cycle.id, &of)?;
            audit::append(
                tx,
                workspace,
                "provisioning.applyPlan",
                &format!("Application {name}"),
                &detail,
            )?;
            Ok(cycle)
        })
        .await?;
    // Nobody stops it; the sender lives as long as the run.
    let (_sender, stop) = tokio::sync::watch::channel(false);
    let writer = WriteTarget::new(engine.target(&prepared), held.watch());
    let mut run = Run::new(
        engine,
        prepared,
        held,
        Reach::Write(writer.clone()),
        cycle,
        stop,
    );
    run.expected = Some(Expected::default());
    run.initiator = initiator;
    let proof = match plan.kind {
        CycleKind::Drift => Proof::Target,
        _ if basis.undoes.is_some() => Proof::Ledger,
        _ => Proof::Planner,
    };
    run.refresh = proof == Proof::Target;
    let result = run.carry_out(plan_id, proof, &writer).await;
    run.end_of_apply(result).await
}

/// What was undone with provisioning switched on would be done again at once.
fn check_is_off(job: &Job) -> Result<(), EngineError> {
    if matches!(job.state, State::Active | State::Quarantined) {
        return Err(EngineError::Stale(
            "provisioning is on, and the next cycle that looks at these people would do it again; switch it off, remove the cause, and apply the undo then".to_owned(),
        ));
    }
    Ok(())
}

/// The configuration and the people of the plan are as they were.
async fn check_is_current(
    engine: &Engine,
    prepared: &Prepared,
    job: &Job,
    plan_id: &str,
    basis: &Basis,
) -> Result<(), EngineError> {
    let config = |text: &str| serde_json::from_str::<ApplicationConfig>(text).ok();
    let saved = config(&prepared.application.config);
    if saved.is_none() || config(&basis.config) != saved {
        return Err(EngineError::Stale(
            "the configuration is not the one that was planned with".to_owned(),
        ));
    }
    let workspace = job.workspace;
    let (head, floor) = engine
        .store
        .read(move |tx| Ok((change::head(tx, workspace)?, change::floor(tx, workspace)?)))
        .await?;
    if basis.head < floor {
        return Err(EngineError::Stale("it is too old".to_owned()));
    }
    let mut changed = Wanted::default();
    agenda::read_feed(engine, job, basis.head, head, &mut changed).await?;
    changed.objects.extend(&changed.member_groups);
    let names = touched(engine, workspace, plan_id, &changed.objects).await?;
    if names.is_empty() {
        return Ok(());
    }
    Err(EngineError::Stale(format!(
        "changed in the directory since: {}",
        names.join(", ")
    )))
}

/// Names of the plan's objects that are among the changed ones; a few of them.
async fn touched(
    engine: &Engine,
    workspace: WorkspaceId,
    plan_id: &str,
    changed: &BTreeSet<i64>,
) -> Result<Vec<String>, EngineError> {
    let (mut names, mut after) = (Vec::new(), 0);
    if changed.is_empty() {
        return Ok(names);
    }
    loop {
        let chunk = operations(engine, workspace, plan_id, after).await?;
        let Some(last) = chunk.last() else { break };
        after = last.0.id;
        for (stored, operation) in chunk {
            if changed.contains(&stored.rid) && !names.contains(&operation.display_name) {
                names.push(operation.display_name);
            }
        }
        if names.len() > NAMED {
            names.truncate(NAMED);
            names.push("and others".to_owned());
            break;
        }
    }
    Ok(names)
}

/// The operations of a plan after a number.
async fn operations(
    engine: &Engine,
    workspace: WorkspaceId,
    cycle_id: &str,
    after: i64,
) -> Result<Vec<(StoredOperation, Operation)>, Error> {
    let cycle_id = cycle_id.to_owned();
    let stored = engine
        .store
        .read(move |tx| run::operations(tx, workspace, &cycle_id, after, CHUNK))
        .await?;
    parsed(stored)
}

/// The operations of a cycle before a number, the last one first.
pub(crate) async fn operations_before(
    engine: &Engine,
    workspace: WorkspaceId,
    cycle_id: &str,
    before: i64,
) -> Result<Vec<(StoredOperation, Operation)>, Error> {
    let cycle_id = cycle_id.to_owned();
    let stored = engine
        .store
        .read(move |tx| run::operations_before(tx, workspace, &cycle_id, before, CHUNK))
        .await?;
    parsed(stored)
}

fn parsed(stored: Vec<StoredOperation>) -> Result<Vec<(StoredOperation, Operation)>, Error> {
    stored
        .into_iter()
        .map(|stored| {
            let operation = serde_json::from_str(&stored.body).map_err(|error| {
                Error::Database(format!("a stored operation cannot be read: {error}"))
            })?;
            Ok((stored, operation))
        })
        .collect()
}

/// What shows that a planned operation still fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    /// The planner comes to the same operation again.
    Planner,
    /// It does so after the account was read again.
    Target,
    /// The ledger has the values that an undo wants to change.
    Ledger,
}

/// The order of a plan: leavers first, members last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Leavers,
    Others,
    Members,
}

impl Turn {
    fn of(operation: &Operation) -> Self {
        match operation.action {
            Action::Members => Self::Members,
            action if action.takes_access() => Self::Leavers,
            _ => Self::Others,
        }
    }
}

impl Run<'_> {
    async fn carry_out(
        &mut self,
        plan_id: &str,
        proof: Proof,
        writer: &WriteTarget,
    ) -> Result<(), Halt> {
        connection::precheck(self.reach.reader(), &self.context.compiled).await?;
        // Who perhaps has an account already must not get another one, whatever the plan says.
        self.reconcile().await?;
        for turn in [Turn::Leavers, Turn::Others, Turn::Members] {
            let mut after = 0;
            loop {
                self.check_stop()?;
                let mut chunk =
                    operations(self.engine, self.context.workspace, plan_id, after).await?;
                let Some((last, _)) = chunk.last() else { break };
                after = last.id;
                chunk.retain(|(_, operation)| Turn::of(operation) == turn);
                let planned: Vec<(i64, Operation)> = chunk
                    .into_iter()
                    .map(|(stored, operation)| (stored.rid, operation))
                    .collect();
                if planned.is_empty() {
                    continue;
                }
                match (turn, proof) {
                    (Turn::Members, _) => self.planned_members(planned, proof, writer).await?,
                    (_, Proof::Ledger) => self.reverse(planned).await?,
                    (_, Proof::Planner | Proof::Target) => {
                        let rids: Vec<i64> = planned.iter().map(|(rid, _)| *rid).collect();
                        if let Some(expected) = &mut self.expected {
                            expected.operations = planned.into_iter().collect();
                        }
                        self.page(&rids, None).await?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn planned_members(
        &mut self,
        planned: Vec<(i64, Operation)>,
        proof: Proof,
        writer: &WriteTarget,
    ) -> Result<(), Halt> {
        let mut difference: Option<(i64, Difference)> = None;
        for (rid, operation) in planned {
            self.check_stop()?;
            let Some(group) = self.load(vec![(rid, Hint::default())]).await?.pop() else {
                continue;
            };
            let known = match difference.take() {
                Some((of, known)) if of == rid => known,
                _ => self.difference(rid, proof, &operation).await?,
            };
            let is_linked = group
                .link
                .as_ref()
                .is_some_and(|link| Some(&link.target_id) == operation.target_id.as_ref());
            match known.chunk(&operation).filter(|_| is_linked) {
                Some(chunk) => {
                    self.export(writer, &group, chunk, Tally::Updated).await?;
                }
                None => self.stale(&group, &operation).await?,
            }
            // An ordinary plan's difference is the group's; others are looked up for each operation.
            difference = (proof == Proof::Planner).then_some((rid, known));
        }
        Ok(())
    }

    async fn difference(
        &self,
        group: i64,
        proof: Proof,
        operation: &Operation,
    ) -> Result<Difference, Error> {
        let (workspace, application) = (self.context.workspace, self.context.application);
        let operation = operation.clone();
        self.engine
            .store
            .read(move |tx| {
                let (add, remove) = match proof {
                    Proof::Ledger => ledger::reversible_members(
                        tx,
                        workspace,
                        application,
                        group,
                        &operation.add_members,
                        &operation.remove_members,
                    )?,
                    Proof::Target => ledger::rightful_members(
                        tx,
                        workspace,
                        application,
                        group,
                        &operation.remove_members,
                    )?,
                    Proof::Planner => ledger::member_difference(
                        tx,
                        workspace,
                        application,
                        group,
                        PLANNED_MEMBERS,
                    )?,
                };
                let by_target = |members: ledger::Members| {
                    members
                        .into_iter()
                        .map(|(rid, target_id)| (target_id, rid))
                        .collect()
                };
                Ok(Difference {
                    add: by_target(add),
                    remove: by_target(remove),
                })
            })
            .await
    }

    /// The plan's operation is not what would be done now: nothing is sent, and the log says so.
    pub(crate) async fn stale(
        &mut self,
        loaded: &Loaded,
        operation: &Operation,
    ) -> Result<(), Error> {
        let record = self.stale_record(loaded, operation);
        self.record(vec![record], 1, None).await
    }

    pub(crate) fn stale_record(&mut self, loaded: &Loaded, operation: &Operation) -> Record {
        if let Some(expected) = &mut self.expected {
            expected.stale += 1;
        }
        let mut record = Record::new(loaded, Tally::Skipped);
        record.escrow = EscrowEffect::Keep;
        record.line = Some(Line {
            action: word(operation.action).to_owned(),
            status: "skipped".to_owned(),
            target_id: operation.target_id.clone().unwrap_or_default(),
            error_code: Some(code::STALE.to_owned()),
            reason: Some(
                "the plan does not fit any more: what would be done now differs from what was shown; make a new plan".to_owned(),
            ),
            steps: loaded.planned.steps.clone(),
            changes: operation.changes.clone(),
            duration_ms: 0,
        });
        record
    }

    async fn end_of_apply(&mut self, result: Result<(), Halt>) -> Result<Cycle, EngineError> {
        let stale = self.expected.as_ref().map_or(0, |expected| expected.stale);
        let message = (stale > 0).then(|| {
            format!("{stale} operations were not carried out: the plan does not fit any more")
        });
        self.finish(result, message).await
    }
}

/// Members that may be added and removed, by target id.
struct Difference {
    add: BTreeMap<String, i64>,
    remove: BTreeMap<String, i64>,
}

impl Difference {
    /// The operation with its members, if all of them may still be added and removed.
    fn chunk(&self, operation: &Operation) -> Option<Chunk> {
        let rids = |known: &BTreeMap<String, i64>, wanted: &[String]| {
            wanted
                .iter()
                .map(|target_id| known.get(target_id).copied())
                .collect::<Option<Vec<i64>>>()
        };
        Some(Chunk {
            operation: operation.clone(),
            added: rids(&self.add, &operation.add_members)?,
            removed: rids(&self.remove, &operation.remove_members)?,
        })
    }
}
