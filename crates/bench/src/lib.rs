//! What the programs of `scripts/bench` share: [`http`] speaks to a server over one kept connection, [`template`] fills
//! requests, [`histogram`] keeps how long they took.
//!
//! The programs are `bench-load`, which makes requests as fast as a number of clients can; `bench-ceiling`, which answers
//! the same bytes without doing anything for them; `bench-sink`, a SCIM target that counts; and `bench-calls`, which makes
//! the engine's requests without the engine.

pub mod histogram;
pub mod http;
pub mod template;
