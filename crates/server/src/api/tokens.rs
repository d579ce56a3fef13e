//! Tokens of the workspace, without their secrets, and how the server treats their clients.

use axum::{
    Json,
    extract::{Path, State},
};
use serde_json::{Value, json};
use tenure_scim::value::format_time_us;
use tenure_store::token::{self, Options, Token};

use super::{
    caller::{Body, Caller},
    page,
    problem::Problem,
};
use crate::App;

fn token_json(token: &Token) -> Value {
    json!({
        "id": token.id,
        "name": token.name,
        "scope": token.scope.as_str(),
        "suffix": token.suffix,
        "created": format_time_us(token.created_us),
        "createdBy": token.created_by,
        "expires": token.expires_us.map(format_time_us),
        "lastUsed": token.last_used_us.map(format_time_us),
        "lastAgent": token.last_agent,
        "revoked": token.revoked_us.map(format_time_us),
        "options": token.options,
    })
}

async fn find(app: &App, caller: &Caller, id: &str) -> Result<Token, Problem> {
    let workspace = caller.workspace();
    let tokens = app.store.read(move |tx| token::list(tx, workspace)).await?;
    tokens
        .into_iter()
        .find(|token| token.id == id)
        .ok_or_else(Problem::not_found)
}

/// GET `/tokens`: all, newest first, revoked and expired included.
pub(super) async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Value>, Problem> {
    let workspace = caller.workspace();
    let tokens = app.store.read(move |tx| token::list(tx, workspace)).await?;
    Ok(page(tokens.iter().map(token_json).collect(), None))
}

/// GET `/tokens/{token}`.
pub(super) async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    Ok(Json(token_json(&find(&app, &caller, &id).await?)))
}

/// GET `/tokens/{token}/options`.
pub(super) async fn options(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Options>, Problem> {
    Ok(Json(find(&app, &caller, &id).await?.options))
}

/// PUT `/tokens/{token}/options`: what is left out gets its default.
pub(super) async fn set_options(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    body: Body,
) -> Result<Json<Options>, Problem> {
    let workspace = caller.workspace();
    let options: Options = body.read()?;
    let written = options.clone();
    app.store
        .write(caller.actor(), move |tx| {
            token::set_options(tx, workspace, &id, &written)
        })
        .await?;
    Ok(Json(options))
}
