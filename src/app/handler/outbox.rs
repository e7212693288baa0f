//! What one invocation has to report: gathered here, sent once at its end.

use crate::app::reconcile::report::BucketReport;
use crate::event::trigger::KeyChange;
use crate::incident::fingerprint::Fingerprint;
use crate::incident::life::{Clear, Ending, SAMPLES, Scope, Sighting};
use crate::judge::object::JudgedObject;
use crate::model::actor::Actor;
use crate::model::aws::Operation;
use crate::model::evidence::Evidence;
use crate::model::finding::{Finding, Kind, Severity};
use crate::model::outcome::{ActionResult, Read};
use crate::model::time::Timestamp;
use crate::model::verdict::Decision;
use crate::repair::history::REMEMBER;

/// What shows that an incident of a kind is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EndedBy {
    /// A look at the bucket that does not find it.
    Bucket,
    /// The same, where the incident names no objects: theirs are judged again.
    BucketOrObjects,
    /// No drift: the write that it was about is not needed any more.
    NoDrift,
    /// The same, where it names no objects.
    NoDriftOrObjects,
    /// The bucket as a whole lets Darwin read.
    Access,
    /// Its objects judged again, or others under the same key.
    Objects,
    /// The document holds the change again.
    History,
    /// A day without it.
    Day,
    /// The event of a write of ours.
    Trail,
    /// It is in answers, or a message of its own: no incident stays open.
    Nothing,
}

/// INVARIANT: every kind has one, so that each of its incidents can end.
const fn ended_by(kind: Kind) -> EndedBy {
    match kind {
        Kind::PolicyMissing
        | Kind::PolicyGutted
        | Kind::PolicyWidened
        | Kind::CorsMissing
        | Kind::EventsOff
        | Kind::ExplicitDeny
        | Kind::PartDenied
        | Kind::PublicBlock
        | Kind::RequesterPays
        | Kind::DefaultEncryption
        | Kind::AliasEncryption
        | Kind::BucketNameDot
        | Kind::PolicyLimit
        | Kind::CorsLimit
        | Kind::PolicyUnreadable
        | Kind::DeadPrincipal
        | Kind::ConditionOnOurs
        | Kind::WiderThanContract
        | Kind::SidTaken
        | Kind::WrongOwner
        | Kind::WrongRegion
        | Kind::NoSuchBucket
        | Kind::Paused
        | Kind::NoObjectEvents => EndedBy::Bucket,
        Kind::AccessUncertain | Kind::ObjectOwnership => EndedBy::BucketOrObjects,
        Kind::RoleMissing | Kind::BlockPublicPolicy | Kind::WriteFailed | Kind::Contested | Kind::TableUnreachable => {
            EndedBy::NoDrift
        }
        Kind::GuardDenied => EndedBy::NoDriftOrObjects,
        Kind::ObjectDenied => EndedBy::Access,
        Kind::KeyDenied | Kind::KeyState | Kind::AwsManagedKey | Kind::ForeignKey | Kind::SseC | Kind::Archived => {
            EndedBy::Objects
        }
        Kind::LostUpdate => EndedBy::History,
        Kind::HistoryFull | Kind::KnownKeysFull | Kind::StateUnreadable => EndedBy::Day,
        Kind::NoConfigEvents => EndedBy::Trail,
        Kind::NeverScanned | Kind::Acknowledged | Kind::NoSubscription | Kind::TestAlert => EndedBy::Nothing,
    }
}

fn kinds(ended: EndedBy) -> impl Iterator<Item = Kind> {
    Kind::ALL.iter().copied().filter(move |kind| ended_by(*kind) == ended)
}

/// Whose change brought us to a bucket.
#[derive(Debug, Clone, Copy)]
pub(super) struct By<'a> {
    pub actor: &'a Actor,
    /// `eventName`.
    pub name: &'a str,
    /// It changed a key, not the bucket.
    pub of_key: bool,
}

impl By<'_> {
    /// A key's change explains what is found of keys, and nothing else.
    fn may_have_caused(&self, finding: &Finding) -> bool {
        !self.of_key || matches!(finding.evidence, Evidence::Key(_) | Evidence::AliasEncryption { .. })
    }
}

/// What messages are about, at the end of an invocation.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    pub sightings: Vec<Sighting>,
    /// The items that each sighting came from, by its index.
    pub sources: Vec<Vec<usize>>,
    pub clears: Vec<Clear>,
    /// An audit or a judgement by hand: told to whoever asked, to nobody else.
    pub silent: bool,
    /// Buckets that the schedule looked at: reminders and what is owed are seen to as well.
    pub swept: Vec<String>,
    /// Incidents that were judged again and are still so: nothing resolves them in this invocation.
    pub still: Vec<(String, Fingerprint)>,
}

impl Outbox {
    pub(super) fn sighted(&mut self, indexes: &[usize], sighting: Sighting) {
        debug_assert!(sighting.finding.is_listed(), "a severity that the docs don't give: {:?}", sighting.finding);
        self.sightings.push(sighting);
        self.sources.push(indexes.to_vec());
    }

    pub(super) fn clear(&mut self, clear: Clear) {
        self.clears.push(clear);
    }

    /// One judged object: counted under its cause, or passing for its key.
    pub(super) fn object(&mut self, index: usize, judged: &JudgedObject, now: Timestamp) {
        if let Some(finding) = &judged.finding {
            let mut sighting = Sighting::of(&judged.bucket, finding.clone());
            let fingerprint = sighting.fingerprint();
            let held =
                self.sightings.iter_mut().zip(&mut self.sources).find(|(held, _)| held.fingerprint() == fingerprint);
            if let Some((held, sources)) = held {
                held.count += 1;
                sources.push(index);
                if held.sample_keys.len() < SAMPLES && !held.sample_keys.contains(&judged.key) {
                    held.sample_keys.push(judged.key.clone());
                }
            } else {
                sighting.sample_keys.push(judged.key.clone());
                self.sighted(&[index], sighting);
            }
        } else if let (Read::Allowed, Some(key)) = (judged.read, &judged.kms_key) {
            let held = self.clears.iter_mut().find_map(|clear| match &mut clear.scope {
                Scope::Passing(causes) if clear.bucket == judged.bucket => Some(causes),
                _ => None,
            });
            match held {
                Some(causes) if causes.contains(key) => {}
                Some(causes) => causes.push(key.clone()),
                None => self.over(&judged.bucket, Scope::Passing(vec![key.clone()]), now, Ending::NewObjects, None),
            }
        }
    }

    /// An object denied by the bucket is explained by the bucket's own finding, if it has one: of this invocation's look,
    /// or `known` to be open since somebody else's.
    pub(super) fn explained_by_bucket(&mut self, bucket: &str, known: bool) {
        let explained = known
            || self.sightings.iter().any(|sighting| sighting.bucket == bucket && explains_objects(&sighting.finding));
        if explained {
            let sightings = std::mem::take(&mut self.sightings);
            let sources = std::mem::take(&mut self.sources);
            let kept = sightings
                .into_iter()
                .zip(sources)
                .filter(|(sighting, _)| sighting.bucket != bucket || sighting.finding.kind() != Kind::ObjectDenied);
            (self.sightings, self.sources) = kept.unzip();
        }
    }

    /// A reconciled bucket: its drifts with what was done, its findings, and everything else of it as fine.
    pub(super) fn bucket(&mut self, indexes: &[usize], report: &BucketReport, by: Option<By<'_>>, now: Timestamp) {
        for sighting in &report.lost {
            self.sighted(indexes, sighting.clone());
        }
        if report.compared {
            self.over(&report.bucket, Scope::Kinds(kinds(EndedBy::History).collect()), now, Ending::Settled, by);
            // The day of what was forgotten is over.
            let aged = Scope::Kinds(kinds(EndedBy::Day).collect());
            self.over(&report.bucket, aged, now - REMEMBER, Ending::Aged, None);
        }
        // The holder of the lease tells.
        if report.busy {
            return;
        }
        let repaired =
            report.verified == Some(true) && report.actions.iter().all(|action| action.result == ActionResult::Done);
        let seen = self.found(indexes, report, repaired, by);
        if report.complete {
            self.rest_is_fine(report, repaired, &seen, by, now);
        }
    }

    /// Drifts and findings of a bucket. The kinds that were seen.
    fn found(&mut self, indexes: &[usize], report: &BucketReport, repaired: bool, by: Option<By<'_>>) -> Vec<Kind> {
        let mut seen: Vec<Kind> = Vec::new();
        let findings = report.findings.iter().filter(|finding| worth_telling(finding));
        for finding in report.drifts.iter().chain(findings) {
            seen.push(finding.kind());
            let mut sighting = Sighting::of(&report.bucket, finding.clone());
            sighting.read = Some(report.read);
            if let Some(by) = by.filter(|by| by.may_have_caused(finding)) {
                sighting.actor = Some(by.actor.clone());
                sighting.change = Some(by.name.to_owned());
            }
            if finding.kind().is_drift() {
                sighting.did.clone_from(&report.actions);
                // Its own document was written, and read back as it must be: another's does not restore it.
                let restored = |document| {
                    report.fulfilled.contains(&document)
                        && report.actions.iter().any(|action| action.operation == document)
                };
                sighting.mended = repaired && restored_by(finding.kind()).is_some_and(restored);
                sighting.diff = report.plan();
            }
            self.sighted(indexes, sighting);
        }
        seen
    }

    /// What was not seen of a bucket that was read completely.
    fn rest_is_fine(
        &mut self,
        report: &BucketReport,
        repaired: bool,
        seen: &[Kind],
        by: Option<By<'_>>,
        now: Timestamp,
    ) {
        let left = |kind: &Kind| restored_by(*kind).is_none_or(|document| report.fulfilled.contains(&document));
        let mut fine: Vec<Kind> = kinds(EndedBy::Bucket).filter(left).collect();
        let mut whole: Vec<Kind> = kinds(EndedBy::BucketOrObjects).collect();
        let mut written: Vec<Kind> = Vec::new();
        if report.drifts.is_empty() || repaired {
            written.extend(kinds(EndedBy::NoDrift));
            whole.extend(kinds(EndedBy::NoDriftOrObjects));
        }
        let denied = [Kind::ExplicitDeny, Kind::PartDenied].iter().any(|kind| seen.contains(kind));
        if report.read == Decision::Allowed && !denied {
            fine.extend(kinds(EndedBy::Access));
        }
        self.over(&report.bucket, Scope::Kinds(fine), now, Ending::Configuration, by);
        self.over(&report.bucket, Scope::Whole(whole), now, Ending::Configuration, by);
        // What a repair made needless was ended by the repair; everything else by whoever changed the bucket.
        let (ending, by) =
            if report.actions.is_empty() { (Ending::Configuration, by) } else { (Ending::Repaired, None) };
        self.over(&report.bucket, Scope::Kinds(written), now, ending, by);
    }

    fn over(&mut self, bucket: &str, scope: Scope, judged_at: Timestamp, shown_by: Ending, by: Option<By<'_>>) {
        self.clears.push(Clear {
            bucket: bucket.to_owned(),
            scope,
            judged_at,
            shown_by,
            actor: by.map(|by| by.actor.clone()),
            change: by.map(|by| by.name.to_owned()),
        });
    }

    /// The event of a write of ours has come: there is a trail, and EventBridge has it.
    pub(super) fn config_events_come(&mut self, bucket: &str, now: Timestamp) {
        self.over(bucket, Scope::Kinds(kinds(EndedBy::Trail).collect()), now, Ending::Trail, None);
    }

    /// Changes had to be forgotten that a write of ours may have undone.
    pub(super) fn history_full(&mut self, index: usize, bucket: &str, forgotten: usize) {
        self.sighted(&[index], Sighting::of(bucket, Finding::of(Evidence::HistoryFull { forgotten })));
    }

    /// An object of a known key that was judged again: what its key does to it, unless its incident was just seen to be
    /// still so.
    pub(super) fn known_key(
        &mut self,
        index: usize,
        judged: &JudgedObject,
        change: Option<&KeyChange>,
        now: Timestamp,
    ) {
        let Some(finding) = judged.finding.as_ref().filter(|finding| matches!(finding.evidence, Evidence::Key(_)))
        else {
            return;
        };
        let fingerprint = Fingerprint::of(&judged.bucket, finding);
        if self.still.iter().any(|(bucket, still)| *bucket == judged.bucket && *still == fingerprint) {
            return;
        }
        self.object(index, judged, now);
        let held = self.sightings.iter_mut().find(|held| held.fingerprint() == fingerprint);
        if let (Some(held), Some(change)) = (held, change) {
            held.actor.clone_from(&change.actor);
            held.change = Some(change.name.clone());
        }
    }

    /// A key that is not remembered, for want of room.
    pub(super) fn known_keys_full(&mut self, index: usize, bucket: &str, evidence: Evidence) {
        self.sighted(&[index], Sighting::of(bucket, Finding::of(evidence)));
    }

    pub(super) fn no_config_events(&mut self, bucket: &str, operation: Operation) {
        let finding = Finding::of(Evidence::NoConfigEvents { operation });
        self.sighted(&[], Sighting::of(bucket, finding));
    }
}

/// Whether a bucket's finding explains that any of its objects is denied: it takes the reading of all of them away.
pub(super) fn explains_objects(finding: &Finding) -> bool {
    const READ: &str = "s3:GetObject";
    let all = match &finding.evidence {
        Evidence::PolicyMissing { repair, .. } | Evidence::PolicyGutted { repair, .. } => {
            repair.lost.iter().any(|action| action == READ)
        }
        Evidence::ExplicitDeny(deny) => deny.hits.iter().any(|hit| hit.action == READ && hit.key.is_none()),
        Evidence::ConditionOnOurs { .. } | Evidence::PublicBlock { .. } | Evidence::RequesterPays => true,
        _ => false,
    };
    all && finding.severity == Severity::Critical
}

/// What is over only when a document fulfils the contract again: that nothing is left to plan is not enough.
fn restored_by(kind: Kind) -> Option<Operation> {
    match kind {
        Kind::PolicyMissing | Kind::PolicyGutted | Kind::PolicyWidened => Some(Operation::PutBucketPolicy),
        Kind::CorsMissing => Some(Operation::PutBucketCors),
        Kind::EventsOff => Some(Operation::PutBucketNotificationConfiguration),
        _ => None,
    }
}

/// What merely describes the bucket goes into the answer, not into a message; a pause is recalled daily.
fn worth_telling(finding: &Finding) -> bool {
    finding.severity > Severity::Info || finding.kind() == Kind::Paused
}
