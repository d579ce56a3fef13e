//! `tenure workspace`.

use super::{Session, read_file};
use crate::cli::Workspace as Command;
use crate::error::{Exit, Failure};
use crate::output::time;
use serde_json::{Value, json};
use tenure_store::setting::{self, Settings};
use tenure_store::workspace::{self, Workspace};

/// Most bytes of a file with settings.
const SETTINGS_BYTES: usize = 64 * 1024;

pub(crate) async fn run(session: &Session, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Create { name } => {
            let created = session
                .store
                .write(session.actor.clone(), move |tx| {
                    workspace::create(tx, &name)
                })
                .await?;
            session.out.result(&document(&created), || {
                format!("created workspace {} ({})", created.name, created.slug)
            })?;
        }
        Command::List => {
            let all = session.store.read(workspace::list).await?;
            let documents: Vec<Value> = all.iter().map(document).collect();
            let rows: Vec<Vec<String>> = all
                .iter()
                .map(|one| vec![one.slug.clone(), one.name.clone(), time(one.created_us)])
                .collect();
            session.out.list(
                &json!({ "workspaces": documents }),
                &["SLUG", "NAME", "CREATED"],
                &rows,
            )?;
        }
        Command::Settings { at, set } => settings(session, &at.workspace, set).await?,
    }
    Ok(Exit::Done)
}

async fn settings(session: &Session, name: &str, set: Option<String>) -> Result<(), Failure> {
    let workspace = session.workspace(name).await?.id;
    if let Some(from) = set {
        let settings: Settings = serde_json::from_str(&read_file(&from, SETTINGS_BYTES)?)
            .map_err(|error| Failure::usage(format!("the settings were not changed: {error}")))?;
        session
            .store
            .write(session.actor.clone(), move |tx| {
                setting::set(tx, workspace, &settings)
            })
            .await?;
    }
    let settings = session
        .store
        .read(move |tx| setting::get(tx, workspace))
        .await?;
    let document = serde_json::to_value(&settings)?;
    session.out.result(&document, || format!("{document:#}"))
}

fn document(workspace: &Workspace) -> Value {
    json!({
        "id": workspace.public_id,
        "slug": workspace.slug,
        "name": workspace.name,
        "created": time(workspace.created_us),
    })
}
