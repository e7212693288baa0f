//! What was told is taken back when it is no longer so, whatever it was about.

use super::*;
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);

fn later(s: &Setup) {
    s.world.now.set(s.world.now.get() + HOUR);
}

async fn sweep(s: &Setup) {
    later(s);
    s.handle(json!({"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": {}})).await;
}

#[tokio::test]
async fn a_bucket_that_hung_on_the_unseen_and_no_longer_does_is_resolved_by_the_schedule() {
    let s = setup(World::healthy(), &[]);
    let settled = s.world.policy().unwrap();
    let mut policy: Value = serde_json::from_str(&settled).unwrap();
    policy["Statement"].as_array_mut().unwrap().push(json!({"Sid": "Office", "Effect": "Deny", "Principal": "*",
        "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{BUCKET}/*"),
        "Condition": {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}));
    s.world.bucket(|bucket| bucket.policy.write(Some(policy.to_string()), 0));
    sweep(&s).await;
    sweep(&s).await;
    assert_eq!(s.world.told(), ["access-uncertain opened"]);
    s.world.bucket(|bucket| bucket.policy.write(Some(settled), 0));
    sweep(&s).await;
    assert_eq!(s.world.told(), ["access-uncertain opened", "access-uncertain resolved"]);
}

#[tokio::test]
async fn a_call_that_the_guard_may_make_again_is_resolved() {
    let s = setup(World::healthy(), &[]);
    s.world.fault(Operation::GetBucketCors, ErrorClass::Denied, "AccessDenied", 403);
    sweep(&s).await;
    sweep(&s).await;
    assert_eq!(s.world.told(), ["guard-denied opened", "guard-denied resolved"]);
}

#[tokio::test]
async fn a_missing_trail_is_told_once_and_resolved_by_the_next_event_of_an_own_write() {
    let s = setup(World::healthy(), &[]);
    s.world.bucket(|bucket| bucket.policy.write(Some(without_ours()), 0));
    sweep(&s).await;
    let own = s.world.policy().unwrap();
    sweep(&s).await;
    sweep(&s).await;
    assert_eq!(s.world.told(), ["policy-missing repaired", "no-config-events opened"]);
    let mut event = changed("PutBucketPolicy");
    event["detail"]["requestParameters"]["bucketPolicy"] = serde_json::from_str(&own).unwrap();
    event["detail"]["eventTime"] = json!(s.world.now.get().to_string());
    event["detail"]["userIdentity"]["arn"] = json!("arn:aws:sts::111122223333:assumed-role/guard-role/guard");
    later(&s);
    in_lambda(&s, event).await;
    assert_eq!(s.world.told().last().unwrap(), "no-config-events resolved");
    sweep(&s).await;
    assert_eq!(s.world.told().len(), 3, "{:?}", s.world.told());
}

#[tokio::test]
async fn an_object_that_could_not_be_judged_is_told_of_by_the_schedule_once_it_can_be() {
    let s = setup(World::healthy(), &[]);
    let key = s.world.key("other", false);
    s.world.object("a.png", Some(&key));
    s.world.fault(Operation::HeadObject, ErrorClass::Denied, "AccessDenied", 403);
    s.handle(created("a.png")).await;
    assert_eq!(s.world.told(), ["guard-denied opened"]);
    sweep(&s).await;
    let mut told = s.world.told();
    told.sort();
    assert_eq!(told, ["guard-denied opened", "guard-denied resolved", "key-denied opened"]);
    sweep(&s).await;
    assert_eq!(s.world.told().len(), 3, "once: {:?}", s.world.told());
}

/// The bucket's policy with a Deny for Darwin in it, and an event of this call at this time.
async fn locked(s: &Setup, name: &str) -> String {
    let open = s.world.policy().unwrap();
    let mut policy: Value = serde_json::from_str(&open).unwrap();
    policy["Statement"]
        .as_array_mut()
        .unwrap()
        .push(json!({"Sid": "Lock", "Effect": "Deny", "Principal": {"AWS": ROLE},
        "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{BUCKET}/*")}));
    s.world.bucket(|bucket| bucket.policy.write(Some(policy.to_string()), 0));
    s.handle(by(s, name)).await;
    open
}

fn by(s: &Setup, name: &str) -> Value {
    let mut event = changed(name);
    event["detail"]["eventTime"] = json!(s.world.now.get().to_string());
    event
}

#[tokio::test]
async fn a_change_that_was_made_before_an_incident_began_did_not_end_it() {
    for (late, ended_by) in [(false, "DeleteBucketPolicy"), (true, "")] {
        let s = setup(World::healthy(), &[]);
        let early = by(&s, "DeleteBucketPolicy");
        later(&s);
        let open = locked(&s, "PutBucketPolicy").await;
        assert_eq!(s.world.documents().remove(0)["change"], "PutBucketPolicy");
        s.world.bucket(|bucket| bucket.policy.write(Some(open), 0));
        later(&s);
        s.handle(if late { early } else { by(&s, "DeleteBucketPolicy") }).await;
        assert_eq!(s.world.told(), ["explicit-deny opened", "explicit-deny resolved"]);
        assert_eq!(s.world.documents().remove(1)["ended_by_change"].as_str().unwrap_or(""), ended_by);
    }
}
