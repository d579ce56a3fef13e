//! SCIM 2.0 as pure functions over documents: schemas, paths, filters, PATCH, projection, errors.
//!
//! Where to begin: [`schema`] says which attributes exist, [`filter`] and [`path`] parse the two small
//! languages of the protocol, [`patch`] and [`validate`] change documents, [`project`] cuts them to what was
//! asked for, [`index`] says which values a store should index, [`bulk`] reads and orders bulk requests. Nothing
//! here does I/O or reads a clock.

pub mod bulk;
mod cursor;
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
pub mod schema;
mod standard;
pub mod validate;
pub mod value;

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
