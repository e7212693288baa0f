//! What rivals and odd documents can do to the reconciler.

use crate::harness::{Setup, changed, setup, sqs};
use crate::world::{BUCKET, ROLE, World};
use darwin_s3_guard::app::ports::{Leases, WriteLog};
use darwin_s3_guard::model::aws::{ErrorClass, Operation};
use darwin_s3_guard::model::finding::Kind;
use darwin_s3_guard::model::s3::CorsRule;
use serde_json::{Value, json};
use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

const READS: [Operation; 8] = [
    Operation::GetBucketPolicy,
    Operation::GetBucketCors,
    Operation::GetBucketEncryption,
    Operation::GetBucketNotificationConfiguration,
    Operation::GetBucketTagging,
    Operation::GetPublicAccessBlock,
    Operation::GetBucketOwnershipControls,
    Operation::GetBucketRequestPayment,
];

#[tokio::test]
async fn a_bucket_that_refuses_every_read_as_to_a_stranger_is_another_accounts() {
    let s = setup(World::healthy(), &[]);
    for operation in READS {
        s.world.fault(operation, ErrorClass::Denied, "AccessDenied", 403);
    }
    let answer = s.handle(changed("PutBucketPolicy")).await;
    assert_eq!(s.world.told(), ["wrong-owner opened"], "{answer:#}");
    assert!(answer["buckets"][0]["findings"][0]["remedy"].as_str().unwrap().contains("111122223333"), "{answer:#}");
    assert_eq!(s.world.writes(), []);
}

#[tokio::test]
async fn reads_that_s3_explains_to_the_guards_role_are_its_own_missing_permissions() {
    let s = setup(World::healthy(), &[]);
    for operation in READS {
        s.world.fault(operation, ErrorClass::Denied, "AccessDenied", 403);
    }
    for (operation, error) in s.world.faults.borrow_mut().iter_mut() {
        error.message = format!(
            "User: arn:aws:sts::111122223333:assumed-role/guard/guard is not authorized to perform: s3:{operation:?} on \
             resource: \"arn:aws:s3:::acme-lidar\" because no identity-based policy allows the action"
        );
    }
    s.handle(changed("PutBucketPolicy")).await;
    assert_eq!((s.world.told_of(Kind::GuardDenied), s.world.told_of(Kind::WrongOwner)), (READS.len(), 0));
    assert_eq!(s.world.told_of(Kind::Paused), 1, "unreadable tags count as paused");
}

#[tokio::test]
async fn a_missing_bucket_is_told_with_its_own_remedy() {
    let s = setup(World::healthy(), &[]);
    for operation in READS {
        s.world.fault(operation, ErrorClass::NotFound, "NoSuchBucket", 404);
    }
    let answer = s.handle(changed("PutBucketPolicy")).await;
    assert_eq!(s.world.told(), ["no-such-bucket opened"]);
    assert!(
        answer["buckets"][0]["findings"][0]["remedy"]
            .as_str()
            .unwrap()
            .contains("Create the bucket again, before another account takes its name"),
        "{answer:#}"
    );
}

/// An event as it comes from the queue, and whether its record comes back.
async fn comes_back(s: &Setup, event: Value) -> bool {
    let answer = s.handle(sqs(&[event])).await;
    !answer["batchItemFailures"].as_array().unwrap().is_empty()
}

#[tokio::test]
async fn a_read_that_is_throttled_brings_the_record_back_and_tells_nobody() {
    for operation in READS {
        let s = setup(World::healthy(), &[]);
        s.world.fault(operation, ErrorClass::Throttled, "SlowDown", 503);
        assert!(comes_back(&s, changed("PutBucketPolicy")).await, "{operation}");
        assert_eq!((s.world.told(), s.world.writes()), (vec![], vec![]), "{operation}");
        assert!(!comes_back(&s, changed("PutBucketPolicy")).await, "{operation}");
    }
}

#[tokio::test]
async fn a_read_that_is_denied_is_told_once_and_not_as_darwins_uncertainty() {
    for operation in READS {
        let s = setup(World::healthy(), &[]);
        s.world.fault(operation, ErrorClass::Denied, "AccessDenied", 403);
        assert!(!comes_back(&s, changed("PutBucketPolicy")).await, "{operation}");
        assert_eq!((s.world.told_of(Kind::GuardDenied), s.world.told_of(Kind::AccessUncertain)), (1, 0), "{operation}");
    }
}

fn statement(sid: &str) -> Value {
    json!({"Sid": sid, "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::444455556666:root"}, "Action": "s3:GetObject",
        "Resource": format!("arn:aws:s3:::{BUCKET}/{sid}/*")})
}

fn policy(sids: &[&str]) -> String {
    let statements: Vec<Value> = sids.iter().map(|sid| statement(sid)).collect();
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

/// CloudTrail's event of somebody's write of that policy, now.
fn wrote(s: &Setup, document: &str) -> Value {
    let mut event = changed("PutBucketPolicy");
    let now = s.world.now.get();
    event["detail"]["eventTime"] = json!(now.to_string());
    event["detail"]["eventID"] = json!(now.as_millis().to_string());
    event["detail"]["requestParameters"]["bucketPolicy"] = serde_json::from_str(document).unwrap();
    event
}

/// Lets `rival` do its work once, the first time that `when` holds as a call is made.
fn once(s: &Setup, when: impl Fn(&World, Operation) -> bool + 'static, rival: impl Fn(&World) + 'static) {
    let done = Cell::new(false);
    *s.world.rival.borrow_mut() = Some(Box::new(move |world, operation| {
        if !done.get() && when(world, operation) {
            done.set(true);
            rival(world);
        }
    }));
}

#[tokio::test]
async fn cors_rules_that_change_after_the_last_look_are_not_written_over() {
    let s = setup(World::healthy(), &[]);
    s.world.bucket(|bucket| bucket.cors.write(None, 0));
    let theirs = CorsRule {
        id: Some("late".into()),
        allowed_methods: vec!["PUT".into()],
        allowed_origins: vec!["https://www.example.com".into()],
        ..CorsRule::default()
    };
    // The tags are the last that a look reads; the second look is that under the lease.
    let looks = Cell::new(0);
    let rule = theirs.clone();
    once(
        &s,
        move |_, operation| {
            looks.set(looks.get() + u32::from(operation == Operation::GetBucketTagging));
            looks.get() == 2
        },
        move |world| world.bucket(|bucket| bucket.cors.write(Some(vec![rule.clone()]), 0)),
    );
    s.handle(changed("DeleteBucketCors")).await;
    let rules = s.world.buckets.borrow()[BUCKET].cors.now().clone().unwrap();
    assert_eq!((rules.len(), rules.first()), (2, Some(&theirs)), "{rules:?}");
    assert_eq!(s.world.writes(), [Operation::PutBucketCors]);
}

#[tokio::test]
async fn a_read_that_does_not_show_a_known_change_yet_is_not_written_upon() {
    let s = setup(World::healthy(), &[]);
    s.world.bucket(|bucket| bucket.policy.write(Some(policy(&["Old"])), 0));
    // One stale read for each look, and one for the read just before a write.
    s.world.bucket(|bucket| bucket.policy.write(Some(policy(&["Old", "New"])), 3));
    s.handle(wrote(&s, &policy(&["Old", "New"]))).await;
    let now = s.world.policy().unwrap();
    assert!(now.contains("New") && now.contains(ROLE), "{now}");
    assert_eq!((s.world.stale_seen.get(), s.world.writes()), (3, vec![Operation::PutBucketPolicy]));
    assert_eq!(s.world.told_of(Kind::LostUpdate), 0);
}

#[tokio::test]
async fn a_statement_that_somebody_removed_and_our_write_revived_is_a_lost_update() {
    let s = setup(World::healthy(), &[]);
    s.world.bucket(|bucket| bucket.policy.write(Some(policy(&["Kept", "Leaver"])), 0));
    once(
        &s,
        |_, operation| operation == Operation::PutBucketPolicy,
        |world| world.bucket(|bucket| bucket.policy.write(Some(policy(&["Kept"])), 0)),
    );
    let theirs = wrote(&s, &policy(&["Kept"]));
    s.handle(changed("DeleteBucketPolicy")).await;
    assert!(s.world.policy().unwrap().contains("Leaver"), "our write fell upon theirs");
    s.handle(theirs).await;
    assert_eq!(s.world.told_of(Kind::LostUpdate), 1, "{:?}", s.world.told());
    assert_eq!(s.world.writes().len(), 1, "told, not written");
}

#[tokio::test]
async fn a_change_that_comes_while_the_bucket_is_being_repaired_is_seen_to_by_who_repairs_it() {
    let s = Rc::new(setup(World::healthy(), &[]));
    s.world.bucket(|bucket| bucket.policy.write(Some(policy(&["Somebody"])), 0));
    let weak = Rc::downgrade(&s);
    once(
        &s,
        // The policy has been read back already, and is fine: nothing but the mark says that it no longer is.
        |world, operation| operation == Operation::GetBucketTagging && world.policy().unwrap().contains(ROLE),
        move |world| {
            world.bucket(|bucket| bucket.policy.write(Some(policy(&["Somebody"])), 0));
            let s = weak.upgrade().unwrap();
            let now = world.now.get();
            let busy = pin!(s.guard.memory.lease(BUCKET, "another", now, now + Duration::from_secs(1)));
            assert!(matches!(busy.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(_))));
        },
    );
    s.handle(changed("DeleteBucketPolicy")).await;
    assert!(s.world.policy().unwrap().contains(ROLE), "{:?}", s.world.policy());
    assert_eq!(s.world.writes().len(), 2);
}

/// What a day of Terraform, applied every ten minutes against the guard, leads to.
#[tokio::test]
async fn a_day_of_terraform_meets_a_few_writes_and_a_few_messages() {
    let s = setup(World::healthy(), &[]);
    for _ in 0..24 * 6 {
        s.world.bucket(|bucket| bucket.policy.write(Some(policy(&["Terraform"])), 0));
        s.handle(wrote(&s, &policy(&["Terraform"]))).await;
        s.world.now.set(s.world.now.get() + Duration::from_mins(10));
    }
    let writes = s.world.writes().len();
    assert_eq!(writes % 3, 0, "whole contests of CONTESTED_LIMIT writes");
    // A contest of three repairs ends a quiet hour after the last of them.
    assert!(writes <= 3 * (24 * 60 / 80 + 1), "{writes}");
    assert_eq!(s.world.told_of(Kind::LostUpdate), 0);
    assert!(s.world.told().len() <= 3 * writes, "{} messages: {:?}", s.world.told().len(), s.world.told());
}

#[tokio::test]
async fn a_write_that_collides_with_a_rivals_is_not_repeated_over_what_the_rival_wrote() {
    let s = setup(World::healthy(), &[]);
    s.world.bucket(|bucket| bucket.policy.write(Some(policy(&["Kept"])), 0));
    s.world.fault(Operation::PutBucketPolicy, ErrorClass::Transient, "OperationAborted", 409);
    once(
        &s,
        |world, _| world.count(Operation::PutBucketPolicy) > 0,
        |world| world.bucket(|bucket| bucket.policy.write(Some(policy(&["Kept", "Rivals"])), 0)),
    );
    s.handle(changed("DeleteBucketPolicy")).await;
    let now = s.world.policy().unwrap();
    assert!(now.contains("Rivals") && now.contains(ROLE), "{now}");
}

#[tokio::test]
async fn a_write_that_s3_refused_does_not_count_as_one_whose_event_never_came() {
    let s = setup(World::healthy(), &[]);
    s.world.bucket(|bucket| {
        bucket.policy.write(Some(policy(&["Kept"])), 0);
        bucket.cors.write(None, 0);
    });
    s.world.fault(Operation::PutBucketPolicy, ErrorClass::Denied, "AccessDenied", 403);
    s.handle(changed("DeleteBucketPolicy")).await;
    assert_eq!(s.world.told_of(Kind::GuardDenied), 1, "{:?}", s.world.told());
    assert_eq!(s.world.writes(), [Operation::PutBucketPolicy], "the CORS rule was planned, and never written");
    s.world.now.set(s.world.now.get() + Duration::from_mins(45));
    let past = s.guard.memory.past(BUCKET, s.world.now.get()).await.unwrap();
    assert_eq!((past.unanswered(s.world.now.get()), past.writes), (None, vec![]));
}
