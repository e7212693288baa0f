//! The template's dashboard and alarms, and docs/metrics.md, name the metrics that the code emits: all of them, no other.

use darwin_s3_guard::metrics::{self, Counts, DIMENSION, Metric, NAMESPACE};
use darwin_s3_guard::ports::{Operation, Usage};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const TEMPLATE: &str = include_str!("../../template.yaml");
const DOCUMENT: &str = include_str!("../../docs/metrics.md");

/// The first JSON value of a text.
fn first_value(text: &str) -> Value {
    serde_json::Deserializer::from_str(text).into_iter().next().unwrap().unwrap()
}

/// The metrics of ours on the dashboard: a widget a line, `.` meaning the same as in the row above.
fn on_the_dashboard() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in TEMPLATE.lines().filter(|line| line.contains(r#""type": "metric""#)) {
        let mut above: Vec<Value> = Vec::new();
        for row in first_value(line.split_once(r#""metrics": "#).unwrap().1).as_array().unwrap() {
            let parts = row.as_array().unwrap().iter().enumerate();
            let row: Vec<Value> =
                parts.map(|(n, part)| if part == "." { above[n].clone() } else { part.clone() }).collect();
            if row[0] == NAMESPACE {
                assert_eq!(row[2..4], [json!(DIMENSION), json!("${GuardFunction}")], "{line}");
                found.insert(row[1].as_str().unwrap().to_owned());
            }
            above = row;
        }
    }
    found
}

/// The metrics of ours that an alarm watches.
fn with_an_alarm() -> BTreeSet<String> {
    let alarms = TEMPLATE.split("Type: AWS::CloudWatch::Alarm").skip(1);
    let ours = alarms.filter(|alarm| alarm.contains(&format!("Namespace: {NAMESPACE}\n")));
    ours.map(|alarm| {
        assert!(alarm.contains(&format!("- {{Name: {DIMENSION}, Value: !Ref GuardFunction}}")));
        alarm.lines().find_map(|line| line.trim().strip_prefix("MetricName: ")).unwrap().to_owned()
    })
    .collect()
}

fn emitted() -> BTreeSet<String> {
    Metric::ALL.iter().map(|metric| metric.name()).collect()
}

#[test]
fn the_dashboard_shows_every_metric_and_none_that_nobody_emits() {
    assert_eq!(on_the_dashboard(), emitted());
}

#[test]
fn an_alarm_watches_a_metric_that_is_emitted() {
    let watched = with_an_alarm();
    assert!(watched.contains("MessagesFailed"));
    assert!(watched.is_subset(&emitted()), "{watched:?}");
    let widgets = TEMPLATE.lines().filter(|line| line.contains(&format!("[\"{NAMESPACE}\""))).count();
    assert_eq!(TEMPLATE.matches(&format!("\"{NAMESPACE}\"")).count(), widgets, "only widgets that were looked at");
    assert_eq!(TEMPLATE.matches(&format!(": {NAMESPACE}\n")).count(), watched.len(), "only alarms that were looked at");
}

#[test]
fn the_document_has_a_row_for_every_metric_in_the_order_of_the_list() {
    let rows: Vec<&str> = DOCUMENT
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | ").map(|(name, _)| name))
        .collect();
    assert_eq!(rows, Metric::ALL.iter().map(|metric| metric.name()).collect::<Vec<_>>());
}

#[test]
fn the_documents_line_is_what_the_code_makes_of_those_counts() {
    let mut line = json!({});
    let usage = [Usage { operation: Operation::HeadObject, calls: 100, retries: 0 }];
    metrics::embed(&mut line, &Counts { allowed: 100, ..Counts::default() }, &usage, "guard", 1_795_521_600_000);
    assert_eq!(first_value(DOCUMENT.split_once("```json\n").unwrap().1), line);
}
