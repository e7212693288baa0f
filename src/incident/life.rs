//! A finding's life: opened, counted, reminded, healed, resolved. Types and transitions, as pure functions.
//!
//! The stores (`memory`, `aws::dynamodb`) only carry out what is decided here. Must never forget an incident that
//! nobody has been told of: every state in which a message is owed can be read from the item alone.

use crate::incident::fingerprint::Fingerprint;
use crate::model::actor::Actor;
use crate::model::aws::AwsError;
use crate::model::finding::{Finding, Kind};
use crate::model::outcome::Action;
use crate::model::text::{bytes_as_json, cut, cut_as_json};
use crate::model::time::{GRAIN, Timestamp};
use crate::model::verdict::Decision;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// Sample keys kept of an incident.
pub const SAMPLES: usize = 5;
/// How long a claim to send a message holds. Longer than a publish with all its retries; whoever
/// claimed and has not marked the message sent by then is taken for dead.
pub const CLAIM: Duration = Duration::from_mins(2);
/// A reminder is due this long after the last message.
pub const REMIND: Duration = Duration::from_hours(24);
/// An incident that has been reopened within this time of its resolution counts as flapping.
pub const FLAP: Duration = Duration::from_hours(1);
/// A flapping incident is resolved by passing objects only after so long without a sighting.
pub const QUIET: Duration = Duration::from_mins(10);
/// What is resolved stays in the table so long.
pub const KEEP: Duration = Duration::from_hours(720);

/// A finding that was just seen, with all that a message about it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    pub bucket: String,
    pub finding: Finding,
    /// Keys of objects that showed it; more than five are cut.
    pub sample_keys: Vec<String>,
    /// How many objects (or readings of the bucket) showed it in this batch.
    pub count: u64,
    /// Who made the change that broke it, where an event says so.
    pub actor: Option<Actor>,
    /// `eventName` of that change.
    pub change: Option<String>,
    /// What the guard did about it.
    pub did: Vec<Action>,
    /// Whether the guard has repaired it already, and read it back.
    pub mended: bool,
    /// Whether Darwin can read the bucket after that, where it was judged.
    pub read: Option<Decision>,
    /// Unified diff of what was or would be written.
    pub diff: Option<String>,
}

impl Sighting {
    /// A sighting of a bucket-level finding, with nothing known about who or what.
    pub fn of(bucket: impl Into<String>, finding: Finding) -> Self {
        Self {
            bucket: bucket.into(),
            finding,
            sample_keys: Vec::new(),
            count: 1,
            actor: None,
            change: None,
            did: Vec::new(),
            mended: false,
            read: None,
            diff: None,
        }
    }

    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.bucket, &self.finding)
    }
}

/// Something that was judged and is fine. Sightings in the same call always win over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clear {
    pub bucket: String,
    pub scope: Scope,
    /// When the facts behind the judgement were read. A later sighting stands.
    pub judged_at: Timestamp,
    /// What showed it.
    pub shown_by: Ending,
    /// Who made the change that led to this look, where an event says so.
    pub actor: Option<Actor>,
    /// `eventName` of that change.
    pub change: Option<String>,
}

/// What showed that an incident is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// The guard's own repair, which was read back.
    Repaired,
    /// Everything of the bucket was read again, and this was not found any more.
    Configuration,
    /// Its sample objects were judged again: so many can be read, so many are gone.
    Samples { readable: usize, gone: usize },
    /// Its sample objects could be judged again; what they show is another incident.
    Judged,
    /// New objects under the same key can be read.
    NewObjects,
    /// The document holds the change again, or the change was made a day before.
    Settled,
    /// It was not seen for a day.
    Aged,
    /// The event of one of the guard's own writes came.
    Trail,
    /// The incident table answers.
    Table,
    /// The bucket has left the configuration; nobody knows whether it is over.
    Unguarded,
}

/// What a `Clear` covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// The bucket was judged as a whole: every open incident of these kinds that is not sighted in the same call.
    Kinds(Vec<Kind>),
    /// The same, but only incidents without sample objects: those with samples are judged by their samples.
    Whole(Vec<Kind>),
    /// Objects passed that would have shown these causes (key ARNs). The open incidents are looked up in a copy up
    /// to a minute old, so that healthy batches cost nothing; a flapping incident waits for quiet.
    Passing(Vec<String>),
    /// One open incident, judged again by its samples.
    Incident(Fingerprint),
}

/// Most bytes that are kept of a name, as JSON.
const NAME: usize = 512;

/// What the store keeps of the sighting that opened an incident: enough for every later message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub finding: Finding,
    pub sample_keys: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub did: Vec<Action>,
    #[serde(default)]
    pub mended: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Decision>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
}

impl From<&Sighting> for Report {
    /// Takes what later messages need, cut so that the whole fits an item of the table (400 KB) even when every
    /// character has to be escaped.
    fn from(sighting: &Sighting) -> Self {
        const LONG: usize = 48 * 1024;
        const LINE: usize = 2 * 1024;
        const LINES: usize = 16;
        let name = |text: &str| cut_as_json(text, NAME);
        let Finding { evidence, severity, because, depends_on, cause } = &sighting.finding;
        Self {
            finding: Finding {
                evidence: Room { text: LONG, all: 4 * LONG + LINE * 4 }.fit(evidence),
                severity: *severity,
                because: Room { text: LINE, all: LINES * LINE }.fit(because),
                depends_on: Room { text: NAME, all: LINES * NAME }.fit(depends_on),
                cause: cut(cause, LINE),
            },
            sample_keys: sighting.sample_keys.iter().take(SAMPLES).cloned().collect(),
            actor: sighting.actor.as_ref().map(|actor| actor.map(name)),
            change: sighting.change.as_deref().map(name),
            did: sighting.did.iter().take(LINES).cloned().collect(),
            mended: sighting.mended,
            read: sighting.read,
            diff: sighting.diff.as_ref().map(|diff| cut_as_json(diff, LONG)),
        }
    }
}

/// Adds another sighting of the same incident in the same batch: counts add up, the first word on anything stands.
pub fn merge(into: &mut Sighting, other: Sighting) {
    into.count = into.count.saturating_add(other.count);
    for key in other.sample_keys {
        if into.sample_keys.len() < SAMPLES && !into.sample_keys.contains(&key) {
            into.sample_keys.push(key);
        }
    }
    for reason in other.finding.because {
        if !into.finding.because.contains(&reason) {
            into.finding.because.push(reason);
        }
    }
    into.finding.severity = into.finding.severity.max(other.finding.severity);
    into.did.extend(other.did);
    into.mended &= other.mended;
    into.actor = into.actor.take().or(other.actor);
    into.change = into.change.take().or(other.change);
    into.diff = into.diff.take().or(other.diff);
}

/// Bytes of JSON that data may take: each text in it, and what is left for all.
struct Room {
    text: usize,
    all: usize,
}

/// Texts of so many bytes are not cut.
const SHORT: usize = 64;

impl Room {
    /// The data with its texts cut, and its lists ended where no room is left.
    fn fit<T: Serialize + DeserializeOwned + Clone>(mut self, data: &T) -> T {
        // By way of text, as the table does: the binary has one reader and one writer of evidence, not two.
        let mut fitted = || {
            let mut value: Value = serde_json::from_str(&serde_json::to_string(data).ok()?).ok()?;
            self.cut(&mut value);
            serde_json::from_str(&value.to_string()).ok()
        };
        // Cutting changes no type, so that this can't fail.
        fitted().unwrap_or_else(|| data.clone())
    }

    fn cut(&mut self, value: &mut Value) {
        match value {
            // It may be the name of a variant.
            Value::String(text) if text.len() <= SHORT => self.take(text.len()),
            Value::String(text) => {
                let fitting = cut_as_json(text, self.text.min(self.all));
                self.take(bytes_as_json(&fitting));
                *text = fitting;
            }
            Value::Array(items) => items.retain_mut(|item| {
                let fits = self.all > 0;
                if fits {
                    self.cut(item);
                }
                fits
            }),
            Value::Object(members) => members.iter_mut().for_each(|(name, member)| {
                self.take(name.len());
                self.cut(member);
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) => self.take(1),
        }
    }

    fn take(&mut self, size: usize) {
        const AROUND: usize = 8;
        self.all = self.all.saturating_sub(size + AROUND);
    }
}

/// What a store keeps of an incident; with `opened` none it is resolved, and only the memory of it is left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Present exactly while the incident is open.
    pub opened: Option<Incident>,
    /// When it was last resolved, and how often.
    pub resolved: Option<Timestamp>,
    pub resolutions: u64,
}

impl Row {
    /// The transition of a sighting: the new row, and what the caller has to do.
    pub fn sight(mut self, sighting: &Sighting, now: Timestamp) -> (Self, Claim) {
        let (incident, announce) = match self.opened {
            None => {
                let report = Report::from(sighting);
                let incident = Incident {
                    fingerprint: sighting.fingerprint(),
                    bucket: sighting.bucket.clone(),
                    cause: report.finding.cause.clone(),
                    report,
                    opened: now,
                    last_seen: now,
                    seen: sighting.count,
                    told: None,
                    claimed: Some(now),
                    healed: None,
                    flaps: flaps(self.resolved, self.resolutions, now),
                    quiet_until: None,
                };
                (incident, true)
            }
            Some(mut incident) => {
                let announce = incident.healed.take().is_some();
                incident.last_seen = now;
                incident.seen = incident.seen.saturating_add(sighting.count);
                (incident, announce)
            }
        };
        self.opened = Some(incident.clone());
        (self, if announce { Claim::Announce(incident) } else { Claim::Counted(incident) })
    }
}

/// How often an incident opened at `opened` has been flapping.
pub fn flaps(resolved: Option<Timestamp>, resolutions: u64, opened: Timestamp) -> u64 {
    match resolved {
        Some(resolved) if opened < resolved + FLAP => resolutions,
        _ => 0,
    }
}

/// An open incident as the store holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    pub fingerprint: Fingerprint,
    pub bucket: String,
    /// What the incident is keyed by besides bucket and kind.
    pub cause: String,
    pub report: Report,
    pub opened: Timestamp,
    /// Last sighting.
    pub last_seen: Timestamp,
    /// Sightings counted; a retried record counts again.
    pub seen: u64,
    /// When the last message about the present state went out; none while one is owed.
    pub told: Option<Timestamp>,
    /// When somebody last claimed to send a message; none if nobody is at it.
    pub claimed: Option<Timestamp>,
    /// When it was judged fine; none while it is broken.
    pub healed: Option<Healed>,
    /// How often it was reopened shortly after it had been resolved.
    pub flaps: u64,
    /// A person has accepted it: no reminder until then.
    pub quiet_until: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Healed {
    #[serde(rename = "at_ms")]
    pub at: Timestamp,
    pub shown_by: Ending,
    /// Who made the change that ended it, and its `eventName`, where an event says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
}

impl Healed {
    /// By nobody that is known.
    pub fn of(at: Timestamp, shown_by: Ending) -> Self {
        Self { at, shown_by, actor: None, change: None }
    }

    /// What was open since `opened` was ended by nobody who made a change before that.
    pub fn by(clear: &Clear, opened: Timestamp) -> Self {
        let Clear { judged_at, shown_by, actor, change, bucket: _, scope: _ } = clear;
        let made = actor.as_ref().and_then(|actor| actor.time.as_deref()?.parse::<Timestamp>().ok());
        if made.is_some_and(|made| made + GRAIN <= opened) {
            return Self::of(*judged_at, *shown_by);
        }
        let actor = actor.as_ref().map(|actor| actor.map(|text| cut_as_json(text, NAME)));
        Self { at: *judged_at, shown_by: *shown_by, actor, change: change.clone() }
    }
}

/// What a message is about. The values of the SNS attribute `status`: a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Opened,
    /// Broken and repaired in one go: the only message about it.
    Repaired,
    Reminder,
    Resolved,
    Test,
}

impl Status {
    pub const ALL: &'static [Self] = &[Self::Opened, Self::Repaired, Self::Reminder, Self::Resolved, Self::Test];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Repaired => "repaired",
            Self::Reminder => "reminder",
            Self::Resolved => "resolved",
            Self::Test => "test",
        }
    }
}

impl Incident {
    /// The message that is owed at `now`, if nobody is about to send it already.
    pub fn due(&self, now: Timestamp) -> Option<Status> {
        if self.is_claimed(now) {
            return None;
        }
        if self.healed.is_some() {
            return Some(Status::Resolved);
        }
        match self.told {
            None => Some(self.first_word()),
            Some(_) if self.quiet_until.is_some_and(|until| now < until) => None,
            Some(told) if self.reminds() && told + REMIND <= now => Some(Status::Reminder),
            Some(_) => None,
        }
    }

    /// Whether a sighting is worse than what was told of it.
    pub fn worsened_by(&self, sighting: &Sighting, now: Timestamp) -> bool {
        self.told.is_some()
            && self.healed.is_none()
            && !self.is_claimed(now)
            && sighting.finding.severity > self.report.finding.severity
    }

    /// Whether somebody is about to send a message about it.
    fn is_claimed(&self, now: Timestamp) -> bool {
        self.claimed.is_some_and(|claimed| now < claimed + CLAIM)
    }

    /// The first message about it.
    pub fn first_word(&self) -> Status {
        if self.report.mended { Status::Repaired } else { Status::Opened }
    }

    /// Whether it is repeated after a day: not what merely depends, may well be meant, or happened once.
    pub fn reminds(&self) -> bool {
        self.report.finding.depends_on.is_empty()
            && !matches!(
                self.report.finding.kind(),
                Kind::LostUpdate | Kind::PartDenied | Kind::StateUnreadable | Kind::TestAlert
            )
    }

    /// Whether a `Clear` covers it (apart from what the same call has sighted): the time since which it must not
    /// have been seen.
    pub fn covered_by(&self, clear: &Clear) -> Option<Timestamp> {
        let covered = match &clear.scope {
            Scope::Kinds(kinds) => kinds.contains(&self.report.finding.kind()),
            Scope::Whole(kinds) => kinds.contains(&self.report.finding.kind()) && self.report.sample_keys.is_empty(),
            Scope::Passing(causes) => causes.contains(&self.cause),
            Scope::Incident(fingerprint) => self.fingerprint == *fingerprint,
        };
        let flapping = self.flaps > 0 && matches!(clear.scope, Scope::Passing(_));
        let unseen_since = clear.judged_at - if flapping { QUIET } else { Duration::ZERO };
        (covered && self.bucket == clear.bucket && self.last_seen <= unseen_since).then_some(unseen_since)
    }
}

/// The answer to a sighting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// We opened it (or it was seen again while its resolved message went out): tell, then `told`.
    Announce(Incident),
    /// It was open, and has been counted. Whether a message is owed: `Incident::due`.
    Counted(Incident),
}

/// The answer to a `lease`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    Taken,
    /// Somebody else reconciles the bucket; it has been marked dirty, so that they look again.
    Busy,
}

/// Why the state could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    #[error(transparent)]
    Aws(#[from] AwsError),
    #[error("item `{pk}` / `{sk}` of the incident table is not of our making: {detail}")]
    Malformed { pk: String, sk: String, detail: String },
    #[error("others kept changing item `{pk}` / `{sk}` of the incident table")]
    Contention { pk: String, sk: String },
}

impl StoreError {
    pub fn retryable(&self) -> bool {
        match self {
            Self::Aws(error) => error.retryable(),
            Self::Malformed { .. } => false,
            Self::Contention { .. } => true,
        }
    }
}

pub type StoreResult<T> = Result<T, StoreError>;
