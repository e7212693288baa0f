//! The only layer that does I/O: AWS, the clock, the log, the command line.

pub mod aws;
pub mod cli;
pub mod environment;
#[cfg(feature = "cli")]
pub mod tool;
