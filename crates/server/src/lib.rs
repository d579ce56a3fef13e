//! Everything that answers requests: SCIM API, console, operations endpoints.
//!
//! Where to begin: [`app`] holds what handlers share and the server loop, `routes` composes all routes with the
//! layers of `layer`, `scim` is the SCIM API over the store, `console` the pages for people.

mod api;
mod app;
mod connection;
mod console;
mod housekeeping;
mod layer;
mod limits;
mod listener;
mod metrics;
mod ops;
mod password;
pub mod provisioning_log;
mod routes;
mod scim;

pub use app::{App, Config, Draining, Listeners, router, serve};
pub use password::{HashError, check_rules as check_password, hash as hash_password};
