//! The one log line of an invocation; docs/events.md, "The log line", has its fields.
//!
//! Must never list allowed objects: a million uploads an hour are a million lines otherwise.

use crate::model::outcome::Read;
use crate::model::text::counted;
use crate::model::time::Timestamp;
use crate::model::verdict::Decision;
use crate::report::answer::{Answer, BucketAnswer, ObjectAnswer};
use crate::report::fit::fit;
use serde_json::{Value, json};

/// Most objects that are not allowed listed in a line; the others are counted.
const LISTED: usize = 50;
/// Bytes of the lists. CloudWatch Logs takes events of 256 KB from Lambda's log stream; the rest is for the other fields.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html>
const MOST_BYTES: usize = 200_000;

/// What an invocation found and did, as one line. `items` is the number of items of the input, `failed` how many of
/// them are to be tried again or were not understood.
pub fn log_line(answer: &Answer, items: usize, failed: usize, request_id: &str) -> Value {
    let Answer { objects, unlisted: _, buckets, problems, rcps: _, activation } = answer;
    let count = |read| answer.count(read);
    let [allowed, denied, depends, gone] = [Read::Allowed, Read::Denied, Read::Depends, Read::Gone].map(count);
    let mut listed: Vec<ObjectAnswer> =
        objects.iter().filter(|object| matches!(object.read, Read::Denied | Read::Depends)).cloned().collect();
    listed.sort_by_key(|object| object.read != Read::Denied);
    let not_allowed = listed.len();
    listed.truncate(LISTED);
    let (kept, left) = fit(
        &Answer { objects: listed, buckets: buckets.clone(), problems: problems.clone(), ..Answer::default() },
        MOST_BYTES,
    );
    let level = if failed > 0 || !problems.is_empty() {
        "ERROR"
    } else if denied > 0 || depends > 0 || buckets.iter().any(|bucket| bucket.is_wrong() || bucket.is_open()) {
        "WARN"
    } else {
        "INFO"
    };
    json!({
        "level": level,
        "message": message(answer, items, failed),
        "request.id": request_id,
        "items": items,
        "items.failed": failed,
        "objects.allowed": allowed,
        "objects.denied": denied,
        "objects.depends": depends,
        "objects.gone": gone,
        "objects": kept.objects,
        "buckets": kept.buckets,
        "problems": kept.problems,
        "activation": activation.is_some(),
        "left_out": {
            "objects": not_allowed - kept.objects.len(),
            "buckets": left.buckets,
            "problems": left.problems,
            "cut": left.cut,
        },
    })
}

/// What the dashboard's table shows of each bucket: a line a bucket that was repaired, or, in a run over all of them, whose
/// incidents were counted (`open`).
pub fn status_lines(answer: &Answer, open: &[(String, usize)], now: Timestamp) -> Vec<Value> {
    let line = |bucket: &BucketAnswer| {
        let incidents = open.iter().find(|(name, _)| *name == bucket.bucket).map(|(_, incidents)| *incidents);
        let repaired = bucket.verified == Some(true);
        if incidents.is_none() && !repaired {
            return None;
        }
        let readable = match bucket.read {
            Decision::Allowed => "yes",
            Decision::Denied => "no",
            Decision::Depends => "cannot be determined",
        };
        let mut line = json!({
            "level": "INFO",
            "message": format!("can Darwin read `{}`, as far as your account's configuration goes: {readable}", bucket.bucket),
            "status.bucket": bucket.bucket,
            "status.readable": readable,
        });
        let fields = line.as_object_mut()?;
        fields.extend(incidents.map(|incidents| ("status.incidents".to_owned(), json!(incidents))));
        fields.extend(repaired.then(|| ("status.repaired".to_owned(), json!(now.to_string()))));
        Some(line)
    };
    answer.buckets.iter().filter_map(line).collect()
}

/// A sentence that can be read alone.
fn message(answer: &Answer, items: usize, failed: usize) -> String {
    let mut parts = vec![format!("handled {}", counted(items, "item"))];
    let judged = answer.objects.len() + answer.unlisted;
    if judged > 0 {
        let allowed = answer.count(Read::Allowed);
        parts.push(format!("{allowed} of {} readable by your side", counted(judged, "object")));
    }
    if !answer.buckets.is_empty() {
        let wrong = answer.buckets.iter().filter(|bucket| bucket.is_wrong()).count();
        parts.push(format!("{wrong} of {} with something in Darwin's way", counted(answer.buckets.len(), "bucket")));
    }
    if !answer.problems.is_empty() {
        parts.push(counted(answer.problems.len(), "problem"));
    }
    if failed > 0 {
        parts.push(format!("{failed} to be tried again or not understood"));
    }
    parts.join(", ")
}
