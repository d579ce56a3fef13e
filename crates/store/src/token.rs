//! Bearer tokens: a prefix such as `tnr_scim_`, 43 base62 characters (256 bit) and 6 of their CRC-32. Stored as SHA-256: a slow hash
//! would add nothing to 256 random bits, and the look-up is one indexed read.

mod options;

pub use options::{Options, PatchAnswer, set_options};

use crate::{
    Error, TimeUs, Tx, WorkspaceId, audit,
    connection::{Row, values},
    crc32::crc32,
    node::random,
    session::digest,
    workspace::check_name,
};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM: usize = 43;
const CHECK: usize = 6;
const MINUTE_US: i64 = 60_000_000;

/// What a token opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The SCIM API: a client's tokens begin with `tnr_scim_`.
    Scim,
    /// The management API: tokens begin with `tnr_api_`.
    Api,
}

impl Scope {
    /// What the database keeps: `scim`, `api`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scim => "scim",
            Self::Api => "api",
        }
    }

    fn from_text(text: &str) -> Result<Self, Error> {
        match text {
            "scim" => Ok(Self::Scim),
            "api" => Ok(Self::Api),
            other => Err(Error::Database(format!("unknown token scope {other:?}"))),
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Scim => "tnr_scim_",
            Self::Api => "tnr_api_",
        }
    }
}

/// A token without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// `tok_…`.
    pub id: String,
    /// Label given by its creator.
    pub name: String,
    /// What it opens.
    pub scope: Scope,
    /// Last four characters.
    pub suffix: String,
    /// When it was created.
    pub created_us: TimeUs,
    /// Name of its creator.
    pub created_by: String,
    /// When it stops working by itself.
    pub expires_us: Option<TimeUs>,
    /// Last use, to the minute.
    pub last_used_us: Option<TimeUs>,
    /// User agent of the last use.
    pub last_agent: Option<String>,
    /// When it was revoked.
    pub revoked_us: Option<TimeUs>,
    /// How the server treats its client.
    pub options: Options,
}

/// Who a bearer token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The workspace it belongs to.
    pub workspace: WorkspaceId,
    /// Its id.
    pub token_id: String,
    /// Its label.
    pub token_name: String,
    /// Last use is older than a minute and should be written.
    pub touch: bool,
    /// How the server treats this client.
    pub options: Options,
}

fn base62(bytes: &[u8], digits: usize) -> String {
    // Repeated division of the big-endian number; 62^43 > 2^256, so nothing is lost.
    let mut number = bytes.to_vec();
    let mut text = vec![b'0'; digits];
    for digit in text.iter_mut().rev() {
        let mut rest = 0_u32;
        for byte in &mut number {
            let value = rest * 256 + u32::from(*byte);
            *byte = (value / 62) as u8;
            rest = value % 62;
        }
        *digit = ALPHABET.get(rest as usize).copied().unwrap_or(b'0');
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// A new secret with a prefix and a checksum.
pub(crate) fn make(prefix: &str) -> Result<String, Error> {
    let body = format!("{prefix}{}", base62(&random::<32>()?, RANDOM));
    let check = base62(&crc32(body.as_bytes()).to_be_bytes(), CHECK);
    Ok(body + &check)
}

fn well_formed(secret: &str, scope: Scope) -> bool {
    let prefix = scope.prefix();
    if secret.len() != prefix.len() + RANDOM + CHECK
        || !secret.is_ascii()
        || !secret.starts_with(prefix)
    {
        return false;
    }
    let (body, check) = secret.split_at(prefix.len() + RANDOM);
    base62(&crc32(body.as_bytes()).to_be_bytes(), CHECK) == check
}

fn from_row(row: &Row) -> Result<Token, Error> {
    Ok(Token {
        id: row.text(0)?,
        name: row.text(1)?,
        suffix: row.text(2)?,
        created_us: row.integer(3)?,
        created_by: row.text(4)?,
        expires_us: row.optional_integer(5)?,
        last_used_us: row.optional_integer(6)?,
        last_agent: row.optional_text(7)?,
        revoked_us: row.optional_integer(8)?,
        options: Options::from_text(&row.text(9)?)?,
        scope: Scope::from_text(&row.text(10)?)?,
    })
}

/// Creates a SCIM token; the second value is the secret, shown once.
///
/// # Errors
///
/// `Invalid` unless the name has 1 to 100 characters.
pub fn create(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    name: &str,
    expires_us: Option<TimeUs>,
) -> Result<(Token, String), Error> {
    create_for(tx, workspace, Scope::Scim, name, expires_us)
}

/// Creates a token; the second value is the secret, shown once.
///
/// # Errors
///
/// `Invalid` unless the name has 1 to 100 characters.
pub fn create_for(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    scope: Scope,
    name: &str,
    expires_us: Option<TimeUs>,
) -> Result<(Token, String), Error> {
    let name = check_name("token", name)?;
    let secret = make(scope.prefix())?;
    let token = Token {
        id: tx.new_id("tok_")?,
        name,
        scope,
        suffix: secret.chars().skip(secret.len() - 4).collect(),
        created_us: tx.now_us(),
        created_by: tx.actor().name.clone(),
        expires_us,
        last_used_us: None,
        last_agent: None,
        revoked_us: None,
        options: Options::default(),
    };
    tx.execute(
        "INSERT INTO token (id, workspace_id, name, hash, suffix, created_us, created_by, expires_us, scope) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        values![
            &token.id, workspace, &token.name, digest(&secret), &token.suffix, token.created_us, &token.created_by,
            token.expires_us, scope.as_str()
        ],
    )?;
    audit::append(
        tx,
        workspace,
        "token.create",
        &format!("Token {}", token.name),
        "{}",
    )?;
    Ok((token, secret))
}

/// All tokens, newest first, revoked and expired included.
///
/// # Errors
///
/// `Database`.
pub fn list(tx: &mut Tx<'_>, workspace: WorkspaceId) -> Result<Vec<Token>, Error> {
    tx.query(
        "SELECT id, name, suffix, created_us, created_by, expires_us, last_used_us, last_agent, revoked_us, options, scope \
         FROM token WHERE workspace_id = $1 ORDER BY created_us DESC, id",
        values![workspace],
    )?
    .iter()
    .map(from_row)
    .collect()
}

/// Revokes by id; revoking twice is no error.
///
/// # Errors
///
/// `NotFound`.
pub fn revoke(tx: &mut Tx<'_>, workspace: WorkspaceId, id: &str) -> Result<(), Error> {
    let row = tx.first(
        "SELECT name FROM token WHERE workspace_id = $1 AND id = $2",
        values![workspace, id],
    )?;
    let name = row
        .ok_or_else(|| Error::NotFound("the token".into()))?
        .text(0)?;
    let now = tx.now_us();
    let revoked = tx.execute(
        "UPDATE token SET revoked_us = $3 WHERE workspace_id = $1 AND id = $2 AND revoked_us IS NULL",
        values![workspace, id, now],
    )?;
    if revoked == 0 {
        return Ok(());
    }
    audit::append(
        tx,
        workspace,
        "token.revoke",
        &format!("Token {name}"),
        "{}",
    )
}

/// The principal of a bearer token that is well-formed, opens what is asked for, and is known, not expired, not
/// revoked.
///
/// # Errors
///
/// `Database`.
pub fn authenticate(
    tx: &mut Tx<'_>,
    secret: &str,
    scope: Scope,
) -> Result<Option<Principal>, Error> {
    if !well_formed(secret, scope) {
        return Ok(None);
    }
    let now = tx.now_us();
    tx.span()?;
    let row = tx.first(
        "SELECT workspace_id, id, name, last_used_us, options FROM token \
         WHERE hash = $1 AND scope = $3 AND revoked_us IS NULL AND (expires_us IS NULL OR expires_us > $2)",
        values![digest(secret), now, scope.as_str()],
    )?;
    row.map(|row| {
        Ok(Principal {
            workspace: WorkspaceId(row.integer(0)?),
            token_id: row.text(1)?,
            token_name: row.text(2)?,
            touch: row
                .optional_integer(3)?
                .is_none_or(|used| used < now - MINUTE_US),
            options: Options::from_text(&row.text(4)?)?,
        })
    })
    .transpose()
}

/// Records use (time and user agent, cut to 200 characters). No audit row.
///
/// # Errors
///
/// `Database`.
pub fn touch(
    tx: &mut Tx<'_>,
    workspace: WorkspaceId,
    id: &str,
    agent: Option<&str>,
) -> Result<(), Error> {
    let agent: Option<String> =
        agent.map(|text| text.chars().filter(|c| !c.is_control()).take(200).collect());
    let now = tx.now_us();
    tx.execute(
        "UPDATE token SET last_used_us = $3, last_agent = $4 WHERE workspace_id = $1 AND id = $2",
        values![workspace, id, now, agent],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_character_is_noticed_without_a_look_up() {
        const PREFIX: &str = "tnr_scim_";
        let secret = make(PREFIX).unwrap();
        assert_eq!(secret.len(), 58);
        assert!(well_formed(&secret, Scope::Scim));
        for at in PREFIX.len()..secret.len() {
            let mut wrong = secret.clone().into_bytes();
            wrong[at] = if wrong[at] == b'a' { b'b' } else { b'a' };
            assert!(
                !well_formed(&String::from_utf8(wrong).unwrap(), Scope::Scim),
                "position {at}"
            );
        }
        assert!(
            !well_formed("tnr_scim_", Scope::Scim)
                && !well_formed("", Scope::Scim)
                && !well_formed(&make("tnr_api_").unwrap(), Scope::Scim)
        );
    }
}
