//! `tenure demo`.

use crate::cli::Demo;
use crate::error::{Exit, Failure};
use std::path::Path;

/// Where the demo's data is when nobody says.
pub(super) const DEFAULT_DATA: &str = "./demo-data";

pub(crate) async fn run(data: &Path, arguments: &Demo) -> Result<Exit, Failure> {
    let _ = (data, arguments);
    Err(Failure::failed("the demo is not there yet"))
}
