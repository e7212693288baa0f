//! What each event leads to over the in-memory AWS, which calls it makes, and what it leaves alone.

mod by_hand;
mod conditional;
mod encryption;
mod healing;
mod ids;
mod parts;
mod public;
mod rcp;

use crate::harness::{Setup, changed, created, in_lambda, setup, sqs};
use crate::world::{self, BUCKET, ROLE, World, darwin_cors, darwin_policy};
use darwin_s3_guard::app::handler::Call;
use darwin_s3_guard::model::aws::{ErrorClass, Operation};
use darwin_s3_guard::model::finding::Kind;
use darwin_s3_guard::model::s3::{CorsRule, Head, ObjectFacts};
use serde_json::{Value, json};
use std::time::Duration;

const SOMEBODYS: &str = r#"{"Sid": "Somebody", "Effect": "Allow",   "Principal": {"AWS": "arn:aws:iam::444455556666:root"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-lidar/shared/*"}"#;

fn without_ours() -> String {
    format!(r#"{{"Version": "2012-10-17", "Statement": [{SOMEBODYS}]}}"#)
}

#[tokio::test]
async fn an_upload_that_darwin_can_read_costs_one_head_object_and_says_nothing() {
    let s = setup(World::healthy(), &[]);
    let key = s.world.key("good", true);
    s.world.object("raw/a b+c.png", Some(&key));
    let answer = s.handle(created("raw/a b+c.png")).await;
    assert_eq!(answer["objects"][0]["read"], "allowed", "{answer:#}");
    assert_eq!(answer["objects"][0]["kms_key"], key);
    assert_eq!(s.world.count(Operation::HeadObject), 1);
    assert_eq!(s.world.count(Operation::ListGrants), 0, "the policy allows, so nobody asks for grants");
    let public = [Operation::GetPublicAccessBlock, Operation::GetBucketPolicyStatus].map(|call| s.world.count(call));
    assert_eq!(public, [0, 0], "the policy names its principals, so no public block can matter");
    assert_eq!(s.world.count(Operation::GetBucketOwnershipControls), 0, "the event says who put it");
    assert_eq!((s.world.told(), s.world.writes()), (vec![], vec![]));
}

#[tokio::test]
async fn a_known_key_and_bucket_cost_no_further_call() {
    let s = setup(World::healthy(), &[]);
    let key = s.world.key("good", true);
    let bodies: Vec<Value> = (0..50)
        .map(|n| {
            s.world.object(&format!("{n}.png"), Some(&key));
            created(&format!("{n}.png"))
        })
        .collect();
    assert_eq!(s.handle(sqs(&bodies)).await, json!({"batchItemFailures": []}));
    assert_eq!(s.world.count(Operation::HeadObject), 50);
    assert_eq!((s.world.count(Operation::DescribeKey), s.world.count(Operation::GetKeyPolicy)), (1, 1));
    assert_eq!(s.world.count(Operation::GetBucketPolicy), 1);
    s.world.forget_calls();
    s.handle(sqs(&bodies)).await;
    assert_eq!(s.world.calls.borrow().len(), 50, "one HeadObject each, nothing else");
}

#[tokio::test]
async fn a_batch_counts_what_is_allowed_and_judges_by_itself_what_its_key_allows_in_part() {
    let s = setup(World::healthy(), &[]);
    let (good, partial) = (s.world.key("good", true), s.world.key("partial", true));
    let context = json!({"StringLike": {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::acme-lidar/shared/*"}});
    let darwin = json!({"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "kms:Decrypt", "Resource": "*", "Condition": context});
    s.world.keys.borrow_mut().get_mut(&partial).unwrap().policy =
        json!({"Version": "2012-10-17", "Statement": [darwin]}).to_string();
    let mut bodies = Vec::new();
    for n in 0..20 {
        for (key, name) in [(&good, "good"), (&partial, "shared"), (&partial, "own")] {
            s.world.object(&format!("{name}/{n}.png"), Some(key));
            bodies.push(created(&format!("{name}/{n}.png")));
        }
    }
    s.world.object("plain.png", None);
    s.world.bucket(|bucket| {
        let Some(Head::Found(facts)) = bucket.objects.get("plain.png").cloned() else { panic!("no object") };
        let archived = ObjectFacts { storage_class: Some("GLACIER".into()), ..facts };
        bucket.objects.insert("archived.png".into(), Head::Found(archived));
    });
    bodies.extend([created("plain.png"), created("archived.png")]);
    in_lambda(&s, sqs(&bodies)).await;
    let line = s.lines().into_iter().rfind(|line| line.get("items").is_some()).unwrap();
    let counts = ["objects.allowed", "objects.denied", "objects.depends"].map(|name| line[name].as_u64().unwrap());
    assert_eq!(counts, [41, 21, 0], "{line:#}");
    assert!(line["message"].as_str().unwrap().contains("41 of 62 objects readable"), "{}", line["message"]);
    assert_eq!(s.world.count(Operation::HeadObject), 62);
}

#[tokio::test]
async fn what_a_policy_says_of_the_time_is_asked_again_at_every_time() {
    let s = setup(World::healthy(), &[]);
    let until = (s.world.now.get() + Duration::from_mins(1)).to_string();
    let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-lidar/*",
        "Condition": {"DateGreaterThan": {"aws:CurrentTime": until}}});
    let mut policy: Value = serde_json::from_str(&darwin_policy()).unwrap();
    policy["Statement"].as_array_mut().unwrap().push(deny);
    s.world.bucket(|bucket| bucket.policy.write(Some(policy.to_string()), 0));
    s.world.object("a.png", None);
    denied_at_last(&s).await;
}

#[tokio::test]
async fn what_a_key_policy_says_of_the_time_is_asked_again_at_every_time() {
    let s = setup(World::healthy(), &[]);
    let key = s.world.key("k", true);
    let until = (s.world.now.get() + Duration::from_mins(1)).to_string();
    let mut policy: Value = serde_json::from_str(&s.world.keys.borrow()[&key].policy).unwrap();
    policy["Statement"].as_array_mut().unwrap().push(json!({"Effect": "Deny", "Principal": "*", "Action": "kms:*",
        "Resource": "*", "Condition": {"DateGreaterThan": {"aws:CurrentTime": until}}}));
    s.world.keys.borrow_mut().get_mut(&key).unwrap().policy = policy.to_string();
    s.world.object("a.png", Some(&key));
    denied_at_last(&s).await;
}

/// The object can be read at first and 45 seconds later, and no more after 90 seconds.
async fn denied_at_last(s: &Setup) {
    for denied in [false, false, true] {
        in_lambda(s, sqs(&[created("a.png")])).await;
        let line = s.lines().into_iter().rfind(|line| line.get("items").is_some()).unwrap();
        assert_eq!(
            (&line["objects.allowed"], &line["objects.denied"]),
            (&json!(u8::from(!denied)), &json!(u8::from(denied)))
        );
        s.world.now.set(s.world.now.get() + Duration::from_secs(45));
    }
}

#[tokio::test]
async fn uploads_under_a_bad_key_are_one_message_with_a_count() {
    let s = setup(World::healthy(), &[]);
    let key = s.world.key("bad", false);
    let bodies: Vec<Value> = (0..30)
        .map(|n| {
            s.world.object(&format!("{n}.png"), Some(&key));
            created(&format!("{n}.png"))
        })
        .collect();
    assert_eq!(
        s.handle(sqs(&bodies)).await,
        json!({"batchItemFailures": []}),
        "a verdict was reached: nothing to try again"
    );
    s.handle(sqs(&bodies)).await;
    assert_eq!(s.world.told(), ["key-denied opened"]);
    let body = s.world.published.borrow()[0].body.clone();
    assert!(body.contains("\\\"count\\\":30"), "{body}");
    assert!(body.contains("bad"), "the key is named: {body}");
}

#[tokio::test]
async fn a_mended_key_policy_resolves_the_incident_with_one_message() {
    let s = setup(World::healthy(), &[]);
    let key = s.world.key("bad", false);
    s.world.object("a.png", Some(&key));
    s.handle(created("a.png")).await;
    s.world.key("bad", true);
    s.world.now.set(s.world.now.get() + Duration::from_secs(1));
    let mut event = changed("PutKeyPolicy");
    event["source"] = json!("aws.kms");
    event["detail"]["eventSource"] = json!("kms.amazonaws.com");
    event["detail"]["requestParameters"] = json!({"keyId": key});
    event["detail"]["resources"] = json!([{"ARN": key, "accountId": world::ACCOUNT, "type": "AWS::KMS::Key"}]);
    s.handle(event).await;
    assert_eq!(s.world.told(), ["key-denied opened", "key-denied resolved"]);
}

#[tokio::test]
async fn a_clean_bucket_is_read_once_in_one_parallel_round_and_left_alone() {
    let s = setup(World::healthy(), &[]);
    let answer = s.handle(changed("PutBucketPolicy")).await;
    let bucket = &answer["buckets"][0];
    assert_eq!(
        (bucket["read"].as_str(), bucket["write"].as_str(), bucket["cors"].as_str()),
        (Some("allowed"), Some("allowed"), Some("ok")),
        "{answer:#}"
    );
    assert_eq!(
        (&bucket["drifts"], &bucket["findings"], &bucket["plan"]),
        (&json!([]), &json!([]), &Value::Null),
        "{answer:#}"
    );
    let calls = s.world.calls.borrow();
    let mut names: Vec<Operation> = calls.iter().map(|(operation, _)| *operation).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), calls.len(), "each document once: {calls:?}");
    assert_eq!(s.world.most_in_flight.get(), calls.len(), "all at the same time");
    assert_eq!(s.world.writes(), []);
}

#[tokio::test]
async fn a_deleted_statement_is_put_back_and_every_other_byte_is_kept() {
    let s = setup(World::healthy(), &[]);
    s.world.bucket(|bucket| bucket.policy.write(Some(without_ours()), 0));
    let answer = s.handle(changed("PutBucketPolicy")).await;
    let bucket = &answer["buckets"][0];
    assert_eq!(bucket["drifts"][0]["kind"], "policy-missing", "{answer:#}");
    assert_eq!(bucket["actions"], json!([{"operation": "PutBucketPolicy", "result": "done"}]));
    assert_eq!(bucket["verified"], true);
    assert_eq!(bucket["read"], "allowed", "as it is after the repair");
    let policy = s.world.policy().unwrap();
    assert!(policy.contains(SOMEBODYS) && policy.contains(ROLE), "{policy}");
    assert_eq!(s.world.writes(), [Operation::PutBucketPolicy]);
    assert_eq!(s.world.told_of(Kind::PolicyMissing), 1);
    let body = s.world.published.borrow()[0].body.clone();
    assert!(body.contains("assumed-role/deploy/ci") && body.contains("192.0.2.7"), "who and from where: {body}");
    assert!(body.contains("darwin-guard"), "how to stop it: {body}");
    s.handle(json!({"action": "repair"})).await;
    assert_eq!(s.world.told(), ["policy-missing repaired"], "one message says both");
}

#[tokio::test]
async fn its_own_write_comes_back_as_an_event_and_nothing_happens() {
    let s = setup(World::healthy(), &[]);
    s.world.bucket(|bucket| bucket.policy.write(Some(without_ours()), 0));
    s.handle(changed("PutBucketPolicy")).await;
    let told = s.world.told().len();
    s.world.forget_calls();
    let mut own = changed("PutBucketPolicy");
    let policy: Value = serde_json::from_str(&s.world.policy().unwrap()).unwrap();
    own["detail"]["requestParameters"]["bucketPolicy"] = policy;
    own["detail"]["eventTime"] = json!(s.world.now.get().to_string());
    own["detail"]["userIdentity"]["arn"] = json!("arn:aws:sts::111122223333:assumed-role/guard-role/guard");
    in_lambda(&s, own).await;
    assert_eq!(s.world.calls.borrow().len(), 0, "recognised: {:?}", s.world.calls.borrow());
    assert_eq!(s.world.told().len(), told);
}

#[tokio::test]
async fn replaced_cors_rules_get_ours_back_beside_them() {
    let s = setup(World::healthy(), &[]);
    let theirs = CorsRule {
        id: Some("site".into()),
        allowed_methods: vec!["PUT".into()],
        allowed_origins: vec!["https://www.example.com".into()],
        max_age_seconds: Some(3_000),
        ..CorsRule::default()
    };
    s.world.bucket(|bucket| bucket.cors.write(Some(vec![theirs.clone()]), 0));
    let answer = s.handle(changed("PutBucketCors")).await;
    assert_eq!(answer["buckets"][0]["cors"], "ok", "{answer:#}");
    assert_eq!(s.world.writes(), [Operation::PutBucketCors]);
    let rules = s.world.buckets.borrow()[BUCKET].cors.now().clone().unwrap();
    assert_eq!(rules.first(), Some(&theirs));
    assert_eq!(rules.get(1), darwin_cors().first());
}

#[tokio::test]
async fn a_deny_that_shuts_darwin_out_is_told_and_never_touched() {
    let s = setup(World::healthy(), &[]);
    let mut policy: Value = serde_json::from_str(&darwin_policy()).unwrap();
    policy["Statement"].as_array_mut().unwrap().push(json!({"Sid": "Lockdown", "Effect": "Deny", "Principal": "*",
        "Action": "s3:*", "Resource": [format!("arn:aws:s3:::{BUCKET}"), format!("arn:aws:s3:::{BUCKET}/*")],
        "Condition": {"StringNotEquals": {"aws:PrincipalAccount": world::ACCOUNT}}}));
    s.world.bucket(|bucket| bucket.policy.write(Some(policy.to_string()), 0));
    let answer = s.handle(changed("PutBucketPolicy")).await;
    let bucket = &answer["buckets"][0];
    assert_eq!(bucket["read"], "denied", "{answer:#}");
    assert_eq!(bucket["findings"][0]["kind"], "explicit-deny");
    assert!(bucket["findings"][0]["because"][0].as_str().unwrap().contains("Lockdown"));
    assert_eq!(s.world.writes(), []);
    assert_eq!(s.world.told(), ["explicit-deny opened"]);
}

#[tokio::test]
async fn flag_mode_an_audit_a_dry_run_and_the_pause_tag_write_nothing() {
    for (variables, event, dry_run, tag) in [
        (&[("MODE", "flag")][..], changed("DeleteBucketPolicy"), false, false),
        (&[][..], json!({"action": "audit"}), false, false),
        (&[][..], json!({"action": "repair", "dry_run": true}), false, false),
        (&[][..], changed("DeleteBucketPolicy"), true, false),
        (&[("MODE", "flag")][..], json!({"action": "repair"}), false, false),
        (&[][..], json!({"action": "repair"}), false, true),
    ] {
        let s = setup(World::healthy(), variables);
        s.world.bucket(|bucket| {
            bucket.policy.write(None, 0);
            bucket.cors.write(None, 0);
            if tag {
                bucket.tags.push(("darwin-guard".into(), "paused".into()));
            }
        });
        let call = Call { dry_run, request_id: "r".into(), ..Call::default() };
        let answer = s.guard.handle(&event, &call).await.unwrap();
        assert_eq!(s.world.writes(), [], "{event}");
        let bucket = &answer["buckets"][0];
        assert!(bucket["plan"].as_str().unwrap().contains("+      \"Sid\": \"DarwinAccess\""), "{}", bucket["plan"]);
        assert_eq!(bucket["verified"], Value::Null);
        if dry_run || event["action"] == "audit" {
            assert_eq!(s.world.told(), Vec::<String>::new(), "{event}");
        }
    }
}

#[tokio::test]
async fn a_write_is_believed_only_when_it_shows() {
    let s = setup(World::healthy(), &[]);
    s.world.stale_reads_after_write.set(3);
    s.world.bucket(|bucket| bucket.policy.write(Some(without_ours()), 0));
    let answer = s.handle(changed("PutBucketPolicy")).await;
    assert_eq!(answer["buckets"][0]["verified"], true, "{answer:#}");
    assert_eq!(s.world.stale_seen.get(), 3);
    assert_eq!(s.world.writes(), [Operation::PutBucketPolicy], "a stale read is no reason to write again");
}

#[tokio::test]
async fn a_rival_that_keeps_undoing_the_repair_stops_the_guard() {
    let s = setup(World::healthy(), &[]);
    s.world.bucket(|bucket| bucket.policy.write(Some(without_ours()), 0));
    *s.world.rival.borrow_mut() = Some(Box::new(|world, operation| {
        if operation == Operation::GetBucketTagging {
            world.bucket(|bucket| bucket.policy.write(Some(without_ours()), 0));
        }
    }));
    for _ in 0..10 {
        s.guard.handle(&changed("PutBucketPolicy"), &Call { request_id: "r".into(), ..Call::default() }).await.ok();
    }
    assert_eq!(s.world.writes().len(), 3, "CONTESTED_LIMIT");
    assert_eq!(s.world.told_of(Kind::Contested), 1, "{:?}", s.world.told());
    *s.world.rival.borrow_mut() = None;
    let answer = s.handle(json!({"action": "repair"})).await;
    assert_eq!(answer["buckets"][0]["verified"], true, "a manual repair resumes: {answer:#}");
}

#[tokio::test]
async fn what_is_not_guarded_or_of_another_region_is_never_touched() {
    let s = setup(World::healthy(), &[]);
    let mut other_bucket = created("a.png");
    other_bucket["detail"]["bucket"]["name"] = json!("not-ours");
    let mut other_region = created("a.png");
    other_region["region"] = json!("us-east-1");
    let mut other_config = changed("PutBucketPolicy");
    other_config["detail"]["requestParameters"]["bucketName"] = json!("not-ours");
    let mut other_account = changed("PutBucketPolicy");
    other_account["detail"]["recipientAccountId"] = json!("999999999999");
    for (event, saw) in [
        (other_bucket, "not-ours"),
        (other_region, "us-east-1"),
        (other_config, "not-ours"),
        (other_account, "999999999999"),
    ] {
        let answer = s.handle(event.clone()).await;
        assert!(answer["problems"][0]["saw"].as_str().unwrap().contains(saw), "{answer:#}");
        assert_eq!(answer["problems"][0]["retryable"], false);
        assert_eq!(s.handle(sqs(&[event])).await, json!({"batchItemFailures": []}), "nothing to try again");
    }
    assert_eq!(s.world.calls.borrow().len(), 0);
}

#[tokio::test]
async fn one_bad_record_fails_alone_and_the_rest_of_its_batch_is_done() {
    let s = setup(World::healthy(), &[]);
    s.world.object("good.png", None);
    let answer = s
        .handle(sqs(&[
            json!("{broken"),
            created("good.png"),
            json!({"hello": "world"}),
            json!({"action": "repair"}),
            json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "t", "Bucket": BUCKET, "RequestId": "r", "HostId": "h"}),
            created("gone.png"),
        ]))
        .await;
    let failed: Vec<&str> = answer["batchItemFailures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["itemIdentifier"].as_str().unwrap())
        .collect();
    assert_eq!(failed, ["m0", "m2", "m3"]);
    assert_eq!(s.world.count(Operation::HeadObject), 2);
    assert_eq!(s.world.writes(), [], "a manual action in a queue is refused");
}

#[tokio::test]
async fn an_envelope_that_is_not_understood_is_an_error_that_names_what_it_saw() {
    let s = setup(World::healthy(), &[]);
    let message = s
        .refuse(json!({"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification", "detail": {}}))
        .await;
    assert!(message.contains("aws.ec2"), "{message}");
}

#[tokio::test]
async fn a_throttled_head_object_returns_its_record_and_no_other() {
    let s = setup(World::healthy(), &[]);
    s.world.object("a.png", None);
    s.world.object("b.png", None);
    s.world.fault(Operation::HeadObject, ErrorClass::Throttled, "SlowDown", 503);
    let answer = s.handle(sqs(&[created("a.png"), created("b.png")])).await;
    assert_eq!(answer["batchItemFailures"].as_array().unwrap().len(), 1, "{answer}");
    assert_eq!(s.world.count(Operation::HeadObject), 2);
}

#[tokio::test]
async fn a_head_object_that_the_guard_may_not_make_is_depends_never_denied() {
    let s = setup(World::healthy(), &[]);
    s.world.object("a.png", None);
    s.world.fault(Operation::HeadObject, ErrorClass::Denied, "AccessDenied", 403);
    let answer = s.handle(created("a.png")).await;
    assert_eq!(answer["objects"][0]["read"], "depends", "{answer:#}");
    assert_eq!(s.world.told(), ["guard-denied opened"]);
}

#[tokio::test]
async fn what_is_not_begun_before_the_deadline_is_returned() {
    let s = setup(World::healthy(), &[]);
    s.world.object("a.png", None);
    let call =
        Call { deadline: Some(s.world.now.get() + Duration::from_secs(1)), request_id: "r".into(), ..Call::default() };
    let answer = s.guard.handle(&sqs(&[created("a.png")]), &call).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "m0"}]}));
    assert_eq!(s.world.calls.borrow().len(), 0);
}

#[tokio::test]
async fn an_object_denied_by_the_bucket_reconciles_it_at_most_once_a_minute() {
    let s = setup(World::healthy(), &[("MODE", "flag")]);
    s.world.object("a.png", None);
    s.world.bucket(|bucket| bucket.policy.write(None, 0));
    for _ in 0..3 {
        s.handle(created("a.png")).await;
    }
    assert_eq!(s.world.count(Operation::GetBucketTagging), 1);
    assert_eq!(s.world.told_of(Kind::PolicyMissing), 1, "{:?}", s.world.told());
    assert_eq!(s.world.told_of(Kind::ObjectDenied), 0, "the bucket's own finding explains it");
    s.world.now.set(s.world.now.get() + Duration::from_secs(61));
    s.handle(created("a.png")).await;
    assert_eq!(s.world.count(Operation::GetBucketTagging), 2);
}

#[tokio::test]
async fn an_adverse_verdict_from_old_facts_is_read_again_before_it_is_told() {
    let s = setup(World::healthy(), &[]);
    let key = s.world.key("late", false);
    s.world.object("a.png", Some(&key));
    s.guard.handle(&created("a.png"), &Call { dry_run: true, ..Call::default() }).await.unwrap();
    s.world.key("late", true);
    s.world.now.set(s.world.now.get() + Duration::from_secs(11));
    let answer = s.handle(created("a.png")).await;
    assert_eq!(answer["objects"][0]["read"], "allowed", "{answer:#}");
    assert_eq!(s.world.told(), Vec::<String>::new());
}

#[tokio::test]
async fn an_adverse_verdict_from_facts_that_were_long_in_coming_is_read_again_before_it_is_told() {
    let s = setup(World::healthy(), &[]);
    let key = s.world.key("slow", false);
    s.world.object("a.png", Some(&key));
    s.world.fault(Operation::GetKeyPolicy, ErrorClass::Denied, "AccessDeniedException", 400);
    s.world.slow(Operation::GetKeyPolicy, Duration::from_secs(11));
    let answer = s.handle(created("a.png")).await;
    assert_eq!(answer["objects"][0]["read"], "denied", "the refusal was over by then: {answer:#}");
    assert_eq!(s.world.count(Operation::GetKeyPolicy), 2);
    assert_eq!(s.world.told(), ["key-denied opened"]);
}

#[tokio::test]
async fn an_audit_of_a_healthy_bucket_ends_with_the_activation_details() {
    let s = setup(World::healthy(), &[("TEAM_NAME", "Acme Vision")]);
    let answer = s.handle(json!({"action": "audit"})).await;
    let activation = answer["activation"].as_str().unwrap();
    for part in [world::REGION, BUCKET, "Acme Vision"] {
        assert!(activation.contains(part), "{activation}");
    }
    s.world.subscriptions.set(0);
    let answer = s.handle(json!({"action": "audit"})).await;
    assert_eq!(answer["buckets"][0]["findings"][0]["kind"], "no-subscription", "{answer:#}");
}
