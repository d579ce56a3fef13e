//! The real binary in temporary directories.
#![expect(clippy::unwrap_used, reason = "a test may end with a panic")]

mod application;
mod demo;
mod directory;
mod entra;
mod expression;
mod import;
mod kit;
mod log;
mod plan;
mod serve;
mod usage;
