//! What a person asks for by `judge` and `audit`, where it can't be read or is not there.

use super::*;
use darwin_s3_guard::shell::cli::{Options, run};

fn deny(s: &Setup, operation: Operation) {
    s.world.fault(operation, ErrorClass::Denied, "AccessDenied", 403);
}

/// What `bootstrap EVENT.json` prints, and its exit status.
async fn printed(s: &Setup, event: &Value) -> (String, u8) {
    let options = Options { event: "-".into(), json: false, dry_run: false };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let call = Call { request_id: "r".into(), ..Call::default() };
    let status = run(&s.guard, event, &options, &call, &mut out, &mut err).await;
    (String::from_utf8(out).unwrap() + &String::from_utf8(err).unwrap(), status)
}

#[tokio::test]
async fn an_object_that_the_guard_may_not_look_at_is_told_with_the_call_and_what_to_do() {
    let s = setup(World::healthy(), &[]);
    deny(&s, Operation::HeadObject);
    let (report, status) = printed(&s, &json!({"action": "judge", "bucket": BUCKET, "key": "a.png"})).await;
    assert_eq!(status, 2, "{report}");
    assert!(report.contains("HeadObject failed: AccessDenied"), "{report}");
    assert!(report.contains("s3:GetObject on the objects of bucket acme-lidar, and s3:ListBucket"), "{report}");
}

#[tokio::test]
async fn a_key_that_is_not_there_is_no_success_where_it_was_asked_for() {
    let s = setup(World::healthy(), &[]);
    let (report, status) = printed(&s, &json!({"action": "judge", "bucket": BUCKET, "key": "A.png"})).await;
    assert_eq!(status, 1, "{report}");
    assert!(report.contains("no object has this key"), "{report}");
    let (report, status) = printed(&s, &created("A.png")).await;
    assert_eq!((status, report.contains("deleted meanwhile")), (0, true), "an event's object may be gone: {report}");
}

#[tokio::test]
async fn a_kms_key_of_which_nothing_can_be_read_is_not_judged() {
    let s = setup(World::healthy(), &[]);
    let key = s.world.key("good", true);
    let judge = json!({"action": "judge", "bucket": BUCKET, "kms_keys": [key]});
    deny(&s, Operation::DescribeKey);
    deny(&s, Operation::GetKeyPolicy);
    let (report, status) = printed(&s, &judge).await;
    assert_eq!(status, 2, "{report}");
    assert!(report.contains(&format!("kms:DescribeKey on key `{key}`")), "{report}");
}

#[tokio::test]
async fn a_default_key_that_the_guard_may_not_describe_is_named_in_the_remedy() {
    let s = setup(World::healthy(), &[]);
    let key = s.world.key("good", true);
    s.world.bucket(|bucket| {
        bucket.encryption.algorithm = Some("aws:kms".into());
        bucket.encryption.kms_key = Some(key.clone());
    });
    deny(&s, Operation::DescribeKey);
    let answer = s.handle(json!({"action": "audit"})).await;
    let findings = answer["buckets"][0]["findings"].as_array().unwrap().iter();
    let refused =
        findings.filter(|found| found["kind"] == "guard-denied").map(|found| found["remedy"].as_str().unwrap());
    let remedies: Vec<&str> = refused.collect();
    assert!(remedies.len() == 1 && remedies[0].contains(&format!("kms:DescribeKey on key `{key}`")), "{answer:#}");
    assert!(!remedies[0].contains("on bucket"), "{remedies:?}");
}
