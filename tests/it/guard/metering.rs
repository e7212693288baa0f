//! The metrics of an invocation, over the in-memory AWS: what is counted, when, and that the line is one that
//! CloudWatch takes metrics out of.

use super::*;
use darwin_s3_guard::metrics::{Metric, Metrics};
use darwin_s3_guard::ports::{Meter, Usage};
use std::collections::{BTreeMap, BTreeSet};

/// Counts the calls that the in-memory AWS has got.
struct WorldMeter {
    world: Rc<World>,
    taken: RefCell<usize>,
}

impl Meter for WorldMeter {
    fn take(&self) -> Vec<Usage> {
        let calls = self.world.calls.borrow();
        let mut counts: BTreeMap<Operation, u64> = BTreeMap::new();
        for (operation, _) in calls.iter().skip(self.taken.replace(calls.len())) {
            *counts.entry(*operation).or_default() += 1;
        }
        counts.into_iter().map(|(operation, calls)| Usage { operation, calls, retries: 0 }).collect()
    }
}

fn deployed(world: World, variables: &[(&str, &str)]) -> Setup {
    let mut s = setup(world, variables);
    let meter = WorldMeter { world: Rc::clone(&s.world), taken: RefCell::new(0) };
    s.guard.metrics = Some(Metrics { function_name: "guard-1".to_owned(), meter: Box::new(meter) });
    s
}

/// The rules of the embedded metric format, as far as a document of ours could break them; its metrics by name.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
fn metrics_of(line: &Value, now_ms: u64) -> BTreeMap<String, u64> {
    let root = line.as_object().expect("a line is a JSON object");
    assert!(line.to_string().len() < 256 * 1024, "Lambda cuts longer lines");
    let Some(aws) = root.get("_aws") else {
        assert!(
            Metric::ALL.iter().all(|metric| !root.contains_key(&metric.name())),
            "a value that nobody sees: {line}"
        );
        return BTreeMap::new();
    };
    assert_eq!(aws["Timestamp"], now_ms, "milliseconds since the epoch");
    assert_eq!(aws.as_object().unwrap().len(), 2, "Timestamp and CloudWatchMetrics: {aws}");
    let directives = aws["CloudWatchMetrics"].as_array().unwrap();
    assert_eq!(directives.len(), 1);
    let directive = &directives[0];
    assert_eq!(directive["Namespace"], "DarwinS3Guard");
    for set in directive["Dimensions"].as_array().unwrap() {
        let names = set.as_array().unwrap();
        assert!((1..=30).contains(&names.len()));
        for name in names {
            let value = root[name.as_str().unwrap()].as_str().expect("a dimension's value is a string at the root");
            assert!((1..=1024).contains(&value.len()));
        }
    }
    let definitions = directive["Metrics"].as_array().unwrap();
    assert!((1..=100).contains(&definitions.len()));
    let mut found = BTreeMap::new();
    for definition in definitions {
        let name = definition["Name"].as_str().unwrap();
        assert_eq!(definition["Unit"], "Count");
        assert!(Metric::ALL.iter().any(|metric| metric.name() == name), "{name} is in no list");
        let value = root[name].as_u64().expect("a metric's value is a number at the root");
        assert_eq!(found.insert(name.to_owned(), value), None, "{name} is defined twice");
    }
    found
}

impl Setup {
    /// The metrics of what was handled last.
    fn counted(&self) -> BTreeMap<String, u64> {
        let lines = self.guard.log.0.borrow();
        let line = lines.iter().rfind(|line| line.get("items").is_some()).unwrap();
        metrics_of(line, self.world.now.get())
    }

    fn count_of(&self, name: &str) -> Option<u64> {
        self.counted().get(name).copied()
    }
}

fn counts(of: &[(&str, u64)]) -> BTreeMap<String, u64> {
    of.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

fn schedule() -> Value {
    json!({"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": {}})
}

#[tokio::test]
async fn a_batch_is_counted_by_verdict_with_the_messages_it_led_to() {
    let s = deployed(World::healthy(), &[]);
    let (good, bad) = (s.world.key("good", true), s.world.key("bad", false));
    s.world.object("1.png", Some(&good));
    s.world.object("2.png", Some(&bad));
    s.world.object("3.png", Some(&bad));
    let bodies: Vec<Value> = ["1.png", "2.png", "3.png", "gone.png"].map(created).to_vec();
    s.handle(sqs(&bodies)).await;
    let mut counted = s.counted();
    assert_eq!(counted.remove("AwsCalls"), Some(s.world.calls.borrow().len() as u64));
    let wanted =
        [("IncidentsOpened", 1), ("MessagesSent", 1), ("ObjectsAllowed", 1), ("ObjectsDenied", 2), ("ObjectsGone", 1)];
    assert_eq!(counted, counts(&wanted));
    let lines = s.guard.log.0.borrow();
    assert_eq!(lines.iter().filter(|line| line.get("_aws").is_some()).count(), 1);
    let line = lines.iter().find(|line| line.get("_aws").is_some()).unwrap();
    assert_eq!(line["aws_calls"]["HeadObject"], 4);
    assert_eq!(line["aws_calls"]["Publish"], 1);
    assert_eq!(line["FunctionName"], "guard-1");
}

#[tokio::test]
async fn calls_are_counted_by_the_invocation_that_made_them() {
    let s = deployed(World::healthy(), &[]);
    s.world.object("1.png", None);
    s.handle(created("1.png")).await;
    assert!(s.count_of("AwsCalls").unwrap() > 1);
    s.handle(created("1.png")).await;
    assert_eq!(s.counted(), counts(&[("AwsCalls", 1), ("ObjectsAllowed", 1)]));
}

#[tokio::test]
async fn an_invocation_with_nothing_to_do_has_the_line_it_had_without_metrics() {
    let s = deployed(World::healthy(), &[]);
    let without = setup(World::healthy(), &[]);
    let event =
        json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-11-24T00:00:00.000Z", "Bucket": BUCKET});
    s.handle(event.clone()).await;
    without.handle(event).await;
    assert_eq!(*s.guard.log.0.borrow(), *without.guard.log.0.borrow());
    assert_eq!(s.guard.log.0.borrow().len(), 1);
}

#[tokio::test]
async fn the_shell_form_meters_nothing() {
    let s = setup(World::healthy(), &[]);
    s.handle(created("gone.png")).await;
    assert_eq!(s.counted(), counts(&[]));
}

#[tokio::test]
async fn objects_that_could_not_be_judged_are_counted_apart() {
    let s = deployed(World::healthy(), &[]);
    s.world.object("1.png", None);
    s.world.fault(Operation::HeadObject, ErrorClass::Throttled, "SlowDown", 503);
    s.handle(sqs(&[created("1.png"), created("1.png")])).await;
    assert_eq!((s.count_of("ObjectsFailed"), s.count_of("ObjectsAllowed")), (Some(1), Some(1)));
}

#[tokio::test]
async fn drift_is_counted_as_repaired_or_as_flagged() {
    for (mode, repaired, flagged) in [("repair", Some(2), None), ("flag", None, Some(2))] {
        let s = deployed(World::healthy(), &[("MODE", mode)]);
        s.world.bucket(|bucket| {
            bucket.policy.write(Some(without_ours()), 0);
            bucket.cors.write(None, 0);
        });
        s.handle(changed("DeleteBucketPolicy")).await;
        assert_eq!((s.count_of("DriftsRepaired"), s.count_of("DriftsFlagged")), (repaired, flagged), "{mode}");
        let resolved = if mode == "repair" { Some(2) } else { None };
        assert_eq!((s.count_of("IncidentsOpened"), s.count_of("IncidentsResolved")), (Some(2), resolved), "{mode}");
    }
}

#[tokio::test]
async fn what_somebody_asks_by_hand_is_not_in_the_graphs() {
    let s = deployed(World::healthy(), &[]);
    s.world.bucket(|bucket| bucket.policy.write(Some(without_ours()), 0));
    s.world.object("1.png", None);
    for event in [
        json!({"action": "audit"}),
        json!({"action": "judge", "bucket": BUCKET, "key": "1.png"}),
        json!({"action": "repair", "dry_run": true}),
    ] {
        s.handle(event.clone()).await;
        assert_eq!(s.counted().keys().map(String::as_str).collect::<Vec<_>>(), ["AwsCalls"], "{event}");
    }
    s.handle(json!({"action": "repair"})).await;
    assert_eq!(s.count_of("DriftsRepaired"), Some(1), "what was written counts, whoever asked");
}

#[tokio::test]
async fn the_schedule_says_how_many_incidents_are_open_and_that_none_is_any_more() {
    let s = deployed(World::healthy(), &[]);
    let bad = s.world.key("bad", false);
    s.world.object("1.png", Some(&bad));
    s.handle(created("1.png")).await;
    assert_eq!(s.count_of("IncidentsOpen"), None, "a batch does not know what else is open");
    s.handle(schedule()).await;
    assert_eq!(s.count_of("IncidentsOpen"), Some(1));
    s.world.key("bad", true);
    s.world.now.set(s.world.now.get() + 3_600_000);
    s.handle(schedule()).await;
    assert_eq!((s.count_of("IncidentsOpen"), s.count_of("IncidentsResolved")), (Some(0), Some(1)));
}

#[tokio::test]
async fn a_message_that_does_not_go_out_is_counted_as_failed_and_opens_nothing() {
    let s = deployed(World::healthy(), &[]);
    let bad = s.world.key("bad", false);
    s.world.object("1.png", Some(&bad));
    s.world.fault(Operation::Publish, ErrorClass::Throttled, "Throttled", 400);
    s.handle(sqs(&[created("1.png")])).await;
    let of = |name| s.count_of(name);
    assert_eq!((of("MessagesFailed"), of("MessagesSent"), of("IncidentsOpened")), (Some(1), None, None));
    s.handle(json!({"action": "test-alert"})).await;
    assert_eq!((of("MessagesFailed"), of("MessagesSent"), of("IncidentsOpened")), (None, Some(1), None));
}

#[test]
fn no_two_metrics_have_the_same_name_and_none_is_a_field_of_the_line_already() {
    let names: BTreeSet<String> = Metric::ALL.iter().map(|metric| metric.name()).collect();
    assert_eq!(names.len(), Metric::ALL.len());
    let line = darwin_s3_guard::answer::log_line(&darwin_s3_guard::answer::Answer::default(), 0, 0, "r");
    for added in names.iter().map(String::as_str).chain(["_aws", "FunctionName", "aws_calls", "aws_retries"]) {
        assert!(line.get(added).is_none(), "{added}");
    }
}
