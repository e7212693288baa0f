//! Decoding: every sample of `events/` is what its README says, and no input makes the decoder lose or break anything.

mod laws;
mod manual;
mod types;

use darwin_s3_guard::event::decode::decode;
use darwin_s3_guard::event::trigger::{Decoded, Envelope, Item, Trigger};
use darwin_s3_guard::model::arn::AccountId;
use darwin_s3_guard::model::contract::Home;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const STACK: &str =
    "arn:aws:cloudformation:eu-central-1:111122223333:stack/darwin-guard/cf7ac5b0-2a5f-11f1-9d3b-0a58a9feac02";
const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

fn home() -> Home {
    Home {
        account: AccountId::parse("111122223333").unwrap(),
        region: "eu-central-1".into(),
        partition: "aws".into(),
        function: None,
    }
}

fn decoded(event: &Value) -> Decoded {
    decode(event, &home(), Some(STACK))
}

fn only(event: &Value) -> Item {
    let mut items = decoded(event).items;
    assert_eq!(items.len(), 1, "{items:?}");
    items.remove(0)
}

fn events() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("events")
}

fn sample(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(events().join(name)).unwrap()).unwrap()
}

fn samples() -> BTreeMap<String, Value> {
    let names = std::fs::read_dir(events()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names
        .filter(|name| Path::new(name).extension().is_some_and(|end| end == "json"))
        .map(|name| (name.clone(), sample(&name)))
        .collect()
}

/// A trigger in a line.
fn told(trigger: &Trigger) -> String {
    match trigger {
        Trigger::Object(object) => {
            let version = object.version_id.as_deref().unwrap_or("-");
            let (region, requester) =
                (object.region.as_deref().unwrap_or("-"), object.requester.as_deref().unwrap_or("-"));
            format!(
                "object {}/{} version={version} region={region} requester={requester} ({})",
                object.bucket, object.key, object.name
            )
        }
        Trigger::Config(change) => {
            let bucket = change.bucket.as_deref().unwrap_or("every bucket");
            let region = change.region.as_deref().unwrap_or("-");
            format!(
                "config {bucket} region={region} account={} ({})",
                change.account.as_deref().unwrap_or("-"),
                change.name
            )
        }
        Trigger::Key(change) => {
            let by = change.actor.as_ref().and_then(|actor| actor.arn.as_deref()).unwrap_or("-");
            format!("key {} by {by} ({})", change.keys.join(" "), change.name)
        }
        Trigger::Sweep { reason } => format!("sweep ({reason})"),
        Trigger::Manual(manual) => format!("{manual:?}"),
        Trigger::Nothing { reason } => format!("nothing ({reason})"),
    }
}

fn summary(decoded: &Decoded) -> String {
    let mut out = match &decoded.envelope {
        Envelope::Direct => String::new(),
        Envelope::Sqs => "  SQS batch\n".to_owned(),
        Envelope::BatchJob { schema_version, .. } => format!("  Batch Operations job, schema {schema_version}\n"),
    };
    for item in &decoded.items {
        let id = if item.id.is_empty() { String::new() } else { format!("{} ", item.at) };
        for trigger in &item.triggers {
            let _ = writeln!(out, "  {id}{}", told(trigger));
        }
        for problem in &item.problems {
            let _ = writeln!(out, "  {id}PROBLEM {}: saw {}; wanted {}", problem.at, problem.saw, problem.want);
        }
    }
    out
}

#[test]
fn every_sample_leads_to_its_trigger() {
    let mut all = String::new();
    for (name, event) in samples() {
        let _ = write!(all, "{name}\n{}", summary(&decoded(&event)));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn the_readme_lists_every_sample_and_no_other() {
    let readme = std::fs::read_to_string(events().join("README.md")).unwrap();
    let mut listed: Vec<&str> =
        readme.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name)).collect();
    listed.sort_unstable();
    assert_eq!(listed, samples().keys().map(String::as_str).collect::<Vec<_>>());
}

fn sqs(bodies: &[String]) -> Value {
    let record =
        |(n, body): (usize, &String)| json!({"messageId": format!("m{n}"), "body": body, "eventSource": "aws:sqs"});
    json!({ "Records": bodies.iter().enumerate().map(record).collect::<Vec<_>>() })
}

fn sns(event: &Value) -> Value {
    json!({"Type": "Notification", "Message": event.to_string()})
}

fn sns_record(event: &Value) -> Value {
    json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": event.to_string()}}]})
}

#[test]
fn a_wrapped_event_leads_to_what_it_leads_to_alone() {
    for (name, event) in samples() {
        let alone = decoded(&event);
        if alone.envelope != Envelope::Direct || name.starts_with("manual-") {
            continue;
        }
        for wrapped in [
            sqs(&[event.to_string()]),
            sns_record(&event),
            sqs(&[sns(&event).to_string()]),
            sqs(&[sns_record(&event).to_string()]),
        ] {
            let item = only(&wrapped);
            assert_eq!(item.triggers, alone.items[0].triggers, "{name} in {wrapped}");
            assert_eq!(item.problems.is_empty(), alone.items[0].problems.is_empty(), "{name} in {wrapped}");
        }
    }
}

#[test]
fn a_manual_action_or_a_job_in_a_wrapping_is_refused() {
    let inner = [
        (json!({"action": "repair"}), "a manual action in a wrapping"),
        (json!({"action": "audit", "bucket": "acme-lidar"}), "a manual action in a wrapping"),
        (sample("batch-job-v1.json"), "`invocationSchemaVersion`"),
        (sqs(&[json!({"action": "repair"}).to_string()]), "eventSource `aws:sqs`"),
    ];
    for (event, saw) in inner {
        for wrapped in [sqs(&[event.to_string()]), sns_record(&event), sqs(&[sns(&event).to_string()])] {
            let item = only(&wrapped);
            assert_eq!(item.triggers, [], "{wrapped}");
            assert!(item.problems[0].saw.contains(saw), "{:?}", item.problems);
            assert!(!item.problems[0].retryable);
        }
    }
}

#[test]
fn wrappings_without_end_are_refused() {
    let mut event = sample("eventbridge-object-created.json");
    for _ in 0..6 {
        event = sns(&event);
    }
    let item = only(&event);
    assert_eq!(item.triggers, []);
    assert!(item.problems[0].saw.contains("wrapped more than 4 times"), "{:?}", item.problems);
}

#[test]
fn s3_notifications_are_judged_or_passed_over_by_their_event_name() {
    for (name, judged) in [
        ("ObjectCreated:Copy", true),
        ("s3:ObjectCreated:Put", true),
        ("ObjectRestore:Completed", true),
        ("ObjectRestore:Delete", true),
        ("ObjectAcl:Put", true),
        ("ObjectTagging:Put", true),
        ("LifecycleTransition", true),
        ("IntelligentTiering", true),
        ("ObjectRemoved:DeleteMarkerCreated", false),
        ("LifecycleExpiration:Delete", false),
        ("ObjectRestore:Post", false),
        ("Replication:OperationFailedReplication", false),
    ] {
        let mut event = sample("s3-notification.json");
        event["Records"][0]["eventName"] = json!(name);
        let item = only(&event);
        assert_eq!(matches!(item.triggers[0], Trigger::Object(_)), judged, "{name}: {item:?}");
        assert_eq!(item.triggers.len(), 2, "the neighbour is there too");
    }
}

#[test]
fn eventbridge_object_events_are_judged_but_for_deletions_and_begun_restores() {
    for (name, judged) in [
        ("Object Created", true),
        ("Object Restore Expired", true),
        ("Object Access Tier Changed", true),
        ("Object Tags Added", true),
        ("Object Tags Deleted", true),
        ("Object Deleted", false),
        ("Object Restore Initiated", false),
    ] {
        let mut event = sample("eventbridge-object-acl-updated.json");
        event["detail-type"] = json!(name);
        assert_eq!(matches!(only(&event).triggers[..], [Trigger::Object(_)]), judged, "{name}");
    }
}

#[test]
fn an_eventbridge_key_is_taken_as_it_is() {
    for key in ["a+b.png", "a%2Bb.png", "100%.png", " ", "東京/ü.png"] {
        let mut event = sample("eventbridge-object-created.json");
        event["detail"]["object"]["key"] = json!(key);
        let Trigger::Object(object) = &only(&event).triggers[0] else { panic!("no object") };
        assert_eq!(object.key, key);
    }
}

#[test]
fn a_key_that_s3_cannot_have_encoded_is_a_problem_of_its_record() {
    let mut event = sample("s3-notification.json");
    event["Records"][0]["s3"]["object"]["key"] = json!("100%.png");
    let item = only(&event);
    assert_eq!(item.triggers.len(), 1);
    assert_eq!(item.problems[0].at, "event: Records[0]");
    assert!(item.problems[0].saw.contains("`100%.png`"), "{:?}", item.problems);
}

#[test]
fn a_stack_event_counts_only_for_the_own_stack_once_it_is_settled() {
    let sweeps = |status: &str, stack: Option<&str>| {
        let mut event = sample("stack-status.json");
        event["detail"]["status-details"]["status"] = json!(status);
        let item = decode(&event, &home(), stack).items.remove(0);
        assert_eq!((item.triggers.len(), item.problems.len()), (1, 0), "{item:?}");
        matches!(item.triggers[0], Trigger::Sweep { .. })
    };
    for status in ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"] {
        assert!(sweeps(status, Some(STACK)), "{status}");
        assert!(!sweeps(status, Some("arn:aws:cloudformation:eu-central-1:111122223333:stack/other/1")));
        assert!(!sweeps(status, None));
    }
    for status in ["CREATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "DELETE_COMPLETE", "UPDATE_FAILED"] {
        assert!(!sweeps(status, Some(STACK)), "{status}");
    }
}

#[test]
fn a_cloudtrail_event_carries_who_did_it_and_what_was_asked_for_comparison() {
    let event = sample("cloudtrail-put-bucket-policy.json");
    let Trigger::Config(change) = only(&event).triggers.remove(0) else { panic!("no change") };
    let actor = &change.actor;
    assert_eq!(actor.arn.as_deref(), Some("arn:aws:sts::111122223333:assumed-role/deploy/terraform-ci"));
    assert_eq!(actor.session_issuer.as_deref(), Some("arn:aws:iam::111122223333:role/deploy"));
    assert_eq!(actor.source_ip.as_deref(), Some("198.51.100.23"));
    assert_eq!(actor.time.as_deref(), Some("2026-11-23T09:15:02Z"));
    assert_eq!(actor.event_id.as_deref(), Some("c0ffee00-9d1e-4b3f-8a52-3a9c5f2d1e77"));
    let asked: Value = serde_json::from_str(&change.request_parameters.unwrap()).unwrap();
    assert_eq!(asked["bucketPolicy"]["Statement"][0]["Sid"], "TlsOnly");

    let mut by_service = event;
    by_service["detail"]["userIdentity"] = json!({"type": "AWSService", "invokedBy": "config.amazonaws.com"});
    let Trigger::Config(change) = only(&by_service).triggers.remove(0) else { panic!("no change") };
    assert_eq!(change.actor.arn.as_deref(), Some("config.amazonaws.com"));
}

#[test]
fn calls_that_failed_or_change_no_access_lead_to_nothing() {
    let nothing = |event: &Value| {
        let item = only(event);
        assert!(matches!(item.triggers[..], [Trigger::Nothing { .. }]) && item.problems.is_empty(), "{item:?}");
    };
    for (name, event) in samples() {
        if name.starts_with("cloudtrail-") || name.starts_with("kms-") && event["detail"]["eventName"].is_string() {
            let mut failed = event.clone();
            failed["detail"]["errorCode"] = json!("AccessDenied");
            nothing(&failed);
            let mut other = event;
            other["detail"]["eventName"] = json!("GetBucketPolicy");
            nothing(&other);
        }
    }
    // A name of the other service is no name of this one.
    let mut crossed = sample("kms-put-key-policy.json");
    crossed["detail"]["eventSource"] = json!("s3.amazonaws.com");
    nothing(&crossed);
}

#[test]
fn a_kms_event_names_its_key_by_resources_else_by_its_parameters() {
    let keys = |event: &Value| {
        let item = only(event);
        match item.triggers.first() {
            Some(Trigger::Key(change)) => change.keys.clone(),
            _ => vec![item.problems[0].saw.clone()],
        }
    };
    let mut event = sample("kms-revoke-grant.json");
    event["detail"]["resources"] = json!([]);
    assert_eq!(keys(&event), [KEY], "from the bare id, Region and account");
    event["detail"]["requestParameters"]["keyId"] = json!(KEY);
    assert_eq!(keys(&event), [KEY]);
    event["detail"]["requestParameters"]["keyId"] = json!("alias/raw");
    assert!(keys(&event)[0].contains("`eventSource`"), "an alias says no key: {:?}", keys(&event));
    let replica = KEY.replace("eu-central-1", "eu-west-1");
    event["detail"]["resources"] =
        json!([{"ARN": KEY}, {"ARN": KEY}, {"ARN": replica}, {"ARN": "arn:aws:iam::1:role/x"}]);
    assert_eq!(keys(&event), [KEY, &replica]);
}

#[test]
fn a_batch_job_task_that_is_not_understood_is_a_problem_of_that_task() {
    let task = |change: Value| {
        let mut task =
            json!({"taskId": "t1", "s3Key": "a.png", "s3VersionId": null, "s3BucketArn": "arn:aws:s3:::acme-lidar"});
        for (key, value) in change.as_object().unwrap() {
            task[key.as_str()] = value.clone();
        }
        task
    };
    let job = |schema: &str, tasks: &[Value]| json!({"invocationSchemaVersion": schema, "invocationId": "i", "job": {}, "tasks": tasks});
    let bad = [
        task(json!({"s3Key": "100%.png"})),
        task(json!({"s3Key": null})),
        task(json!({"s3BucketArn": "acme-lidar"})),
        task(json!({"s3BucketArn": "arn:aws:s3:eu-central-1:111122223333:accesspoint/x"})),
        json!("task"),
    ];
    let mut tasks = bad.to_vec();
    tasks.push(task(json!({"taskId": "t2"})));
    let items = decoded(&job("1.0", &tasks)).items;
    assert_eq!(items.len(), 6);
    for item in &items[..5] {
        assert_eq!((item.triggers.len(), item.problems.len()), (0, 1), "{item:?}");
    }
    assert!(matches!(items[5].triggers[..], [Trigger::Object(_)]));
    let future = decoded(&job("3.0", &[task(json!({}))]));
    assert!(future.items[0].problems[0].saw.contains("3.0"), "{future:?}");
    assert_eq!(decoded(&job("1.0", &[])).items, []);
    for partition in ["aws-cn", "aws-us-gov"] {
        let china = job("1.0", &[task(json!({"s3BucketArn": format!("arn:{partition}:s3:::b")}))]);
        assert!(matches!(&only(&china).triggers[..], [Trigger::Object(object)] if object.bucket == "b"));
    }
}

#[test]
fn a_record_that_is_no_sqs_record_in_an_sqs_batch_fails_alone() {
    let mut event = sample("sqs-batch-of-uploads.json");
    event["Records"][1] = json!({"messageId": "x", "body": "{}"});
    event["Records"][2]["body"] = json!(7);
    let items = decoded(&event).items;
    assert_eq!(items.iter().map(|item| item.problems.len()).collect::<Vec<_>>(), [0, 1, 1, 0, 0]);
    assert_eq!(items[1].id, "x");
}

fn tags(parameters: &Value, resources: &Value) -> Value {
    let mut event = sample("cloudtrail-untag-resource.json");
    event["detail"]["requestParameters"] = parameters.clone();
    event["detail"]["resources"] = resources.clone();
    event
}

#[test]
fn the_bucket_of_a_tag_call_is_found_wherever_the_event_has_it() {
    let (arn, other) = ("arn:aws:s3:::acme-lidar", "arn:aws:s3:eu-central-1:111122223333:accesspoint/acme");
    let listed = |arn: &str| json!([{"type": "AWS::S3::Bucket", "ARN": arn}]);
    let bucket = |event: &Value| match &only(event).triggers[..] {
        [Trigger::Config(change)] => Some(change.bucket.clone()),
        [Trigger::Nothing { .. }] => None,
        other => panic!("{other:?}"),
    };
    let lidar = Some(Some("acme-lidar".to_owned()));
    for (parameters, resources) in [
        (json!({"resourceArn": arn}), json!(null)),
        (json!({"ResourceArn": arn}), json!([])),
        (json!({"bucketName": "acme-lidar"}), listed(other)),
        (json!(null), listed(arn)),
        (json!({"resourceArn": other}), listed(arn)),
    ] {
        assert_eq!(bucket(&tags(&parameters, &resources)), lidar, "{parameters} {resources}");
    }
    assert_eq!(bucket(&tags(&json!({"resourceArn": other}), &json!([]))), None, "an access point");
    assert_eq!(bucket(&tags(&json!({}), &json!(null))), Some(None), "any bucket, where nothing says which");
}

#[test]
fn a_detail_type_of_s3_that_is_about_no_object_is_nothing_to_do() {
    let mut event = sample("eventbridge-object-created.json");
    for name in ["Async Copy Completion", "Something New"] {
        event["detail-type"] = json!(name);
        let item = only(&event);
        assert!(
            matches!(&item.triggers[..], [Trigger::Nothing { .. }]) && item.problems.is_empty(),
            "{name}: {item:?}"
        );
    }
}

#[test]
fn a_batch_jobs_bucket_arn_may_carry_region_and_account() {
    let mut event = sample("batch-job-v1.json");
    event["tasks"][0]["s3BucketArn"] = json!("arn:aws:s3:us-east-1:111122223333:acme-lidar");
    let decoded = decoded(&event);
    let [Trigger::Object(object), ..] = &decoded.items[0].triggers[..] else { panic!("{decoded:?}") };
    assert_eq!((object.bucket.as_str(), object.region.as_deref()), ("acme-lidar", Some("us-east-1")));
}
