//! The forms that callers of the function expect: JSON, SQS's partial batch response, S3 Batch Operations' results.
//!
//! Must never answer `PermanentFailure` for a verdict: a job with over half failures is stopped.

use crate::model::outcome::Problem;
use crate::model::text::cut_within;
use crate::report::answer::{Answer, ObjectAnswer};
use crate::report::fit::{LeftOut, fit};
use aws_lambda_events::event::s3::batch_job::{S3BatchJobResponse, S3BatchJobResult};
use aws_lambda_events::event::sqs::SqsBatchResponse;
use serde_json::{Value, json};

/// Largest answer, in bytes. Lambda takes 6 MB.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const MOST_BYTES: usize = 5_000_000;
/// Kept free for the problem that says what was cut.
const REMARK_BYTES: usize = 1_000;

/// The whole answer, or of one over 5 MB the part that fits, with a problem that says what is missing.
pub fn to_json(answer: &Answer) -> Value {
    let whole = serde_json::to_vec(answer).map_or(usize::MAX, |bytes| bytes.len());
    if whole <= MOST_BYTES {
        return json!(answer);
    }
    let (mut kept, left) = fit(answer, MOST_BYTES - REMARK_BYTES);
    kept.problems.push(cut_problem(whole, left));
    json!(kept)
}

fn cut_problem(whole: usize, left: LeftOut) -> Problem {
    let LeftOut { objects, buckets, problems, cut } = left;
    Problem {
        at: "answer".to_owned(),
        saw: format!(
            "{whole} bytes; cut: {objects} objects, {buckets} buckets and {problems} problems are left out, {cut} buckets \
             have shortened texts"
        ),
        want: format!("at most {MOST_BYTES} bytes; ask for one bucket, or run the shell form, which cuts nothing"),
        retryable: false,
    }
}

/// SQS's partial batch response: these records come back, the others are deleted.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>
pub fn batch_item_failures<'a>(ids: impl Iterator<Item = &'a str>) -> Value {
    let mut response = SqsBatchResponse::default();
    response.set_failures(ids);
    json!(response)
}

/// The result of one task of S3 Batch Operations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskResult {
    code: &'static str,
    /// Goes into the job's completion report.
    text: String,
}

/// Bytes of a result string that fit the completion report.
const RESULT_BYTES: usize = 1_024;

impl TaskResult {
    /// A verdict was reached, whichever: the task has succeeded. The verdict comes first, so that the completion report
    /// can be sorted and counted by it.
    pub fn judged(answer: &ObjectAnswer) -> Self {
        let ObjectAnswer { bucket: _, key: _, version_id, read, because, depends_on, encryption, kms_key } = answer;
        let mut parts = vec![read.name().to_owned()];
        parts.extend(kms_key.as_ref().map(|key| format!("key {key}")));
        if kms_key.is_none() {
            parts.extend(encryption.as_ref().map(|encryption| format!("encryption {encryption}")));
        }
        if !depends_on.is_empty() {
            parts.push(format!("depends on {}", depends_on.join(", ")));
        }
        parts.extend(because.iter().cloned());
        parts.extend(version_id.as_ref().map(|version| format!("version {version}")));
        Self::new("Succeeded", &parts.join("; "))
    }

    /// The task is not one that the guard can do: not understood, or of a bucket that is not guarded.
    pub fn invalid(text: &str) -> Self {
        Self::new("PermanentFailure", &format!("invalid task: {text}"))
    }

    /// No verdict yet: Batch Operations tries the task again.
    pub fn again(text: &str) -> Self {
        Self::new("TemporaryFailure", text)
    }

    fn new(code: &'static str, text: &str) -> Self {
        let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Self { code, text: cut_within(&line, RESULT_BYTES) }
    }
}

impl From<&Problem> for TaskResult {
    fn from(problem: &Problem) -> Self {
        let text = format!("{}, wanted {}", problem.saw, problem.want);
        if problem.retryable { Self::again(&text) } else { Self::invalid(&text) }
    }
}

/// A task that nothing was found out about is one that was not understood.
impl Default for TaskResult {
    fn default() -> Self {
        Self::invalid("not understood")
    }
}

/// The answer to an S3 Batch Operations invocation. A task that is missing in it is tried again.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-invoke-lambda.html>
pub fn batch_job(
    schema_version: &str,
    invocation_id: &str,
    results: impl Iterator<Item = (String, TaskResult)>,
) -> Value {
    let result = |(id, TaskResult { code, text })| {
        let mut result = S3BatchJobResult::default();
        (result.task_id, result.result_code, result.result_string) = (Some(id), Some(code.to_owned()), Some(text));
        result
    };
    let mut response = S3BatchJobResponse::default();
    response.invocation_schema_version = Some(schema_version.to_owned());
    response.treat_missing_keys_as = Some("TemporaryFailure".to_owned());
    response.invocation_id = Some(invocation_id.to_owned());
    response.results = results.map(result).collect();
    json!(response)
}
