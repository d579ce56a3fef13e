//! Users, groups and resources of a workspace's own types: a canonical JSON document each, with rows in a generic attribute index.
//!
//! Every write appends to the change feed and to the audit log in the same transaction.

mod compile;
mod indexing;
pub(crate) mod label;
mod lifecycle;
mod members;
mod named;
mod parked;
mod query;
mod walk;
mod write;

pub use lifecycle::{Deleted, delete, deleted, purge, restore};
pub use named::{by_name, named, rid_of};
pub use query::{Page, Query, query};
pub use walk::{Position, Step, Walk, walk};
pub use write::{Written, create, create_with, patch, patch_with, replace, replace_with};

use crate::{
    Error, Kind, TimeUs, Tx, WorkspaceId,
    connection::{Row, values},
};
use tenure_scim::Document;

/// A stored resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Internal number, never reused.
    pub rid: i64,
    /// SCIM id.
    pub id: String,
    /// Its type.
    pub kind: Kind,
    /// Counts changes from 1; the ETag is `W/"version"`.
    pub version: i64,
    /// When it was created.
    pub created_us: TimeUs,
    /// When it last changed.
    pub modified_us: TimeUs,
    /// JSON text without `id`, `meta`, `members`, `groups`.
    pub body: String,
}

impl Stored {
    /// The body parsed.
    ///
    /// # Errors
    ///
    /// `Database` when the stored text is not a JSON object.
    pub fn document(&self) -> Result<Document, Error> {
        serde_json::from_str(&self.body).map_err(|error| {
            Error::Database(format!("the document of {} is damaged: {error}", self.id))
        })
    }

    /// `userName`, or `displayName` of a group, for logs.
    #[must_use]
    pub fn label(&self) -> String {
        label::name(&self.body)
    }

    /// The entity tag: `W/"3"`.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("W/\"{}\"", self.version)
    }
}

pub(crate) const COLUMNS: &str =
    "r.rid, r.id, r.kind, r.version, r.created_us, r.modified_us, r.body";

pub(crate) fn from_row(row: &Row) -> Result<Stored, Error> {
    Ok(Stored {
        rid: row.integer(0)?,
        id: row.text(1)?,
        kind: row.kind(2)?,
        version: row.integer(3)?,
        created_us: row.integer(4)?,
        modified_us: row.integer(5)?,
        body: row.text(6)?,
    })
}

/// By SCIM id; deleted ones do not exist.
///
/// # Errors
///
/// `Database`.
pub fn get(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
    id: &str,
) -> Result<Option<Stored>, Error> {
    let row = tx.first(
        &format!("SELECT {COLUMNS} FROM resource r WHERE r.workspace_id = $1 AND r.id = $2 AND r.kind = $3 AND r.deleted_us IS NULL"),
        values![workspace, id, kind],
    )?;
    row.as_ref().map(from_row).transpose()
}

/// By internal number, deleted included (second value true).
///
/// # Errors
///
/// `Database`.
pub fn by_rid(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    rid: i64,
) -> Result<Option<(Stored, bool)>, Error> {
    let row = tx.first(
        &format!("SELECT {COLUMNS}, r.deleted_us FROM resource r WHERE r.workspace_id = $1 AND r.rid = $2"),
        values![workspace, rid],
    )?;
    row.map(|row| Ok((from_row(&row)?, row.optional_integer(7)?.is_some())))
        .transpose()
}

const SEARCHED_USER: &[&str] = &[
    "username",
    "displayname",
    "name.familyname",
    "name.givenname",
    "emails.value",
];
const SEARCHED_GROUP: &[&str] = &["displayname"];
const SEARCHED_CUSTOM: &[&str] = &["displayname", "name", "externalid"];

/// Console search: prefix of userName, displayName, family or given name, or e-mail, without case; newest first.
/// `after` is the rid of the last row of the page before. An empty text lists everything.
///
/// # Errors
///
/// `Database`.
pub fn search(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
    text: &str,
    after: Option<i64>,
    limit: u32,
) -> Result<Vec<Stored>, Error> {
    let after = after.unwrap_or(i64::MAX);
    let prefix = tenure_scim::index::cut(tenure_scim::value::text_key(text.trim(), false));
    let rows = if prefix.is_empty() {
        tx.query(
            &format!(
                "SELECT {COLUMNS} FROM resource r WHERE r.workspace_id = $1 AND r.kind = $2 AND r.deleted_us IS NULL \
                 AND r.rid < $3 ORDER BY r.rid DESC LIMIT $4"
            ),
            values![workspace, kind, after, limit],
        )?
    } else {
        let searched = match kind {
            Kind::User => SEARCHED_USER,
            Kind::Group => SEARCHED_GROUP,
            Kind::Custom(_) => SEARCHED_CUSTOM,
        };
        let parts: Vec<String> = searched
            .iter()
            .map(|name| {
                format!(
                    "SELECT rid FROM resource_index WHERE workspace_id = $1 AND kind = $2 AND attribute = '{name}' \
                     AND value >= $5 AND (CAST($6 AS TEXT) IS NULL OR value < $6)"
                )
            })
            .collect();
        tx.query(
            &format!(
                "SELECT {COLUMNS} FROM resource r WHERE r.workspace_id = $1 AND r.kind = $2 AND r.deleted_us IS NULL \
                 AND r.rid < $3 AND r.rid IN ({}) ORDER BY r.rid DESC LIMIT $4",
                parts.join(" UNION ")
            ),
            values![workspace, kind, after, limit, &prefix, compile::after_prefix(&prefix)],
        )?
    };
    rows.iter().map(from_row).collect()
}

/// How many members wait for a group because they do not exist yet.
///
/// # Errors
///
/// `Database`.
pub fn parked_members(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    group_rid: i64,
) -> Result<u64, Error> {
    parked::count(tx, workspace, group_rid)
}

/// How many live ones there are.
///
/// # Errors
///
/// `Database`.
pub fn count(tx: &mut Tx<'_>, workspace: WorkspaceId, kind: Kind) -> Result<u64, Error> {
    tx.count(
        "SELECT count(*) FROM resource WHERE workspace_id = $1 AND kind = $2 AND deleted_us IS NULL",
        values![workspace, kind],
    )
}

/// Resources of a type in the order of their numbers, behind one. None of them is deleted.
///
/// # Errors
///
/// `Database`.
pub fn in_order(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    kind: Kind,
    after: i64,
    limit: u32,
) -> Result<Vec<Stored>, Error> {
    tx.query(
        &format!(
            "SELECT {COLUMNS} FROM resource r WHERE r.workspace_id = $1 AND r.kind = $2 AND r.deleted_us IS NULL AND r.rid > $3 \
             ORDER BY r.rid LIMIT $4"
        ),
        values![workspace, kind, after, limit],
    )?
    .iter()
    .map(from_row)
    .collect()
}
