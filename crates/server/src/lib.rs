//! Everything that answers requests: SCIM API, console, operations endpoints.

pub mod app;
mod console;

pub use app::{App, Config, serve};
