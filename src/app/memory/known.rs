//! The keys of buckets as one process remembers them, and which of them it need not write down again today.
//!
//! Must never grow with what uploads name: what rests is bounded, and which keys are kept is decided elsewhere.

use crate::app::memory::Memory;
use crate::app::ports::KnownKeys;
use crate::incident::known::KnownKey;
use crate::incident::life::StoreResult;

/// Most keys of all buckets that rest.
const RESTS: usize = 8_000;

impl Memory {
    /// Whether this process has nothing to write about a bucket's key now.
    pub fn rests(&self, bucket: &str, key: &str, now_ms: u64) -> bool {
        self.state().rests.get(&(bucket.to_owned(), key.to_owned())).is_some_and(|until_ms| now_ms < *until_ms)
    }

    /// Writes nothing about a bucket's key until then.
    pub fn rest(&self, bucket: &str, key: &str, until_ms: u64, now_ms: u64) {
        let mut state = self.state();
        if state.rests.len() >= RESTS {
            state.rests.retain(|_, until_ms| now_ms < *until_ms);
        }
        if state.rests.len() >= RESTS {
            state.rests.clear();
        }
        state.rests.insert((bucket.to_owned(), key.to_owned()), until_ms);
    }
}

impl KnownKeys for Memory {
    async fn known_keys(&self, bucket: &str, now_ms: u64) -> StoreResult<Vec<KnownKey>> {
        let mut state = self.state();
        state.known.retain(|_, known| !known.is_over(now_ms));
        let of_bucket = state.known.iter().filter(|((held, _), _)| held == bucket);
        Ok(of_bucket.map(|(_, known)| known.clone()).collect())
    }

    async fn keep_key(&self, bucket: &str, key: &KnownKey, due_ms: u64) -> StoreResult<bool> {
        let mut state = self.state();
        let place = (bucket.to_owned(), key.key.clone());
        let held = state.known.get(&place);
        let due = held.is_none_or(|held| held.seen_ms <= due_ms || held.stale_ms.is_some());
        if due {
            let since_ms = held.map_or(key.since_ms, |held| held.since_ms);
            state.known.insert(place, KnownKey { since_ms, stale_ms: None, ..key.clone() });
        }
        Ok(due)
    }

    async fn retire_key(&self, bucket: &str, key: &KnownKey, now_ms: u64) -> StoreResult<bool> {
        let mut state = self.state();
        let held = state.known.get_mut(&(bucket.to_owned(), key.key.clone()));
        let held = held.filter(|held| held.seen_ms == key.seen_ms && held.stale_ms.is_none());
        Ok(held.map(|held| held.stale_ms = Some(now_ms)).is_some())
    }

    async fn forget_key(&self, bucket: &str, key: &KnownKey) -> StoreResult<()> {
        self.state().known.remove(&(bucket.to_owned(), key.key.clone()));
        Ok(())
    }
}
