//! Workspaces.
use crate::{Error, TimeUs, Tx, WorkspaceId};
/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace { pub id: WorkspaceId, /// Opaque id, `wsp_…`.
    pub public_id: String, /// For URLs: lower-case letters, digits, hyphens.
    pub slug: String, pub name: String, pub created_us: TimeUs }
/// Creates one; the slug is made from the name and kept unique by a number. Names: 1–100 characters, unique without case (Conflict).
pub fn create(tx: &mut Tx<'_>, name: &str) -> Result<Workspace, Error> { let _ = (tx, name); todo!() }
/// All, by name.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<Workspace>, Error> { let _ = tx; todo!() }
/// By slug, or by name without case.
pub fn find(tx: &mut Tx<'_>, slug_or_name: &str) -> Result<Option<Workspace>, Error> { let _ = (tx, slug_or_name); todo!() }
/// By number.
pub fn get(tx: &mut Tx<'_>, id: WorkspaceId) -> Result<Workspace, Error> { let _ = (tx, id); todo!() }
