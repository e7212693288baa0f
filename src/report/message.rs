//! The messages: what broke, who changed it, what it means for annotators, what the guard did, what to do next.
//!
//! Pure: an incident in, texts out. One SNS message carries an email text, a JSON document for machines and an
//! Amazon Q Developer card (docs/messages.md). Whatever names keys, statements and user agents have, a message must
//! never exceed SNS's limits, break a line it does not own, or mention somebody in a chat.

use crate::incident::fingerprint::Fingerprint;
use crate::incident::life::{Incident, Report};
use crate::model::aws::AwsError;
use crate::model::evidence::Evidence;
use crate::model::finding::Finding;
use crate::model::time::Timestamp;
use crate::report::digest::Digest;
use crate::report::document::{self, SCHEMA};
use crate::report::letter::subject;
use crate::report::notice::{Budget, Context, MAX_BODY, Message, Notice};
use serde_json::{Value, json};

/// Tried in this order until the message fits.
const BUDGETS: [Budget; 4] = [
    Budget { long: 24 * 1024, line: 1200, lines: 16 },
    Budget { long: 8 * 1024, line: 600, lines: 8 },
    Budget { long: 2 * 1024, line: 300, lines: 5 },
    Budget { long: 512, line: 120, lines: 3 },
];

/// The SNS message of one incident, or of several, the gravest first: subject, body of `MessageStructure=json`, attributes
/// for filter policies. None of no incident.
pub fn message(notices: &[Notice<'_>]) -> Option<Message> {
    let digest = Digest::of(notices)?;
    let (card, subject) = (digest.card().to_string(), digest.subject());
    let body = BUDGETS
        .iter()
        .enumerate()
        .map(|(level, budget)| body(digest, [&card, &subject], *budget, level > 0))
        .find(|body| body.len() <= MAX_BODY)
        .unwrap_or_else(|| bare_body(notices));
    let attributes = digest.attributes().map(|(name, value)| (name.to_owned(), value)).to_vec();
    Some(Message { subject, body, attributes })
}

/// The smallest body that still says what it is about: for when SNS refuses the full one.
pub fn bare_body(notices: &[Notice<'_>]) -> String {
    let bare = |notice: &Notice<'_>| {
        json!({
            "schema": SCHEMA,
            "status": notice.status,
            "severity": notice.incident.report.finding.severity,
            "kind": notice.incident.report.finding.kind(),
            "bucket": notice.incident.bucket,
            "incident": notice.incident.fingerprint.as_str(),
        })
    };
    let mut all = notices.iter().map(bare);
    let mut first = all.next().unwrap_or_default();
    let also: Vec<Value> = all.collect();
    if let (Some(fields), false) = (first.as_object_mut(), also.is_empty()) {
        fields.insert("also".to_owned(), also.into());
    }
    let subject = Digest::of(notices).map(Digest::subject).unwrap_or_default();
    json!({
        "default": first.to_string(),
        "email": format!("{subject}\n\nThe whole message could not be sent; it is in the guard's log."),
    })
    .to_string()
}

fn body(digest: Digest<'_, '_>, [card, subject]: [&str; 2], budget: Budget, cut: bool) -> String {
    json!({
        "default": digest.document(budget, cut).to_string(),
        "email": digest.email(budget, cut),
        "https": card,
        "sms": subject,
    })
    .to_string()
}

/// One line of log about a message: its facts, and all of it where it did not go out through a topic.
pub fn log_line(notice: &Notice<'_>, has_topic: bool, error: Option<&AwsError>) -> Value {
    let finding = &notice.incident.report.finding;
    let outcome = match (has_topic, error) {
        (_, Some(_)) => "failed",
        (true, None) => "published",
        (false, None) => "logged",
    };
    let mut line = json!({
        "level": if error.is_some() { "ERROR" } else { "INFO" },
        "message": format!("alert {outcome}: {}", subject(notice)),
        "alert.outcome": outcome,
        "alert.status": notice.status,
        "alert.kind": finding.kind(),
        "alert.severity": finding.severity,
        "alert.bucket": notice.incident.bucket,
        "alert.incident": notice.incident.fingerprint.as_str(),
        "alert.count": notice.incident.seen,
    });
    if let Some(fields) = line.as_object_mut() {
        if let Some(error) = error {
            fields.insert("error".to_owned(), json!(error.to_string()));
        }
        if outcome != "published" {
            let [budget, ..] = BUDGETS;
            fields.insert("alert".to_owned(), document::document(notice, budget, false));
        }
    }
    line
}

/// The incident of a test message: it is never stored.
pub fn test_incident(context: &Context, now: Timestamp) -> Incident {
    let finding = Finding::of(Evidence::TestAlert);
    // SNS takes no empty attribute value, and no bucket is concerned.
    let bucket = "none".to_owned();
    Incident {
        fingerprint: Fingerprint::of(&context.home.account, &finding),
        bucket,
        cause: finding.cause.clone(),
        report: Report {
            finding,
            sample_keys: Vec::new(),
            actor: None,
            change: None,
            did: Vec::new(),
            mended: false,
            read: None,
            diff: None,
        },
        opened: now,
        last_seen: now,
        seen: 1,
        told: None,
        claimed: Some(now),
        healed: None,
        flaps: 0,
        quiet_until: None,
    }
}

#[cfg(test)]
mod tests;
