//! Migrations: numbered files, forward only, one transaction each, with checksums.

use crate::{
    Error,
    connection::{Access, Database, values},
    node::hex,
};
use sha2::{Digest, Sha256};

const MIGRATIONS: &[(i64, &str)] = &[
    (1, include_str!("../migrations/0001_base.sql")),
    (2, include_str!("../migrations/0002_audit_head.sql")),
    (3, include_str!("../migrations/0003_receiving.sql")),
    (4, include_str!("../migrations/0004_provisioning.sql")),
    (5, include_str!("../migrations/0005_credentials.sql")),
];

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

fn migrate(connection: &mut dyn Database) -> Result<(), Error> {
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
    for (number, text) in MIGRATIONS.iter().skip(applied.len()) {
        connection.batch(text)?;
        connection.execute(RECORD, values![*number, hex(&Sha256::digest(text))])?;
    }
    Ok(())
}

/// Makes sure that all processes of a database have the same master key. What one of them seals, the others must open.
pub(crate) fn same_key(connection: &mut dyn Database, key: &[u8; 32]) -> Result<(), Error> {
    connection.begin(Access::Migrate)?;
    let result = compare_key(connection, key);
    match result {
        Ok(()) => connection.commit(),
        Err(error) => {
            connection.rollback()?;
            Err(error)
        }
    }
}

fn compare_key(connection: &mut dyn Database, key: &[u8; 32]) -> Result<(), Error> {
    // The key is random, so that its hash tells nothing about it.
    let fingerprint = hex(&Sha256::digest(
        [b"tenure master key".as_slice(), key].concat(),
    ));
    connection.batch(CREATE_KEY_TABLE)?;
    match connection.query(KNOWN_KEY, &[])?.first() {
        None => connection
            .execute(RECORD_KEY, values![fingerprint])
            .map(drop),
        Some(row) if row.text(0)? == fingerprint => Ok(()),
        Some(_) => Err(Error::Invalid(
            "the master.key in the data directory is not the one that this database is used with; \
             copy it from the data directory of another server"
                .into(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{connection::Connection as _, sqlite::Sqlite};

    #[test]
    fn migrating_twice_is_nothing_and_newer_schemas_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.db");
        let mut connection = Sqlite::open(&path, false).unwrap();
        run(&mut connection).unwrap();
        run(&mut connection).unwrap();
        connection.execute(RECORD, values![999_i64, "x"]).unwrap();
        assert!(
            run(&mut connection)
                .unwrap_err()
                .to_string()
                .contains("newer version")
        );
        connection
            .execute("DELETE FROM migration WHERE number = $1", values![999_i64])
            .unwrap();
        connection
            .execute("UPDATE migration SET checksum = $1", values!["x"])
            .unwrap();
        assert!(
            run(&mut connection)
                .unwrap_err()
                .to_string()
                .contains("differs")
        );
    }
}
