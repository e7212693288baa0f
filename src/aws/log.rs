//! Log lines on standard output, where Lambda takes them to CloudWatch Logs.
//!
//! Must never write anything but one JSON object a line.

use crate::ports::Log;
use std::io::Write;

/// One JSON line per call.
#[derive(Debug, Clone, Copy, Default)]
pub struct StdoutLog;

impl Log for StdoutLog {
    fn line(&self, value: serde_json::Value) {
        // One write a line, so that lines don't mix. Where standard output is gone, nobody can be told.
        let line = format!("{value}\n");
        let _ = std::io::stdout().lock().write_all(line.as_bytes());
    }
}

/// The same on standard error: the shell form keeps standard output for the answer.
#[derive(Debug, Clone, Copy, Default)]
pub struct StderrLog;

impl Log for StderrLog {
    fn line(&self, value: serde_json::Value) {
        let line = format!("{value}\n");
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}
