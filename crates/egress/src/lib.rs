//! The only way out of the process: checked HTTP with limits, redaction and traces.
