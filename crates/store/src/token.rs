//! SCIM tokens: `tnr_scim_` + 43 base62 characters + 6 of CRC-32 (security note 3.6). Stored as SHA-256.
use crate::{Error, TimeUs, Tx, WorkspaceId};
/// A token without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token { pub id: String, pub name: String, /// Last four characters.
    pub suffix: String, pub created_us: TimeUs, pub created_by: String, pub expires_us: Option<TimeUs>, pub last_used_us: Option<TimeUs>, pub last_agent: Option<String>, pub revoked_us: Option<TimeUs> }
/// Who a bearer token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal { pub workspace: WorkspaceId, pub token_id: String, pub token_name: String, /// Last use is older than a minute and should be written.
    pub touch: bool }
/// Creates a token; the second value is the secret, shown once. Names 1–100 characters.
pub fn create(tx: &mut Tx<'_>, workspace: WorkspaceId, name: &str, expires_us: Option<TimeUs>) -> Result<(Token, String), Error> { let _ = (tx, workspace, name, expires_us); todo!() }
/// All tokens, newest first, revoked and expired included.
pub fn list(tx: &mut Tx<'_>, workspace: WorkspaceId) -> Result<Vec<Token>, Error> { let _ = (tx, workspace); todo!() }
/// Revokes by id.
pub fn revoke(tx: &mut Tx<'_>, workspace: WorkspaceId, id: &str) -> Result<(), Error> { let _ = (tx, workspace, id); todo!() }
/// The principal of a bearer token that is well-formed, known, not expired, not revoked.
pub fn authenticate(tx: &mut Tx<'_>, secret: &str) -> Result<Option<Principal>, Error> { let _ = (tx, secret); todo!() }
/// Records use (time and user agent, cut to 200 characters). No audit row.
pub fn touch(tx: &mut Tx<'_>, workspace: WorkspaceId, id: &str, agent: Option<&str>) -> Result<(), Error> { let _ = (tx, workspace, id, agent); todo!() }
