//! Everything Tenure keeps: the only crate with SQL and a database driver.
//!
//! A caller gives [`Store::read`] or [`Store::write`] a synchronous closure over a [`Tx`]; the functions of the
//! modules below take that transaction. Operations are written once against the small [`connection::Connection`]
//! interface in a dialect of SQL that SQLite and PostgreSQL share; SQLite implements it today.

pub mod account;
pub mod application;
pub mod assignment;
pub mod audit;
pub mod change;
pub mod connection;
pub mod error;
pub mod escrow;
pub mod job;
pub mod ledger;
pub mod log;
pub mod membership;
pub mod resource;
pub mod run;
pub mod session;
pub mod store;
pub mod token;
pub mod workspace;

mod crc32;
mod executor;
mod migrate;
mod node;
mod postgres;
mod seal;
mod sqlite;

pub use error::Error;
pub use store::{Actor, Options, Store, Tx};

/// Internal number of a workspace; every statement about its data binds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkspaceId(pub i64);

/// Users or groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A person's account.
    User,
    /// A group of users and groups.
    Group,
}

impl Kind {
    /// `User` or `Group`: the name of the resource type, and what the database keeps.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    pub(crate) fn from_text(text: &str) -> Result<Self, Error> {
        match text {
            "User" => Ok(Self::User),
            "Group" => Ok(Self::Group),
            other => Err(Error::Database(format!("unknown kind {other:?}"))),
        }
    }

    /// The SCIM resource type of the standard schemas.
    #[must_use]
    pub fn resource_type(self) -> &'static std::sync::Arc<tenure_scim::schema::ResourceType> {
        match self {
            Self::User => tenure_scim::schema::SchemaSet::user(),
            Self::Group => tenure_scim::schema::SchemaSet::group(),
        }
    }
}

/// Microseconds since 1970 UTC.
pub type TimeUs = i64;
