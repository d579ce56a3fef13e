//! Checks a configuration and prepares it for planning.
use crate::config::ApplicationConfig;

/// A configuration that has been checked: parsed expressions, paths and regexes.
#[derive(Debug)]
pub struct Compiled { /// What it was made from.
    pub config: ApplicationConfig }

/// One thing that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Problem { /// Where: `users.mappings[3].source`.
    pub place: String, /// What is wrong and what to do.
    pub message: String }

/// Checks and compiles. All problems are reported, not only the first.
pub fn compile(config: &ApplicationConfig) -> Result<Compiled, Vec<Problem>> { let _ = config; todo!() }
