//! `tenure import`.

use super::Session;
use crate::cli::Import;
use crate::error::{Exit, Failure};

pub(crate) async fn run(session: &Session, arguments: Import) -> Result<Exit, Failure> {
    let _ = (session, arguments);
    Err(Failure::failed("import is not there yet"))
}
