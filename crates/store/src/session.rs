//! Console sessions and one-time set-up links. Only hashes are stored.

use crate::{
    Error, TimeUs, Tx,
    connection::values,
    node::{hex, random},
};
use sha2::{Digest, Sha256};

/// A signed-in browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Who.
    pub account_id: String,
    /// Token that forms carry.
    pub csrf: String,
    /// When it began.
    pub created_us: TimeUs,
    /// When it ends by itself.
    pub expires_us: TimeUs,
}

pub(crate) fn digest(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// Starts a session; returns the cookie value (256 bit, shown to the browser only) and the session.
///
/// # Errors
///
/// `Database`.
pub fn create(
    tx: &mut Tx<'_>,
    account_id: &str,
    lifetime_us: i64,
) -> Result<(String, Session), Error> {
    let cookie = hex(&random::<32>()?);
    let now = tx.now_us();
    let session = Session {
        account_id: account_id.to_owned(),
        csrf: hex(&random::<32>()?),
        created_us: now,
        expires_us: now.saturating_add(lifetime_us),
    };
    tx.execute("DELETE FROM session WHERE expires_us <= $1", values![now])?;
    tx.execute(
        "INSERT INTO session (hash, account_id, csrf, created_us, expires_us) VALUES ($1, $2, $3, $4, $5)",
        values![digest(&cookie), account_id, &session.csrf, session.created_us, session.expires_us],
    )?;
    Ok((cookie, session))
}

/// The living session of a cookie value.
///
/// # Errors
///
/// `Database`.
pub fn find(tx: &mut Tx<'_>, cookie: &str) -> Result<Option<Session>, Error> {
    let now = tx.now_us();
    let row = tx.first(
        "SELECT account_id, csrf, created_us, expires_us FROM session WHERE hash = $1 AND expires_us > $2",
        values![digest(cookie), now],
    )?;
    row.map(|row| {
        Ok(Session {
            account_id: row.text(0)?,
            csrf: row.text(1)?,
            created_us: row.integer(2)?,
            expires_us: row.integer(3)?,
        })
    })
    .transpose()
}

/// Ends it.
///
/// # Errors
///
/// `Database`.
pub fn end(tx: &mut Tx<'_>, cookie: &str) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM session WHERE hash = $1",
        values![digest(cookie)],
    )?;
    Ok(())
}

/// A one-time set-up link's token (`tnr_setup_…`), valid for `lifetime_us`; earlier ones die.
///
/// # Errors
///
/// `Database`.
pub fn create_setup(tx: &mut Tx<'_>, lifetime_us: i64) -> Result<String, Error> {
    let token = crate::token::make("tnr_setup_")?;
    let expires = tx.now_us().saturating_add(lifetime_us);
    tx.execute("DELETE FROM setup_link", &[])?;
    tx.execute(
        "INSERT INTO setup_link (hash, expires_us) VALUES ($1, $2)",
        values![digest(&token), expires],
    )?;
    Ok(token)
}

/// Whether a set-up token is valid now.
///
/// # Errors
///
/// `Database`.
pub fn setup_valid(tx: &mut Tx<'_>, token: &str) -> Result<bool, Error> {
    let now = tx.now_us();
    let row = tx.first(
        "SELECT expires_us FROM setup_link WHERE hash = $1 AND expires_us > $2",
        values![digest(token), now],
    )?;
    Ok(row.is_some())
}

/// Uses it up; false when it was not valid.
///
/// # Errors
///
/// `Database`.
pub fn use_setup(tx: &mut Tx<'_>, token: &str) -> Result<bool, Error> {
    let now = tx.now_us();
    let used = tx.execute(
        "DELETE FROM setup_link WHERE hash = $1 AND expires_us > $2",
        values![digest(token), now],
    )?;
    Ok(used == 1)
}
