//! A store whose time, ids and interruptions are given, so that a run of the engine over it is a function of a seed.
//!
//! The statements, the transactions and the database engine are the real ones; only threads, files and the clock are
//! not. Several stores over one [`Simulation`] are processes that share a database.

use crate::{
    Error, Store, TimeUs,
    connection::Connection,
    executor::{self, Job, Queue},
    metrics::Metrics,
    migrate,
    node::Node,
    schema,
    seal::Sealer,
    sqlite::Sqlite,
    store::{Context, Inner, Runner},
};
use std::{
    cell::Cell,
    collections::BTreeSet,
    path::Path,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// Ends when the store may go on, with an error if the call is to fail. A process that never gets an answer is dead.
pub type Pause = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// A point at which something may happen to a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Nothing was read yet.
    BeforeRead,
    /// Nothing was written yet.
    BeforeWrite,
    /// The commit stands (or the closure failed), and its caller does not know yet. An error here is a lost answer.
    AfterWrite,
}

/// Decides what happens at a [`Moment`].
pub type Fate = Arc<dyn Fn(Moment) -> Pause + Send + Sync>;

/// Gives the time in microseconds since 1970.
pub type Clock = Box<dyn Fn() -> TimeUs + Send + Sync>;

/// A database in memory with a clock and a source of ids. Cheap to clone.
#[derive(Clone)]
pub struct Simulation {
    shared: Arc<Shared>,
}

struct Shared {
    /// Always there until it becomes a spare one.
    database: Mutex<Option<Sqlite>>,
    clock: Clock,
    dice: Mutex<u64>,
    nodes: Mutex<Nodes>,
}

#[derive(Default)]
struct Nodes {
    made: u32,
    dead: BTreeSet<String>,
}

thread_local! {
    /// The database of the last simulation of this thread, whose statements are prepared already.
    static SPARE: Cell<Option<Sqlite>> = const { Cell::new(None) };
}

impl Drop for Shared {
    fn drop(&mut self) {
        let database = lock(&self.database).take();
        // A thread that ends needs no spare one.
        let _ = SPARE.try_with(|spare| spare.set(database));
    }
}

/// Leaves the tables, and in them what the migrations wrote.
fn empty(database: &mut Sqlite) -> Result<(), Error> {
    let tables = database.query(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'migration' AND name NOT LIKE 'sqlite_stat%'",
        &[],
    )?;
    // Whoever is referred to has to wait; switching the checks off would forget the prepared statements.
    let mut tables: Vec<String> = tables
        .iter()
        .map(|row| row.text(0))
        .collect::<Result<_, _>>()?;
    loop {
        let before = tables.len();
        tables.retain(|table| database.batch(&format!("DELETE FROM {table}")).is_err());
        match tables.first() {
            None => return Ok(()),
            Some(table) if tables.len() == before => {
                return Err(Error::Database(format!("{table} cannot be emptied")));
            }
            Some(_) => {}
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Simulation {
    /// An empty database of the present schema.
    ///
    /// # Errors
    ///
    /// `Database` when there is no memory for it.
    pub fn new(seed: u64, clock: Clock) -> Result<Self, Error> {
        let database = match SPARE.take() {
            Some(mut spare) => {
                empty(&mut spare)?;
                spare
            }
            None => {
                let mut new = Sqlite::open(Path::new(":memory:"), false)?;
                migrate::run(&mut new)?;
                new.state_sizes()?;
                new
            }
        };
        Ok(Self {
            shared: Arc::new(Shared {
                database: Mutex::new(Some(database)),
                clock,
                dice: Mutex::new(seed),
                nodes: Mutex::default(),
            }),
        })
    }

    /// A process that uses the database. Each call of the store is carried out where it is awaited, between two moments.
    #[must_use]
    pub fn process(&self, fate: Fate) -> Store {
        let id = {
            let mut nodes = lock(&self.shared.nodes);
            nodes.made += 1;
            format!("nod_{:016x}", nodes.made)
        };
        let context = Context {
            sealer: Sealer::new(&[0; 32]),
            node: Node::simulated(id, self.clone()),
            changed: Notify::new(),
            schemas: schema::Cache::default(),
            presence: None,
            simulation: Some(self.clone()),
            metrics: Metrics::default(),
        };
        Store {
            inner: Arc::new(Inner {
                context: Arc::new(context),
                runner: Runner::Here(Here {
                    simulation: self.clone(),
                    fate,
                }),
            }),
        }
    }

    /// Lets the other processes see that one has died, as its lock shows it.
    pub fn bury(&self, process: &Store) {
        lock(&self.shared.nodes)
            .dead
            .insert(process.node().to_owned());
    }

    pub(crate) fn is_dead(&self, node: &str) -> bool {
        lock(&self.shared.nodes).dead.contains(node)
    }

    pub(crate) fn now_us(&self) -> TimeUs {
        (self.shared.clock)()
    }

    /// Bytes that follow from the seed (SplitMix64).
    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        let mut state = lock(&self.shared.dice);
        let mut bytes = [0; N];
        for chunk in bytes.chunks_mut(8) {
            *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut word = *state;
            word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            let word = (word ^ (word >> 31)).to_le_bytes();
            for (byte, random) in chunk.iter_mut().zip(word) {
                *byte = random;
            }
        }
        bytes
    }
}

impl std::fmt::Debug for Simulation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Simulation")
    }
}

/// Runs calls where they are awaited.
pub(crate) struct Here {
    simulation: Simulation,
    fate: Fate,
}

impl Here {
    pub(crate) async fn meet(&self, moment: Moment) -> Result<(), Error> {
        (self.fate)(moment).await
    }

    pub(crate) fn read(&self, context: &Context, job: Job) {
        if let Some(database) = lock(&self.simulation.shared.database).as_mut() {
            executor::read_now(database, job, context);
        }
    }

    pub(crate) fn write(&self, context: &Context, job: Job) {
        if let Some(database) = lock(&self.simulation.shared.database).as_mut() {
            executor::write_now(
                database,
                job,
                &Queue::new(context.metrics.writes()),
                context,
            );
        }
    }
}
