//! A SQLite file as a whole.

use super::{Sqlite, bind, error};
use crate::{
    Error,
    backup::whole::{Column, Depth, Each, Next, Table, Type, Whole, quoted},
    connection::{Connection as _, Row, Value, values},
    node,
};
use rusqlite::types::ValueRef;
use std::path::Path;

/// Tables of ours; those of SQLite itself begin with its name. Their numbers follow the order of their creation.
const TABLES: &str = "SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_' ORDER BY rowid";
const COLUMNS: &str = "SELECT name, type, pk FROM pragma_table_info($1) ORDER BY cid";
const LAST: &str = "SELECT seq FROM sqlite_sequence WHERE name = $1";
const INDEXES: &str =
    "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY rowid";

fn column_type(table: &str, text: &str) -> Result<Type, Error> {
    match text {
        "BIGINT" | "INTEGER" => Ok(Type::Integer),
        "TEXT" => Ok(Type::Text),
        "BLOB" => Ok(Type::Bytes),
        other => Err(Error::Database(format!(
            "table {table} has a column of the type {other:?}"
        ))),
    }
}

/// A value as it is stored; what a damaged file holds must not be mended on the way.
fn exact(value: ValueRef<'_>) -> Result<Value, Error> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Text(text) => Value::Text(
            std::str::from_utf8(text)
                .map_err(|_| Error::Database("a stored text is damaged".into()))?
                .to_owned(),
        ),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
        ValueRef::Real(_) => return Err(Error::Database("a stored number is damaged".into())),
    })
}

fn table(connection: &mut Sqlite, name: String) -> Result<Table, Error> {
    let mut table = Table {
        name,
        columns: Vec::new(),
        key: Vec::new(),
        identity: None,
    };
    let mut key = Vec::new();
    for row in connection.query(COLUMNS, values![&table.name])? {
        let (name, text, place) = (row.text(0)?, row.text(1)?, row.integer(2)?);
        if place > 0 {
            key.push((place, name.clone()));
            // Only the house dialect's identity is called INTEGER.
            if text == "INTEGER" {
                table.identity = Some(name.clone());
            }
        }
        let kind = column_type(&table.name, &text)?;
        table.columns.push(Column { name, kind });
    }
    key.sort();
    table.key = key.into_iter().map(|(_, name)| name).collect();
    Ok(table)
}

impl Whole for Sqlite {
    fn tables(&mut self) -> Result<Vec<Table>, Error> {
        let names = self.query(TABLES, &[])?;
        names.iter().map(|row| table(self, row.text(0)?)).collect()
    }

    fn each_row(&mut self, sql: &str, each: &mut Each<'_>) -> Result<(), Error> {
        let mut statement = self.0.prepare(sql).map_err(error)?;
        let columns = statement.column_count();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(error)? {
            let mut values = Vec::with_capacity(columns);
            for column in 0..columns {
                values.push(exact(row.get_ref(column).map_err(error)?)?);
            }
            each(Row(values))?;
        }
        Ok(())
    }

    fn add_rows(&mut self, table: &Table, next: &mut Next<'_>) -> Result<u64, Error> {
        let places: Vec<String> = (1..=table.columns.len()).map(|n| format!("?{n}")).collect();
        let sql = format!(
            "INSERT INTO {} ({}) VALUES ({})",
            quoted(&table.name),
            table.column_list(),
            places.join(", ")
        );
        let mut statement = self.0.prepare(&sql).map_err(error)?;
        let mut added = 0;
        while let Some(Row(values)) = next()? {
            bind(&mut statement, &values)?;
            statement.raw_execute().map_err(error)?;
            added += 1;
        }
        Ok(added)
    }

    fn last_number(&mut self, table: &str, _column: &str) -> Result<i64, Error> {
        let rows = self.query(LAST, values![table])?;
        rows.first().map_or(Ok(0), |row| row.integer(0))
    }

    fn set_last_number(&mut self, table: &str, _column: &str, last: i64) -> Result<(), Error> {
        self.execute(
            "DELETE FROM sqlite_sequence WHERE name = $1",
            values![table],
        )?;
        self.execute(
            "INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)",
            values![table, last],
        )?;
        Ok(())
    }

    fn drop_indexes(&mut self) -> Result<Vec<String>, Error> {
        let mut statements = Vec::new();
        for row in self.query(INDEXES, &[])? {
            statements.push(row.text(1)?);
            self.batch(&format!("DROP INDEX {}", quoted(&row.text(0)?)))?;
        }
        Ok(statements)
    }

    fn damages(&mut self, depth: Depth) -> Result<Vec<String>, Error> {
        let rows = self.query(
            match depth {
                Depth::Quick => "PRAGMA quick_check(100)",
                Depth::Full => "PRAGMA integrity_check(100)",
            },
            &[],
        );
        let mut found = match rows {
            Ok(rows) => rows
                .iter()
                .map(|row| row.text(0))
                .collect::<Result<Vec<_>, _>>()?,
            // So damaged that the check itself cannot go on.
            Err(Error::Database(message)) => vec![message],
            Err(other) => return Err(other),
        };
        found.retain(|line| line != "ok");
        if found.is_empty() && depth == Depth::Full {
            for row in self.query(
                "SELECT \"table\", parent FROM pragma_foreign_key_check LIMIT 100",
                &[],
            )? {
                found.push(format!(
                    "a row of {} refers to one of {} that does not exist",
                    row.text(0)?,
                    row.text(1)?
                ));
            }
        }
        Ok(found)
    }

    fn has_ended(&mut self, directory: &Path, node: &str) -> Result<bool, Error> {
        Ok(node::is_free_in(directory, node))
    }

    fn lift_limits(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn wall_holds(&mut self) -> Result<Option<bool>, Error> {
        Ok(None)
    }
}
