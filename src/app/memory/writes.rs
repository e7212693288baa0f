//! Our writes and others' changes, as one process remembers them.
//!
//! Must never grow without bound.

use crate::app::memory::{KNOWN_WRITE_MS, Memory, Written};
use crate::app::ports::WriteLog;
use crate::incident::life::{PendingWrite, StoreResult};
use crate::model::change::{Change, Write};
use crate::repair::history::{Past, REMEMBER_MS};

/// The newest of each that are kept of a bucket.
const KEPT: usize = 32;

fn keep_last<T>(items: &mut Vec<T>) {
    let surplus = items.len().saturating_sub(KEPT);
    items.drain(..surplus);
}

impl WriteLog for Memory {
    async fn note_write(&self, bucket: &str, operation: &str, token: &str, now_ms: u64) -> StoreResult<()> {
        let mut state = self.state();
        state.writes.retain(|_, write| !write.recognised || now_ms < write.written_ms.saturating_add(KNOWN_WRITE_MS));
        let name = (bucket.to_owned(), operation.to_owned(), token.to_owned());
        state.writes.insert(name, Written { written_ms: now_ms, recognised: false });
        Ok(())
    }

    async fn recognise_write(&self, bucket: &str, operation: &str, token: &str, _now_ms: u64) -> StoreResult<bool> {
        let mut state = self.state();
        let write = state.writes.get(&(bucket.to_owned(), operation.to_owned(), token.to_owned()));
        let Some(written_ms) = write.map(|write| write.written_ms) else { return Ok(false) };
        let name = (bucket.to_owned(), operation.to_owned(), token.to_owned());
        for (other, write) in &mut state.writes {
            write.recognised |= *other == name || (other.0 == bucket && write.written_ms < written_ms);
        }
        Ok(true)
    }

    async fn forget_write(&self, bucket: &str, operation: &str, token: &str) -> StoreResult<()> {
        self.state().writes.remove(&(bucket.to_owned(), operation.to_owned(), token.to_owned()));
        Ok(())
    }

    async fn pending_writes(&self, bucket: &str, before_ms: u64) -> StoreResult<Vec<PendingWrite>> {
        let state = self.state();
        let writes = state
            .writes
            .iter()
            .filter(|((name, ..), write)| name == bucket && !write.recognised && write.written_ms < before_ms);
        Ok(writes
            .map(|((_, operation, token), write)| PendingWrite {
                operation: operation.clone(),
                token: token.clone(),
                written_ms: write.written_ms,
            })
            .collect())
    }

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
