//! A plan as data, and as the unified diff that people read before and after.
//!
//! Pure. Must never be empty of a step that will be taken.

use crate::model::aws::Operation;
use crate::model::s3::{CorsRule, Notifications};
use similar::TextDiff;

/// One write. `before` is what was read, for the diff and for telling a rival's write from a stale read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    PutBucketPolicy { before: Option<String>, after: String },
    PutBucketCors { before: Vec<CorsRule>, after: Vec<CorsRule> },
    EnableEventBridge { before: Notifications },
}

impl Step {
    pub fn operation(&self) -> Operation {
        match self {
            Self::PutBucketPolicy { .. } => Operation::PutBucketPolicy,
            Self::PutBucketCors { .. } => Operation::PutBucketCors,
            Self::EnableEventBridge { .. } => Operation::PutBucketNotificationConfiguration,
        }
    }
}

/// What would be written, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    pub steps: Vec<Step>,
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// A unified diff of every step, on pretty-printed documents; None if there is nothing to write.
    pub fn diff(&self, bucket: &str) -> Option<String> {
        let parts: Vec<String> = self.steps.iter().map(|step| step_diff(step, bucket)).collect();
        (!parts.is_empty()).then(|| parts.join("\n"))
    }
}

fn step_diff(step: &Step, bucket: &str) -> String {
    match step {
        Step::PutBucketPolicy { before, after } => {
            unified(&format!("{bucket}/policy"), &before.as_deref().map_or_else(String::new, pretty), &pretty(after))
        }
        Step::PutBucketCors { before, after } => unified(&format!("{bucket}/cors"), &rules(before), &rules(after)),
        Step::EnableEventBridge { .. } => {
            unified(&format!("{bucket}/notification"), "", "\"EventBridgeConfiguration\": {}\n")
        }
    }
}

/// The unified diff of two texts, three lines of context.
fn unified(name: &str, before: &str, after: &str) -> String {
    TextDiff::from_lines(before, after)
        .unified_diff()
        .context_radius(3)
        .header(&format!("a/{name}"), &format!("b/{name}"))
        .to_string()
}

/// The unified diff of two JSON documents, laid out for reading; an empty text is no document.
pub fn unified_json(name: &str, before: &str, after: &str) -> String {
    let lay_out = |text: &str| if text.is_empty() { String::new() } else { pretty(text) };
    unified(name, &lay_out(before), &lay_out(after))
}

/// JSON laid out for reading; text that is no JSON as it is.
fn pretty(text: &str) -> String {
    serde_json::from_str::<serde_json::Value>(text)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .map_or_else(|_| format!("{text}\n"), |text| text + "\n")
}

fn rules(rules: &[CorsRule]) -> String {
    if rules.is_empty() {
        return String::new();
    }
    serde_json::to_string_pretty(rules).map_or_else(|error| error.to_string(), |text| text + "\n")
}
