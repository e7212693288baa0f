//! The events of a history, as AWS tells them.

use super::sim::{Taken, Who};
use crate::world::{self, BUCKET};
use darwin_s3_guard::model::change::Subject;
use darwin_s3_guard::model::s3::CorsRule;
use serde_json::json;

/// The event of a write, as CloudTrail tells it.
pub(super) fn event_of(taken: &Taken) -> serde_json::Value {
    let (name, mut parameters) = match (taken.subject, &taken.document) {
        (Subject::Policy, Some(policy)) => {
            let value: serde_json::Value = serde_json::from_str(policy).unwrap();
            ("PutBucketPolicy", json!({"policy": "", "bucketPolicy": value}))
        }
        (Subject::Policy, None) => ("DeleteBucketPolicy", json!({"policy": ""})),
        (Subject::Cors, Some(rules)) => {
            let rules: Vec<CorsRule> = serde_json::from_str(rules).unwrap();
            let rules: Vec<serde_json::Value> = rules
                .iter()
                .map(|rule| {
                    let mut value =
                        json!({"AllowedMethod": rule.allowed_methods, "AllowedOrigin": rule.allowed_origins});
                    if let Some(id) = &rule.id {
                        value["ID"] = json!(id);
                    }
                    if !rule.allowed_headers.is_empty() {
                        value["AllowedHeader"] = json!(rule.allowed_headers);
                    }
                    value
                })
                .collect();
            ("PutBucketCors", json!({"cors": "", "CORSConfiguration": {"CORSRule": rules}}))
        }
        (Subject::Cors, None) => ("DeleteBucketCors", json!({"cors": ""})),
        (Subject::Notification, _) => unreachable!("nobody writes notifications here"),
    };
    parameters["bucketName"] = json!(BUCKET);
    let who = match taken.who {
        Who::Guard(_) => format!("arn:aws:sts::{}:assumed-role/guard-role/guard", world::ACCOUNT),
        Who::Rival(_) => format!("arn:aws:sts::{}:assumed-role/deploy/{:?}", world::ACCOUNT, taken.who),
    };
    let time = taken.at.to_string();
    json!({"version": "0", "id": taken.event_id, "detail-type": "AWS API Call via CloudTrail", "source": "aws.s3",
        "account": world::ACCOUNT, "time": time, "region": world::REGION, "resources": [],
        "detail": {"eventVersion": "1.11", "eventSource": "s3.amazonaws.com", "eventName": name, "awsRegion": world::REGION,
            "eventTime": time, "eventID": taken.event_id, "sourceIPAddress": "192.0.2.7", "userAgent": "terraform/1.9",
            "recipientAccountId": world::ACCOUNT, "requestParameters": parameters,
            "userIdentity": {"type": "AssumedRole", "arn": who,
                "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::111122223333:role/deploy"}}}}})
}
