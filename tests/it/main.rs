//! The integration tests: one binary, a module per area.

#![expect(unreachable_pub, reason = "one binary: nothing of it is reached from outside")]

mod aws;
mod config;
mod decode;
mod guard;
mod histories;
mod imports;
mod incident_store;
mod merge;
mod world;
