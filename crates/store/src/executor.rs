//! Threads that own connections: one writer with group commit, several readers, bounded queues.

use crate::{
    Error,
    connection::Connection,
    sqlite::Sqlite,
    store::{Actor, Context, Tx},
};
use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// Jobs that may wait in one queue; more are refused with `Busy`.
const QUEUE: usize = 4096;
/// Most jobs of one commit.
const BATCH: usize = 256;
/// Most work of one commit before it is written.
const BATCH_TIME: Duration = Duration::from_millis(5);

/// How soon a job is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Interactive,
    Background,
}

/// What a job does, and how its caller learns the outcome.
type Run = Box<dyn FnMut(&mut Tx<'_>) -> Result<(), Error> + Send>;
type Answer = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// A closure with its answer. `run` may be called again only if the transaction was rolled back as a whole.
pub(crate) struct Job {
    pub(crate) actor: Actor,
    pub(crate) run: Run,
    pub(crate) answer: Answer,
}

#[derive(Default)]
struct State {
    interactive: VecDeque<Job>,
    background: VecDeque<Job>,
    closing: bool,
}

/// A bounded queue with two classes.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while holding the lock cannot leave the queues half-changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job, or answers it with `Busy`.
    pub(crate) fn push(&self, class: Class, job: Job) {
        let mut state = self.lock();
        let closing = state.closing;
        let queue = match class {
            Class::Interactive => &mut state.interactive,
            Class::Background => &mut state.background,
        };
        if closing || queue.len() >= QUEUE {
            drop(state);
            (job.answer)(Err(Error::Busy));
            return;
        }
        queue.push_back(job);
        drop(state);
        self.filled.notify_one();
    }

    /// The next job, interactive ones first; `None` when the queue is closed and empty.
    fn wait(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.interactive.pop_front() {
                return Some(job);
            }
            if let Some(job) = state.background.pop_front() {
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
        let mut state = self.lock();
        state
            .interactive
            .pop_front()
            .or_else(|| state.background.pop_front())
    }

    /// Refuses new jobs; threads end when what is queued is done.
    pub(crate) fn close(&self) {
        self.lock().closing = true;
        self.filled.notify_all();
    }
}

/// Runs one closure; a panic is an error of this job alone.
fn attempt(job: &mut Job, tx: &mut Tx<'_>) -> Result<(), Error> {
    match catch_unwind(AssertUnwindSafe(|| (job.run)(tx))) {
        Ok(result) => result,
        Err(_) => {
            tracing::error!("a store operation panicked");
            Err(Error::Database("internal error".to_owned()))
        }
    }
}

/// Starts the writer thread.
pub(crate) fn writer(
    mut connection: Sqlite,
    queue: Arc<Queue>,
    context: Arc<Context>,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("store-writer".to_owned()).spawn(move || {
        while let Some(first) = queue.wait() {
            write_batch(&mut connection, first, &queue, &context);
        }
        if let Err(error) = connection.batch("PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::warn!(%error, "the last checkpoint failed; the next start will make up for it");
        }
    })
}

/// Begin, a savepoint for each job, one commit; only then the answers.
fn write_batch(connection: &mut Sqlite, first: Job, queue: &Queue, context: &Context) {
    if let Err(error) = connection.batch("BEGIN IMMEDIATE") {
        (first.answer)(Err(error));
        return;
    }
    let started = Instant::now();
    let mut answers = Vec::new();
    let mut changed = false;
    let mut next = Some(first);
    while let Some(mut job) = next.take() {
        let result = savepoint(connection, &mut job, context, &mut changed);
        answers.push((job.answer, result));
        if !connection.in_transaction() {
            // Nothing of this batch is left, and another savepoint would begin a transaction of its own.
            let lost = Error::Database("a grave error undid the whole transaction".to_owned());
            return fail_all(answers, &lost);
        }
        if answers.len() < BATCH && started.elapsed() < BATCH_TIME {
            next = queue.next();
        }
    }
    if let Err(error) = connection.commit() {
        if connection.in_transaction()
            && let Err(error) = connection.batch("ROLLBACK")
        {
            tracing::error!(%error, "a failed transaction could not be rolled back; stopping");
            std::process::abort();
        }
        return fail_all(answers, &error);
    }
    if changed {
        context.changed.notify_waiters();
        // Who is not waiting just now finds this one remembered; at worst it looks once too often.
        context.changed.notify_one();
    }
    for (answer, result) in answers {
        answer(result);
    }
}

/// Nothing was written, so that every job failed, whatever its closure said.
fn fail_all(answers: Vec<(Answer, Result<(), Error>)>, error: &Error) {
    tracing::error!(%error, jobs = answers.len(), "a write transaction failed");
    for (answer, result) in answers {
        answer(Err(match (result, error) {
            (Err(own), _) => own,
            (Ok(()), Error::Busy) => Error::Busy,
            (Ok(()), other) => Error::Database(other.to_string()),
        }));
    }
}

fn savepoint(
    connection: &mut Sqlite,
    job: &mut Job,
    context: &Context,
    changed: &mut bool,
) -> Result<(), Error> {
    connection.batch("SAVEPOINT job")?;
    let mut tx = Tx::new(connection, context, job.actor.clone());
    let result = attempt(job, &mut tx);
    let touched = tx.touched_feed();
    match result {
        Ok(()) => {
            connection.batch("RELEASE job")?;
            *changed |= touched;
            Ok(())
        }
        Err(error) => {
            connection.batch("ROLLBACK TO job; RELEASE job")?;
            Err(error)
        }
    }
}

/// Starts a reader thread.
pub(crate) fn reader(
    mut connection: Sqlite,
    queue: Arc<Queue>,
    context: Arc<Context>,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name("store-reader".to_owned())
        .spawn(move || {
            while let Some(mut job) = queue.wait() {
                let result = connection.batch("BEGIN DEFERRED").and_then(|()| {
                    let mut tx = Tx::new(&mut connection, &context, job.actor.clone());
                    let result = attempt(&mut job, &mut tx);
                    // Nothing was written, so giving the snapshot back by a rollback is the same as a commit.
                    connection.batch("ROLLBACK").and(result)
                });
                (job.answer)(result);
            }
        })
}

#[cfg(test)]
mod tests {
    use crate::{Actor, Error, Store, Tx, workspace};
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
}
