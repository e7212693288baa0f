//! The integration tests: one binary, a module per area.

#![expect(unreachable_pub, reason = "one binary: nothing of it is reached from outside")]

mod guard;
mod histories;
mod imports;
mod incident_store;
mod world;
