//! The inputs of public bug reports, `tests/cases/public/`: each comes to what it should.

use super::*;

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// A bucket with this policy, guarded with this access.
fn with_policy(policy: &str, access: &Value) -> Setup {
    let guarded = json!([{"name": BUCKET, "access": access}]).to_string();
    let s = setup(World::healthy(), &[("GUARDED_BUCKETS", &guarded)]);
    s.world.bucket(|bucket| bucket.policy.write(Some(policy.to_owned()), 0));
    s
}

fn kinds(findings: &Value) -> Vec<&str> {
    findings.as_array().unwrap().iter().map(|found| found["kind"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn bucket_policies_of_public_reports_come_to_what_they_should() {
    let mut seen = 0;
    for text in [include_str!("../../cases/public/oai-repair.json"), include_str!("../../cases/public/deny-sse-c.json")]
    {
        for case in
            read(&text.replace("arn:aws:s3:::B", &format!("arn:aws:s3:::{BUCKET}")))["cases"].as_array().unwrap()
        {
            let (name, expected) = (&case["name"], &case["expected"]);
            let s = with_policy(&case["policy"].to_string(), &case["access"]);
            let bucket = s.handle(json!({"action": "audit"})).await["buckets"][0].clone();
            for side in ["read", "write"] {
                assert!(expected[side].is_null() || bucket[side] == expected[side], "{name}: {bucket:#}");
            }
            if let Some(drifts) = expected["drifts"].as_array() {
                assert_eq!(json!(kinds(&bucket["drifts"])), json!(drifts), "{name}: {bucket:#}");
            }
            for absent in expected["findings_absent"].as_array().into_iter().flatten() {
                assert!(!kinds(&bucket["findings"]).contains(&absent.as_str().unwrap()), "{name}: {bucket:#}");
            }
            if expected["repair"].is_object() {
                let answer = s.handle(json!({"action": "repair"})).await;
                let bucket = &answer["buckets"][0];
                assert_eq!(
                    (&bucket["verified"], &bucket["read"]),
                    (&json!(true), &json!("allowed")),
                    "{name}: {answer:#}"
                );
                for statement in case["policy"]["Statement"].as_array().unwrap() {
                    assert!(s.world.policy().unwrap().contains(&statement.to_string()), "{name}: {statement}");
                }
            }
            seen += 1;
        }
    }
    assert_eq!(seen, 3);
}

#[tokio::test]
async fn a_default_key_by_its_bare_id_as_reported_can_not_be_written_with() {
    let case = read(include_str!("../../cases/public/default-key-bare-id.json"));
    let default = &case["bucket_encryption"]["Rules"][0]["ApplyServerSideEncryptionByDefault"];
    let name = default["KMSMasterKeyID"].as_str().unwrap();
    let s = with_policy(&darwin_policy(), &case["access"]);
    let arn = s.world.key(name, true);
    let mut key = s.world.keys.borrow()[&arn].clone();
    key.policy = case["key_policy"].to_string();
    s.world.keys.borrow_mut().insert(name.to_owned(), key);
    s.world.bucket(|bucket| {
        bucket.encryption.algorithm = default["SSEAlgorithm"].as_str().map(str::to_owned);
        bucket.encryption.kms_key = Some(name.to_owned());
        bucket.encryption.bucket_key_enabled = true;
    });
    let bucket = s.handle(case["event"].clone()).await["buckets"][0].clone();
    assert_eq!((&bucket["write"], &bucket["activation"]), (&case["expected"]["write"], &Value::Null), "{bucket:#}");
    assert_eq!(kinds(&bucket["findings"]), ["alias-encryption"]);
    assert!(bucket["findings"][0]["remedy"].as_str().unwrap().contains("by its ARN"), "{bucket:#}");
}

#[tokio::test]
async fn a_batch_task_with_region_and_account_in_its_bucket_arn_is_judged() {
    let case = read(include_str!("../../cases/public/batch-v1-docs-arn.json"));
    let s = setup(World::healthy(), &[("AWS_REGION", "us-east-1"), ("ALERT_TOPIC_ARN", "")]);
    s.world.object("plain.png", None);
    let result = s.handle(case["event"].clone()).await["results"][0].clone();
    assert_eq!(result["resultCode"], "Succeeded", "{result:#}");
    assert!(result["resultString"].as_str().unwrap().starts_with("allowed"), "{result:#}");
}

#[tokio::test]
async fn untag_resource_and_tag_resource_reconcile_their_bucket() {
    let case = read(include_str!("../../cases/public/untag-resource.json"));
    for name in ["UntagResource", "TagResource"] {
        let mut event = case["event"].clone();
        event["detail"]["eventName"] = json!(name);
        let s = setup(
            World::healthy(),
            &[("AWS_REGION", "us-east-1"), ("AWS_ACCOUNT_ID", "000000000000"), ("ALERT_TOPIC_ARN", "")],
        );
        let answer = s.handle(event).await;
        assert_eq!(answer["buckets"][0]["bucket"], case["expected"]["reconciles"], "{name}: {answer:#}");
        assert_eq!(s.world.count(Operation::GetBucketTagging), 1);
    }
}
