//! Found out after the fact: a write of ours that fell upon another's change.
//!
//! Must never write anything: it gives people both documents and the command.

use crate::app::ports::{BucketReads, Clock, World, WriteLog};
use crate::app::reconcile::job::Job;
use crate::app::reconcile::report::Comparison;
use crate::app::reconcile::{Reconciler, VERIFY_WAITS};
use crate::incident::life::{Sighting, StoreResult};
use crate::model::aws::AwsResult;
use crate::model::change::{Change, Subject, Write};
use crate::model::contract::Contract;
use crate::model::evidence::{Evidence, LostUpdate};
use crate::model::finding::Finding;
use crate::model::s3::CorsRule;
use crate::policy::document::PolicyDocument;
use crate::repair::cors::assess_cors;
use crate::repair::history::Past;
use crate::repair::history::print::print;
use crate::repair::history::submitted::rules_json;
use crate::repair::observed::Observed;
use crate::repair::plan::{Step, unified_json};
use crate::repair::policy::conditional::Precedent;
use crate::repair::policy::{assess_policy, policy_with_ours};
use serde_json::{Map, Value, json};

impl<W: World> Reconciler<'_, W> {
    /// The changes of others that a write of ours may have undone, each with what is to be told. A change that only
    /// does not show yet is waited for.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn check_lost_updates(&self, job: Job<'_>) -> StoreResult<Comparison> {
        let bucket = job.contract.bucket.as_str();
        let now = self.clock.now();
        let past = self.store.past(bucket, now).await?;
        let mut compared = Comparison::default();
        if past.writes.is_empty() || past.changes.is_empty() {
            return Ok(compared);
        }
        for subject in Subject::ALL {
            if !past.writes.iter().any(|write| write.subject == subject) {
                continue;
            }
            let mut waits = VERIFY_WAITS.iter();
            loop {
                let current = match self.document(subject, bucket).await {
                    Ok(current) => current,
                    Err(error) => {
                        compared.unread.push(error);
                        break;
                    }
                };
                let current = print(subject, current.as_deref(), &self.config.darwin);
                let found = past.lost(subject, &current, now);
                if found.is_empty() {
                    break;
                }
                match waits.next() {
                    Some(wait) if self.has_time(job, *wait) => self.clock.pause(*wait).await,
                    _ => {
                        let told = found.iter().map(|(change, write)| self.lost_update(job.contract, change, write));
                        compared.lost.extend(told);
                        break;
                    }
                }
            }
        }
        Ok(compared)
    }

    async fn document(&self, subject: Subject, bucket: &str) -> AwsResult<Option<String>> {
        Ok(match subject {
            Subject::Policy => self.aws.policy(bucket).await?,
            Subject::Cors => self.aws.cors(bucket).await?.as_deref().map(rules_json),
            Subject::Notification => Some(self.aws.notifications(bucket).await?.document()),
        })
    }

    fn lost_update(&self, contract: &Contract, change: &Change, write: &Write) -> Sighting {
        let bucket = contract.bucket.as_str();
        let theirs = change.document.clone().unwrap_or_default();
        let (what, wanted) = match change.subject {
            Subject::Policy => ("policy", self.policy_with_ours(contract, change.document.as_deref())),
            Subject::Cors => ("CORS rules", self.rules_with_ours(change.document.as_deref())),
            Subject::Notification => ("notification", with_event_bridge(change.document.as_deref())),
        };
        let finding = Finding::of(Evidence::LostUpdate(LostUpdate {
            subject: change.subject,
            id: change.id.clone(),
            change: change.name.clone(),
            changed: change.time,
            begun: write.begun,
            difference: unified_json(&format!("{bucket}/{what}"), &theirs, &write.after),
            theirs,
            ours: write.after.clone(),
            wanted,
        }));
        let mut sighting = Sighting::of(bucket, finding);
        sighting.actor = Some(change.actor.clone());
        sighting.change = Some(change.name.clone());
        sighting
    }

    /// Their policy with our statement in it, where it lacks it.
    fn policy_with_ours(&self, contract: &Contract, theirs: Option<&str>) -> String {
        let (darwin, home) = (&self.config.darwin, self.home);
        let now = self.clock.now();
        let fresh =
            || assess_policy(None, contract, darwin, home, self.config.ceiling, now, Precedent::default()).proposed;
        let with_ours = |theirs: &str| policy_with_ours(&PolicyDocument::parse(theirs), contract, darwin, home);
        let wanted = theirs.map_or_else(fresh, with_ours);
        wanted.or_else(|| theirs.map(str::to_owned)).unwrap_or_default()
    }

    fn rules_with_ours(&self, theirs: Option<&str>) -> String {
        let rules: Vec<CorsRule> = theirs.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        rules_json(&assess_cors(Some(&rules), &self.config.darwin.origin).proposed.unwrap_or(rules))
    }

    /// A step as a write to be remembered.
    pub(super) fn as_write(&self, step: &Step) -> Write {
        let (subject, after) = match step {
            Step::PutBucketPolicy { after, .. } => (Subject::Policy, after.clone()),
            Step::PutBucketCors { after, .. } => (Subject::Cors, rules_json(after)),
            Step::EnableEventBridge { before } => (Subject::Notification, before.with_event_bridge().document()),
        };
        let print = print(subject, Some(&after), &self.config.darwin);
        let (begun, event) = (self.clock.now(), None);
        Write { subject, begun, done: None, read_at: None, made: false, after, print, event }
    }

    /// Whether a plan rests on a read that is older than a change which is known.
    pub(super) fn outdated(&self, past: &Past, observed: &Observed, steps: &[Step]) -> bool {
        let now = self.clock.now();
        let outdated =
            |subject, read: Option<&str>| past.outdates(subject, &print(subject, read, &self.config.darwin), now);
        steps.iter().any(|step| match step {
            Step::PutBucketPolicy { .. } => {
                outdated(Subject::Policy, observed.access.document().map(PolicyDocument::text))
            }
            Step::PutBucketCors { before, .. } => outdated(Subject::Cors, Some(&rules_json(before))),
            Step::EnableEventBridge { before } => outdated(Subject::Notification, Some(&before.document())),
        })
    }
}

/// Their notifications with EventBridge on.
fn with_event_bridge(theirs: Option<&str>) -> String {
    let mut document: Map<String, Value> = theirs.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    document.insert("EventBridgeConfiguration".to_owned(), json!({}));
    Value::Object(document).to_string()
}
