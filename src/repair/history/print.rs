//! What of a document compares, in forms that only its meaning changes.
//!
//! Submitted and stored documents differ where S3 rewrites: booleans and numbers as strings, canonical ids as ARNs, lists
//! of one as the one, accounts as their root. Pure. Must never make two documents equal that mean different things.

use crate::incident::fingerprint::digest;
use crate::model::arn::{Arn, is_account_id};
use crate::model::change::{Element, Print, Renamed, Subject};
use crate::model::contract::Darwin;
use crate::policy::document::PolicyDocument;
use crate::policy::json::{Node, get};
use crate::policy::raw::canonical;
use crate::repair::cors::darwin_rule;
use crate::repair::policy::edit::DOCUMENT_ID;
use crate::repair::policy::others;
use serde_json::{Map, Value};

/// What stands for a principal's name that S3 may have changed.
const RENAMED: &str = "?";

/// What an absent Version means; a variable is plain text in it.
const OLDER_VERSION: &str = "2008-10-17";

/// What of a document compares. `document` is none where there is none.
pub fn print(subject: Subject, document: Option<&str>, darwin: &Darwin) -> Print {
    let Some(text) = document else { return Print::default() };
    match subject {
        Subject::Policy => of_policy(text, darwin),
        Subject::Cors => of_list(text, &value_of(&darwin_rule(&darwin.origin))),
        Subject::Notification => of_notifications(text),
    }
}

fn value_of(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

fn short(text: &str) -> String {
    digest(text).chars().take(32).collect()
}

fn element(text: &str) -> Element {
    Element { digest: short(text), renamed: None }
}

fn of_policy(text: &str, darwin: &Darwin) -> Print {
    let policy = PolicyDocument::parse(text);
    let root = policy.root().map(Value::from);
    let whole = Some(short(&root.as_ref().map_or_else(|| text.to_owned(), canonical)));
    let Some(Value::Object(members)) = root else {
        return Print { whole, elements: vec![element(text)], ours: false };
    };
    let found = others(&policy, darwin);
    let read = found.is_some();
    let version = members.get("Version").and_then(Value::as_str).unwrap_or(OLDER_VERSION);
    let (others, ours) = found.map_or((Vec::new(), false), |found| (found.statements, found.ours));
    let mut elements: Vec<Element> = others.into_iter().map(|value| statement(value, version)).collect();
    elements.extend(beside(&members, read));
    Print { whole, elements, ours }
}

/// Each statement of a policy, in its order; none of a policy that can't be read.
pub fn statements(policy: &PolicyDocument) -> Vec<String> {
    let Ok(editable) = policy.editable() else { return Vec::new() };
    let version = policy.root().and_then(|root| get(root.members(), "Version")).and_then(Node::as_text);
    let version = version.unwrap_or(OLDER_VERSION);
    editable.statements().map(|written| statement(Value::from(written.node), version).digest).collect()
}

/// The members beside the statements. A document that we begin has V7's Version and Id; where a Version matters it
/// counts with the statement.
fn beside(members: &Map<String, Value>, read: bool) -> Vec<Element> {
    let other = |(name, value): (&String, &Value)| match (name.as_str(), value) {
        ("Version", _) => None,
        ("Statement", _) if read => None,
        ("Id", Value::String(id)) if id == DOCUMENT_ID => None,
        (name, value) => Some(element(&format!("{name}: {}", canonical(value)))),
    };
    members.iter().filter_map(other).collect()
}

fn statement(value: Value, version: &str) -> Element {
    let mut value = unlisted(value);
    if let Some(condition) = value.get_mut("Condition") {
        texts(condition);
    }
    let mut loose = value.clone();
    let mut found = Names::default();
    for name in ["Principal", "NotPrincipal"] {
        if let Some(principal) = value.get_mut(name) {
            settle(principal);
        }
        if let Some(principal) = loose.get_mut(name) {
            *principal = found.without(principal);
        }
    }
    let written = |value: &Value| {
        let text = canonical(&unlisted(value.clone()));
        if text.contains("${") { format!("{version}: {text}") } else { text }
    };
    let renamed =
        (found.canonical || found.arn).then(|| Renamed { digest: short(&written(&loose)), submitted: found.canonical });
    Element { digest: short(&written(&value)), renamed }
}

/// Accounts as their roots, and everybody in one form.
fn settle(principal: &mut Value) {
    if let Value::Object(by_type) = principal
        && let Some(aws) = by_type.get_mut("AWS")
    {
        name_roots(aws);
        if by_type.len() == 1 && by_type.get("AWS").and_then(Value::as_str) == Some("*") {
            *principal = Value::String("*".to_owned());
        }
    }
}

/// The ARN of an account's root, of whatever partition, as the account's number.
fn name_roots(value: &mut Value) {
    match value {
        Value::String(name) => {
            let root = |arn: &Arn| arn.service == "iam" && arn.region.is_empty() && arn.resource == "root";
            if let Some(arn) = Arn::parse(name).filter(root).filter(|arn| is_account_id(&arn.account)) {
                *name = arn.account;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(name_roots),
        _ => {}
    }
}

/// Names that S3 may change, found in a principal.
#[derive(Default)]
struct Names {
    canonical: bool,
    arn: bool,
}

impl Names {
    /// The principal's entries, with a mark for each name that S3 may change.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-bucket-user-policy-specifying-principal-intro.html>
    fn without(&mut self, principal: &Value) -> Value {
        let Value::Object(by_type) = principal else { return principal.clone() };
        let mut entries: Vec<Value> = Vec::new();
        for (kind, names) in by_type {
            let names: Vec<&Value> = match names {
                Value::Array(names) => names.iter().collect(),
                name => vec![name],
            };
            for name in names {
                let text = name.as_str().unwrap_or_default();
                let canonical = kind == "CanonicalUser";
                let arn = kind == "AWS"
                    && (text.contains(":iam::cloudfront:user/") || text.ends_with(":root") || is_account_id(text));
                self.canonical |= canonical;
                self.arn |= arn;
                let written = if canonical || arn { RENAMED.to_owned() } else { format!("{kind}: {text}") };
                entries.push(Value::String(written));
            }
        }
        entries.sort_by_key(canonical);
        Value::Array(entries)
    }
}

/// Booleans and numbers as S3 keeps them.
fn texts(value: &mut Value) {
    match value {
        Value::Bool(_) | Value::Number(_) => *value = Value::String(value.to_string()),
        Value::Array(items) => items.iter_mut().for_each(texts),
        Value::Object(members) => members.values_mut().for_each(texts),
        Value::String(_) | Value::Null => {}
    }
}

/// Lists of one as the one, other lists in order: every list of the policy language is a set.
fn unlisted(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(unlisted).collect();
            items.sort_by_key(canonical);
            items.dedup();
            if items.len() == 1 { items.remove(0) } else { Value::Array(items) }
        }
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(name, value)| (name, unlisted(value))).collect())
        }
        other => other,
    }
}

/// A JSON list, each item an element but `ours`.
fn of_list(text: &str, ours: &Value) -> Print {
    let Ok(Value::Array(items)) = serde_json::from_str::<Value>(text) else {
        return Print { whole: Some(short(text)), elements: vec![element(text)], ours: false };
    };
    let whole = Some(short(&canonical(&Value::Array(items.clone()))));
    let ours = canonical(ours);
    let written: Vec<String> = items.iter().map(canonical).collect();
    let others = written.iter().filter(|item| **item != ours).map(|item| element(item));
    Print { whole, elements: others.collect(), ours: written.contains(&ours) }
}

/// Notifications in the API's JSON: each target is an element, without the id that S3 makes up where none is given.
/// EventBridge is the guard's own part.
fn of_notifications(text: &str) -> Print {
    let Ok(Value::Object(members)) = serde_json::from_str::<Value>(text) else {
        return Print { whole: Some(short(text)), elements: vec![element(text)], ours: false };
    };
    let mut elements = Vec::new();
    for (name, targets) in members.iter().filter_map(|(name, value)| Some((name, value.as_array()?))) {
        for target in targets {
            let mut target = target.clone();
            if let Value::Object(members) = &mut target {
                members.remove("Id");
            }
            elements.push(element(&format!("{name} {}", canonical(&unlisted(target)))));
        }
    }
    elements.sort();
    let ours = members.contains_key("EventBridgeConfiguration");
    let listed: Vec<&str> = elements.iter().map(|element| element.digest.as_str()).collect();
    Print { whole: Some(short(&format!("{ours} {}", listed.join(" ")))), elements, ours }
}
