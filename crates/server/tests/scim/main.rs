//! The SCIM API from outside: the whole router over a store in memory, in process and over a loopback socket.

#![expect(
    clippy::unwrap_used,
    reason = "in a test a panic with the value is the best report"
)]

mod bulk;
mod clients;
mod crud;
mod cursor;
mod discovery;
mod harness;
mod http;
mod isolation;
mod lists;
mod log;
mod loopback;
mod refusals;
mod streams;
