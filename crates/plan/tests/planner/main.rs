//! What happens to one object.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may unwrap as tests do"
)]

mod flows;
mod leaving;
mod matching;
mod properties;
mod scope;
mod story;
mod support;
mod values;
