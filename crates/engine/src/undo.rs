//! The way back: a plan that reverses what a cycle did, as far as that is possible.

use crate::{
    apply,
    engine::{Engine, EngineError, now_us},
    lease::HeldLease,
    load::{Hint, known},
    record::word,
    run::{Halt, Run},
    settle::{self, Verdict},
};
use serde::Serialize;
use std::{collections::HashMap, time::Duration};
use tenure_plan::{Action, Change, Operation, config::ObjectKind};
use tenure_store::{
    Actor, Error, WorkspaceId, change, job,
    job::Lease,
    ledger,
    run::{self, Basis, Counts, Cycle, CycleKind, OperationState},
};

/// What of a cycle is taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UndoWish {
    /// Only this object of the directory, by rid.
    pub only: Option<i64>,
    /// Only this target attribute; creates and memberships stay.
    pub attribute: Option<String>,
    /// Delete what the cycle created. Otherwise created accounts stay as they are.
    pub delete_created: bool,
}

/// A plan that takes a cycle back, and what it cannot take back.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UndoPlan {
    /// The plan, to be shown and applied like any other.
    #[serde(skip)]
    pub cycle: Cycle,
    /// Operations that stay as they are, each with the reason; at most a thousand.
    pub left: Vec<Left>,
    /// How many stay.
    pub left_count: u64,
}

/// An operation that cannot be taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    /// For people.
    pub name: String,
    /// `create`, `update`, `disable`, `delete`.
    pub action: String,
    /// Why it stays, and what to do.
    pub reason: String,
}

/// Reasons that are kept.
const LEFT: usize = 1_000;

/// Makes the plan; nothing is sent.
pub(crate) async fn plan(
    engine: &Engine,
    workspace: WorkspaceId,
    application: i64,
    cycle_id: &str,
    wish: &UndoWish,
    patience: Duration,
) -> Result<UndoPlan, EngineError> {
    let prepared = engine.prepare(workspace, application).await?;
    let held = engine.claim(workspace, application, patience).await?;
    let job = engine
        .store
        .read(move |tx| job::get(tx, workspace, application))
        .await?;
    let config = prepared.application.config.clone();
    let outcome = with_lease(engine, &held, &job, cycle_id, wish, config).await;
    held.release(job.run_at_us.max(now_us())).await?;
    outcome
}

async fn with_lease(
    engine: &Engine,
    held: &HeldLease,
    job: &job::Job,
    cycle_id: &str,
    wish: &UndoWish,
    config: String,
) -> Result<UndoPlan, EngineError> {
    let (workspace, application) = (job.workspace, job.application);
    let (wanted, lease, interrupted) = (
        cycle_id.to_owned(),
        held.lease().clone(),
        job.cycle_id.clone(),
    );
    let cycle = engine
        .store
        .write(Actor::system(), move |tx| {
            let is_known = run::of_application(tx, workspace, application, &wanted)?
                .is_some_and(|cycle| !cycle.kind.is_plan());
            if !is_known {
                return Err(Error::NotFound(format!(
                    "a cycle {wanted} of this application that wrote to the target"
                )));
            }
            run::abandon(tx, &lease, interrupted.as_deref())?;
            let cycle = run::begin(tx, &lease, CycleKind::DryRun, 0)?;
            let basis = Basis {
                head: change::head(tx, workspace)?,
                config: config.clone(),
                undoes: Some(wanted.clone()),
            };
            run::set_basis(tx, &lease, &cycle.id, &basis)?;
            Ok(cycle)
        })
        .await?;
    let mut reverser = Reverser {
        engine,
        workspace,
        application,
        lease: held.lease().clone(),
        wish,
        cycle,
        counts: Counts::default(),
        left: Vec::new(),
        left_count: 0,
        current: HashMap::new(),
    };
    let mut after = 0;
    let mut done = Vec::new();
    loop {
        let chunk = apply::operations(engine, workspace, cycle_id, after).await?;
        let Some((last, _)) = chunk.last() else { break };
        after = last.id;
        done.extend(chunk.into_iter().filter(|(stored, _)| {
            matches!(
                stored.state,
                OperationState::Confirmed | OperationState::Reconciled
            ) && wish.only.is_none_or(|rid| rid == stored.rid)
        }));
    }
    // The last thing that was done is the first to be taken back.
    for (stored, operation) in done.into_iter().rev() {
        reverser.take(stored.rid, operation).await?;
    }
    reverser.finish().await
}

struct Reverser<'a> {
    engine: &'a Engine,
    workspace: WorkspaceId,
    application: i64,
    lease: Lease,
    wish: &'a UndoWish,
    cycle: Cycle,
    counts: Counts,
    left: Vec<Left>,
    left_count: u64,
    /// Links as they will be after what is planned so far.
    current: HashMap<i64, Option<ledger::Link>>,
}

impl Reverser<'_> {
    async fn take(&mut self, rid: i64, operation: Operation) -> Result<(), Error> {
        let link = match self.current.get(&rid) {
            Some(link) => link.clone(),
            None => {
                let (workspace, application) = (self.workspace, self.application);
                self.engine
                    .store
                    .read(move |tx| ledger::get(tx, workspace, application, rid))
                    .await?
            }
        };
        match reversed(&operation, link.as_ref(), self.wish) {
            Ok(None) => {}
            Ok(Some(back)) => {
                let next = link
                    .filter(|_| back.action != Action::Delete)
                    .map(|mut link| {
                        if back.action != Action::Members {
                            link.known =
                                serde_json::Value::Object(back.known_after.clone()).to_string();
                        }
                        link
                    });
                self.current.insert(rid, next);
                self.store(rid, back).await?;
            }
            Err(reason) => {
                self.left_count += 1;
                if self.left.len() < LEFT {
                    self.left.push(Left {
                        name: operation.display_name.clone(),
                        action: word(operation.action).to_owned(),
                        reason: reason.to_owned(),
                    });
                }
            }
        }
        Ok(())
    }

    async fn store(&mut self, rid: i64, operation: Operation) -> Result<(), Error> {
        crate::record::Tally::of(operation.action).add_to(&mut self.counts);
        let body = serde_json::to_string(&operation)
            .map_err(|error| Error::Invalid(format!("the plan cannot be stored: {error}")))?;
        let row = vec![(rid, word(operation.action).to_owned(), body)];
        let (lease, cycle_id) = (self.lease.clone(), self.cycle.id.clone());
        self.engine
            .store
            .write_background(Actor::system(), move |tx| {
                run::plan(tx, &lease, &cycle_id, &row).map(|_| ())
            })
            .await
    }

    async fn finish(self) -> Result<UndoPlan, EngineError> {
        let (lease, cycle_id, counts) = (self.lease.clone(), self.cycle.id.clone(), self.counts);
        let message = (self.left_count > 0)
            .then(|| format!("{} operations cannot be taken back", self.left_count));
        let workspace = self.workspace;
        let cycle = self
            .engine
            .store
            .write(Actor::system(), move |tx| {
                let total = counts.created + counts.updated + counts.disabled + counts.deleted;
                run::progress(tx, &lease, &cycle_id, total, total, &counts)?;
                run::end(
                    tx,
                    &lease,
                    &cycle_id,
                    "completed",
                    &counts,
                    message.as_deref(),
                )?;
                run::get(tx, workspace, &cycle_id)
            })
            .await?
            .ok_or_else(|| Error::NotFound("the plan".to_owned()))?;
        Ok(UndoPlan {
            cycle,
            left: self.left,
            left_count: self.left_count,
        })
    }
}

/// The operation that takes another one back. `Ok(None)`: not asked for. `Err`: impossible, with the reason.
fn reversed(
    operation: &Operation,
    link: Option<&ledger::Link>,
    wish: &UndoWish,
) -> Result<Option<Operation>, &'static str> {
    if wish.attribute.is_some() && !matches!(operation.action, Action::Update | Action::Disable) {
        return Ok(None);
    }
    if operation.action == Action::Delete {
        return Err(
            "a deleted account does not come back: restore or assign the person, and a new account is made",
        );
    }
    let link = link.ok_or("there is no linked account any more")?;
    if operation
        .target_id
        .as_ref()
        .is_some_and(|id| *id != link.target_id)
    {
        return Err("the object has another account now");
    }
    let mut back = Operation {
        target_id: Some(link.target_id.clone()),
        changes: Vec::new(),
        known_after: known(link),
        unresolved: Vec::new(),
        unmanage_after: !link.managed,
        reason: "undo".to_owned(),
        ..operation.clone()
    };
    match operation.action {
        Action::Members => {
            std::mem::swap(&mut back.add_members, &mut back.remove_members);
            Ok(Some(back))
        }
        Action::Create if wish.delete_created => {
            back.action = Action::Delete;
            back.known_after.clear();
            Ok(Some(back))
        }
        Action::Create => Err(if operation.kind == ObjectKind::Group {
            "the group was created; it stays unless created objects are to be deleted"
        } else {
            "the account was created; it stays unless created accounts are to be deleted"
        }),
        Action::Update | Action::Disable => attributes(operation, back, wish),
        Action::Delete => Ok(None),
    }
}

fn attributes(
    operation: &Operation,
    mut back: Operation,
    wish: &UndoWish,
) -> Result<Option<Operation>, &'static str> {
    let wanted: Vec<&Change> = operation
        .changes
        .iter()
        .filter(|change| {
            wish.attribute
                .as_ref()
                .is_none_or(|name| name.eq_ignore_ascii_case(&change.attribute))
        })
        .collect();
    if wanted.is_empty() {
        return Ok(None);
    }
    if back.known_after.is_empty() {
        return Err("what the account has now is not known; run a cycle first");
    }
    for change in wanted {
        if back.known_after.get(&change.attribute) != change.after.as_ref() {
            continue;
        }
        match &change.before {
            Some(before) => back
                .known_after
                .insert(change.attribute.clone(), before.clone()),
            None => back.known_after.remove(&change.attribute),
        };
        back.changes.push(Change {
            attribute: change.attribute.clone(),
            before: change.after.clone(),
            after: change.before.clone(),
            added: Vec::new(),
            redacted: change.redacted,
        });
    }
    if back.changes.is_empty() {
        return Err("its attributes were changed again since");
    }
    let switches_off = operation.action == Action::Update
        && back.changes.iter().any(|change| {
            change.attribute.eq_ignore_ascii_case("active")
                && change.after == Some(serde_json::Value::Bool(false))
        });
    back.action = if switches_off {
        Action::Disable
    } else {
        Action::Update
    };
    Ok(Some(back))
}

impl Run<'_> {
    /// Sends the operations of an undo, each only if the account is as the undo was planned for.
    pub(crate) async fn reverse(&mut self, planned: Vec<(i64, Operation)>) -> Result<(), Halt> {
        for (rid, operation) in planned {
            self.check_stop()?;
            // One at a time: operations on one object depend on each other.
            let Some(loaded) = self.load(vec![(rid, Hint::default())]).await?.pop() else {
                continue;
            };
            let fits = loaded.link.as_ref().is_some_and(|link| {
                let has = known(link);
                Some(&link.target_id) == operation.target_id.as_ref()
                    && operation
                        .changes
                        .iter()
                        .all(|change| has.get(&change.attribute) == change.before.as_ref())
            });
            if !fits {
                self.stale(&loaded, &operation).await?;
                continue;
            }
            let sent = self.send(vec![(loaded, operation)]).await?;
            for sent in sent {
                match settle::settle(self.reach.reader(), &self.context, sent, true).await {
                    Verdict::Done(record) => self.record(vec![*record], 1, None).await?,
                    Verdict::Again { record, .. } => {
                        let records = record.into_iter().map(|record| *record).collect();
                        self.record(records, 1, None).await?;
                    }
                    Verdict::Halt {
                        number,
                        state,
                        halt,
                    } => {
                        self.settle(vec![(number, state)]).await?;
                        return Err(halt);
                    }
                }
            }
        }
        Ok(())
    }
}
