//! The data directory, its disk and its key.

use super::Finding;
use crate::{node, sqlite::RESTORING};
use std::path::Path;

/// Less free space than this is too little: SQLite's log alone may grow to 64 MiB.
const LITTLE: u64 = 256 * 1024 * 1024;
/// Less than this share of the disk, in percent, is worth knowing.
const SHARE: u64 = 15;

/// What others than the owner may do with a file, in the words of `ls`.
#[cfg(unix)]
fn open_to_others(path: &Path) -> Option<String> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then(|| format!("{mode:04o}"))
}
#[cfg(not(unix))]
fn open_to_others(_path: &Path) -> Option<String> {
    None
}

pub(super) fn directory(directory: &Path) -> Finding {
    const WHAT: &str = "data directory";
    let place = directory.display();
    if !directory.is_dir() {
        return Finding::bad(
            WHAT,
            format!("{place} does not exist"),
            "give --data DIR, or start a server there first",
        );
    }
    if let Some(mode) = open_to_others(directory) {
        return Finding::bad(
            WHAT,
            format!("{place} is open to other users (mode {mode})"),
            format!("chmod 700 {place}"),
        );
    }
    Finding::good(WHAT, place.to_string())
}

/// Files of SQLite.
pub(super) fn file(directory: &Path) -> Vec<Finding> {
    const WHAT: &str = "database file";
    let mut findings = Vec::new();
    if directory.join(RESTORING).exists() {
        findings.push(Finding::bad(
            WHAT,
            format!("a restore has not come to its end: there is a {RESTORING}"),
            format!("run `tenure restore` again, or remove {RESTORING} if there is a tenure.db"),
        ));
    }
    let path = directory.join("tenure.db");
    let Ok(meta) = std::fs::metadata(&path) else {
        return findings;
    };
    findings.push(match open_to_others(&path) {
        Some(mode) => Finding::bad(
            WHAT,
            format!("{} is open to other users (mode {mode})", path.display()),
            format!("chmod 600 {}", path.display()),
        ),
        None => Finding::good(WHAT, format!("tenure.db, {}", mebibytes(meta.len()))),
    });
    findings
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1024 * 1024))
}

pub(super) fn space(directory: &Path) -> Finding {
    const WHAT: &str = "disk space";
    let status = match rustix::fs::statvfs(directory) {
        Ok(status) => status,
        Err(error) => {
            return Finding::notice(WHAT, format!("unknown: {error}"), "");
        }
    };
    let free = status.f_bavail.saturating_mul(status.f_frsize);
    let all = status.f_blocks.saturating_mul(status.f_frsize);
    let percent = free.saturating_mul(100).checked_div(all).unwrap_or(100);
    let detail = format!("{} free, {percent} %", mebibytes(free));
    if free < LITTLE {
        return Finding::bad(
            WHAT,
            detail,
            "make room: when the disk is full, nothing can be changed any more",
        );
    }
    if percent < SHARE {
        return Finding::notice(
            WHAT,
            detail,
            "see that there is room for the months to come",
        );
    }
    Finding::good(WHAT, detail)
}

/// The key of the data directory, and how it stands with its file.
pub(super) fn key(directory: &Path) -> (Finding, Option<[u8; 32]>) {
    const WHAT: &str = "master key file";
    let path = directory.join("master.key");
    let missing = "put the copy of master.key back that belongs to this database; if it is lost, \
        `tenure backup` and `tenure restore --without-secrets` make a database with a new one";
    match node::present_key(directory) {
        Err(error) => (Finding::bad(WHAT, error.to_string(), missing), None),
        Ok(None) => (Finding::bad(WHAT, "there is no master.key", missing), None),
        Ok(Some(key)) => match open_to_others(&path) {
            Some(mode) => (
                Finding::bad(
                    WHAT,
                    format!("master.key is open to other users (mode {mode})"),
                    format!("chmod 600 {}", path.display()),
                ),
                Some(key),
            ),
            None => (Finding::good(WHAT, "master.key"), Some(key)),
        },
    }
}
