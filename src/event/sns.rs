//! SNS around another event: as Lambda gets it (`Records` of `aws:sns`) and as SQS gets it without raw delivery
//! (`Type`, `Message`). With raw delivery there is nothing around the event.
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html>
//!
//! Must never confirm a subscription or follow a URL of a message.

use super::{Context, Item, json, payload};
use serde_json::Value;

pub(super) fn is_record(record: &Value) -> bool {
    json::text(record, &["EventSource"]) == Some("aws:sns")
}

/// The form that SNS delivers over HTTP and to SQS.
pub(super) fn is_http_form(event: &Value) -> bool {
    json::text(event, &["Type"]).is_some() && json::at(event, &["Message"]).is_some()
}

pub(super) fn decode_record(record: &Value, inside: &str, context: Context<'_>, depth: usize, item: &mut Item) {
    match json::at(record, &["Sns"]) {
        Some(sns) => message(sns, inside, context, depth, item),
        None => item.problem(inside, json::describe(record), "an SNS record with Sns.Message"),
    }
}

pub(super) fn decode_body(event: &Value, context: Context<'_>, depth: usize, item: &mut Item) {
    match json::text(event, &["Type"]) {
        Some("Notification") => message(event, "", context, depth, item),
        other => item.problem(
            "",
            format!("an SNS message of type {}", json::quote(other.unwrap_or_default())),
            "a Notification",
        ),
    }
}

fn message(sns: &Value, inside: &str, context: Context<'_>, depth: usize, item: &mut Item) {
    let Some(text) = json::text(sns, &["Message"]) else {
        item.problem(inside, "an SNS notification without a Message", "an event in Message");
        return;
    };
    match serde_json::from_str::<Value>(text) {
        Ok(event) => payload(&event, context, depth + 1, item),
        Err(error) => {
            item.problem(inside, format!("the SNS message {} ({error})", json::quote(text)), "an event as JSON");
        }
    }
}
