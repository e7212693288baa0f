//! Whether a write of ours fell upon another's change: our writes and their changes side by side.
//!
//! S3 has no conditional write for a bucket's configuration, so a change can fall between our last read and our write,
//! or hide behind a stale read. It is found out afterwards, from the CloudTrail event of the change.
//! Pure. Must never let a change pass whose effect is neither in what we wrote nor in what stands now.

use crate::event::trigger::ConfigChange;
use crate::incident::fingerprint::digest;
use crate::model::change::{Change, Subject, Write};
use crate::model::contract::Darwin;
use crate::model::s3::CorsRule;
use crate::model::time::{LONGEST_RUN_MS, parse_rfc3339};
use crate::policy::document::PolicyDocument;
use crate::policy::raw::canonical;
use crate::repair::policy::edit::DOCUMENT_ID;
use crate::repair::policy::foreign_statements;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// What is remembered of writes and changes, in milliseconds: longer than CloudTrail's events take, with their retries.
pub const REMEMBER_MS: u64 = 24 * 60 * 60 * 1_000;
/// A read may show what stood so long before, in milliseconds: what a change younger than that wrote must be seen in
/// a document before it is written over.
pub const STALE_MS: u64 = 10_000;
/// CloudTrail's `eventTime` has a grain of one second.
const GRAIN_MS: u64 = 1_000;

impl Change {
    /// What an event says that somebody wrote. None for other events, and for one without a readable time or document.
    pub fn of(event: &ConfigChange) -> Option<Self> {
        let subject = Subject::of(&event.name)?;
        let time_ms = parse_rfc3339(event.actor.time.as_deref()?)?;
        let document = match (subject, event.name.starts_with("Delete")) {
            (_, true) => None,
            (Subject::Policy, false) => Some(submitted_policy(event.request_parameters.as_deref()?)?),
            (Subject::Cors, false) => Some(submitted_rules(event.request_parameters.as_deref()?)?),
        };
        let id = event.actor.event_id.clone().unwrap_or_else(|| digest(&format!("{time_ms} {document:?}")));
        Some(Self { subject, id, name: event.name.clone(), time_ms, document, actor: event.actor.clone() })
    }
}

/// The writes and changes of one bucket that are remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    pub writes: Vec<Write>,
    pub changes: Vec<Change>,
}

impl Past {
    /// The changes that our writes may have undone: each fell so near to a write that the write can't have known it,
    /// it was not replaced by a later one before the write's last read, and `current` does not show it.
    pub fn lost(
        &self,
        subject: Subject,
        current: Option<&str>,
        darwin: &Darwin,
        now_ms: u64,
    ) -> Vec<(&Change, &Write)> {
        let writes = || self.writes.iter().filter(|write| write.subject == subject);
        if writes().next().is_none() {
            return Vec::new();
        }
        let now = elements(subject, current, darwin);
        let changes: Vec<(&Change, Reading)> = self
            .changes
            .iter()
            .filter(|change| change.subject == subject)
            .map(|change| (change, Reading::of(subject, change.document.as_deref(), darwin)))
            .collect();
        let mut lost: Vec<(&Change, &Write)> = Vec::new();
        for write in writes() {
            let ours = Reading::of(subject, Some(&write.after), darwin);
            // A write that was never reported as done was made while its function ran, or never.
            let end_ms = write.done_ms.unwrap_or_else(|| now_ms.min(write.begun_ms.saturating_add(LONGEST_RUN_MS)));
            // An event of our own, should it not have been recognised, hides nobody's.
            let near = |(change, theirs): &&(&Change, Reading)| {
                theirs.canonical != ours.canonical
                    && change.time_ms <= end_ms
                    && change.time_ms.saturating_add(GRAIN_MS + STALE_MS) >= write.begun_ms
            };
            // What somebody replaced before our last read was not ours to lose.
            let replaced = |change: &Change| {
                changes.iter().filter(near).any(|(later, _)| {
                    later.time_ms > change.time_ms && later.time_ms.saturating_add(GRAIN_MS) <= write.begun_ms
                })
            };
            for (change, theirs) in changes.iter().filter(near).filter(|(change, _)| !replaced(change)) {
                let missing = theirs.elements.difference(&ours.elements).any(|element| !now.contains(element));
                let revived = ours.elements.difference(&theirs.elements).any(|element| now.contains(element));
                if (missing || revived) && !lost.iter().any(|(held, _)| held.id == change.id) {
                    lost.push((change, write));
                }
            }
        }
        lost
    }

    /// Whether a document that was just read is older than a change that is known: then it must not be written over.
    /// A change of the future is none: a forged event would keep repairs away for as long as it is remembered.
    pub fn outdates(&self, subject: Subject, read: Option<&str>, darwin: &Darwin, now_ms: u64) -> bool {
        let fresh = |change: &&Change| {
            change.subject == subject
                && change.time_ms.saturating_add(GRAIN_MS + STALE_MS) >= now_ms
                && change.time_ms <= now_ms.saturating_add(STALE_MS)
        };
        let newest_ms = self.changes.iter().filter(fresh).map(|change| change.time_ms).max();
        let mut newest =
            self.changes.iter().filter(fresh).filter(|change| Some(change.time_ms) == newest_ms).peekable();
        if newest.peek().is_none() {
            return false;
        }
        let read = elements(subject, read, darwin);
        !newest.any(|change| elements(subject, change.document.as_deref(), darwin) == read)
    }
}

/// A document in the forms that compare.
struct Reading {
    /// The whole of it, without regard to layout and order of members; None where there is none.
    canonical: Option<String>,
    elements: BTreeSet<String>,
}

impl Reading {
    fn of(subject: Subject, document: Option<&str>, darwin: &Darwin) -> Self {
        let Some(text) = document else { return Self { canonical: None, elements: BTreeSet::new() } };
        let policy = (subject == Subject::Policy).then(|| PolicyDocument::parse(text));
        let value = match &policy {
            Some(policy) => policy.root().map(Value::from),
            None => serde_json::from_str(text).ok(),
        };
        let whole = value.as_ref().map_or_else(|| text.to_owned(), canonical);
        let elements = match (policy, value) {
            (Some(policy), Some(Value::Object(members))) => policy_elements(&policy, &members, darwin),
            (None, Some(Value::Array(rules))) => {
                let others = rules.iter().filter(|rule| !is_darwins_rule(rule, darwin));
                rule_elements(&others.map(canonical).collect::<Vec<_>>())
            }
            _ => BTreeSet::from([whole.clone()]),
        };
        Self { canonical: Some(whole), elements }
    }
}

/// What of a document is others', in a form that only its meaning changes: statements (and the members beside them), or
/// rules and which of them stands before which.
pub fn elements(subject: Subject, document: Option<&str>, darwin: &Darwin) -> BTreeSet<String> {
    Reading::of(subject, document, darwin).elements
}

/// CORS rules, and each pair of them in its order: S3 answers by the first that matches. Statements have no such order.
fn rule_elements(rules: &[String]) -> BTreeSet<String> {
    let after = |index: usize| rules.iter().skip(index + 1);
    let pairs = rules.iter().enumerate().flat_map(|(index, first)| after(index).map(move |then| (first, then)));
    let order = pairs.filter(|(first, then)| first != then).map(|(first, then)| digest(&format!("{first} {then}")));
    order.collect::<BTreeSet<_>>().into_iter().chain(rules.iter().cloned()).collect()
}

fn policy_elements(policy: &PolicyDocument, members: &Map<String, Value>, darwin: &Darwin) -> BTreeSet<String> {
    let foreign = foreign_statements(policy, darwin);
    let read = foreign.is_some();
    // Absent means the older one, in which a variable is plain text.
    let version = members.get("Version").and_then(Value::as_str).unwrap_or("2008-10-17");
    let mut elements: BTreeSet<String> = foreign
        .into_iter()
        .flatten()
        .map(|statement| if statement.contains("${") { format!("{version}: {statement}") } else { statement })
        .collect();
    for (name, value) in members {
        match (name.as_str(), value) {
            ("Statement", _) if read => {}
            // A document that we begin has V7's Version and Id. Where a Version matters it is told with the statement.
            ("Version", _) => {}
            ("Id", Value::String(id)) if id == DOCUMENT_ID => {}
            (name, value) => {
                elements.insert(format!("{name}: {}", canonical(value)));
            }
        }
    }
    elements
}

fn is_darwins_rule(rule: &Value, darwin: &Darwin) -> bool {
    let ours = crate::repair::cors::darwin_rule(&darwin.origin);
    serde_json::to_value(ours).is_ok_and(|ours| canonical(&ours) == canonical(rule))
}

/// The token of a policy document: its digest without regard to layout and order of members.
pub fn policy_token(document: &str) -> String {
    let value: Value = serde_json::from_str(document).unwrap_or(Value::Null);
    digest(&canonical(&value))
}

/// The policy of a `PutBucketPolicy` event, as CloudTrail reparsed it. Only ever compared and shown.
pub fn submitted_policy(request_parameters: &str) -> Option<String> {
    let value: Value = serde_json::from_str(request_parameters).ok()?;
    let policy = value.get("bucketPolicy")?;
    Some(policy.as_str().map_or_else(|| policy.to_string(), str::to_owned))
}

/// The rules of a `PutBucketCors` event, which has S3's XML as JSON: a single element may stand without its list.
fn submitted_rules(request_parameters: &str) -> Option<String> {
    let value: Value = serde_json::from_str(request_parameters).ok()?;
    let rules = value.get("CORSConfiguration")?.get("CORSRule")?;
    let rules: Vec<CorsRule> = listed(rules).into_iter().map(rule).collect();
    serde_json::to_string(&rules).ok()
}

fn rule(value: &Value) -> CorsRule {
    let texts = |name: &str| {
        let found = value.get(name).map(listed).unwrap_or_default();
        found.into_iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    };
    let age = value.get("MaxAgeSeconds").and_then(|age| match age {
        Value::String(text) => text.parse().ok(),
        other => other.as_i64(),
    });
    CorsRule {
        id: value.get("ID").and_then(Value::as_str).map(str::to_owned),
        allowed_headers: texts("AllowedHeader"),
        allowed_methods: texts("AllowedMethod"),
        allowed_origins: texts("AllowedOrigin"),
        expose_headers: texts("ExposeHeader"),
        max_age_seconds: age.and_then(|age| i32::try_from(age).ok()),
    }
}

fn listed(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        other => vec![other],
    }
}

#[cfg(test)]
mod tests;
