//! Applications and their sealed credentials.
use crate::{Error, TimeUs, Tx, WorkspaceId};
/// An application. `config` is JSON text that this crate does not look into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application { /// Internal number.
    pub key: i64, /// `app_…`.
    pub id: String, pub name: String, pub gallery_id: String, pub tenant_url: String, pub has_secret: bool, pub config: String, /// Counts configuration changes from 1.
    pub version: i64, pub created_us: TimeUs }
/// Creates; the name is unique in the workspace without case (Conflict). Also creates the job, off.
pub fn create(tx: &mut Tx<'_>, workspace: WorkspaceId, name: &str, gallery_id: &str, tenant_url: &str, secret: Option<&str>, config: &str) -> Result<Application, Error> { let _ = (tx, workspace, name, gallery_id, tenant_url, secret, config); todo!() }
/// By id, or by name without case.
pub fn find(tx: &mut Tx<'_>, workspace: WorkspaceId, id_or_name: &str) -> Result<Option<Application>, Error> { let _ = (tx, workspace, id_or_name); todo!() }
/// By key.
pub fn get(tx: &mut Tx<'_>, workspace: WorkspaceId, key: i64) -> Result<Application, Error> { let _ = (tx, workspace, key); todo!() }
/// All by name.
pub fn list(tx: &mut Tx<'_>, workspace: WorkspaceId) -> Result<Vec<Application>, Error> { let _ = (tx, workspace); todo!() }
/// Changes name and configuration if `version` is still current (Conflict). A change of `config` resets the watermark (next cycle is initial).
pub fn update(tx: &mut Tx<'_>, workspace: WorkspaceId, key: i64, version: i64, name: &str, config: &str) -> Result<Application, Error> { let _ = (tx, workspace, key, version, name, config); todo!() }
/// Changes the target. Another host without a new secret clears the secret (security note 3.7).
pub fn set_credentials(tx: &mut Tx<'_>, workspace: WorkspaceId, key: i64, tenant_url: &str, secret: Option<&str>) -> Result<Application, Error> { let _ = (tx, workspace, key, tenant_url, secret); todo!() }
/// The opened secret.
pub fn secret(tx: &mut Tx<'_>, workspace: WorkspaceId, key: i64) -> Result<Option<String>, Error> { let _ = (tx, workspace, key); todo!() }
/// Removes the application with its assignments, job, links, logs; accounts at the target stay.
pub fn delete(tx: &mut Tx<'_>, workspace: WorkspaceId, key: i64) -> Result<(), Error> { let _ = (tx, workspace, key); todo!() }
