//! What to do now: the fourth line of a message, and what is pasted for it.
//!
//! Must never leave a source alone whose next run undoes a repair, nor say that nothing is to be done where something is.

use crate::incident::life::{Ending, Status};
use crate::model::aws::{AwsError, Operation};
use crate::model::evidence::{Evidence, Purpose};
use crate::model::outcome::Refusal;
use crate::model::verdict::Decision;
use crate::report::notice::Notice;
use crate::report::remedy::{Block, Remedy, Way, added_rule, as_it_is, by_hand, resume, scan_command};
use crate::report::text::{code, lower};
use crate::report::{actor, words};

/// What is to be done now: of what is over, nothing but the source of the change.
pub(super) fn remedy(notice: &Notice<'_>) -> Remedy {
    match notice.status {
        Status::Test => Remedy::default(),
        Status::Resolved if notice.closed() || source_at_fault(notice).is_none() => Remedy::default(),
        Status::Repaired | Status::Resolved => for_the_source(notice).map(Remedy::from).unwrap_or_default(),
        Status::Opened | Status::Reminder => {
            let remedy = notice.remedy();
            let denied = notice.report().read == Some(Decision::Denied);
            if denied && of_a_write(notice).is_some() {
                let by_hand = by_hand(&notice.incident.bucket, &notice.context.home);
                let again = matches!(notice.report().finding.evidence, Evidence::WriteFailed { .. });
                return if again { remedy.or(by_hand) } else { Remedy::from(by_hand).or(remedy) };
            }
            if refused_by(notice) == Some(Refusal::PauseTag) {
                let home = &notice.context.home;
                return remedy.or(resume(
                    &notice.incident.bucket,
                    home,
                    "Slower: if the pause can end, remove the tag.",
                ));
            }
            remedy
        }
    }
}

/// What Darwin needs, for the template or module that left it out.
fn for_the_source(notice: &Notice<'_>) -> Option<Way> {
    let part = match &notice.report().finding.evidence {
        Evidence::PolicyMissing { repair, .. } | Evidence::PolicyGutted { repair, .. } => repair.wanted.clone(),
        Evidence::CorsMissing { proposed, .. } => added_rule(proposed)?,
        Evidence::Contested { .. } => return shown(notice, Operation::PutBucketPolicy),
        _ => return shown(notice, of_a_write(notice)?.operation),
    };
    Some(Way { says: String::new(), block: Some(Block::Text(part)), note: String::new() })
}

fn shown(notice: &Notice<'_>, document: Operation) -> Option<Way> {
    as_it_is(&notice.incident.bucket, &notice.context.home, document)
}

/// The call that failed, where the guard would repair and can't write.
fn of_a_write<'a>(notice: &Notice<'a>) -> Option<&'a AwsError> {
    match &notice.incident.report.finding.evidence {
        Evidence::WriteFailed { call } | Evidence::Refused { call, purpose: Purpose::Write, .. } => Some(call),
        _ => None,
    }
}

/// The tool that made the change, and what to do about its source, unless that tool ended it: then its source has the fix.
fn source_at_fault(notice: &Notice<'_>) -> Option<(&'static str, [&'static str; 3])> {
    let tool = notice.report().actor.as_ref().and_then(actor::pipeline)?;
    let over = notice.status == Status::Resolved;
    in_source(notice).filter(|_| !(over && ended_with(notice, tool))).map(|what| (tool, what))
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
        Evidence::DeadPrincipal { .. } => {
            ["remove the deleted principal in", "do the same, and check Darwin's statement, in", UNDOES]
        }
        Evidence::ConditionOnOurs { .. } => ["remove the Condition in", SAME, UNDOES],
        Evidence::SidTaken { .. } => ["change that Sid in", SAME, UNDOES],
        Evidence::Contested { .. } => {
            ["put what Darwin needs (below) into", "put what Darwin needs into", "removes it again"]
        }
        _ => match of_a_write(notice)?.operation {
            Operation::PutBucketPolicy => {
                ["put Darwin's statement (below) into", "put Darwin's statement into", "removes it again"]
            }
            Operation::PutBucketCors => {
                ["put Darwin's CORS rule (below) into", "put Darwin's CORS rule into", "removes it again"]
            }
            _ => ["turn EventBridge on in", "turn EventBridge on in", "turns it off again"],
        },
    })
}

const UNDOES: &str = "undoes it";

/// `unchecked`: objects that showed it were not looked at again.
pub(super) fn do_now(notice: &Notice<'_>, remedy: &Remedy, unchecked: bool) -> String {
    let report = notice.report();
    let source = source_at_fault(notice);
    if notice.closed() {
        let guard_it = match report.finding.evidence {
            Evidence::WrongRegion { .. } => "add the bucket to a guard in its own Region",
            Evidence::BucketNameDot => "move its images to a bucket whose name has no dot",
            _ => "add the bucket to the guard's parameters",
        };
        return format!("nothing, if Darwin no longer uses the bucket. If it does, {guard_it}.");
    }
    let unchecked = || unchecked.then_some("those of the others that are still blank");
    let scan = words::left_behind(&report.finding).or_else(unchecked).map(|what| {
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
        (Status::Resolved, Some((tool, [what, _, undone]))) => {
            Some(format!("{what} the {tool} source, if that is not done. Its next run {undone} otherwise."))
        }
        (Status::Resolved | Status::Repaired, None)
            if matches!(report.finding.evidence, Evidence::NoSuchBucket { .. }) =>
        {
            Some("upload its images again, under the same keys, from a backup or their source.".to_owned())
        }
        (Status::Test | Status::Repaired | Status::Resolved, _) => None,
        (Status::Opened | Status::Reminder, _) => return of_open(notice, remedy, source),
    };
    let first = match permission(notice) {
        Some(call) if first.is_some() => first.map(|first| format!("{call} Then {first}")),
        call => call.or(first),
    };
    match (first, scan) {
        (Some(first), Some(scan)) => format!("{first} Then {scan}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "nothing.".to_owned(),
    }
}

/// What still keeps the guard from the next repair, as far as it is known: somebody else made this one.
fn permission(notice: &Notice<'_>) -> Option<String> {
    let healed = notice.incident.healed.as_ref()?;
    match &notice.report().finding.evidence {
        Evidence::Refused { call, purpose: Purpose::Write, .. }
            if notice.status == Status::Resolved && healed.shown_by == Ending::Configuration =>
        {
            Some(format!(
                "let the guard's role call {}, if that is not done: the next repair needs it.",
                code(call.operation.iam_action())
            ))
        }
        _ => None,
    }
}

/// Whether the tool that made the change also ended it.
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
            format!("{first} the {tool} source, whose runs undo the repairs. Then repair it as below.")
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
