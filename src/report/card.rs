//! The Amazon Q Developer card for chats, as a custom notification.
//! <https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html>

use crate::incident::life::Status;
use crate::model::text::cut;
use crate::report::finding::FindingAnswer;
use crate::report::notice::{Budget, Notice, severity_name};
use crate::report::text::{block, line, span};
use crate::report::words;
use serde_json::{Value, json};

/// Most characters of a title.
const TITLE: usize = 250;
/// Most bytes of a description: a card is a summary, the email has the rest.
const DESCRIPTION: usize = 3800;

pub(super) fn card(notice: &Notice<'_>, budget: Budget) -> Value {
    let incident = notice.incident;
    let finding = notice.finding();
    json!({
        "version": "1.0",
        "source": "custom",
        "content": {
            "textType": "client-markdown",
            "title": title(notice),
            "description": cut(&description(notice, &finding, budget), DESCRIPTION),
            "nextSteps": next_steps(notice, &finding),
            "keywords": [
                finding.kind.name(),
                severity_name(finding.severity),
                notice.status.name(),
                quiet(&line(&incident.bucket, 100)),
            ],
        },
        "metadata": {
            // The same for every message of an incident: the channel threads them.
            "threadId": incident.fingerprint.as_str(),
            "summary": title(notice),
            "eventType": finding.kind.name(),
            "relatedResources": [format!("arn:{}:s3:::{}", notice.context.home.partition, line(&incident.bucket, 300))],
        },
    })
}

fn title(notice: &Notice<'_>) -> String {
    let finding = &notice.incident.report.finding;
    let mark = match notice.status {
        Status::Opened => severity_name(finding.severity),
        status => status.name().to_owned(),
    };
    let bucket = quiet(&line(&notice.incident.bucket, 100));
    format!("{mark}: {bucket}: {}", words::headline(finding.kind())).chars().take(TITLE).collect()
}

fn description(notice: &Notice<'_>, finding: &FindingAnswer, budget: Budget) -> String {
    let incident = notice.incident;
    let report = notice.report();
    let mut parts: Vec<String> = Vec::new();
    parts.extend(notice.how_to_stop().map(|stop| fence(&stop)));
    match (notice.status, &incident.healed) {
        (Status::Resolved, Some(healed)) => parts.push(format!(
            "Resolved after {}: {}",
            span(healed.at_ms.saturating_sub(incident.opened_ms)),
            quiet(&line(words::ending(healed.shown_by), 300))
        )),
        (Status::Reminder, _) => {
            parts.push(format!("Still open after {}.", span(notice.now_ms.saturating_sub(incident.opened_ms))));
        }
        _ => {}
    }
    let because = finding.because.iter().take(4).map(|reason| format!("- {}", quiet(&line(reason, 300))));
    parts.push(because.collect::<Vec<_>>().join("\n"));
    if matches!(notice.status, Status::Opened | Status::Repaired | Status::Reminder) {
        if let Some(actor) = &report.actor {
            let change = report.change.as_deref().unwrap_or("A change");
            let facts = [("by", &actor.arn), ("at", &actor.time), ("from", &actor.source_ip)];
            let facts =
                facts.into_iter().filter_map(|(word, value)| Some(format!(" {word} {}", code(value.as_ref()?))));
            parts.push(format!("*Changed:* {}{}", code(change), facts.collect::<String>()));
        }
        let meaning = if notice.status == Status::Repaired { words::MENDED } else { words::meaning(finding.kind) };
        parts.push(format!("*For annotators:* {meaning}"));
    }
    if !finding.depends_on.is_empty() {
        let names: Vec<String> = finding.depends_on.iter().take(5).map(|name| code(name)).collect();
        parts.push(format!("*Hangs on:* {}", names.join(", ")));
    }
    if !report.sample_keys.is_empty() {
        let samples: Vec<String> = report.sample_keys.iter().take(3).map(|key| code(key)).collect();
        parts.push(format!("*Objects:* {}, e.g. {}", incident.seen, samples.join(", ")));
    }
    if !report.did.is_empty() {
        let did = report.did.iter().take(4).map(|action| {
            let result = serde_json::to_value(action.result).unwrap_or_default();
            format!("{} {}", code(&action.operation.to_string()), result.as_str().unwrap_or_default())
        });
        parts.push(format!("*The guard:* {}", did.collect::<Vec<_>>().join(", ")));
    }
    if notice.stateless {
        parts.push("The incident table could not be used: this message may repeat.".to_owned());
    }
    if matches!(notice.status, Status::Opened | Status::Reminder) && !finding.remedy.is_empty() {
        parts.push(format!("*To do:*\n{}", fence(&cut(&finding.remedy, budget.long.min(1800)))));
    }
    parts.join("\n\n")
}

fn next_steps(notice: &Notice<'_>, finding: &FindingAnswer) -> Vec<String> {
    let first = finding.remedy.lines().next().unwrap_or_default();
    match notice.status {
        Status::Opened | Status::Reminder if !first.is_empty() => vec![quiet(&line(first, 300))],
        Status::Opened | Status::Repaired | Status::Reminder | Status::Resolved | Status::Test => Vec::new(),
    }
}

/// A value as a code span: nothing in it is markup.
fn code(value: &str) -> String {
    format!("`{}`", quiet(&line(value, 160)).replace('`', "\u{2b9}"))
}

fn fence(value: &str) -> String {
    format!("```\n{}\n```", quiet(&block(value, 2400)).replace("```", "\u{2b9}\u{2b9}\u{2b9}"))
}

/// A text that mentions nobody and links nowhere: chats take `<!here>`, `<@U1>` and `@here` for mentions.
fn quiet(text: &str) -> String {
    let mut text = text.replace('<', "\u{2039}").replace('>', "\u{203a}");
    for name in ["here", "channel", "everyone"] {
        text = text.replace(&format!("@{name}"), &format!("(at){name}"));
    }
    text
}
