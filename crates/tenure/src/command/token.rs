//! `tenure token`.

use super::{Session, read_file};
use crate::cli::Token as Command;
use crate::error::{Exit, Failure};
use crate::output::{self, time, time_value};
use serde_json::{Value, json};
use tenure_store::WorkspaceId;
use tenure_store::token::{self, Options, Scope, Token};

/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;

pub(crate) async fn run(session: &Session, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Create {
            at,
            name,
            expires_days,
            api,
        } => {
            let workspace = session.workspace(&at.workspace).await?;
            let scope = if api { Scope::Api } else { Scope::Scim };
            create(session, workspace.id, scope, name, expires_days).await?;
        }
        Command::Options { at, id, set } => {
            let workspace = session.workspace(&at.workspace).await?.id;
            options(session, workspace, id, set).await?;
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
                    "FOR",
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
    workspace: WorkspaceId,
    scope: Scope,
    name: String,
    expires_days: Option<u32>,
) -> Result<(), Failure> {
    let (created, secret) = session
        .store
        .write(session.actor.clone(), move |tx| {
            let expires_us = expires_days.map(|days| tx.now_us() + i64::from(days) * DAY_US);
            token::create_for(tx, workspace, scope, &name, expires_us)
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

/// Most bytes of a file with options.
const OPTIONS_BYTES: usize = 64 * 1024;

async fn options(
    session: &Session,
    workspace: WorkspaceId,
    id: String,
    set: Option<String>,
) -> Result<(), Failure> {
    if let Some(from) = set {
        let options: Options = serde_json::from_str(&read_file(&from, OPTIONS_BYTES)?)
            .map_err(|error| Failure::usage(format!("the options were not changed: {error}")))?;
        let wanted = id.clone();
        session
            .store
            .write(session.actor.clone(), move |tx| {
                token::set_options(tx, workspace, &wanted, &options)
            })
            .await?;
    }
    let tokens = session
        .store
        .read(move |tx| token::list(tx, workspace))
        .await?;
    let token = tokens.into_iter().find(|token| token.id == id);
    let token =
        token.ok_or_else(|| Failure::not_found(format!("token \"{id}\" does not exist")))?;
    let options = serde_json::to_value(&token.options)?;
    output::line(&if session.out.json {
        options.to_string()
    } else {
        serde_json::to_string_pretty(&options)?
    })
}

fn document(token: &Token) -> Value {
    json!({
        "id": token.id,
        "name": token.name,
        "scope": token.scope.as_str(),
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
        token.scope.as_str().to_owned(),
        token.suffix.clone(),
        time(token.created_us),
        optional(token.expires_us, "never"),
        optional(token.last_used_us, "never"),
        optional(token.revoked_us, "no"),
    ]
}
