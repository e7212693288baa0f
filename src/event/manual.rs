//! Manual actions: `{"action": "audit" | "repair" | "judge" | "test-alert" | "known-keys" | "acknowledge", …}`, by direct invocation only.
//!
//! Must never be taken from a queue or a topic: who may send there is not who may repair a bucket.

use crate::event::json;
use crate::event::trigger::{Item, KeySample, Manual, ManualAction, Trigger};
use crate::model::arn::account_of_key;
use serde_json::Value;

pub(super) const DIRECT_ONLY: &str = "a manual action by direct invocation (aws lambda invoke) only";

pub(super) fn is_manual(event: &Value) -> bool {
    event.get("action").is_some() && event.get("Records").is_none() && event.get("source").is_none()
}

pub(super) fn decode(event: &Value, item: &mut Item) {
    match read(event) {
        Ok(manual) => item.triggers.push(Trigger::Manual(manual)),
        Err((field, saw, want)) => item.problem(field, saw, want),
    }
}

type Wrong = (&'static str, String, &'static str);

const FIELDS: [&str; 8] = ["action", "bucket", "key", "kms_keys", "keys", "incident", "days", "dry_run"];

/// Most samples of keys in one action: each is headed.
const MOST_SAMPLES: usize = 600;

/// Strict, as a person typed it: a misspelt `dry_run` must not repair.
fn read(event: &Value) -> Result<Manual, Wrong> {
    if let Some(object) = event.as_object()
        && let Some(unknown) = object.keys().find(|key| !FIELDS.contains(&key.as_str()))
    {
        let want = "only the fields `action`, `bucket`, `key`, `kms_keys`, `keys`, `incident`, `days`, `dry_run`";
        return Err(("", format!("the field {}", json::quote(unknown)), want));
    }
    let action = match event.get("action").and_then(Value::as_str) {
        Some("audit") => ManualAction::Audit,
        Some("repair") => ManualAction::Repair,
        Some("judge") => ManualAction::Judge,
        Some("test-alert") => ManualAction::TestAlert,
        Some("known-keys") => ManualAction::KnownKeys,
        Some("acknowledge") => ManualAction::Acknowledge,
        _ => {
            let want = "`audit`, `repair`, `judge`, `test-alert`, `known-keys` or `acknowledge`";
            return Err(("action", saw(event, "action"), want));
        }
    };
    let manual = Manual {
        action,
        bucket: string(event, "bucket")?,
        key: string(event, "key")?,
        kms_keys: kms_keys(event)?,
        keys: samples(event)?.unwrap_or_default(),
        incident: string(event, "incident")?,
        days: days(event)?,
        dry_run: match json::at(event, &["dry_run"]) {
            None => false,
            Some(Value::Bool(dry_run)) => *dry_run,
            Some(other) => {
                return Err(("dry_run", json::quote(&other.to_string()), "`true` or `false`, without quotes"));
            }
        },
    };
    fits(&manual, event).map(|()| manual)
}

/// Whether the fields are those of the action.
fn fits(manual: &Manual, event: &Value) -> Result<(), Wrong> {
    let action = manual.action;
    let names_what_to_judge = manual.key.is_some() || !manual.kms_keys.is_empty();
    match action {
        ManualAction::Judge if !names_what_to_judge => {
            Err(("", "`judge` without an object or a key".to_owned(), "`key` (of an object) or `kms_keys`, or both"))
        }
        ManualAction::Judge if manual.key.is_some() && manual.bucket.is_none() => {
            Err(("", "`judge` of a `key` without a `bucket`".to_owned(), "the `bucket` of the object"))
        }
        _ if action != ManualAction::Judge && names_what_to_judge => {
            Err(("", format!("`key` or `kms_keys` with {}", saw(event, "action")), "these with `judge` only"))
        }
        ManualAction::KnownKeys if manual.bucket.is_none() || json::at(event, &["keys"]).is_none() => {
            Err(("", "`known-keys` without a `bucket` or `keys`".to_owned(), "both; `keys` may be an empty list"))
        }
        _ if action != ManualAction::KnownKeys && json::at(event, &["keys"]).is_some() => {
            Err(("keys", format!("`keys` with {}", saw(event, "action")), "these with `known-keys` only"))
        }
        ManualAction::Acknowledge if manual.incident.is_none() || manual.days.is_none() => {
            Err(("", "`acknowledge` without an `incident` or `days`".to_owned(), "both"))
        }
        _ if action != ManualAction::Acknowledge && (manual.incident.is_some() || manual.days.is_some()) => {
            Err(("", format!("`incident` or `days` with {}", saw(event, "action")), "these with `acknowledge` only"))
        }
        _ => Ok(()),
    }
}

fn days(event: &Value) -> Result<Option<u64>, Wrong> {
    match json::at(event, &["days"]) {
        None => Ok(None),
        Some(days) => match days.as_u64() {
            Some(number @ 1..=365) => Ok(Some(number)),
            _ => Err(("days", json::quote(&days.to_string()), "a number from 1 to 365")),
        },
    }
}

fn saw(event: &Value, field: &str) -> String {
    match event.get(field) {
        Some(Value::String(text)) => json::quote(text),
        Some(value) => json::describe(value),
        None => "nothing".to_owned(),
    }
}

fn string(event: &Value, field: &'static str) -> Result<Option<String>, Wrong> {
    match json::at(event, &[field]) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
        Some(_) => Err((field, saw(event, field), "a string that is not empty")),
    }
}

/// Key ARNs; a bare id or an alias would be resolved in whichever account asks.
fn kms_keys(event: &Value) -> Result<Vec<String>, Wrong> {
    let wrong = |saw| Err(("kms_keys", saw, "a list of KMS key ARNs (`arn:aws:kms:REGION:ACCOUNT:key/ID`)"));
    let keys = match json::at(event, &["kms_keys"]) {
        None => return Ok(Vec::new()),
        Some(Value::Array(keys)) => keys,
        Some(_) => return wrong(saw(event, "kms_keys")),
    };
    let mut read = Vec::new();
    for key in keys {
        match key.as_str() {
            Some(arn) if is_key_arn(arn) => read.push(arn.to_owned()),
            Some(text) => return wrong(json::quote(text)),
            None => return wrong(json::describe(key)),
        }
    }
    Ok(read)
}

/// Keys, each with an object that is said to be under it.
fn samples(event: &Value) -> Result<Option<Vec<KeySample>>, Wrong> {
    const WANT: &str = "a list of up to 600 `{\"kms_key\": ARN, \"sample\": OBJECT}`";
    let listed = match json::at(event, &["keys"]) {
        None => return Ok(None),
        Some(Value::Array(listed)) if listed.len() <= MOST_SAMPLES => listed,
        Some(Value::Array(listed)) => return Err(("keys", format!("a list of {}", listed.len()), WANT)),
        Some(_) => return Err(("keys", saw(event, "keys"), WANT)),
    };
    let sample = |entry: &Value| {
        let text = |field| json::text(entry, &[field]).filter(|text| !text.is_empty());
        let only = entry.as_object().is_some_and(|entry| entry.len() == 2);
        match (text("kms_key").filter(|key| is_key_arn(key)), text("sample")) {
            (Some(key), Some(sample)) if only => Ok(KeySample { kms_key: key.to_owned(), sample: sample.to_owned() }),
            _ => Err(("keys", json::quote(&entry.to_string()), WANT)),
        }
    };
    listed.iter().map(sample).collect::<Result<_, _>>().map(Some)
}

/// Whether a text has the form of a KMS key's ARN.
pub(super) fn is_key_arn(arn: &str) -> bool {
    account_of_key(arn).is_some()
}
