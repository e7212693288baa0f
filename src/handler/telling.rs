//! What of an invocation is told: findings gathered into sightings, and what was judged fine.
//!
//! Must never clear what was not judged: a bucket with an unread document clears nothing.

use super::Run;
use crate::alerts::Alerts;
use crate::answer::{ActionResult, Problem, Read};
use crate::event::ConfigChange;
use crate::finding::{Finding, Kind, Severity};
use crate::incident::{Clear, PendingWrite, SAMPLES, Scope, Sighting};
use crate::plan::object::JudgedObject;
use crate::ports::{BucketReads, BucketWrites, Clock, IncidentStore, Keys, Log, Objects, Topic};
use crate::reconcile::Reconciled;
use crate::remedy;
use crate::verdict::Decision;

/// Kinds that a reconciliation judges as a whole: what it does not find is fine.
const BUCKET_KINDS: &[Kind] = &[
    Kind::PolicyMissing,
    Kind::PolicyGutted,
    Kind::PolicyWidened,
    Kind::CorsMissing,
    Kind::EventsOff,
    Kind::ExplicitDeny,
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
const WRITE_KINDS: &[Kind] =
    &[Kind::RoleMissing, Kind::BlockPublicPolicy, Kind::WriteFailed, Kind::Contested, Kind::TableUnreachable];

/// What is to be told at the end of an invocation.
#[derive(Debug, Default)]
pub(super) struct Told {
    sightings: Vec<Sighting>,
    clears: Vec<Clear>,
    /// An audit or a judgement by hand: told to whoever asked, to nobody else.
    pub(super) silent: bool,
    /// Every bucket was looked at: reminders and what is owed are seen to as well.
    pub(super) sweep: bool,
}

impl Told {
    pub(super) fn clear(&mut self, clear: Clear) {
        self.clears.push(clear);
    }

    /// One judged object: counted under its cause, or passing for its key.
    pub(super) fn object(&mut self, judged: &JudgedObject, now_ms: u64) {
        let answer = &judged.answer;
        if let Some(finding) = &judged.finding {
            let mut sighting = Sighting::of(&answer.bucket, finding.clone());
            let fingerprint = sighting.fingerprint();
            match self.sightings.iter_mut().find(|held| held.fingerprint() == fingerprint) {
                Some(held) => {
                    held.count += 1;
                    if held.sample_keys.len() < SAMPLES && !held.sample_keys.contains(&answer.key) {
                        held.sample_keys.push(answer.key.clone());
                    }
                }
                None => {
                    sighting.sample_keys.push(answer.key.clone());
                    self.sightings.push(sighting);
                }
            }
        } else if let (Read::Allowed, Some(key)) = (answer.read, &answer.kms_key) {
            let held = self.clears.iter_mut().find_map(|clear| match &mut clear.scope {
                Scope::Passing(causes) if clear.bucket == answer.bucket => Some(causes),
                _ => None,
            });
            match held {
                Some(causes) if causes.contains(key) => {}
                Some(causes) => causes.push(key.clone()),
                None => self.clears.push(Clear {
                    bucket: answer.bucket.clone(),
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
                    && BUCKET_KINDS.contains(&sighting.finding.kind)
            });
        if explained {
            self.sightings.retain(|sighting| sighting.bucket != bucket || sighting.finding.kind != Kind::ObjectDenied);
        }
    }

    /// A reconciled bucket: its drifts with what was done, its findings, and everything else of it as fine.
    pub(super) fn bucket(&mut self, reconciled: &Reconciled, change: Option<&ConfigChange>, now_ms: u64) {
        let answer = &reconciled.answer;
        // The holder of the lease tells.
        if reconciled.busy {
            return;
        }
        let repaired = answer.verified == Some(true) && answer.actions.iter().all(|action| action.result == ActionResult::Done);
        let mut seen: Vec<Kind> = Vec::new();
        let findings = answer.findings.iter().filter(|finding| worth_telling(finding));
        for finding in answer.drifts.iter().chain(findings) {
            seen.push(finding.kind);
            let mut sighting = Sighting::of(&answer.bucket, finding.clone());
            sighting.actor = change.map(|change| change.actor.clone());
            sighting.change = change.map(|change| change.name.clone());
            if finding.kind.is_drift() {
                sighting.did.clone_from(&answer.actions);
                sighting.diff.clone_from(&answer.plan);
            }
            self.sightings.push(sighting);
        }
        if !reconciled.complete {
            return;
        }
        let mut fine: Vec<Kind> = BUCKET_KINDS.to_vec();
        if answer.drifts.is_empty() || repaired {
            fine.extend_from_slice(WRITE_KINDS);
        }
        if answer.read == Decision::Allowed && !seen.contains(&Kind::ExplicitDeny) {
            fine.push(Kind::ObjectDenied);
        }
        self.clears.push(Clear {
            bucket: answer.bucket.clone(),
            scope: Scope::Kinds(fine),
            judged_ms: now_ms,
            because: "the bucket's configuration was read again, and this is no longer so".to_owned(),
        });
    }

    pub(super) fn no_config_events(&mut self, bucket: &str, write: &PendingWrite) {
        let finding = Finding {
            kind: Kind::NoConfigEvents,
            severity: Severity::Warning,
            because: vec![format!(
                "the guard's own `{}` never came back as a CloudTrail event: changes of the bucket's configuration are seen by the schedule only",
                write.operation
            )],
            depends_on: Vec::new(),
            remedy: remedy::no_config_events(),
            cause: Kind::NoConfigEvents.name().to_owned(),
        };
        self.sightings.push(Sighting::of(bucket, finding));
    }
}

/// What merely describes the bucket goes into the answer, not into a message; a pause is recalled daily.
fn worth_telling(finding: &Finding) -> bool {
    finding.severity > Severity::Info || finding.kind == Kind::Paused
}

impl<A, S, T, C, L> Run<'_, A, S, T, C, L>
where
    A: Objects + BucketReads + BucketWrites + Keys,
    S: IncidentStore,
    T: Topic,
    C: Clock,
    L: Log,
{
    fn alerts(&self) -> Alerts<'_, S, T, C, L> {
        let guard = self.guard;
        Alerts::new(&guard.store, guard.topic.as_ref(), &guard.clock, &guard.log)
    }

    /// Tells what was gathered. A message that could not be sent fails every item, so that it is sent later.
    pub(super) async fn tell(&mut self) {
        if self.told.silent {
            return;
        }
        let sightings = std::mem::take(&mut self.told.sightings);
        let clears = std::mem::take(&mut self.told.clears);
        let mut problems = self.alerts().tell(sightings, clears).await;
        if self.told.sweep {
            for contract in &self.guard.config.contracts {
                problems.extend(self.alerts().owed(&contract.bucket).await);
            }
        }
        for problem in problems {
            self.fail_all(problem);
        }
    }

    fn fail_all(&mut self, problem: Problem) {
        if problem.retryable {
            for state in &mut self.items {
                state.failed = true;
            }
        }
        self.answer.problems.push(problem);
    }

    pub(super) async fn subscription_finding(&self) -> Option<Finding> {
        self.alerts().subscription_finding().await
    }

    pub(super) async fn test_alert(&mut self, index: usize, dry_run: bool) {
        if dry_run || self.call.dry_run {
            self.remark("test-alert".to_owned(), "a dry run".to_owned(), "a message to send");
            return;
        }
        if let Some(problem) = self.alerts().test_alert().await {
            self.problem(index, problem);
        }
    }
}
