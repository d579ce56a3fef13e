//! Everything that answers requests: SCIM API, console, operations endpoints.
//!
//! Where to begin: [`app`] holds what handlers share and the server loop, `routes` composes all routes with the
//! layers of `layers`, `scim` is the SCIM API over the store, `console` the pages for people.

pub mod app;
mod console;
mod password;

pub use app::{App, Config, serve};
pub use password::{HashError, hash_password};
