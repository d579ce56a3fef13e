//! The handle, and the transaction that closures receive.

mod open;

use crate::{
    Error, TimeUs,
    connection::{Connection, Row, Value},
    executor::{Class, Job, Queue},
    metrics::Metrics,
    node::{self, Node},
    postgres::Presence,
    schema,
    seal::Sealer,
    simulation::{Here, Moment, Simulation},
};
use prometheus_client::registry::Registry;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tenure_scim::{ScimError, ScimType};
use tokio::sync::{Notify, oneshot};

/// Who does something, for the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// `member`, `token`, `cli`, `system`.
    pub kind: String,
    /// Id of the account or token; empty otherwise.
    pub id: String,
    /// For people.
    pub name: String,
}

impl Actor {
    /// The program itself.
    #[must_use]
    pub fn system() -> Self {
        Self {
            kind: "system".into(),
            id: String::new(),
            name: "Tenure".into(),
        }
    }
}

/// How to open a store.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Reader threads; 0: twice the cores, at least 2 and at most 16.
    pub readers: usize,
    /// Writer threads with PostgreSQL; 0: four. SQLite has one.
    pub writers: usize,
    /// `postgres://` URL; none: the file `tenure.db` in the data directory. Several processes, on any machines, may
    /// share a database; they need the same `master.key`. Without `sslmode=disable`, another machine is spoken to over
    /// TLS only.
    pub database: Option<String>,
}

impl Options {
    fn reader_count(&self) -> usize {
        match self.readers {
            0 => std::thread::available_parallelism()
                .map_or(2, |cores| (cores.get() * 2).clamp(2, 16)),
            some => some,
        }
    }
}

/// What transactions of one store share.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) sealer: Sealer,
    pub(crate) node: Node,
    pub(crate) changed: Notify,
    pub(crate) schemas: schema::Cache,
    pub(crate) metrics: Metrics,
    /// Who tells other nodes, if there is a database that nodes share.
    pub(crate) presence: Option<Arc<Presence>>,
    /// Who gives time and ids, if not the operating system.
    pub(crate) simulation: Option<Simulation>,
}

impl Context {
    /// Some write, here or on another node, reached the change feed.
    pub(crate) fn wake(&self) {
        self.changed.notify_waiters();
        // Who is not waiting just now finds this one remembered; at worst it looks once too often.
        self.changed.notify_one();
    }

    fn now_us(&self) -> TimeUs {
        if let Some(simulation) = &self.simulation {
            return simulation.now_us();
        }
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(now.as_micros()).unwrap_or(i64::MAX)
    }

    /// A write of this process reached the change feed.
    pub(crate) fn feed_changed(&self) {
        self.wake();
        if let Some(presence) = &self.presence {
            presence.tell();
        }
    }
}

/// Where closures run.
pub(crate) enum Runner {
    /// On threads that own connections.
    Threads(Threads),
    /// Where they are awaited.
    Here(Here),
}

pub(crate) struct Threads {
    writes: Arc<Queue>,
    reads: Arc<Queue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    throw_away: Option<PathBuf>,
}

impl Threads {
    fn close(&self) {
        self.reads.close();
        self.writes.close();
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // The last handle may be dropped on one of the threads, inside an answer.
            if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
                tracing::error!("a store thread panicked");
            }
        }
    }
}

pub(crate) struct Inner {
    pub(crate) context: Arc<Context>,
    pub(crate) runner: Runner,
}

impl Inner {
    fn close(&self) {
        if let Some(presence) = &self.context.presence {
            presence.close();
        }
        if let Runner::Threads(threads) = &self.runner {
            threads.close();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
        if let Runner::Threads(Threads {
            throw_away: Some(directory),
            ..
        }) = &self.runner
        {
            // Best effort: it lies in the system's temporary directory.
            let _ = std::fs::remove_dir_all(directory);
        }
    }
}

/// Cheap handle; clones share the threads, which end with the last clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({})", self.node())
    }
}

fn job<T, F, A>(actor: Actor, f: F, answer: A) -> Job
where
    T: Send + 'static,
    F: Fn(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    A: FnOnce(Result<T, Error>) + Send + 'static,
{
    let slot = Arc::new(Mutex::new(None));
    let filled = Arc::clone(&slot);
    Job {
        actor,
        run: Box::new(move |tx| {
            let value = f(tx)?;
            *filled.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
            Ok(())
        }),
        answer: Box::new(move |result| {
            let value = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
            answer(result.and_then(|()| value.ok_or(Error::Busy)));
        }),
        attempts: 0,
        span: tracing::Span::current(),
    }
}

/// Reading and the two classes of writing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write(Class),
}

impl Inner {
    fn push(&self, access: Access, job: Job) {
        match (&self.runner, access) {
            (Runner::Threads(threads), Access::Read) => {
                threads.reads.push(Class::Interactive, job);
            }
            (Runner::Threads(threads), Access::Write(class)) => threads.writes.push(class, job),
            (Runner::Here(here), Access::Read) => here.read(&self.context, job),
            (Runner::Here(here), Access::Write(_)) => here.write(&self.context, job),
        }
    }

    async fn meet(&self, moment: Moment) -> Result<(), Error> {
        match &self.runner {
            Runner::Threads(_) => Ok(()),
            Runner::Here(here) => here.meet(moment).await,
        }
    }
}

impl Store {
    async fn submit<T, F>(&self, access: Access, actor: Actor, f: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    {
        let inner = &self.inner;
        inner
            .meet(match access {
                Access::Read => Moment::BeforeRead,
                Access::Write(_) => Moment::BeforeWrite,
            })
            .await?;
        let (sender, receiver) = oneshot::channel();
        // A receiver that is gone means that the caller was cancelled; the commit stands all the same.
        inner.push(
            access,
            job(actor, f, move |result| drop(sender.send(result))),
        );
        let result = receiver.await.unwrap_or(Err(Error::Busy));
        if access != Access::Read {
            inner.meet(Moment::AfterWrite).await?;
        }
        result
    }

    fn submit_blocking<T, F>(&self, access: Access, actor: Actor, f: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        self.inner.push(
            access,
            job(actor, f, move |result| drop(sender.send(result))),
        );
        receiver.recv().unwrap_or(Err(Error::Busy))
    }

    /// Runs a closure on a reader thread over a snapshot.
    ///
    /// # Errors
    ///
    /// The closure's, or `Busy` when the queue is full.
    pub async fn read<T, F>(&self, f: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.submit(Access::Read, Actor::system(), f).await
    }

    /// Runs a closure in a write transaction; returns after the commit is on disk. The closure may run more than once.
    ///
    /// # Errors
    ///
    /// The closure's (nothing was written), `Busy`, or `Database` when the commit failed.
    pub async fn write<T, F>(&self, actor: Actor, f: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.submit(Access::Write(Class::Interactive), actor, f)
            .await
    }

    /// [`Store::write`] in the background class: runs when no interactive write waits.
    ///
    /// # Errors
    ///
    /// As [`Store::write`].
    pub async fn write_background<T, F>(&self, actor: Actor, f: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.submit(Access::Write(Class::Background), actor, f)
            .await
    }

    /// [`Store::read`] for callers without a runtime.
    ///
    /// # Errors
    ///
    /// As [`Store::read`].
    pub fn read_blocking<T, F>(&self, f: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.submit_blocking(Access::Read, Actor::system(), f)
    }

    /// [`Store::write`] for callers without a runtime.
    ///
    /// # Errors
    ///
    /// As [`Store::write`].
    pub fn write_blocking<T, F>(&self, actor: Actor, f: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.submit_blocking(Access::Write(Class::Interactive), actor, f)
    }

    /// Waits until some write reached the change feed or a job's work, or the time is over. A hint: writes of other
    /// processes wake it with PostgreSQL, a moment later, and not with SQLite.
    pub async fn changed(&self, timeout: Duration) {
        // Both ends of the wait mean "look again".
        let _ = tokio::time::timeout(timeout, self.inner.context.changed.notified()).await;
    }

    /// The time that a transaction would have now.
    #[must_use]
    pub fn now_us(&self) -> TimeUs {
        self.inner.context.now_us()
    }

    /// This process's node id; its lock tells other processes whether it lives.
    #[must_use]
    pub fn node(&self) -> &str {
        self.inner.context.node.id()
    }

    /// Makes the numbers about the store's queues and transactions visible in a registry.
    pub fn register(&self, registry: &mut Registry) {
        self.inner.context.metrics.register(registry);
    }

    /// Stops accepting work, finishes what is queued, writes the log back into the database.
    pub fn close(&self) {
        self.inner.close();
    }
}

/// Places of tokens are apart from those of secrets at rest, which begin with a number.
fn token_place(place: &str) -> String {
    format!("token|{place}")
}

/// A transaction. Time is the same for the whole transaction.
pub struct Tx<'a> {
    connection: &'a mut dyn Connection,
    context: &'a Context,
    actor: Actor,
    now_us: TimeUs,
    touched_feed: bool,
}

impl<'a> Tx<'a> {
    pub(crate) fn new(
        connection: &'a mut dyn Connection,
        context: &'a Context,
        actor: Actor,
    ) -> Self {
        Self {
            connection,
            context,
            actor,
            now_us: context.now_us(),
            touched_feed: false,
        }
    }

    /// Time of the transaction.
    #[must_use]
    pub fn now_us(&self) -> TimeUs {
        self.now_us
    }

    /// A new opaque id: prefix and 128 random bits, `app_…`. An empty prefix gives a UUID v7 text (SCIM ids).
    ///
    /// # Errors
    ///
    /// `Database` when the system has no randomness.
    pub fn new_id(&mut self, prefix: &str) -> Result<String, Error> {
        let simulation = self.context.simulation.as_ref();
        if prefix.is_empty() {
            let id = simulation.map_or_else(uuid::Uuid::now_v7, |simulation| {
                let now_ms = u64::try_from(self.now_us / 1000).unwrap_or_default();
                uuid::Builder::from_unix_timestamp_millis(now_ms, &simulation.random()).into_uuid()
            });
            return Ok(id.to_string());
        }
        let random: [u8; 16] = match simulation {
            None => node::random()?,
            Some(simulation) => simulation.random(),
        };
        Ok(format!("{prefix}{}", node::hex(&random)))
    }

    /// Who acts.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Runs a part of the transaction that can fail on its own: after an error nothing of it is left, and the
    /// transaction goes on. Parts may be nested.
    ///
    /// # Errors
    ///
    /// The part's, or `Database` when it cannot be undone; then the transaction must not be committed, so the caller
    /// has to fail, too.
    pub fn savepoint<T>(
        &mut self,
        part: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        // The innermost savepoint of a name is meant, so one name serves all depths. A panic leaves it open; the
        // job's own savepoint around it ends it then.
        self.connection.batch("SAVEPOINT part")?;
        let touched_feed = self.touched_feed;
        match part(self) {
            Ok(value) => {
                self.connection.batch("RELEASE SAVEPOINT part")?;
                Ok(value)
            }
            Err(error) => {
                self.touched_feed = touched_feed;
                self.connection
                    .batch("ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part")?;
                Err(error)
            }
        }
    }

    /// Encrypts and authenticates a text that leaves the program and comes back, such as a cursor. Only
    /// [`Tx::open_token`] with the same place reads it again; `place` says what it is for.
    ///
    /// # Errors
    ///
    /// `Database` when the system has no randomness.
    pub fn seal_token(&self, place: &str, text: &str) -> Result<Vec<u8>, Error> {
        self.sealer().seal(&token_place(place), text)
    }

    /// Reads what [`Tx::seal_token`] made.
    ///
    /// # Errors
    ///
    /// `Seal` for anything that was not made so for this place.
    pub fn open_token(&self, place: &str, sealed: &[u8]) -> Result<String, Error> {
        self.sealer().open(&token_place(place), sealed)
    }

    pub(crate) fn sealer(&self) -> &Sealer {
        &self.context.sealer
    }

    /// What the transaction runs on. Its user has to refuse texts with NUL; see [`refuse_nul`].
    pub(crate) fn connection(&mut self) -> &mut dyn Connection {
        self.connection
    }

    pub(crate) fn node(&self) -> &Node {
        &self.context.node
    }

    /// Notes that jobs should be looked at after the commit.
    pub(crate) fn touch_feed(&mut self) {
        self.touched_feed = true;
    }

    pub(crate) fn schemas(&self) -> &schema::Cache {
        &self.context.schemas
    }

    pub(crate) fn touched_feed(&self) -> bool {
        self.touched_feed
    }

    /// Whether another node has died, so that its leases are void.
    pub(crate) fn is_dead(&mut self, node: &str) -> Result<bool, Error> {
        self.context.node.is_dead(node, self.connection)
    }

    /// See [`Connection::span`].
    pub(crate) fn span(&mut self) -> Result<(), Error> {
        self.connection.span()
    }

    pub(crate) fn query(&mut self, sql: &str, parameters: &[Value]) -> Result<Vec<Row>, Error> {
        refuse_nul(parameters)?;
        self.connection.query(sql, parameters)
    }

    /// The first row, if any.
    pub(crate) fn first(&mut self, sql: &str, parameters: &[Value]) -> Result<Option<Row>, Error> {
        Ok(self.query(sql, parameters)?.into_iter().next())
    }

    /// The only column of the only row.
    pub(crate) fn count(&mut self, sql: &str, parameters: &[Value]) -> Result<u64, Error> {
        self.first(sql, parameters)?
            .map_or(Ok(0), |row| row.unsigned(0))
    }

    pub(crate) fn execute(&mut self, sql: &str, parameters: &[Value]) -> Result<u64, Error> {
        refuse_nul(parameters)?;
        self.connection.execute(sql, parameters)
    }
}

/// PostgreSQL keeps no NUL in a text, so that no database of ours does.
pub(crate) fn refuse_nul(parameters: &[Value]) -> Result<(), Error> {
    let has_nul = |value: &Value| matches!(value, Value::Text(text) if text.contains('\0'));
    if parameters.iter().any(has_nul) {
        return Err(Error::Scim(ScimError::bad_request(
            ScimType::InvalidValue,
            "a text must not contain the character U+0000",
        )));
    }
    Ok(())
}
