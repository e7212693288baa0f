//! SQS batches: one item a record, each decoded alone.
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>
//!
//! Must never let one record's content harm another's.

use crate::event::json;
use crate::event::trigger::Item;
use aws_lambda_events::event::sqs::SqsMessage;
use serde_json::Value;

/// The records of an SQS batch; `None` if it is none. One record of `aws:sqs` makes it a batch.
pub(super) fn records(event: &Value) -> Option<&[Value]> {
    let records = event.get("Records")?.as_array()?;
    records.iter().any(is_record).then_some(records)
}

fn is_record(record: &Value) -> bool {
    json::text(record, &["eventSource"]) == Some("aws:sqs")
}

/// One item a record; `payload` decodes what a body holds.
pub(super) fn decode(records: &[Value], payload: impl Fn(&Value, &mut Item)) -> Vec<Item> {
    records.iter().enumerate().map(|(index, record)| decode_record(record, index, &payload)).collect()
}

/// A record without a `messageId` gets an empty one: Lambda then takes the whole batch as failed, and nothing is lost.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>
fn decode_record(record: &Value, index: usize, payload: impl Fn(&Value, &mut Item)) -> Item {
    let id = json::text(record, &["messageId"]).unwrap_or_default();
    let mut item = Item::new(id, &format!("Records[{index}]"));
    if !is_record(record) {
        item.problem("", json::describe(record), "a record of SQS like its neighbours");
        return item;
    }
    let body = match json::read::<SqsMessage>(record, &["body"]) {
        Ok(message) => message.body.ok_or_else(|| "no body".to_owned()),
        Err(wrong) => Err(wrong),
    };
    let body = match body {
        Ok(body) => body,
        Err(wrong) => {
            item.problem("", format!("an SQS record with {wrong}"), "a body with an event");
            return item;
        }
    };
    match serde_json::from_str::<Value>(&body) {
        Ok(event) => payload(&event, &mut item),
        Err(error) => item.problem("", format!("the body {} ({error})", json::quote(&body)), "an event as JSON"),
    }
    item
}
