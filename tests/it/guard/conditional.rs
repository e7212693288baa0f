//! Somebody's conditional Allows where Darwin's own statement is gone: which of them keep it from being put back.

use super::*;

fn theirs(more: &Value) -> Value {
    let mut statement = json!({"Sid": "Theirs", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
        "Resource": format!("arn:aws:s3:::{BUCKET}/*")});
    statement.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    statement
}

/// Allows that are not about Darwin, and that may reach it.
fn not_about_darwin() -> Vec<Value> {
    [
        json!({"StringEquals": {"aws:PrincipalOrgID": "o-abc"}}),
        json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
        json!({"StringEquals": {"aws:SourceVpce": "vpce-1"}}),
        json!({"StringLike": {"aws:Referer": "https://www.example.com/*"}}),
        json!({"StringEquals": {"s3:ExistingObjectTag/share": "yes"}}),
        json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}, "StringEquals": {"aws:PrincipalOrgID": "o-abc"}}),
    ]
    .map(|condition| theirs(&json!({"Condition": condition})))
    .to_vec()
}

fn policy(statements: &[&Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn ours() -> Value {
    serde_json::from_str::<Value>(&darwin_policy()).unwrap()["Statement"][0].clone()
}

/// A guard that has seen the contract hold beside these statements.
async fn seen_whole(statements: &[&Value]) -> Setup {
    let s = setup(World::healthy(), &[]);
    let ours = ours();
    let all: Vec<&Value> = statements.iter().copied().chain([&ours]).collect();
    put(&s, &policy(&all));
    s.handle(json!({"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": {}})).await;
    assert_eq!(s.world.writes(), []);
    s
}

fn put(s: &Setup, policy: &str) {
    s.world.bucket(|bucket| bucket.policy.write(Some(policy.to_owned()), 0));
}

fn has_ours(s: &Setup) -> bool {
    s.world.policy().unwrap().contains("\"DarwinAccess\"")
}

#[tokio::test]
async fn an_allow_that_stood_when_the_contract_last_held_does_not_keep_ours_out() {
    for theirs in not_about_darwin() {
        let s = seen_whole(&[&theirs]).await;
        put(&s, &policy(&[&theirs]));
        let answer = s.handle(changed("PutBucketPolicy")).await;
        assert_eq!(s.world.writes(), [Operation::PutBucketPolicy], "{theirs}: {answer:#}");
        assert_eq!(answer["buckets"][0]["drifts"][0]["kind"], "policy-missing");
        assert!(s.world.policy().unwrap().contains(&theirs.to_string()), "theirs stays");
    }
}

#[tokio::test]
async fn written_otherwise_it_is_the_same_allow() {
    let theirs = theirs(&json!({"Condition": {"StringEquals": {"aws:SourceVpce": ["vpce-1", "vpce-2"]}}}));
    let s = seen_whole(&[&theirs]).await;
    put(
        &s,
        r#"{"Statement": {"Principal": {"AWS": ["*"]}, "Effect": "Allow", "Action": ["s3:GetObject"], "Sid": "Theirs",
            "Condition": {"StringEquals": {"aws:SourceVpce": ["vpce-2", "vpce-1"]}}, "Resource": ["arn:aws:s3:::acme-lidar/*"]},
            "Version": "2012-10-17"}"#,
    );
    s.handle(changed("PutBucketPolicy")).await;
    assert!(has_ours(&s), "{:?}", s.world.told());
}

#[tokio::test]
async fn one_that_came_or_changed_since_may_be_a_lock_down_and_waits_for_a_manual_repair() {
    let old = theirs(&json!({"Sid": "Old", "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}}));
    let widened = theirs(&json!({"Sid": "Old", "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-2"}}}));
    for came in not_about_darwin().into_iter().chain([widened]) {
        let s = seen_whole(&[&old]).await;
        let locked = policy(&[&came]);
        put(&s, &locked);
        let answer = s.handle(changed("PutBucketPolicy")).await;
        let bucket = &answer["buckets"][0];
        assert_eq!((s.world.writes(), s.world.policy()), (vec![], Some(locked.clone())), "{answer:#}");
        assert_eq!((&bucket["drifts"], &bucket["read"]), (&json!([]), &json!("depends")), "{answer:#}");
        let finding = bucket["findings"].as_array().unwrap().iter().find(|found| found["kind"] == "access-uncertain");
        let finding = finding.unwrap();
        assert!(finding["because"][0].as_str().unwrap().contains(came["Sid"].as_str().unwrap()), "{finding:#}");
        assert!(finding["because"][1].as_str().unwrap().ends_with("until a manual repair"), "{finding:#}");
        assert!(finding["remedy"].as_str().unwrap().contains(r#"{"action":"repair","bucket":"acme-lidar"}"#));

        s.handle(json!({"action": "audit"})).await;
        let planned = s.handle(json!({"action": "repair", "dry_run": true})).await;
        assert!(planned["buckets"][0]["plan"].as_str().unwrap().contains("DarwinAccess"), "{planned:#}");
        s.handle(changed("PutBucketPolicy")).await;
        assert_eq!(s.world.writes(), [], "neither an audit nor a dry run is a decision");

        s.handle(json!({"action": "repair"})).await;
        assert!(has_ours(&s), "a person asked");
        s.world.forget_calls();
        put(&s, &locked);
        s.handle(changed("PutBucketPolicy")).await;
        assert!(has_ours(&s), "it stood when the contract last held");
    }
}

#[tokio::test]
async fn one_that_went_and_comes_again_has_come_since() {
    let theirs = theirs(&json!({"Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}}));
    let s = seen_whole(&[&theirs]).await;
    put(&s, &policy(&[&ours()]));
    s.handle(changed("PutBucketPolicy")).await;
    put(&s, &policy(&[&theirs]));
    s.handle(changed("PutBucketPolicy")).await;
    assert!(!has_ours(&s));
}

#[tokio::test]
async fn a_bucket_that_was_never_seen_whole_waits_for_a_manual_repair() {
    let s = setup(World::healthy(), &[]);
    let theirs = theirs(&json!({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-abc"}}}));
    put(&s, &policy(&[&theirs]));
    s.handle(changed("PutBucketPolicy")).await;
    assert!(!has_ours(&s));
    assert!(s.world.told().contains(&"access-uncertain opened".to_owned()), "{:?}", s.world.told());
    s.handle(json!({"action": "repair"})).await;
    assert!(has_ours(&s));
}

#[tokio::test]
async fn one_that_names_darwin_is_a_decision_about_darwin_for_ever() {
    let office = json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}});
    for more in [
        json!({"Principal": {"AWS": ROLE}, "Condition": office}),
        json!({"Principal": {"AWS": "arn:aws:iam::258327614892:root"}, "Condition": office}),
        json!({"Principal": {"AWS": ["258327614892", "arn:aws:iam::444455556666:root"]}, "Condition": office}),
        json!({"Condition": {"ArnEquals": {"aws:PrincipalArn": ROLE}, "IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}),
        json!({"Condition": {"StringLike": {"AWS:principalarn": "arn:aws:*:*:role/external_s3"},
            "StringEquals": {"aws:SourceVpce": "vpce-1"}}}),
        json!({"Condition": {"StringEquals": {"aws:PrincipalAccount": ["444455556666", "258327614892"],
            "aws:SourceVpce": "vpce-1"}}}),
        // Darwin meets it no more, or never.
        json!({"Principal": {"AWS": ROLE}, "Condition": {"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}}),
        json!({"Condition": {"StringNotEquals": {"aws:PrincipalAccount": "258327614892"}}}),
    ] {
        let theirs = theirs(&more);
        let s = seen_whole(&[&theirs]).await;
        let alone = policy(&[&theirs]);
        put(&s, &alone);
        for event in [changed("PutBucketPolicy"), json!({"action": "repair"})] {
            let answer = s.handle(event).await;
            assert_eq!((s.world.writes(), s.world.policy()), (vec![], Some(alone.clone())), "{more}: {answer:#}");
            let findings = answer["buckets"][0]["findings"].to_string();
            assert!(findings.contains("somebody's decision: the guard writes nothing"), "{findings}");
        }
    }
}

#[tokio::test]
async fn one_that_surely_does_not_reach_darwin_is_nothing_to_wait_for() {
    for more in [
        json!({"Principal": {"AWS": "arn:aws:iam::444455556666:root"},
            "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}}),
        json!({"Condition": {"StringEquals": {"aws:PrincipalAccount": "444455556666"}}}),
        json!({"Action": "s3:ListBucket", "Resource": format!("arn:aws:s3:::{BUCKET}"), "Principal": {"AWS": ROLE},
            "Condition": {"StringLike": {"s3:prefix": "raw/*"}}}),
    ] {
        let s = setup(World::healthy(), &[]);
        put(&s, &policy(&[&theirs(&more)]));
        let answer = s.handle(changed("PutBucketPolicy")).await;
        assert!(has_ours(&s), "{more}: {answer:#}");
    }
}
