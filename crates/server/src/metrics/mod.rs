//! What `/metrics` shows, in the text format of Prometheus.
//!
//! Most numbers are counted where things happen; each crate has its own and registers them here. How the database is
//! doing is read when somebody asks. No label has more values than the program has names for: no workspace,
//! application, person, address or text of a client is ever one.

mod database;
mod process;
mod requests;

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse as _, Response},
};
use prometheus_client::{
    encoding::prometheus_text,
    metrics::{counter::Counter, gauge::ConstGauge, info::Info},
    registry::Registry,
};

pub(crate) use requests::{Requests, Route, known_method, note_matched};

use crate::App;

/// Version 0.0.4 of the format, which everything that scrapes understands.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What this crate counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics {
    pub(crate) requests: Requests,
    /// Requests that did not get into the request log.
    pub(crate) unlogged: Counter,
}

/// Everything there is to show.
#[derive(Debug)]
pub(crate) struct Exposition {
    app: App,
    registry: Registry,
    database: database::Reader,
    started: process::Started,
}

impl Exposition {
    pub(crate) fn new(app: App, metrics: &Metrics) -> Self {
        let mut registry = Registry::default();
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        registry.register("tenure_build", "The running program", Info::new(version));
        metrics.requests.register(&mut registry);
        registry.register(
            "tenure_request_log_dropped",
            "Requests that are missing in the request log, because too many came at once or it could not be written",
            metrics.unlogged.clone(),
        );
        app.store.register(&mut registry);
        app.engine.register(&mut registry);
        if let Some(mailer) = &app.config.mailer {
            mailer.register(&mut registry);
        }
        Self {
            database: database::Reader::new(app.store.clone()),
            app,
            registry,
            started: process::Started::now(),
        }
    }

    async fn text(&self) -> Result<String, std::fmt::Error> {
        let mut moment = Registry::default();
        let ready = i64::from(!self.app.config.draining.is_begun());
        moment.register(
            "tenure_accepting",
            "1, or 0 while the program is about to end",
            ConstGauge::new(ready),
        );
        self.database.register(&mut moment).await;
        self.started.register(&mut moment);
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry)?;
        prometheus_text::encode(&mut text, &moment)?;
        Ok(text)
    }
}

/// `GET /metrics`.
pub(crate) async fn show(State(exposition): State<Arc<Exposition>>) -> Response {
    match exposition.text().await {
        Ok(text) => ([(CONTENT_TYPE, HeaderValue::from_static(TEXT))], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
