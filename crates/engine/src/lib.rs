//! Cycles, steps, retries: the only crate that changes targets.
//!
//! Where to begin: `cycle` runs the phases of one cycle, `page` takes a hundred objects through read → plan → persist →
//! intent → send → record, `target` speaks to the application with what `credentials` gives it, `reconcile` finds
//! out what happened to requests whose reply never came. `apply` carries out a plan as it was shown, `undo` plans the way
//! back, `drift` compares the whole target. `connection`, `on_demand` and `scheduler` are the other ways in.

mod agenda;
mod apply;
mod asking;
mod code;
mod conclude;
mod connection;
mod credentials;
mod cycle;
mod doubt;
mod drift;
mod engine;
mod guard;
mod lease;
mod listing;
mod load;
mod matching;
mod members;
mod metrics;
mod on_demand;
mod page;
mod pages;
mod perform;
mod probe;
mod quarantine;
mod reconcile;
mod record;
mod retry;
mod run;
mod scheduler;
mod settle;
mod target;
mod traffic;
mod undo;
mod unique;
mod why;

pub use code::STAGED;
pub use connection::{Check, ConnectionReport};
pub use engine::{Engine, EngineError, Limits};
pub use on_demand::OnDemandResult;
pub use probe::{Finding, ProbeReport};
pub use tenure_egress::Trace;
pub use undo::{Left, UndoPlan, UndoWish};
pub use why::{Account, Answer, Failing, LogLine, Members, Next, Provisioning, Why};
