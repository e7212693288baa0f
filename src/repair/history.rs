//! Whether a write of ours fell upon another's change: our writes and their changes side by side.
//!
//! S3 has no conditional write for a bucket's configuration, so a change can fall between our last read and our write,
//! or hide behind a stale read. It is found out afterwards, from the CloudTrail event of the change.
//! Pure. Must never let a change pass whose effect is neither in what we wrote nor in what stands now, and never grow
//! with what others do.

pub mod print;
pub mod submitted;

use crate::event::trigger::ConfigChange;
use crate::incident::fingerprint::digest;
use crate::model::actor::Actor;
use crate::model::aws::Operation;
use crate::model::change::{Change, Print, Subject, Write};
use crate::model::contract::Darwin;
use crate::model::time::{GRAIN, LONGEST_RUN, Timestamp};
use print::print;
use std::time::Duration;

/// What is remembered of writes and changes: longer than CloudTrail's events take, with their retries.
pub const REMEMBER: Duration = Duration::from_hours(24);
/// A read may show what stood so long before: what a change younger than that wrote must be seen in
/// a document before it is written over.
pub const STALE: Duration = Duration::from_secs(10);
/// Changes, writes and bytes of documents that are kept of a bucket: docs/incidents.md, "What it costs".
pub const MOST_CHANGES: usize = 256;
pub const MOST_WRITES: usize = 128;
pub const MOST_BYTES: usize = 4 * 1024 * 1024;
/// A write of ours whose event has not come after so long never will: there is no trail for EventBridge.
pub const EVENT_OVERDUE: Duration = Duration::from_mins(30);

impl Change {
    /// What an event says that somebody wrote. None for other events, and for one without a readable time or document.
    pub fn of(event: &ConfigChange, darwin: &Darwin) -> Option<Self> {
        let subject = Subject::of(&event.name)?;
        let time = event.actor.time.as_deref()?.parse::<Timestamp>().ok()?;
        let document = if event.name.starts_with("Delete") {
            None
        } else {
            Some(submitted::document(subject, event.request_parameters.as_deref()?)?)
        };
        let id = event.actor.event_id.clone().unwrap_or_else(|| digest(&format!("{} {document:?}", time.as_millis())));
        let print = print(subject, document.as_deref(), darwin);
        Some(Self { subject, id, name: event.name.clone(), time, document, actor: event.actor.clone(), print })
    }

    fn bytes(&self) -> usize {
        self.document.as_ref().map_or(0, String::len)
    }

    /// Whether both were made by the same, as far as CloudTrail names them.
    fn same_author(&self, other: &Self) -> bool {
        let author = |actor: &Actor| actor.arn.clone();
        author(&self.actor).is_some_and(|arn| author(&other.actor) == Some(arn))
    }
}

impl Write {
    pub fn same(&self, other: &Self) -> bool {
        (self.subject, self.begun, &self.after) == (other.subject, other.begun, &other.after)
    }

    /// When it was over. A write that was never reported as done was made while its function ran, or never.
    fn end(&self, now: Timestamp) -> Timestamp {
        self.done.unwrap_or_else(|| now.min(self.begun + LONGEST_RUN))
    }

    /// Whether a change fell so near to it that it can't have known it.
    fn near(&self, change: &Change, now: Timestamp) -> bool {
        change.subject == self.subject && change.time <= self.end(now) && change.time + GRAIN + STALE >= self.begun
    }
}

/// The writes and changes of one bucket that are remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    pub writes: Vec<Write>,
    pub changes: Vec<Change>,
}

/// What becomes of one more change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Room<'a> {
    /// Whether it is to be kept: no write of ours, past or to come, can have undone another.
    pub keep: bool,
    /// What has to go for it.
    pub drop: Vec<&'a Change>,
    /// Of those, how many a write of ours may have undone: nobody can find out any more.
    pub unknown: usize,
}

impl Past {
    /// Drops what is older than a day.
    pub fn forget_old(&mut self, now: Timestamp) {
        self.writes.retain(|write| write.begun + REMEMBER > now);
        self.changes.retain(|change| change.time + REMEMBER > now);
    }

    /// Whether a write of ours, past or to come, may have undone a change.
    fn concerns(&self, change: &Change, now: Timestamp) -> bool {
        fresh(change, now) || self.writes.iter().any(|write| write.near(change, now))
    }

    /// The room for one more change: the oldest go, those first that no write of ours concerns.
    pub fn room_for(&self, change: &Change, now: Timestamp) -> Room<'_> {
        if self.changes.iter().any(|held| held.id == change.id) || !self.concerns(change, now) {
            return Room::default();
        }
        let mut held: Vec<(bool, &Change)> = self.changes.iter().map(|held| (self.concerns(held, now), held)).collect();
        held.sort_by_key(|(concerns, held)| (*concerns, held.time));
        let mut count = held.len();
        let mut bytes: usize = held.iter().map(|(_, held)| held.bytes()).sum::<usize>() + change.bytes();
        let mut room = Room { keep: true, ..Room::default() };
        for (concerns, old) in held {
            if count < MOST_CHANGES && bytes <= MOST_BYTES {
                break;
            }
            (count, bytes) = (count.saturating_sub(1), bytes.saturating_sub(old.bytes()));
            room.unknown += usize::from(concerns);
            room.drop.push(old);
        }
        room
    }

    /// The writes that have to go for one more, the oldest first.
    pub fn surplus_writes(&self) -> Vec<&Write> {
        let mut held: Vec<&Write> = self.writes.iter().collect();
        held.sort_by_key(|write| write.begun);
        held.truncate((held.len() + 1).saturating_sub(MOST_WRITES));
        held
    }

    /// The write of ours whose event this is, by what was written: one whose event has not come, or was this one.
    pub fn written(&self, event: &Change) -> Option<&Write> {
        let fits = |write: &&Write| {
            write.subject == event.subject
                && event.print.whole.is_some()
                && write.print.whole == event.print.whole
                && event.time + GRAIN > write.begun
        };
        let of_this = |write: &&Write| write.event.as_ref() == Some(&event.id);
        let free = |write: &&Write| write.event.is_none();
        let fitting = || self.writes.iter().filter(fits);
        fitting().find(of_this).or_else(|| fitting().filter(free).min_by_key(|write| write.begun))
    }

    /// A write that S3 has answered for, whose event is overdue while none of a later one has come either.
    pub fn unanswered(&self, now: Timestamp) -> Option<Operation> {
        let answered = self.writes.iter().filter(|write| write.event.is_some()).map(|write| write.begun).max();
        let overdue = |write: &&Write| {
            write.made
                && write.event.is_none()
                && answered.is_none_or(|answered| write.begun > answered)
                && write.begun + EVENT_OVERDUE < now
        };
        self.writes.iter().find(overdue).map(|write| write.subject.operation())
    }

    /// The changes that our writes may have undone: each fell so near to a write that the write can't have known it,
    /// it was not replaced by a later one before the write's last read, and `current` does not show it.
    pub fn lost(&self, subject: Subject, current: &Print, now: Timestamp) -> Vec<(&Change, &Write)> {
        let mut lost: Vec<(&Change, &Write)> = Vec::new();
        for write in self.writes.iter().filter(|write| write.subject == subject) {
            // An event of our own, should it not have been recognised, hides nobody's.
            let own = |change: &&Change| change.print.whole == write.print.whole;
            let near: Vec<&Change> =
                self.changes.iter().filter(|change| write.near(change, now) && !own(change)).collect();
            let replacing: Vec<&Change> =
                near.iter().copied().filter(|change| change.print.same_elements(current)).collect();
            for change in &near {
                if lost.iter().any(|(held, _)| held.id == change.id)
                    || !undone(&change.print, &write.print, current, subject)
                    || replaced(change, write, &near, &replacing)
                {
                    continue;
                }
                lost.push((change, write));
            }
        }
        lost
    }

    /// Whether a document that was just read is older than a change that is known: then it must not be written over.
    /// A change of the future is none: a forged event would keep repairs away for as long as it is remembered.
    pub fn outdates(&self, subject: Subject, read: &Print, now: Timestamp) -> bool {
        let known = |change: &&Change| change.subject == subject && fresh(change, now) && change.time <= now + STALE;
        let newest = self.changes.iter().filter(known).map(|change| change.time).max();
        let mut newest = self.changes.iter().filter(known).filter(|change| Some(change.time) == newest).peekable();
        newest.peek().is_some() && !newest.any(|change| shows(&change.print, read, subject))
    }
}

/// Whether a read may still not show it.
fn fresh(change: &Change, now: Timestamp) -> bool {
    change.time + GRAIN + STALE >= now
}

/// What somebody replaced before our last read was not ours to lose. CloudTrail's times are a second wide: within that
/// second it is taken for replaced where the same author wrote both, our write rests on the later one, and that is there.
fn replaced(change: &Change, write: &Write, near: &[&Change], standing: &[&Change]) -> bool {
    let before = |later: &&&Change| later.time + GRAIN <= write.begun;
    let read_at = write.read_at.unwrap_or(write.begun);
    let perhaps = |later: &&&Change| {
        later.time <= read_at
            && later.same_author(change)
            && (!later.print.ours || change.print.ours)
            && later.print.elements.iter().all(|element| write.print.has(element))
    };
    near.iter().filter(before).chain(standing.iter().filter(perhaps)).any(|later| later.time > change.time)
}

/// Whether our write took something of a change away, or brought back what it had removed, and it is so now.
fn undone(theirs: &Print, ours: &Print, now: &Print, subject: Subject) -> bool {
    let missing = theirs.elements.iter().any(|element| !ours.has(element) && !now.has(element));
    let revived = ours.elements.iter().any(|element| !theirs.has(element) && now.has(element));
    missing || revived || subject == Subject::Cors && reordered(theirs, ours, now)
}

/// Whether two rules stand the other way round both in what we wrote and now: S3 answers by the first that matches.
fn reordered(theirs: &Print, ours: &Print, now: &Print) -> bool {
    let place = |print: &Print, digest: &str| print.elements.iter().position(|held| held.digest == digest);
    let places: Vec<(usize, usize)> = theirs
        .elements
        .iter()
        .filter_map(|rule| Some((place(ours, &rule.digest)?, place(now, &rule.digest)?)))
        .collect();
    places.iter().enumerate().any(|(at, (in_ours, in_now))| {
        places.iter().skip(at + 1).any(|(then_ours, then_now)| in_ours > then_ours && in_now > then_now)
    })
}

/// Whether a document shows a change.
fn shows(change: &Print, read: &Print, subject: Subject) -> bool {
    let order = |print: &Print| print.elements.iter().map(|held| held.digest.clone()).collect::<Vec<_>>();
    change.same_elements(read) && (subject != Subject::Cors || order(change) == order(read))
}

#[cfg(test)]
mod tests;
