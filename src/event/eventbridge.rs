//! EventBridge events: of S3, of KMS, of CloudTrail, of CloudFormation, and schedules.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html>
//!
//! Must never decode a key: EventBridge gives it as it is.

use crate::event::json::Event;
use crate::event::trigger::{Context, Item, KeyChange, ObjectEvent, Trigger, WANTED};
use crate::event::{cloudtrail, json, manual};
use serde_json::Value;

/// Its `time` is not used, and its type takes no other form than RFC 3339.
const USED: [&str; 5] = ["source", "detail-type", "account", "region", "resources"];

pub(super) fn is_event(event: &Value) -> bool {
    json::text(event, &["source"]).is_some() && json::text(event, &["detail-type"]).is_some()
}

pub(super) fn decode(event: &Value, context: Context<'_>, item: &mut Item) {
    let read = match json::read::<Event>(event, &USED) {
        Ok(read) => read,
        Err(wrong) => {
            item.problem("", format!("{} with {wrong}", json::describe(event)), WANTED);
            return;
        }
    };
    let detail = json::member(event, "detail");
    match (read.source.as_str(), read.detail_type.as_str()) {
        (_, "AWS API Call via CloudTrail" | "AWS Service Event via CloudTrail") => {
            cloudtrail::decode(&read, detail, context, item);
        }
        ("aws.s3", object) if object.starts_with("Object ") => s3_object(&read, detail, item),
        ("aws.s3", other) => item.nothing(format!("{} of S3: nothing to look at", json::quote(other))),
        ("aws.kms", _) => kms(read, item),
        // `aws.events` is a scheduled rule, `aws.scheduler` EventBridge Scheduler with no input of its own.
        ("aws.events" | "aws.scheduler", "Scheduled Event") => {
            item.triggers.push(Trigger::Sweep { reason: "schedule".to_owned() });
        }
        ("aws.cloudformation", "CloudFormation Stack Status Change") => stack_status(detail, context, item),
        _ => item.problem("", json::describe(event), WANTED),
    }
}

/// A deletion leaves nothing to judge, and a restore that has only begun changes nothing. Everything else about an
/// object is a reason to look at it: created, ACL, tags, storage class or access tier changed, restore completed or
/// expired.
fn s3_object(event: &Event, detail: &Value, item: &mut Item) {
    let name = event.detail_type.as_str();
    if matches!(name, "Object Deleted" | "Object Restore Initiated") {
        item.nothing(format!("`{name}`: nothing to judge"));
        return;
    }
    let bucket = json::owned(detail, &["bucket", "name"]);
    let key = json::owned(detail, &["object", "key"]);
    let (Some(bucket), Some(key)) = (bucket, key) else {
        let saw = format!("{} with the detail {}", json::quote(name), json::describe(detail));
        item.problem("", saw, "an S3 event with detail.bucket.name and detail.object.key");
        return;
    };
    // Whoever changed an ACL or a storage class is not the uploader.
    let requester = if name == "Object Created" { json::owned(detail, &["requester"]) } else { None };
    item.triggers.push(Trigger::Object(ObjectEvent {
        bucket,
        key,
        version_id: json::owned(detail, &["object", "version-id"]),
        region: json::filled(event.region.clone()),
        requester,
        name: name.to_owned(),
    }));
}

/// KMS's own events name the key in `resources`.
/// <https://docs.aws.amazon.com/kms/latest/developerguide/kms-events.html>
fn kms(event: Event, item: &mut Item) {
    let resources = event.resources.unwrap_or_default();
    let keys: Vec<String> = resources.into_iter().filter(|arn| manual::is_key_arn(arn)).collect();
    if keys.is_empty() {
        let saw = format!("{} of KMS without one", json::quote(&event.detail_type));
        item.problem("", saw, "a KMS event with a key ARN in `resources`");
        return;
    }
    let (name, region) = (event.detail_type, json::filled(event.region));
    item.triggers.push(Trigger::Key(KeyChange { keys, name, region, actor: None }));
}

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/event-detail-stack-status-change.html>
fn stack_status(detail: &Value, context: Context<'_>, item: &mut Item) {
    let status = json::text(detail, &["status-details", "status"]);
    let (Some(stack), Some(status)) = (json::text(detail, &["stack-id"]), status) else {
        let saw = format!("a stack event with the detail {}", json::describe(detail));
        item.problem("", saw, "a stack event with detail.stack-id and detail.status-details.status");
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
