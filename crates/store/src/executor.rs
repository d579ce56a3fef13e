//! Threads that own connections: writers with group commit (SQLite has one, PostgreSQL several), readers, bounded queues.

use crate::{
    Error,
    connection::{Access, Database, Verdict},
    metrics::QueueMetrics,
    store::{Actor, Context, Tx},
};
use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tracing::Span;

/// Jobs that may wait in one queue; more are refused with `Busy`.
const QUEUE: usize = 4096;
/// Most jobs of one commit.
const BATCH: usize = 256;
/// Most work of one commit before it is written.
const BATCH_TIME: Duration = Duration::from_millis(5);
/// Most runs of a job that others are in the way of.
const ATTEMPTS: u32 = 10;

/// How soon a job is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Interactive,
    Background,
}

/// What a job does, and how its caller learns the outcome.
type Run = Box<dyn FnMut(&mut Tx<'_>) -> Result<(), Error> + Send>;
type Answer = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// A closure with its answer. `run` may be called again only if what it did was rolled back.
pub(crate) struct Job {
    pub(crate) actor: Actor,
    pub(crate) run: Run,
    pub(crate) answer: Answer,
    /// Runs that were rolled back because somebody else was in the way.
    pub(crate) attempts: u32,
    /// Where it comes from, for what is logged while it runs.
    pub(crate) span: Span,
}

#[derive(Default)]
struct State {
    interactive: VecDeque<Job>,
    background: VecDeque<Job>,
    closing: bool,
}

impl State {
    /// The next job, interactive ones first.
    fn pop(&mut self, metrics: &QueueMetrics) -> Option<Job> {
        if let Some(job) = self.interactive.pop_front() {
            metrics.interactive.dec();
            return Some(job);
        }
        let job = self.background.pop_front()?;
        metrics.background.dec();
        Some(job)
    }
}

/// A bounded queue with two classes.
pub(crate) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
    metrics: QueueMetrics,
}

impl Queue {
    pub(crate) fn new(metrics: QueueMetrics) -> Self {
        Self {
            state: Mutex::default(),
            filled: Condvar::new(),
            metrics,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while holding the lock cannot leave the queues half-changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job, or answers it with `Busy`.
    pub(crate) fn push(&self, class: Class, job: Job) {
        let mut state = self.lock();
        let closing = state.closing;
        let (queue, waiting) = match class {
            Class::Interactive => (&mut state.interactive, &self.metrics.interactive),
            Class::Background => (&mut state.background, &self.metrics.background),
        };
        if closing || queue.len() >= QUEUE {
            drop(state);
            self.metrics.refused.inc();
            (job.answer)(Err(Error::Busy));
            return;
        }
        queue.push_back(job);
        waiting.inc();
        drop(state);
        self.filled.notify_one();
    }

    /// The next job, interactive ones first; `None` when the queue is closed and empty.
    fn wait(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.pop(&self.metrics) {
                return Some(job);
            }
            if state.closing {
                return None;
            }
            state = self
                .filled
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn next(&self) -> Option<Job> {
        self.lock().pop(&self.metrics)
    }

    /// Refuses new jobs; threads end when what is queued is done.
    pub(crate) fn close(&self) {
        self.lock().closing = true;
        self.filled.notify_all();
    }
}

/// Runs one closure; a panic is an error of this job alone.
fn attempt(job: &mut Job, tx: &mut Tx<'_>) -> Result<(), Error> {
    let span = job.span.clone();
    let _entered = span.enter();
    match catch_unwind(AssertUnwindSafe(|| (job.run)(tx))) {
        Ok(result) => result,
        Err(_) => {
            tracing::error!("a store operation panicked");
            Err(Error::Database("internal error".to_owned()))
        }
    }
}

/// A job that ran in the open transaction.
struct Ran {
    job: Job,
    result: Result<(), Error>,
    touched_feed: bool,
}

/// Starts a writer thread.
pub(crate) fn writer(
    mut database: Box<dyn Database + Send>,
    queue: Arc<Queue>,
    context: Arc<Context>,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name("store-writer".to_owned())
        .spawn(move || {
            let mut again = VecDeque::new();
            while let Some(first) = again.pop_front().or_else(|| queue.wait()) {
                pause_before(first.attempts);
                write_batch(database.as_mut(), first, &queue, &context, &mut again);
            }
            database.close();
        })
}

/// Runs one job in a transaction of its own.
pub(crate) fn write_now(database: &mut dyn Database, job: Job, queue: &Queue, context: &Context) {
    let mut again = VecDeque::from([job]);
    while let Some(job) = again.pop_front() {
        write_batch(database, job, queue, context, &mut again);
    }
}

/// Begin, a savepoint for each job, one commit; only then the answers. Jobs that have to run once more go to `again`.
fn write_batch(
    database: &mut dyn Database,
    first: Job,
    queue: &Queue,
    context: &Context,
    again: &mut VecDeque<Job>,
) {
    if let Err(error) = database.begin(Access::Write) {
        context.metrics.failed();
        (first.answer)(Err(error));
        return;
    }
    let started = Instant::now();
    let mut ran: Vec<Ran> = Vec::new();
    // A job that others were in the way of gets a transaction of its own.
    let alone = first.attempts > 0;
    let mut next = Some(first);
    while let Some(mut job) = next.take() {
        database.job_begins(job.attempts);
        let (result, touched_feed) = savepoint(database, &mut job, context);
        if database.verdict() == Verdict::Lost || !database.in_transaction() {
            // Nothing of this batch is left, and another savepoint would begin a transaction of its own.
            let lost = match (database.verdict(), &result) {
                (Verdict::Lost, _) => Error::Busy,
                (_, Err(Error::Full)) => Error::Full,
                _ => Error::Database("a grave error undid the whole transaction".to_owned()),
            };
            ran.push(Ran {
                job,
                result,
                touched_feed,
            });
            roll_back(database);
            context.metrics.failed();
            return fail_all(ran, &lost);
        }
        if database.verdict() == Verdict::Again && job.attempts + 1 < ATTEMPTS {
            job.attempts += 1;
            again.push_back(job);
            break;
        }
        ran.push(Ran {
            job,
            result,
            touched_feed,
        });
        if !alone && ran.len() < BATCH && started.elapsed() < BATCH_TIME {
            next = queue.next();
        }
    }
    finish(database, ran, context, again, started);
}

/// Commits and answers.
fn finish(
    database: &mut dyn Database,
    ran: Vec<Ran>,
    context: &Context,
    again: &mut VecDeque<Job>,
    started: Instant,
) {
    let committing = Instant::now();
    if let Err(error) = database.commit() {
        roll_back(database);
        if matches!(error, Error::Busy) && database.verdict() == Verdict::Again {
            // Certainly nothing was written. One by one, they are less in each other's way.
            for Ran {
                mut job, result, ..
            } in ran
            {
                match result {
                    Ok(()) if job.attempts + 1 < ATTEMPTS => {
                        job.attempts += 1;
                        again.push_back(job);
                    }
                    Ok(()) => (job.answer)(Err(Error::Busy)),
                    Err(error) => (job.answer)(Err(error)),
                }
            }
            return;
        }
        context.metrics.failed();
        return fail_all(ran, &error);
    }
    context
        .metrics
        .committed(ran.len(), started.elapsed(), committing.elapsed());
    if ran.iter().any(|ran| ran.result.is_ok() && ran.touched_feed) {
        context.feed_changed();
    }
    for Ran { job, result, .. } in ran {
        (job.answer)(result);
    }
}

fn roll_back(database: &mut dyn Database) {
    if database.in_transaction()
        && let Err(error) = database.rollback()
    {
        tracing::error!(%error, "a failed transaction could not be rolled back; stopping");
        std::process::abort();
    }
}

/// Twice as long each time, and never the same for two threads.
fn pause_before(attempt: u32) {
    if attempt < 2 {
        return;
    }
    let longest_ms = 1_u64 << attempt.min(8);
    let random = crate::node::random::<1>().map_or(255, |[byte]| u64::from(byte));
    std::thread::sleep(Duration::from_micros(
        longest_ms * 1000 * (random + 1) / 256,
    ));
}

/// Nothing was written, so that every job failed, whatever its closure said.
fn fail_all(ran: Vec<Ran>, error: &Error) {
    tracing::error!(%error, jobs = ran.len(), "a write transaction failed");
    for Ran { job, result, .. } in ran {
        (job.answer)(Err(match (result, error) {
            (Err(own), _) => own,
            (Ok(()), Error::Busy) => Error::Busy,
            (Ok(()), Error::Full) => Error::Full,
            (Ok(()), other) => Error::Database(other.to_string()),
        }));
    }
}

/// Runs a job so that its failure undoes nothing else. The second value says whether it touched the feed.
fn savepoint(
    database: &mut dyn Database,
    job: &mut Job,
    context: &Context,
) -> (Result<(), Error>, bool) {
    if let Err(error) = database.batch("SAVEPOINT job") {
        return (Err(error), false);
    }
    let mut tx = Tx::new(&mut *database, context, job.actor.clone());
    let result = attempt(job, &mut tx);
    let touched = tx.touched_feed();
    let result = match (result, database.verdict()) {
        (result, Verdict::Lost) => return (result.and(Err(Error::Busy)), false),
        // The closure may have overlooked the error; the transaction has not.
        (Ok(()), Verdict::Again) => Err(Error::Busy),
        (result, _) => result,
    };
    let ended = match &result {
        Ok(()) => database.batch("RELEASE job"),
        Err(_) => database.batch("ROLLBACK TO job; RELEASE job"),
    };
    match ended {
        Ok(()) => (result, touched),
        Err(error) => {
            // Without its savepoint, nobody knows what the transaction holds.
            roll_back(database);
            (result.and(Err(error)), false)
        }
    }
}

/// Starts a reader thread.
pub(crate) fn reader(
    mut database: Box<dyn Database + Send>,
    queue: Arc<Queue>,
    context: Arc<Context>,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name("store-reader".to_owned())
        .spawn(move || {
            while let Some(job) = queue.wait() {
                read_now(database.as_mut(), job, &context);
            }
            database.close();
        })
}

/// Runs one closure over a snapshot and answers.
pub(crate) fn read_now(database: &mut dyn Database, mut job: Job, context: &Context) {
    let mut result = read(database, &mut job, context);
    while database.verdict() != Verdict::Stands && job.attempts < 2 {
        // Reading twice does no harm.
        job.attempts += 1;
        result = read(database, &mut job, context);
    }
    (job.answer)(result);
}

fn read(database: &mut dyn Database, job: &mut Job, context: &Context) -> Result<(), Error> {
    database.begin(Access::Read)?;
    database.job_begins(job.attempts);
    let mut tx = Tx::new(&mut *database, context, job.actor.clone());
    let result = attempt(job, &mut tx);
    // Nothing was written, so giving the snapshot back by a rollback is the same as a commit.
    roll_back(database);
    match database.verdict() {
        Verdict::Stands => result,
        _ => result.and(Err(Error::Busy)),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Actor, Error, Store, Tx, audit, workspace};
    use std::sync::{Mutex, mpsc};

    /// A full disk ends a transaction by itself; `ROLLBACK` inside of a job stands for that.
    #[test]
    fn a_lost_transaction_fails_its_jobs_and_no_others() {
        let store = Store::open_in_memory().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let (release, wait) = mpsc::channel::<()>();
        let wait = Mutex::new(wait);
        let hold = move |_: &mut Tx<'_>| {
            wait.lock().unwrap().recv().unwrap();
            Ok(())
        };
        let create =
            |name: &'static str| move |tx: &mut Tx<'_>| workspace::create(tx, name).map(drop);
        let lose = |tx: &mut Tx<'_>| {
            tx.execute("ROLLBACK", &[])?;
            Err::<(), _>(Error::Database("disk full".to_owned()))
        };
        let write = Actor::system;
        let (held, before, lost, after, ()) = runtime.block_on(async {
            tokio::join!(
                store.write(write(), hold),
                store.write(write(), create("before")),
                store.write(write(), lose),
                store.write(write(), create("after")),
                async { release.send(()).unwrap() },
            )
        });
        // Whether the first ones shared the transaction is a matter of time; what was answered is what is there.
        held.unwrap_or_default();
        assert!(lost.is_err());
        after.unwrap();
        let found = store.read_blocking(workspace::list).unwrap();
        let names: Vec<&str> = found
            .iter()
            .map(|workspace| workspace.name.as_str())
            .collect();
        let expected: &[&str] = if before.is_ok() {
            &["after", "before"]
        } else {
            &["after"]
        };
        assert_eq!(names, expected);
    }

    #[test]
    fn a_full_disk_refuses_writes_until_there_is_room_again() {
        let store = Store::open_in_memory().unwrap();
        let limit = |pages: &'static str| {
            // The writer is one connection, so that the limit of its pages holds for all that is written.
            store.write_blocking(Actor::system(), move |tx| {
                tx.query(&format!("PRAGMA max_page_count = {pages}"), &[])
            })
        };
        let fill = |name: String| {
            let text = "x".repeat(50_000);
            store.write_blocking(Actor::system(), move |tx| {
                let workspace = workspace::create(tx, &name)?;
                audit::append(tx, workspace.id, "test", "test", &text)
            })
        };
        // Less than there is: the limit is the present size.
        limit("1").unwrap();
        let refused = (0..10)
            .map(|n| fill(format!("refused {n}")))
            .find(Result::is_err);
        let refused = refused.expect("the disk is never full").unwrap_err();
        assert!(matches!(refused, Error::Full), "{refused}");
        let count = || store.read_blocking(workspace::list).unwrap().len();
        let before = count();
        assert!(matches!(fill("again".into()), Err(Error::Full)));
        assert_eq!(count(), before);
        limit("100000").unwrap();
        fill("after".into()).unwrap();
        assert_eq!(count(), before + 1);
    }
}
