//! SCIM 2.0 as pure functions over documents: schemas, paths, filters, PATCH, projection, errors.
//!
//! Where to begin: [`schema`] says which attributes exist, [`filter`] and [`path`] parse the two small
//! languages of the protocol, [`patch`] and [`validate`] change documents, [`project`] cuts them to what was
//! asked for, [`index`] says which values a store should index, [`bulk`] reads and orders bulk requests. [`resource`]
//! and [`query`] put these together for a server that holds its resources in memory. Nothing here does I/O, reads a
//! clock or panics; the README has a longer example.

#![forbid(unsafe_code)]
// Nothing here panics, whatever comes from outside.
#![cfg_attr(
    not(test),
    deny(
        clippy::expect_used,
        clippy::get_unwrap,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

pub mod bulk;
mod cursor;
pub mod deviation;
pub mod discovery;
pub mod error;
pub mod filter;
pub mod index;
pub mod json;
pub mod limits;
mod normalize;
pub mod patch;
pub mod path;
pub mod project;
pub mod query;
pub mod resource;
pub mod schema;
mod standard;
pub mod validate;
pub mod value;

pub use deviation::{Deviation, Deviations, Strictness};
pub use error::{ScimError, ScimType};

/// A SCIM resource or message as an ordered JSON object.
///
/// Stored resource documents never contain `id`, `meta`, a group's `members` or a user's `groups`: the store
/// keeps those beside the document and they are put in when a response is rendered.
pub type Document = serde_json::Map<String, serde_json::Value>;

/// Runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
