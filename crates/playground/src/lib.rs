//! A small believable world: people and groups for the demo, the tests and the measurements.
//!
//! Begin with [`people`]: a number and a seed give the same documents on every machine. The company is *Northwind
//! Mills*, a made-up textile maker with six sites; names are drawn from many languages because a directory that
//! only holds ASCII names hides faults. Nothing here does I/O or reads a clock.

mod csv;
mod groups;
mod names;
mod people;
mod random;
mod work;

pub use csv::{csv, csv_header, csv_line};
pub use groups::{Group, groups};
pub use people::{People, Person, people};

/// Name of the made-up company that the people work for.
pub const COMPANY: &str = "Northwind Mills";

/// Mail domain of the company; `.example` is reserved and never resolves (RFC 2606 §2).
pub const DOMAIN: &str = "northwind.example";

/// URN of the enterprise user extension (RFC 7643 §4.3), which holds department, employee number and cost centre.
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// URN of the core user schema (RFC 7643 §4.1).
pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
