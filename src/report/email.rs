//! The email: plain text, made to be read on a phone. Four lines first, then what to paste, then everything else.

use crate::incident::life::{SAMPLES, Status};
use crate::model::actor::Actor;
use crate::model::evidence::{Evidence, KeyEvidence};
use crate::model::text::counted;
use crate::report::console;
use crate::report::finding::FindingAnswer;
use crate::report::letter::{Letter, letter, of_a_bucket};
use crate::report::notice::{Budget, Notice, severity_name};
use crate::report::remedy::Block;
use crate::report::text::{block, line};

pub(super) fn text(notice: &Notice<'_>, budget: Budget, was_cut: bool) -> String {
    let letter = letter(notice);
    let mut sections = vec![four_lines(&letter)];
    sections.extend(to_paste(&letter, budget));
    if notice.status != Status::Test {
        sections.push(section(why_title(notice), &bullets(&letter.why, budget)));
        let look_up = letter.look_up.as_ref().filter(|command| command.len() <= budget.long);
        sections.extend(look_up.map(|command| section("WHO CHANGED IT", command)));
        sections.extend(letter.did.as_ref().map(|did| section(did_title(notice.status), did)));
        sections.extend(
            letter.stop.as_ref().map(|(command, or)| section("TO STOP THE GUARD HERE", &format!("{command}\n{or}"))),
        );
        sections.push(section("EVIDENCE", &evidence(notice, budget)));
        sections.extend(documents(notice, budget));
    }
    sections.push(footer(notice, was_cut));
    let mut text = sections.join("\n\n");
    text.push('\n');
    text
}

/// One of several incidents of a message.
pub(super) fn member(notice: &Notice<'_>, title: &str, budget: Budget) -> String {
    let letter = letter(notice);
    let Letter { affected, changed_by, do_now, .. } = &letter;
    let mut parts = vec![title.to_owned(), format!("Affected: {affected}\nChanged by: {changed_by}\nDo now: {do_now}")];
    parts.extend(to_paste(&letter, budget));
    parts.push(section(why_title(notice), &bullets(&letter.why, budget)));
    let look_up = letter.look_up.as_ref().filter(|command| command.len() <= budget.long);
    parts.extend(look_up.map(|command| section("WHO CHANGED IT", command)));
    parts.extend(letter.did.as_ref().map(|did| section(did_title(notice.status), did)));
    parts.extend(letter.stop.as_ref().map(|(command, _)| section("TO STOP THE GUARD HERE", command)));
    parts.push(section("EVIDENCE", &evidence(notice, budget)));
    parts.join("\n")
}

fn four_lines(letter: &Letter) -> String {
    format!(
        "Now: {}\nAffected: {}\nChanged by: {}\nDo now: {}",
        letter.now, letter.affected, letter.changed_by, letter.do_now
    )
}

/// What to paste for `Do now`: each way under its label, and what to know of it.
fn to_paste(letter: &Letter, budget: Budget) -> Option<String> {
    let ways = letter.remedy.labelled().filter_map(|(label, way)| {
        let block = way.block.as_ref().map(|block| shown(block, budget));
        let note = (!way.note.is_empty()).then(|| way.note.clone());
        let parts: Vec<String> = [block, note].into_iter().flatten().collect();
        let label = label.map(|label| format!("{label}:\n")).unwrap_or_default();
        (!parts.is_empty()).then(|| format!("{label}{}", parts.join("\n")))
    });
    let ways: Vec<String> = ways.collect();
    (!ways.is_empty()).then(|| ways.join("\n\n"))
}

/// A command is whole or not there: what is cut must not be pasted.
fn shown(of: &Block, budget: Budget) -> String {
    match of {
        Block::Command(command) if command.len() > budget.long => {
            format!(
                "(The command has {} and does not fit this message. An audit prints it.)",
                counted(command.len(), "byte")
            )
        }
        Block::Command(command) => command.clone(),
        Block::Text(text) => block(text.trim_end(), budget.long),
    }
}

fn section(title: &str, content: &str) -> String {
    format!("{title}\n{content}")
}

fn why_title(notice: &Notice<'_>) -> &'static str {
    match notice.status {
        Status::Resolved | Status::Repaired => "WHAT IT WAS",
        Status::Opened | Status::Reminder | Status::Test => "WHY",
    }
}

/// What was done is what ended it, where it is over.
const fn did_title(status: Status) -> &'static str {
    match status {
        Status::Resolved => "HOW IT ENDED",
        Status::Opened | Status::Reminder | Status::Repaired | Status::Test => "WHAT THE GUARD DID",
    }
}

fn bullets(lines: &[String], budget: Budget) -> String {
    let mut shown: Vec<String> =
        lines.iter().take(budget.lines).map(|text| format!("- {}", line(text, budget.line))).collect();
    if lines.len() > budget.lines {
        shown.push(format!("- and {} more", lines.len() - budget.lines));
    }
    shown.join("\n")
}

fn evidence(notice: &Notice<'_>, budget: Budget) -> String {
    let incident = notice.incident;
    let report = notice.report();
    let finding: FindingAnswer = notice.finding();
    let mut lines =
        vec![format!("Kind: {} ({}), docs/runbook.md#{}", finding.kind, severity_name(finding.severity), finding.kind)];
    if !finding.depends_on.is_empty() {
        let names: Vec<String> = finding.depends_on.iter().take(budget.lines).map(|name| line(name, 200)).collect();
        lines.push(format!("Depends on: {}", names.join(", ")));
    }
    lines.push(format!("First seen {}, last seen {}", incident.opened, incident.last_seen));
    let samples = &report.sample_keys;
    if !samples.is_empty() {
        lines.push(format!("Objects seen with it: {}. Some of them:", incident.seen));
        lines.extend(samples.iter().take(SAMPLES).map(|key| format!("- {}", line(key, 2048))));
    }
    lines.extend(report.actor.as_ref().and_then(|actor| changed(actor, report.change.as_deref(), budget)));
    lines.extend(console(notice));
    if let Some(diff) = &report.diff {
        lines.push("The change of the guard, or what it would be:".to_owned());
        lines.push(block(diff.trim_end(), budget.long));
    }
    lines.join("\n")
}

/// The change as CloudTrail has it, in full.
fn changed(actor: &Actor, change: Option<&str>, budget: Budget) -> Option<String> {
    let Actor { arn, session_issuer, source_ip, user_agent, time, event_id } = actor;
    let named = [
        ("call", change),
        ("by", arn.as_deref()),
        ("role", session_issuer.as_deref()),
        ("at", time.as_deref()),
        ("from", source_ip.as_deref()),
        ("with", user_agent.as_deref()),
        ("event", event_id.as_deref()),
    ];
    let named: Vec<String> =
        named.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", line(value?, budget.line)))).collect();
    (!named.is_empty()).then(|| format!("CloudTrail: {}", named.join(", ")))
}

/// Where to look in the AWS console.
fn console(notice: &Notice<'_>) -> Vec<String> {
    let home = &notice.context.home;
    let bucket = &notice.incident.bucket;
    let key = match &notice.report().finding.evidence {
        Evidence::Key(KeyEvidence { key, .. }) => console::key(home, key),
        _ => None,
    };
    let object = notice.report().sample_keys.first().map(|object| console::object(home, bucket, object));
    let permissions = of_a_bucket(notice).then(|| console::bucket(home, bucket));
    let named = [("Bucket", permissions), ("Key", key), ("Object", object)];
    named.into_iter().filter_map(|(name, link)| Some(format!("{name}: {}", link?))).collect()
}

fn documents(notice: &Notice<'_>, budget: Budget) -> Option<String> {
    let Evidence::LostUpdate(lost) = &notice.report().finding.evidence else { return None };
    Some(format!(
        "BOTH DOCUMENTS\nTheirs:\n{}\n\nThe guard's:\n{}\n\nFrom theirs to the guard's:\n{}",
        block(&lost.theirs, budget.long),
        block(&lost.ours, budget.long),
        block(&lost.difference, budget.long),
    ))
}

pub(super) fn footer(notice: &Notice<'_>, was_cut: bool) -> String {
    let mut lines = Vec::new();
    if notice.stateless {
        lines.push("The incident table did not answer: this message may come twice.".to_owned());
    }
    if was_cut {
        lines.push("Long parts of this message were cut to fit.".to_owned());
    }
    let home = &notice.context.home;
    lines.push(format!(
        "Sent {} by the Darwin S3 guard of account {}, {}. Incident {}",
        notice.now,
        &*home.account,
        home.region,
        notice.incident.fingerprint.as_str()
    ));
    lines.push(
        "Checked: your account's side (bucket and key policies, grants, settings). Not visible from it: V7's own IAM policy, \
         SCPs, RCPs, VPC endpoint and session policies."
            .to_owned(),
    );
    lines.join("\n")
}
