//! EventBridge events: of S3, of KMS, of CloudTrail, of CloudFormation, and schedules.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html>
//!
//! Must never decode a key: EventBridge gives it as it is.

use crate::event::trigger::{Context, Item, KeyChange, ObjectEvent, Trigger, WANTED};
use crate::event::{cloudtrail, json, manual};
use serde_json::Value;

pub(super) fn is_event(event: &Value) -> bool {
    json::text(event, &["source"]).is_some() && json::text(event, &["detail-type"]).is_some()
}

pub(super) fn decode(event: &Value, context: Context<'_>, item: &mut Item) {
    let source = json::text(event, &["source"]).unwrap_or_default();
    let detail_type = json::text(event, &["detail-type"]).unwrap_or_default();
    match (source, detail_type) {
        (_, "AWS API Call via CloudTrail" | "AWS Service Event via CloudTrail") => {
            cloudtrail::decode(event, context, item);
        }
        ("aws.s3", object) if object.starts_with("Object ") => s3_object(event, object, item),
        ("aws.s3", other) => item.nothing(format!("{} of S3: nothing to look at", json::quote(other))),
        ("aws.kms", name) => kms(event, name, item),
        // `aws.events` is a scheduled rule, `aws.scheduler` EventBridge Scheduler with no input of its own.
        ("aws.events" | "aws.scheduler", "Scheduled Event") => {
            item.triggers.push(Trigger::Sweep { reason: "schedule".to_owned() });
        }
        ("aws.cloudformation", "CloudFormation Stack Status Change") => stack_status(event, context, item),
        _ => item.problem("", json::describe(event), WANTED),
    }
}

/// A deletion leaves nothing to judge, and a restore that has only begun changes nothing. Everything else about an
/// object is a reason to look at it: created, ACL, tags, storage class or access tier changed, restore completed or
/// expired.
fn s3_object(event: &Value, name: &str, item: &mut Item) {
    if matches!(name, "Object Deleted" | "Object Restore Initiated") {
        item.nothing(format!("`{name}`: nothing to judge"));
        return;
    }
    let bucket = json::owned(event, &["detail", "bucket", "name"]);
    let key = json::owned(event, &["detail", "object", "key"]);
    let (Some(bucket), Some(key)) = (bucket, key) else {
        item.problem("", json::describe(event), "an S3 event with detail.bucket.name and detail.object.key");
        return;
    };
    // Whoever changed an ACL or a storage class is not the uploader.
    let requester = if name == "Object Created" { json::owned(event, &["detail", "requester"]) } else { None };
    item.triggers.push(Trigger::Object(ObjectEvent {
        bucket,
        key,
        version_id: json::owned(event, &["detail", "object", "version-id"]),
        region: json::owned(event, &["region"]),
        requester,
        name: name.to_owned(),
    }));
}

/// KMS's own events name the key in `resources`.
/// <https://docs.aws.amazon.com/kms/latest/developerguide/kms-events.html>
fn kms(event: &Value, name: &str, item: &mut Item) {
    let resources = event.get("resources").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let keys: Vec<String> =
        resources.iter().filter_map(Value::as_str).filter(|arn| manual::is_key_arn(arn)).map(str::to_owned).collect();
    if keys.is_empty() {
        item.problem("", json::describe(event), "a KMS event with a key ARN in `resources`");
        return;
    }
    let region = json::owned(event, &["region"]);
    item.triggers.push(Trigger::Key(KeyChange { keys, name: name.to_owned(), region, actor: None }));
}

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/event-detail-stack-status-change.html>
fn stack_status(event: &Value, context: Context<'_>, item: &mut Item) {
    let status = json::text(event, &["detail", "status-details", "status"]);
    let (Some(stack), Some(status)) = (json::text(event, &["detail", "stack-id"]), status) else {
        item.problem("", json::describe(event), "a stack event with detail.stack-id and detail.status-details.status");
        return;
    };
    let Some(own) = context.stack_id else {
        item.nothing("a stack's status, and STACK_ID does not say which stack is the guard's");
        return;
    };
    if stack != own {
        item.nothing(format!("the status of another stack, {}", json::quote(stack)));
    } else if matches!(status, "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "UPDATE_ROLLBACK_COMPLETE") {
        item.triggers.push(Trigger::Sweep { reason: format!("stack {status}") });
    } else {
        item.nothing(format!("the stack's status {}, which is none to act on", json::quote(status)));
    }
}
