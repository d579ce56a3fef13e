//! What SQLite believes about the sizes of tables when it chooses an index.
//!
//! Without statistics it takes `workspace_id = …` for nearly as selective as an id, and walks through all rows of a workspace
//! where an index would lead to the one. Statistics measured in a database would change its plans with its content; these are
//! the same everywhere, and say what matters: workspaces are large, and few columns tell their rows apart.

use super::Sqlite;
use crate::{
    Error,
    connection::{Access, Connection, Database, values},
};

/// Rows of a table.
const ROWS: u64 = 1_000_000_000;
/// Rows of an index with a condition: few fulfil it.
const PARTIAL: u64 = 1_000_000;
/// The condition of this index holds for most rows.
const NEARLY_ALL: &str = "resource_live";
/// Columns with few values, and into how many parts they divide the rows.
const COARSE: [(&str, u64); 7] = [
    ("workspace_id", 100),
    ("element", 1),
    ("kind", 2),
    ("application", 10),
    ("attribute", 20),
    ("cycle_id", 100),
    ("group_rid", 1000),
];
/// Rows that share the value of any other column.
const FINE: u64 = 20;

/// Every column of every index, in order.
const COLUMNS: &str = "SELECT t.name, l.wr, i.name, i.\"unique\", i.origin, i.partial, c.name FROM sqlite_schema t \
    JOIN pragma_table_list(t.name) l JOIN pragma_index_list(t.name) i JOIN pragma_index_info(i.name) c \
    WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' ORDER BY t.name, i.name, c.seqno";
/// Makes the tables of statistics, and has them read.
const LOAD: &str = "ANALYZE sqlite_schema";
const PRESENT: &str = "SELECT tbl, idx, stat FROM sqlite_stat1 ORDER BY tbl, idx";

/// A row of `sqlite_stat1`: table, index, how many rows there are and how many share each prefix of the index.
type Statistic = (String, String, String);

/// Writes the statistics, unless they are there.
pub(super) fn state(connection: &mut Sqlite) -> Result<(), Error> {
    connection.begin(Access::Migrate)?;
    match write(connection) {
        Ok(()) => {
            connection.commit()?;
            connection.batch(LOAD)
        }
        Err(error) => {
            connection.rollback()?;
            Err(error)
        }
    }
}

fn write(connection: &mut Sqlite) -> Result<(), Error> {
    let wanted = wanted(connection)?;
    connection.batch(LOAD)?;
    let present = connection
        .query(PRESENT, &[])?
        .iter()
        .map(|row| {
            let index = row.optional_text(1)?.unwrap_or_default();
            Ok((row.text(0)?, index, row.text(2)?))
        })
        .collect::<Result<Vec<Statistic>, Error>>()?;
    if present == wanted {
        return Ok(());
    }
    connection.execute("DELETE FROM sqlite_stat1", &[])?;
    // Samples, if somebody has measured.
    connection.execute("DELETE FROM sqlite_stat4", &[])?;
    for (table, index, numbers) in wanted {
        connection.execute(
            "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ($1, $2, $3)",
            values![table, index, numbers],
        )?;
    }
    Ok(())
}

/// An index while its columns are read.
struct Index {
    table: String,
    name: String,
    unique: bool,
    numbers: Vec<u64>,
}

impl Index {
    fn add(&mut self, column: &str) {
        let shared = self.numbers.last().copied().unwrap_or(ROWS);
        let coarse = COARSE.iter().find(|(name, _)| *name == column);
        let left = match coarse {
            Some((_, parts)) => shared / parts,
            None => (shared / 2).min(FINE),
        };
        self.numbers.push(left.max(1));
    }

    fn statistic(mut self) -> Statistic {
        if self.unique
            && let Some(last) = self.numbers.last_mut()
        {
            *last = 1;
        }
        let numbers: Vec<String> = self.numbers.iter().map(u64::to_string).collect();
        // It would try workspace after workspace where a statement does not name one.
        let text = format!("{} noskipscan", numbers.join(" "));
        (self.table, self.name, text)
    }
}

fn wanted(connection: &mut Sqlite) -> Result<Vec<Statistic>, Error> {
    let mut indexes: Vec<Index> = Vec::new();
    for row in connection.query(COLUMNS, &[])? {
        let (table, without_rowid) = (row.text(0)?, row.integer(1)? == 1);
        // The key of a table without row numbers is called as the table.
        let name = if without_rowid && row.text(4)? == "pk" {
            table.clone()
        } else {
            row.text(2)?
        };
        let is_new = indexes
            .last()
            .is_none_or(|last| (&last.table, &last.name) != (&table, &name));
        if is_new {
            let is_small = row.integer(5)? == 1 && name != NEARLY_ALL;
            indexes.push(Index {
                table,
                name,
                unique: row.integer(3)? == 1,
                numbers: vec![if is_small { PARTIAL } else { ROWS }],
            });
        }
        if let Some(index) = indexes.last_mut() {
            index.add(&row.text(6)?);
        }
    }
    let mut found: Vec<Statistic> = indexes.into_iter().map(Index::statistic).collect();
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate;

    /// The database with the present schema, and its statistics.
    fn database(folder: &std::path::Path) -> Sqlite {
        let mut connection = Sqlite::open(&folder.join("test.db"), false).unwrap();
        migrate::run(&mut connection).unwrap();
        connection.state_sizes().unwrap();
        connection
    }

    /// A statement is answered with the help of this index, and no table is walked through.
    #[track_caller]
    fn check(connection: &mut Sqlite, statement: &str, index: &str) {
        let rows = connection
            .query(&format!("EXPLAIN QUERY PLAN {statement}"), &[])
            .unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.text(3).unwrap()).collect();
        assert!(
            plan.iter().any(|step| step.contains(index))
                && !plan.iter().any(|step| step.starts_with("SCAN")),
            "{statement}: {plan:?}"
        );
    }

    #[test]
    fn an_id_is_worth_more_than_a_workspace() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = database(folder.path());
        let mut check = |statement, index| check(&mut connection, statement, index);
        check(
            "SELECT source_id FROM link WHERE workspace_id = 1 AND application = 2 AND target_id = 'x'",
            "link_target",
        );
        check(
            "SELECT target_id FROM link WHERE workspace_id = 1 AND application = 2 AND source_id = 'x'",
            "link_source",
        );
        check(
            "DELETE FROM operation WHERE workspace_id = 1 AND id IN (SELECT id FROM operation \
             WHERE workspace_id = 1 AND cycle_id = 'x' ORDER BY id LIMIT 9)",
            "INTEGER PRIMARY KEY",
        );
        check(
            "SELECT rid FROM resource WHERE workspace_id = 1 AND deleted_us IS NOT NULL AND purged_us IS NULL \
             AND deleted_us < 9 LIMIT 9",
            "resource_deleted",
        );
        check(
            "SELECT rid FROM resource_index WHERE workspace_id = 1 AND kind = 'User' AND attribute = 'userName' AND value = 'x'",
            "PRIMARY KEY (workspace_id=? AND kind=? AND attribute=? AND value=?)",
        );
    }

    #[test]
    fn what_is_there_is_left_and_what_was_measured_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = database(folder.path());
        let before = connection.query(PRESENT, &[]).unwrap();
        assert!(before.len() > 40, "{}", before.len());
        connection.batch("ANALYZE").unwrap();
        connection
            .execute("UPDATE sqlite_stat1 SET stat = '1 1'", &[])
            .unwrap();
        drop(connection);
        let mut connection = database(folder.path());
        assert_eq!(connection.query(PRESENT, &[]).unwrap(), before);
    }
}
