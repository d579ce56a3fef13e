//! How a cycle ends: its status, the health of the job, and when it is due again.

use crate::{
    code,
    cycle::Wish,
    engine::EngineError,
    quarantine,
    retry::{self, Due},
    run::{Halt, Run},
};
use tenure_store::{
    Error, application, change, escrow, job,
    job::{Job, State},
    run::{self, Cycle, CycleKind},
};

/// How long the change feed keeps what every job has seen: seven days.
const FEED_KEPT_US: i64 = 7 * 86_400_000_000;

impl Run<'_> {
    /// Ends the cycle and says when the job is due again.
    pub(crate) async fn conclude(
        &mut self,
        result: Result<(), Halt>,
        job: &Job,
        wish: &Wish,
        head: i64,
        interval_us: i64,
    ) -> Result<Due, EngineError> {
        let now = self.engine.store.now_us();
        let since = job.quarantined_since_us.unwrap_or(now);
        let (status, message, health, run_at_us) = match result {
            Ok(()) => match self.verdict() {
                None => (
                    "completed",
                    // What a dry run only shows, a real one would hold.
                    self.hold.clone(),
                    self.healthy(job).await?,
                    now + interval_us,
                ),
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
                return Ok(Due::at(if wish.dry_run {
                    job.run_at_us
                } else {
                    retry::ladder_us(since, now)
                }));
            }
            Err(Halt::Unreachable(failure)) => {
                self.end("interrupted", Some(failure.message), None, None)
                    .await?;
                if wish.dry_run {
                    return Ok(Due::at(job.run_at_us));
                }
                let minutes = u32::try_from(interval_us / 60_000_000).unwrap_or(u32::MAX);
                let again_us = retry::interrupted_us(job.failures, now, minutes);
                let asked_us = now + retry::asked_us(failure.retry_after_s);
                return Ok(Due::not_before(again_us.max(asked_us)));
            }
            // The same cycle goes on when the program runs again.
            Err(Halt::Stopped) if *self.stop.borrow() => return Ok(Due::at(now)),
            Err(Halt::Stopped) => {
                self.end("interrupted", Some("switched off".to_owned()), None, None)
                    .await?;
                return Ok(Due::at(now));
            }
            Err(Halt::Store(error)) => return Err(error.into()),
        };
        if wish.dry_run {
            self.end("completed", message, None, None).await?;
            return Ok(Due::at(job.run_at_us));
        }
        self.end(status, message, health, Some(head)).await?;
        Ok(Due::at(run_at_us))
    }

    /// Ends what somebody asked for, which says nothing about the health of the job. `message` is of a run that came to its
    /// end; otherwise the cycle says why it did not.
    pub(crate) async fn finish(
        &self,
        result: Result<(), Halt>,
        message: Option<String>,
    ) -> Result<Cycle, EngineError> {
        let (status, message) = match &result {
            Ok(()) => ("completed", message),
            Err(Halt::Unreachable(failure)) => ("interrupted", Some(failure.message.clone())),
            Err(Halt::Unhealthy(_, reason)) => ("interrupted", Some(reason.clone())),
            Err(Halt::Stopped) => ("interrupted", None),
            Err(Halt::Store(error)) => ("interrupted", Some(error.to_string())),
        };
        // Whoever has the job now ends what this run left.
        if !matches!(result, Err(Halt::Store(Error::StaleFence))) {
            self.end(status, message, None, None).await?;
        }
        result.map_err(Halt::into_error)?;
        let (workspace, cycle_id) = (self.context.workspace, self.cycle.id.clone());
        self.engine
            .store
            .read(move |tx| run::get(tx, workspace, &cycle_id))
            .await?
            .ok_or_else(|| Error::NotFound("the cycle".to_owned()).into())
    }

    /// A clean cycle lifts a quarantine, but not while deletions that caused it are still held.
    async fn healthy(&self, job: &Job) -> Result<Option<Option<(&'static str, String)>>, Error> {
        if job.state != State::Quarantined {
            return Ok(None);
        }
        let (workspace, application) = (self.context.workspace, self.context.application);
        let is_held = job.quarantine_code.as_deref() == Some(quarantine::TOO_MANY_DELETES)
            && self
                .engine
                .store
                .read(move |tx| escrow::held_count(tx, workspace, application, code::STAGED))
                .await?
                > 0;
        Ok((!is_held).then_some(None))
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
    pub(crate) async fn end(
        &self,
        status: &'static str,
        message: Option<String>,
        health: Option<Option<(&'static str, String)>>,
        watermark: Option<i64>,
    ) -> Result<(), Error> {
        let (lease, cycle_id, counts) = (self.lease(), self.cycle.id.clone(), self.counts);
        let (workspace, key, version) = (
            self.context.workspace,
            self.context.application,
            self.version,
        );
        let kind = self.cycle.kind;
        let was_incremental = self.cycle.kind == CycleKind::Incremental;
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
                // A configuration that changed meanwhile wants a full cycle.
                let is_current = application::get(tx, workspace, key)?.version == version
                    && (!was_incremental || job::get(tx, workspace, key)?.watermark.is_some());
                job::finish_cycle(tx, &lease, is_current.then_some(watermark))?;
                change::prune(tx, workspace, FEED_KEPT_US)?;
            }
            Ok(())
        })
        .await?;
        self.engine.metrics.cycle_ended(kind, status);
        Ok(())
    }
}
