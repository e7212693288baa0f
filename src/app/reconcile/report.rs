//! What one reconciliation found and did, gathered round by round into the answer.
//!
//! Must never drop a finding of an earlier round that a later one did not judge.

use crate::app::alerts::table_unreachable;
use crate::app::config::Config;
use crate::app::reconcile::job::Job;
use crate::incident::life::{Sighting, StoreError};
use crate::model::aws::AwsError;
use crate::model::contract::Home;
use crate::model::finding::{Finding, Kind, Severity};
use crate::model::outcome::{Action, ActionResult, Problem};
use crate::repair::assess::{Assessment, Pause};
use crate::repair::gates::out_of_reach;
use crate::repair::observed::Observed;
use crate::repair::plan::Step;
use crate::report::answer::BucketAnswer;
use crate::report::remedy;

/// The outcome of reconciling one bucket.
#[derive(Debug, Clone)]
pub struct Reconciled {
    pub answer: BucketAnswer,
    pub problems: Vec<Problem>,
    /// Another function holds the bucket and has been told to look again.
    pub busy: bool,
    /// Every document was read: what is not among the findings is fine.
    pub complete: bool,
    /// Others' changes that a write of ours may have undone; None where it was not looked into.
    pub lost: Option<Vec<Sighting>>,
    /// Ours to keep while rounds go on: what the guard itself found while acting.
    own: Vec<Finding>,
    diffs: Vec<String>,
    home: Home,
}

impl Reconciled {
    pub(super) fn new(job: Job<'_>, home: &Home, observed: &Observed, assessment: &Assessment) -> Self {
        let mut report = Self {
            answer: BucketAnswer {
                bucket: job.contract.bucket.clone(),
                read: assessment.read.decision,
                write: None,
                cors: None,
                drifts: Vec::new(),
                findings: Vec::new(),
                actions: Vec::new(),
                plan: None,
                verified: None,
            },
            problems: Vec::new(),
            busy: false,
            complete: false,
            lost: None,
            own: Vec::new(),
            diffs: Vec::new(),
            home: home.clone(),
        };
        report.looked(observed, assessment);
        report
    }

    /// Takes over what the newest look says. Drifts are kept: they were found, whatever became of them.
    pub(super) fn looked(&mut self, observed: &Observed, assessment: &Assessment) {
        self.answer.read = assessment.read.decision;
        self.answer.write = assessment.write.as_ref().map(|write| write.decision);
        self.answer.cors = assessment.cors;
        for drift in &assessment.drifts {
            if !self.answer.drifts.iter().any(|held| held.kind == drift.kind) {
                self.answer.drifts.push(drift.clone());
            }
        }
        if let Some(diff) = assessment.plan.diff(&self.answer.bucket)
            && !self.diffs.contains(&diff)
        {
            self.diffs.push(diff);
        }
        self.answer.findings.clone_from(&assessment.findings);
        // Tags that the next try may read are no reason for a message; nothing is written all the same.
        let passing = observed.tags.as_ref().is_err_and(AwsError::retryable);
        if !passing && !out_of_reach(&assessment.findings) {
            self.answer.findings.extend(paused(&self.answer.bucket, &assessment.pause, &self.home));
        }
        let errors = observed.failures();
        self.complete = errors.is_empty();
        self.problems.retain(|problem| !problem.at.starts_with("read of "));
        for error in errors.into_iter().filter(|error| error.retryable()) {
            let at = format!("read of `{}`", self.answer.bucket);
            let want = format!("an answer to {}", error.operation);
            self.problems.push(Problem { at, saw: error.to_string(), want, retryable: true });
        }
        self.lay_out();
    }

    fn lay_out(&mut self) {
        for finding in &self.own {
            if !self.answer.findings.contains(finding) {
                self.answer.findings.push(finding.clone());
            }
        }
        let listed = self.answer.findings.iter().chain(&self.answer.drifts).all(Finding::is_listed);
        debug_assert!(
            listed,
            "a severity that the docs don't give: {:?} {:?}",
            self.answer.findings, self.answer.drifts
        );
        self.answer.plan = (!self.diffs.is_empty()).then(|| self.diffs.join("\n"));
    }

    pub(super) fn acted(&mut self, steps: &[Step], result: ActionResult) {
        self.answer.actions.extend(steps.iter().map(|step| Action { operation: step.operation().to_string(), result }));
    }

    /// Whether a write was made, or may have been.
    pub(super) fn has_written(&self) -> bool {
        self.answer.actions.iter().any(|action| matches!(action.result, ActionResult::Done | ActionResult::Failed))
    }

    pub(super) fn verified(&mut self, shown: bool) {
        self.answer.verified = Some(shown);
    }

    fn own(&mut self, finding: Finding) {
        self.own.push(finding);
        self.lay_out();
    }

    pub(super) fn problem(&mut self, saw: &str, want: &str) {
        let at = format!("bucket `{}`", self.answer.bucket);
        self.problems.push(Problem { at, saw: saw.to_owned(), want: want.to_owned(), retryable: true });
    }

    pub(super) fn failed(&mut self, finding: Finding, error: &AwsError) {
        if error.retryable() {
            self.problem(&error.to_string(), "an answer");
        }
        self.own(finding);
    }

    /// Without the table nothing is written. What may pass by itself is tried again as well as told.
    pub(super) fn table_unreachable(&mut self, error: &StoreError, steps: &[Step]) {
        self.acted(steps, ActionResult::Refused);
        if error.retryable() {
            self.problem(&error.to_string(), "the incident table answers");
        }
        if !self.own.iter().any(|finding| finding.kind == Kind::TableUnreachable) {
            self.own(table_unreachable(error));
        }
    }

    pub(super) fn contested(&mut self, job: Job<'_>, config: &Config, steps: &[Step]) {
        self.acted(steps, ActionResult::Refused);
        let who = job.actor.and_then(|actor| actor.arn.clone()).unwrap_or_else(|| "somebody".to_owned());
        let detail: String = job.actor.map_or_else(String::new, |actor| {
            let seen = [("from", &actor.source_ip), ("with", &actor.user_agent), ("at", &actor.time)];
            let words =
                seen.into_iter().filter_map(|(word, value)| value.as_ref().map(|value| format!(" {word} {value}")));
            words.collect()
        });
        self.own(Finding {
            kind: Kind::Contested,
            severity: Severity::Critical,
            because: vec![
                format!("{who} keeps undoing the repair{detail}"),
                format!(
                    "{} repairs within {} s: the guard stops until it is quiet, or until a manual repair",
                    config.contested_limit, config.contested_window_s
                ),
            ],
            depends_on: Vec::new(),
            remedy: remedy::contested(&job.contract.bucket, job.actor.and_then(|actor| actor.arn.as_deref())),
            cause: Kind::Contested.name().to_owned(),
        });
    }
}

fn paused(bucket: &str, pause: &Pause, home: &Home) -> Option<Finding> {
    let because = match pause {
        Pause::Running => return None,
        Pause::Paused => "the tag `darwin-guard = paused` is set: the guard only tells".to_owned(),
        Pause::Unreadable(saw) => format!("the bucket's tags can't be read, which counts as paused: {saw}"),
    };
    Some(Finding {
        kind: Kind::Paused,
        severity: Severity::Info,
        because: vec![because],
        depends_on: Vec::new(),
        remedy: remedy::paused(bucket, home),
        cause: Kind::Paused.name().to_owned(),
    })
}
