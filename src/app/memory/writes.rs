//! Our writes and others' changes, as one process remembers them.
//!
//! Must never decide what is forgotten: the bounds are `Past`'s.

use crate::app::memory::Memory;
use crate::app::ports::WriteLog;
use crate::incident::life::StoreResult;
use crate::model::change::{Change, Write};
use crate::model::time::Timestamp;
use crate::repair::history::Past;

impl WriteLog for Memory {
    async fn keep_write(&self, bucket: &str, write: &Write) -> StoreResult<()> {
        let mut state = self.state();
        let past = state.pasts.entry(bucket.to_owned()).or_default();
        match past.writes.iter_mut().find(|held| held.same(write)) {
            Some(held) => *held = Write { event: held.event.take(), ..write.clone() },
            None => past.writes.push(write.clone()),
        }
        Ok(())
    }

    async fn forget_write(&self, bucket: &str, write: &Write) -> StoreResult<()> {
        if let Some(past) = self.state().pasts.get_mut(bucket) {
            past.writes.retain(|held| !held.same(write));
        }
        Ok(())
    }

    async fn recognise_write(&self, bucket: &str, write: &Write, event_id: &str) -> StoreResult<bool> {
        let mut state = self.state();
        let held = state.pasts.get_mut(bucket).and_then(|past| past.writes.iter_mut().find(|held| held.same(write)));
        Ok(held.is_some_and(|held| held.event.get_or_insert_with(|| event_id.to_owned()) == event_id))
    }

    async fn keep_change(&self, bucket: &str, change: &Change) -> StoreResult<()> {
        let mut state = self.state();
        let past = state.pasts.entry(bucket.to_owned()).or_default();
        if !past.changes.iter().any(|held| held.id == change.id) {
            past.changes.push(change.clone());
        }
        Ok(())
    }

    async fn forget_change(&self, bucket: &str, change: &Change) -> StoreResult<()> {
        if let Some(past) = self.state().pasts.get_mut(bucket) {
            past.changes.retain(|held| held.id != change.id);
        }
        Ok(())
    }

    async fn past(&self, bucket: &str, now: Timestamp) -> StoreResult<Past> {
        let mut state = self.state();
        let Some(past) = state.pasts.get_mut(bucket) else { return Ok(Past::default()) };
        past.forget_old(now);
        Ok(past.clone())
    }
}
