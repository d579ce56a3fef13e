//! The small transaction interface that each database implements.
//!
//! SQL is written in a house dialect: `$1` placeholders, only `BIGINT`, `TEXT` and bytes, and a few `{{tokens}}`
//! where the databases differ.

use crate::{Error, Kind, WorkspaceId};

/// A value on its way into or out of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// No value.
    Null,
    /// A number, a time or a boolean.
    Integer(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// The workspace that a statement is about; the database sees its number. PostgreSQL takes the workspace's lock when
    /// a write transaction first binds one.
    Workspace(WorkspaceId),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}
impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Integer(i64::from(value))
    }
}
impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
}
impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Integer(i64::from(value))
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}
impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}
impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}
impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(value.to_vec())
    }
}
impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}
impl From<WorkspaceId> for Value {
    fn from(value: WorkspaceId) -> Self {
        Self::Workspace(value)
    }
}
impl From<Kind> for Value {
    fn from(value: Kind) -> Self {
        Self::Text(value.key().into_owned())
    }
}
impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Makes the parameter list of a statement.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::connection::Value::from($value)),*] };
}
pub(crate) use values;

/// A row of a result; columns are read by position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row(pub(crate) Vec<Value>);

impl Row {
    fn wrong(&self, column: usize, wanted: &str) -> Error {
        Error::Database(format!(
            "column {column} is not {wanted}: {:?}",
            self.0.get(column)
        ))
    }

    /// A number.
    ///
    /// # Errors
    ///
    /// `Database` when the column has another type.
    pub fn integer(&self, column: usize) -> Result<i64, Error> {
        match self.0.get(column) {
            Some(Value::Integer(value)) => Ok(*value),
            _ => Err(self.wrong(column, "a number")),
        }
    }

    /// A number that is never negative.
    ///
    /// # Errors
    ///
    /// `Database` when the column has another type or is negative.
    pub fn unsigned(&self, column: usize) -> Result<u64, Error> {
        u64::try_from(self.integer(column)?).map_err(|_| self.wrong(column, "a count"))
    }

    /// A number or nothing.
    ///
    /// # Errors
    ///
    /// `Database` when the column has another type.
    pub fn optional_integer(&self, column: usize) -> Result<Option<i64>, Error> {
        match self.0.get(column) {
            Some(Value::Null) => Ok(None),
            _ => self.integer(column).map(Some),
        }
    }

    /// Text.
    ///
    /// # Errors
    ///
    /// `Database` when the column has another type.
    pub fn text(&self, column: usize) -> Result<String, Error> {
        match self.0.get(column) {
            Some(Value::Text(value)) => Ok(value.clone()),
            _ => Err(self.wrong(column, "text")),
        }
    }

    /// Text or nothing.
    ///
    /// # Errors
    ///
    /// `Database` when the column has another type.
    pub fn optional_text(&self, column: usize) -> Result<Option<String>, Error> {
        match self.0.get(column) {
            Some(Value::Null) => Ok(None),
            _ => self.text(column).map(Some),
        }
    }

    /// Bytes or nothing.
    ///
    /// # Errors
    ///
    /// `Database` when the column has another type.
    pub fn optional_bytes(&self, column: usize) -> Result<Option<Vec<u8>>, Error> {
        match self.0.get(column) {
            Some(Value::Null) => Ok(None),
            Some(Value::Bytes(value)) => Ok(Some(value.clone())),
            _ => Err(self.wrong(column, "bytes")),
        }
    }

    /// The type of a resource.
    ///
    /// # Errors
    ///
    /// `Database` when the column holds something else.
    pub fn kind(&self, column: usize) -> Result<Kind, Error> {
        Kind::from_key(&self.text(column)?)
    }
}

/// A database connection inside a transaction.
pub trait Connection {
    /// Runs a statement and returns its rows.
    ///
    /// # Errors
    ///
    /// `Conflict` when a uniqueness constraint is violated, `Busy`, or `Database`.
    fn query(&mut self, sql: &str, parameters: &[Value]) -> Result<Vec<Row>, Error>;

    /// Runs a statement and returns how many rows it changed.
    ///
    /// # Errors
    ///
    /// As [`Connection::query`].
    fn execute(&mut self, sql: &str, parameters: &[Value]) -> Result<u64, Error>;

    /// Runs statements without parameters.
    ///
    /// # Errors
    ///
    /// As [`Connection::query`].
    fn batch(&mut self, sql: &str) -> Result<(), Error>;

    /// The next statements, up to one that binds a workspace, are about all workspaces. Without this, PostgreSQL shows such
    /// statements nothing; SQLite has no second wall.
    ///
    /// # Errors
    ///
    /// As [`Connection::query`].
    fn span(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// One snapshot for all statements.
    Read,
    /// Reads and writes.
    Write,
    /// Changes the schema, alone.
    Migrate,
}

/// What the database says about a job, beyond what its closure returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The closure's answer stands.
    Stands,
    /// Somebody else was in the way: undo the job and run it again, in a transaction of its own.
    Again,
    /// The connection is gone, and with it everything that is not committed.
    Lost,
}

/// A connection that can begin and end transactions, as the executor's threads need it.
pub(crate) trait Database: Connection {
    /// Begins a transaction, after connecting anew if that is necessary.
    fn begin(&mut self, access: Access) -> Result<(), Error>;

    /// Commits. `Busy`: certainly nothing was written, and the jobs may run again. Any other error: they must not.
    fn commit(&mut self) -> Result<(), Error>;

    /// Undoes the transaction.
    fn rollback(&mut self) -> Result<(), Error>;

    /// Whether a transaction is open: a full disk and other grave errors end it by themselves.
    fn in_transaction(&self) -> bool;

    /// A job begins; `attempt` counts its runs from 0.
    fn job_begins(&mut self, attempt: u32);

    /// What became of the job that has just run.
    fn verdict(&self) -> Verdict;

    /// The thread ends in good order.
    fn close(&mut self);
}
