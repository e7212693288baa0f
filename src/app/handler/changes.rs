//! Changes of bucket configuration and of keys, and the sweep over everything.
//!
//! Must never reconcile a bucket because an event names it: only because it is configured.

use crate::app::handler::Run;
use crate::app::objects::{Outcome, Target, judge_all};
use crate::app::ports::{Clock, World, WriteLog};
use crate::app::reconcile::job::Job;
use crate::app::reconcile::report::BucketReport;
use crate::event::cloudtrail::is_tag_call;
use crate::event::trigger::{ConfigChange, KeyChange};
use crate::incident::fingerprint::digest;
use crate::incident::life::{Clear, Incident, Scope, StoreError, StoreResult};
use crate::model::change::Change;
use crate::model::contract::Contract;
use crate::model::finding::Kind;
use crate::model::outcome::{Problem, Read};
use crate::repair::history::{policy_token, submitted_policy};

/// A write of ours whose event has not come after so long never will: there is no trail for EventBridge.
const EVENT_OVERDUE_MS: u64 = 30 * 60 * 1_000;

/// A bucket that was changed, by the items of this invocation.
struct Changed<'a> {
    contract: &'a Contract,
    newest: &'a ConfigChange,
    indexes: Vec<usize>,
    /// Why one of the changes is not in the table.
    change_not_stored: Option<StoreError>,
}

impl<W: World> Run<'_, W> {
    /// Reconciles every bucket that was changed, once, with the newest change's actor.
    pub(super) async fn config_changes(&mut self, changes: &[(usize, &ConfigChange)]) {
        let contracts = self.guard.config.contracts.clone();
        let mut jobs: Vec<Changed<'_>> = Vec::new();
        for (index, change) in changes {
            let concerned = match self.concerned(&contracts, change) {
                Ok(concerned) => concerned,
                Err((saw, want)) => {
                    self.remark(format!("item {index}"), saw, want);
                    continue;
                }
            };
            for contract in concerned {
                if self.is_our_own(contract, change).await {
                    continue;
                }
                let change_not_stored = self.remember(contract, change).await.err();
                match jobs.iter_mut().find(|held| held.contract.bucket == contract.bucket) {
                    Some(held) => {
                        if change.actor.time >= held.newest.actor.time {
                            held.newest = change;
                        }
                        held.indexes.push(*index);
                        held.change_not_stored = held.change_not_stored.take().or(change_not_stored);
                    }
                    None => jobs.push(Changed { contract, newest: change, indexes: vec![*index], change_not_stored }),
                }
            }
        }
        for Changed { contract, newest, indexes, change_not_stored } in jobs {
            self.guard.caches.forget_bucket(&contract.bucket);
            if self.out_of_time() {
                for index in indexes {
                    self.late(index, contract);
                }
                continue;
            }
            let job = Job { change_not_stored: change_not_stored.as_ref(), ..self.job(contract, Some(newest)) };
            let reconciled = self.reconcile(job).await;
            for index in indexes.iter().skip(1) {
                self.fail_with(*index, &reconciled);
            }
            self.take_over(indexes.first().copied(), &reconciled, Some(newest));
        }
    }

    /// Keeps what somebody wrote, so that it can be found out whether a write of ours fell upon it.
    async fn remember(&self, contract: &Contract, change: &ConfigChange) -> StoreResult<()> {
        let kept = if self.call.dry_run { None } else { Change::of(change) };
        match kept {
            Some(change) => self.guard.state().keep_change(&contract.bucket, &change).await,
            None => Ok(()),
        }
    }

    fn concerned<'a>(
        &self,
        contracts: &'a [Contract],
        change: &ConfigChange,
    ) -> Result<Vec<&'a Contract>, (String, &'static str)> {
        if let Some(account) = change.account.as_deref().filter(|account| **account != *self.home.account) {
            return Err((format!("`{}` in the account {account}", change.name), "a change in this account"));
        }
        let Some(bucket) = change.bucket.as_deref() else {
            return Ok(contracts.iter().collect());
        };
        if let Some(region) = change.region.as_deref().filter(|region| *region != self.home.region) {
            return Err((format!("`{}` in the Region `{region}`", change.name), "this deployment's Region"));
        }
        match contracts.iter().find(|contract| contract.bucket == bucket) {
            Some(contract) => Ok(vec![contract]),
            // These come for every bucket of the account.
            None if is_tag_call(&change.name) => Ok(Vec::new()),
            None => Err((format!("`{}` on the bucket `{bucket}`", change.name), "a guarded bucket")),
        }
    }

    /// Whether the event is that of a write of ours. A policy write is recognised by what was written, and needs no
    /// second look; the others are looked at like anybody's.
    async fn is_our_own(&mut self, contract: &Contract, change: &ConfigChange) -> bool {
        if self.call.dry_run {
            return false;
        }
        let (operation, token, exact) = match change.name.as_str() {
            "PutBucketPolicy" => {
                let Some(policy) = change.request_parameters.as_deref().and_then(submitted_policy) else {
                    return false;
                };
                ("PutBucketPolicy", policy_token(&policy), true)
            }
            "PutBucketCors" => ("PutBucketCors", digest("any"), false),
            "PutBucketNotification" => ("PutBucketNotificationConfiguration", digest("any"), false),
            _ => return false,
        };
        let now_ms = self.guard.clock.now_ms();
        let known =
            self.guard.state().recognise_write(&contract.bucket, operation, &token, now_ms).await.unwrap_or(false);
        if known && exact {
            self.outbox.config_events_come(&contract.bucket, now_ms);
        }
        exact && known
    }

    /// Drops what was known of the keys, judges their open incidents again, and the buckets that may encrypt under them.
    pub(super) async fn key_changes(&mut self, changes: &[(usize, &KeyChange)]) {
        if changes.is_empty() {
            return;
        }
        let mut keys: Vec<&str> =
            changes.iter().flat_map(|(_, change)| change.keys.iter().map(String::as_str)).collect();
        keys.sort_unstable();
        keys.dedup();
        for key in &keys {
            self.guard.caches.forget_key(key);
        }
        let contracts = self.guard.config.contracts.clone();
        for contract in &contracts {
            if self.out_of_time() {
                for (index, _) in changes {
                    self.late(*index, contract);
                }
                return;
            }
            let concerned = |incident: &Incident| keys.iter().any(|key| incident.cause == *key);
            let indexes: Vec<usize> = changes.iter().map(|(index, _)| *index).collect();
            self.rejudge(contract, &indexes, concerned).await;
            let reconciled = self.reconcile(self.job(contract, None)).await;
            for index in indexes.iter().skip(1) {
                self.fail_with(*index, &reconciled);
            }
            self.take_over(indexes.first().copied(), &reconciled, None);
        }
    }

    /// Every guarded bucket, its open incidents, and our own writes whose events never came.
    pub(super) async fn sweep(&mut self, indexes: &[usize]) {
        let Some(first) = indexes.first().copied() else { return };
        let contracts = self.guard.config.contracts.clone();
        for contract in &contracts {
            if self.out_of_time() {
                self.late(first, contract);
                return;
            }
            let job = Job { check_lost_updates: true, ..self.job(contract, None) };
            let reconciled = self.reconcile(job).await;
            self.take_over(Some(first), &reconciled, None);
            self.rejudge(contract, indexes, |_| true).await;
            self.overdue(contract).await;
        }
        self.outbox.sweep = true;
    }

    async fn overdue(&mut self, contract: &Contract) {
        if self.call.dry_run {
            return;
        }
        let before_ms = self.guard.clock.now_ms().saturating_sub(EVENT_OVERDUE_MS);
        match self.guard.state().pending_writes(&contract.bucket, before_ms).await {
            Ok(pending) => {
                if let Some(write) = pending.first() {
                    self.outbox.no_config_events(&contract.bucket, write);
                }
            }
            Err(error) => self.remark(format!("bucket `{}`", contract.bucket), error.to_string(), "the incident table"),
        }
    }

    /// Judges the sample objects of open incidents again, and clears those whose samples all pass or are gone.
    async fn rejudge(&mut self, contract: &Contract, indexes: &[usize], concerned: impl Fn(&Incident) -> bool) {
        if self.call.dry_run {
            return;
        }
        let context = self.context();
        let (open, failed) = self.alerts(&context).open(&contract.bucket).await;
        if let Some(error) = failed {
            self.remark(format!("bucket `{}`", contract.bucket), error.to_string(), "the incident table");
        }
        for incident in open.iter().filter(|incident| concerned(incident)) {
            let samples = &incident.report.sample_keys;
            if samples.is_empty() || self.out_of_time() {
                continue;
            }
            let judged_ms = self.guard.clock.now_ms();
            let targets: Vec<Target<'_>> =
                samples.iter().map(|key| Target { contract, key, version_id: None, requester: None }).collect();
            let outcomes = {
                let observer = self.observer();
                judge_all(&observer, &targets, self.guard.config.concurrency, self.call.deadline_ms, &self.now).await
            };
            let fine = |outcome: &Outcome| matches!(outcome, Outcome::Judged(judged) if matches!(judged.read, Read::Allowed | Read::Gone));
            for outcome in &outcomes {
                if let (Outcome::Retry(error), Some(index)) = (outcome, indexes.first()) {
                    let at = format!("open incident of `{}`", contract.bucket);
                    self.problem(
                        *index,
                        Problem { at, saw: error.to_string(), want: "an answer".to_owned(), retryable: true },
                    );
                }
            }
            if outcomes.iter().all(fine) {
                self.outbox.clear(Clear {
                    bucket: contract.bucket.clone(),
                    scope: Scope::Incident(incident.fingerprint.clone()),
                    judged_ms,
                    because: "every sample object was judged again, and Darwin can read it (or it is gone)".to_owned(),
                });
            } else {
                self.now_certain(incident, &outcomes, indexes.first().copied(), judged_ms);
            }
        }
    }

    /// What could not be judged when it was seen, and now can: objects that are denied are told of under their own
    /// cause, and the incident of the doubt ends. Otherwise nobody would hear of them before the next upload.
    fn now_certain(&mut self, incident: &Incident, outcomes: &[Outcome], index: Option<usize>, judged_ms: u64) {
        let doubt = matches!(incident.report.finding.kind(), Kind::GuardDenied | Kind::AccessUncertain);
        let certain = |outcome: &Outcome| match outcome {
            // What the bucket denies is told of with the bucket.
            Outcome::Judged(judged) => {
                matches!(judged.read, Read::Allowed | Read::Denied | Read::Gone) && !judged.bucket_denies
            }
            Outcome::Retry(_) | Outcome::NotDone => false,
        };
        let (Some(index), true) = (index, doubt && outcomes.iter().all(certain)) else { return };
        for outcome in outcomes {
            if let Outcome::Judged(judged) = outcome {
                self.outbox.object(index, judged, judged_ms);
            }
        }
        self.outbox.clear(Clear {
            bucket: incident.bucket.clone(),
            scope: Scope::Incident(incident.fingerprint.clone()),
            judged_ms,
            because: "every sample object could be judged again".to_owned(),
        });
    }

    /// Takes a reconciled bucket over into the answer and into what is told.
    pub(super) fn take_over(&mut self, index: Option<usize>, reconciled: &BucketReport, change: Option<&ConfigChange>) {
        self.outbox.bucket(index, reconciled, change, self.guard.clock.now_ms());
        let answer = reconciled.answer(&self.home);
        if !reconciled.busy && !self.outbox.silent {
            self.counts.drifts(&answer);
        }
        for problem in &reconciled.problems {
            match index {
                Some(index) => self.problem(index, problem.clone()),
                None => self.answer.problems.push(problem.clone()),
            }
        }
        self.answer.buckets.retain(|held| held.bucket != answer.bucket);
        self.answer.buckets.push(answer);
    }

    /// An item fails with the bucket that it changed: every problem of a reconciliation asks for another try.
    fn fail_with(&mut self, index: usize, reconciled: &BucketReport) {
        if !reconciled.problems.is_empty()
            && let Some(state) = self.items.get_mut(index)
        {
            state.failed = true;
        }
    }

    fn late(&mut self, index: usize, contract: &Contract) {
        let at = format!("bucket `{}`", contract.bucket);
        self.problem(
            index,
            Problem { at, saw: "too little time was left".to_owned(), want: "another try".to_owned(), retryable: true },
        );
    }

    fn job<'j>(&self, contract: &'j Contract, change: Option<&'j ConfigChange>) -> Job<'j> {
        Job {
            contract,
            permit: self.permit(),
            actor: change.map(|change| &change.actor),
            by_hand: false,
            deadline_ms: self.call.deadline_ms,
            check_lost_updates: change.is_some(),
            change_not_stored: None,
        }
    }
}
