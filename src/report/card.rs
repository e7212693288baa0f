//! The Amazon Q Developer card for chats, as a custom notification.
//! <https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html>
//!
//! Must never change a command: it is the email's, byte for byte, or not there. Nothing from outside mentions anybody, links
//! anywhere or leaves its code.

use crate::incident::life::{Incident, Report, Status};
use crate::model::text::cut;
use crate::report::console;
use crate::report::letter::{Letter, headline, letter, of_a_bucket, place, since, state};
use crate::report::notice::{Notice, severity_name};
use crate::report::remedy::Block;
use crate::report::text::{block, line};
use serde_json::{Value, json};

/// Most characters of a title.
const TITLE: usize = 250;
/// Most bytes of a sentence.
const SENTENCE: usize = 700;
/// Most bytes of the commands: what is longer stays in the email, so that the card is one screen.
const COMMANDS: usize = 2_400;
/// Most reasons: the email has the rest.
const REASONS: usize = 2;

pub(super) fn card(notice: &Notice<'_>) -> Value {
    let incident = notice.incident;
    let finding = &incident.report.finding;
    json!({
        "version": "1.0",
        "source": "custom",
        "content": {
            "textType": "client-markdown",
            "title": title(notice),
            "description": description(&in_clean_words(notice), notice.status),
            "nextSteps": next_steps(notice),
            "keywords": [
                finding.kind().name(),
                severity_name(finding.severity),
                notice.status.name(),
                quiet(&line(&incident.bucket, 100)),
            ],
        },
        "metadata": {
            // The same for every message of an incident: the channel threads them.
            "threadId": incident.fingerprint.as_str(),
            "summary": title(notice),
            "eventType": finding.kind().name(),
            "relatedResources": [format!("arn:{}:s3:::{}", notice.context.home.partition, line(&incident.bucket, 300))],
        },
    })
}

/// The letter with names that neither begin nor end a chat's code, and with its commands as they are.
fn in_clean_words(notice: &Notice<'_>) -> Letter {
    let clean = clean(notice.incident);
    let (as_it_is, mut words) = (letter(notice), letter(&Notice { incident: &clean, ..*notice }));
    for (way, original) in words.remedy.ways.iter_mut().zip(as_it_is.remedy.ways) {
        way.block = original.block;
    }
    Letter { look_up: as_it_is.look_up, stop: as_it_is.stop, ..words }
}

/// The incident without backticks in what it is told of.
pub(super) fn clean(incident: &Incident) -> Incident {
    fn plain(value: &mut Value) {
        match value {
            Value::String(text) => *text = text.replace('`', "'"),
            Value::Array(items) => items.iter_mut().for_each(plain),
            Value::Object(fields) => fields.values_mut().for_each(plain),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let mut incident = incident.clone();
    let mut report = serde_json::to_value(&incident.report).unwrap_or_default();
    plain(&mut report);
    // The names of fields and of kinds have none, so that it is a report as before.
    if let Ok(report) = serde_json::from_value::<Report>(report) {
        incident.report = report;
        incident.report.finding.cause = incident.cause.replace('`', "'");
    }
    if let Some(actor) = incident.healed.as_mut().and_then(|healed| healed.actor.as_mut()) {
        *actor = actor.map(|text| text.replace('`', "'"));
    }
    incident
}

fn title(notice: &Notice<'_>) -> String {
    if notice.status == Status::Test {
        return format!("{}: {}", state(notice), headline(notice));
    }
    format!("{} {}: {}{}", state(notice), quiet(&line(&place(notice), 100)), headline(notice), since(notice))
        .chars()
        .take(TITLE)
        .collect()
}

fn description(letter: &Letter, status: Status) -> String {
    let four = [
        ("Now", &letter.now),
        ("Affected", &letter.affected),
        ("Changed by", &letter.changed_by),
        ("Do now", &letter.do_now),
    ];
    let mut parts: Vec<String> = vec![four.map(|(name, text)| format!("*{name}:* {}", sentence(text))).join("\n")];
    let mut room = COMMANDS;
    for (label, way) in letter.remedy.labelled() {
        parts.extend(label.filter(|_| way.block.is_some()).map(|label| format!("*{label}:*")));
        parts.extend(way.block.as_ref().map(|block| shown(block, &mut room)));
        parts.extend((!way.note.is_empty()).then(|| sentence(&way.note)));
    }
    if let Some(command) = &letter.look_up {
        parts.push(format!("*Who changed it:*\n{}", shown(&Block::Command(command.clone()), &mut room)));
    }
    if status != Status::Test {
        let why = letter.why.iter().take(REASONS).map(|reason| format!("- {}", sentence(reason)));
        let title = if matches!(status, Status::Resolved | Status::Repaired) { "What it was" } else { "Why" };
        parts.push(format!("*{title}:*\n{}", why.collect::<Vec<_>>().join("\n")));
        let title = if status == Status::Resolved { "How it ended" } else { "The guard" };
        parts.extend(letter.did.as_ref().map(|did| format!("*{title}:* {}", sentence(did))));
    }
    if let Some((command, or)) = &letter.stop {
        parts.push(format!("*To stop the guard here:*\n{}\n{or}", shown(&Block::Command(command.clone()), &mut room)));
    }
    parts.join("\n")
}

fn next_steps(notice: &Notice<'_>) -> Vec<String> {
    if notice.status == Status::Test {
        return Vec::new();
    }
    let kind = notice.incident.report.finding.kind();
    let bucket = || format!("Bucket: {}", console::bucket(&notice.context.home, &notice.incident.bucket));
    let mut steps: Vec<String> = of_a_bucket(notice).then(bucket).into_iter().collect();
    steps.push(format!("Runbook: docs/runbook.md#{kind}"));
    steps
}

/// A block in a fence of its own, as it is. One that holds what a chat takes for markup, or is too long, is not shown: the email has it.
fn shown(of: &Block, room: &mut usize) -> String {
    let text = match of {
        Block::Command(text) => text.clone(),
        Block::Text(text) => block(text.trim_end(), usize::MAX),
    };
    let safe = !text.contains("```") && quiet(&text) == text;
    match room.checked_sub(text.len()) {
        Some(left) if safe => {
            *room = left;
            format!("```\n{text}\n```")
        }
        _ => "It is in the email: too long, or not fit, for a chat.".to_owned(),
    }
}

/// A sentence that mentions nobody and links nowhere: what a chat takes for a link, it takes so outside code alone.
pub(super) fn sentence(text: &str) -> String {
    let text = quiet(&cut(&line(text, SENTENCE), SENTENCE));
    let outside = |(part, text): (usize, &str)| {
        if part % 2 == 1 { text.to_owned() } else { text.replace("](", "] (").replace("://", ": //") }
    };
    text.split('`').enumerate().map(outside).collect::<Vec<_>>().join("`")
}

/// Chats take `<!here>`, `<@U1>` and `@here` for mentions.
pub(super) fn quiet(text: &str) -> String {
    let mut text = text.replace('<', "\u{2039}");
    for name in ["here", "channel", "everyone"] {
        text = text.replace(&format!("@{name}"), &format!("(at){name}"));
    }
    text
}
