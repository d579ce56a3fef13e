//! People who sign in, and their membership in workspaces.

use crate::{
    Error, TimeUs, Tx, WorkspaceId, audit,
    connection::{Row, values},
    workspace::{self, Workspace},
};

/// A person who signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// `acc_…`.
    pub id: String,
    /// As typed.
    pub email: String,
    /// For people.
    pub name: String,
    /// PHC string.
    pub password_hash: String,
    /// When it was created.
    pub created_us: TimeUs,
}

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Everything.
    Owner,
    /// Everything but owners.
    Admin,
    /// Look, not change.
    Auditor,
}

impl Role {
    fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Auditor => "auditor",
        }
    }

    fn from_text(text: &str) -> Result<Self, Error> {
        match text {
            "owner" => Ok(Self::Owner),
            "admin" => Ok(Self::Admin),
            "auditor" => Ok(Self::Auditor),
            other => Err(Error::Database(format!("unknown role {other:?}"))),
        }
    }
}

/// A member of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub account: Account,
    /// What they may do.
    pub role: Role,
}

const COLUMNS: &str = "a.id, a.email, a.name, a.password_hash, a.created_us";

fn from_row(row: &Row) -> Result<Account, Error> {
    Ok(Account {
        id: row.text(0)?,
        email: row.text(1)?,
        name: row.text(2)?,
        password_hash: row.text(3)?,
        created_us: row.integer(4)?,
    })
}

fn email_key(email: &str) -> String {
    tenure_scim::value::text_key(email.trim(), false)
}

/// Creates an account.
///
/// # Errors
///
/// `Invalid` when the e-mail has no `@` or is longer than 254 characters or the name is empty; `Conflict` when the
/// e-mail is taken (compared without case).
pub fn create(
    tx: &mut Tx<'_>,
    email: &str,
    name: &str,
    password_hash: &str,
) -> Result<Account, Error> {
    let email = email.trim();
    let plausible = email
        .split_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    if !plausible
        || email.chars().count() > 254
        || email.chars().any(|c| c.is_control() || c.is_whitespace())
    {
        return Err(Error::Invalid(
            "enter an e-mail address like ada@example.com".into(),
        ));
    }
    let name = workspace::check_name("person", name)?;
    if by_email(tx, email)?.is_some() {
        return Err(Error::Conflict(format!(
            "an account with the e-mail {email} exists already"
        )));
    }
    let account = Account {
        id: tx.new_id("acc_")?,
        email: email.to_owned(),
        name,
        password_hash: password_hash.to_owned(),
        created_us: tx.now_us(),
    };
    tx.execute(
        "INSERT INTO account (id, email, email_key, name, password_hash, created_us) VALUES ($1, $2, $3, $4, $5, $6)",
        values![&account.id, email, email_key(email), &account.name, password_hash, account.created_us],
    )?;
    Ok(account)
}

/// By e-mail without case.
///
/// # Errors
///
/// `Database`.
pub fn by_email(tx: &mut Tx<'_>, email: &str) -> Result<Option<Account>, Error> {
    let row = tx.first(
        &format!("SELECT {COLUMNS} FROM account a WHERE a.email_key = $1"),
        values![email_key(email)],
    )?;
    row.as_ref().map(from_row).transpose()
}

/// By id.
///
/// # Errors
///
/// `Database`.
pub fn get(tx: &mut Tx<'_>, id: &str) -> Result<Option<Account>, Error> {
    let row = tx.first(
        &format!("SELECT {COLUMNS} FROM account a WHERE a.id = $1"),
        values![id],
    )?;
    row.as_ref().map(from_row).transpose()
}

/// Makes an account a member (or changes its role).
///
/// # Errors
///
/// `Database`.
pub fn join(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    account_id: &str,
    role: Role,
) -> Result<(), Error> {
    workspace::get(tx, workspace)?;
    if get(tx, account_id)?.is_none() {
        return Err(Error::NotFound("the account".into()));
    }
    let now = tx.now_us();
    tx.execute(
        "INSERT INTO workspace_member (workspace_id, account_id, role, joined_us) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (workspace_id, account_id) DO UPDATE SET role = excluded.role",
        values![workspace, account_id, role.as_str(), now],
    )?;
    let detail = serde_json::json!({ "role": role.as_str() }).to_string();
    audit::append(
        tx,
        workspace,
        "member.join",
        &format!("Account {account_id}"),
        &detail,
    )
}

/// The workspaces of an account with its roles.
///
/// # Errors
///
/// `Database`.
pub fn workspaces(tx: &mut Tx<'_>, account_id: &str) -> Result<Vec<(Workspace, Role)>, Error> {
    tx.span()?;
    tx.query(
        "SELECT w.id, w.public_id, w.slug, w.name, w.created_us, m.role FROM workspace_member m \
         JOIN workspace w ON w.id = m.workspace_id WHERE m.account_id = $1 ORDER BY w.name_key",
        values![account_id],
    )?
    .iter()
    .map(|row| Ok((workspace::from_row(row)?, Role::from_text(&row.text(5)?)?)))
    .collect()
}

/// The role of an account in a workspace.
///
/// # Errors
///
/// `Database`.
pub fn role(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    account_id: &str,
) -> Result<Option<Role>, Error> {
    let row = tx.first(
        "SELECT role FROM workspace_member WHERE workspace_id = $1 AND account_id = $2",
        values![workspace, account_id],
    )?;
    row.map(|row| Role::from_text(&row.text(0)?)).transpose()
}

/// Members of a workspace by name.
///
/// # Errors
///
/// `Database`.
pub fn members(tx: &mut Tx<'_>, workspace: WorkspaceId) -> Result<Vec<Member>, Error> {
    tx.query(
        &format!(
            "SELECT {COLUMNS}, m.role FROM workspace_member m JOIN account a ON a.id = m.account_id \
             WHERE m.workspace_id = $1 ORDER BY a.name, a.id"
        ),
        values![workspace],
    )?
    .iter()
    .map(|row| Ok(Member { account: from_row(row)?, role: Role::from_text(&row.text(5)?)? }))
    .collect()
}

/// How many accounts exist (0: the server has not been set up).
///
/// # Errors
///
/// `Database`.
pub fn count(tx: &mut Tx<'_>) -> Result<u64, Error> {
    tx.count("SELECT count(*) FROM account", &[])
}

/// Counts a failed sign-in, for throttling.
///
/// # Errors
///
/// `Database`.
pub fn sign_in_failed(tx: &mut Tx<'_>, email: &str) -> Result<(), Error> {
    let now = tx.now_us();
    tx.execute(
        "INSERT INTO sign_in_failure (email_key, failures, last_us) VALUES ($1, 1, $2) \
         ON CONFLICT (email_key) DO UPDATE SET failures = sign_in_failure.failures + 1, last_us = excluded.last_us",
        values![email_key(email), now],
    )?;
    // Guesses at names that do not exist must not grow the table for ever.
    tx.execute(
        "DELETE FROM sign_in_failure WHERE last_us < $1",
        values![now - 86_400_000_000],
    )?;
    Ok(())
}

/// Consecutive failures for an e-mail and when the last happened.
///
/// # Errors
///
/// `Database`.
pub fn sign_in_failures(tx: &mut Tx<'_>, email: &str) -> Result<(u32, TimeUs), Error> {
    let row = tx.first(
        "SELECT failures, last_us FROM sign_in_failure WHERE email_key = $1",
        values![email_key(email)],
    )?;
    row.map_or(Ok((0, 0)), |row| {
        Ok((
            u32::try_from(row.integer(0)?).unwrap_or(u32::MAX),
            row.integer(1)?,
        ))
    })
}

/// Forgets failures after a success.
///
/// # Errors
///
/// `Database`.
pub fn sign_in_succeeded(tx: &mut Tx<'_>, email: &str) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM sign_in_failure WHERE email_key = $1",
        values![email_key(email)],
    )?;
    Ok(())
}
