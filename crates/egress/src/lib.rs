//! The only way out of the process: checked HTTP with limits, redaction and traces.
//!
//! [`Egress`] sends one [`Call`] at a time under a [`Policy`]. What may be reached is decided in `policy` (the URL and
//! literal addresses) and in `resolver` (every address of a name, at the moment of connecting); `http` sends and
//! tells apart "nothing was sent" from "may have been carried out".

mod authorization;
mod http;
mod metrics;
mod policy;
mod resolver;
mod retry_after;
mod trace;

pub use authorization::Authorization;
pub use http::{Body, Call, Egress, EgressError, MediaType, REPLY_BYTES, Reply, Transport};
pub use policy::{Policy, join};
pub use trace::Trace;
