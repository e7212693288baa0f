//! SNS around another event: as Lambda gets it (`Records` of `aws:sns`) and as SQS gets it without raw delivery
//! (`Type`, `Message`). With raw delivery there is nothing around the event.
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html>
//! The types of `aws_lambda_events` want nine fields of a message, signature and timestamps among them, and queues
//! and tests are fed without: `Message` alone is read.
//!
//! Must never confirm a subscription or follow a URL of a message.

use crate::event::json;
use crate::event::trigger::Item;
use serde_json::Value;

pub(super) fn is_record(record: &Value) -> bool {
    json::text(record, &["EventSource"]) == Some("aws:sns")
}

/// The form that SNS delivers over HTTP and to SQS.
pub(super) fn is_http_form(event: &Value) -> bool {
    json::text(event, &["Type"]).is_some() && json::at(event, &["Message"]).is_some()
}

/// The event in a record, or a problem of the item.
pub(super) fn unwrap_record(record: &Value, inside: &str, item: &mut Item) -> Option<Value> {
    if let Some(sns) = json::at(record, &["Sns"]) {
        message(sns, inside, item)
    } else {
        item.problem(inside, json::describe(record), "an SNS record with Sns.Message");
        None
    }
}

/// The event in a notification, or a problem of the item.
pub(super) fn unwrap_body(event: &Value, item: &mut Item) -> Option<Value> {
    match json::text(event, &["Type"]) {
        Some("Notification") => message(event, "", item),
        other => {
            item.problem(
                "",
                format!("an SNS message of type {}", json::quote(other.unwrap_or_default())),
                "a Notification",
            );
            None
        }
    }
}

fn message(sns: &Value, inside: &str, item: &mut Item) -> Option<Value> {
    let Some(text) = json::text(sns, &["Message"]) else {
        item.problem(inside, "an SNS notification without a Message", "an event in Message");
        return None;
    };
    match serde_json::from_str::<Value>(text) {
        Ok(event) => Some(event),
        Err(error) => {
            item.problem(inside, format!("the SNS message {} ({error})", json::quote(text)), "an event as JSON");
            None
        }
    }
}
