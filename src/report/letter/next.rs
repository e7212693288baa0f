//! What to do now: the fourth line of a message, and what is pasted for it.
//!
//! Must never leave a source alone whose next run undoes a repair, nor say that nothing is to be done where something is.

use crate::incident::life::Status;
use crate::model::evidence::Evidence;
use crate::model::outcome::Refusal;
use crate::report::notice::Notice;
use crate::report::remedy::{Block, Remedy, Way, added_rule, resume, scan_command};
use crate::report::text::{code, lower};
use crate::report::{actor, words};

/// What is to be done now: of what is over, nothing but the source of the change.
pub(super) fn remedy(notice: &Notice<'_>) -> Remedy {
    match notice.status {
        Status::Test | Status::Resolved => Remedy::default(),
        Status::Repaired => for_the_source(notice).map(Remedy::from).unwrap_or_default(),
        Status::Opened | Status::Reminder => {
            let by_hand = notice.remedy();
            if refused_by(notice) == Some(Refusal::PauseTag) {
                let home = &notice.context.home;
                return by_hand.or(resume(&notice.incident.bucket, home, "If the pause can end, remove the tag."));
            }
            by_hand
        }
    }
}

/// What Darwin needs, for the template or module that left it out.
fn for_the_source(notice: &Notice<'_>) -> Option<Way> {
    let part = match &notice.report().finding.evidence {
        Evidence::PolicyMissing { repair, .. } | Evidence::PolicyGutted { repair, .. } => repair.wanted.clone(),
        Evidence::CorsMissing { proposed, .. } => added_rule(proposed)?,
        _ => return None,
    };
    Some(Way { says: String::new(), block: Some(Block::Text(part)), note: String::new() })
}

/// What to do about the source of a change: of what is repaired, of what is open, and what its next run does otherwise. None
/// where the source is not at fault.
fn in_source(notice: &Notice<'_>) -> Option<[&'static str; 3]> {
    const SAME: &str = "do the same in";
    Some(match &notice.report().finding.evidence {
        Evidence::PolicyMissing { .. } => ["add Darwin's statement (below) to", "add it to", "removes it"],
        Evidence::PolicyGutted { .. } => ["correct Darwin's statement (below) in", "correct it in", "changes it again"],
        Evidence::CorsMissing { .. } => ["add Darwin's CORS rule (below) to", "add it to", "removes it"],
        Evidence::NoEvents { .. } => ["turn EventBridge on in", SAME, "turns it off"],
        Evidence::Wider { ours, .. } if words::deletes(ours) => {
            ["remove the right to delete in", SAME, "allows it again"]
        }
        Evidence::Wider { .. } => ["narrow Darwin's statement in", SAME, "allows it again"],
        Evidence::Paused { unreadable: None } => ["take the tag out of", "take it out of", "sets it again"],
        Evidence::ExplicitDeny(_) | Evidence::PartDenied(_) => ["exempt Darwin's role from the Deny in", SAME, UNDOES],
        Evidence::PublicBlock { .. } | Evidence::BlockPublicPolicy { .. } => {
            ["limit the public statement in", SAME, UNDOES]
        }
        Evidence::RequesterPays => ["turn requester pays off in", SAME, UNDOES],
        Evidence::ManagedDefaultKey { .. } => ["change the default encryption in", SAME, UNDOES],
        Evidence::AliasEncryption { .. } => ["name the key by its ARN in", SAME, UNDOES],
        Evidence::PolicyLimit { .. } => ["shorten the bucket policy in", SAME, UNDOES],
        Evidence::CorsLimit { .. } => ["let Darwin's origin GET by the CORS rules of", SAME, UNDOES],
        Evidence::PolicyUnreadable { .. } => ["correct the bucket policy in", SAME, UNDOES],
        Evidence::DeadPrincipal { .. } => ["remove the deleted principal in", SAME, UNDOES],
        Evidence::ConditionOnOurs { .. } => ["remove the Condition in", SAME, UNDOES],
        Evidence::SidTaken { .. } => ["change that Sid in", SAME, UNDOES],
        Evidence::WriteFailed { .. } | Evidence::Contested { .. } => {
            ["put what Darwin needs into", "put what Darwin needs into", "removes it again"]
        }
        _ => return None,
    })
}

const UNDOES: &str = "undoes it";

pub(super) fn do_now(notice: &Notice<'_>, remedy: &Remedy) -> String {
    let report = notice.report();
    let made_by = report.actor.as_ref().and_then(actor::pipeline);
    let source = made_by.zip(in_source(notice));
    let scan = words::left_behind(&report.finding).map(|what| {
        let scan = scan_command(&notice.incident.bucket, &notice.context.home);
        format!("scan the bucket with the guard's tool, {}. It finds {what}.", code(&scan))
    });
    let first = match (notice.status, source) {
        (Status::Repaired, Some((tool, [what, _, undone]))) => {
            Some(format!("{what} the {tool} source. Its next run {undone} otherwise."))
        }
        (Status::Repaired, None) if !remedy.ways.is_empty() => {
            Some("nothing. If a template or pipeline manages this bucket, add to it what is below.".to_owned())
        }
        (Status::Resolved, Some((tool, [what, _, undone]))) if !ended_with(notice, tool) => {
            let what = what.replace(" (below)", "");
            Some(format!("{what} the {tool} source, if that is not done. Its next run {undone} otherwise."))
        }
        (Status::Test | Status::Repaired | Status::Resolved, _) => None,
        (Status::Opened | Status::Reminder, _) => return of_open(notice, remedy, source),
    };
    match (first, scan) {
        (Some(first), Some(scan)) => format!("{first} Then {scan}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "nothing.".to_owned(),
    }
}

/// Whether the tool that made the change also ended it: then its source has the fix.
fn ended_with(notice: &Notice<'_>, tool: &str) -> bool {
    let by = notice.incident.healed.as_ref().and_then(|healed| healed.actor.as_ref());
    by.and_then(actor::pipeline) == Some(tool)
}

fn of_open(notice: &Notice<'_>, remedy: &Remedy, source: Option<(&str, [&str; 3])>) -> String {
    let joined = if remedy.in_order { " Then " } else { " Or " };
    let ways: Vec<String> = remedy.labelled().map(|(label, way)| labelled(label, &lower(&way.says))).collect();
    let what = if ways.is_empty() { "nothing.".to_owned() } else { ways.join(joined) };
    match source {
        Some((tool, [first, ..])) if refused_by(notice) == Some(Refusal::Contest) => {
            let first = first.replace(" (below)", "");
            format!("{first} the {tool} source, which undoes the repairs. Then repair it as below.")
        }
        None if refused_by(notice) == Some(Refusal::Contest) => {
            "stop what undoes the repairs. Then repair it as below.".to_owned()
        }
        // Its remedy says so.
        Some(_) if matches!(notice.report().finding.evidence, Evidence::Contested { .. }) => what,
        Some((tool, [whole, _, undone])) if ways.len() > 1 => {
            let whole = whole.replace(" (below)", "");
            format!("{what} After either: {whole} the {tool} source, or its next run {undone}.")
        }
        Some((tool, [_, then, undone])) => format!("{what} Then {then} the {tool} source, or its next run {undone}."),
        None => what,
    }
}

fn labelled(label: Option<char>, says: &str) -> String {
    label.map_or_else(|| says.to_owned(), |label| format!("{} ({label}).", says.trim_end_matches('.')))
}

pub(super) fn refused_by(notice: &Notice<'_>) -> Option<Refusal> {
    notice.report().did.iter().find_map(|action| action.refused_by)
}
