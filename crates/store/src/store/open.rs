//! Opens a store: a file with its one writer, or a server with sessions for writers, readers and presence.

use super::{Context, Inner, Options, Runner, Store, Threads};
use crate::{
    Error,
    connection::Database,
    executor::{self, Queue},
    metrics::Metrics,
    migrate,
    node::{self, Node},
    postgres::{self, Postgres, Presence, Server},
    schema,
    seal::Sealer,
    sqlite::{RESTORING, Sqlite, soundness},
};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::Notify;

/// A directory into which a restore was interrupted has no database yet; a new one must not take its place.
fn refuse_half_restored(directory: &Path, path: &Path) -> Result<(), Error> {
    let draft = directory.join(RESTORING);
    match (draft.exists(), path.exists()) {
        (false, _) => Ok(()),
        (true, false) => Err(Error::Invalid(format!(
            "a restore into {} has not come to its end; run `tenure restore` again, or remove {RESTORING} there",
            directory.display()
        ))),
        // The restore ended between giving the database its name and taking the other one away.
        (true, true) => {
            std::fs::remove_file(&draft).map_err(|error| node::io("remove", &draft, &error))
        }
    }
}

/// Writer sessions with a server, unless the options say how many.
const WRITERS: usize = 4;

impl Store {
    /// Opens (and creates, with files that only their owner may read) `tenure.db`, `master.key` and `nodes/` in a
    /// data directory, or with [`Options::database`] a PostgreSQL database and `master.key`, and brings the schema up to
    /// date.
    ///
    /// # Errors
    ///
    /// `Invalid` when a newer version made the database, or its URL or settings are wrong; `Database` when files cannot
    /// be made or read, or the server cannot be reached.
    pub fn open(directory: &Path, options: &Options) -> Result<Self, Error> {
        match &options.database {
            None => Self::open_file(directory, options, true, None),
            // The driver has a runtime of its own and must not begin it on a thread of another one.
            Some(url) => std::thread::scope(|scope| {
                let opening = scope.spawn(|| Self::open_server(directory, options, url));
                opening
                    .join()
                    .unwrap_or_else(|_| Err(Error::Database("internal error".to_owned())))
            }),
        }
    }

    /// A private database that vanishes with its last handle, for tests.
    ///
    /// # Errors
    ///
    /// `Database` when the temporary directory cannot be written.
    pub fn open_in_memory() -> Result<Self, Error> {
        let name = format!("tenure-{}", node::hex(&node::random::<12>()?));
        let directory = std::env::temp_dir().join(name);
        let options = Options {
            readers: 2,
            ..Options::default()
        };
        Self::open_file(&directory, &options, false, Some(directory.clone()))
    }

    fn open_file(
        directory: &Path,
        options: &Options,
        durable: bool,
        throw_away: Option<PathBuf>,
    ) -> Result<Self, Error> {
        node::private_directory(directory)?;
        let path = directory.join("tenure.db");
        refuse_half_restored(directory, &path)?;
        node::private_file(&path)?;
        let unclean = soundness::look_before(directory, &path)?;
        let mut writer = Sqlite::open(&path, durable)?;
        migrate::run(&mut writer)?;
        let sealer = Sealer::new(&migrate::key(&mut writer, directory)?);
        writer.state_sizes()?;
        let context = Arc::new(Context {
            sealer,
            node: Node::new(directory)?,
            changed: Notify::new(),
            schemas: schema::Cache::default(),
            metrics: Metrics::default(),
            presence: None,
            simulation: None,
        });
        let readers = (0..options.reader_count())
            .map(|_| Ok(Box::new(Sqlite::open(&path, durable)?) as _))
            .collect::<Result<_, Error>>()?;
        let store = Self::start(context, vec![Box::new(writer)], readers, throw_away)?;
        if unclean {
            soundness::look_meanwhile(&path)?;
        }
        Ok(store)
    }

    fn open_server(directory: &Path, options: &Options, url: &str) -> Result<Self, Error> {
        node::private_directory(directory)?;
        let mut server = Server::parse(url)?;
        drop(server.discover()?);
        let connection = || Box::new(Postgres::new(server.clone())) as Box<dyn Database + Send>;
        migrate::run(connection().as_mut())?;
        postgres::raise_wall(&mut Postgres::new(server.clone()))?;
        let key = migrate::key(connection().as_mut(), directory)?;
        let presence = Arc::new(Presence::default());
        let context = Arc::new(Context {
            sealer: Sealer::new(&key),
            node: Node::of_server(server.clone())?,
            changed: Notify::new(),
            schemas: schema::Cache::default(),
            metrics: Metrics::default(),
            presence: Some(Arc::clone(&presence)),
            simulation: None,
        });
        let writers = if options.writers == 0 {
            WRITERS
        } else {
            options.writers
        };
        let store = Self::start(
            Arc::clone(&context),
            (0..writers).map(|_| connection()).collect(),
            (0..options.reader_count()).map(|_| connection()).collect(),
            None,
        )?;
        let thread = postgres::start_presence(server.clone(), context, presence)?;
        if let Runner::Threads(runner) = &store.inner.runner {
            runner
                .threads
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(thread);
        }
        Ok(store)
    }

    fn start(
        context: Arc<Context>,
        writers: Vec<Box<dyn Database + Send>>,
        readers: Vec<Box<dyn Database + Send>>,
        throw_away: Option<PathBuf>,
    ) -> Result<Self, Error> {
        let writes = Arc::new(Queue::new(context.metrics.writes()));
        let reads = Arc::new(Queue::new(context.metrics.reads()));
        let spawn_error =
            |error: std::io::Error| Error::Database(format!("cannot start a thread: {error}"));
        let mut threads = Vec::new();
        for writer in writers {
            let thread = executor::writer(writer, Arc::clone(&writes), Arc::clone(&context));
            threads.push(thread.map_err(spawn_error)?);
        }
        for reader in readers {
            let thread = executor::reader(reader, Arc::clone(&reads), Arc::clone(&context));
            threads.push(thread.map_err(spawn_error)?);
        }
        Ok(Self {
            inner: Arc::new(Inner {
                context,
                runner: Runner::Threads(Threads {
                    writes,
                    reads,
                    threads: Mutex::new(threads),
                    throw_away,
                }),
            }),
        })
    }
}
