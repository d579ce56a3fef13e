//! The provisioning planner: expressions, mappings, scope, matching and diff, without any I/O.
