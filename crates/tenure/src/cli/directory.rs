//! Arguments of `user`, `group` and `schema`.

use super::InWorkspace;
use clap::{Args, Subcommand};

/// Which part of a directory list.
#[derive(Debug, Args)]
pub(crate) struct Search {
    #[command(flatten)]
    pub(crate) at: InWorkspace,
    /// Beginning of a name or e-mail address
    #[arg(default_value = "")]
    pub(crate) text: String,
    /// Most entries to list
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
}

/// What was deleted.
#[derive(Debug, Args)]
pub(crate) struct Deleted {
    #[command(flatten)]
    pub(crate) at: InWorkspace,
    /// Most entries to list
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
}

/// Something deleted, by its id.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    #[command(flatten)]
    pub(crate) at: InWorkspace,
    /// Id, from the list of what was deleted
    pub(crate) id: String,
}

/// One user or group.
#[derive(Debug, Args)]
pub(crate) struct One {
    /// By name or id
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) at: InWorkspace,
}

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// List users
    List(Search),
    /// Print a user's document
    Get(One),
    /// Allow or block a user: active true or false
    SetActive {
        #[command(flatten)]
        one: One,
        /// true or false
        #[arg(action = clap::ArgAction::Set)]
        active: bool,
    },
    /// Delete a user; `user restore` brings it back for a while
    Delete {
        #[command(flatten)]
        one: One,
        /// Really
        #[arg(long)]
        yes: bool,
    },
    /// List deleted users that can be brought back, the last deleted first
    Deleted(Deleted),
    /// Bring a deleted user back: same id, same groups
    Restore(Restore),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Group {
    /// List groups
    List(Search),
    /// Print a group's document with its first 1,000 members
    Get(One),
    /// Delete a group; `group restore` brings it back for a while
    Delete {
        #[command(flatten)]
        one: One,
        /// Really
        #[arg(long)]
        yes: bool,
    },
    /// List deleted groups that can be brought back, the last deleted first
    Deleted(Deleted),
    /// Bring a deleted group back: same id, same members
    Restore(Restore),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Schema {
    /// Print the definition as JSON
    Get {
        #[command(flatten)]
        at: InWorkspace,
    },
    /// Replace the definition
    #[command(
        before_help = "Example:\n  tenure schema get --workspace acme > schema.json\n  tenure schema set --workspace acme schema.json"
    )]
    Set {
        #[command(flatten)]
        at: InWorkspace,
        /// JSON file with `schemas` and `resourceTypes`; `-` reads stdin
        file: String,
    },
}
