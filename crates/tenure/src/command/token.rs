//! `tenure token`.

use super::Session;
use crate::cli::Token as Command;
use crate::error::{Exit, Failure};
use crate::output::{self, time, time_value};
use serde_json::{Value, json};
use tenure_store::token::{self, Token};

/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;

pub(crate) async fn run(session: &Session, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Create {
            at,
            name,
            expires_days,
        } => {
            let workspace = session.workspace(&at.workspace).await?;
            create(session, workspace.id, name, expires_days).await?;
        }
        Command::List { at } => {
            let workspace = session.workspace(&at.workspace).await?.id;
            let tokens = session
                .store
                .read(move |tx| token::list(tx, workspace))
                .await?;
            let documents: Vec<Value> = tokens.iter().map(document).collect();
            let rows: Vec<Vec<String>> = tokens.iter().map(row).collect();
            session.out.list(
                &json!({ "tokens": documents }),
                &[
                    "ID",
                    "NAME",
                    "ENDS IN",
                    "CREATED",
                    "EXPIRES",
                    "LAST USED",
                    "REVOKED",
                ],
                &rows,
            )?;
        }
        Command::Revoke { at, id } => {
            let workspace = session.workspace(&at.workspace).await?.id;
            let wanted = id.clone();
            session
                .store
                .write(session.actor.clone(), move |tx| {
                    token::revoke(tx, workspace, &wanted)
                })
                .await?;
            session
                .out
                .result(&json!({ "id": id, "revoked": true }), || {
                    format!("revoked {id}")
                })?;
        }
    }
    Ok(Exit::Done)
}

async fn create(
    session: &Session,
    workspace: tenure_store::WorkspaceId,
    name: String,
    expires_days: Option<u32>,
) -> Result<(), Failure> {
    let (created, secret) = session
        .store
        .write(session.actor.clone(), move |tx| {
            let expires_us = expires_days.map(|days| tx.now_us() + i64::from(days) * DAY_US);
            token::create(tx, workspace, &name, expires_us)
        })
        .await?;
    if session.out.json {
        let mut document = document(&created);
        document["token"] = secret.into();
        return output::line(&document.to_string());
    }
    output::note(&format!(
        "Token {} ({}). Store it now: it is not shown again.",
        output::plain(&created.name),
        created.id
    ));
    output::line(&secret)
}

fn document(token: &Token) -> Value {
    json!({
        "id": token.id,
        "name": token.name,
        "suffix": token.suffix,
        "created": time(token.created_us),
        "created_by": token.created_by,
        "expires": time_value(token.expires_us),
        "last_used": time_value(token.last_used_us),
        "last_agent": token.last_agent,
        "revoked": time_value(token.revoked_us),
    })
}

fn row(token: &Token) -> Vec<String> {
    let optional = |at_us: Option<i64>, otherwise: &str| at_us.map_or(otherwise.to_owned(), time);
    vec![
        token.id.clone(),
        token.name.clone(),
        token.suffix.clone(),
        time(token.created_us),
        optional(token.expires_us, "never"),
        optional(token.last_used_us, "never"),
        optional(token.revoked_us, "no"),
    ]
}
