//! Settings of the workspace.

use axum::{Json, extract::State};
use tenure_store::setting::{self, Settings};

use super::{
    caller::{Body, Caller},
    problem::Problem,
};
use crate::App;

/// GET `/settings`.
pub(super) async fn show(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Settings>, Problem> {
    let workspace = caller.workspace();
    let settings = app
        .store
        .read(move |tx| setting::get(tx, workspace))
        .await?;
    Ok(Json(settings))
}

/// PUT `/settings`: what is left out gets its default.
pub(super) async fn replace(
    State(app): State<App>,
    caller: Caller,
    body: Body,
) -> Result<Json<Settings>, Problem> {
    let workspace = caller.workspace();
    let settings: Settings = body.read()?;
    let written = settings.clone();
    app.store
        .write(caller.actor(), move |tx| {
            setting::set(tx, workspace, &written)
        })
        .await?;
    Ok(Json(settings))
}
