//! Resources by the names that people use.

use super::{Query, Stored, get, query};
use crate::{Error, Kind, Tx, WorkspaceId, connection::values};
use tenure_scim::{
    filter::{CompareOperator, Filter},
    path::AttributePath,
};

/// A user by userName or id, a group by displayName or id.
///
/// # Errors
///
/// `NotFound`; `Conflict` when several have the name.
pub fn named(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
    name: &str,
) -> Result<Stored, Error> {
    if let Some(stored) = get(tx, workspace, kind, name)? {
        return Ok(stored);
    }
    let mut page = query(tx, workspace, kind, &by_name(kind, name))?;
    let word = match kind {
        Kind::User => "user",
        Kind::Group => "group",
        Kind::Custom(_) => "resource",
    };
    if page.total > 1 {
        return Err(Error::Conflict(format!(
            "{} {word}s are called \"{name}\"; give the id",
            page.total
        )));
    }
    page.items
        .pop()
        .ok_or_else(|| Error::NotFound(format!("{word} \"{name}\"")))
}

/// The number of what [`named`] finds, or of what had this id before it was deleted.
///
/// # Errors
///
/// As [`named`].
pub fn rid_of(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
    name: &str,
) -> Result<i64, Error> {
    let row = tx.first(
        "SELECT rid FROM resource WHERE workspace_id = $1 AND id = $2 AND kind = $3",
        values![workspace, name, kind],
    )?;
    match row {
        Some(row) => row.integer(0),
        None => Ok(named(tx, workspace, kind, name)?.rid),
    }
}

/// The query for everything of a name.
#[must_use]
pub fn by_name(kind: Kind, name: &str) -> Query {
    let attribute = match kind {
        Kind::User => "userName",
        Kind::Group | Kind::Custom(_) => "displayName",
    };
    Query {
        filter: Some(Filter::Compare {
            path: AttributePath {
                schema: None,
                attribute: attribute.to_owned(),
                sub: None,
            },
            operator: CompareOperator::Eq,
            value: name.into(),
        }),
        sort: None,
        start_index: 1,
        count: 2,
    }
}
