//! Everything that answers requests: SCIM API, console, operations endpoints.
