//! Scoping filters (spec 3).
