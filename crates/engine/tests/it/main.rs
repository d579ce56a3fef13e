//! The engine over a real store, against a real SCIM service on loopback.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod chaos;
mod credentials;
mod cycles;
mod dialects;
mod drift;
mod faults;
mod listing;
mod members;
mod plans;
mod support;
mod unique;
mod why;
