//! A small believable world: people, groups and simulated targets for the demo and the tests.
