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
];

const CREATE_TABLE: &str =
    "CREATE TABLE IF NOT EXISTS migration (number BIGINT PRIMARY KEY, checksum TEXT NOT NULL)";
const APPLIED: &str = "SELECT number, checksum FROM migration ORDER BY number";
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
