//! What a message says, before it has a form: four lines first, then why, what was done, how to stop, evidence.
//!
//! Pure. Must never say in the present tense what is over, leave an alternative open that the incident settles, or name
//! a state that the subject does not.

mod next;

use crate::incident::life::{Ending, Healed, REMIND, Status};
use crate::model::actor::Actor;
use crate::model::contract::Mode;
use crate::model::evidence::{Evidence, KeyEvidence, KeyTrouble};
use crate::model::finding::{Kind, Severity};
use crate::model::outcome::{Action, ActionResult, Refusal};
use crate::model::text::counted;
use crate::model::time::Timestamp;
use crate::report::notice::{MAX_SUBJECT, Notice};
use crate::report::remedy::{OTHER_STOPS, Remedy, look_up, pause};
use crate::report::text::{code, day, line, moment, moment_beside, span, upper};
use crate::report::{actor, words};
use next::{do_now, refused_by, remedy};

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
        do_now: do_now(notice, &remedy, unchecked(notice)),
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
    let state = state(notice);
    if notice.status == Status::Test {
        return format!("{state}: {headline}");
    }
    let mut place = ascii(&place(notice));
    let length =
        |state: &str, place: &str, headline: &str| state.len() + place.len() + headline.len() + " ".len() + ": ".len();
    // Of a reminder as much as there is room for.
    let since = format!("{headline}{}", since(notice));
    let forms = match notice.status {
        Status::Reminder => vec![(&*state, &*since), (&*state, &*headline), (severity(notice), &*headline)],
        _ => vec![(&*state, &*headline)],
    };
    let fits = forms.iter().find(|(state, headline)| length(state, &place, headline) < MAX_SUBJECT).or(forms.last());
    let (state, headline) = fits.copied().unwrap_or_default();
    let room = (MAX_SUBJECT - 1).saturating_sub(length(state, "", headline));
    if place.len() > room {
        place = place.chars().take(room.saturating_sub(3)).chain("...".chars()).collect();
    }
    ascii(&format!("{state} {place}: {headline}")).chars().take(MAX_SUBJECT - 1).collect()
}

/// Since when, where a message says it again.
pub(super) fn since(notice: &Notice<'_>) -> String {
    match notice.status {
        Status::Reminder => format!(" (since {})", day(began(notice))),
        _ => String::new(),
    }
}

fn ascii(text: &str) -> String {
    text.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).collect()
}

/// Whether a message is about one bucket, so that a link to it is of use.
pub(super) fn of_a_bucket(notice: &Notice<'_>) -> bool {
    place(notice) == bucket(notice) || matches!(notice.report().finding.evidence, Evidence::StateUnreadable { .. })
}

/// What a message is about: a bucket, or all of the account's.
pub(super) fn place(notice: &Notice<'_>) -> String {
    match &notice.report().finding.evidence {
        Evidence::NoSubscription { .. }
        | Evidence::NoConfigEvents { .. }
        | Evidence::TableUnreachable { .. }
        | Evidence::StateUnreadable { .. } => format!("account {}", &*notice.context.home.account),
        _ => bucket(notice),
    }
}

/// The state in a word or two: the first of the subject.
pub(super) fn state(notice: &Notice<'_>) -> String {
    match notice.status {
        Status::Opened => severity(notice).to_owned(),
        Status::Reminder => format!("STILL {}", severity(notice)),
        Status::Repaired => "REPAIRED".to_owned(),
        Status::Resolved if notice.closed() => "CLOSED".to_owned(),
        Status::Resolved => "RESOLVED".to_owned(),
        Status::Test => "TEST".to_owned(),
    }
}

fn severity(notice: &Notice<'_>) -> &'static str {
    let finding = &notice.report().finding;
    match finding.severity {
        Severity::Critical => "CRITICAL",
        Severity::Warning => "WARNING",
        Severity::Info if finding.kind() == Kind::Paused => "PAUSED",
        Severity::Info => "INFO",
    }
}

/// What is so now, in a few words: the rest of the subject.
pub(super) fn headline(notice: &Notice<'_>) -> String {
    let report = notice.report();
    match notice.status {
        Status::Repaired => words::over(&report.finding, &Healed::of(notice.now, Ending::Repaired), report.read),
        Status::Resolved => words::over(&report.finding, &healed(notice), None),
        Status::Opened | Status::Reminder | Status::Test => words::headline(&report.finding, report.read),
    }
}

/// How it ended: what is resolved has that.
fn healed(notice: &Notice<'_>) -> Healed {
    notice.incident.healed.clone().unwrap_or_else(|| Healed::of(notice.now, Ending::Configuration))
}

/// The state in a sentence, then since when.
fn now(notice: &Notice<'_>) -> String {
    let incident = notice.incident;
    let report = notice.report();
    let now = notice.now;
    let state = || words::state(&report.finding, &bucket(notice), &notice.context.home, report.read);
    let over = || match place(notice) {
        place if place == bucket(notice) => format!("Bucket {place}: {}.", headline(notice)),
        place => format!("{}: {}.", upper(&place), headline(notice)),
    };
    let at = began(notice);
    let began = moment_beside(at, now);
    let known = report.actor.is_some() || report.finding.kind() == Kind::Paused;
    let since = if known { " since" } else { ", first seen" };
    let severity = upper(&severity(notice).to_lowercase());
    let again = match incident.flaps {
        0 => String::new(),
        flaps => format!(" It came back within an hour of its end, {} so far.", counted(at_least(flaps), "time")),
    };
    let not_repaired = not_repaired(notice).map(|why| format!(" Not repaired: {why}.")).unwrap_or_default();
    match notice.status {
        Status::Test => format!("{} Sent {}.", state(), moment(now)),
        Status::Opened => {
            format!("{} {severity}{since} {began}; as of {}.{not_repaired}{again}", state(), moment(now))
        }
        Status::Reminder => format!(
            "{} {severity} for {},{} {began}; as of {}.{not_repaired}{again}",
            state(),
            span(now - at),
            since.trim_start_matches(','),
            moment(now),
        ),
        Status::Repaired => format!(
            "{} The guard repaired it and read it back. It began {began}; repaired by {}.{again}",
            over(),
            moment(now)
        ),
        Status::Resolved if notice.closed() => {
            let ended = healed(notice).at;
            format!(
                "Bucket {} is no longer watched by the guard of {}. Not known whether it is over. It began {}; closed {}.",
                bucket(notice),
                notice.context.home.region,
                moment_beside(at, ended),
                moment(ended),
            )
        }
        Status::Resolved => {
            let ended = healed(notice).at;
            format!("{} Over after {}: {} to {}.", over(), span(ended - at), moment_beside(at, ended), moment(ended))
        }
    }
}

/// Whom it still concerns, as far as it is known: of the objects that showed it, samples alone are looked at again.
fn left(notice: &Notice<'_>) -> String {
    match healed(notice).shown_by {
        Ending::Samples { readable, gone } if readable > 0 => {
            let deleted = if gone > 0 { format!(" ({gone} of them deleted)") } else { String::new() };
            let images = counted(at_least(notice.incident.seen), "image");
            let of = format!("{} of {images} were checked, and can be read{deleted}", readable + gone);
            if unchecked(notice) {
                format!("{of}; the others were not checked")
            } else {
                format!("nothing any more: {of}")
            }
        }
        _ => "nothing any more".to_owned(),
    }
}

/// Whether objects that showed it were not looked at again, and are not mended with those that were: a key is one for all.
fn unchecked(notice: &Notice<'_>) -> bool {
    let one_for_all = match &notice.report().finding.evidence {
        Evidence::Key(key) => !matches!(key.trouble, KeyTrouble::AwsManaged),
        _ => false,
    };
    match healed(notice).shown_by {
        Ending::Samples { readable, gone } => {
            !one_for_all && readable > 0 && readable + gone < at_least(notice.incident.seen)
        }
        _ => false,
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
    let effect = words::effect(&report.finding, report.read);
    let place = if of_a_bucket(notice) {
        format!("bucket {}", bucket(notice))
    } else {
        format!("all guarded buckets of {}, {}", place(notice), notice.context.home.region)
    };
    match notice.status {
        Status::Test => "nobody: nothing is broken.".to_owned(),
        Status::Resolved if notice.closed() => format!("{place}: not known any more."),
        Status::Repaired | Status::Resolved if matches!(report.finding.evidence, Evidence::NoSuchBucket { .. }) => {
            format!(
                "{place}: images that were deleted with it stay blank for annotators until they are uploaded again."
            )
        }
        Status::Repaired | Status::Resolved => match effect.past {
            Some(past) => {
                format!("{place}: {}. Until then {past}.", elsewhere(notice).unwrap_or_else(|| left(notice)))
            }
            None => format!("{place}: nothing any more. {}.", words::unnoticed(&report.finding)),
        },
        Status::Opened | Status::Reminder => format!("{place}: {}.{}", effect.now, samples(notice)),
    }
}

/// Where what is wrong, if anything, is said.
fn elsewhere(notice: &Notice<'_>) -> Option<String> {
    let uncertain = matches!(notice.report().finding.evidence, Evidence::Uncertain(_));
    let said = uncertain || healed(notice).shown_by == Ending::Judged;
    said.then(|| "if Darwin has no access, another message says so; else it has".to_owned())
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
        Some(who) => named(notice, who, report.change.as_deref()),
        None => unknown(notice).to_owned(),
    };
    match notice.status {
        Status::Resolved => format!("{broken}.{}", ended_by(notice, &healed(notice))),
        _ => format!("{broken}."),
    }
}

fn named(notice: &Notice<'_>, who: &Actor, change: Option<&str>) -> String {
    actor::who(who, change, &notice.context.home.account, notice.now)
}

/// Where no event says who: why not, and where to look.
fn unknown(notice: &Notice<'_>) -> &'static str {
    match &notice.report().finding.evidence {
        Evidence::TableUnreachable { .. } => {
            "not known. CloudTrail's event history shows changes of the table and of the guard's role"
        }
        Evidence::NoSubscription { .. } => {
            "not known. CloudTrail's event history shows calls of Unsubscribe, if there were any"
        }
        Evidence::NoConfigEvents { .. } => {
            "not known. CloudTrail's event history shows StopLogging, DeleteTrail and PutEventSelectors, if it was one of them"
        }
        Evidence::StateUnreadable { .. } => "nobody: another version of the guard wrote the item",
        Evidence::HistoryFull { .. } => "several changes, which CloudTrail's event history lists",
        Evidence::Acknowledged { .. } => "somebody, by acknowledging the incident",
        Evidence::NeverScanned { .. } => "nobody: the bucket was never scanned",
        Evidence::BucketNameDot => "nobody: a bucket keeps its name",
        Evidence::WrongRegion { .. } if notice.status == Status::Resolved => {
            "the guard's parameters, which named it in the wrong Region"
        }
        Evidence::WrongRegion { .. } => "the guard's parameters, which name it in the wrong Region",
        Evidence::Archived { .. } => {
            "an upload or a lifecycle rule. The bucket's lifecycle rules show whether one archives images"
        }
        Evidence::SseC { .. }
        | Evidence::ObjectOwnership { .. }
        | Evidence::KnownKeysFull { .. }
        | Evidence::Key(KeyEvidence { trouble: KeyTrouble::AwsManaged | KeyTrouble::Foreign(_), .. }) => {
            "the uploads. Only S3's access logs or data events show by whom, if they are on"
        }
        _ => "not known, as no CloudTrail event arrived. The command at \"Who changed it\" lists the changes",
    }
}

fn ended_by(notice: &Notice<'_>, healed: &Healed) -> String {
    match (&healed.actor, healed.shown_by) {
        (Some(who), _) => format!(" Ended by: {}.", named(notice, who, healed.change.as_deref())),
        (None, Ending::Repaired) => " Ended by: the guard's repair.".to_owned(),
        (None, Ending::Configuration | Ending::Samples { .. }) => " Ended by: not known.".to_owned(),
        (None, _) => String::new(),
    }
}

/// The command that lists who changed the key or the bucket, where it can name them.
fn who_did_it(notice: &Notice<'_>) -> Option<String> {
    let report = notice.report();
    let lists = unknown(notice).contains("Who changed it");
    if notice.status == Status::Test || report.actor.is_some() || !lists {
        return None;
    }
    let resource = match &report.finding.evidence {
        Evidence::Key(KeyEvidence { key, .. }) => key.as_str(),
        _ => notice.incident.bucket.as_str(),
    };
    Some(look_up(&notice.context.home, resource, notice.incident.opened - REMIND))
}

/// Why the guard does not repair what is its own to repair.
fn not_repaired(notice: &Notice<'_>) -> Option<String> {
    let report = notice.report();
    let flag = report.finding.kind().is_drift() && report.did.is_empty() && notice.context.mode == Mode::Flag;
    if let Some(by) = refused_by(notice).or_else(|| flag.then_some(Refusal::Mode)) {
        return Some(refusal(by).to_owned());
    }
    match report.finding.evidence {
        Evidence::NoEvents { enable: false } | Evidence::Wider { enforced: false, .. } => {
            return Some(words::not_ours(&report.finding).to_owned());
        }
        _ => {}
    }
    let failed = report.did.iter().find(|action| action.result == ActionResult::Failed)?;
    report.finding.kind().is_drift().then(|| format!("its call {} failed", failed.operation))
}

fn did(notice: &Notice<'_>) -> Option<String> {
    let report = notice.report();
    let sentences: Vec<String> = report.did.iter().filter_map(|action| done(action, notice)).collect();
    match notice.status {
        Status::Test => None,
        Status::Resolved => Some(format!("{}.", upper(&words::ending(&report.finding, &healed(notice))))),
        _ if !sentences.is_empty() => Some(once(sentences).join(" ")),
        // "Now" has the reason.
        _ if not_repaired(notice).is_some() => None,
        _ => {
            let more = if matches!(report.finding.evidence, Evidence::LostUpdate(_)) { " more" } else { "" };
            Some(format!("Nothing{more}: {}.", words::not_ours(&report.finding)))
        }
    }
}

fn once(mut sentences: Vec<String>) -> Vec<String> {
    sentences.dedup();
    sentences
}

fn done(action: &Action, notice: &Notice<'_>) -> Option<String> {
    let call = action.operation;
    match action.result {
        ActionResult::Done if notice.report().mended => Some(format!("It called {call}, and read the result back.")),
        ActionResult::Done => Some(format!("It called {call}.")),
        ActionResult::DryRun => Some(format!("It would have called {call}: this was a dry run.")),
        ActionResult::Failed => Some(format!("It called {call}, and the call failed.")),
        ActionResult::Refused => None,
    }
}

/// The one reason why nothing was written.
pub(super) const fn refusal(by: Refusal) -> &'static str {
    match by {
        Refusal::Mode => "the guard only reports (its Mode is flag)",
        Refusal::PauseTag => "the bucket has the tag darwin-guard=paused",
        Refusal::UnreadTags => "the guard can't read the bucket's tags, which counts as paused",
        Refusal::Contest => "its repairs were undone as often as its limit allows",
        Refusal::Table => "the incident table does not answer, and without it the guard writes nothing",
    }
}
