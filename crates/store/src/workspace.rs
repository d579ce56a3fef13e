//! Workspaces.

use crate::{
    Error, TimeUs, Tx, WorkspaceId, audit,
    connection::{Row, values},
};

const COLUMNS: &str = "SELECT id, public_id, slug, name, created_us FROM workspace";

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Internal number.
    pub id: WorkspaceId,
    /// Opaque id, `wsp_…`.
    pub public_id: String,
    /// For URLs: lower-case letters, digits, hyphens.
    pub slug: String,
    /// For people.
    pub name: String,
    /// When it was created.
    pub created_us: TimeUs,
}

pub(crate) fn from_row(row: &Row) -> Result<Workspace, Error> {
    Ok(Workspace {
        id: WorkspaceId(row.integer(0)?),
        public_id: row.text(1)?,
        slug: row.text(2)?,
        name: row.text(3)?,
        created_us: row.integer(4)?,
    })
}

/// A name without surrounding space, 1 to 100 characters, no control characters.
pub(crate) fn check_name(what: &str, name: &str) -> Result<String, Error> {
    let name = name.trim();
    let length = name.chars().count();
    if length == 0 || length > 100 || name.chars().any(char::is_control) {
        return Err(Error::Invalid(format!(
            "the name of a {what} has 1 to 100 characters and no control characters"
        )));
    }
    Ok(name.to_owned())
}

pub(crate) fn name_key(name: &str) -> String {
    tenure_scim::value::text_key(name, false)
}

fn slug_of(name: &str) -> String {
    let mut slug = String::new();
    for c in name_key(name).chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    let slug: String = slug.chars().take(40).collect();
    if slug.is_empty() {
        "workspace".to_owned()
    } else {
        slug
    }
}

/// Creates one; the slug is made from the name and kept unique by a number.
///
/// # Errors
///
/// `Invalid` unless the name has 1 to 100 characters, `Conflict` when it is taken (compared without case).
pub fn create(tx: &mut Tx<'_>, name: &str) -> Result<Workspace, Error> {
    let name = check_name("workspace", name)?;
    if tx
        .first(
            "SELECT id FROM workspace WHERE name_key = $1",
            values![name_key(&name)],
        )?
        .is_some()
    {
        return Err(Error::Conflict(format!(
            "a workspace named {name:?} exists already"
        )));
    }
    let base = slug_of(&name);
    let mut slug = base.clone();
    let mut number = 1;
    while tx
        .first("SELECT id FROM workspace WHERE slug = $1", values![&slug])?
        .is_some()
    {
        number += 1;
        slug = format!("{base}-{number}");
    }
    let public_id = tx.new_id("wsp_")?;
    let now = tx.now_us();
    let row = tx.first(
        "INSERT INTO workspace (public_id, slug, name, name_key, created_us) VALUES ($1, $2, $3, $4, $5) \
         RETURNING id, public_id, slug, name, created_us",
        values![public_id, &slug, &name, name_key(&name), now],
    )?;
    let workspace = row
        .as_ref()
        .map(from_row)
        .transpose()?
        .ok_or_else(|| Error::Database("no row returned".into()))?;
    audit::append(
        tx,
        workspace.id,
        "workspace.create",
        &format!("Workspace {name}"),
        "{}",
    )?;
    Ok(workspace)
}

/// All, by name.
///
/// # Errors
///
/// `Database`.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<Workspace>, Error> {
    tx.query(&format!("{COLUMNS} ORDER BY name_key"), &[])?
        .iter()
        .map(from_row)
        .collect()
}

/// By slug, or by name without case, or by public id.
///
/// # Errors
///
/// `Database`.
pub fn find(tx: &mut Tx<'_>, slug_or_name: &str) -> Result<Option<Workspace>, Error> {
    let text = slug_or_name.trim();
    for column in ["slug", "name_key", "public_id"] {
        let key = if column == "name_key" {
            name_key(text)
        } else {
            text.to_owned()
        };
        if let Some(row) = tx.first(&format!("{COLUMNS} WHERE {column} = $1"), values![key])? {
            return from_row(&row).map(Some);
        }
    }
    Ok(None)
}

/// By number.
///
/// # Errors
///
/// `NotFound`.
pub fn get(tx: &mut Tx<'_>, id: WorkspaceId) -> Result<Workspace, Error> {
    let row = tx.first(&format!("{COLUMNS} WHERE id = $1"), values![id])?;
    row.as_ref()
        .map(from_row)
        .transpose()?
        .ok_or_else(|| Error::NotFound("the workspace".into()))
}
