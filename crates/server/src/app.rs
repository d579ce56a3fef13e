//! The application: what every handler can reach, and the server loop.

use std::{sync::Arc, time::Duration};

use axum::Router;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{rt::TokioIo, server::graceful::GracefulShutdown};
use tenure_engine::Engine;
use tenure_mail::Mailer;
use tenure_store::Store;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::{JoinHandle, JoinSet},
};

use tower::ServiceExt as _;

use crate::{
    connection::{Clock, Timed},
    housekeeping, limits,
};

/// Settings of a server.
#[derive(Debug, Clone)]
pub struct Config {
    /// Base URL without trailing slash that people and clients see; absolute URLs are made from it, never from a Host header.
    pub public_url: String,
    /// Whether anybody may sign up for a workspace.
    pub open_sign_up: bool,
    /// Shows the demo strip.
    pub demo: bool,
    /// What sends mail; `None`: nothing is sent.
    pub mailer: Option<Mailer>,
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
    crate::routes::build(app).0
}

/// Answers requests on a listener until `stop` becomes true (or its sender is gone), then drains: no new connections,
/// requests in flight are answered, and what is left after 25 s is cut.
///
/// # Errors
/// None at present: an accept error is logged and the loop goes on.
pub async fn serve(
    app: App,
    listener: TcpListener,
    mut stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let housekeeping = tokio::spawn(housekeeping::run(app.store.clone(), stop.clone()));
    let mail = deliver(&app, &stop);
    let (service, log) = crate::routes::build(app);
    let permits = Arc::new(Semaphore::new(limits::CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        // Room first, then accept: when the server is full, further connections wait in the listener's queue.
        let accepted = tokio::select! {
            accepted = accept(&listener, &permits) => accepted,
            () = stopped(&mut stop) => break,
        };
        while connections.try_join_next().is_some() {}
        let Some((stream, permit)) = accepted else {
            continue;
        };
        let clock = Clock::new();
        let timed = Timed::new(stream, clock.clone());
        let router = service.clone();
        let answer = service_fn(move |request: Request<Incoming>| {
            clock.busy();
            let (clock, answer) = (clock.clone(), router.clone().oneshot(request));
            async move {
                let answer = answer.await;
                clock.idle();
                answer
            }
        });
        let connection = http1_builder().serve_connection(TokioIo::new(timed), answer);
        let watched = graceful.watch(connection);
        connections.spawn(async move {
            if let Err(error) = watched.await {
                tracing::debug!(%error, "connection ended");
            }
            drop(permit);
        });
    }
    drop(listener);
    if tokio::time::timeout(limits::DRAIN, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!(
            connections = connections.len(),
            "cutting connections that did not finish in time"
        );
    }
    connections.shutdown().await;
    log.flush().await;
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
    Ok(())
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

fn http1_builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        // Silence is judged by the stream, which tells a slow head from a rest between requests.
        .header_read_timeout(None)
        .max_headers(limits::HEADERS)
        .max_buf_size(limits::HEADER_BYTES);
    builder
}

/// The next connection with its place; `None` when there was an error that does not concern the listener as such.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "could not switch off Nagle's algorithm");
            }
            Some((stream, permit))
        }
        Err(error) => {
            // Out of file descriptors, most likely: pausing lets others finish instead of spinning.
            tracing::warn!(%error, "could not accept a connection");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that nobody can stop us any more, which is a reason to stop.
    if stop.wait_for(|stop| *stop).await.is_err() {
        tracing::debug!("the stop signal's sender is gone");
    }
}
