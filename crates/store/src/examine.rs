//! Whether everything is as it should be: what `tenure doctor` tells. Changes nothing.

mod database;
mod place;

use crate::{Error, TimeUs, backup};
use std::path::Path;

/// How it stands with one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// As it should be.
    Good,
    /// Worth knowing.
    Notice,
    /// Something has to be done.
    Bad,
}

impl Standing {
    /// `ok`, `notice`, `bad`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Notice => "notice",
            Self::Bad => "bad",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What: `data directory`, `disk space`, …
    pub what: &'static str,
    /// How it stands.
    pub standing: Standing,
    /// What was found.
    pub detail: String,
    /// What to do; empty: nothing.
    pub advice: String,
}

impl Finding {
    fn good(what: &'static str, detail: impl Into<String>) -> Self {
        Self {
            what,
            standing: Standing::Good,
            detail: detail.into(),
            advice: String::new(),
        }
    }

    fn notice(what: &'static str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            standing: Standing::Notice,
            advice: advice.into(),
            ..Self::good(what, detail)
        }
    }

    fn bad(what: &'static str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            standing: Standing::Bad,
            advice: advice.into(),
            ..Self::good(what, detail)
        }
    }
}

/// What an examination is to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Leave out what takes long with a large database: indexes are not compared with their tables.
    pub quick: bool,
    /// The present time.
    pub now_us: TimeUs,
}

/// Looks at a data directory and at the database. Servers may be running.
#[must_use]
pub fn examine(directory: &Path, database: Option<&str>, wanted: Wanted) -> Vec<Finding> {
    let mut findings = vec![place::directory(directory), place::space(directory)];
    if database.is_none() {
        findings.extend(place::file(directory));
    }
    let (finding, key) = place::key(directory);
    findings.push(finding);
    let looked = backup::on_present(directory, database, |whole| {
        Ok(database::examine(whole, directory, key, wanted))
    });
    match looked {
        Ok(more) => findings.extend(more),
        Err(error) => findings.push(unreachable(&error)),
    }
    findings
}

fn unreachable(error: &Error) -> Finding {
    let advice = match error {
        Error::NotFound(_) => {
            "give --data DIR or --database URL of a server, or start one there first"
        }
        Error::Busy => "try again; if it stays, see which process uses the database",
        _ => {
            "see that the database can be reached and read; if its file is damaged, restore the last backup"
        }
    };
    Finding::bad("database", error.to_string(), advice)
}

/// Name and Tenant URL of every application that has one, as `Payroll in acme`.
///
/// # Errors
///
/// `NotFound` when there is no database, `Database`.
pub fn targets(directory: &Path, database: Option<&str>) -> Result<Vec<(String, String)>, Error> {
    backup::on_present(directory, database, |whole| database::targets(whole))
}
