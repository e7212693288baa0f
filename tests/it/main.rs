//! The integration tests: one binary, a module per area.

mod config;
mod decode;
mod guard;
mod imports;
mod world;
