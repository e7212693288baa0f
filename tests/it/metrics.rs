//! The figures in a log line are what CloudWatch takes for metrics, and dashboard and docs show those that there are.

use crate::harness::{Setup, changed, created, in_lambda, setup, sqs};
use crate::world::{BUCKET, World};
use darwin_s3_guard::app::ports::Leases;
use darwin_s3_guard::model::aws::{ErrorClass, Operation};
use darwin_s3_guard::report::metrics::{DIMENSION, NAMES, NAMESPACE};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// The rules of the embedded metric format, as far as they concern us.
fn check(line: &Value) -> BTreeSet<String> {
    let aws = &line["_aws"];
    assert!(aws["Timestamp"].is_u64(), "{aws}");
    let mut found = BTreeSet::new();
    for directive in aws["CloudWatchMetrics"].as_array().unwrap() {
        assert_eq!(directive["Namespace"], NAMESPACE);
        for dimension in directive["Dimensions"].as_array().unwrap().iter().flat_map(|set| set.as_array().unwrap()) {
            let value = line[dimension.as_str().unwrap()].as_str().unwrap();
            assert!((1..=1024).contains(&value.len()), "{value}");
        }
        let metrics = directive["Metrics"].as_array().unwrap();
        assert!((1..=100).contains(&metrics.len()));
        for metric in metrics {
            let name = metric["Name"].as_str().unwrap();
            assert!(line[name].is_u64(), "{name} has no value");
            assert!(found.insert(name.to_owned()), "{name} twice");
        }
    }
    found
}

fn last(s: &Setup) -> Value {
    s.lines().into_iter().rfind(|line| line.get("items").is_some()).unwrap()
}

#[tokio::test]
async fn an_invocations_line_is_a_valid_metric_document_of_what_happened() {
    let s = setup(World::healthy(), &[]);
    let bad = s.world.key("bad", false);
    s.world.object("a.png", None);
    s.world.object("b.png", Some(&bad));
    in_lambda(&s, sqs(&[created("a.png"), created("b.png"), created("gone.png"), json!("{")])).await;
    let line = last(&s);
    let names = check(&line);
    let wanted = ["MessagesSent", "ObjectsAllowed", "ObjectsDenied", "ObjectsGone", "RecordsFailed"];
    assert_eq!(names.iter().map(String::as_str).collect::<Vec<_>>(), wanted);
    assert!(wanted.iter().all(|name| line[*name] == 1), "{line:#}");
    assert_eq!(line[DIMENSION], "guard");
}

#[tokio::test]
async fn a_scheduled_run_says_how_many_incidents_are_open_and_what_was_repaired() {
    let s = setup(World::healthy(), &[]);
    let sweep = json!({"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": {}});
    in_lambda(&s, sweep.clone()).await;
    assert_eq!((check(&last(&s)).len(), &last(&s)["OpenIncidents"]), (1, &json!(0)));
    let bad = s.world.key("bad", false);
    s.world.object("b.png", Some(&bad));
    in_lambda(&s, created("b.png")).await;
    s.world.bucket(|bucket| bucket.cors.write(None, 0));
    in_lambda(&s, sweep).await;
    let line = last(&s);
    check(&line);
    assert_eq!((&line["OpenIncidents"], &line["DriftsRepaired"]), (&json!(1), &json!(1)), "{line:#}");
}

#[tokio::test]
async fn outside_lambda_a_line_is_a_line() {
    let s = setup(World::healthy(), &[]);
    s.world.object("a.png", None);
    s.handle(created("a.png")).await;
    assert!(last(&s).get("_aws").is_none());
}

#[tokio::test]
async fn what_somebody_asks_for_by_hand_is_not_in_the_graphs_until_something_is_written() {
    let s = setup(World::healthy(), &[]);
    s.world.object("a.png", None);
    s.world.bucket(|bucket| bucket.cors.write(None, 0));
    for event in [
        json!({"action": "audit"}),
        json!({"action": "judge", "bucket": BUCKET, "key": "a.png"}),
        json!({"action": "repair", "dry_run": true}),
    ] {
        in_lambda(&s, event.clone()).await;
        assert!(last(&s).get("_aws").is_none(), "{event}");
    }
    in_lambda(&s, json!({"action": "repair"})).await;
    assert_eq!(last(&s)["DriftsRepaired"], 1);
}

#[tokio::test]
async fn a_drift_that_another_function_is_at_is_not_counted_as_left() {
    let s = setup(World::healthy(), &[]);
    s.world.bucket(|bucket| bucket.cors.write(None, 0));
    let now = s.world.now.get();
    s.guard.memory.lease(BUCKET, "another", now, now + Duration::from_mins(1)).await.unwrap();
    in_lambda(&s, changed("DeleteBucketCors")).await;
    assert_eq!(last(&s)["buckets"][0]["drifts"].as_array().map(Vec::len), Some(1), "it was seen");
    assert!(last(&s).get("DriftsFlagged").is_none(), "{:#}", last(&s));
}

#[tokio::test]
async fn a_message_that_does_not_go_out_is_counted_and_so_is_a_test() {
    let s = setup(World::healthy(), &[]);
    let bad = s.world.key("bad", false);
    s.world.object("b.png", Some(&bad));
    for event in [sqs(&[created("b.png")]), json!({"action": "test-alert"})] {
        s.world.fault(Operation::Publish, ErrorClass::Throttled, "Throttled", 400);
        in_lambda(&s, event.clone()).await;
        assert_eq!((&last(&s)["MessagesFailed"], last(&s).get("MessagesSent")), (&json!(1), None), "{event}");
        in_lambda(&s, event.clone()).await;
        assert_eq!((&last(&s)["MessagesSent"], last(&s).get("MessagesFailed")), (&json!(1), None), "{event}");
    }
}

/// The names that follow the namespace in the dashboard, and those that take it over by `"."`.
fn on_the_dashboard() -> BTreeSet<String> {
    let template = include_str!("../../template.yaml");
    let body = template.split("DashboardBody: !Sub >-").nth(1).unwrap().split("\n\n").next().unwrap();
    let (mut namespace, mut found) = ("", BTreeSet::new());
    for line in body.split("[\"").skip(1) {
        let mut parts = line.split("\", \"");
        let (first, name) = (parts.next().unwrap(), parts.next().unwrap().split('"').next().unwrap());
        if !first.starts_with('.') {
            namespace = first;
        }
        if namespace == NAMESPACE {
            found.insert(name.to_owned());
        }
    }
    found
}

#[test]
fn an_alarm_on_a_metric_of_ours_names_one_that_there_is() {
    let alarms = include_str!("../../template.yaml").split("Type: AWS::CloudWatch::Alarm\n").skip(1);
    let ours = alarms.filter(|alarm| alarm.contains(&format!("Namespace: {NAMESPACE}\n")));
    let watched: Vec<&str> = ours
        .map(|alarm| {
            assert!(alarm.contains(&format!("[{{Name: {DIMENSION}, Value: !Ref GuardFunction}}]\n")), "{alarm:.400}");
            alarm.lines().find_map(|line| line.trim().strip_prefix("MetricName: ")).unwrap()
        })
        .collect();
    assert!(watched.contains(&"MessagesFailed"));
    let unknown: Vec<_> = watched.iter().filter(|name| !NAMES.iter().any(|(known, _)| known == *name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn the_dashboard_and_the_docs_show_every_metric_and_no_other() {
    let names: BTreeSet<String> = NAMES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(on_the_dashboard(), names);
    let docs = include_str!("../../docs/metrics.md");
    let rows: BTreeSet<String> =
        docs.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next().map(str::to_owned)).collect();
    assert_eq!(rows, names);
}
