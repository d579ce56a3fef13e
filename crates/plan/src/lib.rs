//! The provisioning planner: expressions, mappings, scope, matching and diff, without any I/O.
//!
//! [`config`] is what an administrator configures and the store keeps as JSON; [`compile()`] turns it into a
//! [`Compiled`] application; [`plan`] takes that and the [`Facts`] about one object and says what has to happen
//! next. Same input, same answer: time and known ids come in as values. [`dialect`] turns an [`Operation`] into
//! the requests that perform it. [`why`] lays open what the planner decides from.

pub mod compile;
pub mod config;
pub mod dialect;
pub mod entra;
pub mod expression;
pub mod facts;
pub mod gallery;
pub mod operation;
pub mod planner;
pub mod scope;
pub mod source;
mod story;
mod target;
mod values;
pub mod why;

pub use compile::{Compiled, Problem, compile};
pub use config::ApplicationConfig;
pub use facts::Facts;
pub use operation::{Action, Change, Operation};
pub use planner::{Candidates, Outcome, Planned, member_operation, plan};
