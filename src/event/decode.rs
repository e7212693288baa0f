//! What an event asks for. The types here; decoding in the modules below, one per envelope.
//!
//! Events only say where to look: nothing that is decoded here is ever written back. Must never panic, whatever comes
//! in, and never drop a part of the input: what is not understood becomes a problem of its item.

use crate::event::trigger::{Context, Decoded, Envelope, Item, WANTED};
use crate::event::{batch_job, eventbridge, json, manual, s3, sns, sqs};
use crate::model::contract::Home;
use serde_json::Value;

/// How deep events may be wrapped in each other: SNS in SQS is two. More than this is refused, so that no input makes
/// the decoder recurse without end.
const MAX_DEPTH: usize = 4;

/// Decodes an event, alone or wrapped. `home` completes a KMS key id to an ARN; `stack_id` is the guard's own stack.
pub fn decode(event: &Value, home: &Home, stack_id: Option<&str>) -> Decoded {
    let context = Context { home, stack_id };
    if let Some(records) = sqs::records(event) {
        return Decoded {
            envelope: Envelope::Sqs,
            items: sqs::decode(records, |event, item| payload(event, context, 1, item)),
        };
    }
    if let Some(decoded) = batch_job::decode(event) {
        return decoded;
    }
    let mut item = Item::new("", "event");
    if manual::is_manual(event) {
        manual::decode(event, &mut item);
    } else {
        payload(event, context, 0, &mut item);
    }
    Decoded { envelope: Envelope::Direct, items: vec![item] }
}

/// Decodes one event that may itself be a wrapping. `depth` counts the wrappings around it.
fn payload(event: &Value, context: Context<'_>, depth: usize, item: &mut Item) {
    if depth > MAX_DEPTH {
        item.problem("", format!("events wrapped more than {MAX_DEPTH} times in each other"), WANTED);
    } else if let Some(records) = event.get("Records").and_then(Value::as_array) {
        records_of(records, context, depth, item);
    } else if s3::is_test_event(event) {
        item.nothing("`s3:TestEvent`, which S3 sends when a notification is configured");
    } else if sns::is_http_form(event) {
        if let Some(event) = sns::unwrap_body(event, item) {
            payload(&event, context, depth + 1, item);
        }
    } else if eventbridge::is_event(event) {
        eventbridge::decode(event, context, item);
    } else if manual::is_manual(event) {
        item.problem("", format!("a manual action in a wrapping: {}", json::describe(event)), manual::DIRECT_ONLY);
    } else {
        item.problem("", json::describe(event), WANTED);
    }
}

fn records_of(records: &[Value], context: Context<'_>, depth: usize, item: &mut Item) {
    if records.is_empty() {
        item.nothing("an empty list of records");
    }
    for (index, record) in records.iter().enumerate() {
        let inside = format!("Records[{index}]");
        if s3::is_record(record) {
            s3::decode(record, &inside, item);
        } else if sns::is_record(record) {
            if let Some(event) = sns::unwrap_record(record, &inside, item) {
                payload(&event, context, depth + 1, item);
            }
        } else {
            item.problem(&inside, json::describe(record), "a record of S3 or SNS");
        }
    }
}
