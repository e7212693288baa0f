//! What of an invocation is told: findings gathered into sightings, and what was judged fine.
//!
//! Must never clear what was not judged: a bucket with an unread document clears nothing.

use crate::app::alerts::{Alerts, Delivery};
use crate::app::handler::Run;
use crate::app::ports::World;
use crate::report::notice::Context;

impl<W: World> Run<'_, W> {
    /// What every message of this deployment has in common.
    pub(super) fn context(&self) -> Context {
        let config = &self.guard.config;
        Context { home: self.home.clone(), mode: config.mode, topic_arn: config.topic.clone() }
    }

    pub(super) fn alerts<'r>(&'r self, context: &'r Context) -> Alerts<'r, W> {
        let guard = self.guard;
        Alerts {
            state: guard.state(),
            memory: &guard.memory,
            topic: guard.topic.as_ref(),
            clock: &guard.clock,
            log: &guard.log,
            context,
        }
    }

    /// Sends what was gathered. A message that could not be sent fails the items it is about, so that it is sent later.
    pub(super) async fn deliver(&mut self) -> Delivery {
        if self.outbox.silent {
            return Delivery::default();
        }
        let sightings = std::mem::take(&mut self.outbox.sightings);
        let clears = std::mem::take(&mut self.outbox.clears);
        let sources = std::mem::take(&mut self.outbox.sources);
        let still = std::mem::take(&mut self.outbox.still);
        let context = self.context();
        let mut delivery = self.alerts(&context).deliver(sightings, clears, &still).await;
        let mut problems = std::mem::take(&mut delivery.problems);
        if !self.outbox.swept.is_empty() {
            let buckets = std::mem::take(&mut self.outbox.swept);
            let pending = self.alerts(&context).send_pending(&buckets).await;
            problems.extend(pending.problems);
            delivery.messages += pending.messages;
            delivery.unsent += pending.unsent;
            // Only a whole sweep knows how many are open.
            delivery.open = pending.open.filter(|_| buckets.len() == self.guard.config.contracts.len());
            delivery.open_by_bucket = pending.open_by_bucket;
        }
        for index in delivery.unsent_sightings.iter().filter_map(|sighting| sources.get(*sighting)).flatten() {
            if let Some(state) = self.items.get_mut(*index) {
                state.failed = true;
            }
        }
        self.answer.problems.extend(problems);
        delivery
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
