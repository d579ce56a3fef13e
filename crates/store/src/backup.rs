//! Backups: everything that a database holds, in one file that either engine can be restored from.
//!
//! The file holds rows, not pages. So one format and one way through the program serve SQLite and PostgreSQL, a backup of one
//! is restored into the other (which is how to move), indexes are built anew by a restore, and the file can be read without
//! Tenure. The rows are read in one read transaction: on SQLite's log a snapshot that keeps no writer waiting, on PostgreSQL
//! one of the isolation level REPEATABLE READ. SQLite's own backup interface would begin anew whenever another process
//! writes, and both it and `VACUUM INTO` would make pages that only SQLite reads.
//!
//! Sessions and set-up links are left out: who restores does not sign people in again who have signed out.

mod dump;
mod format;
mod restore;
mod settle;
pub(crate) mod whole;

pub use dump::{Wanted, create, write};
pub use restore::{Answer, Restored, restore};
pub(crate) use settle::{broken_audits, workspaces};

use crate::{
    Error, TimeUs, node,
    postgres::{Postgres, Server},
    sqlite::Sqlite,
};
use format::{Header, Reading, Totals};
use std::{collections::BTreeMap, path::Path};
use whole::Whole;

/// Tables that are no content: what the database is, and who is signed in.
const LEFT_OUT: [&str; 4] = ["migration", "master_key", "session", "setup_link"];

/// What a backup is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Version of Tenure that made it.
    pub tenure: String,
    /// `sqlite` or `postgres`.
    pub engine: String,
    /// When it was made.
    pub created_us: TimeUs,
    /// Number of the last migration of the database.
    pub schema: i64,
    /// Fingerprint of the master key that opens the secrets.
    pub key: Option<String>,
    /// Whether the master key is in the file.
    pub has_key: bool,
    /// Rows of each table.
    pub rows: BTreeMap<String, u64>,
    /// Size of the file.
    pub bytes: u64,
    /// SHA-256 of its content, in hexadecimal digits.
    pub sha256: String,
}

impl Manifest {
    fn new(header: Header, totals: Totals, bytes: u64, sha256: String) -> Self {
        Self {
            tenure: header.tenure,
            engine: header.engine,
            created_us: header.created_us,
            schema: header.schema,
            key: header.key,
            has_key: header.master_key.is_some(),
            rows: totals.rows,
            bytes,
            sha256,
        }
    }
}

/// Reads a whole backup and checks its checksum and its form. Changes nothing.
///
/// # Errors
///
/// `Invalid` when the file is damaged, is no backup or has another format; `Database` when it cannot be read.
pub fn verify(file: &Path) -> Result<Manifest, Error> {
    let mut reading = Reading::open(file)?;
    let header = reading.header.clone();
    let mut rows = BTreeMap::new();
    for table in &header.tables {
        let columns = table.columns()?;
        reading.table(&table.name)?;
        let mut count = 0;
        while reading.row(&columns)?.is_some() {
            count += 1;
        }
        rows.insert(table.name.clone(), count);
    }
    let (totals, bytes, sha256) = reading.end()?;
    if totals.rows != rows {
        return Err(format::damaged("it has not as many rows as it says"));
    }
    Ok(Manifest::new(header, totals, bytes, sha256))
}

/// Reads a file with a master key, such as a copy of `master.key`.
///
/// # Errors
///
/// `Database` when it cannot be read or does not hold 32 bytes.
pub fn read_key(file: &Path) -> Result<[u8; 32], Error> {
    node::read_key(file)
}

/// Runs something on a database server. The driver has a runtime of its own and must not begin it on a thread of another one.
pub(crate) fn on_server<T: Send>(
    url: &str,
    run: impl FnOnce(&mut Postgres) -> Result<T, Error> + Send,
) -> Result<T, Error> {
    std::thread::scope(|scope| {
        let running = scope.spawn(|| {
            let mut server = Server::parse(url)?;
            drop(server.discover()?);
            run(&mut Postgres::new(server))
        });
        running
            .join()
            .unwrap_or_else(|_| Err(Error::Database("internal error".to_owned())))
    })
}

/// Runs something on a database that exists, without changing its schema.
pub(crate) fn on_present<T: Send>(
    directory: &Path,
    database: Option<&str>,
    run: impl FnOnce(&mut dyn Whole) -> Result<T, Error> + Send,
) -> Result<T, Error> {
    let nothing = |place: String| Error::NotFound(format!("a database of Tenure in {place}"));
    let checked = |place: String| {
        move |whole: &mut dyn Whole| {
            let tables = whole.tables()?;
            match tables.iter().any(|table| table.name == "migration") {
                true => run(whole),
                false => Err(nothing(place)),
            }
        }
    };
    match database {
        Some(url) => on_server(url, |server| {
            whole::reading(server, checked("the database server".to_owned()))
        }),
        None => {
            let path = directory.join("tenure.db");
            if !path.is_file() {
                return Err(nothing(directory.display().to_string()));
            }
            let mut file = Sqlite::open_present(&path)?;
            whole::reading(&mut file, checked(directory.display().to_string()))
        }
    }
}
