//! Everything Tenure keeps: the only crate with SQL and a database driver.
//!
//! A caller gives [`Store::read`] or [`Store::write`] a synchronous closure over a [`Tx`]; the functions of the
//! modules below take that transaction. Operations are written once against the small [`connection::Connection`]
//! interface in a dialect of SQL that SQLite and PostgreSQL share; SQLite implements it today.

pub mod account;
pub mod application;
pub mod assignment;
pub mod audit;
pub mod backup;
pub mod change;
pub mod connection;
pub mod deviation;
pub mod error;
pub mod escrow;
pub mod examine;
pub mod job;
pub mod ledger;
pub mod listing;
pub mod log;
pub mod membership;
pub mod notification;
pub mod overview;
pub mod request_log;
pub mod resource;
pub mod rules;
pub mod run;
pub mod schema;
pub mod session;
pub mod setting;
pub mod simulation;
pub mod store;
pub mod stranger;
pub mod token;
pub mod workspace;

mod crc32;
mod executor;
mod metrics;
mod migrate;
mod narrow;
mod node;
mod postgres;
mod seal;
mod sqlite;

use std::borrow::Cow;

pub use error::Error;
pub use store::{Actor, Options, Store, Tx};

/// Internal number of a workspace; every statement about its data binds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkspaceId(pub i64);

/// The type of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A person's account.
    User,
    /// A group of users and groups.
    Group,
    /// A resource type of the workspace's own, by its number; see [`schema::Types`].
    Custom(u32),
}

impl Kind {
    /// What the database keeps: `User`, `Group`, or `type:3` for a type of the workspace's own.
    #[must_use]
    pub fn key(self) -> Cow<'static, str> {
        match self {
            Self::User => Cow::Borrowed("User"),
            Self::Group => Cow::Borrowed("Group"),
            Self::Custom(number) => Cow::Owned(format!("type:{number}")),
        }
    }

    pub(crate) fn from_key(text: &str) -> Result<Self, Error> {
        let custom = || text.strip_prefix("type:")?.parse().ok();
        match text {
            "User" => Ok(Self::User),
            "Group" => Ok(Self::Group),
            other => custom()
                .map(Self::Custom)
                .ok_or_else(|| Error::Database(format!("unknown kind {other:?}"))),
        }
    }
}

/// Microseconds since 1970 UTC.
pub type TimeUs = i64;
