//! One session per process, kept open: it holds the lock that says "this node lives", and hears and tells of changes.

use super::Server;
use crate::{Error, store::Context};
use postgres::{Client, fallible_iterator::FallibleIterator as _};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

/// How long the session listens before it looks whether there is something to tell. Telling here, and not in the
/// transactions, gathers many changes into one message; a notifying commit would wait for all others of the cluster.
const LISTEN: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What writers and the session have in common.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    changed: AtomicBool,
    closing: AtomicBool,
}

impl Presence {
    /// A write of this process reached the change feed.
    pub(crate) fn tell(&self) {
        self.changed.store(true, Ordering::Release);
    }

    /// Ends the session.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }
}

/// Takes the node's lock and listens.
fn begin(server: &Server, node: &str) -> Result<Client, Error> {
    let mut client = server.connect()?;
    let refused = |error: postgres::Error| Error::Database(error.to_string());
    let key = server.lock_key(&format!("node/{node}"));
    // A server that has not noticed yet that the session before is gone makes this wait, at most as long as any lock.
    client
        .execute("SELECT pg_advisory_lock($1)", &[&key])
        .map_err(refused)?;
    client
        .batch_execute(&format!("LISTEN {}", server.channel()))
        .map_err(refused)?;
    Ok(client)
}

/// Listens and tells until the session breaks or the store closes.
fn follow(
    client: &mut Client,
    server: &Server,
    context: &Context,
    presence: &Presence,
) -> Result<(), postgres::Error> {
    let node = context.node.id();
    while !presence.is_closing() {
        // One message is enough to look; others are read in the next rounds.
        let heard = client.notifications().timeout_iter(LISTEN).next()?;
        if heard.is_some_and(|message| message.payload() != node) {
            context.wake();
        }
        if presence.changed.swap(false, Ordering::AcqRel) {
            client.batch_execute(&format!("NOTIFY {}, '{node}'", server.channel()))?;
        }
        if client.is_closed() {
            break;
        }
    }
    Ok(())
}

/// Starts the thread; returns when the node's lock is held.
pub(crate) fn start(
    server: Server,
    context: Arc<Context>,
    presence: Arc<Presence>,
) -> Result<JoinHandle<()>, Error> {
    let mut client = Some(begin(&server, context.node.id())?);
    std::thread::Builder::new()
        .name("store-presence".to_owned())
        .spawn(move || {
            let mut pause = LISTEN;
            while !presence.is_closing() {
                if let Some(mut session) = client.take() {
                    pause = LISTEN;
                    if let Err(error) = follow(&mut session, &server, &context, &presence) {
                        tracing::warn!(%error, "the session that shows that this node lives broke");
                    }
                }
                if presence.is_closing() {
                    return;
                }
                match begin(&server, context.node.id()) {
                    Ok(session) => {
                        client = Some(session);
                        // Messages may have been missed.
                        context.wake();
                    }
                    Err(error) => {
                        tracing::error!(%error, "other nodes cannot see that this one lives");
                        std::thread::sleep(pause);
                        pause = (pause * 2).min(LONGEST_PAUSE);
                    }
                }
            }
        })
        .map_err(|error| Error::Database(format!("cannot start a thread: {error}")))
}
