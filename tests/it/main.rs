//! The integration tests: one binary, a module per area.

mod guard;
mod imports;
mod laws;
mod reference;
mod world;
