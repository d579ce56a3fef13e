//! One module per noun; what commands share is here.

mod admin;
mod application;
mod audit;
mod backup;
mod demo;
mod directory;
mod doctor;
mod export;
mod expression;
mod import;
mod log;
mod mail;
mod progress;
mod schema;
mod scope;
mod serve;
mod token;
mod workspace;

use crate::cli::{Cli, Command, Role, Workspace as Workspaces};
use crate::error::{Exit, Failure};
use crate::output::Output;
use std::path::{Path, PathBuf};
use tenure_store::{Actor, Options, Store, workspace::Workspace};

/// A user by userName or id, a group by displayName or id.
pub(crate) use tenure_store::resource::{by_name, named as find};

/// Where the data is when nobody says.
const DEFAULT_DATA: &str = "./tenure-data";

/// What a command works with.
pub(crate) struct Session {
    pub(crate) store: Store,
    pub(crate) actor: Actor,
    pub(crate) out: Output,
}

impl Session {
    /// The workspace of a name or slug.
    async fn workspace(&self, name: &str) -> Result<Workspace, Failure> {
        let wanted = name.to_owned();
        let found = self
            .store
            .read(move |tx| tenure_store::workspace::find(tx, &wanted))
            .await?;
        found.ok_or_else(|| {
            Failure::not_found(format!("workspace \"{name}\" does not exist"))
                .hint("`tenure workspace list` shows those in this data directory")
        })
    }
}

/// Runs one command.
pub(crate) async fn run(cli: Cli) -> Result<Exit, Failure> {
    let out = Output {
        json: cli.global.json,
    };
    let data = |fallback: &str| {
        cli.global
            .data
            .clone()
            .unwrap_or_else(|| PathBuf::from(fallback))
    };
    let database = cli.global.database.as_deref();
    install_crypto()?;
    match cli.command {
        Command::Serve(arguments) => serve::run(&data(DEFAULT_DATA), database, &arguments).await,
        Command::Demo(arguments) => {
            demo::run(&data(demo::DEFAULT_DATA), database, &arguments).await
        }
        Command::Expression(command) => expression::run(out, command),
        Command::Scope(command) => scope::run(out, command),
        Command::Mail(command) => mail::run(out, command).await,
        // These look at a database as it is, and must neither make one nor bring it up to date.
        Command::Backup(arguments) => {
            backup::create(out, place(&data(DEFAULT_DATA), database), &arguments)
        }
        Command::Restore(arguments) => {
            backup::restore(out, place(&data(DEFAULT_DATA), database), &arguments)
        }
        Command::Doctor(arguments) => {
            doctor::run(out, place(&data(DEFAULT_DATA), database), &arguments).await
        }
        command => {
            let data = data(DEFAULT_DATA);
            if !data.exists() && !matches!(command, Command::Workspace(Workspaces::Create { .. })) {
                return Err(Failure::not_found(format!("{} does not exist", data.display()))
                    .hint("give --data DIR, or make a first workspace: `tenure workspace create NAME`"));
            }
            let store = open(&data, database)?;
            let session = Session {
                store,
                actor: actor(),
                out,
            };
            let result = dispatch(&session, command).await;
            session.store.close();
            result
        }
    }
}

async fn dispatch(session: &Session, command: Command) -> Result<Exit, Failure> {
    match command {
        // These hold the store themselves or need none, and never get here.
        Command::Serve(_)
        | Command::Demo(_)
        | Command::Expression(_)
        | Command::Scope(_)
        | Command::Mail(_)
        | Command::Backup(_)
        | Command::Restore(_)
        | Command::Doctor(_) => Err(Failure::usage("not a command on a store")),
        Command::Workspace(command) => workspace::run(session, command).await,
        Command::Admin(command) => admin::run(session, command).await,
        Command::Token(command) => token::run(session, command).await,
        Command::Import(arguments) => import::run(session, arguments).await,
        Command::Application(command) => application::run(session, command).await,
        Command::Log(command) => log::run(session, command).await,
        Command::Audit(command) => audit::run(session, command).await,
        Command::User(command) => directory::users(session, command).await,
        Command::Group(command) => directory::groups(session, command).await,
        Command::Schema(command) => schema::run(session, command).await,
        Command::Export(arguments) => export::run(session, arguments).await,
    }
}

fn place<'a>(data: &'a Path, database: Option<&'a str>) -> backup::Place<'a> {
    backup::Place { data, database }
}

/// The present time in microseconds since 1970.
fn now_us() -> tenure_store::TimeUs {
    jiff::Timestamp::now().as_microsecond()
}

/// The text of a file, or of stdin for `-`, of at most `limit` bytes.
fn read_file(from: &str, limit: usize) -> Result<String, Failure> {
    if from == "-" {
        return read_stdin(limit);
    }
    let cannot = |error: std::io::Error| Failure::usage(format!("cannot read {from}: {error}"));
    if std::fs::metadata(from).map_err(cannot)?.len() > limit as u64 {
        return Err(Failure::usage(format!(
            "{from} has more than {limit} bytes"
        )));
    }
    std::fs::read_to_string(from).map_err(cannot)
}

/// Opens the store of a data directory, or of a database server with the key in the data directory.
fn open(data: &Path, database: Option<&str>) -> Result<Store, Failure> {
    let options = Options {
        database: database.map(str::to_owned),
        ..Options::default()
    };
    Store::open(data, &options).map_err(|error| {
        // The URL may hold a password.
        let place = match database {
            Some(_) => "the database".to_owned(),
            None => data.display().to_string(),
        };
        let mut failure = Failure::from(error);
        failure.message = format!("cannot open {place}: {}", failure.message);
        failure
    })
}

/// The person at the command line, for the audit log.
fn actor() -> Actor {
    let name = std::env::var("USER").unwrap_or_default();
    Actor {
        kind: "cli".to_owned(),
        id: name.clone(),
        name,
    }
}

fn install_crypto() -> Result<(), Failure> {
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| Failure::failed("another TLS library is installed already"))
}

/// The store's word for a role.
fn role(role: Role) -> tenure_store::account::Role {
    use tenure_store::account::Role as Stored;
    match role {
        Role::Owner => Stored::Owner,
        Role::Admin => Stored::Admin,
        Role::Auditor => Stored::Auditor,
    }
}

/// Reads a secret or a small file from stdin, without the line end.
fn read_stdin(limit: usize) -> Result<String, Failure> {
    use std::io::Read;
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .take(limit as u64 + 1)
        .read_to_string(&mut text)
        .map_err(|error| Failure::failed(format!("cannot read stdin: {error}")))?;
    if text.len() > limit {
        return Err(Failure::usage(format!("stdin has more than {limit} bytes")));
    }
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
