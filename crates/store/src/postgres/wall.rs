//! The second wall between workspaces: the server itself shows a transaction the rows of the workspace that it is in, and no
//! others, even if a statement forgets to ask for them only.
//!
//! A transaction enters a workspace with the first statement that binds it. Whoever looks at all workspaces says so before
//! (see [`Connection::span`](crate::connection::Connection::span)); migrations, backups and restores take the wall down for
//! their own transaction. Superusers and roles with `BYPASSRLS` walk through every wall, which is warned of at the start.

use super::Postgres;
use crate::{
    Error, WorkspaceId,
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
    /// All still, but the job that wanted this is over.
    Forgotten,
    /// All until the end of the transaction.
    Down,
}

impl Postgres {
    /// Sees the rows of a workspace from now on.
    pub(super) fn enter(&mut self, workspace: WorkspaceId) -> Result<(), Error> {
        if self.wall == Wall::Down || self.wall == Wall::Workspace(workspace) {
            return Ok(());
        }
        self.set(&workspace.0.to_string())?;
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

    /// What an earlier job was allowed to see is nothing for this one.
    pub(super) fn close_forgotten(&mut self) -> Result<(), Error> {
        if self.wall == Wall::Forgotten {
            self.set("")?;
            self.wall = Wall::Closed;
        }
        Ok(())
    }

    fn set(&mut self, what: &str) -> Result<(), Error> {
        let set: Result<Vec<_>, Error> =
            self.run_bound(ENTER, &[Value::from(what)], |client, statement, bound| {
                client.query(statement, bound)
            });
        set.map(drop)
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
        let table = row.text(0)?.replace('"', "\"\"");
        database.simple(&format!(
            "ALTER TABLE \"{table}\" ENABLE ROW LEVEL SECURITY; ALTER TABLE \"{table}\" FORCE ROW LEVEL SECURITY; \
             CREATE POLICY tenure_workspace ON \"{table}\" USING ({SEEN})"
        ))?;
    }
    bypasses(database)
}

/// Whether the role walks through the wall.
pub(super) fn bypasses(database: &mut dyn Connection) -> Result<bool, Error> {
    let rows = database.query(BYPASSES, &[])?;
    let flag = rows.first().map_or(Ok(0), |row: &Row| row.integer(0))?;
    Ok(flag == 1)
}
