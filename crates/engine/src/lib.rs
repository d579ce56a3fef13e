//! Cycles, steps, retries: the only crate that changes targets.
