//! A database as a whole: which tables it has, all of their rows, and its soundness.

use crate::{
    Error,
    connection::{Access, Database, Row},
};
use std::path::Path;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Integer,
    Text,
    Bytes,
}

impl Type {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Text => "text",
            Self::Bytes => "bytes",
        }
    }

    pub(crate) fn from_text(text: &str) -> Option<Self> {
        [Self::Integer, Self::Text, Self::Bytes]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// A column, in the order in which the table has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Type,
}

/// A table of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    /// Columns of the primary key, in its order.
    pub(crate) key: Vec<String>,
    /// The column whose numbers the database gives.
    pub(crate) identity: Option<String>,
}

impl Table {
    /// The columns as a list for SQL.
    pub(crate) fn column_list(&self) -> String {
        let names: Vec<String> = self.columns.iter().map(|c| quoted(&c.name)).collect();
        names.join(", ")
    }

    /// Reads all rows in the order of the key, in which they are also stored fastest.
    pub(crate) fn select(&self) -> String {
        let mut sql = format!("SELECT {} FROM {}", self.column_list(), quoted(&self.name));
        if !self.key.is_empty() {
            let key: Vec<String> = self.key.iter().map(|name| quoted(name)).collect();
            sql.push_str(" ORDER BY ");
            sql.push_str(&key.join(", "));
        }
        sql
    }
}

/// A name as both databases quote it. Names come from the database's own catalogue.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Takes one row after the other.
pub(crate) type Each<'a> = dyn FnMut(Row) -> Result<(), Error> + 'a;
/// Gives one row after the other.
pub(crate) type Next<'a> = dyn FnMut() -> Result<Option<Row>, Error> + 'a;

/// How thoroughly a database is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Pages and rows.
    Quick,
    /// Also each index against its table.
    Full,
}

/// What copying and checking need beyond transactions.
pub(crate) trait Whole: Database {
    /// All tables in the order in which they were made, so that none refers to a later one.
    fn tables(&mut self) -> Result<Vec<Table>, Error>;

    /// Hands all rows of a statement over, one at a time.
    fn each_row(&mut self, sql: &str, each: &mut Each<'_>) -> Result<(), Error>;

    /// Adds rows until there is none. Returns how many.
    fn add_rows(&mut self, table: &Table, next: &mut Next<'_>) -> Result<u64, Error>;

    /// The last number that an identity column gave; 0: none. May be greater than that of any row.
    fn last_number(&mut self, table: &str, column: &str) -> Result<i64, Error>;

    /// Makes an identity column go on behind a number.
    fn set_last_number(&mut self, table: &str, column: &str, last: i64) -> Result<(), Error>;

    /// Removes the indexes that belong to no constraint; returns the statements that make them again.
    fn drop_indexes(&mut self) -> Result<Vec<String>, Error>;

    /// What is wrong with the database's own structures, at most a hundred lines. Empty: nothing was found.
    fn damages(&mut self, depth: Depth) -> Result<Vec<String>, Error>;

    /// Whether the process of a node has ended, for all that can be told at once.
    fn has_ended(&mut self, directory: &Path, node: &str) -> Result<bool, Error>;

    /// Lifts limits that are meant for requests, on time and on workspaces, until the transaction ends.
    fn lift_limits(&mut self) -> Result<(), Error>;

    /// Whether the database's own wall between workspaces holds for the role that is used; `None`: it has none.
    fn wall_holds(&mut self) -> Result<Option<bool>, Error>;
}

/// Runs something in one read transaction, which sees the database as it is at one moment.
pub(crate) fn reading<T>(
    whole: &mut dyn Whole,
    run: impl FnOnce(&mut dyn Whole) -> Result<T, Error>,
) -> Result<T, Error> {
    whole.begin(Access::Read)?;
    let result = whole.lift_limits().and_then(|()| run(whole));
    // Nothing was written. The result counts, not how the snapshot is given back.
    let ended = whole.rollback();
    result.and_then(|value| ended.map(|()| value))
}
