//! What a message says, before it has a form: four lines first, then why, what was done, how to stop, evidence.
//!
//! Pure. Must never say in the present tense what is over, leave an alternative open that the incident settles, or name
//! a state that the subject does not.

use crate::incident::life::{Ending, Healed, REMIND, Status};
use crate::model::contract::Mode;
use crate::model::evidence::{Evidence, KeyEvidence, KeyTrouble};
use crate::model::finding::{Kind, Severity};
use crate::model::outcome::{Action, ActionResult, Refusal};
use crate::model::text::counted;
use crate::model::time::Timestamp;
use crate::model::verdict::Decision;
use crate::report::notice::{MAX_SUBJECT, Notice};
use crate::report::remedy::{Block, OTHER_STOPS, Remedy, Way, look_up, pause};
use crate::report::text::{code, line, moment, moment_beside, span};
use crate::report::{actor, words};

/// The parts of a message, as sentences and commands.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    pub(super) now: String,
    pub(super) affected: String,
    pub(super) changed_by: String,
    pub(super) do_now: String,
    /// The ways of `do_now`; none where nothing is to be done.
    pub(super) remedy: Remedy,
    /// The command that shows who made the change, where no event named them.
    pub(super) look_up: Option<String>,
    pub(super) why: Vec<String>,
    pub(super) did: Option<String>,
    /// The command that stops the guard, and the other ways: only where it wrote.
    pub(super) stop: Option<(String, &'static str)>,
}

/// Most bytes of a name in a sentence.
const NAME: usize = 200;

pub(super) fn letter(notice: &Notice<'_>) -> Letter {
    let remedy = remedy(notice);
    Letter {
        now: now(notice),
        affected: affected(notice),
        changed_by: changed_by(notice),
        do_now: do_now(notice, &remedy),
        remedy,
        look_up: who_did_it(notice),
        why: notice.finding().because,
        did: did(notice),
        stop: notice.repaired().then(|| (pause(&notice.incident.bucket, &notice.context.home), OTHER_STOPS)),
    }
}

/// Fewer than 100 printable ASCII characters: the state, the bucket, and what is so now.
pub(super) fn subject(notice: &Notice<'_>) -> String {
    let headline = headline(notice);
    let state = match notice.status {
        Status::Reminder => "REMINDER".to_owned(),
        _ => state(notice),
    };
    if notice.status == Status::Test {
        return format!("{state}: {headline}");
    }
    let room = MAX_SUBJECT.saturating_sub(state.len() + headline.len() + ": ".len() + " ".len() + 1);
    let mut bucket: String = ascii(&notice.incident.bucket);
    if bucket.len() > room {
        bucket = bucket.chars().take(room.saturating_sub(3)).chain("...".chars()).collect();
    }
    ascii(&format!("{state} {bucket}: {headline}")).chars().take(MAX_SUBJECT - 1).collect()
}

fn ascii(text: &str) -> String {
    text.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).collect()
}

/// The state in a word or two: the first word of the subject.
pub(super) fn state(notice: &Notice<'_>) -> String {
    let finding = &notice.report().finding;
    let open = match finding.severity {
        Severity::Critical => "CRITICAL",
        Severity::Warning => "WARNING",
        Severity::Info if finding.kind() == Kind::Paused => "PAUSED",
        Severity::Info => "INFO",
    };
    match notice.status {
        Status::Opened => open.to_owned(),
        Status::Reminder => format!("STILL {open}"),
        Status::Repaired => "REPAIRED".to_owned(),
        Status::Resolved => "RESOLVED".to_owned(),
        Status::Test => "TEST".to_owned(),
    }
}

/// What is so now, in a few words: the rest of the subject.
pub(super) fn headline(notice: &Notice<'_>) -> String {
    let report = notice.report();
    let ending = notice.incident.healed.as_ref().map(|healed| healed.shown_by);
    match notice.status {
        Status::Repaired if report.read == Some(Decision::Allowed) && gives_reading(&report.finding.evidence) => {
            "Darwin can read it again".to_owned()
        }
        Status::Repaired => words::over(&report.finding, None),
        Status::Resolved => words::over(&report.finding, ending),
        Status::Opened | Status::Reminder | Status::Test => words::headline(&report.finding),
    }
}

fn gives_reading(evidence: &Evidence) -> bool {
    match evidence {
        Evidence::PolicyMissing { repair, .. } | Evidence::PolicyGutted { repair, .. } => {
            repair.lost.iter().any(|action| action == "s3:GetObject")
        }
        _ => false,
    }
}

fn now(notice: &Notice<'_>) -> String {
    let incident = notice.incident;
    let now = notice.now;
    let state = state(notice);
    let as_of = format!("{state} as of {}", moment(now));
    let headline = headline(notice);
    let began = began(notice);
    let again = match incident.flaps {
        0 => String::new(),
        flaps => {
            format!(" It came back within an hour of being resolved, {} so far.", counted(at_least(flaps), "time"))
        }
    };
    match notice.status {
        Status::Test => format!("{as_of}. {headline}."),
        Status::Opened => {
            format!("{as_of}, since {}. Bucket {}: {headline}.{again}", moment_beside(began, now), bucket(notice))
        }
        Status::Reminder => {
            let days = (now - incident.opened).as_secs() / REMIND.as_secs();
            format!(
                "{as_of}, for {}, since {}. Bucket {}: {headline}. Reminder {}.{again}",
                span(now - began),
                moment_beside(began, now),
                bucket(notice),
                days.max(1),
            )
        }
        Status::Repaired => format!(
            "{as_of}. Bucket {}: {headline}. The guard restored it and read it back. It was broken since {}.{again}",
            bucket(notice),
            moment_beside(began, now),
        ),
        Status::Resolved => {
            let healed = notice.incident.healed.as_ref();
            let ended = healed.map_or(now, |healed| healed.at);
            format!(
                "{as_of}. Bucket {}: {headline}. It lasted {}, from {} to {}.",
                bucket(notice),
                span(ended - began),
                moment_beside(began, now),
                moment_beside(ended, now),
            )
        }
    }
}

fn at_least(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn bucket(notice: &Notice<'_>) -> String {
    line(&notice.incident.bucket, NAME)
}

/// When it began: with the change that led to it, where that is known; else when it was first seen.
fn began(notice: &Notice<'_>) -> Timestamp {
    let changed = notice.report().actor.as_ref().and_then(|actor| actor.time.as_deref()?.parse::<Timestamp>().ok());
    changed.map_or(notice.incident.opened, |changed| changed.min(notice.incident.opened))
}

fn affected(notice: &Notice<'_>) -> String {
    let report = notice.report();
    let effect = words::effect(&report.finding);
    let bucket = bucket(notice);
    match notice.status {
        Status::Test => format!("{effect}."),
        Status::Repaired | Status::Resolved => {
            let past = if effect.contains("may be blank") {
                " While it lasted, images may have been blank for annotators."
            } else if effect.contains("blank for annotators") || effect.contains("are blank in") {
                " While it lasted, images were blank for annotators."
            } else if effect.contains("can't write") {
                " While it lasted, Darwin could not write thumbnails and frames."
            } else {
                ""
            };
            let left = words::left_behind(&report.finding)
                .map(|left| format!(" {left}: {} finds them.", code(&format!("darwin-guard scan s3://{bucket}"))))
                .unwrap_or_default();
            format!("bucket {bucket}: nothing any more.{past}{left}{}", samples(notice))
        }
        Status::Opened | Status::Reminder => format!("bucket {bucket}: {effect}.{}", samples(notice)),
    }
}

/// How many objects showed it, and one of them.
fn samples(notice: &Notice<'_>) -> String {
    match notice.report().sample_keys.first() {
        Some(key) => {
            let seen = counted(at_least(notice.incident.seen), "object");
            format!(" Seen with {seen}, e.g. {}.", code(&line(key, NAME)))
        }
        None => String::new(),
    }
}

fn changed_by(notice: &Notice<'_>) -> String {
    let report = notice.report();
    if notice.status == Status::Test {
        return "nobody: somebody asked the guard for this message.".to_owned();
    }
    let broken = match &report.actor {
        Some(who) => actor::who(who, report.change.as_deref()),
        None => unknown(notice),
    };
    match (notice.status, &notice.incident.healed) {
        (Status::Resolved, Some(healed)) => format!("{broken}. Ended by: {}.", ended_by(healed)),
        _ => format!("{broken}."),
    }
}

fn unknown(notice: &Notice<'_>) -> String {
    match &notice.report().finding.evidence {
        Evidence::TableUnreachable { .. }
        | Evidence::StateUnreadable { .. }
        | Evidence::NoSubscription { .. }
        | Evidence::NoConfigEvents { .. } => "not known: the guard is not told who changes its own stack".to_owned(),
        Evidence::SseC { .. }
        | Evidence::Archived { .. }
        | Evidence::Key(KeyEvidence { trouble: KeyTrouble::AwsManaged, .. }) => {
            "those who uploaded them. CloudTrail's management events don't hold uploads".to_owned()
        }
        Evidence::BucketNameDot => "nobody: a bucket keeps its name".to_owned(),
        evidence => {
            let of = if matches!(evidence, Evidence::Key(_)) { "KMS key" } else { "bucket" };
            match who_did_it(notice) {
                Some(_) => format!(
                    "not known: no CloudTrail event of it arrived. The command under \"Who changed it\" lists the changes of the {of}"
                ),
                None => "not known: no CloudTrail event of it arrived".to_owned(),
            }
        }
    }
}

fn ended_by(healed: &Healed) -> String {
    let shown = words::ending(healed.shown_by);
    match (&healed.actor, healed.shown_by) {
        (Some(who), _) => format!("{} ({shown})", actor::who(who, healed.change.as_deref())),
        (None, Ending::Repaired) => shown,
        (None, _) => format!("unknown ({shown})"),
    }
}

/// The command that lists who changed the key or the bucket: only while that is asked, and of this account.
fn who_did_it(notice: &Notice<'_>) -> Option<String> {
    let report = notice.report();
    let home = &notice.context.home;
    let asked = matches!(notice.status, Status::Opened | Status::Reminder | Status::Repaired) && report.actor.is_none();
    let resource = match &report.finding.evidence {
        Evidence::TableUnreachable { .. }
        | Evidence::NoSubscription { .. }
        | Evidence::NoConfigEvents { .. }
        | Evidence::BucketNameDot
        | Evidence::StateUnreadable { .. }
        | Evidence::WrongRegion { .. }
        | Evidence::SseC { .. }
        | Evidence::Archived { .. }
        | Evidence::TestAlert
        | Evidence::Key(KeyEvidence { trouble: KeyTrouble::Foreign(_) | KeyTrouble::AwsManaged, .. }) => return None,
        Evidence::Key(KeyEvidence { key, .. }) => key.as_str(),
        _ => notice.incident.bucket.as_str(),
    };
    asked.then(|| look_up(home, resource))
}

/// What is to be done now: of what is over, nothing but the source of the change.
fn remedy(notice: &Notice<'_>) -> Remedy {
    match notice.status {
        Status::Test | Status::Resolved => Remedy::default(),
        Status::Repaired => for_the_source(notice).map(Remedy::from).unwrap_or_default(),
        Status::Opened | Status::Reminder => notice.remedy(),
    }
}

/// Darwin's part, for the template or module that left it out.
fn for_the_source(notice: &Notice<'_>) -> Option<Way> {
    let part = match &notice.report().finding.evidence {
        Evidence::PolicyMissing { repair, .. } | Evidence::PolicyGutted { repair, .. } => repair.wanted.clone(),
        Evidence::CorsMissing { proposed, .. } => proposed.clone(),
        _ => return None,
    };
    let says = match notice.report().actor.as_ref().and_then(actor::pipeline) {
        Some(tool) => format!("For the {tool} source of this bucket:"),
        None => "For a template or pipeline that manages this bucket:".to_owned(),
    };
    Some(Way { says, block: Some(Block::Text(part)) })
}

fn do_now(notice: &Notice<'_>, remedy: &Remedy) -> String {
    let pipeline = notice.report().actor.as_ref().and_then(actor::pipeline);
    let drift = notice.report().finding.kind().is_drift();
    let open = matches!(notice.status, Status::Opened | Status::Reminder);
    let what = match (notice.status, remedy.ways.as_slice(), pipeline) {
        (Status::Repaired, [_, ..], Some(tool)) => {
            return format!(
                "put Darwin's part (below) into the {tool} source. Its next run undoes this repair otherwise."
            );
        }
        (Status::Repaired, [], Some(tool)) => {
            return format!("change the {tool} source too. Its next run undoes this repair otherwise.");
        }
        (Status::Repaired, [_, ..], None) => {
            return "nothing. If a template or pipeline made the change, put Darwin's part (below) into it.".to_owned();
        }
        (_, [], _) => return "nothing.".to_owned(),
        (_, [one], _) => one.says.clone(),
        (_, [first, rest @ ..], _) if remedy.in_order => {
            format!("{} Then {} below.", first.says, if rest.len() == 1 { "step 2" } else { "the other steps" })
        }
        (_, [first, ..], _) => {
            let labels: Vec<String> =
                remedy.labelled().skip(1).filter_map(|(label, _)| label).map(String::from).collect();
            let or = if first.says.starts_with("If ") { "If not" } else { "Or instead" };
            format!("{} {or}: {} below.", first.says, labels.join(" or "))
        }
    };
    let held = if open { held_back(notice) } else { "" };
    // A key's repair is not in the source that chose the key, and a contest says it already.
    let elsewhere = matches!(notice.report().finding.evidence, Evidence::Key(_) | Evidence::Contested { .. });
    let undone = match pipeline.filter(|_| open && !elsewhere) {
        Some(tool) if drift => {
            format!("{tool} made the change: its next run undoes this, unless Darwin's part is in its source.")
        }
        Some(tool) => format!("{tool} made the change: change its source too, or its next run undoes this."),
        None => String::new(),
    };
    // What introduces a block stands before it.
    let parts = if what.ends_with(':') { [held, &undone, &what] } else { [held, &what, &undone] };
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Why the guard does not do it by itself, where it could.
fn held_back(notice: &Notice<'_>) -> &'static str {
    let by = notice.report().did.iter().find_map(|action| action.refused_by);
    match by {
        Some(Refusal::PauseTag) => {
            "the guard is paused here, so it repairs nothing. If that is not meant, remove its tag."
        }
        Some(Refusal::Contest) => "the guard has given up, as its repairs were undone. Find out by whom first.",
        _ => "",
    }
}

fn did(notice: &Notice<'_>) -> Option<String> {
    let report = notice.report();
    let over = notice.status == Status::Resolved;
    if notice.status == Status::Test {
        return None;
    }
    let sentences: Vec<String> = report
        .did
        .iter()
        .filter(|action| !over || action.result == ActionResult::Done)
        .map(|action| done(action, notice))
        .collect();
    if !sentences.is_empty() {
        return Some(once(sentences).join(" "));
    }
    if over {
        return None;
    }
    let flag = report.finding.kind().is_drift() && notice.context.mode == Mode::Flag;
    let why = if flag { refusal(Refusal::Mode) } else { words::not_ours(&report.finding) };
    Some(format!("Nothing: {why}."))
}

fn once(mut sentences: Vec<String>) -> Vec<String> {
    sentences.dedup();
    sentences
}

fn done(action: &Action, notice: &Notice<'_>) -> String {
    let call = action.operation;
    match (action.result, action.refused_by) {
        (ActionResult::Done, _) if notice.report().mended => format!("It called {call}, and read the result back."),
        (ActionResult::Done, _) => format!("It called {call}."),
        (ActionResult::DryRun, _) => format!("It would have called {call}: this was a dry run."),
        (ActionResult::Failed, _) => format!("It called {call}, and the call failed."),
        (ActionResult::Refused, Some(by)) => format!("Nothing: {}.", refusal(by)),
        (ActionResult::Refused, None) => "Nothing.".to_owned(),
    }
}

/// The one reason why nothing was written.
pub(super) const fn refusal(by: Refusal) -> &'static str {
    match by {
        Refusal::Mode => "the stack's parameter Mode is flag, so the guard only reports",
        Refusal::PauseTag => "the bucket has the tag darwin-guard=paused",
        Refusal::UnreadTags => "the guard can't read the bucket's tags, which counts as paused",
        Refusal::Contest => "its repair was undone as often as its limit allows",
        Refusal::Table => "the incident table does not answer, and without it the guard writes nothing",
    }
}
