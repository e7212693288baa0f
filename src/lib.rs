//! The Darwin S3 guard: judges, repairs and tells about buckets that V7 Darwin reads.
//!
//! ARCHITECTURE.md is the map. The core (`event`, `arn`, `contract`, `finding`, `verdict`, `request`,
//! `policy`, `cors`, `key`, `plan`, `notify`, `incident`, `answer`) is pure; `ports` are the traits of the
//! outside; `aws` is the only module that names the SDK.

pub mod alerts;
pub mod answer;
pub mod contract;
pub mod event;
pub mod finding;
pub mod incident;
pub mod memory;
pub mod notify;
pub mod ports;
pub mod remedy;
pub mod verdict;
