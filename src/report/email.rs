//! The email: plain text in short sections, made to be read on a phone.

use crate::incident::life::{SAMPLES, Status};
use crate::model::actor::Actor;
use crate::model::contract::Mode;
use crate::model::evidence::Evidence;
use crate::model::outcome::ActionResult;
use crate::model::time::rfc3339;
use crate::report::finding::FindingAnswer;
use crate::report::notice::{Budget, Notice, severity_name};
use crate::report::remedy::command;
use crate::report::text::{block, line, span};
use crate::report::words;

pub(super) fn text(notice: &Notice<'_>, budget: Budget, was_cut: bool) -> String {
    let finding = notice.finding();
    let mut sections: Vec<String> = Vec::new();
    sections.extend(notice.how_to_stop());
    sections.push(lead(notice));
    if notice.status == Status::Test {
        sections.push(bullets(&finding.because, budget));
        sections.push(footer(notice, was_cut));
        return joined(&sections);
    }
    if notice.status == Status::Resolved {
        sections.push(section("WHAT IT WAS", &bullets(&finding.because, budget)));
        sections.push(section("EVIDENCE", &evidence(notice, &finding, budget)));
    } else {
        sections.push(section("WHAT BROKE", &bullets(&finding.because, budget)));
        sections.push(section("WHO CHANGED IT", &who(notice, budget)));
        sections.push(section("WHAT IT MEANS FOR ANNOTATORS", meaning(notice)));
        sections.push(section("EVIDENCE", &evidence(notice, &finding, budget)));
        sections.push(section("WHAT THE GUARD DID", &did(notice, budget)));
        sections.extend(documents(notice, budget));
        sections.push(section("WHAT TO DO NEXT", &next(notice, &finding, budget)));
    }
    sections.push(footer(notice, was_cut));
    joined(&sections)
}

/// What annotators see now: of what is repaired, nothing any more.
fn meaning(notice: &Notice<'_>) -> &'static str {
    match notice.status {
        Status::Repaired => words::MENDED,
        _ => words::meaning(notice.report().finding.kind()),
    }
}

fn next(notice: &Notice<'_>, finding: &FindingAnswer, budget: Budget) -> String {
    let remedy = block(&finding.remedy, budget.long);
    match notice.status {
        Status::Repaired => format!(
            "Nothing is left to repair. If a template or a pipeline made the change, its next run undoes the repair, unless \
             this goes into it:\n\n{remedy}"
        ),
        _ => remedy,
    }
}

fn joined(sections: &[String]) -> String {
    let mut text = sections.join("\n\n");
    text.push('\n');
    text
}

fn section(title: &str, content: &str) -> String {
    format!("{title}\n{content}")
}

fn lead(notice: &Notice<'_>) -> String {
    let incident = notice.incident;
    let what = words::headline(incident.report.finding.kind());
    let bucket = line(&incident.bucket, 300);
    match notice.status {
        Status::Opened if incident.flaps > 0 => format!(
            "Bucket {bucket}: {what}.\n\nThis is back within an hour of being resolved. While some objects pass and \
             others show it, it stays open until ten minutes without one."
        ),
        Status::Opened => format!("Bucket {bucket}: {what}."),
        Status::Repaired => {
            format!(
                "Bucket {bucket}: {what}. The guard has repaired it, and read it back: nothing is left to do but to see why."
            )
        }
        Status::Reminder => format!(
            "Bucket {bucket}: {what}, still, for {} now.",
            span(notice.now_ms.saturating_sub(incident.opened_ms))
        ),
        Status::Resolved => {
            let (because, at_ms) = match &incident.healed {
                Some(healed) => (words::ending(healed.shown_by).to_owned(), healed.at_ms),
                None => ("it was judged again and is fine".to_owned(), notice.now_ms),
            };
            format!(
                "Resolved: bucket {bucket}: {what}.\n\n{because}.\n\nIt was open for {}, until {}.",
                span(at_ms.saturating_sub(incident.opened_ms)),
                rfc3339(at_ms)
            )
        }
        Status::Test => "A test of the Darwin S3 guard's alerts.".to_owned(),
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

fn who(notice: &Notice<'_>, budget: Budget) -> String {
    let report = notice.report();
    let Some(actor) = &report.actor else {
        return "Not known: no CloudTrail event of a change came with this.".to_owned();
    };
    let Actor { arn, session_issuer, source_ip, user_agent, time, event_id } = actor;
    let mut lines = Vec::new();
    let change = report.change.as_ref();
    lines.extend(change.map(|change| format!("{} by", line(change, budget.line))));
    let named = [
        ("", arn),
        ("session of ", session_issuer),
        ("at ", time),
        ("from ", source_ip),
        ("with ", user_agent),
        ("CloudTrail event ", event_id),
    ];
    for (name, value) in named {
        lines.extend(value.as_ref().map(|value| format!("{name}{}", line(value, budget.line))));
    }
    lines.join("\n")
}

fn evidence(notice: &Notice<'_>, finding: &FindingAnswer, budget: Budget) -> String {
    let incident = notice.incident;
    let cause = &incident.report.finding.cause;
    let mut lines = vec![format!("{} ({})", finding.kind, severity_name(finding.severity))];
    lines.extend(notice.verdict().map(|verdict| format!("Verdict: {verdict}")));
    if !finding.depends_on.is_empty() {
        let names: Vec<String> = finding.depends_on.iter().take(budget.lines).map(|name| line(name, 200)).collect();
        lines.push(format!("It hangs on: {}", names.join(", ")));
    }
    if !cause.is_empty() {
        lines.push(format!("Cause: {}", line(cause, budget.line)));
    }
    let samples = &incident.report.sample_keys;
    if samples.is_empty() {
        lines.push(format!("Seen {}", times(incident.seen)));
    } else {
        lines.push(format!("Objects seen with it: {}, for example", incident.seen));
        lines.extend(samples.iter().take(SAMPLES).map(|key| format!("- {}", line(key, 2048))));
    }
    lines.push(format!("First seen {}, last {}", rfc3339(incident.opened_ms), rfc3339(incident.last_ms)));
    lines.join("\n")
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

fn did(notice: &Notice<'_>, budget: Budget) -> String {
    let report = notice.report();
    let mut lines: Vec<String> = report
        .did
        .iter()
        .take(budget.lines)
        .map(|action| {
            let result = match action.result {
                ActionResult::Done => "done",
                ActionResult::DryRun => "not done: a dry run",
                ActionResult::Refused => "not done: the mode, the pause tag or a contest forbids it",
                ActionResult::Failed => "failed",
            };
            format!("{}: {result}", action.operation)
        })
        .collect();
    if lines.is_empty() {
        lines.push(
            match (report.finding.kind().is_drift(), notice.context.mode) {
                (true, Mode::Flag) => "Nothing: MODE is flag, so it only tells.",
                (true, Mode::Repair) => "Nothing yet.",
                (false, _) => "Nothing: this is not the guard's to change.",
            }
            .to_owned(),
        );
    }
    if let Some(diff) = &report.diff {
        lines.push(String::new());
        lines.push(block(diff.trim_end(), budget.long));
    }
    lines.join("\n")
}

fn documents(notice: &Notice<'_>, budget: Budget) -> Option<String> {
    let Evidence::LostUpdate(lost) = &notice.report().finding.evidence else { return None };
    Some(format!(
        "BOTH DOCUMENTS\nTheirs:\n{}\n\nThe guard's:\n{}\n\nFrom theirs to the guard's:\n{}\n\nTo apply theirs with \
         Darwin's statement in it:\n{}",
        block(&lost.theirs, budget.long),
        block(&lost.ours, budget.long),
        block(&lost.difference, budget.long),
        block(&command(&notice.incident.bucket, lost), budget.long)
    ))
}

fn footer(notice: &Notice<'_>, was_cut: bool) -> String {
    let mut lines = Vec::new();
    if notice.stateless {
        lines.push("The incident table could not be used: this message may repeat.".to_owned());
    }
    if was_cut {
        lines.push("Long parts of this message were cut to fit.".to_owned());
    }
    lines.push(format!(
        "Account {}, {}, incident {}",
        notice.context.home.account,
        notice.context.home.region,
        notice.incident.fingerprint.as_str()
    ));
    lines.push(
        "Judged: your side alone (bucket and key policy, grants, settings); not V7's own IAM policy, SCPs, RCPs, VPC \
         endpoint or session policies."
            .to_owned(),
    );
    lines.join("\n")
}
