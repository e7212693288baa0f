//! The integration tests: one binary, a module per area.

mod guard;
mod imports;
mod merge;
mod world;
