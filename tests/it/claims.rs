//! Nothing is claimed that was not seen: what fails, changes or hides after a write of the guard's.

use crate::harness::{Setup, changed, created, setup, sqs};
use crate::world::{BUCKET, Bucket, ROLE, World, darwin_cors};
use darwin_s3_guard::app::handler::Call;
use darwin_s3_guard::app::ports::{Incidents, Leases};
use darwin_s3_guard::model::aws::{ErrorClass, Operation};
use serde_json::{Value, json};
use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A bucket without Darwin's statement, and somebody who does something once the guard has written.
fn shut_out(after_the_write: impl Fn(&World) + 'static) -> Setup {
    let s = setup(World::healthy(), &[]);
    s.world.bucket(|bucket| bucket.policy.write(None, 0));
    after(&s, Operation::PutBucketPolicy, after_the_write);
    s
}

/// Lets `rival` work once, at the first call after one of `operation`.
fn after(s: &Setup, operation: Operation, rival: impl Fn(&World) + 'static) {
    let done = Cell::new(false);
    *s.world.rival.borrow_mut() = Some(Box::new(move |world, now| {
        if !done.get() && now != operation && world.count(operation) > 0 {
            done.set(true);
            rival(world);
        }
    }));
}

/// From the first `operation` on, reads of `read` fail, `times` times.
fn fails_after(s: &Setup, operation: Operation, read: Operation, times: usize, error: (ErrorClass, &'static str, u16)) {
    let done = Cell::new(false);
    *s.world.rival.borrow_mut() = Some(Box::new(move |world, now| {
        if now == operation && !done.replace(true) {
            for _ in 0..times {
                world.fault(read, error.0, error.1, error.2);
            }
        }
    }));
}

/// The answer, and whether the record of an event comes back.
async fn handled(s: &Setup, event: Value) -> (Value, bool) {
    let call = Call { request_id: "r".into(), ..Call::default() };
    let answer = s.guard.report(&event, &call).await.unwrap();
    let comes_back = answer.problems.iter().any(|problem| problem.retryable);
    (serde_json::to_value(&answer).unwrap(), comes_back)
}

#[tokio::test]
async fn a_write_that_cannot_be_read_back_is_not_verified_and_its_record_comes_back() {
    for (class, code, status) in [
        (ErrorClass::Denied, "AccessDenied", 403),
        (ErrorClass::Transient, "ServiceUnavailable", 503),
        (ErrorClass::Permanent, "MethodNotAllowed", 405),
    ] {
        let s = shut_out(|_| {});
        fails_after(&s, Operation::PutBucketPolicy, Operation::GetBucketPolicy, 20, (class, code, status));
        let (answer, comes_back) = handled(&s, changed("DeleteBucketPolicy")).await;
        assert_eq!(answer["buckets"][0]["verified"], false, "{code}: {answer:#}");
        assert_eq!(answer["buckets"][0]["read"], "depends", "{code}: {answer:#}");
        assert!(comes_back, "{code}: {answer:#}");
        assert!(s.world.told().contains(&"policy-missing opened".to_owned()), "{code}: {:?}", s.world.told());
        s.world.faults.borrow_mut().clear();
        s.handle(json!({"action": "repair"})).await;
        assert!(s.world.told().contains(&"policy-missing resolved".to_owned()), "{code}: {:?}", s.world.told());
    }
}

#[tokio::test]
async fn one_failed_read_after_a_write_is_read_again_and_then_verified() {
    let s = shut_out(|_| {});
    let error = (ErrorClass::Transient, "InternalError", 500);
    fails_after(&s, Operation::PutBucketPolicy, Operation::GetBucketPolicy, 1, error);
    let (answer, comes_back) = handled(&s, changed("DeleteBucketPolicy")).await;
    assert_eq!((&answer["buckets"][0]["verified"], comes_back), (&json!(true), false), "{answer:#}");
    assert_eq!(s.world.told(), ["policy-missing repaired"]);
}

fn ours(extra: &Value) -> String {
    let mut statement = json!({"Sid": "DarwinAccess", "Effect": "Allow", "Principal": {"AWS": ROLE},
        "Action": ["s3:GetObject", "s3:PutObject"], "Resource": format!("arn:aws:s3:::{BUCKET}/*")});
    statement.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

#[tokio::test]
async fn what_others_make_of_the_written_policy_is_not_called_a_repair() {
    let condition = ours(&json!({"Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}));
    let deny = json!({"Version": "2012-10-17", "Statement": [
        serde_json::from_str::<Value>(&ours(&json!({}))).unwrap()["Statement"][0],
        {"Sid": "Out", "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{BUCKET}/*")}]})
    .to_string();
    for (theirs, kind) in
        [(condition, "condition-on-ours"), (deny, "explicit-deny"), ("[1]".to_owned(), "policy-unreadable")]
    {
        let written = theirs.clone();
        let s = shut_out(move |world| world.bucket(|bucket| bucket.policy.write(Some(written.clone()), 0)));
        let (answer, _) = handled(&s, changed("DeleteBucketPolicy")).await;
        assert_eq!(answer["buckets"][0]["verified"], false, "{kind}: {answer:#}");
        let told = s.world.told();
        for kind in [kind, "policy-missing"] {
            assert!(told.contains(&format!("{kind} opened")), "{told:?} {answer:#}");
        }
        s.handle(json!({"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": {}})).await;
        assert_eq!(s.world.told(), told, "nothing is resolved while Darwin is shut out");
        assert_eq!(s.world.policy(), Some(theirs), "never touched");
    }
}

#[tokio::test]
async fn a_policy_that_is_deleted_after_the_write_is_not_verified() {
    let s = setup(World::healthy(), &[]);
    s.world.bucket(|bucket| bucket.policy.write(None, 0));
    // Whenever the guard has written, somebody deletes the policy.
    *s.world.rival.borrow_mut() = Some(Box::new(|world, operation| {
        if operation != Operation::PutBucketPolicy {
            world.bucket(|bucket| bucket.policy.write(None, 0));
        }
    }));
    let (answer, comes_back) = handled(&s, changed("DeleteBucketPolicy")).await;
    assert_eq!((&answer["buckets"][0]["verified"], comes_back), (&json!(false), true), "{answer:#}");
    assert!(!s.world.told().contains(&"policy-missing repaired".to_owned()), "{:?}", s.world.told());
}

#[tokio::test]
async fn cors_rules_are_verified_by_reading_them_too() {
    let s = setup(World::healthy(), &[]);
    s.world.bucket(|bucket| bucket.cors.write(None, 0));
    let error = (ErrorClass::Denied, "AccessDenied", 403);
    fails_after(&s, Operation::PutBucketCors, Operation::GetBucketCors, 20, error);
    let (answer, comes_back) = handled(&s, changed("DeleteBucketCors")).await;
    assert_eq!((&answer["buckets"][0]["verified"], comes_back), (&json!(false), true), "{answer:#}");
    assert_eq!(s.world.buckets.borrow()[BUCKET].cors.now().clone(), Some(darwin_cors()));
}

#[tokio::test]
async fn what_was_verified_and_is_gone_at_a_later_look_is_verified_no_longer() {
    let s = Rc::new(shut_out(|_| {}));
    let weak = Rc::downgrade(&s);
    let looks = Cell::new(0);
    *s.world.rival.borrow_mut() = Some(Box::new(move |world, operation| {
        if world.count(Operation::PutBucketPolicy) == 0 || operation != Operation::GetBucketTagging {
            return;
        }
        looks.set(looks.get() + 1);
        if looks.get() == 1 {
            // The policy has been read back; somebody writes an uneditable one, whose event finds the lease taken.
            world.bucket(|bucket| bucket.policy.write(Some("[1]".to_owned()), 0));
            mark_dirty(&weak.upgrade().unwrap());
        }
    }));
    let (answer, _) = handled(&s, changed("DeleteBucketPolicy")).await;
    assert_eq!(answer["buckets"][0]["verified"], false, "{answer:#}");
}

fn mark_dirty(s: &Setup) {
    let now = s.world.now.get();
    let busy = pin!(s.guard.memory.lease(BUCKET, "another", now, now + Duration::from_secs(1)));
    assert!(matches!(busy.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(_))));
}

/// Whenever a repair was read back, somebody deletes the policy, and the event of it finds the lease taken. `rounds` of
/// that.
fn undone_behind_its_back(s: &Rc<Setup>, rounds: u32) {
    let weak = Rc::downgrade(s);
    let undone = Cell::new(0);
    *s.world.rival.borrow_mut() = Some(Box::new(move |world, operation| {
        let shows = world.policy().is_some_and(|policy| policy.contains(ROLE));
        if operation == Operation::GetBucketTagging && shows && undone.get() < rounds {
            undone.set(undone.get() + 1);
            world.bucket(|bucket| bucket.policy.write(None, 0));
            mark_dirty(&weak.upgrade().unwrap());
        }
    }));
}

#[tokio::test]
async fn a_mark_that_is_cleared_in_the_last_round_brings_the_record_back() {
    let s = Rc::new(setup(World::healthy(), &[]));
    s.world.bucket(|bucket| bucket.policy.write(None, 0));
    undone_behind_its_back(&s, 3);
    let answer = s.handle(sqs(&[changed("DeleteBucketPolicy")])).await;
    assert_eq!(s.world.policy(), None, "the third write was undone as well");
    assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "m0"}]}));
}

#[tokio::test]
async fn a_mark_that_is_cleared_when_time_is_short_brings_the_record_back() {
    let s = Rc::new(setup(World::healthy(), &[]));
    s.world.bucket(|bucket| bucket.policy.write(None, 0));
    undone_behind_its_back(&s, 1);
    // The read that sees the repair takes most of the time that there is.
    let deadline = Some(s.world.now.get() + Duration::from_secs(10));
    after_write_slow(&s);
    let call = Call { deadline, request_id: "r".into(), ..Call::default() };
    let answer = s.guard.handle(&sqs(&[changed("DeleteBucketPolicy")]), &call).await.unwrap();
    assert_eq!(s.world.policy(), None);
    assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "m0"}]}));
}

/// The first read of the tags after the first write takes nine seconds.
fn after_write_slow(s: &Setup) {
    for _ in 0..2 {
        s.world.slow(Operation::GetBucketTagging, Duration::ZERO);
    }
    s.world.slow(Operation::GetBucketTagging, Duration::from_secs(9));
}

#[tokio::test]
async fn a_comparison_that_could_not_be_made_resolves_no_lost_update() {
    let s = setup(World::healthy(), &[]);
    let theirs = json!({"Version": "2012-10-17", "Statement": [{"Sid": "Theirs", "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::444455556666:root"}, "Action": "s3:GetObject",
        "Resource": format!("arn:aws:s3:::{BUCKET}/*")}]});
    s.world.bucket(|bucket| bucket.policy.write(None, 0));
    let mut event = changed("PutBucketPolicy");
    event["detail"]["eventID"] = json!("theirs");
    event["detail"]["eventTime"] = json!(s.world.now.get().to_string());
    event["detail"]["requestParameters"]["bucketPolicy"] = theirs.clone();
    let done = Cell::new(false);
    *s.world.rival.borrow_mut() = Some(Box::new(move |world, operation| {
        if operation == Operation::PutBucketPolicy && !done.replace(true) {
            world.bucket(|bucket| bucket.policy.write(Some(theirs.to_string()), 0));
        }
    }));
    s.handle(changed("DeleteBucketPolicy")).await;
    s.handle(event).await;
    assert_eq!(s.world.told(), ["policy-missing repaired", "lost-update opened"]);
    for _ in 0..2 {
        s.world.fault(Operation::GetBucketPolicy, ErrorClass::Denied, "AccessDenied", 403);
    }
    s.handle(json!({"action": "repair"})).await;
    assert!(!s.world.told().contains(&"lost-update resolved".to_owned()), "{:?}", s.world.told());
}

#[tokio::test]
async fn nothing_is_resolved_before_it_was_told() {
    let s = setup(World::healthy(), &[("MODE", "flag")]);
    let fulfilled = s.world.policy();
    s.world.bucket(|bucket| bucket.policy.write(None, 0));
    s.world.fault(Operation::Publish, ErrorClass::Throttled, "Throttling", 400);
    s.handle(sqs(&[changed("DeleteBucketPolicy")])).await;
    assert_eq!(s.world.told(), Vec::<String>::new());
    s.world.bucket(|bucket| bucket.policy.write(fulfilled, 0));
    s.handle(json!({"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": {}})).await;
    assert_eq!(s.world.told(), ["policy-missing opened", "policy-missing resolved"]);
}

#[tokio::test]
async fn a_denied_object_is_told_of_where_nobody_has_told_of_its_bucket() {
    let s = setup(World::healthy(), &[("MODE", "flag")]);
    s.world.object("a.png", None);
    // Another function has looked at the bucket just now, before the policy went.
    let name = format!("object-reconcile/{BUCKET}");
    assert!(s.guard.memory.once_per(&name, s.world.now.get(), Duration::from_mins(1)).await.unwrap());
    s.world.bucket(|bucket| bucket.policy.write(None, 0));
    s.handle(sqs(&[created("a.png")])).await;
    assert_eq!(s.world.told(), ["object-denied opened"]);
}

#[tokio::test]
async fn a_keys_change_is_told_with_who_made_it_and_explains_nothing_but_keys() {
    let s = setup(World::healthy(), &[("MODE", "flag")]);
    let key = s.world.key("default", true);
    s.world.bucket(|bucket| {
        bucket.encryption.algorithm = Some("aws:kms".into());
        bucket.encryption.kms_key = Some(key.clone());
        bucket.cors.write(None, 0);
    });
    s.world.keys.borrow_mut().get_mut(&key).unwrap().metadata.state = "Disabled".into();
    let mut event = changed("DisableKey");
    event["source"] = json!("aws.kms");
    event["detail"]["eventSource"] = json!("kms.amazonaws.com");
    event["detail"]["requestParameters"] = json!({"keyId": key});
    event["detail"]["resources"] = json!([{"ARN": key}]);
    s.handle(event).await;
    let published = s.world.published.borrow();
    let by_whom: Vec<(bool, bool)> = published
        .iter()
        .map(|message| (message.body.contains("cors-missing"), message.body.contains("assumed-role/deploy/ci")))
        .collect();
    assert!(by_whom.contains(&(false, true)) && by_whom.contains(&(true, false)), "{by_whom:?}");
}

fn two_buckets(world: World, names: &str) -> Setup {
    world.buckets.borrow_mut().insert("other".to_owned(), Bucket::default());
    setup(world, &[("MODE", "flag"), ("GUARDED_BUCKETS", ""), ("READ_WRITE_BUCKETS", names)])
}

fn schedule() -> Value {
    json!({"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": {}})
}

#[tokio::test]
async fn a_sweep_that_is_cut_short_continues_at_the_next_bucket() {
    let s = two_buckets(World::healthy(), &format!("{BUCKET},other"));
    let mut looked = Vec::new();
    for _ in 0..3 {
        s.world.forget_calls();
        // The first bucket takes all the time that there is.
        s.world.slow(Operation::GetBucketTagging, Duration::from_secs(20));
        let deadline = Some(s.world.now.get() + Duration::from_secs(15));
        let call = Call { deadline, request_id: "r".into(), ..Call::default() };
        let _ = s.guard.handle(&schedule(), &call).await;
        let calls = s.world.calls.borrow();
        looked.extend(calls.iter().find(|(call, _)| *call == Operation::GetBucketTagging).map(|(_, on)| on.clone()));
    }
    assert_eq!(looked, [BUCKET, "other", BUCKET]);
    assert!(s.world.told().contains(&"policy-missing opened".to_owned()), "{:?}", s.world.told());
}

#[tokio::test]
async fn the_incidents_of_a_bucket_that_has_left_the_configuration_end_without_a_word() {
    let mut s = two_buckets(World::healthy(), &format!("{BUCKET},other"));
    s.handle(schedule()).await;
    let told = s.world.told().len();
    assert!(!s.guard.memory.open("other").await.unwrap().is_empty());
    s.guard.config.contracts.retain(|contract| contract.bucket == BUCKET);
    s.handle(schedule()).await;
    assert_eq!(s.guard.memory.open("other").await.unwrap(), []);
    assert_eq!(s.world.told().len(), told);
}
