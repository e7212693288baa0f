//! Unique ids in a policy: for a while after a write such a one may be Darwin's role, in anybody's statement.

use super::*;
use std::time::Duration;

const ID: &str = "AROATXYEXAMPLE7ABCDEF";

/// A policy that reads with a unique id in the role's place for so many reads, and then with the role.
fn resolving(policy: &Value, reads: u32) -> Setup {
    let s = setup(World::healthy(), &[]);
    let resolved = policy.to_string();
    s.world.bucket(|bucket| {
        bucket.policy.write(Some(resolved.replace(ROLE, ID)), 0);
        bucket.policy.write(Some(resolved), reads);
    });
    s
}

fn statement(sid: &str, effect: &str) -> Value {
    json!({"Sid": sid, "Effect": effect, "Principal": {"AWS": ROLE}, "Action": ["s3:GetObject", "s3:PutObject"],
        "Resource": format!("arn:aws:s3:::{BUCKET}/*")})
}

#[tokio::test]
async fn an_allow_of_somebodys_that_is_still_to_be_resolved_is_no_missing_access() {
    for sid in ["DarwinAccess", "Team"] {
        let policy = json!({"Version": "2012-10-17", "Statement": [statement(sid, "Allow")]});
        let s = resolving(&policy, 3);
        let answer = s.handle(changed("PutBucketPolicy")).await;
        assert_eq!(answer["buckets"][0]["read"], "allowed", "{sid}: {answer:#}");
        assert_eq!((s.world.writes(), s.world.told()), (vec![], vec![]), "{sid}");
    }
}

#[tokio::test]
async fn a_deny_that_is_still_to_be_resolved_is_not_taken_for_nobodys() {
    let ours = json!({"Sid": "Account", "Effect": "Allow", "Principal": {"AWS": "258327614892"},
        "Action": ["s3:GetObject", "s3:PutObject"], "Resource": format!("arn:aws:s3:::{BUCKET}/*")});
    let policy = json!({"Version": "2012-10-17", "Statement": [ours, statement("Out", "Deny")]});
    let s = resolving(&policy, 2);
    let answer = s.handle(changed("PutBucketPolicy")).await;
    assert_eq!(answer["buckets"][0]["findings"][0]["kind"], "explicit-deny", "{answer:#}");
    let s = resolving(&policy, 2);
    s.world.object("a.png", None);
    let answer = s.handle(created("a.png")).await;
    assert_eq!(answer["objects"][0]["read"], "denied", "{answer:#}");
}

#[tokio::test]
async fn an_id_that_stays_is_nobody_and_is_waited_for_once() {
    let s = setup(World::healthy(), &[]);
    let mut policy: Value = serde_json::from_str(&darwin_policy()).unwrap();
    let mut dead = statement("Old", "Deny");
    dead["Principal"]["AWS"] = json!(ID);
    policy["Statement"].as_array_mut().unwrap().push(dead);
    s.world.bucket(|bucket| bucket.policy.write(Some(policy.to_string()), 0));
    for reads in [4, 1, 1] {
        s.world.forget_calls();
        let answer = s.handle(changed("PutBucketPolicy")).await;
        assert_eq!(answer["buckets"][0]["read"], "allowed", "{answer:#}");
        assert_eq!(s.world.count(Operation::GetBucketPolicy), reads);
    }
    s.world.bucket(|bucket| bucket.policy.write(Some(policy.to_string() + " "), 0));
    s.world.forget_calls();
    s.handle(changed("PutBucketPolicy")).await;
    assert_eq!(s.world.count(Operation::GetBucketPolicy), 4, "a new document is waited for anew");
}

#[tokio::test]
async fn near_the_deadline_nobody_waits() {
    let policy = json!({"Version": "2012-10-17", "Statement": [statement("Team", "Allow")]});
    let s = resolving(&policy, 9);
    let deadline = Some(s.world.now.get() + Duration::from_millis(2300));
    let call = Call { request_id: "r".into(), deadline, ..Call::default() };
    s.guard.handle(&json!({"action": "audit"}), &call).await.unwrap();
    assert_eq!(s.world.count(Operation::GetBucketPolicy), 1);
}
