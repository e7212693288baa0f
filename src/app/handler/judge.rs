//! The objects of an invocation: which of them are ours to judge, their verdicts, and what follows from them.
//!
//! Must never call AWS for an object of a bucket that is not guarded or of another Region.

use crate::app::handler::Run;
use crate::app::handler::known::{Seen, note};
use crate::app::handler::outbox::explains_objects;
use crate::app::objects::{Outcome, Target, judge_briefly};
use crate::app::ports::{Clock, Leases, World};
use crate::event::trigger::{Envelope, ObjectEvent};
use crate::judge::object::JudgedObject;
use crate::model::contract::Contract;
use crate::model::outcome::{Problem, Read};
use crate::report::answer::ObjectAnswer;
use crate::report::forms::TaskResult;
use futures_util::join;
use std::collections::BTreeMap;
use std::time::Duration;

/// The least time between reconciliations of a bucket that an object's denial asks for, across all functions.
const OBJECT_RECONCILE: Duration = Duration::from_mins(1);

impl<W: World> Run<'_, W> {
    pub(super) async fn objects(&mut self, envelope: &Envelope, events: &[(usize, &ObjectEvent)]) {
        let contracts = self.guard.config.contracts.clone();
        let mut indexes = Vec::new();
        let mut targets = Vec::new();
        for (index, event) in events {
            match self.target(&contracts, event) {
                Ok(target) => {
                    indexes.push(*index);
                    targets.push(target);
                }
                Err(refusal) => self.not_ours(envelope, *index, refusal),
            }
        }
        let (outcomes, mut ahead) = {
            let (observer, concurrency) = (self.observer(), self.guard.config.concurrency);
            let judged = judge_briefly(&observer, &targets, concurrency, self.now, self.brief);
            join!(judged, self.read_ahead(targets.iter().map(|target| target.contract.bucket.as_str()).collect()))
        };
        // Each bucket that denies an object, with the items whose objects it denies.
        let mut denying: Vec<(&Contract, Vec<usize>)> = Vec::new();
        // The keys of each bucket's objects, and an item that has one.
        let mut seen: BTreeMap<&str, (usize, Seen)> = BTreeMap::new();
        for ((index, target), outcome) in indexes.into_iter().zip(&targets).zip(outcomes) {
            match outcome {
                Outcome::Judged(judged) => {
                    if judged.bucket_denies {
                        match denying.iter_mut().find(|(held, _)| held.bucket == target.contract.bucket) {
                            Some((_, indexes)) => indexes.push(index),
                            None => denying.push((target.contract, vec![index])),
                        }
                    }
                    let (_, keys) = seen.entry(&target.contract.bucket).or_insert_with(|| (index, Seen::new()));
                    note(keys, &judged);
                    self.judged(envelope, index, &judged);
                }
                Outcome::Retry(error) => self.again(index, target, error.to_string(), "an answer"),
                Outcome::NotDone => self.again(index, target, "too little time was left".to_owned(), "another try"),
            }
        }
        for (contract, indexes) in denying {
            self.reconcile_for_object(contract, &indexes).await;
        }
        for (bucket, (index, keys)) in seen {
            self.remember_keys(index, bucket, keys, ahead.remove(bucket)).await;
        }
    }

    fn target<'a>(&self, contracts: &'a [Contract], event: &'a ObjectEvent) -> Result<Target<'a>, Refusal> {
        let Some(contract) = contracts.iter().find(|contract| contract.bucket == event.bucket) else {
            return Err(Refusal {
                saw: format!("an object of the bucket `{}`", event.bucket),
                want: "a guarded bucket",
                quiet: false,
            });
        };
        if let Some(region) = event.region.as_deref().filter(|region| *region != self.home.region) {
            return Err(Refusal {
                saw: format!("an event of the Region `{region}`"),
                want: "this deployment's Region",
                quiet: false,
            });
        }
        if !contract.reads(&event.key) {
            return Err(Refusal {
                saw: format!("a key of `{}` outside its read_prefixes", event.bucket),
                want: "a key that Darwin reads",
                quiet: true,
            });
        }
        Ok(Target {
            contract,
            key: &event.key,
            version_id: event.version_id.as_deref(),
            requester: event.requester.as_deref(),
        })
    }

    /// An object that is not ours to look at: said, not failed, so that a bucket that has left the configuration
    /// does not fill the dead-letter queue. For a Batch Operations job it is an invalid task.
    fn not_ours(&mut self, envelope: &Envelope, index: usize, refusal: Refusal) {
        let at = format!("item {index}");
        if matches!(envelope, Envelope::BatchJob { .. }) {
            self.task_result(index, TaskResult::invalid(&format!("{}, not {}", refusal.saw, refusal.want)));
        } else if refusal.quiet {
            return;
        }
        self.remark(at, refusal.saw, refusal.want);
    }

    fn again(&mut self, index: usize, target: &Target<'_>, saw: String, want: &str) {
        let at = format!("object `{}` of `{}`", target.key, target.contract.bucket);
        self.task_result(index, TaskResult::again(&saw));
        self.problem(index, Problem { at, saw, want: want.to_owned(), retryable: true });
    }

    fn task_result(&mut self, index: usize, result: TaskResult) {
        if let Some(state) = self.items.get_mut(index) {
            state.result = Some(result);
        }
    }

    fn judged(&mut self, envelope: &Envelope, index: usize, judged: &JudgedObject) {
        self.outbox.object(index, judged, self.guard.clock.now());
        if self.brief && judged.read == Read::Allowed {
            self.answer.unlisted += 1;
            return;
        }
        let answer = ObjectAnswer::from(judged);
        if matches!(envelope, Envelope::BatchJob { .. }) {
            self.task_result(index, TaskResult::judged(&answer));
        }
        self.answer.objects.push(answer);
    }

    /// A missed event heals here: the object is denied by the bucket's configuration, so the bucket is looked at.
    async fn reconcile_for_object(&mut self, contract: &Contract, indexes: &[usize]) {
        let name = format!("object-reconcile/{}", contract.bucket);
        let now = self.guard.clock.now();
        let due = self.call.dry_run || self.guard.state().once_per(&name, now, OBJECT_RECONCILE).await.unwrap_or(true);
        if due {
            let reconciled = self.reconcile(self.job(contract, None)).await;
            self.take_over(indexes, &reconciled, None);
        }
        let known = !due && self.is_known(contract).await;
        self.outbox.explained_by_bucket(&contract.bucket, known);
    }
}

impl<W: World> Run<'_, W> {
    /// Whether a finding of the bucket is open that explains why its objects are denied.
    async fn is_known(&self, contract: &Contract) -> bool {
        let context = self.context();
        let (open, _) = self.alerts(&context).open(&contract.bucket).await;
        open.iter().any(|incident| incident.healed.is_none() && explains_objects(&incident.report.finding))
    }
}

struct Refusal {
    saw: String,
    want: &'static str,
    /// Not worth a line: other people's objects in a shared bucket.
    quiet: bool,
}
