//! The loop that takes connections and answers their requests, and its graceful end.

use std::{future::poll_fn, sync::Arc, task::Poll, time::Duration};

use axum::Router;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{rt::TokioIo, server::graceful::GracefulShutdown};
use prometheus_client::metrics::gauge::Gauge;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
};
use tower::ServiceExt as _;

use crate::{
    connection::{Clock, Timed},
    limits,
};

/// A connection's place among all, and in the number that is shown.
struct Place {
    _permit: OwnedSemaphorePermit,
    open: Gauge,
}

impl Place {
    fn new(permit: OwnedSemaphorePermit, open: &Gauge) -> Self {
        open.inc();
        Self {
            _permit: permit,
            open: open.clone(),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.dec();
    }
}

/// Connections of one listener.
struct Connections {
    service: Router,
    open: Gauge,
    graceful: GracefulShutdown,
    running: JoinSet<()>,
}

/// Answers with a service on a listener, on at most so many connections at a time, until `stop` becomes true (or its
/// sender is gone). Then requests in flight are answered, and what is left after [`limits::DRAIN`] is cut.
pub(crate) async fn answer(
    listener: TcpListener,
    service: Router,
    most: usize,
    open: Gauge,
    mut stop: watch::Receiver<bool>,
) {
    let permits = Arc::new(Semaphore::new(most));
    let mut connections = Connections {
        service,
        open,
        graceful: GracefulShutdown::new(),
        running: JoinSet::new(),
    };
    loop {
        // Room first, then accept: when the server is full, further connections wait in the listener's queue.
        let accepted = tokio::select! {
            accepted = accept(&listener, &permits) => accepted,
            () = stopped(&mut stop) => break,
        };
        while connections.running.try_join_next().is_some() {}
        if let Some((stream, permit)) = accepted {
            connections.begin(stream, permit);
        }
    }
    // Who is connected already, as far as the other side knows, is not turned away.
    while let Ok(permit) = Arc::clone(&permits).try_acquire_owned()
        && let Some(stream) = waiting(&listener).await
    {
        connections.begin(stream, permit);
    }
    drop(listener);
    connections.drain().await;
}

impl Connections {
    fn begin(&mut self, stream: TcpStream, permit: OwnedSemaphorePermit) {
        let place = Place::new(permit, &self.open);
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "could not switch off Nagle's algorithm");
        }
        let clock = Clock::new();
        let timed = Timed::new(stream, clock.clone());
        let router = self.service.clone();
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
        let watched = self.graceful.watch(connection);
        self.running.spawn(async move {
            if let Err(error) = watched.await {
                tracing::debug!(%error, "connection ended");
            }
            drop(place);
        });
    }

    async fn drain(mut self) {
        if tokio::time::timeout(limits::DRAIN, self.graceful.shutdown())
            .await
            .is_err()
        {
            tracing::warn!(
                connections = self.running.len(),
                "cutting connections that did not finish in time"
            );
        }
        self.running.shutdown().await;
    }
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
        Ok((stream, _)) => Some((stream, permit)),
        Err(error) => {
            // Out of file descriptors, most likely: pausing lets others finish instead of spinning.
            tracing::warn!(%error, "could not accept a connection");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

/// A connection that waits in the listener's queue, if there is one.
async fn waiting(listener: &TcpListener) -> Option<TcpStream> {
    poll_fn(|context| match listener.poll_accept(context) {
        Poll::Ready(Ok((stream, _))) => Poll::Ready(Some(stream)),
        Poll::Ready(Err(_)) | Poll::Pending => Poll::Ready(None),
    })
    .await
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that nobody can stop us any more, which is a reason to stop.
    if stop.wait_for(|stop| *stop).await.is_err() {
        tracing::debug!("the stop signal's sender is gone");
    }
}
