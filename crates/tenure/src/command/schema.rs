//! `tenure schema`.

use super::{Session, read_file};
use crate::cli::Schema as Command;
use crate::error::{Exit, Failure};
use crate::output;
use serde_json::json;
use tenure_scim::schema::Definition;
use tenure_store::schema;

/// Most bytes of a definition.
const DEFINITION_BYTES: usize = 1024 * 1024;

pub(crate) async fn run(session: &Session, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Get { at } => {
            let workspace = session.workspace(&at.workspace).await?.id;
            let types = session
                .store
                .read(move |tx| schema::types(tx, workspace))
                .await?;
            let definition = types.definition.to_json();
            output::line(&if session.out.json {
                definition.to_string()
            } else {
                serde_json::to_string_pretty(&definition)?
            })?;
        }
        Command::Set { at, file } => {
            let workspace = session.workspace(&at.workspace).await?.id;
            let text = read_file(&file, DEFINITION_BYTES)?;
            let definition = tenure_scim::json::parse(text.as_bytes())
                .and_then(|value| Definition::parse(&value))
                .map_err(|error| {
                    Failure::usage(format!("the schemas were not changed: {}", error.detail))
                })?;
            let types = session
                .store
                .write(session.actor.clone(), move |tx| {
                    schema::set(tx, workspace, &definition, None)
                })
                .await?;
            let names: Vec<&str> = types
                .set
                .resource_types
                .iter()
                .map(|one| one.name.as_str())
                .collect();
            session.out.result(&json!({ "resourceTypes": names }), || {
                format!("resource types: {}", names.join(", "))
            })?;
        }
    }
    Ok(Exit::Done)
}
