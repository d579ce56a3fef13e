//! One cycle: what to look at, in which order, and how it ends.

use crate::{
    agenda::{Agenda, Cursor, Phase, agenda, collect_work},
    connection,
    engine::{Engine, EngineError, Prepared},
    guard::{self, Survey, Wanted},
    lease::HeldLease,
    load::Context,
    page::PAGE,
    quarantine,
    retry::{self, Due},
    run::{Halt, Reach, Run},
    target::WriteTarget,
};
use std::collections::BTreeSet;
use tenure_plan::config::Scope;
use tenure_store::{
    Actor, Error, Kind, assignment, job,
    job::{Job, Lease, State},
    run::{self, Basis, Cycle, CycleKind},
};
/// How often references that were woken inside a cycle are followed.
const WORK_ROUNDS: usize = 3;

/// What kind of run is wanted.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    /// Plan only.
    pub(crate) dry_run: bool,
    /// Plan with this configuration (JSON) instead of the saved one; only for a dry run.
    pub(crate) draft: Option<String>,
    /// Somebody asked for it: also when there is nothing to do and when the job is off.
    pub(crate) always: bool,
}

/// Runs a cycle and gives the lease back. `None`: there was nothing to do.
pub(crate) async fn run(
    engine: &Engine,
    held: HeldLease,
    wish: Wish,
    stop: tokio::sync::watch::Receiver<bool>,
) -> Result<Option<Cycle>, EngineError> {
    let (workspace, application) = (held.lease().workspace(), held.lease().application());
    let job = engine
        .store
        .read(move |tx| job::get(tx, workspace, application))
        .await?;
    let outcome = attempt(engine, &held, &wish, stop, &job).await;
    match outcome {
        Ok((cycle, due)) => {
            held.release(due).await?;
            Ok(cycle)
        }
        Err(error) => {
            let due = if wish.dry_run {
                Due::at(job.run_at_us)
            } else {
                let now_us = engine.store.now_us();
                Due::not_before(retry::interrupted_us(job.failures, now_us, 60))
            };
            if let (EngineError::Configuration(message), false) = (&error, wish.dry_run) {
                let (lease, message) = (held.lease().clone(), message.clone());
                engine
                    .store
                    .write(Actor::system(), move |tx| {
                        job::set_quarantine(tx, &lease, Some((quarantine::EXCEPTION, &message)))
                    })
                    .await?;
            }
            held.release(due).await?;
            Err(error)
        }
    }
}

async fn attempt(
    engine: &Engine,
    held: &HeldLease,
    wish: &Wish,
    stop: tokio::sync::watch::Receiver<bool>,
    job: &Job,
) -> Result<(Option<Cycle>, Due), EngineError> {
    let mut prepared = engine.prepare(job.workspace, job.application).await?;
    if let Some(draft) = &wish.draft {
        prepared.replace_config(draft)?;
    }
    let prepared = prepared;
    let interval_us =
        i64::from(prepared.context.compiled.config.interval_minutes.max(1)) * 60_000_000;
    let agenda = agenda(engine, &prepared, held.lease(), job, wish).await?;
    if job.state == State::Quarantined && job.run_at_us > engine.store.now_us() && !wish.always {
        return Ok((None, Due::at(job.run_at_us)));
    }
    if agenda.is_idle() && !wish.always {
        finish_quietly(engine, held.lease(), agenda.cursor.head).await?;
        return Ok((None, Due::at(engine.store.now_us() + interval_us)));
    }
    let reader = engine.target(&prepared);
    let reach = if wish.dry_run {
        Reach::Read(reader)
    } else {
        Reach::Write(WriteTarget::new(reader, held.watch()))
    };
    let cycle = begin(engine, held.lease(), job, &agenda, &prepared).await?;
    tracing::info!(cycle = cycle.id, kind = cycle.kind.as_str(), "cycle begins");
    let mut run = Run::new(engine, prepared, held, reach, cycle, stop);
    run.watch_job = !wish.always;
    let head = agenda.cursor.head;
    let idle = agenda.is_idle();
    let result = if idle {
        Ok(())
    } else {
        run.phases(agenda).await
    };
    let due = run.conclude(result, job, wish, head, interval_us).await?;
    let cycle_id = run.cycle.id.clone();
    let workspace = job.workspace;
    let cycle = engine
        .store
        .read(move |tx| run::get(tx, workspace, &cycle_id))
        .await?;
    Ok((cycle, due))
}

async fn finish_quietly(engine: &Engine, lease: &Lease, head: i64) -> Result<(), Error> {
    let lease = lease.clone();
    engine
        .store
        .write_background(Actor::system(), move |tx| {
            job::finish_cycle(tx, &lease, Some(head))
        })
        .await
}

/// Continues the cycle that died, or begins one.
async fn begin(
    engine: &Engine,
    lease: &Lease,
    job: &Job,
    agenda: &Agenda,
    prepared: &Prepared,
) -> Result<Cycle, EngineError> {
    let (lease, kind, cursor, context) = (
        lease.clone(),
        agenda.kind,
        agenda.cursor.clone(),
        prepared.context.clone(),
    );
    let config = prepared.application.config.clone();
    let interrupted = job.cycle_id.clone();
    let survey_total = u64::try_from(agenda.survey.objects().count()).unwrap_or(u64::MAX);
    let begun = engine
        .store
        .write_background(Actor::system(), move |tx| {
            run::abandon(tx, &lease, interrupted.as_deref())?;
            if kind == CycleKind::DryRun {
                let total = full_total(tx, &context)?;
                let cycle = run::begin(tx, &lease, kind, total)?;
                let basis = Basis {
                    head: cursor.head,
                    config: config.clone(),
                    undoes: None,
                };
                run::set_basis(tx, &lease, &cycle.id, &basis)?;
                return Ok(cycle);
            }
            if let Some(id) = &interrupted
                && let Some(cycle) = run::get(tx, context.workspace, id)?
                && cycle.ended_us.is_none()
            {
                if cycle.kind == kind {
                    return Ok(cycle);
                }
                run::end(
                    tx,
                    &lease,
                    id,
                    "interrupted",
                    &cycle.counts,
                    Some("another cycle took over"),
                )?;
            }
            let total = if kind == CycleKind::Initial {
                full_total(tx, &context)?
            } else {
                survey_total
            };
            let cycle = run::begin(tx, &lease, kind, total)?;
            job::save_cursor(tx, &lease, &cycle.id, &cursor.text())?;
            Ok(cycle)
        })
        .await?;
    Ok(begun)
}

fn full_total(tx: &mut tenure_store::Tx<'_>, context: &Context) -> Result<u64, Error> {
    let all = context.compiled.config.scope == Scope::All;
    let mut total = 0;
    for kind in guard::kinds(context) {
        total +=
            assignment::candidate_count(tx, context.workspace, context.application, kind, all)?;
    }
    Ok(total)
}

impl Run<'_> {
    async fn phases(&mut self, agenda: Agenda) -> Result<(), Halt> {
        connection::precheck(self.reach.reader(), &self.context.compiled).await?;
        let mut again = if agenda.kind == CycleKind::DryRun {
            BTreeSet::new()
        } else {
            self.reconcile().await?
        };
        self.pending.extend(&agenda.cursor.work);
        if agenda.kind == CycleKind::Incremental {
            self.guard(Some(&agenda.survey.leavers)).await?;
            self.incremental(agenda, again).await
        } else {
            self.guard(None).await?;
            let cursor = agenda.cursor.clone();
            again.extend(&cursor.work);
            self.touched_groups.extend(&cursor.work);
            self.forget_listed().await?;
            self.full(agenda.cursor).await?;
            self.forget_listed().await?;
            if agenda.kind == CycleKind::DryRun {
                Ok(())
            } else {
                self.follow_work(
                    again,
                    &Cursor {
                        phase: Phase::Changes,
                        ..cursor
                    },
                )
                .await
            }
        }
    }

    async fn full(&mut self, mut cursor: Cursor) -> Result<(), Halt> {
        let is_dry = matches!(self.reach, Reach::Read(_));
        if !is_dry && cursor.phase == Phase::Users && cursor.after == 0 {
            self.drop_work().await?;
        }
        for (phase, kind) in [
            (Phase::Users, Kind::User),
            (Phase::Groups, Kind::Group),
            (Phase::Members, Kind::Group),
        ] {
            if cursor.phase > phase {
                continue;
            }
            if cursor.phase < phase {
                cursor = Cursor {
                    phase,
                    after: 0,
                    ..cursor
                };
            }
            let enabled = if phase == Phase::Members {
                self.context.compiled.provisions_members()
            } else {
                guard::kinds(&self.context).contains(&kind)
            };
            if !enabled {
                continue;
            }
            if phase != Phase::Members {
                self.list_target(kind).await?;
            }
            loop {
                self.check_stop_or_off().await?;
                let rids = self.candidates(kind, cursor.after).await?;
                let Some(last) = rids.last() else { break };
                cursor.after = *last;
                let position = (!is_dry).then(|| cursor.clone());
                if phase == Phase::Members {
                    let text = position.map(|position| position.text());
                    self.member_page(&rids, text).await?;
                } else {
                    self.page(&rids, position).await?;
                }
            }
        }
        Ok(())
    }

    async fn candidates(&self, kind: Kind, after: i64) -> Result<Vec<i64>, Error> {
        let (workspace, application) = (self.context.workspace, self.context.application);
        let all = self.context.compiled.config.scope == Scope::All;
        let limit = u32::try_from(PAGE).unwrap_or(u32::MAX);
        self.engine
            .store
            .read(move |tx| {
                assignment::candidates(tx, workspace, application, kind, all, after, limit)
            })
            .await
    }

    /// A full cycle looks at everything anyway.
    async fn drop_work(&self) -> Result<(), Error> {
        let lease = self.lease();
        self.write(move |tx| {
            let rids: Vec<i64> = job::work(tx, &lease, u32::MAX)?
                .into_iter()
                .map(|(rid, _)| rid)
                .collect();
            job::work_done(tx, &lease, &rids)
        })
        .await
    }

    async fn incremental(&mut self, agenda: Agenda, again: BTreeSet<i64>) -> Result<(), Halt> {
        let seen: BTreeSet<i64> = agenda.survey.objects().collect();
        self.touched_groups
            .extend(agenda.survey.member_groups.iter().copied());
        self.objects(agenda.survey, &agenda.work, &agenda.cursor)
            .await?;
        let rest: BTreeSet<i64> = again.difference(&seen).copied().collect();
        self.follow_work(rest, &agenda.cursor).await
    }

    /// Leavers first, then users, groups, members.
    async fn objects(
        &mut self,
        survey: Survey,
        work: &BTreeSet<i64>,
        position: &Cursor,
    ) -> Result<(), Halt> {
        let queued: Vec<i64> = survey.member_groups.intersection(work).copied().collect();
        if !queued.is_empty() {
            self.take_work(position, queued).await?;
        }
        for part in [&survey.leavers, &survey.users, &survey.groups] {
            for rids in part.chunks(PAGE) {
                self.check_stop_or_off().await?;
                let taken: Vec<i64> = rids
                    .iter()
                    .copied()
                    .filter(|rid| work.contains(rid))
                    .collect();
                if !taken.is_empty() {
                    self.take_work(position, taken).await?;
                }
                self.page(rids, Some(position.clone())).await?;
            }
        }
        let touched = std::mem::take(&mut self.touched_groups);
        if self.context.compiled.provisions_members() {
            let groups: Vec<i64> = touched.iter().copied().collect();
            for rids in groups.chunks(PAGE) {
                self.check_stop_or_off().await?;
                self.member_page(rids, None).await?;
            }
        }
        for rid in &touched {
            self.pending.remove(rid);
        }
        Ok(())
    }

    /// Moves rows from the queue into the cursor, so that a row queued from now on is a new one and a crash loses none.
    async fn take_work(&mut self, position: &Cursor, rids: Vec<i64>) -> Result<(), Error> {
        self.pending.extend(&rids);
        let text = self.position(position.clone()).text();
        let (lease, cycle_id) = (self.lease(), self.cycle.id.clone());
        self.write(move |tx| {
            job::work_done(tx, &lease, &rids)?;
            job::save_cursor(tx, &lease, &cycle_id, &text)
        })
        .await
    }

    /// A position with everything that a run which goes on from there must not forget: what was taken from the queue, and groups
    /// until their members are done.
    pub(crate) fn position(&self, position: Cursor) -> Cursor {
        // The phases before look at everything.
        if position.phase != Phase::Changes {
            return position;
        }
        let work = self.pending.union(&self.touched_groups).copied().collect();
        Cursor { work, ..position }
    }

    /// References and memberships that waited for what this cycle made.
    async fn follow_work(
        &mut self,
        mut extra: BTreeSet<i64>,
        position: &Cursor,
    ) -> Result<(), Halt> {
        let lease = self.lease();
        for _ in 0..WORK_ROUNDS {
            let mut wanted = Wanted {
                objects: std::mem::take(&mut extra),
                work: BTreeSet::new(),
                always: BTreeSet::new(),
                member_groups: std::mem::take(&mut self.touched_groups),
            };
            wanted.always.extend(&wanted.objects);
            collect_work(self.engine, &lease, &mut wanted).await?;
            let survey = guard::survey(&self.engine.store, &self.context, &lease, &wanted).await?;
            if survey.is_empty() {
                return Ok(());
            }
            self.total += u64::try_from(survey.objects().count()).unwrap_or(0);
            self.touched_groups
                .extend(survey.member_groups.iter().copied());
            self.objects(survey, &wanted.work, position).await?;
        }
        Ok(())
    }

    async fn check_stop_or_off(&self) -> Result<(), Halt> {
        self.check_stop()?;
        if !self.watch_job {
            return Ok(());
        }
        let (workspace, application) = (self.context.workspace, self.context.application);
        let job = self
            .engine
            .store
            .read(move |tx| job::get(tx, workspace, application))
            .await?;
        if matches!(job.state, State::Active | State::Quarantined) {
            Ok(())
        } else {
            Err(Halt::Stopped)
        }
    }
}
