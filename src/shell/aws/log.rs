//! Log lines: JSON on standard output, where Lambda takes them to CloudWatch Logs; sentences on standard error for a shell.
//!
//! Must never split a line.

use crate::app::ports::Log;
use std::io::Write;

/// One JSON object a line.
#[derive(Debug, Clone, Copy, Default)]
pub struct StdoutLog;

impl Log for StdoutLog {
    fn line(&self, value: serde_json::Value) {
        // One write a line, so that lines don't mix. Where standard output is gone, nobody can be told.
        let line = format!("{value}\n");
        let _ = std::io::stdout().lock().write_all(line.as_bytes());
    }
}

/// For a shell: each line's sentence on standard error, as the answer says the rest on standard output.
#[derive(Debug, Clone, Copy, Default)]
pub struct StderrLog;

impl Log for StderrLog {
    fn line(&self, value: serde_json::Value) {
        let line = match value.get("message").and_then(serde_json::Value::as_str) {
            Some(message) => format!("{message}\n"),
            None => format!("{value}\n"),
        };
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}
