//! Cycles, steps, retries: the only crate that changes targets.
//!
//! Where to begin: `cycle` runs the phases of one cycle, `page` takes a hundred objects through read → plan → persist →
//! intent → send → record, `target` speaks to the application with what `credentials` gives it, `reconcile` finds out what happened to requests whose
//! reply never came. `connection`, `on_demand` and `scheduler` are the other ways in.

mod agenda;
mod code;
mod conclude;
mod connection;
mod credentials;
mod cycle;
mod engine;
mod guard;
mod lease;
mod load;
mod matching;
mod members;
mod on_demand;
mod page;
mod quarantine;
mod reconcile;
mod record;
mod retry;
mod run;
mod scheduler;
mod settle;
mod target;
mod unique;

pub use connection::{Check, ConnectionReport};
pub use engine::{Engine, EngineError, Limits};
pub use on_demand::OnDemandResult;
