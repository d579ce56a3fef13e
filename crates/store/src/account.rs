//! People who sign in, and their membership in workspaces.
use crate::{Error, TimeUs, Tx, WorkspaceId, workspace::Workspace};
/// A person who signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account { pub id: String, pub email: String, pub name: String, /// PHC string.
    pub password_hash: String, pub created_us: TimeUs }
/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role { Owner, Admin, Auditor }
/// A member of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member { pub account: Account, pub role: Role }
/// Creates an account; Conflict when the e-mail is taken (compared without case).
pub fn create(tx: &mut Tx<'_>, email: &str, name: &str, password_hash: &str) -> Result<Account, Error> { let _ = (tx, email, name, password_hash); todo!() }
/// By e-mail without case.
pub fn by_email(tx: &mut Tx<'_>, email: &str) -> Result<Option<Account>, Error> { let _ = (tx, email); todo!() }
/// By id.
pub fn get(tx: &mut Tx<'_>, id: &str) -> Result<Option<Account>, Error> { let _ = (tx, id); todo!() }
/// Makes an account a member (or changes its role).
pub fn join(tx: &mut Tx<'_>, workspace: WorkspaceId, account_id: &str, role: Role) -> Result<(), Error> { let _ = (tx, workspace, account_id, role); todo!() }
/// The workspaces of an account with its roles.
pub fn workspaces(tx: &mut Tx<'_>, account_id: &str) -> Result<Vec<(Workspace, Role)>, Error> { let _ = (tx, account_id); todo!() }
/// The role of an account in a workspace.
pub fn role(tx: &mut Tx<'_>, workspace: WorkspaceId, account_id: &str) -> Result<Option<Role>, Error> { let _ = (tx, workspace, account_id); todo!() }
/// Members of a workspace by name.
pub fn members(tx: &mut Tx<'_>, workspace: WorkspaceId) -> Result<Vec<Member>, Error> { let _ = (tx, workspace); todo!() }
/// How many accounts exist (0: the server has not been set up).
pub fn count(tx: &mut Tx<'_>) -> Result<u64, Error> { let _ = tx; todo!() }
/// Counts failed sign-ins for throttling: records one, and returns consecutive failures and the time of the last.
pub fn sign_in_failed(tx: &mut Tx<'_>, email: &str) -> Result<(), Error> { let _ = (tx, email); todo!() }
/// Consecutive failures for an e-mail and when the last happened.
pub fn sign_in_failures(tx: &mut Tx<'_>, email: &str) -> Result<(u32, TimeUs), Error> { let _ = (tx, email); todo!() }
/// Forgets failures after a success.
pub fn sign_in_succeeded(tx: &mut Tx<'_>, email: &str) -> Result<(), Error> { let _ = (tx, email); todo!() }
