//! Why somebody has an account at an application, or has none.

use axum::{
    Json,
    extract::{Path, State},
};
use serde::Deserialize;
use tenure_engine::{EngineError, Why};
use tenure_store::{Error, Kind, application, resource};

use super::{
    caller::{Caller, Parameters},
    problem::Problem,
};
use crate::App;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// userName or id.
    user: Option<String>,
    /// displayName or id.
    group: Option<String>,
}

/// GET `/applications/{application}/why?user=…` or `group=…`: from the directory's values to the target's last answer.
/// The target is not asked.
pub(super) async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Parameters(asked): Parameters<Asked>,
) -> Result<Json<Why>, Problem> {
    let (kind, object) = match (asked.user, asked.group) {
        (Some(user), None) => (Kind::User, user),
        (None, Some(group)) => (Kind::Group, group),
        _ => return Err(Problem::invalid("Give one `user` or one `group`.")),
    };
    let workspace = caller.workspace();
    let (key, rid) = app
        .store
        .read(move |tx| {
            let application = application::find(tx, workspace, &name)?
                .ok_or_else(|| Error::NotFound("the application".into()))?;
            let rid = resource::rid_of(tx, workspace, kind, &object)?;
            Ok((application.key, rid))
        })
        .await?;
    match app.engine.why(workspace, key, rid).await {
        Ok(why) => Ok(Json(why)),
        Err(EngineError::Store(error)) => Err(error.into()),
        Err(other) => Err(Problem::invalid(other.to_string())),
    }
}
