//! SQLite behind the connection interface.

pub(crate) mod soundness;
mod statistics;
mod whole;

use crate::{
    Error,
    connection::{Access, Connection, Database, Row, Value, Verdict},
};
use rusqlite::{ErrorCode, OpenFlags, config::DbConfig, types::ValueRef};
use std::{
    borrow::Cow,
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// How long another connection is waited for.
const BUSY: Duration = Duration::from_secs(10);
/// Time between two attempts to open a file.
const AGAIN: Duration = Duration::from_millis(20);

/// Name of a database that is being restored, and is no database before it is whole.
pub(crate) const RESTORING: &str = "tenure.db.restoring";

/// A connection with the settings that durability needs.
pub(crate) struct Sqlite(pub(crate) rusqlite::Connection);

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants"
)]
fn error(error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => Error::Conflict(error.to_string()),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Busy,
        Some(ErrorCode::DiskFull) => Error::Full,
        _ => Error::Database(error.to_string()),
    }
}

/// House dialect to SQLite: `$1` is `?1`, tokens are replaced.
pub(crate) fn translate(sql: &str) -> Cow<'_, str> {
    if !sql.contains('$') && !sql.contains("{{") {
        return Cow::Borrowed(sql);
    }
    let text = sql.replace('$', "?");
    if !text.contains("{{") {
        return Cow::Owned(text);
    }
    Cow::Owned(
        text.replace("{{identity}}", "INTEGER PRIMARY KEY AUTOINCREMENT")
            .replace("{{bytes}}", "BLOB")
            .replace("{{without_rowid}}", "WITHOUT ROWID")
            .replace("{{tx}}", "0")
            .replace("{{for_update}}", ""),
    )
}

impl Sqlite {
    /// Opens a file. `durable` false is for throw-away databases in tests.
    ///
    /// The first to open and the last to close a file lock it whole for a moment, and then SQLite does not wait but says
    /// "busy" at once; so this waits.
    pub(crate) fn open(path: &Path, durable: bool) -> Result<Self, Error> {
        let until = Instant::now() + BUSY;
        loop {
            match Self::try_open(path, durable) {
                Err(Error::Busy) if Instant::now() < until => thread::sleep(AGAIN),
                result => return result,
            }
        }
    }

    fn try_open(path: &Path, durable: bool) -> Result<Self, Error> {
        let connection = rusqlite::Connection::open(path).map_err(error)?;
        connection.busy_timeout(BUSY).map_err(error)?;
        connection.set_prepared_statement_cache_capacity(256);
        // Otherwise SQLite plans a kept statement anew whenever other values are bound.
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
            .map_err(error)?;
        let synchronous = if durable { "FULL" } else { "OFF" };
        connection
            .execute_batch(&format!(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; PRAGMA foreign_keys = ON; \
                 PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 67108864;"
            ))
            .map_err(error)?;
        Ok(Self(connection))
    }

    /// Opens a file that exists, for looking at it.
    pub(crate) fn open_present(path: &Path) -> Result<Self, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = rusqlite::Connection::open_with_flags(path, flags).map_err(error)?;
        connection.busy_timeout(BUSY).map_err(error)?;
        // The last to close would otherwise write the log back and remove it, and with it the sign that somebody has crashed.
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
            .map_err(error)?;
        Ok(Self(connection))
    }

    /// Opens a new file that is thrown away unless everything goes well: it is fast and survives nothing.
    pub(crate) fn open_draft(path: &Path) -> Result<Self, Error> {
        let connection = rusqlite::Connection::open(path).map_err(error)?;
        // Building an index sorts all of its rows, which need not fit into the memory.
        connection
            .execute_batch(
                "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; \
                 PRAGMA foreign_keys = OFF; PRAGMA cache_size = -65536; PRAGMA temp_store = FILE;",
            )
            .map_err(error)?;
        Ok(Self(connection))
    }

    /// Tells SQLite what to expect of the tables, so that it chooses the right indexes. Connections that are opened from then
    /// on know it, too.
    pub(crate) fn state_sizes(&mut self) -> Result<(), Error> {
        statistics::state(self)
    }
}

fn bind(statement: &mut rusqlite::Statement<'_>, parameters: &[Value]) -> Result<(), Error> {
    for (index, value) in parameters.iter().enumerate() {
        let index = index + 1;
        match value {
            Value::Null => statement.raw_bind_parameter(index, rusqlite::types::Null),
            Value::Integer(number) => statement.raw_bind_parameter(index, number),
            Value::Text(text) => statement.raw_bind_parameter(index, text),
            Value::Bytes(bytes) => statement.raw_bind_parameter(index, bytes),
            Value::Workspace(workspace) => statement.raw_bind_parameter(index, workspace.0),
        }
        .map_err(error)?;
    }
    Ok(())
}

fn read(row: &rusqlite::Row<'_>, columns: usize) -> Result<Row, Error> {
    let mut values = Vec::with_capacity(columns);
    for column in 0..columns {
        values.push(match row.get_ref(column).map_err(error)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::Integer(number),
            ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
            ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
            ValueRef::Real(_) => {
                return Err(Error::Database(format!("column {column} is a real number")));
            }
        });
    }
    Ok(Row(values))
}

impl Connection for Sqlite {
    fn query(&mut self, sql: &str, parameters: &[Value]) -> Result<Vec<Row>, Error> {
        let mut statement = self.0.prepare_cached(&translate(sql)).map_err(error)?;
        bind(&mut statement, parameters)?;
        let columns = statement.column_count();
        let mut rows = statement.raw_query();
        let mut result = Vec::new();
        while let Some(row) = rows.next().map_err(error)? {
            result.push(read(row, columns)?);
        }
        Ok(result)
    }

    fn execute(&mut self, sql: &str, parameters: &[Value]) -> Result<u64, Error> {
        let mut statement = self.0.prepare_cached(&translate(sql)).map_err(error)?;
        bind(&mut statement, parameters)?;
        statement
            .raw_execute()
            .map(|changed| changed as u64)
            .map_err(error)
    }

    fn batch(&mut self, sql: &str) -> Result<(), Error> {
        self.0.execute_batch(&translate(sql)).map_err(error)
    }
}

impl Database for Sqlite {
    fn begin(&mut self, access: Access) -> Result<(), Error> {
        self.batch(match access {
            Access::Read => "BEGIN DEFERRED",
            // Taking the lock at once spares the failure of a transaction that would only find out later.
            Access::Write | Access::Migrate => "BEGIN IMMEDIATE",
        })
    }

    /// An I/O error here means that what was written may or may not be on disk.
    fn commit(&mut self) -> Result<(), Error> {
        match self.0.execute_batch("COMMIT") {
            Ok(()) => Ok(()),
            Err(failed) => {
                if failed.sqlite_error_code() == Some(ErrorCode::SystemIoFailure) {
                    // A failed sync must not be retried: the pages may be gone although a second sync succeeds.
                    tracing::error!(error = %failed, "the database cannot sync its log; stopping so that nothing wrong is acknowledged");
                    std::process::abort();
                }
                Err(error(failed))
            }
        }
    }

    fn rollback(&mut self) -> Result<(), Error> {
        self.batch("ROLLBACK")
    }

    fn in_transaction(&self) -> bool {
        !self.0.is_autocommit()
    }

    fn job_begins(&mut self, _attempt: u32) {}

    /// There is one writer, so that nobody is in its way.
    fn verdict(&self) -> Verdict {
        Verdict::Stands
    }

    fn close(&mut self) {
        if let Err(error) = self.batch("PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::warn!(%error, "the last checkpoint failed; the next start will make up for it");
        }
    }
}
