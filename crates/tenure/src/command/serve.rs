//! `tenure serve`, and the running server that `demo` shares.

use crate::cli::Serve;
use crate::error::{Exit, Failure};
use crate::output;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tenure_egress::{Egress, Policy};
use tenure_engine::Engine;
use tenure_mail::Mailer;
use tenure_server::{App, Config, Draining, Listeners};
use tenure_store::{Actor, Store, account, session};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Validity of the one-time set-up link.
const SETUP_US: i64 = 3_600_000_000;
/// How long the pages of running cycles may take to their end. What is cut then is found out and continued after the
/// next start, as after a crash.
const STOP_CYCLES: Duration = Duration::from_secs(20);
/// Longest end of everything else: requests are given 25 seconds, the mail three.
const STOP_SERVER: Duration = Duration::from_secs(35);
/// How long a proxy may take to notice that this server is about to end, unless the command line says.
const NOTICE: Duration = Duration::from_secs(5);

pub(crate) async fn run(
    data: &Path,
    database: Option<&str>,
    arguments: &Serve,
) -> Result<Exit, Failure> {
    let address = resolve(&arguments.listen).await?;
    if !address.ip().is_loopback() && !arguments.behind_proxy {
        return Err(Failure::usage(format!(
            "{address} can be reached from other machines, and plain http would show them passwords and tokens"
        ))
        .hint("listen on 127.0.0.1, or put a TLS proxy in front and give --behind-proxy --public-url https://…"));
    }
    let mailer = super::mail::mailer(&arguments.smtp)?;
    let listener = bind(address, "--listen").await?;
    let metrics = match &arguments.operation.metrics_listen {
        Some(listen) => Some(bind(resolve(listen).await?, "--metrics-listen").await?),
        None => None,
    };
    let shutdown_delay = match arguments.operation.shutdown_delay {
        Some(seconds) => Duration::from_secs(seconds.into()),
        None if arguments.behind_proxy => NOTICE,
        None => Duration::ZERO,
    };
    let bound = listener.local_addr()?;
    let public_url = match &arguments.public_url {
        Some(url) => base_url(url)?,
        None => format!("http://{bound}"),
    };
    let local = only_this_machine(bound.ip(), arguments.public_url.as_deref());
    let settings = Settings {
        public_url,
        open_sign_up: arguments.open_sign_up.unwrap_or(local),
        demo: false,
        mailer,
        metrics,
        shutdown_delay,
        policy: if local || arguments.allow_private_targets {
            Policy::AllowPrivate
        } else {
            Policy::PublicOnly
        },
    };
    let store = super::open(data, database)?;
    let result = serve(store.clone(), listener, settings).await;
    store.close();
    result
}

async fn serve(store: Store, listener: TcpListener, settings: Settings) -> Result<Exit, Failure> {
    let bound = listener.local_addr()?;
    set_up_link(&store, &settings.public_url).await?;
    match &settings.mailer {
        Some(mailer) => tracing::info!(server = mailer.server(), "notifications are sent by mail"),
        None => tracing::info!("no mail server is named: notifications are not sent"),
    }
    let metrics = settings.metrics.as_ref().map(TcpListener::local_addr);
    let mut signals = Signals::new()?;
    let mut running = Running::start(store, listener, settings);
    if let Some(metrics) = metrics {
        let metrics = metrics?;
        if !metrics.ip().is_loopback() {
            tracing::warn!(address = %metrics, "whoever reaches this address may read the metrics");
        }
        output::line(&format!("metrics on http://{metrics}/metrics"))?;
    }
    output::line(&format!("listening on http://{bound}"))?;
    tokio::select! {
        () = signals.received() => {}
        failure = running.ended() => return Err(failure),
    }
    tracing::info!("stopping");
    tokio::select! {
        stopped = running.stop() => stopped.map(|()| Exit::Done),
        () = signals.received() => Ok(Exit::Interrupted),
    }
}

/// What a running server needs to know.
pub(super) struct Settings {
    pub(super) public_url: String,
    pub(super) open_sign_up: bool,
    pub(super) demo: bool,
    pub(super) mailer: Option<Mailer>,
    pub(super) policy: Policy,
    /// Where `/metrics` answers, if it shall.
    pub(super) metrics: Option<TcpListener>,
    /// Between not being ready any more and not taking connections any more.
    pub(super) shutdown_delay: Duration,
}

/// A server and its scheduler.
pub(super) struct Running {
    stop_server: watch::Sender<bool>,
    stop_scheduler: watch::Sender<bool>,
    server: JoinHandle<std::io::Result<()>>,
    scheduler: JoinHandle<()>,
    draining: Draining,
    shutdown_delay: Duration,
}

impl Running {
    /// Answers on the listener and runs due jobs.
    pub(super) fn start(store: Store, listener: TcpListener, settings: Settings) -> Self {
        let (stop_server, server_stopped) = watch::channel(false);
        let (stop_scheduler, scheduler_stopped) = watch::channel(false);
        let draining = Draining::default();
        let engine = Engine::new(store.clone(), Egress::new(settings.policy));
        let app = App {
            store,
            engine: engine.clone(),
            config: Arc::new(Config {
                public_url: settings.public_url,
                open_sign_up: settings.open_sign_up,
                demo: settings.demo,
                mailer: settings.mailer,
                draining: draining.clone(),
            }),
        };
        let listeners = Listeners {
            public: listener,
            metrics: settings.metrics,
        };
        Self {
            stop_server,
            stop_scheduler,
            server: tokio::spawn(tenure_server::serve(app, listeners, server_stopped)),
            scheduler: tokio::spawn(async move { engine.schedule(scheduler_stopped).await }),
            draining,
            shutdown_delay: settings.shutdown_delay,
        }
    }

    /// Waits until a part ends although nobody told it to.
    pub(super) async fn ended(&mut self) -> Failure {
        tokio::select! {
            result = &mut self.server => Failure::failed(match result {
                Ok(Ok(())) => "the server ended".to_owned(),
                Ok(Err(error)) => format!("the server ended: {error}"),
                Err(error) => format!("the server ended: {error}"),
            }),
            result = &mut self.scheduler => Failure::failed(match result {
                Ok(()) => "the scheduler ended".to_owned(),
                Err(error) => format!("the scheduler ended: {error}"),
            }),
        }
    }

    /// Says that it is not ready any more, lets the page of a running cycle finish, then requests: an application may be a
    /// workspace of this very server, and a page could not finish against a server that has stopped listening.
    pub(super) async fn stop(mut self) -> Result<(), Failure> {
        self.draining.begin();
        self.stop_scheduler.send_replace(true);
        let (cycles, ()) = tokio::join!(
            tokio::time::timeout(STOP_CYCLES, &mut self.scheduler),
            tokio::time::sleep(self.shutdown_delay),
        );
        match cycles {
            Ok(ended) => {
                ended.map_err(|error| Failure::failed(format!("the scheduler ended: {error}")))?;
            }
            Err(_) => {
                tracing::warn!("cutting cycles that did not come to the end of their page");
                self.scheduler.abort();
            }
        }
        self.stop_server.send_replace(true);
        match tokio::time::timeout(STOP_SERVER, self.server).await {
            Ok(ended) => ended
                .map_err(|error| Failure::failed(format!("the server ended: {error}")))?
                .map_err(Failure::from),
            Err(_) => Err(Failure::failed(format!(
                "not everything ended within {} s",
                STOP_SERVER.as_secs()
            ))),
        }
    }
}

/// The two signals that end the program.
pub(super) struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    pub(super) fn new() -> Result<Self, Failure> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for one of them.
    pub(super) async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// The socket address of `HOST:PORT`.
pub(super) async fn resolve(listen: &str) -> Result<SocketAddr, Failure> {
    let found = tokio::net::lookup_host(listen).await;
    found.ok().and_then(|mut all| all.next()).ok_or_else(|| {
        Failure::usage(format!("\"{listen}\" is not an address to listen on"))
            .hint("for example 127.0.0.1:8080, or 127.0.0.1:0 for any free port")
    })
}

async fn bind(address: SocketAddr, flag: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::failed(format!("cannot listen on {address}: {error}"))
            .hint(format!("give another {flag}; port 0 picks a free one"))
    })
}

/// A base URL without its trailing slash.
fn base_url(url: &str) -> Result<String, Failure> {
    let trimmed = url.trim_end_matches('/');
    let host = trimmed
        .strip_prefix("https://")
        .or_else(|| trimmed.strip_prefix("http://"))
        .unwrap_or("");
    if host.is_empty() || host.contains(['?', '#', '@', ' ']) {
        return Err(
            Failure::usage(format!("--public-url \"{url}\" is not a base URL"))
                .hint("for example https://tenure.example.com"),
        );
    }
    Ok(trimmed.to_owned())
}

/// Whether nobody beyond this machine uses the server: a public URL elsewhere means that a proxy leads others here.
fn only_this_machine(listen: IpAddr, public_url: Option<&str>) -> bool {
    let host = public_url.map(|url| {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let authority = rest.split('/').next().unwrap_or("");
        let host = authority.strip_suffix(']').unwrap_or_else(|| {
            authority
                .rsplit_once(':')
                .map_or(authority, |(host, _)| host)
        });
        host.trim_matches(['[', ']']).to_owned()
    });
    listen.is_loopback()
        && host.is_none_or(|host| {
            host == "localhost"
                || host
                    .parse::<IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        })
}

/// Prints a new one-time link while nobody can sign in.
async fn set_up_link(store: &Store, public_url: &str) -> Result<(), Failure> {
    if store.read(account::count).await? > 0 {
        return Ok(());
    }
    let token = store
        .write(Actor::system(), |tx| session::create_setup(tx, SETUP_US))
        .await?;
    output::note(&format!(
        "Nobody can sign in yet. Set this server up within an hour:\n  {public_url}/setup?token={token}"
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_means_nobody_else() {
        let check = |listen: &str, url: Option<&str>, local: bool| {
            assert_eq!(
                only_this_machine(listen.parse().unwrap(), url),
                local,
                "{listen} {url:?}"
            );
        };
        check("127.0.0.1", None, true);
        check("::1", None, true);
        check("127.0.0.1", Some("http://localhost:8080"), true);
        check("127.0.0.1", Some("http://[::1]:8080/"), true);
        check("127.0.0.1", Some("http://[::1]"), true);
        check("127.0.0.1", Some("https://tenure.example.com"), false);
        check("127.0.0.1", Some("https://localhost.example.com"), false);
        check("192.0.2.1", None, false);
        check("0.0.0.0", Some("http://localhost"), false);
    }

    #[test]
    fn public_url_is_a_base() {
        assert_eq!(base_url("https://t.example/").unwrap(), "https://t.example");
        assert_eq!(
            base_url("http://t.example:81/base").unwrap(),
            "http://t.example:81/base"
        );
        for wrong in [
            "t.example",
            "https://",
            "ftp://t.example",
            "https://u@t.example",
            "https://t.example/?a",
        ] {
            assert_eq!(base_url(wrong).unwrap_err().exit, Exit::Usage, "{wrong}");
        }
    }
}
