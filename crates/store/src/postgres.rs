//! PostgreSQL behind the connection interface.
//!
//! Write transactions are READ COMMITTED and hold an advisory lock for each workspace they touch, from the first statement
//! that binds the workspace to the commit. So the writes of a workspace happen one after the other, as on SQLite, and:
//!
//! - a read followed by a write loses no update, since every statement sees what the holder before has committed;
//! - the audit chain has one end;
//! - numbers of the change feed are given and committed in the same order, so that a plain cursor misses nothing, and
//!   nobody's long transaction holds the feed back, as it would if readers waited for all older transactions.
//!
//! The audit chain makes the writes of one workspace wait for each other in any case; SERIALIZABLE would add failures that
//! have to be repeated, and predicate locks that grow with a batch. Different workspaces write at the same time.

mod outage;
mod presence;
mod server;
mod value;
mod wall;
mod whole;

pub(crate) use presence::{Presence, start as start_presence};
pub(crate) use server::Server;
pub(crate) use wall::raise as raise_wall;

use crate::{
    Error, WorkspaceId,
    connection::{Access, Connection, Database, Row, Value, Verdict},
};
use postgres::{
    Client, Statement,
    error::{Severity, SqlState},
    types::{ToSql, Type},
};
use std::{
    collections::{BTreeSet, HashMap},
    time::Instant,
};
use value::{Bound, Unbindable, read, translate, translate_schema};
use wall::Wall;

/// Prepared statements of one connection; filters make new ones, so all are forgotten when there are more.
const STATEMENTS: usize = 512;

const LOCK: &str = "SELECT pg_advisory_xact_lock($1)";
const TRY_LOCK: &str = "SELECT pg_try_advisory_xact_lock($1)";

/// A statement with its parameters.
type Run<T> = fn(&mut Client, &Statement, &[&(dyn ToSql + Sync)]) -> Result<T, postgres::Error>;

fn rows(
    client: &mut Client,
    statement: &Statement,
    bound: &[&(dyn ToSql + Sync)],
) -> Result<Vec<postgres::Row>, postgres::Error> {
    client.query(statement, bound)
}

/// A lock that a write transaction holds, and whether the present job took it.
struct Held {
    workspace: WorkspaceId,
    by_job: bool,
}

/// A session that is made anew when it breaks.
pub(crate) struct Postgres {
    server: Server,
    client: Option<Client>,
    statements: HashMap<String, Vec<(Vec<Type>, Statement)>>,
    access: Option<Access>,
    held: Vec<Held>,
    /// What the job that was put off wants to lock.
    wanted: BTreeSet<WorkspaceId>,
    attempt: u32,
    verdict: Verdict,
    wall: Wall,
}

impl Postgres {
    /// Connects when the first transaction begins.
    pub(crate) fn new(server: Server) -> Self {
        Self {
            server,
            client: None,
            statements: HashMap::new(),
            access: None,
            held: Vec::new(),
            wanted: BTreeSet::new(),
            attempt: 0,
            verdict: Verdict::Stands,
            wall: Wall::Closed,
        }
    }

    fn disconnect(&mut self) {
        self.statements.clear();
        self.client = None;
        self.access = None;
    }

    /// Makes a new session, unless the last try of any session failed a moment ago: then jobs are refused at once.
    fn connect(&mut self) -> Result<(), Error> {
        if self.server.outage.lasts(Instant::now()) {
            return Err(Error::Busy);
        }
        match self.server.connect() {
            Ok(client) => {
                self.client = Some(client);
                self.server.outage.is_over();
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, "the database cannot be reached");
                self.server.outage.goes_on(Instant::now());
                Err(Error::Busy)
            }
        }
    }

    /// What an error means, for the caller and for the job.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the shape that map_err wants"
    )]
    fn failed(&mut self, error: postgres::Error) -> Error {
        use std::error::Error as _;
        let Some(answer) = error.as_db_error() else {
            if error
                .source()
                .is_some_and(|source| source.is::<Unbindable>())
            {
                return Error::Database(Unbindable.to_string());
            }
            tracing::warn!(%error, "a connection to the database broke");
            self.verdict = Verdict::Lost;
            return Error::Busy;
        };
        let code = answer.code();
        let message = answer.message().to_owned();
        if matches!(
            answer.parsed_severity(),
            Some(Severity::Fatal | Severity::Panic)
        ) {
            // The server shuts down, or has ended this session.
            tracing::warn!(%message, "the database server ended a session");
            self.verdict = Verdict::Lost;
            return Error::Busy;
        }
        if *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED
        {
            self.again();
            return Error::Busy;
        }
        if *code == SqlState::UNIQUE_VIOLATION {
            // The job looked before it leapt, but somebody else was faster; the second time it sees what is there.
            if self.attempt == 0 {
                self.again();
            }
            return Error::Conflict(message);
        }
        if *code == SqlState::FEATURE_NOT_SUPPORTED || *code == SqlState::INVALID_SQL_STATEMENT_NAME
        {
            // A prepared statement is out of date, because the schema has changed.
            self.statements.clear();
            if self.attempt == 0 {
                self.again();
            }
            return Error::Database(message);
        }
        if *code == SqlState::LOCK_NOT_AVAILABLE {
            return Error::Busy;
        }
        if *code == SqlState::DISK_FULL {
            return Error::Full;
        }
        if code.code().starts_with("23") {
            return Error::Conflict(message);
        }
        Error::Database(message)
    }

    fn again(&mut self) {
        if self.verdict == Verdict::Stands {
            self.verdict = Verdict::Again;
        }
    }

    fn client(&mut self) -> Result<&mut Client, Error> {
        if self.verdict == Verdict::Lost {
            return Err(Error::Busy);
        }
        self.client.as_mut().ok_or(Error::Busy)
    }

    /// Types are told, not guessed by the server: a compiled filter may leave a parameter unused.
    fn prepare(&mut self, sql: &str, parameters: &[Value]) -> Result<Statement, Error> {
        let types: Vec<Type> = parameters.iter().map(value::type_of).collect();
        let known = self.statements.get(sql);
        if let Some((_, statement)) = known.and_then(|all| all.iter().find(|(of, _)| *of == types))
        {
            return Ok(statement.clone());
        }
        let prepared = self.client()?.prepare_typed(&translate(sql), &types);
        let statement = prepared.map_err(|error| self.failed(error))?;
        if self.statements.len() >= STATEMENTS {
            self.statements.clear();
        }
        let all = self.statements.entry(sql.to_owned()).or_default();
        // Which parameters are null may vary; only so many variants are kept.
        all.truncate(8);
        all.push((types, statement.clone()));
        Ok(statement)
    }

    fn run<T>(&mut self, sql: &str, parameters: &[Value], run: Run<T>) -> Result<T, Error> {
        for parameter in parameters {
            if let Value::Workspace(workspace) = parameter {
                self.lock(*workspace)?;
                self.enter(*workspace)?;
            }
        }
        self.close_what_was_left()?;
        self.run_bound(sql, parameters, run)
    }

    fn run_bound<T>(&mut self, sql: &str, parameters: &[Value], run: Run<T>) -> Result<T, Error> {
        let statement = self.prepare(sql, parameters)?;
        let bound: Vec<Bound<'_>> = parameters.iter().map(Bound).collect();
        let bound: Vec<&(dyn ToSql + Sync)> = bound.iter().map(|value| value as _).collect();
        let result = run(self.client()?, &statement, &bound);
        result.map_err(|error| self.failed(error))
    }

    /// Makes sure that a write transaction is alone in a workspace. It never waits while it holds another one, since two
    /// could wait for each other: a job that would have to is put off. When it runs again, it takes all that it wants
    /// before it does anything, in an order that everybody keeps.
    fn lock(&mut self, workspace: WorkspaceId) -> Result<(), Error> {
        if self.access != Some(Access::Write) || self.holds(workspace) {
            return Ok(());
        }
        if self.held.is_empty() {
            let mut wanted = std::mem::take(&mut self.wanted);
            wanted.insert(workspace);
            for workspace in wanted {
                // In one go with opening the wall.
                let [key] = self.workspace_key(workspace);
                let number = Value::Text(workspace.0.to_string());
                let parameters = [key, number];
                self.run_bound(wall::LOCK_AND_ENTER, &parameters, rows)?;
                self.wall = Wall::Workspace(workspace);
                self.hold(workspace);
            }
            return Ok(());
        }
        let key = self.workspace_key(workspace);
        let answer = self.run_bound(TRY_LOCK, &key, rows)?;
        let answer = answer.first().map(read).transpose()?;
        if answer.map(|row| row.integer(0)).transpose()? == Some(1) {
            self.hold(workspace);
            return Ok(());
        }
        self.wanted = self.held.iter().map(|held| held.workspace).collect();
        self.wanted.insert(workspace);
        self.again();
        Err(Error::Busy)
    }

    fn holds(&self, workspace: WorkspaceId) -> bool {
        self.held.iter().any(|held| held.workspace == workspace)
    }

    fn hold(&mut self, workspace: WorkspaceId) {
        self.held.push(Held {
            workspace,
            by_job: true,
        });
    }

    fn workspace_key(&self, workspace: WorkspaceId) -> [Value; 1] {
        let key = self.server.lock_key(&format!("workspace/{}", workspace.0));
        [Value::Integer(key)]
    }

    fn simple(&mut self, sql: &str) -> Result<(), Error> {
        let result = self.client()?.batch_execute(sql);
        result.map_err(|error| self.failed(error))
    }
}

impl Connection for Postgres {
    fn query(&mut self, sql: &str, parameters: &[Value]) -> Result<Vec<Row>, Error> {
        let found = self.run(sql, parameters, rows)?;
        found.iter().map(read).collect()
    }

    fn execute(&mut self, sql: &str, parameters: &[Value]) -> Result<u64, Error> {
        self.run(sql, parameters, |client, statement, bound| {
            client.execute(statement, bound)
        })
    }

    fn batch(&mut self, sql: &str) -> Result<(), Error> {
        if self.access == Some(Access::Migrate) {
            return self.simple(&translate_schema(sql));
        }
        self.simple(&translate(sql))?;
        if sql.starts_with("ROLLBACK TO") {
            // Locks that were taken after the savepoint went with it.
            self.held.retain(|held| !held.by_job);
            self.return_to_savepoint();
        }
        Ok(())
    }

    fn span(&mut self) -> Result<(), Error> {
        self.see_all()
    }
}

impl Database for Postgres {
    fn begin(&mut self, access: Access) -> Result<(), Error> {
        self.verdict = Verdict::Stands;
        self.held.clear();
        self.wall = Wall::Closed;
        let sql = match access {
            Access::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Access::Write => "BEGIN ISOLATION LEVEL READ COMMITTED",
            Access::Migrate => "BEGIN; SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0",
        };
        if self.client.is_none() {
            self.connect()?;
            self.simple(sql)?;
        } else if let Err(error) = self.simple(sql) {
            // A session that broke while nobody used it is no reason to fail a job that has not begun.
            if self.verdict != Verdict::Lost {
                return Err(error);
            }
            self.disconnect();
            self.connect()?;
            self.verdict = Verdict::Stands;
            self.simple(sql)?;
        }
        self.access = Some(access);
        if access == Access::Migrate {
            let key = self.server.lock_key("migrate");
            self.execute(LOCK, &[Value::Integer(key)])?;
            self.take_down()?;
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Error> {
        self.access = None;
        self.held.clear();
        match self.simple("COMMIT") {
            Ok(()) => Ok(()),
            Err(_) if self.verdict == Verdict::Lost => {
                self.disconnect();
                Err(Error::Database(
                    "the connection broke during the commit: whether the change was made is unknown".into(),
                ))
            }
            // A serialisation failure: nothing was written.
            Err(_) if self.verdict == Verdict::Again => Err(Error::Busy),
            Err(Error::Busy) => Err(Error::Database("the commit was refused".into())),
            Err(error) => Err(error),
        }
    }

    fn rollback(&mut self) -> Result<(), Error> {
        self.access = None;
        self.held.clear();
        let closed = self.client.as_ref().is_none_or(Client::is_closed);
        if closed || self.verdict == Verdict::Lost || self.simple("ROLLBACK").is_err() {
            // The server undoes what a session leaves behind.
            self.disconnect();
        }
        Ok(())
    }

    fn in_transaction(&self) -> bool {
        self.access.is_some()
    }

    fn job_begins(&mut self, attempt: u32) {
        self.leave();
        self.attempt = attempt;
        if attempt == 0 {
            self.wanted.clear();
        }
        self.verdict = Verdict::Stands;
        for held in &mut self.held {
            held.by_job = false;
        }
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }

    fn close(&mut self) {
        self.disconnect();
    }
}
