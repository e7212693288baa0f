use super::*;
use crate::model::aws::Operation;
use crate::model::finding::Kind;
use crate::model::finding::Severity;
use crate::report::audit::report;
use crate::report::forms::{TaskResult, batch_item_failures, batch_job, to_json};
use crate::report::log::log_line;
use proptest::prelude::*;
use serde_json::json;

fn object(key: &str, read: Read) -> ObjectAnswer {
    ObjectAnswer {
        bucket: "acme-lidar".to_owned(),
        key: key.to_owned(),
        version_id: None,
        read,
        because: vec!["allowed by statement `DarwinAccess` (#0) of the bucket policy".to_owned()],
        depends_on: Vec::new(),
        encryption: Some("AES256".to_owned()),
        kms_key: None,
    }
}

fn bucket() -> BucketAnswer {
    BucketAnswer {
        bucket: "acme-lidar".to_owned(),
        read: Decision::Allowed,
        write: Some(Decision::Allowed),
        cors: Some(CorsState::Ok),
        drifts: Vec::new(),
        findings: Vec::new(),
        actions: Vec::new(),
        plan: None,
        verified: None,
        activation: None,
    }
}

fn finding(kind: Kind, severity: Severity) -> FindingAnswer {
    FindingAnswer {
        kind,
        severity,
        title: format!("what is the matter with {kind}"),
        because: vec!["denied by statement `Lockdown` (#1) of the bucket policy".to_owned()],
        depends_on: Vec::new(),
        remedy: "Add to the statement's Condition:\n{\"ArnNotEquals\": {}}".to_owned(),
        reader: None,
        refused: None,
    }
}

fn problem(at: &str) -> Problem {
    Problem { at: at.to_owned(), saw: "`x`".to_owned(), want: "an event".to_owned(), retryable: false }
}

fn repaired() -> BucketAnswer {
    BucketAnswer {
        drifts: vec![finding(Kind::PolicyMissing, Severity::Critical)],
        actions: vec![Action { operation: Operation::PutBucketPolicy, result: ActionResult::Done, refused_by: None }],
        plan: Some("--- before\n+++ after\n@@ -1 +1 @@\n-{}\n+{ \"Sid\": \"DarwinAccess\" }\n".to_owned()),
        verified: Some(true),
        ..bucket()
    }
}

fn of_buckets(buckets: Vec<BucketAnswer>) -> Answer {
    Answer { buckets, ..Answer::default() }
}

fn of_objects(objects: Vec<ObjectAnswer>) -> Answer {
    Answer { objects, ..Answer::default() }
}

#[test]
fn the_exit_status_says_what_is_left() {
    let open = FindingAnswer {
        depends_on: vec!["aws:SourceIp".to_owned()],
        ..finding(Kind::AccessUncertain, Severity::Warning)
    };
    let with = |finding| of_buckets(vec![BucketAnswer { findings: vec![finding], ..bucket() }]);
    let after = |result, verified| {
        of_buckets(vec![BucketAnswer {
            actions: vec![Action { operation: Operation::PutBucketPolicy, result, refused_by: None }],
            verified,
            ..repaired()
        }])
    };
    for (answer, code) in [
        (Answer::default(), 0),
        (of_buckets(vec![bucket()]), 0),
        (of_buckets(vec![BucketAnswer { read: Decision::Depends, ..bucket() }]), 0),
        (with(open), 0),
        (with(finding(Kind::Paused, Severity::Info)), 0),
        (of_objects(vec![object("a", Read::Allowed), object("b", Read::Gone), object("c", Read::Depends)]), 0),
        (of_buckets(vec![repaired()]), 0),
        (of_objects(vec![object("a", Read::Denied)]), 1),
        (of_buckets(vec![bucket(), BucketAnswer { write: Some(Decision::Denied), ..bucket() }]), 1),
        (with(finding(Kind::WiderThanContract, Severity::Warning)), 1),
        (with(finding(Kind::ExplicitDeny, Severity::Critical)), 1),
        (after(ActionResult::Done, Some(false)), 1),
        (after(ActionResult::Done, None), 1),
        (after(ActionResult::DryRun, None), 1),
        (after(ActionResult::Refused, None), 1),
        (after(ActionResult::Failed, Some(true)), 1),
        (of_buckets(vec![BucketAnswer { actions: Vec::new(), verified: None, ..repaired() }]), 1),
        (Answer { problems: vec![problem("event")], ..of_objects(vec![object("a", Read::Denied)]) }, 2),
    ] {
        assert_eq!(exit_code(&answer), code, "{answer:#?}");
    }
}

#[test]
fn a_batch_job_gets_a_result_for_every_verdict_and_permanent_failures_for_invalid_tasks_only() {
    let denied = ObjectAnswer {
        read: Read::Denied,
        kms_key: Some("arn:aws:kms:eu-central-1:111122223333:key/1".to_owned()),
        version_id: Some("v1".to_owned()),
        because: vec!["nothing in the key policy\nallows it".to_owned()],
        ..object("a", Read::Denied)
    };
    let open = ObjectAnswer { depends_on: vec!["aws:SourceIp".to_owned()], ..object("b", Read::Depends) };
    let results = [
        TaskResult::judged(&object("c", Read::Allowed)),
        TaskResult::judged(&denied),
        TaskResult::judged(&open),
        TaskResult::judged(&ObjectAnswer { because: vec![], encryption: None, ..object("d", Read::Gone) }),
        TaskResult::again("HeadObject failed: SlowDown"),
        TaskResult::invalid("an object of the bucket `x`, not a guarded bucket"),
        TaskResult::from(&problem("tasks[0]")),
        TaskResult::default(),
    ];
    let form = batch_job("1.0", "i", results.into_iter().enumerate().map(|(n, result)| (format!("t{n}"), result)));
    assert_eq!(form["invocationSchemaVersion"], "1.0");
    assert_eq!((&form["invocationId"], &form["treatMissingKeysAs"]), (&json!("i"), &json!("TemporaryFailure")));
    let lines: Vec<String> = form["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| {
            format!("{} {}: {}", result["taskId"], result["resultCode"], result["resultString"]).replace('"', "")
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    t0 Succeeded: allowed; encryption AES256; allowed by statement `DarwinAccess` (#0) of the bucket policy
    t1 Succeeded: denied; key arn:aws:kms:eu-central-1:111122223333:key/1; nothing in the key policy allows it; version v1
    t2 Succeeded: depends; encryption AES256; depends on aws:SourceIp; allowed by statement `DarwinAccess` (#0) of the bucket policy
    t3 Succeeded: gone
    t4 TemporaryFailure: HeadObject failed: SlowDown
    t5 PermanentFailure: invalid task: an object of the bucket `x`, not a guarded bucket
    t6 PermanentFailure: invalid task: `x`, wanted an event
    t7 PermanentFailure: invalid task: not understood
    ");
}

#[test]
fn a_long_result_string_is_cut_and_keeps_its_verdict_first() {
    let long = ObjectAnswer { because: vec!["é".repeat(5_000)], ..object("a", Read::Denied) };
    let form = batch_job("2.0", "i", [("t".to_owned(), TaskResult::judged(&long))].into_iter());
    let text = form["results"][0]["resultString"].as_str().unwrap();
    assert!(text.len() <= 1_024 && text.starts_with("denied; ") && text.ends_with("é…"), "{text}");
}

#[test]
fn only_the_failed_records_are_named_to_sqs() {
    assert_eq!(batch_item_failures(std::iter::empty()), json!({"batchItemFailures": []}));
    assert_eq!(
        batch_item_failures(["m1", "m2"].into_iter()),
        json!({"batchItemFailures": [{"itemIdentifier": "m1"}, {"itemIdentifier": "m2"}]})
    );
}

#[test]
fn an_answer_that_fits_is_given_whole() {
    let answer = Answer { activation: Some("…".to_owned()), ..of_objects(vec![object("a", Read::Allowed)]) };
    let form = to_json(&answer);
    assert_eq!(form, json!(answer));
    assert_eq!(form["objects"][0]["version_id"], json!(null));
    assert_eq!(to_json(&Answer::default()), json!({"objects": [], "buckets": [], "problems": []}));
}

#[test]
fn an_answer_over_five_megabytes_is_cut_from_the_allowed_objects_on_and_says_so() {
    let long = "k".repeat(1_000);
    let mut objects: Vec<ObjectAnswer> = (0..6_000).map(|n| object(&format!("{n}{long}"), Read::Allowed)).collect();
    objects[5_000].read = Read::Denied;
    let huge = BucketAnswer { plan: Some("+".repeat(6_000_000)), ..repaired() };
    let answer = Answer { buckets: vec![bucket(), huge], problems: vec![problem("a")], objects, ..Answer::default() };
    let form = to_json(&answer);
    assert!(serde_json::to_vec(&form).unwrap().len() <= 5_000_000);
    let kept = form["objects"].as_array().unwrap();
    assert_eq!(kept.last().unwrap()["read"], "denied", "in the order of the input");
    assert!(kept.len() > 3_000);
    assert_eq!(form["buckets"].as_array().unwrap().len(), 2);
    assert!(form["buckets"][1]["plan"].as_str().unwrap().ends_with("+…"));
    let saw = form["problems"][1]["saw"].as_str().unwrap();
    let left = 6_000 - kept.len();
    assert!(saw.contains(&format!("cut: {left} objects, 0 buckets and 0 problems are left out, 1 buckets")), "{saw}");
}

#[test]
fn the_log_line_counts_allowed_objects_and_lists_the_others_up_to_a_bound() {
    let mut objects: Vec<ObjectAnswer> = (0..500).map(|n| object(&n.to_string(), Read::Allowed)).collect();
    objects.extend((0..60).map(|n| object(&format!("open/{n}"), Read::Depends)));
    objects.extend([object("bad", Read::Denied), object("away", Read::Gone)]);
    let line = log_line(&of_objects(objects), 10, 0, "req-1");
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["message"], "handled 10 items, 500 of 562 objects readable by your side");
    let counts = ["allowed", "denied", "depends", "gone"].map(|read| line[format!("objects.{read}")].as_u64().unwrap());
    assert_eq!(counts, [500, 1, 60, 1]);
    let listed = line["objects"].as_array().unwrap();
    assert_eq!((listed.len(), listed[0]["key"].as_str()), (50, Some("bad")));
    assert_eq!(line["left_out"], json!({"objects": 11, "buckets": 0, "problems": 0, "cut": 0}));
    assert_eq!((&line["request.id"], &line["items"], &line["items.failed"]), (&json!("req-1"), &json!(10), &json!(0)));
}

#[test]
fn the_log_lines_level_is_that_of_the_worst_in_it() {
    let level = |answer: &Answer, failed| log_line(answer, 1, failed, "r")["level"].as_str().unwrap().to_owned();
    assert_eq!(level(&of_buckets(vec![bucket()]), 0), "INFO");
    assert_eq!(level(&of_buckets(vec![repaired()]), 0), "INFO");
    assert_eq!(level(&of_buckets(vec![BucketAnswer { read: Decision::Depends, ..bucket() }]), 0), "WARN");
    assert_eq!(level(&Answer { problems: vec![problem("x")], ..Answer::default() }, 0), "ERROR");
    assert_eq!(level(&Answer::default(), 1), "ERROR");
}

#[test]
fn the_report_of_a_repaired_bucket_reads_like_this() {
    insta::assert_snapshot!(report(&of_buckets(vec![repaired()])));
}

#[test]
fn the_report_of_what_is_wrong_reads_like_this() {
    let open = FindingAnswer {
        depends_on: vec!["aws:SourceIp".to_owned()],
        because: vec!["statement `Office` (#2) allows it for some addresses".to_owned()],
        ..finding(Kind::AccessUncertain, Severity::Warning)
    };
    let bad = BucketAnswer {
        read: Decision::Denied,
        write: None,
        cors: Some(CorsState::Missing),
        drifts: vec![finding(Kind::CorsMissing, Severity::Critical)],
        findings: vec![finding(Kind::ExplicitDeny, Severity::Critical), open],
        actions: vec![Action { operation: Operation::PutBucketCors, result: ActionResult::Refused, refused_by: None }],
        plan: Some("+ {}\n".to_owned()),
        ..bucket()
    };
    let under = ObjectAnswer {
        version_id: Some("v1".to_owned()),
        encryption: Some("aws:kms".to_owned()),
        kms_key: Some("arn:aws:kms:eu-central-1:111122223333:key/1".to_owned()),
        depends_on: vec!["role-session-name".to_owned()],
        ..object("raw/\u{1b}[31mred.png", Read::Depends)
    };
    let answer = Answer {
        objects: vec![under, object("b.png", Read::Allowed)],
        buckets: vec![bad],
        problems: vec![Problem { retryable: true, ..problem("Records[1]") }],
        ..Answer::default()
    };
    insta::assert_snapshot!(report(&answer));
}

#[test]
fn the_report_ends_with_the_activation_message_and_one_line_that_sums_it_up() {
    let answer = Answer {
        activation: Some("Please turn on:\n- S3 bucket name: acme-lidar\n".to_owned()),
        ..of_buckets(vec![bucket()])
    };
    let text = report(&answer);
    assert!(text.contains("send this to V7\n  Please turn on:\n  - S3 bucket name: acme-lidar\n"), "{text}");
    assert!(text.contains("allowed by your side"), "{text}");
    assert!(
        text.ends_with("\nOK (1 bucket: 1 well, 0 with something in Darwin's way, 0 with open questions only)\n"),
        "{text}"
    );
    let open = report(&of_objects(vec![object("a", Read::Depends)]));
    assert!(open.contains("\nWARNING: nothing is wrong, but some answers depend"), "{open}");
    assert_eq!(report(&Answer::default()), "\nOK: nothing to do\n");
}

#[test]
fn a_long_list_of_objects_is_counted() {
    let text = report(&of_objects((0..150).map(|n| object(&n.to_string(), Read::Allowed)).collect()));
    assert!(text.contains("… and 50 more; --json has them all"), "{text}");
}

proptest! {
    #[test]
    fn a_log_line_fits_and_loses_no_count(reads in prop::collection::vec(0..4_usize, 0..80), text in "[a-z\"\\\\é]{0,5000}") {
        let all = [Read::Allowed, Read::Denied, Read::Depends, Read::Gone];
        let objects: Vec<_> = reads.iter().map(|n| ObjectAnswer { because: vec![text.clone()], ..object("k", all[*n]) }).collect();
        let problems = (0..reads.len()).map(|_| Problem { saw: text.clone(), ..problem("p") }).collect();
        let line = log_line(&Answer { problems, ..of_objects(objects) }, 1, 0, "r");
        prop_assert!(line.to_string().len() < 256 * 1_024);
        let number = |name: &str| line[name].as_u64().unwrap();
        let listed = line["objects"].as_array().unwrap().len() as u64;
        prop_assert_eq!(number("objects.denied") + number("objects.depends"), listed + line["left_out"]["objects"].as_u64().unwrap());
        let told = line["problems"].as_array().unwrap().len() as u64;
        prop_assert_eq!(reads.len() as u64, told + line["left_out"]["problems"].as_u64().unwrap());
    }
}
