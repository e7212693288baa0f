//! The Darwin S3 guard: judges, repairs and tells about buckets that V7 Darwin reads.
//!
//! ARCHITECTURE.md is the map. The core (`event`, `arn`, `contract`, `finding`, `verdict`, `request`,
//! `policy`, `cors`, `key`, `plan`, `notify`, `remedy`, `incident`, `history`, `answer`, `metrics`, `time`) is pure; `ports` are the traits of the
//! outside; `aws` is the only module that names the SDK.

pub mod alerts;
pub mod answer;
pub mod arn;
pub mod aws;
pub mod cli;
pub mod config;
pub mod contract;
pub mod cors;
pub mod event;
pub mod facts;
pub mod finding;
pub mod handler;
pub mod history;
pub mod incident;
pub mod key;
pub mod memory;
pub mod metrics;
pub mod notify;
pub mod objects;
pub mod observe;
pub mod plan;
pub mod policy;
pub mod ports;
pub mod reconcile;
pub mod remedy;
pub mod request;
pub mod time;
pub mod verdict;
