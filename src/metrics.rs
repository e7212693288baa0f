//! What an invocation counts, in the CloudWatch embedded metric format: fields that are put into its one log line.
//!
//! CloudWatch Logs takes the metrics out of the line, so no call is made for them and no line is added. Written out
//! here rather than taken from a crate: those that exist bring a global recorder or a writer of their own, and the
//! line has to go through `ports::Log`. Every metric is billed by its dimensions, so there is one dimension; what
//! is worth knowing by operation stands beside as plain fields. A zero is left out, except where zero is news.
//! Must never name a metric that is not in `Metric::ALL`: docs/metrics.md and the dashboard are held to that list.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use crate::answer::{Answer, BucketAnswer, Read};
use crate::incident::Status;
use crate::ports::{Meter, Usage};
use serde_json::{Map, Value, json};
use std::fmt;

/// The namespace of every metric.
pub const NAMESPACE: &str = "DarwinS3Guard";
/// The one dimension. Its value is the function's name, so that two deployments in an account stay apart.
pub const DIMENSION: &str = "FunctionName";

/// Every metric there is. All are counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    ObjectsAllowed,
    ObjectsDenied,
    ObjectsDepends,
    ObjectsGone,
    ObjectsFailed,
    DriftsRepaired,
    DriftsFlagged,
    IncidentsOpened,
    IncidentsResolved,
    IncidentsOpen,
    MessagesSent,
    MessagesFailed,
    AwsCalls,
    AwsRetries,
}

impl Metric {
    /// Every one of them.
    pub const ALL: &'static [Self] = &[
        Self::ObjectsAllowed,
        Self::ObjectsDenied,
        Self::ObjectsDepends,
        Self::ObjectsGone,
        Self::ObjectsFailed,
        Self::DriftsRepaired,
        Self::DriftsFlagged,
        Self::IncidentsOpened,
        Self::IncidentsResolved,
        Self::IncidentsOpen,
        Self::MessagesSent,
        Self::MessagesFailed,
        Self::AwsCalls,
        Self::AwsRetries,
    ];

    /// The name in CloudWatch, and of the field in the log line.
    pub fn name(self) -> String {
        format!("{self:?}")
    }
}

/// What an invocation counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Objects that an event led to, by verdict.
    pub allowed: u64,
    pub denied: u64,
    pub depends: u64,
    pub gone: u64,
    /// Objects that could not be judged: a call failed, or time ran out.
    pub failed: u64,
    /// Drifts repaired and read back; drifts left.
    pub repaired: u64,
    pub flagged: u64,
    /// Messages that an incident opened, or that it resolved; one that was broken and repaired in one go is both.
    pub opened: u64,
    pub resolved: u64,
    /// Incidents left open. Known to the schedule alone, which reads them anyway.
    pub open: Option<u64>,
    /// Messages that went out (as log lines, where there is no topic), and that did not.
    pub sent: u64,
    pub unsent: u64,
}

impl Counts {
    /// The objects of an answer.
    pub fn objects(&mut self, answer: &Answer) {
        for object in &answer.objects {
            match object.read {
                Read::Allowed => self.allowed += 1,
                Read::Denied => self.denied += 1,
                Read::Depends => self.depends += 1,
                Read::Gone => self.gone += 1,
            }
        }
    }

    /// The drifts of a bucket that was looked at.
    pub fn drifts(&mut self, bucket: &BucketAnswer) {
        let drifts = u64::try_from(bucket.drifts.len()).unwrap_or(u64::MAX);
        if bucket.drift_is_left() {
            self.flagged += drifts;
        } else {
            self.repaired += drifts;
        }
    }

    /// A message that went out.
    pub fn message(&mut self, status: Status) {
        self.sent += 1;
        match status {
            Status::Opened => self.opened += 1,
            Status::Resolved => self.resolved += 1,
            Status::Repaired => {
                self.opened += 1;
                self.resolved += 1;
            }
            Status::Reminder | Status::Test => {}
        }
    }

    /// The values that are worth a data point.
    fn values(&self, usage: &[Usage]) -> Vec<(Metric, u64)> {
        let calls = usage.iter().map(|usage| usage.calls).sum();
        let retries = usage.iter().map(|usage| usage.retries).sum();
        let value = |metric| match metric {
            Metric::ObjectsAllowed => some(self.allowed),
            Metric::ObjectsDenied => some(self.denied),
            Metric::ObjectsDepends => some(self.depends),
            Metric::ObjectsGone => some(self.gone),
            Metric::ObjectsFailed => some(self.failed),
            Metric::DriftsRepaired => some(self.repaired),
            Metric::DriftsFlagged => some(self.flagged),
            Metric::IncidentsOpened => some(self.opened),
            Metric::IncidentsResolved => some(self.resolved),
            // A gauge: that none is open any more has to be said.
            Metric::IncidentsOpen => self.open,
            Metric::MessagesSent => some(self.sent),
            Metric::MessagesFailed => some(self.unsent),
            Metric::AwsCalls => some(calls),
            Metric::AwsRetries => some(retries),
        };
        Metric::ALL.iter().filter_map(|metric| Some((*metric, value(*metric)?))).collect()
    }
}

fn some(value: u64) -> Option<u64> {
    (value > 0).then_some(value)
}

/// Puts an invocation's counts into its log line. `usage`: its AWS calls. Nothing to count leaves the line as it is.
pub fn embed(line: &mut Value, counts: &Counts, usage: &[Usage], function_name: &str, now_ms: u64) {
    let Some(fields) = line.as_object_mut() else { return };
    let by_operation = |count: fn(&Usage) -> u64| -> Map<String, Value> {
        let counted = usage.iter().filter(|usage| count(usage) > 0);
        counted.map(|usage| (usage.operation.to_string(), json!(count(usage)))).collect()
    };
    for (name, counted) in
        [("aws_calls", by_operation(|usage| usage.calls)), ("aws_retries", by_operation(|usage| usage.retries))]
    {
        if !counted.is_empty() {
            fields.insert(name.to_owned(), Value::Object(counted));
        }
    }
    let values = counts.values(usage);
    if values.is_empty() {
        return;
    }
    let definitions: Vec<Value> =
        values.iter().map(|(metric, _)| json!({ "Name": metric.name(), "Unit": "Count" })).collect();
    fields.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": now_ms,
            "CloudWatchMetrics": [{ "Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": definitions }],
        }),
    );
    fields.insert(DIMENSION.to_owned(), json!(function_name));
    for (metric, value) in values {
        fields.insert(metric.name(), json!(value));
    }
}

/// Where the metrics of a deployed guard come from; the shell form has none.
pub struct Metrics {
    /// The dimension's value.
    pub function_name: String,
    pub meter: Box<dyn Meter>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("function_name", &self.function_name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::Operation;

    fn embedded(counts: &Counts, usage: &[Usage]) -> Value {
        let mut line = json!({ "level": "INFO", "message": "handled" });
        embed(&mut line, counts, usage, "guard", 1_795_521_600_000);
        line
    }

    fn usage(operation: Operation, calls: u64, retries: u64) -> Usage {
        Usage { operation, calls, retries }
    }

    #[test]
    fn an_invocation_that_counts_nothing_leaves_its_line_as_it_is() {
        assert_eq!(embedded(&Counts::default(), &[]), json!({ "level": "INFO", "message": "handled" }));
    }

    #[test]
    fn a_zero_is_left_out_but_that_nothing_is_open_any_more_is_said() {
        let line = embedded(&Counts { open: Some(0), ..Counts::default() }, &[]);
        assert_eq!(line["IncidentsOpen"], 0);
        assert_eq!(
            line["_aws"],
            json!({
                "Timestamp": 1_795_521_600_000_u64,
                "CloudWatchMetrics": [{
                    "Namespace": "DarwinS3Guard",
                    "Dimensions": [["FunctionName"]],
                    "Metrics": [{ "Name": "IncidentsOpen", "Unit": "Count" }],
                }],
            })
        );
        assert_eq!(line["FunctionName"], "guard");
        assert_eq!(line.as_object().unwrap().len(), 5, "{line}");
    }

    #[test]
    fn calls_are_one_metric_in_total_and_plain_fields_by_operation() {
        let line =
            embedded(&Counts::default(), &[usage(Operation::HeadObject, 100, 3), usage(Operation::GetKeyPolicy, 1, 0)]);
        assert_eq!((&line["AwsCalls"], &line["AwsRetries"]), (&json!(101), &json!(3)));
        assert_eq!(line["aws_calls"], json!({ "HeadObject": 100, "GetKeyPolicy": 1 }));
        assert_eq!(line["aws_retries"], json!({ "HeadObject": 3 }));
    }

    #[test]
    fn what_was_broken_and_repaired_in_one_go_opened_and_resolved_an_incident_with_one_message() {
        let mut counts = Counts::default();
        for status in Status::ALL {
            counts.message(*status);
        }
        assert_eq!((counts.sent, counts.opened, counts.resolved), (5, 2, 2));
    }
}
