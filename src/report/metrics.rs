//! Figures of an invocation in CloudWatch's embedded metric format, carried by its log line.
//!
//! One dimension only, the function's name, and nothing for what is zero: every metric and dimension value is billed.
//! Written by hand, as the crates for it bring a global recorder and a writer of their own, past `ports::Log`.
//! Must never make a dimension of what an event says: a name chosen by somebody else would cost money.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use crate::model::aws::Usage;
use crate::model::outcome::Read;
use crate::model::time::Timestamp;
use crate::report::answer::{Answer, BucketAnswer};
use serde_json::{Value, json};

/// The metrics' namespace.
pub const NAMESPACE: &str = "DarwinS3Guard";
/// The one dimension.
pub const DIMENSION: &str = "FunctionName";

/// Every metric, with what it counts. docs/metrics.md says what to do about each.
#[cfg(feature = "internals")]
pub const NAMES: &[(&str, &str)] = &[
    ("ObjectsAllowed", "objects that your side lets Darwin read"),
    ("ObjectsDenied", "objects that Darwin can't read"),
    ("ObjectsDepends", "objects whose verdict hangs on something unseen"),
    ("ObjectsGone", "objects that were deleted before they were judged"),
    ("RecordsFailed", "records that are tried again, or were not understood"),
    ("DriftsRepaired", "drifts repaired and read back"),
    ("DriftsFlagged", "drifts that are left: told, not repaired"),
    ("OpenIncidents", "incidents open after a scheduled run; zero is sent too"),
    ("MessagesSent", "messages published, or logged where there is no topic"),
    ("MessagesFailed", "messages that could not be published"),
    ("AwsCalls", "calls to AWS"),
    ("AwsRetries", "attempts beyond the first of a call to AWS"),
];

/// What the answer does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Records of the input to be tried again, or not understood.
    pub failed: usize,
    /// The objects were judged because of an event, not for somebody who asked.
    pub live: bool,
    /// Drifts of every bucket that was looked at: repaired and read back, and left.
    pub repaired: usize,
    pub flagged: usize,
    /// Open incidents, where every bucket's were read.
    pub open_incidents: Option<usize>,
    pub sent: usize,
    pub unsent: usize,
}

impl Counts {
    /// Counts the drifts of a bucket that was looked at, by whoever holds its lease.
    pub fn drifts(&mut self, bucket: &BucketAnswer) {
        if bucket.drift_is_left() {
            self.flagged += bucket.drifts.len();
        } else {
            self.repaired += bucket.drifts.len();
        }
    }
}

/// Adds the figures to an invocation's log line. `function`: the function's name; `now`: the time of the figures,
/// which CloudWatch takes from two weeks ago to two hours ahead.
pub fn embed(line: &mut Value, function: &str, now: Timestamp, answer: &Answer, counts: Counts, usage: &[Usage]) {
    let Some(line) = line.as_object_mut() else { return };
    let named: Vec<(&str, usize)> = figures(answer, counts, usage)
        .into_iter()
        .filter(|(name, value)| *value > 0 || *name == "OpenIncidents")
        .collect();
    if !usage.is_empty() {
        // Not metrics: to be searched for in the logs, at no price.
        let calls = usage.iter().map(|used| (used.operation.to_string(), json!(used.calls))).collect();
        let retried = usage.iter().filter(|used| used.retries > 0);
        let retries = retried.map(|used| (used.operation.to_string(), json!(used.retries))).collect();
        line.insert("aws.calls".to_owned(), Value::Object(calls));
        line.insert("aws.retries".to_owned(), Value::Object(retries));
    }
    if named.is_empty() {
        return;
    }
    let metrics: Vec<Value> = named.iter().map(|(name, _)| json!({ "Name": name, "Unit": "Count" })).collect();
    let directive = json!({ "Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": metrics });
    line.insert("_aws".to_owned(), json!({ "Timestamp": now, "CloudWatchMetrics": [directive] }));
    line.insert(DIMENSION.to_owned(), json!(function));
    for (name, value) in named {
        line.insert(name.to_owned(), json!(value));
    }
}

/// The name in a function's ARN, without version or alias.
pub fn function_name(arn: &str) -> Option<&str> {
    let (_, name) = arn.split_once(":function:")?;
    name.split(':').next().filter(|name| !name.is_empty())
}

fn figures(answer: &Answer, counts: Counts, usage: &[Usage]) -> Vec<(&'static str, usize)> {
    let read = |read| if counts.live { answer.count(read) } else { 0 };
    let total = |of: fn(&Usage) -> u64| usize::try_from(usage.iter().map(of).sum::<u64>()).unwrap_or(usize::MAX);
    let mut figures = vec![
        ("ObjectsAllowed", read(Read::Allowed)),
        ("ObjectsDenied", read(Read::Denied)),
        ("ObjectsDepends", read(Read::Depends)),
        ("ObjectsGone", read(Read::Gone)),
        ("RecordsFailed", counts.failed),
        ("DriftsRepaired", counts.repaired),
        ("DriftsFlagged", counts.flagged),
        ("MessagesSent", counts.sent),
        ("MessagesFailed", counts.unsent),
        ("AwsCalls", total(|used| used.calls)),
        ("AwsRetries", total(|used| used.retries)),
    ];
    figures.extend(counts.open_incidents.map(|open| ("OpenIncidents", open)));
    figures
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::aws::Operation;

    #[test]
    fn every_figure_has_its_line_in_the_list_of_names_and_no_name_is_without_figure() {
        let counts = Counts { open_incidents: Some(0), ..Counts::default() };
        let mut made: Vec<&str> = figures(&Answer::default(), counts, &[]).into_iter().map(|(name, _)| name).collect();
        let mut listed: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
        made.sort_unstable();
        listed.sort_unstable();
        assert_eq!(made, listed);
    }

    #[test]
    fn what_is_zero_is_not_sent_but_for_the_open_incidents_of_a_run_over_everything() {
        let mut line = json!({ "message": "m" });
        embed(&mut line, "f", Timestamp::from_millis(1), &Answer::default(), Counts::default(), &[]);
        assert_eq!(line, json!({ "message": "m" }));
        let counts = Counts { open_incidents: Some(0), ..Counts::default() };
        embed(&mut line, "f", Timestamp::from_millis(1), &Answer::default(), counts, &[]);
        assert_eq!(line["OpenIncidents"], 0);
        assert_eq!(
            line["_aws"]["CloudWatchMetrics"][0]["Metrics"],
            json!([{"Name": "OpenIncidents", "Unit": "Count"}])
        );
    }

    #[test]
    fn calls_are_metrics_in_total_and_plain_fields_by_operation() {
        let usage = [
            Usage { operation: Operation::HeadObject, calls: 3, retries: 0 },
            Usage { operation: Operation::GetItem, calls: 1, retries: 2 },
        ];
        let mut line = json!({});
        embed(&mut line, "f", Timestamp::from_millis(1), &Answer::default(), Counts::default(), &usage);
        assert_eq!((&line["AwsCalls"], &line["AwsRetries"]), (&json!(4), &json!(2)));
        assert_eq!(line["aws.calls"], json!({"HeadObject": 3, "GetItem": 1}));
        assert_eq!(line["aws.retries"], json!({"GetItem": 2}));
    }

    #[test]
    fn the_functions_name_is_that_in_its_arn() {
        for (arn, name) in [
            ("arn:aws:lambda:eu-central-1:111122223333:function:guard", Some("guard")),
            ("arn:aws:lambda:eu-central-1:111122223333:function:guard:live", Some("guard")),
            ("arn:aws:lambda:eu-central-1:111122223333:function:", None),
            ("arn:aws:s3:::b", None),
        ] {
            assert_eq!(function_name(arn), name);
        }
    }
}
