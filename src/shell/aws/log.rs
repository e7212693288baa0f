//! Log lines: JSON on standard output, where Lambda takes them to CloudWatch Logs; sentences on standard error for a shell.
//!
//! Must never split a line.

use crate::app::ports::{Clock, Log};
use crate::shell::aws::clock::SystemClock;
use serde_json::{Map, Value};
use std::io::Write;
use std::sync::{Mutex, PoisonError};

/// One JSON object a line, with the time, and with the invocation that it belongs to.
#[derive(Debug, Default)]
pub struct StdoutLog(Mutex<Vec<(&'static str, String)>>);

impl StdoutLog {
    /// What every line carries from here on: Lambda hands one invocation at a time to a process.
    pub fn begin(&self, request_id: &str, trace_id: Option<&str>) {
        let mut fields = vec![("request.id", request_id.to_owned())];
        fields.extend(trace_id.map(|trace| ("trace.id", trace.to_owned())));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = fields;
    }

    /// Lambda takes a line's time and level only from a line that has both, the time in RFC 3339.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html>
    fn dressed(&self, value: Value) -> Value {
        let Value::Object(fields) = value else { return value };
        let mut line = Map::new();
        line.insert("timestamp".to_owned(), SystemClock::seeded().now().to_string().into());
        line.extend(fields);
        for (name, text) in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            line.entry(*name).or_insert_with(|| text.clone().into());
        }
        Value::Object(line)
    }
}

impl Log for StdoutLog {
    fn line(&self, value: Value) {
        // One write a line, so that lines don't mix. Where standard output is gone, nobody can be told.
        let line = format!("{}\n", self.dressed(value));
        let _ = std::io::stdout().lock().write_all(line.as_bytes());
    }
}

/// For a shell: each line's sentence on standard error, as the answer says the rest on standard output.
#[derive(Debug, Clone, Copy, Default)]
pub struct StderrLog;

impl Log for StderrLog {
    fn line(&self, value: Value) {
        let line = match value.get("message").and_then(Value::as_str) {
            Some(message) => format!("{message}\n"),
            None => format!("{value}\n"),
        };
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}
