//! The console: server-rendered pages that work without JavaScript.
use crate::App;

/// Routes of the console, without prefix: `/`, `/setup`, `/sign-up`, `/sign-in`, `/w/{workspace}/…`, `/assets/…`.
pub(crate) fn router() -> axum::Router<App> { axum::Router::new() }
