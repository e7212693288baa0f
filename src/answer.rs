//! The answer of every invocation (SPEC section 9), as data.
//!
//! Must never hold object content or credentials.

use crate::finding::Finding;
use crate::verdict::Decision;
use serde::{Deserialize, Serialize};

/// What one invocation found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Answer {
    pub objects: Vec<ObjectAnswer>,
    pub buckets: Vec<BucketAnswer>,
    pub problems: Vec<Problem>,
    /// The activation message for V7: only on an audit in which everything holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activation: Option<String>,
}

/// Whether Darwin can read an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Read {
    Allowed,
    Denied,
    Depends,
    /// The object was deleted meanwhile: not a failure.
    Gone,
}

impl From<Decision> for Read {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Allowed => Self::Allowed,
            Decision::Denied => Self::Denied,
            Decision::Depends => Self::Depends,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ObjectAnswer {
    pub bucket: String,
    pub key: String,
    /// The version that was judged, where the bucket has versions.
    pub version_id: Option<String>,
    pub read: Read,
    pub because: Vec<String>,
    pub depends_on: Vec<String>,
    /// `none`, `AES256`, `aws:kms`, `aws:kms:dsse`, `sse-c`; null where it was not read.
    pub encryption: Option<String>,
    /// ARN of the KMS key, as HeadObject gives it.
    pub kms_key: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BucketAnswer {
    pub bucket: String,
    pub read: Decision,
    /// Null for a read-only bucket.
    pub write: Option<Decision>,
    /// Null where it could not be read.
    pub cors: Option<CorsState>,
    pub drifts: Vec<Finding>,
    pub findings: Vec<Finding>,
    pub actions: Vec<Action>,
    /// Unified diff of what was or would be written; null when there is nothing to write.
    pub plan: Option<String>,
    /// Whether the writes showed when read again; null where nothing was written.
    pub verified: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CorsState {
    Ok,
    Missing,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Name of the S3 operation, e.g. `PutBucketPolicy`.
    pub operation: String,
    pub result: ActionResult,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionResult {
    Done,
    /// `--dry-run` or `"dry_run": true`.
    DryRun,
    /// Mode, tag, table or contest forbids the write.
    Refused,
    Failed,
}

/// Something of the input, or of the guard's own calls, that could not be dealt with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where in the input, or on which bucket and operation, e.g. `Records[2]`.
    #[serde(rename = "where")]
    pub at: String,
    /// What was seen.
    pub saw: String,
    /// What was wanted instead.
    pub want: String,
    /// Whether trying again can help.
    pub retryable: bool,
}
#[derive(Debug, Clone, Default)]
pub struct TaskResult;
impl TaskResult {
    pub fn judged(_a: &ObjectAnswer) -> Self {
        Self
    }
    pub fn invalid(_t: &str) -> Self {
        Self
    }
    pub fn again(_t: &str) -> Self {
        Self
    }
}
pub fn batch_item_failures<'a>(ids: impl Iterator<Item = &'a str>) -> serde_json::Value {
    let v: Vec<_> = ids.map(|i| serde_json::json!({"itemIdentifier": i})).collect();
    serde_json::json!({"batchItemFailures": v})
}
pub fn batch_job(_s: &str, _i: &str, _r: impl Iterator<Item = (String, TaskResult)>) -> serde_json::Value {
    serde_json::Value::Null
}
pub fn to_json(a: &Answer) -> serde_json::Value {
    serde_json::to_value(a).unwrap_or_default()
}
pub fn log_line(a: &Answer, _n: usize, _f: usize, _r: &str) -> serde_json::Value {
    to_json(a)
}
pub fn report(_a: &Answer) -> String {
    String::new()
}
pub fn exit_code(_a: &Answer) -> u8 {
    0
}
