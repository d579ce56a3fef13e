//! Health and readiness for load balancers and supervisors.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};

use crate::{App, limits};

/// The process answers.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// The database answers soon, too, and the program is not about to end.
pub(crate) async fn readyz(State(app): State<App>) -> Response {
    if app.config.draining.is_begun() {
        return unready("the server is about to end\n");
    }
    let reading = app.store.read(tenure_store::account::count);
    match tokio::time::timeout(limits::READINESS, reading).await {
        Ok(Ok(_)) => "ready\n".into_response(),
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready");
            unready("the database does not answer\n")
        }
        Err(_) => {
            tracing::warn!("not ready: the database takes too long");
            unready("the database does not answer\n")
        }
    }
}

fn unready(why: &'static str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
}
