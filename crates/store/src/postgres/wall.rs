//! The second wall between workspaces: the server itself shows a transaction the rows of the workspace that it is in, and no
//! others, even if a statement forgets to ask for them only.
//!
//! A transaction enters a workspace with the first statement that binds it. Whoever looks at all workspaces says so before
//! (see [`Connection::span`](crate::connection::Connection::span)); migrations, backups and restores take the wall down for
//! their own transaction. Superusers and roles with `BYPASSRLS` walk through every wall, which is warned of at the start.

use super::{Postgres, rows};
use crate::{
    Error, WorkspaceId,
    backup::whole::quoted,
    connection::{Access, Connection, Database, Row, Value},
};

/// Takes the lock of a workspace and enters it.
pub(super) const LOCK_AND_ENTER: &str =
    "SELECT pg_advisory_xact_lock($1), set_config('tenure.workspace', $2, true)";
const ENTER: &str = "SELECT set_config('tenure.workspace', $1, true)";
/// Tables with rows of workspaces that have no wall yet.
const OPEN: &str = "SELECT c.relname::text FROM pg_class c \
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'workspace_id' AND NOT a.attisdropped \
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND NOT c.relforcerowsecurity ORDER BY 1";
/// What a row must be for a transaction to see or write it; asked once per statement, not per row.
const SEEN: &str = "(SELECT COALESCE(NULLIF(current_setting('tenure.workspace', true), ''), '0')::bigint) IN (workspace_id, -1)";
const BYPASSES: &str = "SELECT CASE WHEN rolsuper OR rolbypassrls THEN 1::bigint ELSE 0::bigint END \
    FROM pg_roles WHERE rolname = current_user";
/// Stands for all workspaces.
const ALL: &str = "-1";

/// What the present transaction sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wall {
    /// Nothing that belongs to a workspace.
    Closed,
    /// One workspace.
    Workspace(WorkspaceId),
    /// All, until a statement binds a workspace or the next job begins.
    Spanned,
    /// What an earlier job saw: this workspace, or nobody knows what.
    Left(Option<WorkspaceId>),
    /// All until the end of the transaction.
    Down,
}

impl Postgres {
    /// Sees the rows of a workspace from now on.
    pub(super) fn enter(&mut self, workspace: WorkspaceId) -> Result<(), Error> {
        if self.wall == Wall::Down || self.wall == Wall::Workspace(workspace) {
            return Ok(());
        }
        if self.wall != Wall::Left(Some(workspace)) {
            self.set(&workspace.0.to_string())?;
        }
        self.wall = Wall::Workspace(workspace);
        Ok(())
    }

    pub(super) fn see_all(&mut self) -> Result<(), Error> {
        if matches!(self.wall, Wall::Down | Wall::Spanned) {
            return Ok(());
        }
        self.set(ALL)?;
        self.wall = Wall::Spanned;
        Ok(())
    }

    pub(super) fn take_down(&mut self) -> Result<(), Error> {
        self.set(ALL)?;
        self.wall = Wall::Down;
        Ok(())
    }

    /// What an earlier job was allowed to see is nothing for the next one, unless that enters the same workspace.
    pub(super) fn leave(&mut self) {
        self.wall = match self.wall {
            Wall::Workspace(workspace) => Wall::Left(Some(workspace)),
            Wall::Spanned => Wall::Left(None),
            same => same,
        };
    }

    /// The setting is as it was at a savepoint.
    pub(super) fn return_to_savepoint(&mut self) {
        if self.wall != Wall::Down {
            self.wall = Wall::Left(None);
        }
    }

    /// Before a statement that binds no workspace and has not said that it looks at all of them.
    pub(super) fn close_what_was_left(&mut self) -> Result<(), Error> {
        if matches!(self.wall, Wall::Left(_)) {
            self.set("")?;
            self.wall = Wall::Closed;
        }
        Ok(())
    }

    fn set(&mut self, what: &str) -> Result<(), Error> {
        self.run_bound(ENTER, &[Value::from(what)], rows).map(drop)
    }
}

/// Gives every table with rows of workspaces its wall.
///
/// # Errors
///
/// `Database` when the role may not change the tables.
pub(crate) fn raise(database: &mut Postgres) -> Result<(), Error> {
    database.begin(Access::Migrate)?;
    let result = raise_in(database);
    match result {
        Ok(bypasses) => {
            database.commit()?;
            if bypasses {
                tracing::warn!(
                    "the role of the database is a superuser or has BYPASSRLS, so that row-level security does not hold for it; use an ordinary role"
                );
            }
            Ok(())
        }
        Err(error) => {
            database.rollback()?;
            Err(error)
        }
    }
}

fn raise_in(database: &mut Postgres) -> Result<bool, Error> {
    for row in database.query(OPEN, &[])? {
        database.simple(&wall_of(&row.text(0)?))?;
    }
    bypasses(database)
}

fn wall_of(table: &str) -> String {
    let table = quoted(table);
    format!(
        "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; ALTER TABLE {table} FORCE ROW LEVEL SECURITY; \
         CREATE POLICY tenure_workspace ON {table} USING ({SEEN})"
    )
}

/// Whether the role walks through the wall.
pub(super) fn bypasses(database: &mut dyn Connection) -> Result<bool, Error> {
    let rows = database.query(BYPASSES, &[])?;
    let flag = rows.first().map_or(Ok(0), |row: &Row| row.integer(0))?;
    Ok(flag == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{connection::values, postgres::Server};

    const CARELESS: &str = "SELECT count(*) FROM walled";

    fn count(database: &mut Postgres, sql: &str, parameters: &[Value]) -> i64 {
        let rows = database.query(sql, parameters).unwrap();
        rows[0].integer(0).unwrap()
    }

    fn in_workspace(database: &mut Postgres, workspace: i64) -> i64 {
        let sql = format!("{CARELESS} WHERE workspace_id = $1");
        count(database, &sql, values![WorkspaceId(workspace)])
    }

    /// Several jobs share a transaction. None sees what only an earlier one was allowed to see, also after one was undone.
    #[test]
    fn a_job_does_not_see_what_an_earlier_one_saw() {
        let Ok(url) = std::env::var("TENURE_TEST_POSTGRES") else {
            eprintln!("skipped: TENURE_TEST_POSTGRES is not set");
            return;
        };
        let mut server = Server::parse(&url).unwrap();
        drop(server.discover().unwrap());
        let mut database = Postgres::new(server);
        database.begin(Access::Write).unwrap();
        if bypasses(&mut database).unwrap() {
            eprintln!("skipped: there is no wall for this role");
            return;
        }
        // All of it goes with the transaction.
        let tables = "CREATE SCHEMA wall_of_a_test; SET LOCAL search_path = wall_of_a_test; \
            CREATE TABLE walled (workspace_id bigint); INSERT INTO walled VALUES (1), (2), (2)";
        database.simple(tables).unwrap();
        database.simple(&wall_of("walled")).unwrap();

        assert_eq!(count(&mut database, CARELESS, &[]), 0, "nobody entered");
        database.job_begins(0);
        assert_eq!(in_workspace(&mut database, 1), 1);
        assert_eq!(count(&mut database, CARELESS, &[]), 1, "its own");
        database.job_begins(0);
        assert_eq!(count(&mut database, CARELESS, &[]), 0, "another job");
        database.job_begins(0);
        database.span().unwrap();
        assert_eq!(count(&mut database, CARELESS, &[]), 3, "as it said");
        database.job_begins(0);
        database.batch("SAVEPOINT job").unwrap();
        assert_eq!(count(&mut database, CARELESS, &[]), 0);
        assert_eq!(in_workspace(&mut database, 2), 2);
        database.batch("ROLLBACK TO job").unwrap();
        database.job_begins(0);
        assert_eq!(
            count(&mut database, CARELESS, &[]),
            0,
            "after one was undone"
        );
        database.rollback().unwrap();
    }
}
