//! What of an invocation is told: findings gathered into sightings, and what was judged fine.
//!
//! Must never clear what was not judged: a bucket with an unread document clears nothing.

use crate::app::alerts::{self, Alerts};
use crate::app::handler::Run;
use crate::app::ports::{BucketReads, BucketWrites, Clock, IncidentStore, Keys, Log, Objects, Topic};
use crate::report::notice::Context;

impl<A, S, T, C, L> Run<'_, A, S, T, C, L>
where
    A: Objects + BucketReads + BucketWrites + Keys,
    S: IncidentStore,
    T: Topic,
    C: Clock,
    L: Log,
{
    /// What every message of this deployment has in common.
    pub(super) fn context(&self) -> Context {
        let config = &self.guard.config;
        Context { home: self.home.clone(), mode: config.mode, topic_arn: config.topic.clone() }
    }

    pub(super) fn alerts<'r>(&'r self, context: &'r Context) -> Alerts<'r, S, T, C, L> {
        let guard = self.guard;
        Alerts {
            store: guard.store.as_ref(),
            memory: &guard.memory,
            topic: guard.topic.as_ref(),
            clock: &guard.clock,
            log: &guard.log,
            context,
        }
    }

    /// Tells what was gathered. A message that could not be sent fails the items it is about, so that it is sent later.
    pub(super) async fn tell(&mut self) -> alerts::Told {
        if self.told.silent {
            return alerts::Told::default();
        }
        let sightings = std::mem::take(&mut self.told.sightings);
        let clears = std::mem::take(&mut self.told.clears);
        let sources = std::mem::take(&mut self.told.sources);
        let context = self.context();
        let told = self.alerts(&context).tell(sightings, clears).await;
        let mut told = told;
        let mut problems = std::mem::take(&mut told.problems);
        if self.told.sweep {
            let buckets: Vec<String> =
                self.guard.config.contracts.iter().map(|contract| contract.bucket.clone()).collect();
            let owed = self.alerts(&context).owed(&buckets).await;
            problems.extend(owed.problems);
            told.sent.extend(owed.sent);
            told.unsent += owed.unsent;
            told.open = owed.open;
        }
        for index in told.untold.iter().filter_map(|sighting| sources.get(*sighting)).flatten() {
            if let Some(state) = self.items.get_mut(*index) {
                state.failed = true;
            }
        }
        self.answer.problems.extend(problems);
        told
    }

    pub(super) async fn test_alert(&mut self, index: usize, dry_run: bool) {
        if dry_run || self.call.dry_run {
            self.remark("test-alert".to_owned(), "a dry run".to_owned(), "a message to send");
            return;
        }
        let context = self.context();
        let problems = self.alerts(&context).test_alert().await;
        self.counts.sent += usize::from(problems.is_empty());
        self.counts.unsent += problems.len();
        for problem in problems {
            self.problem(index, problem);
        }
    }
}
