//! The JSON document for machines. Its schema is docs/schema/alert-v1.json: fields may be added to version 1, never
//! removed or given another meaning.

use crate::incident::life::{SAMPLES, Status};
use crate::model::actor::Actor;
use crate::model::evidence::Evidence;
use crate::model::finding::{Kind, Severity};
use crate::model::outcome::Action;
use crate::model::text::cut;
use crate::report::letter::{headline, letter, subject};
use crate::report::notice::{Budget, Notice};
use crate::report::remedy::{Block, command};
use crate::report::words;
use serde::Serialize;
use serde_json::Value;

/// Name and version of the schema, in every document.
pub const SCHEMA: &str = "darwin-s3-guard/alert/1";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    status: Status,
    severity: Severity,
    kind: Kind,
    drift: bool,
    bucket: &'a str,
    account: &'a str,
    region: &'a str,
    incident: &'a str,
    how_to_stop: Option<String>,
    subject: String,
    headline: String,
    meaning: String,
    /// The four lines that every form begins with.
    now: String,
    affected: String,
    changed_by: String,
    do_now: String,
    sent_at: String,
    opened_at: String,
    last_seen_at: String,
    resolved_at: Option<String>,
    resolved_because: Option<String>,
    count: u64,
    reopened: u64,
    verdict: Option<&'static str>,
    because: Vec<String>,
    depends_on: Vec<String>,
    cause: String,
    /// The keys as they are.
    sample_keys: Vec<&'a str>,
    change: Option<&'a str>,
    actor: Option<Actor>,
    actions: Vec<&'a Action>,
    diff: Option<String>,
    documents: Option<Documents>,
    remedy: String,
    /// What of the remedy a shell runs as it is.
    commands: Vec<String>,
    /// The change that ended it, where an event said so.
    ended_by_change: Option<String>,
    ended_by: Option<Actor>,
    may_repeat: bool,
    cut: bool,
}

/// Both sides of a write that may have undone another's change.
#[derive(Serialize)]
struct Documents {
    theirs: String,
    ours: String,
    difference: String,
    command: String,
}

#[expect(clippy::too_many_lines, reason = "a row a field")]
pub(super) fn document(notice: &Notice<'_>, budget: Budget, was_cut: bool) -> Value {
    let Budget { long, line, lines } = budget;
    let incident = notice.incident;
    let report = notice.report();
    let finding = notice.finding();
    let letter = letter(notice);
    let commands = letter.remedy.ways.iter().filter_map(|way| match &way.block {
        Some(Block::Command(command)) if command.len() <= long => Some(command.clone()),
        _ => None,
    });
    let list = |list: &[String]| -> Vec<String> { list.iter().take(lines).map(|item| cut(item, line)).collect() };
    let document = Document {
        schema: SCHEMA,
        status: notice.status,
        severity: finding.severity,
        kind: finding.kind,
        drift: finding.kind.is_drift(),
        bucket: &incident.bucket,
        account: &notice.context.home.account,
        region: &notice.context.home.region,
        incident: incident.fingerprint.as_str(),
        how_to_stop: notice.how_to_stop(),
        subject: subject(notice),
        headline: headline(notice),
        meaning: words::effect(&report.finding, report.read).now,
        now: letter.now,
        affected: letter.affected,
        changed_by: letter.changed_by,
        do_now: letter.do_now,
        sent_at: notice.now.to_string(),
        opened_at: incident.opened.to_string(),
        last_seen_at: incident.last_seen.to_string(),
        resolved_at: incident.healed.as_ref().map(|healed| healed.at.to_string()),
        resolved_because: incident.healed.as_ref().map(|healed| words::ending(&report.finding, healed)),
        count: incident.seen,
        reopened: incident.flaps,
        verdict: notice.verdict(),
        because: list(&finding.because),
        depends_on: list(&finding.depends_on),
        cause: cut(&report.finding.cause, line),
        sample_keys: report.sample_keys.iter().take(SAMPLES).map(String::as_str).collect(),
        change: report.change.as_deref(),
        actor: report.actor.as_ref().map(|actor| actor.map(|text| cut(text, line))),
        actions: report.did.iter().take(lines).collect(),
        diff: report.diff.as_ref().map(|diff| cut(diff, long)),
        documents: match &report.finding.evidence {
            Evidence::LostUpdate(lost) => Some(Documents {
                theirs: cut(&lost.theirs, long),
                ours: cut(&lost.ours, long),
                difference: cut(&lost.difference, long),
                command: cut(&command(&incident.bucket, &notice.context.home, lost), long),
            }),
            _ => None,
        },
        remedy: cut(&finding.remedy, long),
        commands: commands.collect(),
        ended_by_change: incident.healed.as_ref().and_then(|healed| healed.change.clone()),
        ended_by: incident.healed.as_ref().and_then(|healed| healed.actor.clone()),
        may_repeat: notice.stateless,
        cut: was_cut,
    };
    // Strings, numbers, lists and maps with string keys always serialise.
    serde_json::to_value(document).unwrap_or_default()
}
