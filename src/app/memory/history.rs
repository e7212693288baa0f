//! Our writes and others' changes, as one process remembers them.
//!
//! Must never grow without bound.

use crate::app::memory::Memory;
use crate::app::ports::History;
use crate::incident::life::StoreResult;
use crate::model::change::{Change, Write};
use crate::repair::history::{Past, REMEMBER_MS};

/// The newest of each that are kept of a bucket.
const KEPT: usize = 32;

fn keep_last<T>(items: &mut Vec<T>) {
    let surplus = items.len().saturating_sub(KEPT);
    items.drain(..surplus);
}

impl History for Memory {
    async fn keep_write(&self, bucket: &str, write: &Write) -> StoreResult<()> {
        let mut state = self.state();
        let past = state.pasts.entry(bucket.to_owned()).or_default();
        let same = |held: &&mut Write| {
            (held.subject, held.begun_ms, &held.after) == (write.subject, write.begun_ms, &write.after)
        };
        match past.writes.iter_mut().find(same) {
            Some(held) => *held = write.clone(),
            None => past.writes.push(write.clone()),
        }
        keep_last(&mut past.writes);
        Ok(())
    }

    async fn keep_change(&self, bucket: &str, change: &Change) -> StoreResult<()> {
        let mut state = self.state();
        let past = state.pasts.entry(bucket.to_owned()).or_default();
        if !past.changes.iter().any(|held| held.id == change.id) {
            past.changes.push(change.clone());
        }
        keep_last(&mut past.changes);
        Ok(())
    }

    async fn past(&self, bucket: &str, now_ms: u64) -> StoreResult<Past> {
        let mut state = self.state();
        let Some(past) = state.pasts.get_mut(bucket) else { return Ok(Past::default()) };
        past.writes.retain(|write| write.begun_ms.saturating_add(REMEMBER_MS) > now_ms);
        past.changes.retain(|change| change.time_ms.saturating_add(REMEMBER_MS) > now_ms);
        Ok(past.clone())
    }
}
