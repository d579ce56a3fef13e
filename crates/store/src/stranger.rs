//! Accounts and groups at a target that are not managed, as the last look at the whole target found them.

use crate::{
    Error, Kind, Tx, WorkspaceId,
    connection::{Row, values},
    job::Lease,
    resource,
};
use tenure_scim::{
    filter::{CompareOperator, Filter},
    path::AttributePath,
};

/// How an account stands to the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Nobody in the directory fits.
    Local,
    /// Somebody in the directory fits who is not in scope.
    Unassigned,
    /// Somebody in scope fits: the next cycle takes the account over.
    Assigned,
    /// Somebody fits who has another account at this target.
    Second,
}

impl Standing {
    /// Every one, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Local, Self::Unassigned, Self::Assigned, Self::Second];

    /// `local`, `unassigned`, `assigned`, `second`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Unassigned => "unassigned",
            Self::Assigned => "assigned",
            Self::Second => "second",
        }
    }

    fn from_text(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|standing| standing.as_str() == text)
            .ok_or_else(|| Error::Database(format!("unknown standing {text:?}")))
    }
}

/// An account that is not managed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stranger {
    /// User or group.
    pub kind: Kind,
    /// Id at the target.
    pub target_id: String,
    /// `userName` or `displayName` at the target.
    pub name: String,
    /// Whether it is active, if the target says so.
    pub active: Option<bool>,
    /// How it stands to the directory.
    pub standing: Standing,
    /// Who fits.
    pub rid: Option<i64>,
}

fn from_row(row: &Row) -> Result<(i64, Stranger), Error> {
    Ok((
        row.integer(0)?,
        Stranger {
            kind: row.kind(1)?,
            target_id: row.text(2)?,
            name: row.text(3)?,
            active: row.optional_integer(4)?.map(|active| active == 1),
            standing: Standing::from_text(&row.text(5)?)?,
            rid: row.optional_integer(6)?,
        },
    ))
}

/// Adds what a look at the target found.
///
/// # Errors
///
/// `StaleFence`.
pub fn add(
    tx: &mut Tx<'_>,
    lease: &Lease,
    cycle_id: &str,
    strangers: &[Stranger],
) -> Result<(), Error> {
    lease.check(tx)?;
    for stranger in strangers {
        tx.execute(
            "INSERT INTO stranger (workspace_id, application, cycle_id, kind, target_id, name, active, standing, rid) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            values![
                lease.workspace(), lease.application(), cycle_id, stranger.kind, &stranger.target_id, &stranger.name,
                stranger.active.map(i64::from), stranger.standing.as_str(), stranger.rid
            ],
        )?;
    }
    Ok(())
}

/// Forgets what looks other than this one found; `complete`: this one came to its end, otherwise it is forgotten and the
/// former stays.
///
/// # Errors
///
/// `StaleFence`.
pub fn keep(tx: &mut Tx<'_>, lease: &Lease, cycle_id: &str, complete: bool) -> Result<(), Error> {
    lease.check(tx)?;
    let sql = if complete {
        "DELETE FROM stranger WHERE workspace_id = $1 AND application = $2 AND cycle_id <> $3"
    } else {
        "DELETE FROM stranger WHERE workspace_id = $1 AND application = $2 AND cycle_id = $3"
    };
    tx.execute(
        sql,
        values![lease.workspace(), lease.application(), cycle_id],
    )?;
    Ok(())
}

/// Those after a number, with their numbers.
///
/// # Errors
///
/// `Database`.
pub fn list(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
    standing: Option<Standing>,
    after: i64,
    limit: u32,
) -> Result<Vec<(i64, Stranger)>, Error> {
    tx.query(
        "SELECT number, kind, target_id, name, active, standing, rid FROM stranger \
         WHERE workspace_id = $1 AND application = $2 AND number > $3 AND ($4 = '' OR standing = $4) ORDER BY number LIMIT $5",
        values![
            workspace,
            application,
            after,
            standing.map_or("", Standing::as_str),
            limit
        ],
    )?
    .iter()
    .map(from_row)
    .collect()
}

/// How many there are of each standing.
///
/// # Errors
///
/// `Database`.
pub fn counts(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    application: i64,
) -> Result<Vec<(Standing, u64)>, Error> {
    let rows = tx.query(
        "SELECT standing, count(*) FROM stranger WHERE workspace_id = $1 AND application = $2 GROUP BY standing",
        values![workspace, application],
    )?;
    let mut counts: Vec<(Standing, u64)> = Standing::ALL
        .into_iter()
        .map(|standing| (standing, 0))
        .collect();
    for row in rows {
        let standing = Standing::from_text(&row.text(0)?)?;
        for (one, count) in &mut counts {
            if *one == standing {
                *count = row.unsigned(1)?;
            }
        }
    }
    Ok(counts)
}

/// The object of the directory that has one of these values (attribute at the target, value) where people are told apart:
/// `userName`, an address, `externalId`; for groups `displayName` and `externalId`.
///
/// # Errors
///
/// `Database`.
pub fn candidate(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
    values: &[(String, String)],
) -> Result<Option<i64>, Error> {
    let attributes: &[(&str, Option<&str>)] = match kind {
        Kind::User => &[
            ("userName", None),
            ("emails", Some("value")),
            ("externalId", None),
        ],
        Kind::Group | Kind::Custom(_) => &[("displayName", None), ("externalId", None)],
    };
    for (_, value) in values {
        for (attribute, sub) in attributes {
            let query = resource::Query {
                filter: Some(Filter::Compare {
                    path: AttributePath {
                        schema: None,
                        attribute: (*attribute).to_owned(),
                        sub: sub.map(str::to_owned),
                    },
                    operator: CompareOperator::Eq,
                    value: value.as_str().into(),
                }),
                sort: None,
                start_index: 1,
                count: 1,
            };
            if let Some(found) = resource::query(tx, workspace, kind, &query)?.items.pop() {
                return Ok(Some(found.rid));
            }
        }
    }
    Ok(None)
}
