//! One run of one job: what its parts share.

use crate::{
    apply::Expected,
    doubt::Doubts,
    engine::{Engine, EngineError, Prepared},
    lease::HeldLease,
    load::{self, Context, Hint, Loaded},
    record::{self, Record},
    target::{Failure, FailureKind, ReadTarget, WriteTarget},
};
use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};
use tenure_store::{
    Actor, Error, Kind, Tx, job,
    job::Lease,
    run::{self, Counts, Cycle, CycleKind, OperationState},
};

/// Why a cycle ends early.
#[derive(Debug)]
pub(crate) enum Halt {
    /// The store refused, or the lease is lost.
    Store(Error),
    /// The target cannot be reached: interrupted, to be continued.
    Unreachable(Failure),
    /// Nothing will work until somebody repairs it: quarantine with code and reason.
    Unhealthy(&'static str, String),
    /// The program ends or the job was switched off.
    Stopped,
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl Halt {
    /// A failure that concerns the whole target, not one object.
    pub(crate) fn from_failure(failure: &Failure) -> Option<Self> {
        match failure.kind {
            FailureKind::Unreachable => Some(Self::Unreachable(failure.clone())),
            FailureKind::LeaseLost => Some(Self::Store(Error::StaleFence)),
            FailureKind::Refused => Some(Self::Unhealthy(
                crate::quarantine::EXCEPTION,
                failure.message.clone(),
            )),
            FailureKind::Answered if failure.is_status(401) => Some(Self::Unhealthy(
                crate::quarantine::EXCEPTION,
                failure.message.clone(),
            )),
            FailureKind::Answered | FailureKind::Lost => None,
        }
    }

    pub(crate) fn into_error(self) -> EngineError {
        match self {
            Self::Store(error) => EngineError::Store(error),
            Self::Unreachable(failure) => EngineError::Target {
                code: failure.code.to_owned(),
                message: failure.message,
            },
            Self::Unhealthy(code, message) => EngineError::Target {
                code: code.to_owned(),
                message,
            },
            Self::Stopped => EngineError::Running,
        }
    }
}

/// How far this run reaches: a dry run has no way to write.
#[derive(Clone)]
pub(crate) enum Reach {
    Read(ReadTarget),
    Write(WriteTarget),
}

impl Reach {
    pub(crate) fn reader(&self) -> &ReadTarget {
        match self {
            Self::Read(reader) => reader,
            Self::Write(writer) => writer.reader(),
        }
    }
}

/// The state of a running cycle.
pub(crate) struct Run<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) context: Context,
    pub(crate) held: &'a HeldLease,
    pub(crate) reach: Reach,
    pub(crate) cycle: Cycle,
    pub(crate) counts: Counts,
    pub(crate) done: u64,
    pub(crate) total: u64,
    /// Log objects with nothing to do.
    pub(crate) verbose: bool,
    /// Why operations that take access are held; `None`: they are carried out.
    pub(crate) hold: Option<String>,
    pub(crate) held_operations: u64,
    /// How many more operations of this cycle may take access, whoever was counted before it began; `None`: any number.
    pub(crate) losses_left: Option<u32>,
    /// Objects that may lose access although others are held.
    pub(crate) approved: Arc<HashSet<i64>>,
    /// Groups whose members may have to be exported.
    pub(crate) touched_groups: BTreeSet<i64>,
    /// Taken from the work queue by this cycle, perhaps in an earlier run of it, and not dealt with yet.
    pub(crate) pending: BTreeSet<i64>,
    /// Accounts that perhaps were created.
    pub(crate) doubts: Doubts,
    /// Perhaps created already: the target could not say in this run.
    pub(crate) unanswered: HashSet<i64>,
    /// Counted already when the fate of a lost request was found out.
    pub(crate) reconciled: HashSet<i64>,
    pub(crate) stop: tokio::sync::watch::Receiver<bool>,
    /// End when an administrator switches the job off.
    pub(crate) watch_job: bool,
    /// Version of the configuration that this run works with.
    pub(crate) version: i64,
    pub(crate) initiator: String,
    /// What was written last, for provisioning on demand.
    pub(crate) last_records: Vec<Record>,
    /// The plan that is carried out: what it says about each object, and nothing else. `None`: what the planner says now.
    pub(crate) expected: Option<Expected>,
    /// Read every linked account before planning: the ledger may be wrong about it.
    pub(crate) refresh: bool,
    /// Types of which the target was read as a whole, for matching.
    pub(crate) listed: HashSet<Kind>,
}

impl<'a> Run<'a> {
    /// A run of a cycle that has begun.
    pub(crate) fn new(
        engine: &'a Engine,
        prepared: Prepared,
        held: &'a HeldLease,
        reach: Reach,
        cycle: Cycle,
        stop: tokio::sync::watch::Receiver<bool>,
    ) -> Self {
        Self {
            engine,
            context: prepared.context,
            held,
            reach,
            counts: cycle.counts,
            done: cycle.done,
            total: cycle.total,
            verbose: cycle.kind != CycleKind::Incremental,
            cycle,
            hold: None,
            held_operations: 0,
            losses_left: None,
            approved: Arc::default(),
            touched_groups: BTreeSet::new(),
            pending: BTreeSet::new(),
            doubts: Doubts::default(),
            unanswered: HashSet::new(),
            reconciled: HashSet::new(),
            stop,
            watch_job: false,
            version: prepared.application.version,
            initiator: "Tenure".to_owned(),
            last_records: Vec::new(),
            expected: None,
            refresh: false,
            listed: HashSet::new(),
        }
    }
}

impl Run<'_> {
    pub(crate) fn lease(&self) -> Lease {
        self.held.lease().clone()
    }

    /// Ends the cycle when the lease is not surely ours.
    pub(crate) fn check_lease(&self) -> Result<(), Halt> {
        if self.held.watch().is_ours() {
            Ok(())
        } else {
            Err(Halt::Store(Error::StaleFence))
        }
    }

    /// Between pages: the program ends, or an administrator switched the job off.
    pub(crate) fn check_stop(&self) -> Result<(), Halt> {
        self.check_lease()?;
        if *self.stop.borrow() {
            Err(Halt::Stopped)
        } else {
            Ok(())
        }
    }

    pub(crate) async fn write<T, F>(&self, operation: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.engine
            .store
            .write_background(Actor::system(), operation)
            .await
    }

    /// Reads and plans objects; unknown ones are left out.
    pub(crate) async fn load(&self, wanted: Vec<(i64, Hint)>) -> Result<Vec<Loaded>, Error> {
        let context = self.context.clone();
        self.engine
            .store
            .read(move |tx| {
                let mut loaded = Vec::with_capacity(wanted.len());
                for (rid, hint) in &wanted {
                    loaded.extend(load::load(tx, &context, *rid, hint)?);
                }
                Ok(loaded)
            })
            .await
    }

    /// Writes what happened to a page, with the counters and the resume position.
    pub(crate) async fn record(
        &mut self,
        records: Vec<Record>,
        done: u64,
        cursor: Option<String>,
    ) -> Result<(), Error> {
        let is_dry = matches!(self.reach, Reach::Read(_));
        for record in &records {
            record.tally.add_to(&mut self.counts);
            if !is_dry {
                self.engine.metrics.object(record.tally);
            }
        }
        self.done += done;
        self.total = self.total.max(self.done);
        let (lease, context, cycle_id, initiator) = (
            self.lease(),
            self.context.clone(),
            self.cycle.id.clone(),
            self.initiator.clone(),
        );
        let (done, total, counts) = (self.done, self.total, self.counts);
        self.last_records.clone_from(&records);
        self.write(move |tx| {
            // A dry run leaves nothing behind but its plan.
            if !is_dry {
                record::write(tx, &lease, &context, &cycle_id, &records, &initiator)?;
            }
            run::progress(tx, &lease, &cycle_id, done, total, &counts)?;
            if let Some(cursor) = &cursor {
                job::save_cursor(tx, &lease, &cycle_id, cursor)?;
            }
            Ok(())
        })
        .await
    }

    /// Operations whose fate is not known and stays so for now.
    pub(crate) async fn settle(&self, states: Vec<(i64, OperationState)>) -> Result<(), Error> {
        let lease = self.lease();
        self.write(move |tx| run::settle(tx, &lease, &states)).await
    }
}
