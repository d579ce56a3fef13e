//! `tenure demo`: a server with two workspaces, one of which provisions into the other.

mod place;
mod story;
mod world;

use super::serve::{Running, Settings, Signals, resolve};
use crate::cli::Demo;
use crate::error::{Exit, Failure};
use crate::output;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tenure_egress::Policy;
use tenure_store::{Store, workspace};
use tokio::net::TcpListener;
use world::World;

/// Where the demo's data is when nobody says.
pub(super) const DEFAULT_DATA: &str = "./demo-data";
/// Who signs in.
const EMAIL: &str = "demo@northwind.example";

pub(crate) async fn run(
    data: &Path,
    database: Option<&str>,
    arguments: &Demo,
) -> Result<Exit, Failure> {
    let address = resolve(&arguments.listen).await?;
    if !address.ip().is_loopback() {
        return Err(Failure::usage(format!(
            "{address} can be reached from other machines, and a demo is for this one"
        ))
        .hint("give a loopback address such as 127.0.0.1:8080"));
    }
    let _place = place::prepare(data)?;
    let listener = bind(address).await?;
    let store = super::open(data, database)?;
    if !store.read(workspace::list).await?.is_empty() {
        // A data directory was made anew by now, but nobody's server is emptied.
        return Err(Failure::usage("the demo needs an empty database")
            .hint("give another --database, or none for a file in the data directory"));
    }
    let result = demonstrate(&store, listener, data, arguments).await;
    store.close();
    result
}

/// The address, or a free port when it is taken: a demo should start whatever else runs.
async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    match TcpListener::bind(address).await {
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            output::note(&format!("{address} is taken; picking a free port"));
            Ok(TcpListener::bind((address.ip(), 0)).await?)
        }
        bound => Ok(bound?),
    }
}

async fn demonstrate(
    store: &Store,
    listener: TcpListener,
    data: &Path,
    arguments: &Demo,
) -> Result<Exit, Failure> {
    let url = format!("http://{}", listener.local_addr()?);
    let mut signals = Signals::new()?;
    let password = super::admin::password()?;
    let world = world::found(store, &url, &password).await?;
    let settings = Settings {
        public_url: url.clone(),
        open_sign_up: true,
        demo: true,
        mailer: None,
        metrics: None,
        shutdown_delay: Duration::ZERO,
        policy: Policy::AllowPrivate,
    };
    let mut running = Running::start(store.clone(), listener, settings);
    output::line(&format!("listening on {url}"))?;
    banner(data, &url, &password)?;
    let outcome = tokio::select! {
        told = tell(store, &world, arguments) => match told {
            Ok(()) if arguments.exit_when_done => Ok(Exit::Done),
            Err(failure) if arguments.exit_when_done => Err(failure),
            told => {
                if let Err(failure) = told {
                    output::failure(&failure);
                }
                tokio::select! {
                    () = signals.received() => Ok(Exit::Done),
                    failure = running.ended() => return Err(failure),
                }
            }
        },
        () = signals.received() => Ok(Exit::Done),
        failure = running.ended() => return Err(failure),
    };
    tokio::select! {
        stopped = running.stop() => stopped.and(outcome),
        () = signals.received() => Ok(Exit::Interrupted),
    }
}

/// Fills the world, switches provisioning on and lets people come and go.
async fn tell(store: &Store, world: &World, arguments: &Demo) -> Result<(), Failure> {
    let people = tenure_playground::people(world::PEOPLE + 1, arguments.seed);
    let ids = world::populate(store, world, &people).await?;
    if arguments.no_story {
        return Ok(());
    }
    story::tell(store, world, &people, &ids).await
}

fn banner(data: &Path, url: &str, password: &str) -> Result<(), Failure> {
    let data = data.display();
    output::line(&format!(
        "
  Tenure {version}, demo (data in {data}, made anew at every start)

  Console     {url}
  Sign in     {EMAIL}  {password}
  Tenant URL  {url}/scim
  Workspaces  {source} provisions its people into {target}
  Try         tenure --data {data} application status {application} --workspace \"{source}\"
  Stop        Ctrl-C
",
        version = env!("CARGO_PKG_VERSION"),
        source = world::SOURCE,
        target = world::TARGET,
        application = world::APPLICATION,
    ))
}
