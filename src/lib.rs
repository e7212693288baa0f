//! The Darwin S3 guard: judges, repairs and reports about buckets that V7 Darwin reads.
//!
//! A layer is a folder, and imports only the folders below it (ARCHITECTURE.md; `tests/it/layers.rs` holds it):
//! `shell -> app -> report -> repair -> judge -> {policy, event, incident} -> model`.

pub mod app;
pub mod event;
pub mod incident;
pub mod judge;
pub mod model;
pub mod policy;
pub mod repair;
pub mod report;
pub mod shell;
