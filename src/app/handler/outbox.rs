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
use crate::model::verdict::Decision;
use crate::repair::history::REMEMBER_MS;

/// Kinds that a reconciliation judges as a whole: what it does not find is fine.
pub(super) const BUCKET_KINDS: &[Kind] = &[
    Kind::PolicyMissing,
    Kind::PolicyGutted,
    Kind::PolicyWidened,
    Kind::CorsMissing,
    Kind::EventsOff,
    Kind::ExplicitDeny,
    Kind::PartDenied,
    Kind::PublicBlock,
    Kind::RequesterPays,
    Kind::DefaultEncryption,
    Kind::AliasEncryption,
    Kind::BucketNameDot,
    Kind::PolicyLimit,
    Kind::CorsLimit,
    Kind::PolicyUnreadable,
    Kind::DeadPrincipal,
    Kind::ConditionOnOurs,
    Kind::WiderThanContract,
    Kind::SidTaken,
    Kind::WrongOwner,
    Kind::WrongRegion,
    Kind::NoSuchBucket,
    Kind::Paused,
    Kind::NoObjectEvents,
];

/// Kinds that are about a write which the bucket no longer needs once there is no drift.
pub(super) const WRITE_KINDS: &[Kind] =
    &[Kind::RoleMissing, Kind::BlockPublicPolicy, Kind::WriteFailed, Kind::Contested, Kind::TableUnreachable];

/// Kinds that are about the bucket as a whole, or about single objects and their keys.
pub(super) const EITHER_KINDS: &[Kind] = &[Kind::AccessUncertain, Kind::ObjectOwnership];

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
    pub(super) fn object(&mut self, index: usize, judged: &JudgedObject, now_ms: u64) {
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
                None => self.clears.push(Clear {
                    bucket: judged.bucket.clone(),
                    scope: Scope::Passing(vec![key.clone()]),
                    judged_ms: now_ms,
                    shown_by: Ending::NewObjects,
                    actor: None,
                    change: None,
                }),
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
    pub(super) fn bucket(&mut self, indexes: &[usize], reconciled: &BucketReport, by: Option<By<'_>>, now_ms: u64) {
        let answer = reconciled;
        for sighting in &reconciled.lost {
            self.sighted(indexes, sighting.clone());
        }
        if reconciled.compared {
            // The day of what was forgotten is over.
            let a_day_ago = now_ms.saturating_sub(REMEMBER_MS);
            let aged = [Kind::HistoryFull, Kind::KnownKeysFull, Kind::StateUnreadable].map(|kind| (kind, a_day_ago));
            for (kind, judged_ms) in [(Kind::LostUpdate, now_ms)].into_iter().chain(aged) {
                let by = by.filter(|_| kind == Kind::LostUpdate);
                self.clears.push(Clear {
                    bucket: answer.bucket.clone(),
                    scope: Scope::Kinds(vec![kind]),
                    judged_ms,
                    shown_by: if kind == Kind::LostUpdate { Ending::Settled } else { Ending::Aged },
                    actor: by.map(|by| by.actor.clone()),
                    change: by.map(|by| by.name.to_owned()),
                });
            }
        }
        // The holder of the lease tells.
        if reconciled.busy {
            return;
        }
        let repaired =
            answer.verified == Some(true) && answer.actions.iter().all(|action| action.result == ActionResult::Done);
        let mut seen: Vec<Kind> = Vec::new();
        let findings = answer.findings.iter().filter(|finding| worth_telling(finding));
        for finding in answer.drifts.iter().chain(findings) {
            seen.push(finding.kind());
            let mut sighting = Sighting::of(&answer.bucket, finding.clone());
            sighting.read = Some(answer.read);
            if let Some(by) = by.filter(|by| by.may_have_caused(finding)) {
                sighting.actor = Some(by.actor.clone());
                sighting.change = Some(by.name.to_owned());
            }
            if finding.kind().is_drift() {
                sighting.did.clone_from(&answer.actions);
                sighting.mended = repaired && !answer.actions.is_empty();
                sighting.diff = answer.plan();
            }
            self.sighted(indexes, sighting);
        }
        if !reconciled.complete {
            return;
        }
        let left = |kind: &Kind| restored_by(*kind).is_none_or(|document| answer.fulfilled.contains(&document));
        let mut fine: Vec<Kind> = BUCKET_KINDS.iter().copied().filter(left).collect();
        let mut whole: Vec<Kind> = EITHER_KINDS.to_vec();
        let mut written: Vec<Kind> = Vec::new();
        if answer.drifts.is_empty() || repaired {
            written.extend_from_slice(WRITE_KINDS);
            whole.push(Kind::GuardDenied);
        }
        let denied = [Kind::ExplicitDeny, Kind::PartDenied].iter().any(|kind| seen.contains(kind));
        if answer.read == Decision::Allowed && !denied {
            fine.push(Kind::ObjectDenied);
        }
        // What a repair made needless was ended by the repair; everything else by whoever changed the bucket.
        let by_repair = if answer.actions.is_empty() { Ending::Configuration } else { Ending::Repaired };
        for (scope, shown_by) in [
            (Scope::Kinds(fine), Ending::Configuration),
            (Scope::Whole(whole), Ending::Configuration),
            (Scope::Kinds(written), by_repair),
        ] {
            let by = by.filter(|_| shown_by != Ending::Repaired);
            self.clears.push(Clear {
                bucket: answer.bucket.clone(),
                scope,
                judged_ms: now_ms,
                shown_by,
                actor: by.map(|by| by.actor.clone()),
                change: by.map(|by| by.name.to_owned()),
            });
        }
    }

    /// The event of a write of ours has come: there is a trail, and EventBridge has it.
    pub(super) fn config_events_come(&mut self, bucket: &str, now_ms: u64) {
        self.clears.push(Clear {
            bucket: bucket.to_owned(),
            scope: Scope::Kinds(vec![Kind::NoConfigEvents]),
            judged_ms: now_ms,
            shown_by: Ending::Trail,
            actor: None,
            change: None,
        });
    }

    /// Changes had to be forgotten that a write of ours may have undone.
    pub(super) fn history_full(&mut self, index: usize, bucket: &str, forgotten: usize) {
        self.sighted(&[index], Sighting::of(bucket, Finding::of(Evidence::HistoryFull { forgotten })));
    }

    /// An object of a known key that was judged again: what its key does to it, unless its incident was just seen to be
    /// still so.
    pub(super) fn known_key(&mut self, index: usize, judged: &JudgedObject, change: Option<&KeyChange>, now_ms: u64) {
        let Some(finding) = judged.finding.as_ref().filter(|finding| matches!(finding.evidence, Evidence::Key(_)))
        else {
            return;
        };
        let fingerprint = Fingerprint::of(&judged.bucket, finding);
        if self.still.iter().any(|(bucket, still)| *bucket == judged.bucket && *still == fingerprint) {
            return;
        }
        self.object(index, judged, now_ms);
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

/// Whether a bucket's finding explains that its objects are denied.
pub(super) fn explains_objects(finding: &Finding) -> bool {
    finding.severity == Severity::Critical && BUCKET_KINDS.contains(&finding.kind())
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
