//! The application: what every handler can reach, and the server's parts.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{Router, routing::get};
use prometheus_client::metrics::gauge::Gauge;
use tenure_engine::Engine;
use tenure_mail::Mailer;
use tenure_store::Store;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::{
    housekeeping, limits, listener,
    metrics::{self, Exposition},
};

/// Whether the program is about to end: requests are still answered, but `/readyz` sends load balancers elsewhere, and
/// each answer closes its connection. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Draining(Arc<AtomicBool>);

impl Draining {
    /// From now on.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it has begun.
    #[must_use]
    pub fn is_begun(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Where a server answers.
#[derive(Debug)]
pub struct Listeners {
    /// For clients and people.
    pub public: TcpListener,
    /// For whoever watches the server: `/metrics`, and nothing else. It asks for no token.
    pub metrics: Option<TcpListener>,
}

impl From<TcpListener> for Listeners {
    fn from(public: TcpListener) -> Self {
        Self {
            public,
            metrics: None,
        }
    }
}

/// Settings of a server.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Base URL without trailing slash that people and clients see; absolute URLs are made from it, never from a Host header.
    pub public_url: String,
    /// Whether anybody may sign up for a workspace.
    pub open_sign_up: bool,
    /// Shows the demo strip.
    pub demo: bool,
    /// What sends mail; `None`: nothing is sent.
    pub mailer: Option<Mailer>,
    /// Whether the program is about to end.
    pub draining: Draining,
}

/// State shared by all handlers; cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    /// Everything that is kept.
    pub store: Store,
    /// What changes targets.
    pub engine: Engine,
    /// Settings.
    pub config: Arc<Config>,
}

/// All routes with their layers, for [`serve`] and for callers that bring a listener of their own.
pub fn router(app: App) -> Router {
    crate::routes::build(app).router
}

/// Answers requests on a listener until `stop` becomes true (or its sender is gone), then drains: no new connections,
/// requests in flight are answered, and what is left after 25 s is cut.
///
/// # Errors
/// None at present: an accept error is logged and the loop goes on.
pub async fn serve(
    app: App,
    listeners: impl Into<Listeners>,
    stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let Listeners { public, metrics } = listeners.into();
    let housekeeping = tokio::spawn(housekeeping::run(app.store.clone(), stop.clone()));
    let mail = deliver(&app, &stop);
    let draining = app.config.draining.clone();
    let built = crate::routes::build(app.clone());
    let (watched, unwatched) = watch::channel(false);
    let watching = metrics.map(|listener| {
        let exposition = Exposition::new(app, &built.metrics);
        tokio::spawn(expose(listener, exposition, unwatched))
    });
    let open = built.metrics.requests.connections.clone();
    listener::answer(public, built.router, limits::CONNECTIONS, open, stop).await;
    draining.begin();
    built.log.flush().await;
    // A step that has begun is finished by the store.
    housekeeping.abort();
    if let Some(mut mail) = mail
        && tokio::time::timeout(limits::MAIL_DRAIN, &mut mail)
            .await
            .is_err()
    {
        // It is sent again by whoever takes over: rather twice than not at all.
        mail.abort();
    }
    watched.send_replace(true);
    if let Some(watching) = watching {
        watching.abort();
    }
    Ok(())
}

/// Shows numbers on a listener of their own.
async fn expose(listener: TcpListener, exposition: Exposition, stop: watch::Receiver<bool>) {
    let router = Router::new()
        .route("/metrics", get(metrics::show))
        .with_state(Arc::new(exposition));
    listener::answer(
        listener,
        router,
        limits::METRICS_CONNECTIONS,
        Gauge::default(),
        stop,
    )
    .await;
}

/// Sends notifications in the background, if there is a mail server.
fn deliver(app: &App, stop: &watch::Receiver<bool>) -> Option<JoinHandle<()>> {
    let mailer = app.config.mailer.clone()?;
    let (store, public_url) = (app.store.clone(), app.config.public_url.clone());
    Some(tokio::spawn(tenure_mail::deliver(
        store,
        mailer,
        public_url,
        stop.clone(),
    )))
}
