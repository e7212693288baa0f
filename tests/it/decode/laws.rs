//! Whatever comes in, decoding neither panics nor loses a part of it.

use super::{decoded, only, sample, samples, sns, sns_record, sqs};
use darwin_s3_guard::event::trigger::{Envelope, Trigger};
use proptest::prelude::*;
use serde_json::{Value, json};

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "Records",
            "eventSource",
            "EventSource",
            "body",
            "Sns",
            "Message",
            "Type",
            "Notification",
            "source",
            "detail",
            "detail-type",
            "aws:s3",
            "aws:sqs",
            "aws:sns",
            "aws.s3",
            "aws.kms",
            "s3",
            "bucket",
            "object",
            "key",
            "name",
            "action",
            "repair",
            "Event",
            "s3:TestEvent",
            "tasks",
            "invocationSchemaVersion",
            "1.0",
            "s3Key",
            "eventName",
            "resources",
            "AWS API Call via CloudTrail",
            "s3.amazonaws.com",
            "kms.amazonaws.com",
            "PutBucketPolicy",
            "requestParameters",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((word(), inner.clone()), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            // Half of what is wrapped is JSON in a string.
            inner.prop_map(|value| Value::String(value.to_string())),
        ]
    })
}

/// Puts `value` in the place of the `n`th value of `event`, counted depth first.
fn replace(event: &mut Value, n: &mut usize, value: &Value) {
    if *n == 0 {
        *event = value.clone();
    }
    *n = n.wrapping_sub(1);
    match event {
        Value::Array(list) => list.iter_mut().for_each(|inner| replace(inner, n, value)),
        Value::Object(object) => object.values_mut().for_each(|inner| replace(inner, n, value)),
        _ => {}
    }
}

fn nothing_is_lost(event: &Value) -> Result<(), TestCaseError> {
    let decoded = decoded(event);
    for item in &decoded.items {
        prop_assert!(!item.triggers.is_empty() || !item.problems.is_empty(), "{event} -> {item:?}");
        for problem in &item.problems {
            prop_assert!(problem.saw.chars().count() < 2_000 && !problem.retryable, "{problem:?}");
        }
    }
    match decoded.envelope {
        Envelope::Direct => prop_assert_eq!(decoded.items.len(), 1),
        Envelope::Sqs => prop_assert_eq!(decoded.items.len(), event["Records"].as_array().unwrap().len()),
        Envelope::BatchJob { .. } => prop_assert_eq!(decoded.items.len(), event["tasks"].as_array().unwrap().len()),
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_json_is_decoded_without_loss(event in any_json()) {
        nothing_is_lost(&event)?;
    }

    #[test]
    fn a_sample_with_one_value_replaced_is_decoded_without_loss(pick in any::<prop::sample::Index>(), n in 0..60_usize, value in any_json()) {
        let all: Vec<Value> = samples().into_values().collect();
        let mut event = pick.get(&all).clone();
        replace(&mut event, &mut n.clone(), &value);
        nothing_is_lost(&event)?;
    }

    #[test]
    fn whatever_stands_in_a_batch_its_good_record_is_decoded(bodies in prop::collection::vec(prop_oneof![any_json().prop_map(|v| v.to_string()), any::<String>()], 0..4), at in any::<prop::sample::Index>()) {
        let good = sample("eventbridge-object-created.json");
        let mut bodies = bodies;
        let at = at.index(bodies.len() + 1);
        bodies.insert(at, good.to_string());
        let event = sqs(&bodies);
        nothing_is_lost(&event)?;
        let items = decoded(&event).items;
        prop_assert_eq!(&items[at].triggers, &only(&good).triggers);
        prop_assert_eq!(&items[at].id, &format!("m{at}"));
    }

    #[test]
    fn no_wrapping_whatsoever_lets_a_manual_action_through(layers in prop::collection::vec(0..4_u8, 1..8)) {
        let mut event = json!({"action": "repair"});
        for layer in layers {
            event = match layer {
                0 => sqs(&[event.to_string()]),
                1 => sns(&event),
                2 => sns_record(&event),
                _ => json!({"Records": [event]}),
            };
        }
        nothing_is_lost(&event)?;
        prop_assert!(decoded(&event).items.iter().flat_map(|item| &item.triggers).all(|trigger| !matches!(trigger, Trigger::Manual(_))));
    }
}
