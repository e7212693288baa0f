//! S3 event notifications: `Records` of `aws:s3`, with URL-encoded keys, and `s3:TestEvent`.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>
//!
//! Must never take the sender's word for who owns an object: `userIdentity.principalId` names no account.

use crate::event::trigger::{Item, ObjectEvent, Trigger};
use crate::event::{json, url};
use aws_lambda_events::event::s3::S3Entity;
use serde_json::Value;

pub(super) fn is_test_event(event: &Value) -> bool {
    json::text(event, &["Event"]) == Some("s3:TestEvent")
}

pub(super) fn is_record(record: &Value) -> bool {
    json::text(record, &["eventSource"]) == Some("aws:s3")
}

/// Event types after which nothing can have become unreadable that is still there.
const NOTHING_TO_JUDGE: [&str; 5] =
    ["ObjectRemoved:", "LifecycleExpiration:", "ObjectRestore:Post", "Replication:", "ReducedRedundancyLostObject"];

pub(super) fn decode(record: &Value, inside: &str, item: &mut Item) {
    let name = json::text(record, &["eventName"]).unwrap_or_default();
    let name = name.strip_prefix("s3:").unwrap_or(name);
    if NOTHING_TO_JUDGE.iter().any(|prefix| name.starts_with(prefix)) {
        item.nothing(format!("`{name}`: nothing to judge"));
        return;
    }
    let want = "an S3 record with s3.bucket.name and s3.object.key";
    let S3Entity { bucket, object, .. } = match json::read(json::member(record, "s3"), &["bucket", "object"]) {
        Ok(entity) => entity,
        Err(wrong) => {
            item.problem(inside, format!("{} with s3: {wrong}", json::describe(record)), want);
            return;
        }
    };
    let (Some(bucket), Some(key)) = (json::filled(bucket.name), json::filled(object.key)) else {
        item.problem(inside, json::describe(record), want);
        return;
    };
    match url::decode(&key) {
        Ok(key) => item.triggers.push(Trigger::Object(ObjectEvent {
            bucket,
            key,
            version_id: json::filled(object.version_id),
            region: json::owned(record, &["awsRegion"]),
            requester: None,
            name: name.to_owned(),
        })),
        Err(wrong) => item.problem(inside, format!("the key {} with {wrong}", json::quote(&key)), "a URL-encoded key"),
    }
}
