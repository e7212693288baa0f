//! API calls that CloudTrail tells EventBridge: changes of bucket configuration and of KMS keys.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html>
//! <https://docs.aws.amazon.com/kms/latest/developerguide/logging-using-cloudtrail.html>
//!
//! The `AWSAPICall` of `aws_lambda_events` drops `errorCode` and `resources`, and refuses KMS's service events: the
//! detail is read by its paths.
//!
//! Must never give a value of `requestParameters` as something to write: it is kept as text, for comparison alone.

use crate::event::batch_job::bucket_of_arn;
use crate::event::json::Event;
use crate::event::trigger::{ConfigChange, Context, Item, KeyChange, Trigger};
use crate::event::{json, manual};
use crate::model::actor::Actor;
use serde_json::Value;

/// Changes of a bucket that can decide Darwin's access, or how the guard hears of it.
const BUCKET_CHANGES: [&str; 16] = [
    "PutBucketPolicy",
    "DeleteBucketPolicy",
    "PutBucketCors",
    "DeleteBucketCors",
    "PutBucketEncryption",
    "DeleteBucketEncryption",
    "PutBucketPublicAccessBlock",
    "DeleteBucketPublicAccessBlock",
    "PutBucketOwnershipControls",
    "DeleteBucketOwnershipControls",
    "PutBucketAcl",
    "PutBucketAbac",
    "PutBucketNotification",
    "PutBucketRequestPayment",
    "PutBucketTagging",
    "DeleteBucketTagging",
];

/// The calls by which the console, CloudFormation and `aws s3control` change tags, of buckets and of other resources of S3.
const TAG_CALLS: [&str; 2] = ["TagResource", "UntagResource"];

/// Whether the event comes for every resource of S3, as no pattern of EventBridge can be sure to find the bucket in it.
pub fn is_tag_call(name: &str) -> bool {
    TAG_CALLS.contains(&name)
}

/// The account-level public access block: every bucket of the account.
const ACCOUNT_CHANGES: [&str; 2] = ["PutAccountPublicAccessBlock", "DeleteAccountPublicAccessBlock"];

/// Changes of a key that can decide whether Darwin may use it. The last two are KMS's own (service events).
const KEY_CHANGES: [&str; 12] = [
    "PutKeyPolicy",
    "EnableKey",
    "DisableKey",
    "ScheduleKeyDeletion",
    "CancelKeyDeletion",
    "ImportKeyMaterial",
    "DeleteImportedKeyMaterial",
    "CreateGrant",
    "RevokeGrant",
    "RetireGrant",
    "DeleteKey",
    "DeleteExpiredKeyMaterial",
];

pub(super) fn decode(event: &Event, detail: &Value, context: Context<'_>, item: &mut Item) {
    let (Some(source), Some(name)) = (json::text(detail, &["eventSource"]), json::text(detail, &["eventName"])) else {
        item.problem("detail", json::describe(detail), "a CloudTrail event with eventSource and eventName");
        return;
    };
    let bucket_change = source == "s3.amazonaws.com" && BUCKET_CHANGES.contains(&name);
    let account_change = source == "s3.amazonaws.com" && ACCOUNT_CHANGES.contains(&name);
    let key_change = source == "kms.amazonaws.com" && KEY_CHANGES.contains(&name);
    if !matches!(source, "s3.amazonaws.com" | "kms.amazonaws.com") {
        item.problem("detail", json::describe(detail), "a CloudTrail event of s3.amazonaws.com or kms.amazonaws.com");
    } else if let Some(code) = json::at(detail, &["errorCode"]) {
        let code = code.as_str().map_or_else(|| json::describe(code), json::quote);
        item.nothing(format!("a failed {}, which changed nothing: {code}", json::quote(name)));
    } else if source == "s3.amazonaws.com" && is_tag_call(name) {
        tags(event, detail, name, item);
    } else if account_change {
        config(event, detail, name, None, item);
    } else if bucket_change {
        match json::owned(detail, &["requestParameters", "bucketName"]) {
            Some(bucket) => config(event, detail, name, Some(bucket), item),
            None => {
                item.problem("detail", json::describe(detail), "a CloudTrail event with requestParameters.bucketName");
            }
        }
    } else if key_change {
        key(event, detail, name, context, item);
    } else {
        item.nothing(format!("{} of {source} changes nothing that decides Darwin's access", json::quote(name)));
    }
}

/// AWS publishes no sample of these events: the bucket is taken from wherever one of its calls has had it. Where nothing
/// says which, it may have been any.
fn tags(event: &Event, detail: &Value, name: &str, item: &mut Item) {
    if let Some(bucket) = json::owned(detail, &["requestParameters", "bucketName"]) {
        return config(event, detail, name, Some(bucket), item);
    }
    let listed = detail.get("resources").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let of_parameters = ["resourceArn", "ResourceArn"].map(|field| json::text(detail, &["requestParameters", field]));
    let arns = of_parameters.into_iter().chain(listed.iter().map(|resource| json::text(resource, &["ARN"])));
    let mut resources = arns.flatten().peekable();
    if resources.peek().is_none() {
        return config(event, detail, name, None, item);
    }
    match resources.find_map(bucket_of_arn) {
        Some(bucket) => config(event, detail, name, Some(bucket), item),
        None => item.nothing(format!("{} of what is no bucket", json::quote(name))),
    }
}

fn config(event: &Event, detail: &Value, name: &str, bucket: Option<String>, item: &mut Item) {
    item.triggers.push(Trigger::Config(ConfigChange {
        bucket,
        name: name.to_owned(),
        region: region(event, detail),
        account: account(event, detail),
        actor: actor(detail),
        request_parameters: json::at(detail, &["requestParameters"]).map(ToString::to_string),
    }));
}

fn key(event: &Event, detail: &Value, name: &str, context: Context<'_>, item: &mut Item) {
    let keys = keys(event, detail, context);
    if keys.is_empty() {
        let want = "a KMS event with the key's ARN in detail.resources, or its id in requestParameters.keyId";
        item.problem("detail", json::describe(detail), want);
        return;
    }
    item.triggers.push(Trigger::Key(KeyChange {
        keys,
        name: name.to_owned(),
        region: region(event, detail),
        actor: Some(actor(detail)),
    }));
}

/// `resources` is the one place where every KMS event has the ARN; `RevokeGrant` has a bare id in its parameters, and
/// `RetireGrant` has none.
fn keys(event: &Event, detail: &Value, context: Context<'_>) -> Vec<String> {
    let resources = detail.get("resources").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut keys: Vec<String> = Vec::new();
    for arn in resources.iter().filter_map(|resource| json::text(resource, &["ARN"])) {
        if manual::is_key_arn(arn) && !keys.iter().any(|held| held == arn) {
            keys.push(arn.to_owned());
        }
    }
    if keys.is_empty()
        && let Some(id) = json::text(detail, &["requestParameters", "keyId"])
    {
        let region = region(event, detail).unwrap_or_else(|| context.home.region.clone());
        let account = account(event, detail).unwrap_or_else(|| context.home.account.to_string());
        let built = format!("arn:{}:kms:{region}:{account}:key/{id}", context.home.partition);
        keys.extend([id.to_owned(), built].into_iter().find(|arn| manual::is_key_arn(arn)));
    }
    keys
}

fn region(event: &Event, detail: &Value) -> Option<String> {
    json::owned(detail, &["awsRegion"]).or_else(|| json::filled(event.region.clone()))
}

fn account(event: &Event, detail: &Value) -> Option<String> {
    json::owned(detail, &["recipientAccountId"]).or_else(|| json::filled(event.account.clone()))
}

/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html>
fn actor(detail: &Value) -> Actor {
    let of_identity = |field| json::owned(detail, &["userIdentity", field]);
    Actor {
        arn: of_identity("arn")
            .or_else(|| of_identity("invokedBy"))
            .or_else(|| of_identity("principalId"))
            .or_else(|| of_identity("accountId")),
        session_issuer: json::owned(detail, &["userIdentity", "sessionContext", "sessionIssuer", "arn"]),
        source_ip: json::owned(detail, &["sourceIPAddress"]),
        user_agent: json::owned(detail, &["userAgent"]),
        time: json::owned(detail, &["eventTime"]),
        event_id: json::owned(detail, &["eventID"]),
    }
}
