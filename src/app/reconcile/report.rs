//! What one reconciliation found and did, gathered round by round into the answer.
//!
//! Must never drop a finding of an earlier round that a later one did not judge.

use crate::app::alerts::table_unreachable;
use crate::app::config::Config;
use crate::app::reconcile::job::Job;
use crate::incident::life::{Sighting, StoreError};
use crate::model::aws::{AwsError, Operation};
use crate::model::contract::Home;
use crate::model::evidence::Evidence;
use crate::model::finding::{Finding, Kind};
use crate::model::outcome::{Action, ActionResult, CorsState, Problem, Refusal};
use crate::model::verdict::Decision;
use crate::repair::assess::{Assessment, Pause};
use crate::repair::gates::out_of_reach;
use crate::repair::observed::Observed;
use crate::repair::plan::Step;
use crate::report::answer::BucketAnswer;
use crate::report::finding::all;
use std::collections::BTreeSet;

/// Others' changes and our writes side by side.
#[derive(Debug, Default)]
pub struct Comparison {
    /// What a write of ours may have undone.
    pub lost: Vec<Sighting>,
    /// Why a document could not be compared: then nothing is known to be fine.
    pub unread: Vec<AwsError>,
}

/// The outcome of reconciling one bucket.
#[derive(Debug, Clone)]
pub struct BucketReport {
    pub bucket: String,
    pub read: Decision,
    /// None for a read-only contract.
    pub write: Option<Decision>,
    /// None where it could not be read.
    pub cors: Option<CorsState>,
    pub drifts: Vec<Finding>,
    pub findings: Vec<Finding>,
    pub actions: Vec<Action>,
    /// Whether the writes showed when read again; none where nothing was written.
    pub verified: Option<bool>,
    pub problems: Vec<Problem>,
    /// The key that new objects are under, as far as the bucket names one.
    pub default_key: Option<String>,
    /// Another function holds the bucket and has been told to look again.
    pub busy: bool,
    /// Every document was read: what is not among the findings is fine.
    pub complete: bool,
    /// The documents that were read and fulfil the contract, by the call that writes them.
    pub fulfilled: Vec<Operation>,
    /// The Allows of the policy, by digest, if they give what the contract wants.
    pub allows: Option<BTreeSet<String>>,
    /// Others' changes that a write of ours may have undone.
    pub lost: Vec<Sighting>,
    /// That was looked into, and every document read for it: no other change is lost.
    pub compared: bool,
    /// Ours to keep while rounds go on: what the guard itself found while acting.
    own: Vec<Finding>,
    diffs: Vec<String>,
}

impl BucketReport {
    pub(super) fn new(job: Job<'_>, observed: &Observed, assessment: &Assessment) -> Self {
        let mut report = Self {
            bucket: job.contract.bucket.clone(),
            read: assessment.read.decision,
            write: None,
            cors: None,
            drifts: Vec::new(),
            findings: Vec::new(),
            actions: Vec::new(),
            verified: None,
            problems: Vec::new(),
            default_key: None,
            busy: false,
            complete: false,
            fulfilled: Vec::new(),
            allows: None,
            lost: Vec::new(),
            compared: false,
            own: Vec::new(),
            diffs: Vec::new(),
        };
        report.looked(observed, assessment);
        report
    }

    /// Unified diff of what was or would be written; none when there is nothing to write.
    pub fn plan(&self) -> Option<String> {
        (!self.diffs.is_empty()).then(|| self.diffs.join("\n"))
    }

    /// The same in words.
    pub fn answer(&self, home: &Home) -> BucketAnswer {
        BucketAnswer {
            bucket: self.bucket.clone(),
            read: self.read,
            write: self.write,
            cors: self.cors,
            drifts: all(&self.drifts, &self.bucket, home),
            findings: all(&self.findings, &self.bucket, home),
            actions: self.actions.clone(),
            plan: self.plan(),
            verified: self.verified,
            activation: None,
        }
    }

    /// Takes over what the newest look says. Drifts are kept: they were found, whatever became of them.
    pub(super) fn looked(&mut self, observed: &Observed, assessment: &Assessment) {
        self.read = assessment.read.decision;
        self.write = assessment.write.as_ref().map(|write| write.decision);
        self.cors = assessment.cors;
        self.default_key = observed.default_key.as_ref().map(|key| key.arn().to_owned());
        self.fulfilled.clone_from(&assessment.fulfilled);
        self.allows.clone_from(&assessment.allows);
        for drift in &assessment.drifts {
            if !self.drifts.iter().any(|held| held.kind() == drift.kind()) {
                self.drifts.push(drift.clone());
            }
        }
        if let Some(diff) = assessment.plan.diff(&self.bucket)
            && !self.diffs.contains(&diff)
        {
            self.diffs.push(diff);
        }
        self.findings.clone_from(&assessment.findings);
        // Tags that the next try may read are no reason for a message; nothing is written all the same.
        let passing = observed.tags.as_ref().is_err_and(AwsError::retryable);
        if !passing && !out_of_reach(&assessment.findings) {
            self.findings.extend(paused(&assessment.pause));
        }
        let errors = observed.failures();
        self.complete = errors.is_empty();
        self.problems.retain(|problem| !problem.at.starts_with("read of "));
        for error in errors.into_iter().filter(|error| error.retryable()) {
            let at = format!("read of `{}`", self.bucket);
            let want = format!("an answer to {}", error.operation);
            self.problems.push(Problem { at, saw: error.to_string(), want, retryable: true });
        }
        self.lay_out();
    }

    fn lay_out(&mut self) {
        for finding in &self.own {
            if !self.findings.contains(finding) {
                self.findings.push(finding.clone());
            }
        }
        let listed = self.findings.iter().chain(&self.drifts).all(Finding::is_listed);
        debug_assert!(listed, "a severity that the docs don't give: {:?} {:?}", self.findings, self.drifts);
    }

    /// Writes that were made, or that failed and may have been: what was verified before them is so no longer.
    pub(super) fn acted(&mut self, steps: &[Step], result: ActionResult) {
        self.verified = self.verified.map(|_| false);
        let action = |step: &Step| Action { operation: step.operation(), result, refused_by: None };
        self.actions.extend(steps.iter().map(action));
    }

    pub(super) fn refused(&mut self, steps: &[Step], by: Refusal) {
        let result = ActionResult::Refused;
        let action = |step: &Step| Action { operation: step.operation(), result, refused_by: Some(by) };
        self.actions.extend(steps.iter().map(action));
    }

    /// Whether a write was made, or may have been.
    pub(super) fn has_written(&self) -> bool {
        self.actions.iter().any(|action| matches!(action.result, ActionResult::Done | ActionResult::Failed))
    }

    /// Whether all that was written is there, and fulfils the contract, by a look after the writes.
    pub(super) fn verify(&mut self, assessment: &Assessment) {
        let fulfilled = |action: &&Action| assessment.fulfilled.contains(&action.operation);
        let written: Vec<&Action> = self.actions.iter().filter(|action| action.result == ActionResult::Done).collect();
        if !written.is_empty() {
            self.verified = Some(written.iter().all(fulfilled));
        }
    }

    fn own(&mut self, finding: Finding) {
        self.own.push(finding);
        self.lay_out();
    }

    pub(super) fn problem(&mut self, saw: &str, want: &str) {
        let at = format!("bucket `{}`", self.bucket);
        self.problems.push(Problem { at, saw: saw.to_owned(), want: want.to_owned(), retryable: true });
    }

    pub(super) fn compared(&mut self, comparison: Comparison) {
        self.compared = comparison.unread.is_empty();
        self.lost = comparison.lost;
        for error in comparison.unread.iter().filter(|error| error.retryable()) {
            self.problem(&error.to_string(), "a document to compare with others' changes");
        }
    }

    pub(super) fn failed(&mut self, finding: Finding, error: &AwsError) {
        if error.retryable() {
            self.problem(&error.to_string(), "an answer");
        }
        self.own(finding);
    }

    /// Without the table nothing is written. What may pass by itself is tried again as well as told.
    pub(super) fn table_unreachable(&mut self, error: &StoreError, steps: &[Step]) {
        self.refused(steps, Refusal::Table);
        if error.retryable() {
            self.problem(&error.to_string(), "the incident table answers");
        }
        if !self.own.iter().any(|finding| finding.kind() == Kind::TableUnreachable) {
            self.own(table_unreachable(error));
        }
    }

    pub(super) fn contested(&mut self, job: Job<'_>, config: &Config, steps: &[Step]) {
        self.refused(steps, Refusal::Contest);
        self.own(Finding::of(Evidence::Contested {
            actor: job.actor.cloned(),
            limit: config.contested_limit,
            window_s: config.contested_window.as_secs(),
        }));
    }
}

fn paused(pause: &Pause) -> Option<Finding> {
    let unreadable = match pause {
        Pause::Running => return None,
        Pause::Paused => None,
        Pause::Unreadable(call) => Some(call.clone()),
    };
    Some(Finding::of(Evidence::Paused { unreadable }))
}
