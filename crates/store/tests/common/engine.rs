//! Which database a test runs on. Each test is written once and runs on SQLite; if `TENURE_TEST_POSTGRES` names a server
//! where schemas may be created (`postgres://…`), it runs on PostgreSQL too, in a schema of its own.

use std::{
    cell::{Cell, RefCell},
    path::Path,
};

use postgres::{Client, NoTls};
use tempfile::TempDir;
use tenure_store::{Options, Store};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

thread_local! {
    static ENGINE: Cell<Engine> = const { Cell::new(Engine::Sqlite) };
    /// Places that have to last as long as the test.
    static KEPT: RefCell<Vec<Place>> = const { RefCell::new(Vec::new()) };
}

fn server() -> Option<String> {
    std::env::var("TENURE_TEST_POSTGRES").ok()
}

/// Runs a test on an engine.
pub(crate) fn on(engine: Engine, test: fn()) {
    if engine == Engine::Postgres && server().is_none() {
        eprintln!("skipped: TENURE_TEST_POSTGRES is not set");
        return;
    }
    ENGINE.set(engine);
    test();
    KEPT.take();
}

pub(crate) fn engine() -> Engine {
    ENGINE.get()
}

/// Makes a test for each engine out of functions.
macro_rules! on_both_engines {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[test] fn $test() { crate::common::engine::on(crate::common::engine::Engine::Sqlite, super::$test); })*
        }
        mod postgres {
            $(#[test] fn $test() { crate::common::engine::on(crate::common::engine::Engine::Postgres, super::$test); })*
        }
    };
}
pub(crate) use on_both_engines;

/// A data directory, and on PostgreSQL a schema, both gone at the end.
pub(crate) struct Place {
    folder: TempDir,
    schema: Option<String>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::of(engine())
    }

    /// A place on an engine that need not be the test's.
    pub(crate) fn of(engine: Engine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let schema = (engine == Engine::Postgres).then(|| {
            let name = folder.path().file_name().unwrap().to_str().unwrap();
            let letters = name.chars().filter(char::is_ascii_alphanumeric);
            // Without quotes, the server would fold the case of what is random.
            let text: String = letters.map(|c| format!("{:02x}", c as u32)).collect();
            format!("t_{text}")
        });
        if let Some(schema) = &schema {
            connect()
                .batch_execute(&format!("CREATE SCHEMA {schema}"))
                .unwrap();
        }
        Self { folder, schema }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn database(&self) -> Option<String> {
        let schema = self.schema.as_ref()?;
        let url = server().unwrap();
        let sign = if url.contains('?') { '&' } else { '?' };
        Some(format!(
            "{url}{sign}options=-csearch_path%3D{schema}&application_name={schema}"
        ))
    }

    /// Ends the sessions that stores have with this place's schema.
    pub(crate) fn end_sessions(&self) {
        let name = self.schema.as_ref().unwrap();
        self.raw(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{name}'"
        ));
    }

    pub(crate) fn open(&self) -> Store {
        self.open_with(0)
    }

    pub(crate) fn open_with(&self, writers: usize) -> Store {
        let options = Options {
            readers: 2,
            writers,
            database: self.database(),
        };
        Store::open(self.path(), &options).unwrap()
    }

    /// A store in a place that is kept until the test is over.
    pub(crate) fn kept_store(writers: usize) -> Store {
        let place = Self::new();
        let store = place.open_with(writers);
        KEPT.with_borrow_mut(|kept| kept.push(place));
        store
    }

    /// Runs statements past the store.
    pub(crate) fn raw(&self, sql: &str) {
        match &self.schema {
            None => self.sqlite().execute_batch(sql).unwrap(),
            Some(schema) => self.postgres(schema).batch_execute(sql).unwrap(),
        }
    }

    /// The number that a statement finds.
    pub(crate) fn raw_number(&self, sql: &str) -> i64 {
        match &self.schema {
            None => self.sqlite().query_row(sql, [], |row| row.get(0)).unwrap(),
            Some(schema) => self.postgres(schema).query_one(sql, &[]).unwrap().get(0),
        }
    }

    /// The bytes that a statement finds.
    pub(crate) fn raw_bytes(&self, sql: &str) -> Vec<u8> {
        match &self.schema {
            None => self.sqlite().query_row(sql, [], |row| row.get(0)).unwrap(),
            Some(schema) => self.postgres(schema).query_one(sql, &[]).unwrap().get(0),
        }
    }

    fn sqlite(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path().join("tenure.db")).unwrap()
    }

    /// A session of the server that sees what an ordinary role sees.
    pub(crate) fn ordinary(&self) -> Client {
        let schema = self.schema.as_deref().unwrap();
        let mut client = connect();
        let sql = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user";
        let sees_all: bool = client.query_one(sql, &[]).unwrap().get(0);
        if sees_all {
            let role = format!("{schema}_ordinary");
            let sql = format!(
                "CREATE ROLE {role}; GRANT USAGE ON SCHEMA {schema} TO {role}; \
                 GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {role}; SET ROLE {role}"
            );
            client.batch_execute(&sql).unwrap();
        }
        let sql = format!("SET search_path = {schema}");
        client.batch_execute(&sql).unwrap();
        client
    }

    fn postgres(&self, schema: &str) -> Client {
        let mut client = connect();
        client
            .batch_execute(&format!(
                "SET search_path = {schema}; SET tenure.workspace = '-1'"
            ))
            .unwrap();
        client
    }
}

fn connect() -> Client {
    Client::connect(&server().unwrap(), NoTls)
        .expect("TENURE_TEST_POSTGRES names a server that answers")
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(schema) = &self.schema {
            let dropped = connect().batch_execute(&format!(
                "SET client_min_messages = warning; SET lock_timeout = '20s'; DROP SCHEMA {schema} CASCADE"
            ));
            if !std::thread::panicking() {
                dropped.unwrap();
            }
        }
    }
}
