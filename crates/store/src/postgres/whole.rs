//! A PostgreSQL schema as a whole.

use super::{
    Postgres,
    value::{Bound, read},
    wall,
};
use crate::{
    Error,
    backup::whole::{Column, Depth, Each, Next, Table, Type, Whole, quoted},
    connection::{Connection as _, Row, values},
};
use postgres::{
    binary_copy::BinaryCopyInWriter,
    fallible_iterator::FallibleIterator as _,
    types::{ToSql, Type as SqlType},
};
use std::path::Path;

/// Object numbers follow the order of creation.
const COLUMNS: &str = "SELECT t.relname::text, a.attname::text, format_type(a.atttypid, NULL)::text, a.attidentity::text, \
    coalesce(array_position(i.indkey::int2[], a.attnum), -1)::int8 \
    FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped \
    LEFT JOIN pg_index i ON i.indrelid = t.oid AND i.indisprimary \
    WHERE t.relkind = 'r' AND t.relnamespace = current_schema()::regnamespace ORDER BY t.oid, a.attnum";
const INDEXES: &str = "SELECT c.relname::text, pg_get_indexdef(i.indexrelid)::text FROM pg_index i \
    JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid \
    WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind = 'r' \
    AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid) ORDER BY c.oid";
/// Shared, so that two who ask at once do not take each other for the node.
const TRY_SHARED: &str = "SELECT pg_try_advisory_xact_lock_shared($1)";
const LAST: &str = "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence(quote_ident($1), $2)::regclass), 0)";
const SET_LAST: &str = "SELECT setval(pg_get_serial_sequence(quote_ident($1), $2)::regclass, $3)";

fn column_type(table: &str, text: &str) -> Result<Type, Error> {
    match text {
        "bigint" => Ok(Type::Integer),
        "text" => Ok(Type::Text),
        "bytea" => Ok(Type::Bytes),
        other => Err(Error::Database(format!(
            "table {table} has a column of the type {other:?}"
        ))),
    }
}

fn sql_type(kind: Type) -> SqlType {
    match kind {
        Type::Integer => SqlType::INT8,
        Type::Text => SqlType::TEXT,
        Type::Bytes => SqlType::BYTEA,
    }
}

impl Whole for Postgres {
    fn tables(&mut self) -> Result<Vec<Table>, Error> {
        let mut tables: Vec<(Table, Vec<(i64, String)>)> = Vec::new();
        for row in self.query(COLUMNS, &[])? {
            let (name, column) = (row.text(0)?, row.text(1)?);
            if tables.last().is_none_or(|(last, _)| last.name != name) {
                let table = Table {
                    name: name.clone(),
                    columns: Vec::new(),
                    key: Vec::new(),
                    identity: None,
                };
                tables.push((table, Vec::new()));
            }
            let Some((table, key)) = tables.last_mut() else {
                continue;
            };
            if !row.text(3)?.is_empty() {
                table.identity = Some(column.clone());
            }
            let place = row.integer(4)?;
            if place >= 0 {
                key.push((place, column.clone()));
            }
            let kind = column_type(&name, &row.text(2)?)?;
            table.columns.push(Column { name: column, kind });
        }
        Ok(tables
            .into_iter()
            .map(|(mut table, mut key)| {
                key.sort();
                table.key = key.into_iter().map(|(_, name)| name).collect();
                table
            })
            .collect())
    }

    fn each_row(&mut self, sql: &str, each: &mut Each<'_>) -> Result<(), Error> {
        let statement = self.client()?.prepare(sql);
        let statement = statement.map_err(|error| self.failed(error))?;
        let nothing: [&(dyn ToSql + Sync); 0] = [];
        let mut outcome = Ok(());
        let streamed = match self.client()?.query_raw(&statement, nothing) {
            Err(error) => Err(error),
            Ok(mut rows) => loop {
                match rows.next() {
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                    Ok(Some(row)) => {
                        outcome = read(&row).and_then(&mut *each);
                        if outcome.is_err() {
                            break Ok(());
                        }
                    }
                }
            },
        };
        streamed.map_err(|error| self.failed(error))?;
        outcome
    }

    fn add_rows(&mut self, table: &Table, next: &mut Next<'_>) -> Result<u64, Error> {
        let sql = format!(
            "COPY {} ({}) FROM STDIN BINARY",
            quoted(&table.name),
            table.column_list()
        );
        let types: Vec<SqlType> = table.columns.iter().map(|c| sql_type(c.kind)).collect();
        let mut outcome = Ok(());
        let copied = match self.client()?.copy_in(sql.as_str()) {
            Err(error) => Err(error),
            Ok(writer) => {
                let mut writer = BinaryCopyInWriter::new(writer, &types);
                loop {
                    let Row(values) = match next() {
                        Ok(Some(row)) => row,
                        Ok(None) => break writer.finish(),
                        Err(error) => {
                            // Dropping the writer ends the copy with an error at the server.
                            outcome = Err(error);
                            break Ok(0);
                        }
                    };
                    let bound: Vec<Bound<'_>> = values.iter().map(Bound).collect();
                    let row = bound.iter().map(|value| value as &(dyn ToSql + Sync));
                    if let Err(error) = writer.write_raw(row) {
                        break Err(error);
                    }
                }
            }
        };
        let added = copied.map_err(|error| self.failed(error))?;
        outcome.map(|()| added)
    }

    fn last_number(&mut self, table: &str, column: &str) -> Result<i64, Error> {
        let rows = self.query(LAST, values![table, column])?;
        rows.first().map_or(Ok(0), |row| row.integer(0))
    }

    fn set_last_number(&mut self, table: &str, column: &str, last: i64) -> Result<(), Error> {
        if last > 0 {
            self.query(SET_LAST, values![table, column, last])?;
        }
        Ok(())
    }

    fn drop_indexes(&mut self) -> Result<Vec<String>, Error> {
        let mut statements = Vec::new();
        for row in self.query(INDEXES, &[])? {
            statements.push(row.text(1)?);
            self.simple(&format!("DROP INDEX {}", quoted(&row.text(0)?)))?;
        }
        Ok(statements)
    }

    /// The server looks after its own files.
    fn damages(&mut self, _depth: Depth) -> Result<Vec<String>, Error> {
        Ok(Vec::new())
    }

    fn has_ended(&mut self, _directory: &Path, node: &str) -> Result<bool, Error> {
        let key = self.server.lock_key(&format!("node/{node}"));
        let rows = self.query(TRY_SHARED, values![key])?;
        Ok(rows.first().map_or(Ok(0), |row| row.integer(0))? == 1)
    }

    fn lift_limits(&mut self) -> Result<(), Error> {
        self.simple(
            "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0",
        )?;
        self.take_down()
    }

    fn wall_holds(&mut self) -> Result<Option<bool>, Error> {
        Ok(Some(!wall::bypasses(self)?))
    }
}
