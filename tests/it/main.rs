//! The integration tests: one binary, a module per area.

#![expect(unreachable_pub, reason = "one binary: nothing of it is reached from outside")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests fail as tests do")]

mod aws;
mod guard;
mod histories;
mod imports;
mod incident_store;
mod world;
