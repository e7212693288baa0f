//! What a person asks for by direct invocation: audit, repair, judge, test-alert, known-keys, acknowledge.
//!
//! Must never write or publish for `audit` and `judge`.

use crate::app::handler::Run;
use crate::app::objects::{Outcome, Target, judge_all};
use crate::app::ports::{Clock, World};
use crate::app::reconcile::job::{Job, Permit};
use crate::event::trigger::{Manual, ManualAction};
use crate::incident::fingerprint::Fingerprint;
use crate::incident::life::{Incident, StoreResult};
use crate::judge::key::{KeyQuestion, judge_key};
use crate::model::aws::AwsError;
use crate::model::contract::Contract;
use crate::model::evidence::{Evidence, Purpose};
use crate::model::finding::Finding;
use crate::model::outcome::{Problem, Read};
use crate::report::activation::{is_ready, of_all, of_bucket};
use crate::report::answer::ObjectAnswer;
use crate::report::finding::words;
use crate::report::reason::sentences;
use futures_util::stream::{self, StreamExt};
use std::time::Duration;

/// A function is allowed 20 buckets: each is some ten reads.
const BUCKETS_AT_ONCE: usize = 20;

const DAY: Duration = Duration::from_hours(24);

impl<W: World> Run<'_, W> {
    pub(super) async fn manual(&mut self, index: usize, manual: &Manual) {
        let contracts: Vec<Contract> = match &manual.bucket {
            None => self.guard.config.contracts.clone(),
            Some(bucket) => {
                let Some(contract) = self.contract(bucket) else {
                    let saw = format!("the bucket `{bucket}`");
                    let want = "a guarded bucket".to_owned();
                    self.problem(index, Problem { at: "bucket".to_owned(), saw, want, retryable: false });
                    return;
                };
                vec![contract.clone()]
            }
        };
        match manual.action {
            ManualAction::Audit => self.audit(&contracts).await,
            ManualAction::Repair => self.repair(index, &contracts, manual.dry_run).await,
            ManualAction::Judge => self.judge(index, &contracts, manual).await,
            ManualAction::TestAlert => self.test_alert(index, manual.dry_run).await,
            ManualAction::Acknowledge => self.acknowledge(index, &contracts, manual).await,
            ManualAction::KnownKeys => {
                for contract in &contracts {
                    self.hand_over_keys(index, contract, &manual.keys, manual.dry_run).await;
                }
            }
        }
    }

    async fn audit(&mut self, contracts: &[Contract]) {
        self.outbox.silent = true;
        let audits = contracts.iter().map(|contract| self.reconcile(self.by_hand(contract, Permit::Audit)));
        let audited: Vec<_> = stream::iter(audits).buffered(BUCKETS_AT_ONCE).collect().await;
        for reconciled in audited {
            self.answer.buckets.push(reconciled.answer(&self.home));
            self.answer.problems.extend(reconciled.problems);
        }
        self.remembered(contracts).await;
        let context = self.context();
        let subscription = self.alerts(&context).subscription_finding().await;
        let finding = subscription.unwrap_or_else(|error| {
            let want = format!("an answer to {}", error.operation);
            self.answer.problems.push(Problem {
                at: "topic".to_owned(),
                saw: error.to_string(),
                want,
                retryable: error.retryable(),
            });
            None
        });
        if let Some(finding) = finding {
            for bucket in &mut self.answer.buckets {
                bucket.findings.push(words(&finding, &bucket.bucket, &self.home));
            }
        }
        let team = self.guard.config.darwin.team.as_deref();
        for (bucket, contract) in self.answer.buckets.iter_mut().zip(contracts) {
            bucket.activation = is_ready(bucket).then(|| of_bucket(contract, team, &self.home));
        }
        self.answer.activation = of_all(&self.answer.buckets);
    }

    /// For an audit, what the table knows of the buckets: that objects were never scanned, and what is acknowledged.
    async fn remembered(&mut self, contracts: &[Contract]) {
        let asked = contracts.iter().map(|contract| async {
            futures_util::join!(self.never_scanned(&contract.bucket), self.acknowledged(&contract.bucket))
        });
        let found: Vec<_> = stream::iter(asked).buffered(BUCKETS_AT_ONCE).collect().await;
        let mut failed = None;
        for (answer, (never_scanned, acknowledged)) in self.answer.buckets.iter_mut().zip(found) {
            for findings in [never_scanned, acknowledged] {
                match findings {
                    Ok(findings) => {
                        answer.findings.extend(findings.iter().map(|one| words(one, &answer.bucket, &self.home)));
                    }
                    Err(error) => failed = Some((answer.bucket.clone(), error)),
                }
            }
        }
        if let Some((bucket, error)) = failed {
            self.remark(format!("bucket `{bucket}`"), error.to_string(), "the incident table");
        }
    }

    async fn acknowledged(&self, bucket: &str) -> StoreResult<Vec<Finding>> {
        let context = self.context();
        let (open, failed) = self.alerts(&context).open(bucket).await;
        let now = self.guard.clock.now();
        let acknowledged = |incident: Incident| {
            let until = incident.quiet_until.filter(|until| now < *until && incident.healed.is_none())?;
            let (incident, of) = (incident.fingerprint.to_string(), incident.report.finding.kind().name().to_owned());
            Some(Finding::of(Evidence::Acknowledged { incident, of, until }))
        };
        match failed {
            Some(error) => Err(error),
            None => Ok(open.into_iter().filter_map(acknowledged).collect()),
        }
    }

    /// No reminders of an incident for so many days.
    async fn acknowledge(&mut self, index: usize, contracts: &[Contract], manual: &Manual) {
        let (Some(name), Some(days)) = (&manual.incident, manual.days) else { return };
        let fingerprint = Fingerprint::parse(name.clone());
        let until = self.guard.clock.now() + Duration::from_secs(days.saturating_mul(DAY.as_secs()));
        let context = self.context();
        for contract in contracts {
            let dry_run = manual.dry_run || self.call.dry_run;
            match self.alerts(&context).acknowledge(&contract.bucket, &fingerprint, until, dry_run).await {
                Ok(false) => {}
                Ok(true) => return,
                Err(error) => {
                    let (at, want) = (format!("bucket `{}`", contract.bucket), "the incident table".to_owned());
                    let retryable = error.retryable();
                    return self.problem(index, Problem { at, saw: error.to_string(), want, retryable });
                }
            }
        }
        let (at, saw) = ("incident".to_owned(), format!("no open incident `{name}`"));
        let want = "one that is open, as messages name it".to_owned();
        self.problem(index, Problem { at, saw, want, retryable: false });
    }

    async fn repair(&mut self, index: usize, contracts: &[Contract], dry_run: bool) {
        let permit = if dry_run || self.call.dry_run { Permit::DryRun } else { Permit::Live };
        self.outbox.silent |= dry_run;
        for contract in contracts {
            let reconciled = self.reconcile(self.by_hand(contract, permit)).await;
            if reconciled.busy {
                let at = format!("bucket `{}`", contract.bucket);
                let saw = "another function is at work on the bucket; it has been told to look again".to_owned();
                self.remark(at, saw, "the bucket's lease");
            }
            self.take_over(&[index], &reconciled, None);
        }
    }

    fn by_hand<'j>(&self, contract: &'j Contract, permit: Permit) -> Job<'j> {
        Job { permit, by_hand: true, check_lost_updates: true, ..self.job(contract, None) }
    }

    async fn judge(&mut self, index: usize, contracts: &[Contract], manual: &Manual) {
        self.outbox.silent = true;
        for contract in contracts {
            if let Some(key) = &manual.key {
                self.judge_key_name(index, contract, key).await;
            }
            for key in &manual.kms_keys {
                self.judge_kms_key(index, contract, key).await;
            }
        }
    }

    async fn judge_key_name(&mut self, index: usize, contract: &Contract, key: &str) {
        if !contract.reads(key) {
            let saw = format!("a key of `{}` outside its read_prefixes", contract.bucket);
            self.problem(
                index,
                Problem { at: "key".to_owned(), saw, want: "a key that Darwin reads".to_owned(), retryable: false },
            );
            return;
        }
        let target = Target { contract, key, version_id: None, requester: None };
        let outcomes = {
            let observer = self.observer();
            judge_all(&observer, &[target], 1, self.now).await
        };
        for outcome in outcomes {
            match outcome {
                Outcome::Judged(judged) => {
                    let mut answer = ObjectAnswer::from(&*judged);
                    if judged.read == Read::Gone {
                        answer.because = vec!["no object has this key; upper and lower case differ".to_owned()];
                    }
                    self.answer.objects.push(answer);
                    if let Some(Finding { evidence: Evidence::Refused { call, .. }, .. }) = &judged.finding {
                        self.unread(format!("object `{key}` of `{}`", contract.bucket), contract, call, None);
                    }
                }
                Outcome::Retry(error) => {
                    let at = format!("object `{key}` of `{}`", contract.bucket);
                    self.problem(
                        index,
                        Problem { at, saw: error.to_string(), want: "an answer".to_owned(), retryable: true },
                    );
                }
                Outcome::NotDone => self.remark("key".to_owned(), "too little time was left".to_owned(), "another try"),
            }
        }
    }

    /// Nothing could be read of what was asked for: the call that was refused, and what to do about it.
    fn unread(&mut self, at: String, contract: &Contract, call: &AwsError, key: Option<&str>) {
        let (call, purpose) = (call.clone(), Purpose::Object);
        let saw = call.to_string();
        let refused = Finding::of(Evidence::Refused { call, purpose, key: key.map(str::to_owned) });
        let want = words(&refused, &contract.bucket, &self.home).remedy;
        self.remark(at, saw, &want);
    }

    /// A key without an object: whether Darwin can decrypt what is under it in this bucket, by object or bucket ARN.
    async fn judge_kms_key(&mut self, index: usize, contract: &Contract, key: &str) {
        let question = KeyQuestion { action: "kms:Decrypt", context_arn: None };
        let judged = self.observer().key(key, question, None, self.now).await;
        match judged {
            Ok(dated) => {
                let verdict = judge_key(&dated.facts, question, self.observer().asker(self.now));
                self.answer.objects.push(ObjectAnswer {
                    bucket: contract.bucket.clone(),
                    key: "*".to_owned(),
                    version_id: None,
                    read: Read::from(verdict.decision),
                    because: sentences(&verdict.because),
                    depends_on: verdict.names(),
                    encryption: Some("aws:kms".to_owned()),
                    kms_key: Some(dated.facts.arn().to_owned()),
                });
                let read = dated.facts.metadata.is_ok() || matches!(dated.facts.policy, Some(Ok(_)));
                for call in dated.facts.refused().into_iter().filter(|_| !read) {
                    self.unread(format!("key `{key}`"), contract, call, Some(key));
                }
            }
            Err(error) => {
                let at = format!("key `{key}`");
                self.problem(
                    index,
                    Problem { at, saw: error.to_string(), want: "an answer".to_owned(), retryable: true },
                );
            }
        }
    }
}
