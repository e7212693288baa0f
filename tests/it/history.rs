//! Whose change it was, and what became of it: the guard's own writes, another's changes, and what their records carry.

use crate::harness::{Setup, changed, created, in_lambda, setup, sqs};
use crate::world::{BUCKET, ROLE, World};
use darwin_s3_guard::model::aws::{ErrorClass, Operation};
use darwin_s3_guard::model::finding::Kind;
use darwin_s3_guard::model::s3::{Service, Target};
use serde_json::{Value, json};
use std::cell::Cell;
use std::time::Duration;

const GUARD: &str = "arn:aws:sts::111122223333:assumed-role/guard-role/guard";
const MINUTE: Duration = Duration::from_mins(1);

fn statement(sid: &str) -> Value {
    json!({"Sid": sid, "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::444455556666:root"}, "Action": "s3:GetObject",
        "Resource": format!("arn:aws:s3:::{BUCKET}/{sid}/*")})
}

fn policy(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

/// The event of a write, now, by `arn`.
fn event(s: &Setup, name: &str, arn: &str, id: &str) -> Value {
    let mut event = changed(name);
    event["detail"]["eventTime"] = json!(s.world.now.get().to_string());
    event["detail"]["eventID"] = json!(id);
    event["detail"]["userIdentity"] = json!({"type": "AssumedRole", "arn": arn});
    event
}

fn of_policy(s: &Setup, arn: &str, id: &str, document: &str) -> Value {
    let mut event = event(s, "PutBucketPolicy", arn, id);
    event["detail"]["requestParameters"]["bucketPolicy"] = serde_json::from_str(document).unwrap();
    event
}

/// At the first call of `operation`, before it is answered.
fn at(s: &Setup, operation: Operation, rival: impl Fn(&World) + 'static) {
    let done = Cell::new(false);
    *s.world.rival.borrow_mut() = Some(Box::new(move |world, now| {
        if now == operation && !done.replace(true) {
            rival(world);
        }
    }));
}

#[tokio::test]
async fn anothers_write_with_the_content_of_the_guards_is_anothers() {
    let s = setup(World::healthy(), &[]);
    s.world.bucket(|bucket| bucket.policy.write(Some(policy(&[statement("Kept")])), 0));
    in_lambda(&s, changed("PutBucketPolicy")).await;
    let written = s.world.policy().unwrap();
    let own = of_policy(&s, GUARD, "own", &written);
    s.world.now.set(s.world.now.get() + 3 * MINUTE);
    // Somebody puts the same document back, and the guard's next write falls upon it.
    s.world.bucket(|bucket| bucket.policy.write(Some(policy(&[statement("Other")])), 0));
    let restored = written.clone();
    at(&s, Operation::PutBucketPolicy, move |world| {
        world.bucket(|bucket| bucket.policy.write(Some(restored.clone()), 0));
    });
    in_lambda(&s, event(&s, "DeleteBucketPolicy", "arn:aws:sts::111122223333:assumed-role/deploy/ci", "gone")).await;
    let theirs = of_policy(&s, "arn:aws:sts::111122223333:assumed-role/deploy/ci", "theirs", &written);
    in_lambda(&s, theirs).await;
    assert_eq!(s.world.told_of(Kind::LostUpdate), 1, "{:?}", s.world.told());
    // And the guard's own event, late, is still its own.
    s.world.forget_calls();
    in_lambda(&s, own).await;
    assert_eq!(s.world.calls.borrow().iter().filter(|(call, _)| *call == Operation::GetBucketTagging).count(), 0);
}

#[tokio::test]
async fn the_guards_own_cors_write_is_never_told_as_somebodys_change() {
    let s = setup(World::healthy(), &[]);
    s.world.bucket(|bucket| bucket.cors.write(None, 0));
    in_lambda(&s, changed("DeleteBucketCors")).await;
    let mut own = event(&s, "PutBucketCors", GUARD, "own");
    own["detail"]["requestParameters"]["CORSConfiguration"] = json!({"CORSRule": {"AllowedHeader": "*",
        "AllowedMethod": "GET", "AllowedOrigin": "https://darwin.v7labs.com"}});
    s.world.forget_calls();
    // Meanwhile somebody deletes the rules again.
    in_lambda(&s, own.clone()).await;
    assert_eq!(s.world.calls.borrow().len(), 0, "its own: {:?}", s.world.calls.borrow());
    // A write of its role that it does not remember is looked at, and nobody is named for it.
    s.world.bucket(|bucket| bucket.cors.write(None, 0));
    own["detail"]["eventID"] = json!("another");
    in_lambda(&s, own).await;
    let bodies: String = s.world.published.borrow().iter().map(|message| message.body.clone()).collect();
    assert!(!bodies.contains("guard-role"), "{bodies}");
}

#[tokio::test]
async fn a_write_that_s3_was_too_busy_for_is_no_missing_trail() {
    let s = setup(World::healthy(), &[]);
    s.world.bucket(|bucket| bucket.policy.write(None, 0));
    for (class, code, status) in
        [(ErrorClass::Throttled, "SlowDown", 503), (ErrorClass::Transient, "InternalError", 500)]
    {
        s.world.fault(Operation::PutBucketPolicy, class, code, status);
        s.handle(sqs(&[changed("DeleteBucketPolicy")])).await;
        s.world.bucket(|bucket| bucket.policy.write(Some(crate::world::darwin_policy()), 0));
        s.world.now.set(s.world.now.get() + 45 * MINUTE);
        s.handle(json!({"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": {}})).await;
        assert_eq!(s.world.told_of(Kind::NoConfigEvents), 0, "{code}: {:?}", s.world.told());
        s.world.bucket(|bucket| bucket.policy.write(None, 0));
    }
}

fn queue(name: &str) -> Target {
    Target {
        service: Service::Queue,
        arn: format!("arn:aws:sqs:eu-central-1:111122223333:{name}"),
        id: Some(name.to_owned()),
        events: vec!["s3:ObjectRemoved:*".to_owned()],
        filter: Vec::new(),
    }
}

#[tokio::test]
async fn anothers_notification_that_falls_before_the_read_is_kept_and_after_it_is_told() {
    for (operation, kept) in
        [(Operation::GetBucketNotificationConfiguration, true), (Operation::PutBucketNotificationConfiguration, false)]
    {
        let s = setup(World::healthy(), &[("ENABLE_EVENTBRIDGE", "true")]);
        s.world.bucket(|bucket| {
            bucket.event_bridge = false;
            bucket.targets = vec![queue("old")];
        });
        // Under the lease: the third read is that of the write.
        let reads = Cell::new(0);
        let done = Cell::new(false);
        *s.world.rival.borrow_mut() = Some(Box::new(move |world, now| {
            reads.set(reads.get() + u32::from(now == Operation::GetBucketNotificationConfiguration));
            if now == operation && reads.get() == 3 && !done.replace(true) {
                world.bucket(|bucket| bucket.targets = vec![queue("old"), queue("new")]);
            }
        }));
        let theirs = {
            let mut event = event(&s, "PutBucketNotification", "arn:aws:iam::111122223333:user/dev", "theirs");
            let target = |name: &str| json!({"Id": name, "Event": "s3:ObjectRemoved:*", "Queue": format!("arn:aws:sqs:eu-central-1:111122223333:{name}")});
            event["detail"]["requestParameters"]["NotificationConfiguration"] =
                json!({"QueueConfiguration": [target("old"), target("new")]});
            event
        };
        let answer = s.handle(json!({"action": "repair"})).await;
        assert_eq!(answer["buckets"][0]["verified"], true, "{answer:#}");
        let targets = s.world.buckets.borrow()[BUCKET].targets.clone();
        assert_eq!(targets.contains(&queue("new")), kept, "{targets:?}");
        s.handle(theirs).await;
        assert_eq!(s.world.told_of(Kind::LostUpdate), usize::from(!kept), "{:?}", s.world.told());
        if !kept {
            let body = s.world.published.borrow().last().unwrap().body.clone();
            assert!(body.contains("put-bucket-notification-configuration"), "{body}");
        }
    }
}

#[tokio::test]
async fn an_objects_record_carries_the_repair_and_the_alert_that_it_led_to() {
    // A throttled repair, an unsent alert.
    for operation in [Operation::PutBucketPolicy, Operation::Publish] {
        let s = setup(World::healthy(), &[]);
        s.world.object("a.png", None);
        s.world.object("b.png", None);
        s.world.bucket(|bucket| bucket.policy.write(None, 0));
        s.world.fault(operation, ErrorClass::Throttled, "SlowDown", 503);
        if operation == Operation::Publish {
            s.world.fault(operation, ErrorClass::Throttled, "SlowDown", 503);
        }
        let answer = s.handle(sqs(&[created("a.png"), created("b.png"), json!({"hello": "world"})])).await;
        let failed = answer["batchItemFailures"].as_array().unwrap().len();
        assert_eq!(failed, 3, "{operation}: both objects, and the broken record: {answer}");
    }
}

#[tokio::test]
async fn a_policy_as_submitted_and_as_stored_costs_no_wait_and_is_no_lost_update() {
    let s = setup(World::healthy(), &[]);
    let deny = |value: Value| {
        json!({"Sid": "Tls", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": format!("arn:aws:s3:::{BUCKET}/*"),
            "Condition": {"Bool": {"aws:SecureTransport": value}}})
    };
    s.world.bucket(|bucket| bucket.policy.write(Some(policy(&[deny(json!("false"))])), 0));
    let theirs = of_policy(&s, "arn:aws:iam::111122223333:user/dev", "theirs", &policy(&[deny(json!(false))]));
    let began = s.world.now.get();
    let answer = s.handle(sqs(&[theirs])).await;
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert!(s.world.policy().unwrap().contains(ROLE), "{:?}", s.world.policy());
    assert_eq!((s.world.now.get(), s.world.told_of(Kind::LostUpdate)), (began, 0));
}
