//! One cycle: what to look at, in which order, and how it ends.

use crate::{
    connection,
    engine::{Engine, EngineError, now_us},
    guard::{self, Survey, Wanted},
    lease::HeldLease,
    page::PAGE,
    quarantine, retry,
    run::{Halt, Reach, Run},
    target::WriteTarget,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashSet};
use tenure_plan::config::Scope;
use tenure_store::{
    Actor, Error, Kind, assignment, change,
    change::What,
    escrow, job,
    job::{Job, Lease, State},
    run::{self, Counts, Cycle, CycleKind},
};

/// Feed rows read at a time.
const FEED_CHUNK: u32 = 1_000;
/// Queued work and due escrows taken into one cycle.
const WORK: u32 = 10_000;
/// How often references that were woken inside a cycle are followed.
const WORK_ROUNDS: usize = 3;

/// What kind of run is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    /// Plan only.
    pub(crate) dry_run: bool,
    /// Somebody asked for it: also when there is nothing to do and when the job is off.
    pub(crate) always: bool,
}

/// Resume position, as it is stored.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Cursor {
    /// Feed position at the start: the watermark of the cycle.
    head: i64,
    phase: Phase,
    /// Last object dealt with in this phase.
    after: i64,
    /// Taken from the work queue and not dealt with yet.
    #[serde(default)]
    work: Vec<i64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Phase {
    #[default]
    Users,
    Groups,
    Members,
    /// What changed, for incremental cycles; what was queued meanwhile, for initial ones.
    Changes,
}

impl Cursor {
    fn text(&self) -> String {
        serde_json::to_value(self).unwrap_or_default().to_string()
    }
}

/// What a cycle has to look at.
struct Agenda {
    kind: CycleKind,
    cursor: Cursor,
    survey: Survey,
    work: BTreeSet<i64>,
    /// A request that nobody knows the fate of, or an unhealthy job: there is something to do in any case.
    must_run: bool,
}

impl Agenda {
    fn is_idle(&self) -> bool {
        self.kind == CycleKind::Incremental && self.survey.is_empty() && !self.must_run
    }
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
    let outcome = attempt(engine, &held, wish, stop, &job).await;
    match outcome {
        Ok((cycle, run_at_us)) => {
            held.release(run_at_us).await?;
            Ok(cycle)
        }
        Err(error) => {
            let run_at_us = if wish.dry_run {
                job.run_at_us
            } else {
                retry::interrupted_us(job.failures, now_us(), 60)
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
            held.release(run_at_us).await?;
            Err(error)
        }
    }
}

async fn attempt(
    engine: &Engine,
    held: &HeldLease,
    wish: Wish,
    stop: tokio::sync::watch::Receiver<bool>,
    job: &Job,
) -> Result<(Option<Cycle>, i64), EngineError> {
    let prepared = engine.prepare(job.workspace, job.application).await?;
    let interval_us =
        i64::from(prepared.context.compiled.config.interval_minutes.max(1)) * 60_000_000;
    let agenda = agenda(engine, &prepared.context, held.lease(), job, wish).await?;
    if agenda.is_idle() && !wish.always {
        finish_quietly(engine, held.lease(), agenda.cursor.head).await?;
        return Ok((None, now_us() + interval_us));
    }
    let reader = engine.target(&prepared);
    let reach = if wish.dry_run {
        Reach::Read(reader)
    } else {
        Reach::Write(WriteTarget::new(reader))
    };
    let (cycle, counts) = begin(engine, held.lease(), job, &agenda, &prepared.context).await?;
    let mut run = Run {
        engine,
        context: prepared.context,
        held,
        reach,
        counts,
        done: cycle.done,
        total: cycle.total,
        verbose: agenda.kind != CycleKind::Incremental,
        cycle,
        hold: None,
        held_operations: 0,
        touched_groups: BTreeSet::new(),
        reconciled: HashSet::new(),
        stop,
        watch_job: !wish.always,
        initiator: "Tenure".to_owned(),
        last_records: Vec::new(),
    };
    let head = agenda.cursor.head;
    let idle = agenda.is_idle();
    let result = if idle {
        Ok(())
    } else {
        run.phases(agenda).await
    };
    let run_at_us = run.conclude(result, job, wish, head, interval_us).await?;
    let cycle_id = run.cycle.id.clone();
    let workspace = job.workspace;
    let cycle = engine
        .store
        .read(move |tx| run::get(tx, workspace, &cycle_id))
        .await?;
    Ok((cycle, run_at_us))
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
    context: &crate::load::Context,
) -> Result<(Cycle, Counts), EngineError> {
    let (lease, kind, cursor, context) = (
        lease.clone(),
        agenda.kind,
        agenda.cursor.clone(),
        context.clone(),
    );
    let interrupted = job.cycle_id.clone();
    let survey_total = u64::try_from(agenda.survey.objects().count()).unwrap_or(u64::MAX);
    let begun = engine
        .store
        .write_background(Actor::system(), move |tx| {
            if kind == CycleKind::DryRun {
                let total = full_total(tx, &context)?;
                let cycle = run::begin(tx, &lease, kind, total)?;
                return Ok((cycle, Counts::default()));
            }
            if let Some(id) = &interrupted
                && let Some(cycle) = run::get(tx, context.workspace, id)?
                && cycle.ended_us.is_none()
            {
                if cycle.kind == kind {
                    let counts = cycle.counts;
                    return Ok((cycle, counts));
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
            Ok((cycle, Counts::default()))
        })
        .await?;
    Ok(begun)
}

fn full_total(tx: &mut tenure_store::Tx<'_>, context: &crate::load::Context) -> Result<u64, Error> {
    let all = context.compiled.config.scope == Scope::All;
    let mut total = 0;
    for kind in guard::kinds(context) {
        total +=
            assignment::candidate_count(tx, context.workspace, context.application, kind, all)?;
    }
    Ok(total)
}

/// Decides between initial and incremental, and collects what the latter has to look at.
async fn agenda(
    engine: &Engine,
    context: &crate::load::Context,
    lease: &Lease,
    job: &Job,
    wish: Wish,
) -> Result<Agenda, EngineError> {
    let (workspace, application) = (job.workspace, job.application);
    let saved: Option<Cursor> = job
        .cycle_cursor
        .as_deref()
        .and_then(|text| serde_json::from_str(text).ok());
    let (head, floor, has_unresolved) = engine
        .store
        .read(move |tx| {
            Ok((
                change::head(tx, workspace)?,
                change::floor(tx, workspace)?,
                !run::unresolved(tx, workspace, application, 1)?.is_empty(),
            ))
        })
        .await?;
    let full = |kind, cursor| Agenda {
        kind,
        cursor,
        survey: Survey::default(),
        work: BTreeSet::new(),
        must_run: true,
    };
    if wish.dry_run {
        return Ok(full(
            CycleKind::DryRun,
            Cursor {
                head,
                ..Cursor::default()
            },
        ));
    }
    let Some(watermark) = job.watermark.filter(|watermark| *watermark >= floor) else {
        let cursor = saved.unwrap_or(Cursor {
            head,
            ..Cursor::default()
        });
        return Ok(full(CycleKind::Initial, cursor));
    };
    let mut wanted = Wanted {
        objects: BTreeSet::new(),
        work: BTreeSet::new(),
        always: BTreeSet::new(),
        member_groups: BTreeSet::new(),
    };
    read_feed(engine, job, watermark, head, &mut wanted).await?;
    if let Some(saved) = saved {
        wanted.objects.extend(saved.work);
    }
    collect_work(engine, lease, &mut wanted).await?;
    let due = engine
        .store
        .read(move |tx| escrow::due(tx, workspace, application, WORK))
        .await?;
    for one in due {
        wanted.objects.insert(one.rid);
        wanted.always.insert(one.rid);
        if one.kind == Kind::Group {
            wanted.member_groups.insert(one.rid);
        }
    }
    let survey = guard::survey(&engine.store, context, lease, &wanted).await?;
    let must_run = has_unresolved || job.state == State::Quarantined;
    let cursor = Cursor {
        head,
        phase: Phase::Changes,
        ..Cursor::default()
    };
    Ok(Agenda {
        kind: CycleKind::Incremental,
        cursor,
        survey,
        work: wanted.work,
        must_run,
    })
}

async fn read_feed(
    engine: &Engine,
    job: &Job,
    watermark: i64,
    head: i64,
    wanted: &mut Wanted,
) -> Result<(), Error> {
    let (workspace, mut position) = (job.workspace, watermark);
    while position < head {
        let rows = engine
            .store
            .read(move |tx| change::read(tx, workspace, position, FEED_CHUNK))
            .await?;
        let Some(last) = rows.last() else { break };
        position = last.seq;
        for row in rows {
            match row.what {
                What::Created | What::Updated | What::Deleted => {
                    wanted.objects.insert(row.rid);
                }
                // Who is in a group also decides who is entitled.
                What::MemberAdded | What::MemberRemoved => {
                    wanted.objects.extend(row.other);
                    wanted.member_groups.insert(row.rid);
                }
            }
        }
    }
    Ok(())
}

async fn collect_work(engine: &Engine, lease: &Lease, wanted: &mut Wanted) -> Result<(), Error> {
    let lease = lease.clone();
    let work = engine
        .store
        .read(move |tx| job::work(tx, &lease, WORK))
        .await?;
    for (rid, kind) in work {
        wanted.objects.insert(rid);
        wanted.work.insert(rid);
        if kind == Kind::Group {
            wanted.member_groups.insert(rid);
        }
    }
    Ok(())
}

impl Run<'_> {
    async fn phases(&mut self, agenda: Agenda) -> Result<(), Halt> {
        connection::precheck(self.reach.reader(), &self.context.compiled).await?;
        let again = if agenda.kind == CycleKind::DryRun {
            BTreeSet::new()
        } else {
            self.reconcile().await?
        };
        if agenda.kind == CycleKind::Incremental {
            self.guard(Some(agenda.survey.leavers.len())).await?;
            self.incremental(agenda, again).await
        } else {
            self.guard(None).await?;
            self.full(agenda.cursor).await?;
            if agenda.kind == CycleKind::DryRun {
                Ok(())
            } else {
                self.follow_work(again).await
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
            while enabled {
                self.check_stop_or_off().await?;
                let rids = self.candidates(kind, cursor.after).await?;
                let Some(last) = rids.last() else { break };
                cursor.after = *last;
                let text = (!is_dry).then(|| cursor.text());
                if phase == Phase::Members {
                    self.member_page(&rids, text).await?;
                } else {
                    self.page(&rids, text).await?;
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
        self.objects(agenda.survey, &agenda.work, agenda.cursor.head)
            .await?;
        let rest: BTreeSet<i64> = again.difference(&seen).copied().collect();
        self.follow_work(rest).await
    }

    /// Leavers first, then users, groups, members.
    async fn objects(
        &mut self,
        survey: Survey,
        work: &BTreeSet<i64>,
        head: i64,
    ) -> Result<(), Halt> {
        for part in [&survey.leavers, &survey.users, &survey.groups] {
            for rids in part.chunks(PAGE) {
                self.check_stop_or_off().await?;
                let taken: Vec<i64> = rids
                    .iter()
                    .copied()
                    .filter(|rid| work.contains(rid))
                    .collect();
                let mut cursor = Cursor {
                    head,
                    phase: Phase::Changes,
                    after: 0,
                    work: taken,
                };
                if !cursor.work.is_empty() {
                    self.take_work(&cursor).await?;
                    cursor.work.clear();
                }
                self.page(rids, Some(cursor.text())).await?;
            }
        }
        let groups: Vec<i64> = std::mem::take(&mut self.touched_groups)
            .into_iter()
            .collect();
        if self.context.compiled.provisions_members() {
            for rids in groups.chunks(PAGE) {
                self.check_stop_or_off().await?;
                self.member_page(rids, None).await?;
            }
        }
        Ok(())
    }

    /// Moves rows from the queue into the cursor, so that a row queued from now on is a new one and a crash loses none.
    async fn take_work(&self, cursor: &Cursor) -> Result<(), Error> {
        let (lease, cycle_id, text, rids) = (
            self.lease(),
            self.cycle.id.clone(),
            cursor.text(),
            cursor.work.clone(),
        );
        self.write(move |tx| {
            job::work_done(tx, &lease, &rids)?;
            job::save_cursor(tx, &lease, &cycle_id, &text)
        })
        .await
    }

    /// References and memberships that waited for what this cycle made.
    async fn follow_work(&mut self, mut extra: BTreeSet<i64>) -> Result<(), Halt> {
        let (workspace, lease) = (self.context.workspace, self.lease());
        let head = self
            .engine
            .store
            .read(move |tx| change::head(tx, workspace))
            .await?;
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
            self.objects(survey, &wanted.work, head).await?;
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

    /// Ends the cycle and says when the job is due again.
    async fn conclude(
        &mut self,
        result: Result<(), Halt>,
        job: &Job,
        wish: Wish,
        head: i64,
        interval_us: i64,
    ) -> Result<i64, EngineError> {
        let now = now_us();
        let since = job.quarantined_since_us.unwrap_or(now);
        let (status, message, health, run_at_us) = match result {
            Ok(()) => match self.verdict() {
                None => ("completed", None, Some(None), now + interval_us),
                Some((code, reason)) => (
                    "quarantined",
                    Some(reason.clone()),
                    Some(Some((code, reason))),
                    retry::ladder_us(since, now),
                ),
            },
            Err(Halt::Unhealthy(code, reason)) => {
                self.end(
                    "quarantined",
                    Some(reason.clone()),
                    (!wish.dry_run).then_some(Some((code, reason))),
                    None,
                )
                .await?;
                return Ok(if wish.dry_run {
                    job.run_at_us
                } else {
                    retry::ladder_us(since, now)
                });
            }
            Err(Halt::Unreachable(failure)) => {
                self.end("interrupted", Some(failure.message), None, None)
                    .await?;
                let minutes = u32::try_from(interval_us / 60_000_000).unwrap_or(u32::MAX);
                return Ok(if wish.dry_run {
                    job.run_at_us
                } else {
                    retry::interrupted_us(job.failures, now, minutes)
                });
            }
            // The same cycle goes on when the program runs again.
            Err(Halt::Stopped) => return Ok(now),
            Err(Halt::Store(error)) => return Err(error.into()),
        };
        if wish.dry_run {
            self.end("completed", message, None, None).await?;
            return Ok(job.run_at_us);
        }
        self.end(status, message, health, Some(head)).await?;
        Ok(run_at_us)
    }

    fn verdict(&self) -> Option<(&'static str, String)> {
        if let (Some(why), true) = (&self.hold, self.held_operations > 0) {
            return Some((
                quarantine::TOO_MANY_DELETES,
                format!("{why}; {} operations are held", self.held_operations),
            ));
        }
        let counts = &self.counts;
        quarantine::by_failures(
            counts.failed,
            counts.created + counts.updated + counts.disabled + counts.deleted + counts.skipped,
        )
    }

    /// `health`: what the quarantine becomes, if it changes; `watermark`: the cycle is over for good.
    async fn end(
        &self,
        status: &'static str,
        message: Option<String>,
        health: Option<Option<(&'static str, String)>>,
        watermark: Option<i64>,
    ) -> Result<(), Error> {
        let (lease, cycle_id, counts) = (self.lease(), self.cycle.id.clone(), self.counts);
        self.write(move |tx| {
            run::end(tx, &lease, &cycle_id, status, &counts, message.as_deref())?;
            if let Some(health) = &health {
                job::set_quarantine(
                    tx,
                    &lease,
                    health
                        .as_ref()
                        .map(|(code, reason)| (*code, reason.as_str())),
                )?;
            }
            if let Some(watermark) = watermark {
                job::finish_cycle(tx, &lease, Some(watermark))?;
            }
            Ok(())
        })
        .await
    }
}
