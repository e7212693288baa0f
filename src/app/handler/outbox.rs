//! What one invocation has to report: gathered here, sent once at its end.

use crate::app::reconcile::report::BucketReport;
use crate::event::trigger::ConfigChange;
use crate::incident::life::{Clear, PendingWrite, SAMPLES, Scope, Sighting};
use crate::judge::object::JudgedObject;
use crate::model::aws::Operation;
use crate::model::evidence::Evidence;
use crate::model::finding::{Finding, Kind, Severity};
use crate::model::outcome::{ActionResult, Read};
use crate::model::verdict::Decision;

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

/// What messages are about, at the end of an invocation.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    pub sightings: Vec<Sighting>,
    /// The items that each sighting came from, by its index.
    pub sources: Vec<Vec<usize>>,
    pub clears: Vec<Clear>,
    /// An audit or a judgement by hand: told to whoever asked, to nobody else.
    pub silent: bool,
    /// Every bucket was looked at: reminders and what is owed are seen to as well.
    pub sweep: bool,
}

impl Outbox {
    pub(super) fn sighted(&mut self, index: Option<usize>, sighting: Sighting) {
        debug_assert!(sighting.finding.is_listed(), "a severity that the docs don't give: {:?}", sighting.finding);
        self.sightings.push(sighting);
        self.sources.push(index.into_iter().collect());
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
                self.sighted(Some(index), sighting);
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
                    because: "new objects under the key can be read".to_owned(),
                }),
            }
        }
    }

    /// An object denied by the bucket is explained by the bucket's own finding, if it has one; without a look at the
    /// bucket in this invocation, somebody had one within the last minute.
    pub(super) fn explained_by_bucket(&mut self, bucket: &str, looked: bool) {
        let explained = !looked
            || self.sightings.iter().any(|sighting| {
                sighting.bucket == bucket
                    && sighting.finding.severity == Severity::Critical
                    && BUCKET_KINDS.contains(&sighting.finding.kind())
            });
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
    pub(super) fn bucket(
        &mut self,
        index: Option<usize>,
        reconciled: &BucketReport,
        change: Option<&ConfigChange>,
        now_ms: u64,
    ) {
        let answer = reconciled;
        for sighting in &reconciled.lost {
            self.sighted(index, sighting.clone());
        }
        if reconciled.compared {
            self.clears.push(Clear {
                bucket: answer.bucket.clone(),
                scope: Scope::Kinds(vec![Kind::LostUpdate]),
                judged_ms: now_ms,
                because: "what stands now holds the change, or a day has passed since".to_owned(),
            });
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
            sighting.actor = change.map(|change| change.actor.clone());
            sighting.change = change.map(|change| change.name.clone());
            if finding.kind().is_drift() {
                sighting.did.clone_from(&answer.actions);
                sighting.mended = repaired && !answer.actions.is_empty();
                sighting.diff = answer.plan();
            }
            self.sighted(index, sighting);
        }
        if !reconciled.complete {
            return;
        }
        let left = |kind: &Kind| restored_by(*kind).is_none_or(|document| answer.fulfilled.contains(&document));
        let mut fine: Vec<Kind> = BUCKET_KINDS.iter().copied().filter(left).collect();
        let mut whole: Vec<Kind> = EITHER_KINDS.to_vec();
        if answer.drifts.is_empty() || repaired {
            fine.extend_from_slice(WRITE_KINDS);
            whole.push(Kind::GuardDenied);
        }
        let denied = [Kind::ExplicitDeny, Kind::PartDenied].iter().any(|kind| seen.contains(kind));
        if answer.read == Decision::Allowed && !denied {
            fine.push(Kind::ObjectDenied);
        }
        for scope in [Scope::Kinds(fine), Scope::Whole(whole)] {
            self.clears.push(Clear {
                bucket: answer.bucket.clone(),
                scope,
                judged_ms: now_ms,
                because: "the bucket's configuration was read again, and this is no longer so".to_owned(),
            });
        }
    }

    /// The event of a write of ours has come: there is a trail, and EventBridge has it.
    pub(super) fn config_events_come(&mut self, bucket: &str, now_ms: u64) {
        self.clears.push(Clear {
            bucket: bucket.to_owned(),
            scope: Scope::Kinds(vec![Kind::NoConfigEvents]),
            judged_ms: now_ms,
            because: "the event of one of the guard's own writes has come".to_owned(),
        });
    }

    pub(super) fn no_config_events(&mut self, bucket: &str, write: &PendingWrite) {
        let finding = Finding::of(Evidence::NoConfigEvents { operation: write.operation.clone() });
        self.sighted(None, Sighting::of(bucket, finding));
    }
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
