//! Restoring a backup, into a place where nothing is.

use super::{
    LEFT_OUT, Manifest,
    format::{Reading, Totals, damaged, unhex},
    on_server, settle, verify,
    whole::{Depth, Table, Whole, quoted},
};
use crate::{
    Actor, Error, TimeUs,
    connection::{Access, Database},
    migrate, node,
    sqlite::{RESTORING, Sqlite},
};
use std::{
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
};

/// What the operator decides. Not for logs: it may hold the key.
#[derive(Clone)]
pub struct Answer {
    /// The master key, if it is neither in the data directory nor in the backup.
    pub key: Option<[u8; 32]>,
    /// The master key is lost: forget the secrets that only it opens.
    pub without_secrets: bool,
    /// The old server is stopped and the backup holds all that it ever did, so that provisioning may go on where it was.
    pub moved: bool,
    /// Who restores, for the audit logs.
    pub actor: Actor,
    /// The present time.
    pub now_us: TimeUs,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The backup.
    pub manifest: Manifest,
    /// Applications that were on and are off now.
    pub switched_off: u64,
    /// Applications whose secret is gone.
    pub secrets_forgotten: u64,
    /// Slugs of workspaces whose audit log had been tampered with before the backup was made, each with what is wrong.
    pub broken_audits: Vec<(String, String)>,
}

/// Restores a backup into a data directory without a database, or into an empty PostgreSQL database. Everything is checked
/// before anything is changed, and the database appears when it is whole and on disk.
///
/// Provisioning is switched off unless the backup is a move: what the ledger knows about targets is of the past.
///
/// # Errors
///
/// `Conflict` when there is something already, `Invalid` when the backup is damaged or of a newer version or the key is
/// missing or wrong, `Database` when anything else fails.
pub fn restore(
    file: &Path,
    directory: &Path,
    database: Option<&str>,
    answer: &Answer,
) -> Result<Restored, Error> {
    let manifest = verify(file)?;
    if manifest.schema > migrate::newest() {
        return Err(Error::Invalid(format!(
            "the backup was made by Tenure {}, whose schema {} this version does not know; restore with that version or a newer one",
            manifest.tenure, manifest.schema
        )));
    }
    let key = key(file, directory, answer, &manifest)?;
    let task = Task {
        file,
        answer,
        manifest: &manifest,
        key,
    };
    match database {
        None => task.restore_to_file(directory),
        Some(url) => {
            node::private_directory(directory)?;
            on_server(url, |server| task.restore_to_server(server, directory))
        }
    }
}

/// The master key that the restored database will be used with.
fn key(
    file: &Path,
    directory: &Path,
    answer: &Answer,
    manifest: &Manifest,
) -> Result<[u8; 32], Error> {
    let fits = |key: &[u8; 32]| {
        answer.without_secrets
            || manifest
                .key
                .as_ref()
                .is_none_or(|known| *known == migrate::fingerprint(key))
    };
    let present = node::present_key(directory)?;
    if let (Some(given), Some(present)) = (&answer.key, &present)
        && given != present
    {
        return Err(Error::Conflict(
            "the data directory has another master.key than the one that was given".into(),
        ));
    }
    let carried = Reading::open(file)?.header.master_key;
    let carried = carried
        .map(|digits| {
            unhex(&digits)
                .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
                .ok_or_else(|| damaged("its master key is wrong"))
        })
        .transpose()?;
    match answer.key.or(present).or(carried) {
        Some(key) if fits(&key) => Ok(key),
        Some(_) => Err(Error::Invalid(
            "the master key is not the one that this backup was made with".into(),
        )),
        None if answer.without_secrets || manifest.key.is_none() => node::random::<32>(),
        None => Err(Error::Invalid(
            "the master key is missing: the backup does not contain it, and the data directory has no master.key".into(),
        )),
    }
}

/// A restore that has been checked as far as it can be without a database.
struct Task<'a> {
    file: &'a Path,
    answer: &'a Answer,
    manifest: &'a Manifest,
    key: [u8; 32],
}

impl Task<'_> {
    /// The file gets its name at the very end; until then, a server refuses to start in the directory.
    fn restore_to_file(&self, directory: &Path) -> Result<Restored, Error> {
        refuse_full(directory)?;
        node::private_directory(directory)?;
        // Dropped by the system however this ends.
        let lock = File::open(directory).map_err(|error| node::io("open", directory, &error))?;
        lock.try_lock().map_err(|_| {
            Error::Conflict(format!(
                "another process restores into {}",
                directory.display()
            ))
        })?;
        refuse_full(directory)?;
        let draft = directory.join(RESTORING);
        remove(&draft)?;
        let result = self.fill_draft(&draft, directory);
        if result.is_err() {
            // Best effort: its name keeps anybody from taking it for a database.
            let _ = remove(&draft);
        }
        result
    }

    fn fill_draft(&self, draft: &Path, directory: &Path) -> Result<Restored, Error> {
        node::private_file(draft)?;
        let mut database = Sqlite::open_draft(draft)?;
        database.begin(Access::Write)?;
        let restored = self.load(&mut database)?;
        database.commit()?;
        refuse_damages(&mut database)?;
        drop(database);
        File::open(draft)
            .and_then(|file| file.sync_all())
            .map_err(|error| node::io("sync", draft, &error))?;
        self.store_key(directory)?;
        let path = directory.join("tenure.db");
        match node::publish(draft, &path)? {
            true => Ok(restored),
            false => Err(Error::Conflict(format!("{} exists now", path.display()))),
        }
    }

    /// Everything happens in one transaction.
    fn restore_to_server(
        &self,
        server: &mut dyn Whole,
        directory: &Path,
    ) -> Result<Restored, Error> {
        server.begin(Access::Migrate)?;
        let result = server.lift_limits().and_then(|()| {
            if let Some(table) = server.tables()?.first() {
                return Err(Error::Conflict(format!(
                    "the database is not empty: it has a table {}",
                    table.name
                )));
            }
            let restored = self.load(server)?;
            self.store_key(directory)?;
            Ok(restored)
        });
        match result {
            Err(error) => {
                server.rollback()?;
                Err(error)
            }
            Ok(restored) => {
                server.commit()?;
                if let Err(error) = server.batch("ANALYZE") {
                    tracing::warn!(%error, "the server will find out by itself how large its tables are");
                }
                Ok(restored)
            }
        }
    }

    fn store_key(&self, directory: &Path) -> Result<(), Error> {
        node::put_key(directory, &self.key)?;
        match node::present_key(directory)? {
            Some(present) if present == self.key => Ok(()),
            _ => Err(Error::Conflict(
                "another process has put another master.key into the data directory".into(),
            )),
        }
    }

    /// Brings the rows in, checks them, and prepares the database for its new life.
    fn load(&self, whole: &mut dyn Whole) -> Result<Restored, Error> {
        let mut reading = Reading::open(self.file)?;
        migrate::apply(whole, reading.header.schema)?;
        let tables = tables(&reading, whole)?;
        let indexes = whole.drop_indexes()?;
        let mut rows = BTreeMap::new();
        for table in &tables {
            reading.table(&table.name)?;
            let added = whole.add_rows(table, &mut || reading.row(&table.columns))?;
            rows.insert(table.name.clone(), added);
        }
        let (totals, _, sha256) = reading.end()?;
        if sha256 != self.manifest.sha256 || totals.rows != rows {
            return Err(Error::Conflict(
                "the backup was changed while it was restored".into(),
            ));
        }
        check_counts(whole, &totals)?;
        set_last_numbers(whole, &tables, &totals)?;
        for statement in indexes {
            whole.batch(&statement)?;
        }
        migrate::apply(whole, migrate::newest())?;
        migrate::compare_key(whole, &self.key)?;
        let broken_audits = settle::broken_audits(whole)?;
        let settled = settle::settle(whole, self.answer, self.manifest)?;
        Ok(Restored {
            manifest: self.manifest.clone(),
            switched_off: settled.switched_off,
            secrets_forgotten: settled.secrets_forgotten,
            broken_audits,
        })
    }
}

/// The tables of the file with their columns in its order, if they are those that its schema has.
fn tables(reading: &Reading, whole: &mut dyn Whole) -> Result<Vec<Table>, Error> {
    let mut present: BTreeMap<String, Table> = whole
        .tables()?
        .into_iter()
        .filter(|table| !LEFT_OUT.contains(&table.name.as_str()))
        .map(|table| (table.name.clone(), table))
        .collect();
    let other = |name: &str| {
        Error::Invalid(format!(
            "the backup's table {name} is not the one that its schema has"
        ))
    };
    let mut tables = Vec::new();
    for header in &reading.header.tables {
        let mut table = present
            .remove(&header.name)
            .ok_or_else(|| other(&header.name))?;
        let columns = header.columns()?;
        let all = |columns: &[super::whole::Column]| {
            let mut all: Vec<_> = columns
                .iter()
                .map(|column| (column.name.clone(), column.kind.as_str()))
                .collect();
            all.sort();
            all
        };
        if all(&columns) != all(&table.columns) {
            return Err(other(&header.name));
        }
        table.columns = columns;
        tables.push(table);
    }
    match present.keys().next() {
        None => Ok(tables),
        Some(missing) => Err(other(missing)),
    }
}

fn check_counts(whole: &mut dyn Whole, totals: &Totals) -> Result<(), Error> {
    for (table, expected) in &totals.rows {
        let counted = whole.query(&format!("SELECT count(*) FROM {}", quoted(table)), &[])?;
        let counted = counted.first().map_or(Ok(0), |row| row.unsigned(0))?;
        if counted != *expected {
            return Err(Error::Database(format!(
                "the table {table} has {counted} rows instead of {expected}"
            )));
        }
    }
    Ok(())
}

/// Numbers that were given once are not given again, even if their rows are gone.
fn set_last_numbers(whole: &mut dyn Whole, tables: &[Table], totals: &Totals) -> Result<(), Error> {
    for table in tables {
        if let (Some(column), Some(last)) = (&table.identity, totals.last.get(&table.name)) {
            whole.set_last_number(&table.name, column, *last)?;
        }
    }
    Ok(())
}

fn refuse_damages(database: &mut Sqlite) -> Result<(), Error> {
    match database.damages(Depth::Full)?.first() {
        None => Ok(()),
        Some(damage) => Err(Error::Database(format!(
            "the restored database is not sound: {damage}"
        ))),
    }
}

/// Refuses a directory that has anything but what a restore may find: a key, and what is left of an interrupted restore.
fn refuse_full(directory: &Path) -> Result<(), Error> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(node::io("read", directory, &error)),
    };
    for entry in entries {
        let entry = entry.map_err(|error| node::io("read", directory, &error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_empty = || std::fs::read_dir(entry.path()).is_ok_and(|mut all| all.next().is_none());
        let allowed = name == "master.key"
            // A key that was being written when a restore was interrupted.
            || name.starts_with("master.key.")
            || name == "lost+found"
            || name.starts_with(RESTORING)
            || (name == "nodes" && is_empty());
        if !allowed {
            return Err(Error::Conflict(format!(
                "{} is not empty: it has {name}",
                directory.display()
            )));
        }
    }
    Ok(())
}

/// Removes an unfinished database with what SQLite may have put beside it.
fn remove(draft: &Path) -> Result<(), Error> {
    for ending in ["", "-journal", "-wal", "-shm"] {
        let mut path = draft.as_os_str().to_owned();
        path.push(ending);
        let path = PathBuf::from(path);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(node::io("remove", &path, &error));
            }
            _ => {}
        }
    }
    Ok(())
}
