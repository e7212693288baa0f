//! The keys of buckets as one process remembers them, and which of them it need not write down again today.
//!
//! Must never grow with what uploads name: what rests is bounded, and which keys are kept is decided elsewhere.

use crate::app::memory::Memory;
use crate::app::ports::KnownKeys;
use crate::incident::known::KnownKey;
use crate::incident::life::StoreResult;
use crate::model::time::Timestamp;

/// Most keys of all buckets that rest.
const RESTS: usize = 8_000;

impl Memory {
    /// Whether this process has nothing to write about a bucket's key now.
    pub fn rests(&self, bucket: &str, key: &str, now: Timestamp) -> bool {
        self.state().rests.get(&(bucket.to_owned(), key.to_owned())).is_some_and(|until| now < *until)
    }

    /// Writes nothing about a bucket's key until then.
    pub fn rest(&self, bucket: &str, key: &str, until: Timestamp, now: Timestamp) {
        let mut state = self.state();
        if state.rests.len() >= RESTS {
            state.rests.retain(|_, until| now < *until);
        }
        if state.rests.len() >= RESTS {
            state.rests.clear();
        }
        state.rests.insert((bucket.to_owned(), key.to_owned()), until);
    }
}

impl KnownKeys for Memory {
    async fn known_keys(&self, bucket: &str, now: Timestamp) -> StoreResult<Vec<KnownKey>> {
        let mut state = self.state();
        state.known.retain(|_, known| !known.is_over(now));
        let of_bucket = state.known.iter().filter(|((held, _), _)| held == bucket);
        Ok(of_bucket.map(|(_, known)| known.clone()).collect())
    }

    async fn keep_key(&self, bucket: &str, key: &KnownKey, due: Timestamp) -> StoreResult<bool> {
        let mut state = self.state();
        let place = (bucket.to_owned(), key.key.clone());
        let held = state.known.get(&place);
        let due = held.is_none_or(|held| held.last_seen <= due || held.stale_since.is_some());
        if due {
            let since = held.map_or(key.since, |held| held.since);
            state.known.insert(place, KnownKey { since, stale_since: None, ..key.clone() });
        }
        Ok(due)
    }

    async fn retire_key(&self, bucket: &str, key: &KnownKey, now: Timestamp) -> StoreResult<bool> {
        let mut state = self.state();
        let held = state.known.get_mut(&(bucket.to_owned(), key.key.clone()));
        let held = held.filter(|held| held.last_seen == key.last_seen && held.stale_since.is_none());
        Ok(held.map(|held| held.stale_since = Some(now)).is_some())
    }

    async fn forget_key(&self, bucket: &str, key: &KnownKey) -> StoreResult<()> {
        self.state().known.remove(&(bucket.to_owned(), key.key.clone()));
        Ok(())
    }
}
