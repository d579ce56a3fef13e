//! Whether a file is sound after a process that used it has died.
//!
//! SQLite's log makes up for a crash, but not for a disk that lied about what it had written. A database that was closed in good
//! order is not looked at: reading all of it would delay each start, and `tenure doctor` and each backup do it as well. One
//! that was not is looked at before anything uses it, if it is small, and otherwise while the server runs: a check of
//! gigabytes takes minutes, in which nobody could sign in or send anything, for a case that next to never happens.

use super::Sqlite;
use crate::{
    Error,
    backup::whole::{self, Depth},
    node,
};
use std::path::{Path, PathBuf};

/// A file up to this size is checked in far less than a tenth of a second.
const SMALL: u64 = 8 * 1024 * 1024;

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |meta| meta.len())
}

/// The log, which is removed or emptied when the last process closes the database in good order.
fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

fn look(path: &Path) -> Result<Option<String>, Error> {
    let mut connection = Sqlite::open_present(path)?;
    let found = whole::reading(&mut connection, |whole| whole.damages(Depth::Quick))?;
    Ok(found.into_iter().next())
}

fn words(path: &Path, damage: &str) -> String {
    format!(
        "{} is damaged: {damage}. Do not use it any more: restore the last backup with `tenure restore`; \
         `tenure doctor` tells more",
        path.display()
    )
}

/// Checks a small database that was not closed in good order. `true`: it is a large one, to be checked later. The database of a
/// process that lives is not looked at; it was, when that process began.
pub(crate) fn look_before(directory: &Path, path: &Path) -> Result<bool, Error> {
    if size(&log_of(path)) == 0 || node::somebody_lives(directory) {
        return Ok(false);
    }
    if size(path) > SMALL {
        return Ok(true);
    }
    match look(path)? {
        None => Ok(false),
        Some(damage) => Err(Error::Database(words(path, &damage))),
    }
}

/// Checks a large database on a thread of its own, and stops the process if it is damaged.
pub(crate) fn look_meanwhile(path: &Path) -> Result<(), Error> {
    let path = path.to_owned();
    std::thread::Builder::new()
        .name("store-check".to_owned())
        .spawn(move || match look(&path) {
            Ok(None) => {}
            Ok(Some(damage)) => {
                tracing::error!("{}", words(&path, &damage));
                std::process::abort();
            }
            Err(error) => tracing::warn!(%error, "the database could not be checked after a crash"),
        })
        .map(drop)
        .map_err(|error| Error::Database(format!("cannot start a thread: {error}")))
}
