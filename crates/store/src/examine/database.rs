//! What is in the database.

use super::{Finding, Wanted};
use crate::{
    Error, TimeUs, WorkspaceId, application,
    backup::{
        self,
        whole::{Depth, Whole},
    },
    connection::values,
    migrate,
    seal::Sealer,
};
use std::path::Path;

/// How far ahead of the present a row may be: clocks of several servers differ a little.
const AHEAD_US: i64 = 5 * 60 * 1_000_000;
/// Names that are given of those that are affected.
const NAMED: usize = 5;

/// A check that cannot be made is a finding as well.
fn finding(what: &'static str, result: Result<Finding, Error>) -> Finding {
    result.unwrap_or_else(|error| {
        Finding::bad(
            what,
            format!("could not be checked: {error}"),
            "if the database is damaged, restore the last backup",
        )
    })
}

pub(super) fn examine(
    whole: &mut dyn Whole,
    directory: &Path,
    key: Option<[u8; 32]>,
    wanted: Wanted,
) -> Vec<Finding> {
    let mut findings = vec![finding("soundness", soundness(whole, wanted))];
    let (schema, is_present) = schema(whole);
    findings.push(schema);
    if !is_present {
        // Its tables may be others than the ones that this version looks into.
        return findings;
    }
    findings.extend(row_level_security(whole));
    findings.push(finding("master key", known_key(whole, key)));
    findings.push(finding("secrets", secrets(whole, key)));
    findings.push(finding("audit logs", audits(whole)));
    findings.push(finding("clock", clock(whole, wanted.now_us)));
    findings.push(finding("leases", leases(whole, directory, wanted.now_us)));
    findings.push(finding("provisioning", restored(whole)));
    findings
}

fn soundness(whole: &mut dyn Whole, wanted: Wanted) -> Result<Finding, Error> {
    const WHAT: &str = "soundness";
    let depth = if wanted.quick {
        Depth::Quick
    } else {
        Depth::Full
    };
    let damages = whole.damages(depth)?;
    Ok(match damages.first() {
        None => Finding::good(WHAT, "no damage was found"),
        Some(first) => Finding::bad(
            WHAT,
            format!("{} damages, the first: {first}", damages.len()),
            "stop the server, keep a copy of the data directory, and restore the last backup",
        ),
    })
}

/// The second value says whether the database has the schema of this version.
fn schema(whole: &mut dyn Whole) -> (Finding, bool) {
    const WHAT: &str = "schema";
    let newest = migrate::newest();
    match migrate::present(whole) {
        Err(error) => (finding(WHAT, Err(error)), false),
        Ok(present) if present == newest => {
            (Finding::good(WHAT, format!("version {present}")), true)
        }
        Ok(present) if present < newest => (
            Finding::notice(
                WHAT,
                format!("version {present}; this program has {newest}"),
                "make a backup; the next start of the server brings it up to date",
            ),
            false,
        ),
        Ok(present) => (
            Finding::bad(
                WHAT,
                format!("version {present}; this program knows only {newest}"),
                "use the version of Tenure that the server has",
            ),
            false,
        ),
    }
}

/// Only of databases that have it.
fn row_level_security(whole: &mut dyn Whole) -> Option<Finding> {
    const WHAT: &str = "row-level security";
    let found = match whole.wall_holds() {
        Ok(None) => return None,
        Ok(Some(true)) => Ok(Finding::good(WHAT, "holds for the role that is used")),
        Ok(Some(false)) => Ok(Finding::notice(
            WHAT,
            "the role is a superuser or has BYPASSRLS, for which it does not hold",
            "use an ordinary role that owns the database",
        )),
        Err(error) => Err(error),
    };
    Some(finding(WHAT, found))
}

fn known_key(whole: &mut dyn Whole, key: Option<[u8; 32]>) -> Result<Finding, Error> {
    const WHAT: &str = "master key";
    let remembers = whole
        .tables()?
        .iter()
        .any(|table| table.name == "master_key");
    let known = if remembers {
        migrate::known_key(whole)?
    } else {
        None
    };
    Ok(match (known, key) {
        (None, _) => Finding::notice(
            WHAT,
            "the database does not remember its key yet",
            "the next start of the server notes it",
        ),
        (Some(known), Some(key)) if known == migrate::fingerprint(&key) => {
            Finding::good(WHAT, "the one of this database")
        }
        (Some(_), Some(_)) => Finding::bad(
            WHAT,
            "not the one that this database is used with",
            "put the right master.key into the data directory",
        ),
        (Some(_), None) => Finding::bad(WHAT, "missing", "see the line above"),
    })
}

fn named(names: &[String]) -> String {
    let some: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
    let more = names.len().saturating_sub(NAMED);
    match more {
        0 => some.join(", "),
        more => format!("{} and {more} more", some.join(", ")),
    }
}

fn secrets(whole: &mut dyn Whole, key: Option<[u8; 32]>) -> Result<Finding, Error> {
    const WHAT: &str = "secrets";
    let Some(key) = key else {
        return Ok(Finding::bad(
            WHAT,
            "cannot be opened without the master key",
            "",
        ));
    };
    let sealer = Sealer::new(&key);
    let (mut opened, mut closed) = (0_u64, Vec::new());
    for (workspace, slug) in backup::workspaces(whole)? {
        let rows = whole.query(
            "SELECT key, name, secret FROM application WHERE workspace_id = $1 AND secret IS NOT NULL ORDER BY key",
            values![workspace],
        )?;
        for row in &rows {
            let sealed = row.optional_bytes(2)?.unwrap_or_default();
            match sealer.open(&application::place(workspace, row.integer(0)?), &sealed) {
                Ok(_) => opened += 1,
                Err(_) => closed.push(format!("{} in {slug}", row.text(1)?)),
            }
        }
    }
    Ok(match closed.is_empty() {
        true => Finding::good(WHAT, format!("{opened} can be opened")),
        false => Finding::bad(
            WHAT,
            format!("{} cannot be opened: {}", closed.len(), named(&closed)),
            "put the right master.key back, or enter these credentials again: `tenure application credentials`",
        ),
    })
}

fn audits(whole: &mut dyn Whole) -> Result<Finding, Error> {
    const WHAT: &str = "audit logs";
    let broken = backup::broken_audits(whole)?;
    let count = backup::workspaces(whole)?.len();
    let names: Vec<String> = broken
        .iter()
        .map(|(slug, message)| format!("{slug} ({message})"))
        .collect();
    Ok(match names.is_empty() {
        true => Finding::good(WHAT, format!("{count} workspaces, all chains unbroken")),
        false => Finding::bad(
            WHAT,
            named(&names),
            "somebody changed the database past Tenure: find out who could, and compare with a backup",
        ),
    })
}

fn newest(whole: &mut dyn Whole, workspace: WorkspaceId) -> Result<TimeUs, Error> {
    let rows = whole.query(
        "SELECT at_us FROM audit WHERE workspace_id = $1 ORDER BY seq DESC LIMIT 1",
        values![workspace],
    )?;
    rows.first().map_or(Ok(0), |row| row.integer(0))
}

fn clock(whole: &mut dyn Whole, now_us: TimeUs) -> Result<Finding, Error> {
    const WHAT: &str = "clock";
    let mut latest = 0;
    for (workspace, _) in backup::workspaces(whole)? {
        latest = latest.max(newest(whole, workspace)?);
    }
    let ahead = latest.saturating_sub(now_us);
    Ok(if ahead > AHEAD_US {
        Finding::bad(
            WHAT,
            format!("the newest record is {} s in the future", ahead / 1_000_000),
            "set this machine's clock, or find out which server's clock was ahead",
        )
    } else {
        Finding::good(WHAT, "no record is in the future")
    })
}

fn leases(whole: &mut dyn Whole, directory: &Path, now_us: TimeUs) -> Result<Finding, Error> {
    const WHAT: &str = "leases";
    let (mut held, mut orphaned) = (0_u64, 0_u64);
    for (workspace, _) in backup::workspaces(whole)? {
        let rows = whole.query(
            "SELECT lease_owner FROM job WHERE workspace_id = $1 AND lease_owner IS NOT NULL AND lease_until_us > $2",
            values![workspace, now_us],
        )?;
        for row in &rows {
            held += 1;
            orphaned += u64::from(whole.has_ended(directory, &row.text(0)?)?);
        }
    }
    Ok(match orphaned {
        0 => Finding::good(WHAT, format!("{held} jobs are running")),
        some => Finding::notice(
            WHAT,
            format!("{some} jobs belong to processes that have ended"),
            "a running server takes them over by itself; start one",
        ),
    })
}

/// Applications that a restore has switched off.
fn restored(whole: &mut dyn Whole) -> Result<Finding, Error> {
    const WHAT: &str = "provisioning";
    let mut off = Vec::new();
    for (workspace, slug) in backup::workspaces(whole)? {
        let rows = whole.query(
            "SELECT a.name FROM job j JOIN application a ON a.workspace_id = j.workspace_id AND a.key = j.application \
             WHERE j.workspace_id = $1 AND j.state = 'paused' AND j.quarantine_code = $2 ORDER BY a.name_key",
            values![workspace, crate::job::RESTORED_CODE],
        )?;
        for row in &rows {
            off.push(format!("{} in {slug}", row.text(0)?));
        }
    }
    Ok(match off.is_empty() {
        true => Finding::good(WHAT, "nothing is switched off by a restore"),
        false => Finding::notice(
            WHAT,
            format!("switched off since a backup was restored: {}", named(&off)),
            "bring the directory up to date, look at `tenure application drift`, then `tenure application start`",
        ),
    })
}

pub(super) fn targets(whole: &mut dyn Whole) -> Result<Vec<(String, String)>, Error> {
    let mut targets = Vec::new();
    for (workspace, slug) in backup::workspaces(whole)? {
        let rows = whole.query(
            "SELECT name, tenant_url FROM application WHERE workspace_id = $1 AND tenant_url <> '' ORDER BY name_key",
            values![workspace],
        )?;
        for row in &rows {
            targets.push((format!("{} in {slug}", row.text(0)?), row.text(1)?));
        }
    }
    Ok(targets)
}
