//! The default encryption: which names of a key mean the same key to Darwin.

use super::*;
use darwin_s3_guard::model::s3::BucketEncryption;

fn encrypted(algorithm: &str, kms_key: Option<&str>, access: &str) -> Setup {
    let guarded = json!([{"name": BUCKET, "access": access}]).to_string();
    let s = setup(World::healthy(), &[("GUARDED_BUCKETS", &guarded)]);
    s.world.bucket(|bucket| {
        bucket.encryption = BucketEncryption {
            algorithm: Some(algorithm.to_owned()),
            kms_key: kms_key.map(str::to_owned),
            bucket_key_enabled: true,
        };
    });
    s
}

/// A key that works for Darwin, found under this name too, as KMS finds it within the owner's account.
fn known_as(s: &Setup, name: &str) {
    let arn = s.world.key("default", true);
    let key = s.world.keys.borrow()[&arn].clone();
    s.world.keys.borrow_mut().insert(name.to_owned(), key);
}

async fn audit(s: &Setup) -> Value {
    s.handle(json!({"action": "audit"})).await["buckets"][0].clone()
}

fn kinds(bucket: &Value) -> Vec<(&str, &str)> {
    let findings = bucket["findings"].as_array().unwrap();
    findings.iter().map(|found| (found["kind"].as_str().unwrap(), found["severity"].as_str().unwrap())).collect()
}

const NOT_ARNS: [&str; 5] = [
    "11111111-2222-3333-4444-555555555555",
    "mrk-1234abcd12ab34cd56ef1234567890ab",
    "alias/lidar",
    "arn:aws:kms:eu-central-1:111122223333:alias/lidar",
    "key/11111111-2222-3333-4444-555555555555",
];

#[tokio::test]
async fn a_default_key_named_by_anything_but_its_arn_can_not_be_written_with() {
    for algorithm in ["aws:kms", "aws:kms:dsse"] {
        for name in NOT_ARNS {
            let s = encrypted(algorithm, Some(name), "read-write");
            known_as(&s, name);
            let bucket = audit(&s).await;
            assert_eq!(
                (&bucket["read"], &bucket["write"]),
                (&json!("allowed"), &json!("denied")),
                "{name}: {bucket:#}"
            );
            assert_eq!(kinds(&bucket), [("alias-encryption", "critical")], "{name}");
            assert_eq!(bucket["activation"], Value::Null);
            let found = &bucket["findings"][0];
            assert!(found["because"].to_string().contains(name) && found["remedy"].to_string().contains(name));
        }
    }
}

#[tokio::test]
async fn where_darwin_only_reads_the_name_of_the_default_key_is_a_warning() {
    for name in NOT_ARNS {
        let s = encrypted("aws:kms", Some(name), "read-only");
        known_as(&s, name);
        let bucket = audit(&s).await;
        assert_eq!(bucket["read"], "allowed", "{name}: {bucket:#}");
        let wide = ("wider-than-contract", "warning");
        assert_eq!(kinds(&bucket), [wide, ("alias-encryption", "warning")], "{name}");
    }
}

#[tokio::test]
async fn a_default_key_named_by_its_arn_can_be_written_with() {
    for id in ["default", "mrk-1234abcd12ab34cd56ef1234567890ab"] {
        let s = encrypted("aws:kms", Some(&crate::world::key_arn(id)), "read-write");
        s.world.key(id, true);
        let bucket = audit(&s).await;
        assert_eq!((&bucket["read"], &bucket["write"]), (&json!("allowed"), &json!("allowed")), "{id}: {bucket:#}");
        assert_eq!(kinds(&bucket), []);
    }
}

#[tokio::test]
async fn without_a_key_what_darwin_writes_may_be_under_a_key_that_the_customer_can_not_use() {
    for algorithm in ["aws:kms", "aws:kms:dsse"] {
        let bucket = audit(&encrypted(algorithm, None, "read-write")).await;
        assert_eq!((&bucket["read"], &bucket["write"]), (&json!("denied"), &json!("depends")), "{bucket:#}");
        assert_eq!(kinds(&bucket), [("default-encryption", "critical")]);
        let because = bucket["findings"][0]["because"].to_string();
        assert!(because.contains("names no key") && because.contains("V7's `aws/s3`"), "{because}");
        assert_eq!(bucket["activation"], Value::Null);
    }
}
