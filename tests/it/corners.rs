//! Corners of the policy language, asked as Darwin's servers ask: principals in every form, wildcards, variables,
//! versions, empty values, odd types. Each answer is AWS's documented one, or open where its pages are silent.

use crate::world;
use darwin_s3_guard::judge::darwin::{kms_request, s3_request};
use darwin_s3_guard::model::kms::KeyMetadata;
use darwin_s3_guard::model::time::Timestamp;
use darwin_s3_guard::model::verdict::Reader;
use darwin_s3_guard::policy::document::PolicyDocument;
use darwin_s3_guard::policy::evaluate::evaluate;
use darwin_s3_guard::policy::grant::{GrantListEntry, evaluate_key};
use darwin_s3_guard::policy::request::{ObjectOwner, Settings};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Corner {
    name: String,
    kind: String,
    policy: Box<RawValue>,
    /// Known keys, over those of the table.
    #[serde(default)]
    context: BTreeMap<String, String>,
    #[serde(default)]
    grants: Vec<Value>,
    expected: String,
    #[serde(default)]
    depends_on: BTreeSet<String>,
}

#[test]
fn every_corner_has_its_answer() {
    let corners: Vec<Corner> = serde_json::from_str(include_str!("../cases/corners.json")).unwrap();
    let (darwin, home) = (world::darwin(), world::home());
    let settings = Settings {
        restrict_public_buckets: Some(false),
        policy_is_public: None,
        object_owner: ObjectOwner::BucketOwner,
    };
    let now = Timestamp::from_millis(1_795_435_200_000);
    let key = KeyMetadata {
        arn: "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab".into(),
        account: "111122223333".into(),
        state: "Enabled".into(),
        ..KeyMetadata::default()
    };
    let mut wrong = Vec::new();
    for corner in &corners {
        let policy = PolicyDocument::parse(corner.policy.get());
        let verdict = if corner.kind == "s3" {
            let key = Some("raw/site1/scan.las");
            let mut request = s3_request(&darwin, &home, "s3:GetObject", "acme-lidar", key, Reader::Server, now);
            for (key, value) in &corner.context {
                request.context = request.context.known(key, value.clone());
            }
            evaluate(Some(&policy), &request, &settings)
        } else {
            let context = "arn:aws:s3:::acme-lidar/raw/site1/scan.las";
            let request = kms_request(&darwin, &home, "kms:Decrypt", &key, Some(context), now);
            let grants: Vec<GrantListEntry> = corner.grants.iter().map(GrantListEntry::from_value).collect();
            evaluate_key(Some(&policy), Some(&grants), Some(&key.state), &request)
        };
        let names: BTreeSet<String> = verdict.names().into_iter().collect();
        if verdict.decision.to_string() != corner.expected || names != corner.depends_on {
            wrong.push(format!("{}: {} {names:?}, not {}", corner.name, verdict.decision, corner.expected));
        }
    }
    assert!(corners.len() > 110 && wrong.is_empty(), "{}", wrong.join("\n"));
}
