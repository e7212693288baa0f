//! Events as AWS sends them: what the guard gets from its queue, and what the bare handler gets from S3.

use crate::aws::{ACCOUNT, BUCKET, REGION};
use serde_json::{Value, json};

/// An SQS batch of `Object Created` events of EventBridge, one for each name.
pub fn batch(names: &[String]) -> String {
    let records: Vec<Value> = names.iter().enumerate().map(|(n, name)| record(n, name)).collect();
    json!({ "Records": records }).to_string()
}

/// Which of a batch's records a message id is of.
pub fn index_of(id: &str) -> usize {
    id.rsplit('-').next().and_then(|digits| digits.parse().ok()).unwrap()
}

fn record(n: usize, name: &str) -> Value {
    let event = json!({
        "version": "0", "id": format!("17793124-05d4-b198-2fde-{n:012}"), "detail-type": "Object Created", "source": "aws.s3",
        "account": ACCOUNT, "time": "2026-11-23T09:15:04Z", "region": REGION, "resources": [format!("arn:aws:s3:::{BUCKET}")],
        "detail": {
            "version": "0", "bucket": {"name": BUCKET},
            "object": {"key": name, "size": 2_345_678, "etag": "b1946ac92492d2347c6235b4d2611184", "sequencer": "00617F08299329D189"},
            "request-id": "N4N7GDK58NMKJ12R", "requester": ACCOUNT, "source-ip-address": "198.51.100.23", "reason": "PutObject",
        },
    });
    json!({
        "messageId": format!("059f36b4-87a3-44ab-83d2-{n:012}"), "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": event.to_string(),
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1545082649183", "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": "1545082649185"},
        "messageAttributes": {}, "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3", "eventSource": "aws:sqs",
        "eventSourceARN": format!("arn:aws:sqs:{REGION}:{ACCOUNT}:uploads"), "awsRegion": REGION,
    })
}

/// An S3 notification of as many records.
pub fn notification(names: &[String]) -> String {
    let record = |name: &String| {
        json!({
            "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": REGION, "eventTime": "2026-11-23T09:15:04.000Z",
            "eventName": "ObjectCreated:Put", "userIdentity": {"principalId": "AWS:AIDAINPONIXQXHT3IKHL2"},
            "requestParameters": {"sourceIPAddress": "198.51.100.23"},
            "responseElements": {"x-amz-request-id": "D82B88E5F771F645", "x-amz-id-2": "vlR7PnpV2Ce81l0PRw6jlUpck7Jo5ZsQjryTjKlc5aLWGVHPZLj5NeC6qMa0emYBDXOo6QBU0Wo="},
            "s3": {"s3SchemaVersion": "1.0", "configurationId": "uploads",
                "bucket": {"name": BUCKET, "ownerIdentity": {"principalId": "A3I5XTEXAMAI3E"}, "arn": format!("arn:aws:s3:::{BUCKET}")},
                "object": {"key": name, "size": 2_345_678, "eTag": "b1946ac92492d2347c6235b4d2611184", "sequencer": "00617F08299329D189"}},
        })
    };
    json!({ "Records": names.iter().map(record).collect::<Vec<_>>() }).to_string()
}
