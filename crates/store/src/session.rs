//! Console sessions and one-time set-up links. Only hashes are stored.
use crate::{Error, TimeUs, Tx};
/// A signed-in browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session { pub account_id: String, /// Token that forms carry.
    pub csrf: String, pub created_us: TimeUs, pub expires_us: TimeUs }
/// Starts a session; returns the cookie value (256 bit, shown to the browser only) and the session.
pub fn create(tx: &mut Tx<'_>, account_id: &str, lifetime_us: i64) -> Result<(String, Session), Error> { let _ = (tx, account_id, lifetime_us); todo!() }
/// The living session of a cookie value.
pub fn find(tx: &mut Tx<'_>, cookie: &str) -> Result<Option<Session>, Error> { let _ = (tx, cookie); todo!() }
/// Ends it.
pub fn end(tx: &mut Tx<'_>, cookie: &str) -> Result<(), Error> { let _ = (tx, cookie); todo!() }
/// A one-time set-up link's token (`tnr_setup_…`), valid for `lifetime_us`; earlier ones die.
pub fn create_setup(tx: &mut Tx<'_>, lifetime_us: i64) -> Result<String, Error> { let _ = (tx, lifetime_us); todo!() }
/// Whether a set-up token is valid now.
pub fn setup_valid(tx: &mut Tx<'_>, token: &str) -> Result<bool, Error> { let _ = (tx, token); todo!() }
/// Uses it up; false when it was not valid.
pub fn use_setup(tx: &mut Tx<'_>, token: &str) -> Result<bool, Error> { let _ = (tx, token); todo!() }
