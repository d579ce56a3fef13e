use super::*;
use crate::{
    Actor,
    backup::{self, Answer},
    connection::{Connection, Row, Value, Verdict},
    sqlite::Sqlite,
};
use std::path::Path;

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

/// A database that breaks at one statement, or is looked at there.
struct Breaking<'a> {
    inner: Sqlite,
    statement: u32,
    breaks_at: u32,
    at_break: &'a mut dyn FnMut(),
}

impl Breaking<'_> {
    fn step(&mut self) -> Result<(), Error> {
        self.statement += 1;
        if self.statement != self.breaks_at {
            return Ok(());
        }
        (self.at_break)();
        Err(Error::Database("broken here".into()))
    }
}

impl Connection for Breaking<'_> {
    fn query(&mut self, sql: &str, parameters: &[Value]) -> Result<Vec<Row>, Error> {
        self.inner.query(sql, parameters)
    }
    fn execute(&mut self, sql: &str, parameters: &[Value]) -> Result<u64, Error> {
        self.step()?;
        self.inner.execute(sql, parameters)
    }
    /// Statement by statement.
    fn batch(&mut self, sql: &str) -> Result<(), Error> {
        let code: Vec<&str> = sql
            .lines()
            .filter(|line| !line.trim_start().starts_with("--"))
            .collect();
        for statement in code.join("\n").split(';') {
            if !statement.trim().is_empty() {
                self.step()?;
                self.inner.batch(statement)?;
            }
        }
        Ok(())
    }
}

impl Database for Breaking<'_> {
    fn begin(&mut self, access: Access) -> Result<(), Error> {
        self.inner.begin(access)
    }
    fn commit(&mut self) -> Result<(), Error> {
        self.step()?;
        self.inner.commit()
    }
    fn rollback(&mut self) -> Result<(), Error> {
        self.inner.rollback()
    }
    fn in_transaction(&self) -> bool {
        self.inner.in_transaction()
    }
    fn job_begins(&mut self, attempt: u32) {
        self.inner.job_begins(attempt);
    }
    fn verdict(&self) -> Verdict {
        self.inner.verdict()
    }
    fn close(&mut self) {
        self.inner.close();
    }
}

/// A database as an earlier version left it, with a workspace and a token.
fn earlier(path: &Path, schema: i64) {
    let mut connection = Sqlite::open(path, false).unwrap();
    connection.begin(Access::Migrate).unwrap();
    apply(&mut connection, schema).unwrap();
    for sql in [
        "INSERT INTO workspace (id, public_id, slug, name, name_key, created_us) VALUES (7, 'wsp_1', 'first', 'First', 'first', 1)",
        "INSERT INTO token (id, workspace_id, name, hash, suffix, created_us, created_by) VALUES ('tok_1', 7, 'Entra', x'00ff', 'abcd', 1, 'Ana')",
        "INSERT INTO resource (rid, workspace_id, kind, id, version, created_us, modified_us, body) VALUES (3, 7, 'User', 'u1', 1, 1, 1, '{}')",
        "INSERT INTO change (workspace_id, kind, rid, what, at_us) VALUES (7, 'User', 3, 'create', 1)",
    ] {
        connection.batch(sql).unwrap();
    }
    connection.commit().unwrap();
}

/// Everything that makes up a schema, and how many rows a table has.
fn shape(path: &Path) -> Vec<String> {
    let mut connection = Sqlite::open(path, false).unwrap();
    let mut shape: Vec<String> = connection
        .query(
            "SELECT coalesce(sql, name) FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY type, name",
            &[],
        )
        .unwrap()
        .iter()
        .map(|row| row.text(0).unwrap())
        .collect();
    let tokens = connection.query("SELECT count(*) FROM token", &[]).unwrap();
    shape.push(tokens[0].integer(0).unwrap().to_string());
    shape.push(present(&mut connection).unwrap().to_string());
    shape
}

/// Copies a database as a power cut at this moment would leave it.
fn photograph(path: &Path, to: &Path) {
    for ending in ["", "-wal"] {
        let with = |path: &Path| format!("{}{ending}", path.display());
        if Path::new(&with(path)).exists() {
            std::fs::copy(with(path), with(to)).unwrap();
        }
    }
}

#[test]
fn a_migration_that_breaks_anywhere_leaves_the_old_schema() {
    let place = tempfile::tempdir().unwrap();
    let (mut breaks, final_shape) = (0, {
        let path = place.path().join("whole");
        earlier(&path, newest());
        shape(&path)
    });
    for schema in 1..newest() {
        for breaks_at in 1.. {
            let path = place.path().join(format!("{schema}-{breaks_at}"));
            let cut = place.path().join(format!("{schema}-{breaks_at}-cut"));
            earlier(&path, schema);
            let before = shape(&path);
            let mut breaking = Breaking {
                inner: Sqlite::open(&path, false).unwrap(),
                statement: 0,
                breaks_at,
                at_break: &mut || photograph(&path, &cut),
            };
            let result = run(&mut breaking);
            drop(breaking);
            if result.is_ok() {
                assert_eq!(shape(&path), final_shape);
                break;
            }
            breaks += 1;
            for path in [&path, &cut] {
                assert_eq!(shape(path), before, "from {schema}, broken at {breaks_at}");
                // The next start finishes it.
                run(&mut Sqlite::open(path, false).unwrap()).unwrap();
                assert_eq!(shape(path), final_shape, "from {schema}");
            }
        }
    }
    assert!(breaks > 50, "only {breaks} places");
}

#[test]
fn backups_of_every_earlier_schema_are_restored_into_the_present_one() {
    for schema in 1..=newest() {
        let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        earlier(&old.path().join("tenure.db"), schema);
        let files = tempfile::tempdir().unwrap();
        let file = files.path().join("backup");
        let wanted = backup::Wanted::default();
        // A database of an earlier version remembers no key; any will do.
        let manifest = backup::create(old.path(), None, &file, wanted).unwrap();
        assert_eq!((manifest.schema, manifest.key), (schema, None));
        let answer = Answer {
            key: None,
            without_secrets: false,
            moved: false,
            actor: Actor::system(),
            now_us: 2,
        };
        backup::restore(&file, new.path(), None, &answer).unwrap();
        let mut expected = Sqlite::open(&old.path().join("tenure.db"), false).unwrap();
        run(&mut expected).unwrap();
        let path = new.path().join("tenure.db");
        let mut found = Sqlite::open(&path, false).unwrap();
        for sql in [
            "SELECT * FROM token",
            "SELECT * FROM resource",
            "SELECT * FROM change",
            "SELECT name, seq FROM sqlite_sequence WHERE name IN ('workspace', 'resource', 'change') ORDER BY name",
        ] {
            assert_eq!(
                found.query(sql, &[]).unwrap(),
                expected.query(sql, &[]).unwrap(),
                "{schema}: {sql}"
            );
        }
        assert_eq!(present(&mut found).unwrap(), newest());
    }
}
