//! The integration tests: one binary, a module per area.

mod aws;
mod guard;
mod imports;
mod world;
