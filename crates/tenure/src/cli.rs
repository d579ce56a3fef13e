//! The arguments. What scripts rely on: names here are a contract.

mod application;
mod authentication;
mod directory;
mod entra;
mod expression;
mod log;
mod mail;
mod operation;
mod upkeep;

pub(crate) use application::{Application, ApplicationCreate, Objects, OfApplication, Scope};
pub(crate) use authentication::{
    Authentication as AuthenticationFlags, ClientAuth, Method, Secret,
};
pub(crate) use directory::{Deleted, Group, One, Restore, Schema, Search, User};
pub(crate) use entra::EntraSchema;
pub(crate) use expression::{Expression, ObjectType, Scoping, TestExpression};
pub(crate) use log::{Log, LogExport, LogFilter, LogFormat, LogList};
pub(crate) use mail::{Mail, Smtp, StartTls};
pub(crate) use operation::{Lines, Logging, Operation};
pub(crate) use upkeep::{Backup, Doctor, ExportWorkspace, RestoreBackup};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// User provisioning: receive people over SCIM, send them to applications.
#[derive(Debug, Parser)]
#[command(
    name = "tenure",
    version,
    arg_required_else_help = true,
    before_help = "Examples:\n  tenure demo\n  tenure serve --data ./tenure-data --listen 127.0.0.1:8080",
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 5 conflict, 6 target unreachable, 7 partly failed, 75 busy (try again)"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Before or after the subcommand.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Data directory [default: ./tenure-data]
    #[arg(
        long,
        global = true,
        env = "TENURE_DATA",
        hide_env_values = true,
        value_name = "DIR"
    )]
    pub(crate) data: Option<PathBuf>,
    /// PostgreSQL database that several servers may share, as postgres://USER@HOST:PORT/NAME [default: a file in the data directory]
    #[arg(
        long,
        global = true,
        env = "TENURE_DATABASE",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub(crate) database: Option<String>,
    /// Print one JSON document on stdout
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server: SCIM endpoint, console and provisioning
    Serve(Serve),
    /// Run a server with two example workspaces that provision into each other
    Demo(Demo),
    /// Workspaces
    #[command(subcommand)]
    Workspace(Workspace),
    /// People who sign in to the console
    #[command(subcommand)]
    Admin(Admin),
    /// Tokens for SCIM clients and for the management API
    #[command(subcommand)]
    Token(Token),
    /// Load users (and groups) from a CSV or JSONL file
    Import(Import),
    /// Applications that receive users
    #[command(subcommand, visible_alias = "app")]
    Application(Application),
    /// Provisioning log
    #[command(subcommand)]
    Log(Log),
    /// Audit log
    #[command(subcommand)]
    Audit(Audit),
    /// Users of a workspace's directory
    #[command(subcommand)]
    User(User),
    /// Groups of a workspace's directory
    #[command(subcommand)]
    Group(Group),
    /// Extension schemas and resource types of a workspace's own
    #[command(subcommand)]
    Schema(Schema),
    /// Mapping expressions
    #[command(subcommand)]
    Expression(Expression),
    /// Scoping filters
    #[command(subcommand)]
    Scope(Scoping),
    /// Notification mail
    #[command(subcommand)]
    Mail(Mail),
    /// Write everything into one file while servers run
    Backup(Backup),
    /// Make a database from a backup, on either engine
    Restore(RestoreBackup),
    /// Check data directory, database, key and secrets
    Doctor(Doctor),
    /// Write a workspace as JSON lines
    Export(ExportWorkspace),
}

#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  tenure serve --listen 127.0.0.1:8080\n  tenure serve --data /var/lib/tenure --listen 127.0.0.1:8080 --public-url https://tenure.example.com\n  tenure serve --database postgres://tenure@db.example.com/tenure --listen 127.0.0.1:8080\n  tenure serve --listen 127.0.0.1:8080 --metrics-listen 127.0.0.1:9464 --log-format json\n  TENURE_SMTP_PASSWORD=… tenure serve --smtp-url smtp://tenure@mail.example.com:587 --smtp-from tenure@example.com"
)]
pub(crate) struct Serve {
    /// Address to listen on; port 0 picks a free one
    #[arg(
        long,
        env = "TENURE_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "HOST:PORT"
    )]
    pub(crate) listen: String,
    /// Base URL that people and clients use [default: http://HOST:PORT]
    #[arg(long, env = "TENURE_PUBLIC_URL", value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Whether anybody may sign up for a workspace [default: true when only this machine can reach the server]
    #[arg(long, env = "TENURE_OPEN_SIGN_UP", value_name = "BOOL")]
    pub(crate) open_sign_up: Option<bool>,
    /// Let applications be at private addresses and plain http [default: when only this machine can reach the server]
    #[arg(long, env = "TENURE_ALLOW_PRIVATE_TARGETS")]
    pub(crate) allow_private_targets: bool,
    /// Listen beyond loopback with plain http, because a proxy in front does TLS
    #[arg(long, env = "TENURE_BEHIND_PROXY", requires = "public_url")]
    pub(crate) behind_proxy: bool,
    #[command(flatten)]
    pub(crate) operation: Operation,
    #[command(flatten)]
    pub(crate) smtp: Smtp,
}

#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  tenure demo\n  tenure demo --listen 127.0.0.1:9000 --no-story"
)]
pub(crate) struct Demo {
    /// Loopback address to listen on; another port is picked when it is taken
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "HOST:PORT")]
    pub(crate) listen: String,
    /// Do not let people join, move and leave
    #[arg(long)]
    pub(crate) no_story: bool,
    /// End when the story has been told; exit code 1 when it does not arrive
    #[arg(long, conflicts_with = "no_story")]
    pub(crate) exit_when_done: bool,
    /// Seed of the people; the same seed gives the same people
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Workspace {
    /// Create a workspace
    #[command(before_help = "Example:\n  tenure workspace create \"Northwind Mills\"")]
    Create {
        /// Name, unique without case
        name: String,
    },
    /// List workspaces
    List,
    /// Print the settings of a workspace, or set them
    #[command(
        before_help = "Example:\n  tenure workspace settings --workspace acme --json > settings.json"
    )]
    Settings {
        #[command(flatten)]
        at: InWorkspace,
        /// JSON file with the new settings; `-` reads stdin; what is left out gets its default
        #[arg(long, value_name = "FILE")]
        set: Option<String>,
    },
}

/// The workspace of a command.
#[derive(Debug, Args)]
pub(crate) struct InWorkspace {
    /// Workspace, by name or slug
    #[arg(long, value_name = "NAME")]
    pub(crate) workspace: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Admin {
    /// Create an account that owns a workspace; the password comes from stdin or is generated and printed
    #[command(
        before_help = "Example:\n  tenure admin create --workspace acme --email ana@acme.example --name \"Ana Ito\" < password.txt"
    )]
    Create {
        #[command(flatten)]
        at: InWorkspace,
        /// E-mail address to sign in with
        #[arg(long)]
        email: String,
        /// The person's name
        #[arg(long)]
        name: String,
        /// What the person may do
        #[arg(long, value_enum, default_value = "owner")]
        role: Role,
        /// Generate a password even when stdin is not a terminal
        #[arg(long)]
        generate_password: bool,
    },
    /// List the members of a workspace
    List {
        #[command(flatten)]
        at: InWorkspace,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Role {
    Owner,
    Admin,
    Auditor,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Create a token; it alone is printed on stdout, this once
    #[command(
        before_help = "Example:\n  tenure token create --workspace acme --name \"Entra ID\" > token.txt"
    )]
    Create {
        #[command(flatten)]
        at: InWorkspace,
        /// Label that tells what uses the token
        #[arg(long, value_name = "LABEL")]
        name: String,
        /// Days until it expires [default: never]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3650))]
        expires_days: Option<u32>,
        /// For the management API at /api/v1 instead of SCIM
        #[arg(long)]
        api: bool,
    },
    /// Print how the server treats the client of a token, or set it
    Options {
        #[command(flatten)]
        at: InWorkspace,
        /// Id of the token, from `token list`
        id: String,
        /// JSON file with the new options; `-` reads stdin; what is left out gets its default
        #[arg(long, value_name = "FILE")]
        set: Option<String>,
    },
    /// List tokens, expired and revoked ones too
    List {
        #[command(flatten)]
        at: InWorkspace,
    },
    /// Revoke a token at once
    Revoke {
        #[command(flatten)]
        at: InWorkspace,
        /// Id of the token, from `token list`
        id: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Csv,
    Jsonl,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnConflict {
    /// Leave the existing user as it is
    Skip,
    /// Change what differs
    Update,
    /// Report the line as failed
    Error,
}

#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  tenure import people.csv --workspace acme --dry-run\n  tenure import people.csv --workspace acme --map \"Cost unit=urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter\"",
    after_help = "CSV needs a header line. Usual column names are understood (userName, email, first name, last name, department, manager, …),\nas is every SCIM attribute such as name.givenName or emails[type eq \"work\"].value. An empty cell leaves the attribute alone.\nA JSONL line is a whole SCIM User document and replaces the user of that userName."
)]
pub(crate) struct Import {
    /// CSV or JSONL file
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) at: InWorkspace,
    /// Put a column into an attribute; `COLUMN=-` leaves the column out
    #[arg(long, value_name = "COLUMN=ATTRIBUTE")]
    pub(crate) map: Vec<String>,
    /// Format of the file [default: by its ending, else csv]
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// Character between the columns of a CSV file; `tab` for a tabulator
    #[arg(long, default_value = ",", value_name = "CHARACTER")]
    pub(crate) delimiter: String,
    /// What to do with a user whose userName exists
    #[arg(long, value_enum, default_value = "update")]
    pub(crate) on_conflict: OnConflict,
    /// Check everything, write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Leave columns out that are not understood, instead of refusing the file
    #[arg(long)]
    pub(crate) ignore_unknown_columns: bool,
    /// CSV file with the columns group and member (userName), one membership a line
    #[arg(long, value_name = "FILE")]
    pub(crate) groups: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// List audit records, newest first
    List {
        #[command(flatten)]
        at: InWorkspace,
        /// Most records to list
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// Continue before this number
        #[arg(long, value_name = "NUMBER")]
        before: Option<i64>,
    },
    /// Check that no record was changed or taken out
    Verify {
        #[command(flatten)]
        at: InWorkspace,
    },
}
