//! The Darwin S3 guard: judges, repairs and reports about buckets that V7 Darwin reads.
//!
//! A layer is a folder, and imports only the folders below it (ARCHITECTURE.md; `tests/it/layers.rs` holds it):
//! `shell -> app -> report -> {repair, scan} -> judge -> {policy, event, incident} -> model`.
//!
//! The layers are private: what the function and `examples/judge.rs` need is passed on below by name. The feature
//! `internals` opens them to the tests; a build without it fails where nothing uses something.

#![cfg_attr(
    not(feature = "internals"),
    expect(unreachable_pub, reason = "modules of a layer are public to the other layers and to the tests")
)]

#[cfg(feature = "internals")]
pub mod app;
#[cfg(feature = "internals")]
pub mod event;
#[cfg(feature = "internals")]
pub mod incident;
#[cfg(feature = "internals")]
pub mod judge;
#[cfg(feature = "internals")]
pub mod model;
#[cfg(feature = "internals")]
pub mod policy;
#[cfg(all(feature = "forms", feature = "internals"))]
pub mod proposal;
#[cfg(feature = "internals")]
pub mod repair;
#[cfg(feature = "internals")]
pub mod report;
#[cfg(all(feature = "forms", feature = "internals"))]
pub mod scan;
#[cfg(feature = "internals")]
pub mod shell;

#[cfg(not(feature = "internals"))]
mod app;
#[cfg(not(feature = "internals"))]
mod event;
#[cfg(not(feature = "internals"))]
mod incident;
#[cfg(not(feature = "internals"))]
mod judge;
#[cfg(not(feature = "internals"))]
mod model;
#[cfg(not(feature = "internals"))]
mod policy;
#[cfg(all(feature = "forms", not(feature = "internals")))]
mod proposal;
#[cfg(not(feature = "internals"))]
mod repair;
#[cfg(not(feature = "internals"))]
mod report;
#[cfg(all(feature = "forms", not(feature = "internals")))]
mod scan;
#[cfg(not(feature = "internals"))]
mod shell;

pub use app::config::Config;
pub use app::config::problem::{ConfigProblem, ConfigProblems};
pub use app::handler::{Call, Failure, Guard};
pub use app::ports::{Clock, Log};
pub use model::time::Timestamp;
pub use shell::aws::client::{Clients, Patience};
pub use shell::aws::clock::SystemClock;
pub use shell::aws::dynamodb::table::Table;
pub use shell::aws::init_error::report_init_error;
pub use shell::aws::log::{StderrLog, StdoutLog};
pub use shell::aws::outside::Outside;
pub use shell::aws::sns::Sns;
pub use shell::cli::{Command, Options, USAGE, load, parse, run};
pub use shell::environment::{runtime_api, settings};
#[cfg(feature = "cli")]
pub use shell::tool::commands::tool;

// Of the judge alone, for `examples/judge.rs`.
pub use model::verdict::Verdict;
pub use policy::document::PolicyDocument;
pub use policy::evaluate::evaluate;
pub use policy::grant::{GrantListEntry, evaluate_key};
pub use policy::request::{ObjectOwner, Request, RequestContext, Settings};
