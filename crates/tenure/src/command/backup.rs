//! `tenure backup` and `tenure restore`.

use super::{actor, now_us};
use crate::cli::{Backup, RestoreBackup};
use crate::error::{Exit, Failure};
use crate::output::{self, Output, time};
use serde_json::{Value, json};
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use tenure_store::Error;
use tenure_store::backup::{self, Answer, Manifest, Restored, Wanted};

/// Where a database is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) data: &'a Path,
    pub(crate) database: Option<&'a str>,
}

pub(crate) fn create(out: Output, place: Place<'_>, arguments: &Backup) -> Result<Exit, Failure> {
    if arguments.verify {
        return verify(out, &arguments.file);
    }
    let wanted = Wanted {
        key: arguments.with_key,
        overwrite: arguments.force,
        now_us: now_us(),
    };
    if arguments.with_key {
        output::note(
            "warning: the backup contains the master key, so that whoever has it can open every secret in it",
        );
    }
    if arguments.file == Path::new("-") {
        return to_stdout(place, wanted);
    }
    let file = if arguments.file.is_dir() {
        arguments.file.join(name_for(wanted.now_us))
    } else if arguments.file.as_os_str().to_string_lossy().ends_with('/') {
        let message = format!("{} is no directory", arguments.file.display());
        return Err(Failure::not_found(message));
    } else {
        arguments.file.clone()
    };
    let manifest = backup::create(place.data, place.database, &file, wanted).map_err(|error| {
        let hint = match &error {
            Error::Conflict(_) => "give another name, or --force to replace it",
            Error::NotFound(_) => "give --data DIR or --database URL",
            Error::Full => "make room where the backup goes",
            _ => return Failure::from(error),
        };
        Failure::from(error).hint(hint)
    })?;
    let mut document = document(&manifest);
    document["file"] = file.display().to_string().into();
    out.result(&document, || {
        format!("{}: {}", file.display(), sentence(&manifest))
    })?;
    if !manifest.has_key {
        output::note(
            "The master key is not in the backup: keep a copy of master.key somewhere else.",
        );
    }
    Ok(Exit::Done)
}

fn to_stdout(place: Place<'_>, wanted: Wanted) -> Result<Exit, Failure> {
    if std::io::stdout().is_terminal() {
        return Err(Failure::usage("a backup is not for a terminal")
            .hint("give a file, or send the output to one"));
    }
    let (_, manifest) = backup::write(place.data, place.database, std::io::stdout(), wanted)?;
    output::note(&sentence(&manifest));
    Ok(Exit::Done)
}

fn verify(out: Output, file: &Path) -> Result<Exit, Failure> {
    let manifest = backup::verify(file).map_err(damaged)?;
    out.result(&document(&manifest), || {
        format!("{} is whole: {}", file.display(), sentence(&manifest))
    })?;
    Ok(Exit::Done)
}

/// `tenure-2026-11-25T094500Z.backup`
fn name_for(now_us: i64) -> PathBuf {
    format!("tenure-{}.backup", time(now_us).replace(':', "")).into()
}

fn sentence(manifest: &Manifest) -> String {
    let rows: u64 = manifest.rows.values().sum();
    format!(
        "{rows} rows, {} bytes, made {} from {}",
        manifest.bytes,
        time(manifest.created_us),
        engine(manifest),
    )
}

fn engine(manifest: &Manifest) -> &'static str {
    match manifest.engine.as_str() {
        "postgres" => "PostgreSQL",
        _ => "SQLite",
    }
}

fn document(manifest: &Manifest) -> Value {
    json!({
        "tenure": manifest.tenure,
        "engine": manifest.engine,
        "created": time(manifest.created_us),
        "schema": manifest.schema,
        "key": manifest.key,
        "contains_key": manifest.has_key,
        "bytes": manifest.bytes,
        "sha256": manifest.sha256,
        "rows": manifest.rows,
    })
}

fn damaged(error: Error) -> Failure {
    let failure = Failure::from(error);
    if failure.exit == Exit::Usage {
        return failure.hint("use another backup; nothing was changed");
    }
    failure
}

pub(crate) fn restore(
    out: Output,
    place: Place<'_>,
    arguments: &RestoreBackup,
) -> Result<Exit, Failure> {
    let key = arguments.key_file.as_deref().map(backup::read_key);
    let answer = Answer {
        key: key
            .transpose()
            .map_err(|error| Failure::usage(error.to_string()))?,
        without_secrets: arguments.without_secrets,
        moved: arguments.moved,
        actor: actor(),
        now_us: now_us(),
    };
    let restored = backup::restore(&arguments.file, place.data, place.database, &answer)
        .map_err(|error| hinted(error, place.database.is_some()))?;
    let mut document = document(&restored.manifest);
    document["switched_off"] = restored.switched_off.into();
    document["secrets_forgotten"] = restored.secrets_forgotten.into();
    document["broken_audit_logs"] = restored
        .broken_audits
        .iter()
        .map(|(workspace, message)| json!({ "workspace": workspace, "message": message }))
        .collect();
    out.result(&document, || {
        format!("restored: {}", sentence(&restored.manifest))
    })?;
    notes(&restored);
    Ok(match restored.broken_audits.is_empty() {
        true => Exit::Done,
        false => Exit::Partly,
    })
}

fn hinted(error: Error, is_server: bool) -> Failure {
    let message = error.to_string();
    let failure = damaged(error);
    if message.contains("not empty") {
        return failure.hint(match is_server {
            true => "restore into an empty database or schema; nothing was changed",
            false => "give --data with a new directory; nothing was changed",
        });
    }
    if message.contains("master key") {
        return failure.hint(
            "give --key-file with the copy of master.key; if it is lost, --without-secrets restores everything else",
        );
    }
    failure
}

fn notes(restored: &Restored) {
    if restored.switched_off > 0 {
        output::note(&format!(
            "{} applications were switched off. For each: bring the directory up to date, look at `tenure application drift`, then `tenure application start`.",
            restored.switched_off
        ));
    }
    if restored.secrets_forgotten > 0 {
        output::note(&format!(
            "{} applications have no credentials any more: `tenure application credentials` enters them again.",
            restored.secrets_forgotten
        ));
    }
    output::note(
        "Everybody has to sign in again. Tokens that were revoked after the backup was made are valid again: look at `tenure token list`.",
    );
    for (workspace, message) in &restored.broken_audits {
        output::note(&format!(
            "warning: workspace {workspace}: {message}, before the backup was made"
        ));
    }
}
