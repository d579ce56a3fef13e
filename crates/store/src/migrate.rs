//! Migrations: numbered files, forward only, one transaction each, with checksums.

use crate::{
    Error, application, backup,
    connection::{Access, Database, values},
    node::{self, hex},
    seal::Sealer,
};
use sha2::{Digest, Sha256};
use std::path::Path;

const MIGRATIONS: &[(i64, &str)] = &[
    (1, include_str!("../migrations/0001_base.sql")),
    (2, include_str!("../migrations/0002_audit_head.sql")),
    (3, include_str!("../migrations/0003_receiving.sql")),
    (4, include_str!("../migrations/0004_provisioning.sql")),
    (5, include_str!("../migrations/0005_credentials.sql")),
];

/// Secrets that are looked at to find out whether a key is the right one.
const ENOUGH: usize = 100;

const CREATE_TABLE: &str =
    "CREATE TABLE IF NOT EXISTS migration (number BIGINT PRIMARY KEY, checksum TEXT NOT NULL)";
const APPLIED: &str = "SELECT number, checksum FROM migration ORDER BY number";
const CREATE_KEY_TABLE: &str = "CREATE TABLE IF NOT EXISTS master_key (fingerprint TEXT NOT NULL)";
const KNOWN_KEY: &str = "SELECT fingerprint FROM master_key";
const RECORD_KEY: &str = "INSERT INTO master_key (fingerprint) VALUES ($1)";
const RECORD: &str = "INSERT INTO migration (number, checksum) VALUES ($1, $2)";

/// Brings a database to the present schema. Refuses one that a newer Tenure has made.
pub(crate) fn run(connection: &mut dyn Database) -> Result<(), Error> {
    connection.begin(Access::Migrate)?;
    let result = migrate(connection);
    match result {
        Ok(()) => connection.commit(),
        Err(error) => {
            connection.rollback()?;
            Err(error)
        }
    }
}

/// Number of the newest schema that this version knows.
pub(crate) fn newest() -> i64 {
    MIGRATIONS.last().map_or(0, |(number, _)| *number)
}

/// Number of the last migration of a database. Its table of migrations must exist.
pub(crate) fn present(connection: &mut dyn Database) -> Result<i64, Error> {
    let applied = connection.query(APPLIED, &[])?;
    applied.last().map_or(Ok(0), |row| row.integer(0))
}

fn migrate(connection: &mut dyn Database) -> Result<(), Error> {
    apply(connection, newest())
}

/// Applies, within the open transaction, the migrations up to a number that are still missing.
pub(crate) fn apply(connection: &mut dyn Database, up_to: i64) -> Result<(), Error> {
    connection.batch(CREATE_TABLE)?;
    let applied = connection.query(APPLIED, &[])?;
    for row in &applied {
        let (number, checksum) = (row.integer(0)?, row.text(1)?);
        let Some((_, text)) = MIGRATIONS.iter().find(|(known, _)| *known == number) else {
            return Err(Error::Invalid(format!(
                "this database has migration {number}, made by a newer version of Tenure; start that version"
            )));
        };
        if checksum != hex(&Sha256::digest(text)) {
            return Err(Error::Invalid(format!(
                "migration {number} of this database differs from the one that this version has"
            )));
        }
    }
    let wanted = MIGRATIONS.iter().filter(|(number, _)| *number <= up_to);
    for (number, text) in wanted.skip(applied.len()) {
        connection.batch(text)?;
        connection.execute(RECORD, values![*number, hex(&Sha256::digest(text))])?;
    }
    Ok(())
}

/// The master key of a data directory, made on first use. All processes of a database must have the same one: what one of them
/// seals, the others must open. A database that is in use already gets no new key for one that is missing.
pub(crate) fn key(connection: &mut dyn Database, directory: &Path) -> Result<[u8; 32], Error> {
    connection.begin(Access::Migrate)?;
    let result = find_key(connection, directory);
    match result {
        Ok(key) => connection.commit().map(|()| key),
        Err(error) => {
            connection.rollback()?;
            Err(error)
        }
    }
}

fn find_key(connection: &mut dyn Database, directory: &Path) -> Result<[u8; 32], Error> {
    connection.batch(CREATE_KEY_TABLE)?;
    let known = known_key(connection)?;
    let sealed = sealed(connection)?;
    if node::present_key(directory)?.is_none() && (known.is_some() || !sealed.is_empty()) {
        return Err(Error::Invalid(format!(
            "the master.key of this database is missing in {}; put the copy of it back that you keep, or the one from another \
             server of this database",
            directory.display()
        )));
    }
    let key = node::master_key(directory)?;
    let sealer = Sealer::new(&key);
    let opens = |(place, secret): &(String, Vec<u8>)| sealer.open(place, secret).is_ok();
    if known.is_none() && !sealed.is_empty() && !sealed.iter().any(opens) {
        // An earlier version let this happen. The right key may still come back, so this one is not remembered.
        tracing::warn!("the master.key in the data directory opens none of the stored secrets");
        return Ok(key);
    }
    compare_key(connection, &key)?;
    Ok(key)
}

/// Secrets with their places, a few of each workspace.
fn sealed(connection: &mut dyn Database) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let mut sealed = Vec::new();
    for (workspace, _) in backup::workspaces(connection)? {
        let rows = connection.query(
            "SELECT key, secret FROM application WHERE workspace_id = $1 AND secret IS NOT NULL ORDER BY key LIMIT 10",
            values![workspace],
        )?;
        for row in &rows {
            let secret = row.optional_bytes(1)?.unwrap_or_default();
            sealed.push((application::place(workspace, row.integer(0)?), secret));
        }
        if sealed.len() >= ENOUGH {
            break;
        }
    }
    Ok(sealed)
}

/// Tells keys apart. A key is random, so that its hash tells nothing about it.
pub(crate) fn fingerprint(key: &[u8; 32]) -> String {
    hex(&Sha256::digest(
        [b"tenure master key".as_slice(), key].concat(),
    ))
}

/// The fingerprint of the key that a database is used with. Its table of keys must exist.
pub(crate) fn known_key(connection: &mut dyn Database) -> Result<Option<String>, Error> {
    let rows = connection.query(KNOWN_KEY, &[])?;
    rows.first().map(|row| row.text(0)).transpose()
}

/// Remembers the key within the open transaction, or compares it with the one that is remembered.
pub(crate) fn compare_key(connection: &mut dyn Database, key: &[u8; 32]) -> Result<(), Error> {
    let fingerprint = fingerprint(key);
    connection.batch(CREATE_KEY_TABLE)?;
    match connection.query(KNOWN_KEY, &[])?.first() {
        None => connection
            .execute(RECORD_KEY, values![fingerprint])
            .map(drop),
        Some(row) if row.text(0)? == fingerprint => Ok(()),
        Some(_) => Err(Error::Invalid(
            "the master.key in the data directory is not the one that this database is used with; \
             put the right one back, from another server of this database or from where it is kept"
                .into(),
        )),
    }
}

#[cfg(test)]
mod tests;
