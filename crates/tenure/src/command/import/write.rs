//! Batches of rows against the directory.

use super::lines::BadLine;
use super::rows::{Change, Row, set_manager};
use crate::cli::OnConflict;
use crate::command::{Session, by_name};
use crate::error::Failure;
use std::sync::Arc;
use tenure_scim::patch::{self, Operation, PatchRequest};
use tenure_scim::schema::SchemaSet;
use tenure_scim::{Document, validate};
use tenure_store::resource::{self, Stored};
use tenure_store::{Error, Kind, Tx, WorkspaceId};

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Created,
    Updated,
    Unchanged,
    Failed(BadLine),
}

/// Outcome of a row, and whether its manager is not in the directory yet.
type Written = (Outcome, bool);

/// Where and how rows are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    pub(super) workspace: WorkspaceId,
    pub(super) on_conflict: OnConflict,
    pub(super) dry_run: bool,
}

/// Writes a batch in one transaction. When the directory refuses a row, every row gets a transaction of its own, so
/// that the others are written all the same.
pub(super) async fn batch(
    session: &Session,
    target: Target,
    rows: Vec<Row>,
) -> Result<Vec<Written>, Failure> {
    let rows = Arc::new(rows);
    let shared = Arc::clone(&rows);
    let all = move |tx: &mut Tx<'_>| shared.iter().map(|row| one(tx, target, row)).collect();
    let result: Result<Vec<Written>, Error> = transaction(session, target, all).await;
    match result {
        Ok(written) => return Ok(written),
        Err(error) if !is_about_a_row(&error) => return Err(error.into()),
        Err(_) => {}
    }
    let mut written = Vec::with_capacity(rows.len());
    for (position, row) in rows.iter().enumerate() {
        let shared = Arc::clone(&rows);
        let single = move |tx: &mut Tx<'_>| match shared.get(position) {
            Some(row) => one(tx, target, row),
            None => Err(Error::NotFound("row".to_owned())),
        };
        written.push(match transaction(session, target, single).await {
            Ok(outcome) => outcome,
            Err(error) if is_about_a_row(&error) => (
                Outcome::Failed(BadLine::new(row.line, error.to_string())),
                false,
            ),
            Err(error) => return Err(error.into()),
        });
    }
    Ok(written)
}

/// A dry run reads only.
async fn transaction<T: Send + 'static>(
    session: &Session,
    target: Target,
    work: impl Fn(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    if target.dry_run {
        session.store.read(work).await
    } else {
        session
            .store
            .write_background(session.actor.clone(), work)
            .await
    }
}

/// Whether another row may fare better.
fn is_about_a_row(error: &Error) -> bool {
    matches!(
        error,
        Error::Scim(_) | Error::Conflict(_) | Error::NotFound(_) | Error::Invalid(_)
    )
}

/// A user by userName.
fn existing(tx: &mut Tx<'_>, workspace: WorkspaceId, name: &str) -> Result<Option<Stored>, Error> {
    let mut page = resource::query(tx, workspace, Kind::User, &by_name(Kind::User, name))?;
    Ok(page.items.pop())
}

fn one(tx: &mut Tx<'_>, target: Target, row: &Row) -> Result<Written, Error> {
    let manager = match &row.manager {
        Some(name) => existing(tx, target.workspace, name)?,
        None => None,
    };
    let waits = row.manager.is_some() && manager.is_none();
    let manager = manager
        .map(|manager| set_manager(&manager.id))
        .transpose()?;
    let outcome = match existing(tx, target.workspace, &row.user_name)? {
        None => create(tx, target, row, manager)?,
        Some(stored) => match target.on_conflict {
            OnConflict::Skip => return Ok((Outcome::Unchanged, false)),
            OnConflict::Error => {
                let message = format!("a user \"{}\" exists already", row.user_name);
                return Ok((Outcome::Failed(BadLine::new(row.line, message)), false));
            }
            OnConflict::Update if change(tx, target, &stored, row, manager)? => Outcome::Updated,
            OnConflict::Update => Outcome::Unchanged,
        },
    };
    Ok((outcome, waits))
}

fn create(
    tx: &mut Tx<'_>,
    target: Target,
    row: &Row,
    manager: Option<Operation>,
) -> Result<Outcome, Error> {
    let mut document = row.new.clone();
    if let Some(manager) = manager {
        patch::apply(SchemaSet::user(), "", &mut document, &[manager])?;
    }
    if !target.dry_run {
        resource::create(tx, target.workspace, Kind::User, &document, &[])?;
    }
    Ok(Outcome::Created)
}

/// Whether something was, or would be, changed.
fn change(
    tx: &mut Tx<'_>,
    target: Target,
    stored: &Stored,
    row: &Row,
    manager: Option<Operation>,
) -> Result<bool, Error> {
    match &row.change {
        Change::Set(operations) => {
            let operations = operations.iter().cloned().chain(manager).collect();
            set(tx, target, stored, operations)
        }
        Change::Replace(body) if target.dry_run => would_replace(stored, body),
        Change::Replace(body) => {
            let (_, changed) =
                resource::replace(tx, target.workspace, Kind::User, &stored.id, None, body)?;
            Ok(changed)
        }
    }
}

fn would_replace(stored: &Stored, body: &Document) -> Result<bool, Error> {
    let current = stored.document()?;
    let after = validate::replace(SchemaSet::user(), &current, body.clone())?;
    Ok(after.document != current)
}

fn set(
    tx: &mut Tx<'_>,
    target: Target,
    stored: &Stored,
    operations: Vec<Operation>,
) -> Result<bool, Error> {
    if target.dry_run {
        let mut document = stored.document()?;
        return Ok(patch::apply(
            SchemaSet::user(),
            &stored.id,
            &mut document,
            &operations,
        )?);
    }
    let request = PatchRequest {
        operations,
        ..PatchRequest::default()
    };
    let (_, changed) =
        resource::patch(tx, target.workspace, Kind::User, &stored.id, None, &request)?;
    Ok(changed)
}

/// Sets managers that came later in the file than their reports: pairs of line, userName, userName of the manager.
/// Returns for each whether it changed anything.
pub(super) async fn managers(
    session: &Session,
    target: Target,
    pairs: Vec<(u64, String, String)>,
) -> Result<Vec<Result<bool, BadLine>>, Failure> {
    let work = move |tx: &mut Tx<'_>| {
        pairs
            .iter()
            .map(|(line, name, manager)| {
                let Some(boss) = existing(tx, target.workspace, manager)? else {
                    let message = format!("no user \"{manager}\" in the file or the directory");
                    return Ok(Err(BadLine {
                        column: Some("manager".to_owned()),
                        ..BadLine::new(*line, message)
                    }));
                };
                let Some(stored) = existing(tx, target.workspace, name)? else {
                    return Ok(Err(BadLine::new(
                        *line,
                        format!("user \"{name}\" has gone meanwhile"),
                    )));
                };
                set(tx, target, &stored, vec![set_manager(&boss.id)?]).map(Ok)
            })
            .collect::<Result<Vec<_>, Error>>()
    };
    Ok(transaction(session, target, work).await?)
}
