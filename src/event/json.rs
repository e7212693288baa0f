//! Reading loosely typed JSON: the types of `aws_lambda_events`, paths, and short descriptions of what was seen.
//!
//! Must never quote more of the input than a person reads: an event can carry a whole bucket policy.

use crate::model::text::{quoted, shortened, without_controls};
use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use serde::Deserialize;
use serde::de::value::MapDeserializer;
use serde_json::Value;

/// Longest piece of the input that a message quotes, in characters.
const QUOTED: usize = 80;
/// Longest part of a decoding error that a message quotes: serde's repeat the text that they refuse.
const WRONG: usize = 200;
/// How many keys of an object a description names.
const KEYS: usize = 12;

/// An event of EventBridge, of any source. Its detail, which may hold a whole policy, is read where it is, not copied.
pub(super) type Event = EventBridgeEvent<Option<()>>;

/// A type of `aws_lambda_events`, of those of an object's fields that the guard uses: a field that it does not use can't
/// make a record fail. The error names the field and what is in it.
pub(super) fn read<'a, T: Deserialize<'a>>(value: &'a Value, fields: &[&str]) -> Result<T, String> {
    let object = value.as_object().ok_or_else(|| describe(value))?;
    let used = object.iter().filter(|(name, _)| fields.contains(&name.as_str()));
    let used = MapDeserializer::<_, serde_json::Error>::new(used.map(|(name, value)| (name.as_str(), value)));
    serde_path_to_error::deserialize(used).map_err(|error| without_controls(&shortened(&error.to_string(), WRONG, "…")))
}

/// The string at a path of object keys; `None` if it is absent, null, empty or no string.
pub(super) fn text<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    at(value, path)?.as_str().filter(|text| !text.is_empty())
}

/// The value at a path of object keys; `None` also for null.
pub(super) fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(key)).filter(|value| !value.is_null())
}

/// A member of an object; null where it is absent.
pub(super) fn member<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.get(name).unwrap_or(&Value::Null)
}

/// AWS sends an empty text for what is not there, as often as none.
pub(super) fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

pub(super) fn owned(value: &Value, path: &[&str]) -> Option<String> {
    text(value, path).map(str::to_owned)
}

/// A piece of the input.
pub(super) fn quote(text: &str) -> String {
    quoted(text, QUOTED)
}

/// What a value looks like: the event source and name where it has them, else its keys.
pub(super) fn describe(value: &Value) -> String {
    let object = match value {
        Value::Object(object) => object,
        Value::Array(list) => return format!("a list of {}", list.len()),
        Value::String(string) => return format!("the string {}", quote(string)),
        Value::Number(number) => return format!("the number {}", quote(&number.to_string())),
        Value::Bool(value) => return format!("`{value}`"),
        Value::Null => return "null".to_owned(),
    };
    if object.is_empty() {
        return "an empty object".to_owned();
    }
    let mut keys: Vec<String> = object.keys().take(KEYS).map(|key| quote(key)).collect();
    if object.len() > KEYS {
        keys.push(format!("{} more", object.len() - KEYS));
    }
    let told: Vec<String> = ["source", "detail-type", "eventSource", "EventSource", "eventName", "Type", "Event"]
        .iter()
        .filter_map(|name| object.get(*name)?.as_str().map(|text| format!("{name} {}", quote(text))))
        .collect();
    let keys = format!("an object with the keys {}", keys.join(", "));
    if told.is_empty() { keys } else { format!("{} ({keys})", told.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::describe;
    use serde_json::json;

    #[test]
    fn a_description_names_source_and_keys_and_is_cut() {
        let event = json!({"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification", "detail": {}});
        assert_eq!(
            describe(&event),
            "source `aws.ec2`, detail-type `EC2 Instance State-change Notification` \
             (an object with the keys `source`, `detail-type`, `detail`)"
        );
        let wide: serde_json::Map<_, _> = (0..500).map(|n| (format!("{n}").repeat(200), json!(0))).collect();
        let described = describe(&json!(wide));
        assert!(described.ends_with(", 488 more") && described.chars().count() < 1_200, "{described}");
        assert_eq!(describe(&json!("é\n".repeat(100))).chars().filter(|c| *c == 'é').count(), 40);
    }
}
