//! Changes of bucket configuration and of keys, and the sweep over everything.
//!
//! Must never reconcile a bucket because an event names it: only because it is configured.

use crate::app::handler::Run;
use crate::app::handler::outbox::By;
use crate::app::objects::{Outcome, Target, judge_all};
use crate::app::ports::{Clock, Leases, World, WriteLog};
use crate::app::reconcile::job::Job;
use crate::app::reconcile::report::BucketReport;
use crate::event::cloudtrail::is_tag_call;
use crate::event::trigger::{ConfigChange, KeyChange};
use crate::incident::fingerprint::Fingerprint;
use crate::incident::life::{Clear, Ending, Incident, Scope, StoreError, StoreResult};
use crate::model::actor::Actor;
use crate::model::arn::Arn;
use crate::model::aws::Operation;
use crate::model::change::Change;
use crate::model::contract::Contract;
use crate::model::evidence::Evidence;
use crate::model::finding::{Finding, Kind};
use crate::model::outcome::{Problem, Read};
use crate::model::time::Timestamp;
use crate::repair::history::Past;
use crate::report::metrics::function_name;

/// Where the next sweep begins, and the buckets of the last whole one: names of notes.
const SWEEP_AT: &str = "sweep-at";
const GUARDED: &str = "guarded";

/// A bucket that was changed, by the items of this invocation.
struct Changed<'a> {
    contract: &'a Contract,
    /// The newest change that was not ours.
    newest: Option<&'a ConfigChange>,
    indexes: Vec<usize>,
    /// Why one of the changes is not in the table.
    change_not_stored: Option<StoreError>,
}

/// Whose an event is.
enum Whose {
    /// Another's, and whether it is remembered.
    Anothers(StoreResult<()>),
    /// The guard's role made it, and no write that is remembered: looked at, and nobody is named for it.
    OurRoles,
    /// A write of ours that is remembered: nothing to do.
    Ours,
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
                let (newest, not_stored) = match self.whose(*index, contract, change).await {
                    Whose::Ours => continue,
                    Whose::OurRoles => (None, None),
                    Whose::Anothers(kept) => (Some(*change), kept.err()),
                };
                Self::gather(&mut jobs, contract, *index, newest, not_stored);
            }
        }
        for changed in jobs {
            self.changed(changed).await;
        }
    }

    fn gather<'c>(
        jobs: &mut Vec<Changed<'c>>,
        contract: &'c Contract,
        index: usize,
        change: Option<&'c ConfigChange>,
        change_not_stored: Option<StoreError>,
    ) {
        match jobs.iter_mut().find(|held| held.contract.bucket == contract.bucket) {
            Some(held) => {
                if change.is_some_and(|change| held.newest.is_none_or(|newest| change.actor.time >= newest.actor.time))
                {
                    held.newest = change;
                }
                held.indexes.push(index);
                held.change_not_stored = held.change_not_stored.take().or(change_not_stored);
            }
            None => jobs.push(Changed { contract, newest: change, indexes: vec![index], change_not_stored }),
        }
    }

    async fn changed(&mut self, changed: Changed<'_>) {
        let Changed { contract, newest, indexes, change_not_stored } = changed;
        self.guard.caches.forget_bucket(&contract.bucket);
        if self.out_of_time() {
            for index in indexes {
                self.late(index, contract);
            }
            return;
        }
        let job = Job {
            change_not_stored: change_not_stored.as_ref(),
            check_lost_updates: true,
            ..self.job(contract, newest)
        };
        let reconciled = self.reconcile(job).await;
        let by = newest.map(|change| By { actor: &change.actor, name: &change.name, of_key: false });
        self.take_over(&indexes, &reconciled, by);
    }

    /// Whose an event is. Ours is known by what was written and by who wrote it, and each write once.
    async fn whose(&mut self, index: usize, contract: &Contract, event: &ConfigChange) -> Whose {
        let by_us = self.is_guard(&event.actor);
        let change = if self.call.dry_run { None } else { Change::of(event, &self.guard.config.darwin) };
        let Some(change) = change else {
            return if by_us { Whose::OurRoles } else { Whose::Anothers(Ok(())) };
        };
        let (bucket, now) = (contract.bucket.as_str(), self.guard.clock.now());
        let past = match self.guard.state().past(bucket, now).await {
            Ok(past) => past,
            Err(_) if by_us => return Whose::OurRoles,
            Err(error) => return Whose::Anothers(Err(error)),
        };
        if !by_us {
            return Whose::Anothers(self.remember(index, bucket, &past, &change, now).await);
        }
        let Some(write) = past.written(&change) else { return Whose::OurRoles };
        match self.guard.state().recognise_write(bucket, write, &change.id).await {
            Ok(true) => {
                self.outbox.config_events_come(bucket, now);
                Whose::Ours
            }
            Ok(false) | Err(_) => Whose::OurRoles,
        }
    }

    /// Whether the function itself is the actor: Lambda names the session of a function's role after the function.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html>
    fn is_guard(&self, actor: &Actor) -> bool {
        let function = self.call.function_arn.as_deref().and_then(function_name);
        let session = actor.arn.as_deref().and_then(Arn::parse).filter(|arn| {
            arn.service == "sts" && *arn.account == *self.home.account && arn.resource.starts_with("assumed-role/")
        });
        match (function, session) {
            (Some(function), Some(session)) => session.resource.rsplit('/').next() == Some(function),
            _ => false,
        }
    }

    /// Keeps what somebody wrote, so that it can be found out whether a write of ours fell upon it.
    async fn remember(
        &mut self,
        index: usize,
        bucket: &str,
        past: &Past,
        change: &Change,
        now: Timestamp,
    ) -> StoreResult<()> {
        let room = past.room_for(change, now);
        if room.keep {
            self.guard.state().keep_change(bucket, change).await?;
        }
        for old in room.drop {
            self.guard.state().forget_change(bucket, old).await?;
        }
        if room.unknown > 0 {
            self.outbox.history_full(index, bucket, room.unknown);
        }
        Ok(())
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
        let newest = changes.iter().map(|(_, change)| *change).filter(|change| change.actor.is_some());
        let newest = newest.max_by_key(|change| change.actor.as_ref().and_then(|actor| actor.time.clone()));
        let by = newest.and_then(|change| Some(By { actor: change.actor.as_ref()?, name: &change.name, of_key: true }));
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
            let newest = |key: &str| {
                let of_key =
                    changes.iter().map(|(_, change)| *change).filter(|c| c.keys.iter().any(|held| held == key));
                of_key.max_by_key(|change| change.actor.as_ref().and_then(|actor| actor.time.clone()))
            };
            self.rejudge(contract, &indexes, concerned, |incident| newest(&incident.cause)).await;
            self.changed_keys(contract, &indexes, &keys, newest).await;
            let reconciled = self.reconcile(self.job(contract, None)).await;
            self.take_over(&indexes, &reconciled, by);
        }
    }

    /// Every guarded bucket, its open incidents, and our own writes whose events never came. A run that is cut short
    /// continues at the next bucket.
    pub(super) async fn sweep(&mut self, indexes: &[usize]) {
        let Some(first) = indexes.first().copied() else { return };
        let mut contracts = self.guard.config.contracts.clone();
        // Without the table a sweep begins at the first bucket.
        let begin = self.guard.state().recall(SWEEP_AT).await.ok().flatten();
        // The bucket, and where the time ended in its keys, the key.
        let mut begin_at = begin.as_deref().unwrap_or_default().splitn(2, ' ');
        let (bucket, key) = (begin_at.next(), begin_at.next());
        let at = contracts.iter().position(|contract| Some(contract.bucket.as_str()) == bucket);
        contracts.rotate_left(at.unwrap_or(0));
        for contract in &contracts {
            if self.out_of_time() {
                self.late(first, contract);
                self.put_down(SWEEP_AT, &contract.bucket).await;
                return;
            }
            let job = Job { check_lost_updates: true, ..self.job(contract, None) };
            let reconciled = self.reconcile(job).await;
            self.take_over(indexes, &reconciled, None);
            self.rejudge(contract, indexes, |_| true, |_| None).await;
            let begin = key.filter(|_| Some(contract.bucket.as_str()) == bucket);
            let cut = self.sweep_keys(contract, indexes, begin, reconciled.default_key.as_deref()).await;
            if let Some(key) = cut {
                self.late(first, contract);
                self.put_down(SWEEP_AT, &format!("{} {key}", contract.bucket)).await;
                return;
            }
            self.overdue(contract).await;
            self.outbox.swept.push(contract.bucket.clone());
        }
        if begin.as_ref().is_some_and(|begin| !begin.is_empty()) {
            self.put_down(SWEEP_AT, "").await;
        }
        self.close_left(&contracts).await;
    }

    async fn put_down(&mut self, name: &str, text: &str) {
        if !self.call.dry_run
            && let Err(error) = self.guard.state().put_down(name, text).await
        {
            self.remark("sweep".to_owned(), error.to_string(), "the incident table");
        }
    }

    /// Ends the incidents of buckets that have left the configuration.
    async fn close_left(&mut self, contracts: &[Contract]) {
        let mut guarded: Vec<&str> = contracts.iter().map(|contract| contract.bucket.as_str()).collect();
        guarded.sort_unstable();
        let Ok(known) = self.guard.state().recall(GUARDED).await else { return };
        let known = known.unwrap_or_default();
        if self.call.dry_run || known == guarded.join(" ") {
            return;
        }
        let context = self.context();
        for left in known.split(' ').filter(|bucket| !bucket.is_empty() && !guarded.contains(bucket)) {
            if let Err(error) = self.alerts(&context).close_all(left).await {
                self.remark(format!("bucket `{left}`"), error.to_string(), "the incident table");
                return;
            }
        }
        self.put_down(GUARDED, &guarded.join(" ")).await;
    }

    async fn overdue(&mut self, contract: &Contract) {
        if self.call.dry_run {
            return;
        }
        let now = self.guard.clock.now();
        match self.guard.state().past(&contract.bucket, now).await {
            Ok(past) => {
                if let Some(operation) = past.unanswered(now) {
                    self.outbox.no_config_events(&contract.bucket, operation);
                }
            }
            Err(error) => self.remark(format!("bucket `{}`", contract.bucket), error.to_string(), "the incident table"),
        }
    }

    /// Judges the sample objects of open incidents again, and clears those whose samples all pass or are gone.
    /// `change`: the change of the incident's key that led here.
    async fn rejudge<'c>(
        &mut self,
        contract: &Contract,
        indexes: &[usize],
        concerned: impl Fn(&Incident) -> bool,
        change: impl Fn(&Incident) -> Option<&'c KeyChange>,
    ) {
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
            if samples.is_empty() {
                continue;
            }
            if self.out_of_time() {
                self.outbox.still.push((contract.bucket.clone(), incident.fingerprint.clone()));
                continue;
            }
            let judged_at = self.guard.clock.now();
            let targets: Vec<Target<'_>> =
                samples.iter().map(|key| Target { contract, key, version_id: None, requester: None }).collect();
            let outcomes = {
                let observer = self.observer();
                judge_all(&observer, &targets, self.guard.config.concurrency, self.now).await
            };
            let fine = |outcome: &Outcome| matches!(outcome, Outcome::Judged(judged) if matches!(judged.read, Read::Allowed | Read::Gone));
            self.no_answers(indexes, &contract.bucket, &outcomes);
            if outcomes.iter().all(fine) {
                let is_gone =
                    |outcome: &&Outcome| matches!(outcome, Outcome::Judged(judged) if judged.read == Read::Gone);
                let gone = outcomes.iter().filter(is_gone).count();
                let change = change(incident);
                self.outbox.clear(Clear {
                    bucket: contract.bucket.clone(),
                    scope: Scope::Incident(incident.fingerprint.clone()),
                    judged_at,
                    shown_by: Ending::Samples { readable: outcomes.len().saturating_sub(gone), gone },
                    actor: change.and_then(|change| change.actor.clone()),
                    change: change.map(|change| change.name.clone()),
                });
            } else if !self.is_another(incident, &outcomes, indexes.first().copied(), judged_at) {
                self.outbox.still.push((contract.bucket.clone(), incident.fingerprint.clone()));
            }
        }
    }

    /// Samples of an open incident that AWS did not answer for.
    fn no_answers(&mut self, indexes: &[usize], bucket: &str, outcomes: &[Outcome]) {
        for outcome in outcomes {
            if let (Outcome::Retry(error), Some(index)) = (outcome, indexes.first()) {
                let (at, saw) = (format!("open incident of `{bucket}`"), error.to_string());
                self.problem(*index, Problem { at, saw, want: "an answer".to_owned(), retryable: true });
            }
        }
    }

    /// The samples show another trouble than the incident's: they could not be judged when they were seen, or are under
    /// another key now. What is denied is told of under its own cause, and the incident ends. Otherwise nobody would hear
    /// of it before the next upload. False if the incident is still so.
    fn is_another(
        &mut self,
        incident: &Incident,
        outcomes: &[Outcome],
        index: Option<usize>,
        judged_at: Timestamp,
    ) -> bool {
        let over = outcomes.iter().all(|outcome| spares(incident, outcome));
        let (Some(index), true) = (index, over) else { return false };
        for outcome in outcomes {
            if let Outcome::Judged(judged) = outcome
                && !judged.bucket_denies
            {
                self.outbox.object(index, judged, judged_at);
            }
        }
        self.outbox.clear(Clear {
            bucket: incident.bucket.clone(),
            scope: Scope::Incident(incident.fingerprint.clone()),
            judged_at,
            shown_by: Ending::Judged,
            actor: None,
            change: None,
        });
        true
    }

    /// Takes a reconciled bucket over into the answer and into what is told. The items fail with the bucket that they
    /// led to: every problem of a reconciliation asks for another try, and so does a message that could not be sent.
    pub(super) fn take_over(&mut self, indexes: &[usize], reconciled: &BucketReport, by: Option<By<'_>>) {
        self.outbox.bucket(indexes, reconciled, by, self.guard.clock.now());
        let answer = reconciled.answer(&self.home);
        if !reconciled.busy && !self.outbox.silent {
            self.counts.drifts(&answer);
        }
        if !reconciled.problems.is_empty() {
            for index in indexes {
                if let Some(state) = self.items.get_mut(*index) {
                    state.failed = true;
                }
            }
        }
        self.answer.problems.extend(reconciled.problems.iter().cloned());
        self.answer.buckets.retain(|held| held.bucket != answer.bucket);
        self.answer.buckets.push(answer);
    }

    pub(super) fn late(&mut self, index: usize, contract: &Contract) {
        let at = format!("bucket `{}`", contract.bucket);
        self.problem(
            index,
            Problem { at, saw: "too little time was left".to_owned(), want: "another try".to_owned(), retryable: true },
        );
    }

    pub(super) fn job<'j>(&self, contract: &'j Contract, change: Option<&'j ConfigChange>) -> Job<'j> {
        Job {
            contract,
            permit: self.permit(),
            actor: change.map(|change| &change.actor),
            by_hand: false,
            stood: None,
            deadline: self.call.deadline,
            check_lost_updates: false,
            change_not_stored: None,
        }
    }
}

/// Whether a sample shows nothing of its incident any more. What the bucket denies is told of with the bucket, and hides
/// what else is wrong with the object.
fn spares(incident: &Incident, outcome: &Outcome) -> bool {
    let Outcome::Judged(judged) = outcome else { return false };
    let found = &incident.report.finding;
    match (&found.evidence, judged.read) {
        // Without its encryption its HeadObject was refused, and where it is was not seen.
        (Evidence::Key(key), Read::Denied | Read::Depends) if key.key == incident.cause => {
            judged.itself_readable || judged.encryption.is_some() && judged.kms_key.as_ref() != Some(&key.key)
        }
        // Its HeadObject was refused, and is answered now.
        (Evidence::Refused { call, .. }, Read::Denied) if call.operation == Operation::HeadObject => {
            judged.encryption.is_some()
        }
        (_, Read::Depends) => {
            let doubt = matches!(found.kind(), Kind::GuardDenied | Kind::AccessUncertain);
            let another = |finding: &Finding| Fingerprint::of(&judged.bucket, finding) != incident.fingerprint;
            doubt && judged.finding.as_ref().is_some_and(another)
        }
        (_, Read::Denied) => {
            !judged.bucket_denies && judged.finding.as_ref().is_none_or(|finding| finding.kind() != found.kind())
        }
        (_, Read::Allowed | Read::Gone) => true,
    }
}
