//! The integration tests: one binary, a module per area.

mod guard;
mod histories;
mod imports;
mod incident_store;
mod world;
