//! Everything Tenure keeps: the only crate with SQL and a database driver.
//!
//! A caller gives [`Store::read`] or [`Store::write`] a synchronous closure over a [`Tx`]; the functions of the
//! modules below take that transaction. Operations are written once against the small [`connection::Connection`]
//! interface; SQLite implements it today, PostgreSQL will.

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

pub use error::Error;
pub use store::{Actor, Options, Store, Tx};

/// Internal number of a workspace; every statement about its data binds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkspaceId(pub i64);

/// Users or groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind { User, Group }

/// Microseconds since 1970 UTC.
pub type TimeUs = i64;
