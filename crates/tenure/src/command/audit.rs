//! `tenure audit`.

use super::Session;
use crate::cli::Audit as Command;
use crate::error::{Exit, Failure};
use crate::output::time;
use serde_json::{Value, json};
use tenure_store::audit::{self, AuditEntry};

pub(crate) async fn run(session: &Session, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::List { at, limit, before } => {
            let workspace = session.workspace(&at.workspace).await?.id;
            let entries = session
                .store
                .read(move |tx| audit::list(tx, workspace, before, limit))
                .await?;
            let documents: Vec<Value> = entries.iter().map(document).collect();
            let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
            session.out.list(
                &json!({ "entries": documents }),
                &["NUMBER", "TIME", "WHO", "ACTION", "OBJECT"],
                &rows,
            )?;
        }
        Command::Verify { at } => {
            let workspace = session.workspace(&at.workspace).await?.id;
            let checked = session
                .store
                .read(move |tx| audit::verify(tx, workspace))
                .await?;
            session
                .out
                .result(&json!({ "verified": true, "checked": checked }), || {
                    format!("{checked} records, chain unbroken")
                })?;
        }
    }
    Ok(Exit::Done)
}

fn document(entry: &AuditEntry) -> Value {
    let detail: Value =
        serde_json::from_str(&entry.detail).unwrap_or_else(|_| entry.detail.as_str().into());
    json!({
        "number": entry.seq,
        "time": time(entry.at_us),
        "actor": { "kind": entry.actor.kind, "id": entry.actor.id, "name": entry.actor.name },
        "action": entry.action,
        "object": entry.object,
        "detail": detail,
        "hash": entry.hash,
    })
}

fn row(entry: &AuditEntry) -> Vec<String> {
    vec![
        entry.seq.to_string(),
        time(entry.at_us),
        format!("{} {}", entry.actor.kind, entry.actor.name),
        entry.action.clone(),
        entry.object.clone(),
    ]
}
