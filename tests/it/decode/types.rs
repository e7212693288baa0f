//! The samples are AWS's own by the types that AWS publishes, and what those types find odd harms nothing else.

use super::{decoded, only, sample, samples};
use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use aws_lambda_events::event::s3::S3Event;
use aws_lambda_events::event::s3::batch_job::S3BatchJobEvent;
use aws_lambda_events::event::sns::SnsEvent;
use aws_lambda_events::event::sqs::SqsEvent;
use darwin_s3_guard::event::trigger::Trigger;
use serde_json::{Value, json};

/// The whole-event type of `aws_lambda_events` for an event, by its outermost form; none for what it has no type of.
fn whole(event: &Value) -> Option<serde_json::Result<()>> {
    let source = |field: &str| event["Records"][0][field].as_str().unwrap_or_default().to_owned();
    let event = event.clone();
    Some(match (source("eventSource").as_str(), source("EventSource").as_str()) {
        ("aws:sqs", _) => serde_json::from_value::<SqsEvent>(event).map(drop),
        ("aws:s3", _) => serde_json::from_value::<S3Event>(event).map(drop),
        (_, "aws:sns") => serde_json::from_value::<SnsEvent>(event).map(drop),
        _ if event.get("tasks").is_some() => serde_json::from_value::<S3BatchJobEvent>(event).map(drop),
        _ if event.get("detail-type").is_some() => serde_json::from_value::<EventBridgeEvent>(event).map(drop),
        _ => return None,
    })
}

#[test]
fn every_sample_of_aws_is_one_to_the_types_that_aws_publishes() {
    let mut without_type = Vec::new();
    for (name, event) in samples() {
        match whole(&event) {
            Some(decoded) => decoded.unwrap_or_else(|error| panic!("{name}: {error}")),
            None => without_type.push(name),
        }
    }
    // Of the guard's own actions, and of the test event, which is no `Records`.
    without_type.retain(|name| !name.starts_with("manual-"));
    assert_eq!(without_type, ["s3-test-event.json"]);
}

#[test]
fn a_field_that_is_not_used_harms_nothing_and_one_that_is_used_is_named() {
    let odd = json!({"what": ["ever"]});
    let mut upload = sample("eventbridge-object-created.json");
    for unused in ["version", "id", "time"] {
        upload[unused] = odd.clone();
    }
    assert_eq!(only(&upload).triggers, only(&sample("eventbridge-object-created.json")).triggers);
    let mut batch = sample("sqs-batch-of-uploads.json");
    for unused in ["attributes", "messageAttributes", "receiptHandle", "eventSourceARN"] {
        batch["Records"][0][unused] = odd.clone();
    }
    assert_eq!(decoded(&batch), decoded(&sample("sqs-batch-of-uploads.json")));
    let schedule = json!({"source": "aws.events", "detail-type": "Scheduled Event"});
    assert!(matches!(only(&schedule).triggers[..], [Trigger::Sweep { .. }]));

    let saw = |event: &Value| {
        let item = only(event);
        assert!(item.triggers.iter().all(|trigger| !matches!(trigger, Trigger::Sweep { .. })), "{item:?}");
        item.problems[0].saw.clone()
    };
    upload["region"] = odd.clone();
    assert!(
        saw(&upload).contains("`detail-type`") && saw(&upload).contains("region: invalid type: map"),
        "{}",
        saw(&upload)
    );
    let mut notification = sample("s3-notification.json");
    notification["Records"][0]["s3"]["object"]["key"] = json!(7);
    assert!(saw(&notification).contains("object.key: invalid type: integer `7`"), "{}", saw(&notification));
    notification["Records"][0]["s3"] = json!("x");
    assert!(saw(&notification).contains("the string `x`"), "{}", saw(&notification));
    notification["Records"][0]["s3"] = json!({"bucket": {"name": "b"}});
    assert!(saw(&notification).contains("missing field `object`"), "{}", saw(&notification));
    notification["Records"][0]["s3"] = json!({"bucket": "\n".repeat(9_000), "object": {}});
    assert!(saw(&notification).len() < 1_000 && !saw(&notification).contains('\n'), "{}", saw(&notification));
}
