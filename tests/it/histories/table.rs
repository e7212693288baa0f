//! The table of a history: the process's store, each call a point at which others run, and at which it may fail.

use super::sim::Outside;
use darwin_s3_guard::app::ports::{Incidents, KnownKeys, Leases, WriteLog};
use darwin_s3_guard::incident::budget::RepairBudget;
use darwin_s3_guard::incident::known::KnownKey;
use darwin_s3_guard::incident::life::{Claim, Healed, Incident, Lease, Sighting, Status, StoreResult};
use darwin_s3_guard::model::aws::Operation;
use darwin_s3_guard::model::change::{Change, Write};
use darwin_s3_guard::model::time::Timestamp;
use darwin_s3_guard::repair::history::Past;
use std::time::Duration;

macro_rules! answer_may_get_lost {
    ($($name:ident($($arg:ident: $type:ty),*) -> $out:ty;)+) => {
        $(async fn $name(&self, $($arg: $type),*) -> StoreResult<$out> {
            self.call(Operation::UpdateItem).await?;
            let answer = self.sim.store.$name($($arg),*).await;
            // The answer may get lost although the item was written.
            self.call(Operation::UpdateItem).await?;
            answer
        })+
    };
}

macro_rules! may_fail {
    ($($name:ident($($arg:ident: $type:ty),*) -> $out:ty;)+) => {
        $(async fn $name(&self, $($arg: $type),*) -> StoreResult<$out> {
            self.call(Operation::UpdateItem).await?;
            self.sim.store.$name($($arg),*).await
        })+
    };
}

impl WriteLog for Outside {
    answer_may_get_lost! {
        keep_write(bucket: &str, write: &Write) -> ();
        forget_write(bucket: &str, write: &Write) -> ();
        recognise_write(bucket: &str, write: &Write, event_id: &str) -> bool;
        keep_change(bucket: &str, change: &Change) -> ();
        forget_change(bucket: &str, change: &Change) -> ();
        past(bucket: &str, now: Timestamp) -> Past;
    }
}

impl KnownKeys for Outside {
    answer_may_get_lost! {
        known_keys(bucket: &str, now: Timestamp) -> Vec<KnownKey>;
        keep_key(bucket: &str, key: &KnownKey, due: Timestamp) -> bool;
        retire_key(bucket: &str, key: &KnownKey, now: Timestamp) -> bool;
        forget_key(bucket: &str, key: &KnownKey) -> ();
    }
}

impl Incidents for Outside {
    may_fail! {
        claim(incident: &Incident, status: Status, now: Timestamp) -> bool;
        acknowledge(incident: &Incident, until: Timestamp) -> bool;
        told(incident: &Incident, now: Timestamp) -> ();
        release_claim(incident: &Incident) -> ();
        resolve(incident: &Incident, now: Timestamp) -> bool;
        open(bucket: &str) -> Vec<Incident>;
    }
    async fn sight(&self, sighting: &Sighting, now: Timestamp) -> StoreResult<Claim> {
        self.call(Operation::UpdateItem).await?;
        let claim = self.sim.store.sight(sighting, now).await?;
        let name = sighting.fingerprint().to_string();
        let mut seen = self.sim.seen_by.borrow_mut();
        let first = seen.get(&name).copied().filter(|_| matches!(claim, Claim::Counted(_)));
        seen.insert(name, first.map_or(self.began, |first| first.min(self.began)));
        Ok(claim)
    }
    async fn heal(
        &self,
        incident: &Incident,
        healed: &Healed,
        unseen_since: Timestamp,
        now: Timestamp,
    ) -> StoreResult<bool> {
        self.call(Operation::UpdateItem).await?;
        let done = self.sim.store.heal(incident, healed, unseen_since, now).await?;
        if done {
            self.sim.healed_by.borrow_mut().insert(incident.fingerprint.to_string(), self.began);
        }
        Ok(done)
    }
}

impl Leases for Outside {
    async fn lease(&self, bucket: &str, holder: &str, now: Timestamp, expires: Timestamp) -> StoreResult<Lease> {
        self.call(Operation::UpdateItem).await?;
        let lease = self.sim.store.lease(bucket, holder, now, expires).await?;
        if lease == Lease::Busy {
            self.sim.count(|seen| seen.taken_leases += 1);
            self.sim.marks.borrow_mut().push(now);
        }
        Ok(lease)
    }
    async fn release(&self, bucket: &str, holder: &str, expires: Timestamp) -> StoreResult<bool> {
        self.call(Operation::UpdateItem).await?;
        self.sim.store.release(bucket, holder, expires).await
    }
    async fn count_repair(
        &self,
        bucket: &str,
        now: Timestamp,
        window: Duration,
        limit: u64,
    ) -> StoreResult<RepairBudget> {
        self.call(Operation::PutItem).await?;
        let budget = self.sim.store.count_repair(bucket, now, window, limit).await?;
        if matches!(budget, RepairBudget::Contested { .. }) {
            self.sim.count(|seen| seen.contests += 1);
        }
        Ok(budget)
    }
    async fn reset_repairs(&self, bucket: &str) -> StoreResult<()> {
        self.call(Operation::DeleteItem).await?;
        self.sim.store.reset_repairs(bucket).await
    }
    answer_may_get_lost! {
        recall(name: &str) -> Option<String>;
        put_down(name: &str, text: &str) -> ();
    }
    async fn once_per(&self, name: &str, now: Timestamp, period: Duration) -> StoreResult<bool> {
        self.call(Operation::UpdateItem).await?;
        self.sim.store.once_per(name, now, period).await
    }
}
