//! Manual actions: `{"action": "audit" | "repair" | "judge" | "test-alert", …}`, by direct invocation only.
//!
//! Must never be taken from a queue or a topic: who may send there is not who may repair a bucket.

use crate::event::json;
use crate::event::trigger::{Item, Manual, ManualAction, Trigger};
use crate::model::arn::Arn;
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

const FIELDS: [&str; 5] = ["action", "bucket", "key", "kms_keys", "dry_run"];

/// Strict, as a person typed it: a misspelt `dry_run` must not repair.
fn read(event: &Value) -> Result<Manual, Wrong> {
    if let Some(object) = event.as_object()
        && let Some(unknown) = object.keys().find(|key| !FIELDS.contains(&key.as_str()))
    {
        let want = "only the fields `action`, `bucket`, `key`, `kms_keys`, `dry_run`";
        return Err(("", format!("the field {}", json::quote(unknown)), want));
    }
    let action = match event.get("action").and_then(Value::as_str) {
        Some("audit") => ManualAction::Audit,
        Some("repair") => ManualAction::Repair,
        Some("judge") => ManualAction::Judge,
        Some("test-alert") => ManualAction::TestAlert,
        _ => return Err(("action", saw(event, "action"), "`audit`, `repair`, `judge` or `test-alert`")),
    };
    let manual = Manual {
        action,
        bucket: string(event, "bucket")?,
        key: string(event, "key")?,
        kms_keys: kms_keys(event)?,
        dry_run: match json::at(event, &["dry_run"]) {
            None => false,
            Some(Value::Bool(dry_run)) => *dry_run,
            Some(other) => {
                return Err(("dry_run", json::quote(&other.to_string()), "`true` or `false`, without quotes"));
            }
        },
    };
    let names_what_to_judge = manual.key.is_some() || !manual.kms_keys.is_empty();
    match action {
        ManualAction::Judge if !names_what_to_judge => {
            Err(("", "`judge` without an object or a key".to_owned(), "`key` (of an object) or `kms_keys`, or both"))
        }
        ManualAction::Judge if manual.key.is_some() && manual.bucket.is_none() => {
            Err(("", "`judge` of a `key` without a `bucket`".to_owned(), "the `bucket` of the object"))
        }
        ManualAction::Audit | ManualAction::Repair | ManualAction::TestAlert if names_what_to_judge => {
            Err(("", format!("`key` or `kms_keys` with {}", saw(event, "action")), "these with `judge` only"))
        }
        _ => Ok(manual),
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

/// Whether a text has the form of a KMS key's ARN.
pub(super) fn is_key_arn(arn: &str) -> bool {
    Arn::parse(arn).is_some_and(|arn| {
        let id = arn.name_in_region("kms", "key/");
        id.is_some_and(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
    })
}
