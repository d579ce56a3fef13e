//! `tenure application schema`: mappings and scoping filters as Entra ID's synchronization schema.

use super::settings::compiled;
use crate::cli::{EntraSchema as Command, OfApplication};
use crate::command::{Session, read_file};
use crate::error::{Exit, Failure};
use crate::output;
use serde_json::{Value, json};
use tenure_plan::ApplicationConfig;
use tenure_plan::entra::{self, Warning};
use tenure_store::application;

pub(super) async fn run(session: &Session, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Export { of, output } => export(session, &of, output.as_deref()).await,
        Command::Import { of, file, dry_run } => import(session, &of, &file, dry_run).await,
    }
}

/// Warnings are for people; a script finds them in the document.
fn warn(warnings: &[Warning]) {
    for warning in warnings {
        output::note(&format!(
            "warning: {}",
            output::plain(&line(&warning.place, &warning.message))
        ));
    }
}

fn line(place: &str, message: &str) -> String {
    if place.is_empty() {
        message.to_owned()
    } else {
        format!("{place}: {message}")
    }
}

async fn export(
    session: &Session,
    of: &OfApplication,
    file: Option<&str>,
) -> Result<Exit, Failure> {
    let (_, application) = super::resolve(session, of).await?;
    let config: ApplicationConfig = serde_json::from_str(&application.config)?;
    let exported = entra::export(&config);
    warn(&exported.warnings);
    let pretty = serde_json::to_string_pretty(&exported.schema)?;
    let Some(file) = file else {
        output::line(&if session.out.json {
            exported.schema.to_string()
        } else {
            pretty
        })?;
        return Ok(Exit::Done);
    };
    std::fs::write(file, pretty + "\n")
        .map_err(|error| Failure::failed(format!("cannot write {file}: {error}")))?;
    let document = json!({
        "application": application.name,
        "id": application.id,
        "result": "exported",
        "file": file,
        "warnings": exported.warnings,
    });
    session.out.result(&document, || {
        let name = output::plain(&application.name);
        format!("exported {name} to {}", output::plain(file))
    })?;
    Ok(Exit::Done)
}

async fn import(
    session: &Session,
    of: &OfApplication,
    file: &str,
    dry_run: bool,
) -> Result<Exit, Failure> {
    let (workspace, application) = super::resolve(session, of).await?;
    let base: ApplicationConfig = serde_json::from_str(&application.config)?;
    let text = read_file(file, entra::limits::TEXT_BYTES)?;
    let imported = entra::import(&text, &base).map_err(|problems| {
        let lines: Vec<String> = problems
            .iter()
            .map(|problem| format!("  {}", line(&problem.place, &problem.message)))
            .collect();
        Failure::usage(format!("the schema was not imported\n{}", lines.join("\n")))
    })?;
    warn(&imported.warnings);
    compiled(&imported.config)?;
    let mut document = json!({
        "application": application.name,
        "id": application.id,
        "result": "imported",
        "warnings": imported.warnings,
    });
    let config = serde_json::to_value(&imported.config)?;
    if dry_run {
        document["result"] = "dry run".into();
        return answer(session, &mut document, config);
    }
    if imported.config == base {
        document["result"] = "unchanged".into();
        return answer(session, &mut document, config);
    }
    let text = config.to_string();
    let (key, version, name) = (application.key, application.version, application.name);
    session
        .store
        .write(session.actor.clone(), move |tx| {
            application::update(tx, workspace, key, version, &name, &text)
        })
        .await?;
    answer(session, &mut document, config)
}

/// A dry run shows what would be, everything else only what was done.
fn answer(session: &Session, document: &mut Value, config: Value) -> Result<Exit, Failure> {
    let pretty = if document["result"] == "dry run" {
        let pretty = serde_json::to_string_pretty(&config)?;
        document["config"] = config;
        pretty
    } else {
        let text = |member: &str| document[member].as_str().unwrap_or_default();
        format!("{} {}", text("result"), output::plain(text("application")))
    };
    session.out.result(document, || pretty)?;
    Ok(Exit::Done)
}
