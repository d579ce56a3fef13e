//! `tenure workspace`.

use super::Session;
use crate::cli::Workspace as Command;
use crate::error::{Exit, Failure};
use crate::output::time;
use serde_json::{Value, json};
use tenure_store::workspace::{self, Workspace};

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
    }
    Ok(Exit::Done)
}

fn document(workspace: &Workspace) -> Value {
    json!({
        "id": workspace.public_id,
        "slug": workspace.slug,
        "name": workspace.name,
        "created": time(workspace.created_us),
    })
}
