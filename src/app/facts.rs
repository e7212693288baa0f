//! What is remembered between objects: facts of keys and of buckets, with a lifetime, fetched once at a time.
//!
//! For objects only: reconciling a bucket always reads fresh. Must never remember a transient failure, and
//! never grow without bound.

use crate::model::aws::{AwsError, ErrorClass};
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::rc::Rc;
use tokio::sync::OnceCell;

/// How long a fact serves, in milliseconds (plus up to a fifth of jitter, so that functions do not ask together).
pub const LIFETIME_MS: u64 = 300_000;
/// How long a refusal (denied, not found) serves.
const NEGATIVE_LIFETIME_MS: u64 = 30_000;
/// An adverse verdict from facts older than this is judged again from fresh ones before anyone is told.
pub const TRUSTED_AGE_MS: u64 = 10_000;
/// Entries kept for one kind of fact; the oldest go first.
const CAPACITY: usize = 1_000;

/// A value with the time at which it was asked for (milliseconds since the epoch).
#[derive(Debug, Clone)]
pub struct Fact<T> {
    pub value: Rc<T>,
    pub read_at_ms: u64,
}

#[derive(Debug)]
struct Slot<T> {
    asked_at_ms: u64,
    expires_at_ms: u64,
    cell: OnceCell<Result<Rc<T>, AwsError>>,
}

impl<T> Slot<T> {
    fn serves(&self, now_ms: u64) -> bool {
        let until = match self.cell.get() {
            Some(Err(error)) if matches!(error.class, ErrorClass::Denied | ErrorClass::NotFound) => {
                self.asked_at_ms.saturating_add(NEGATIVE_LIFETIME_MS)
            }
            _ => self.expires_at_ms,
        };
        until > now_ms
    }
}

/// One kind of fact by name: callers that ask at the same time share one fetch.
#[derive(Debug)]
pub struct Cache<T> {
    slots: RefCell<Slots<T>>,
}

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self { slots: RefCell::new(Slots { by_name: HashMap::new(), by_age: VecDeque::new() }) }
    }
}

#[derive(Debug)]
struct Slots<T> {
    by_name: HashMap<String, Rc<Slot<T>>>,
    /// The oldest first; a slot that `by_name` no longer has is passed over.
    by_age: VecDeque<(String, Rc<Slot<T>>)>,
}

impl<T> Slots<T> {
    fn put(&mut self, name: &str, slot: &Rc<Slot<T>>) {
        while self.by_name.len() >= CAPACITY && !self.by_name.contains_key(name) {
            let Some((name, oldest)) = self.by_age.pop_front() else { break };
            self.remove(&name, &oldest);
        }
        self.by_name.insert(name.to_owned(), Rc::clone(slot));
        self.by_age.push_back((name.to_owned(), Rc::clone(slot)));
        if self.by_age.len() > 2 * CAPACITY {
            let held = &self.by_name;
            self.by_age.retain(|(name, slot)| held.get(name).is_some_and(|held| Rc::ptr_eq(held, slot)));
        }
    }

    fn remove(&mut self, name: &str, slot: &Rc<Slot<T>>) {
        if self.by_name.get(name).is_some_and(|held| Rc::ptr_eq(held, slot)) {
            self.by_name.remove(name);
        }
    }
}

impl<T> Cache<T> {
    /// The fact under `name`, read by `fetch` if it is not there, too old, or older than `no_older_than_ms`.
    /// `jitter` is added to its lifetime.
    pub async fn get<F>(
        &self,
        name: &str,
        now_ms: u64,
        no_older_than_ms: Option<u64>,
        jitter: u64,
        fetch: impl FnOnce() -> F,
    ) -> Result<Fact<T>, AwsError>
    where
        F: Future<Output = Result<T, AwsError>>,
    {
        let slot = self.slot(name, now_ms, no_older_than_ms, jitter);
        let result = slot.cell.get_or_init(|| async { fetch().await.map(Rc::new) }).await.clone();
        if result.as_ref().is_err_and(AwsError::retryable) {
            self.forget_slot(name, &slot);
        }
        result.map(|value| Fact { value, read_at_ms: slot.asked_at_ms })
    }

    /// The fact under `name`, if it is there and still serves.
    pub fn held(&self, name: &str, now_ms: u64) -> Option<Rc<T>> {
        let slots = self.slots.borrow();
        let slot = slots.by_name.get(name).filter(|slot| slot.serves(now_ms))?;
        slot.cell.get()?.as_ref().ok().map(Rc::clone)
    }

    fn slot(&self, name: &str, now_ms: u64, no_older_than_ms: Option<u64>, jitter: u64) -> Rc<Slot<T>> {
        let mut slots = self.slots.borrow_mut();
        if let Some(slot) = slots.by_name.get(name) {
            let too_old = no_older_than_ms.is_some_and(|limit| slot.asked_at_ms < limit);
            if slot.serves(now_ms) && !too_old {
                return Rc::clone(slot);
            }
        }
        let expires_at_ms = now_ms.saturating_add(LIFETIME_MS).saturating_add(jitter);
        let slot = Rc::new(Slot { asked_at_ms: now_ms, expires_at_ms, cell: OnceCell::new() });
        slots.put(name, &slot);
        slot
    }

    fn forget_slot(&self, name: &str, slot: &Rc<Slot<T>>) {
        self.slots.borrow_mut().remove(name, slot);
    }

    /// Drops the fact under this name, and under `name#...`.
    pub fn forget(&self, name: &str) {
        self.slots.borrow_mut().by_name.retain(|held, _| held != name && held.split('#').next() != Some(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::aws::Operation;
    use std::cell::Cell;

    fn error(class: ErrorClass) -> AwsError {
        AwsError {
            operation: Operation::DescribeKey,
            class,
            code: None,
            status: None,
            message: String::new(),
            request_id: None,
        }
    }

    async fn read(cache: &Cache<u32>, calls: &Cell<u32>, now: u64, limit: Option<u64>) -> Result<u32, AwsError> {
        cache
            .get("k", now, limit, 0, || async {
                calls.set(calls.get() + 1);
                tokio::task::yield_now().await;
                Ok(calls.get())
            })
            .await
            .map(|fact| *fact.value)
    }

    #[tokio::test]
    async fn a_fact_is_fetched_once_by_all_who_ask_at_the_same_time() {
        let (cache, calls) = (Cache::default(), Cell::new(0));
        let (a, b) = tokio::join!(read(&cache, &calls, 0, None), read(&cache, &calls, 5, None));
        assert_eq!((a, b, calls.get()), (Ok(1), Ok(1), 1));
    }

    #[tokio::test]
    async fn a_fact_is_fetched_again_after_its_lifetime_or_when_a_fresher_one_is_wanted() {
        let (cache, calls) = (Cache::default(), Cell::new(0));
        assert_eq!(read(&cache, &calls, 0, None).await, Ok(1));
        assert_eq!(read(&cache, &calls, LIFETIME_MS - 1, None).await, Ok(1));
        assert_eq!(read(&cache, &calls, LIFETIME_MS - 1, Some(1)).await, Ok(2));
        assert_eq!(read(&cache, &calls, LIFETIME_MS * 2, None).await, Ok(3));
        cache.forget("k");
        assert_eq!(read(&cache, &calls, LIFETIME_MS * 2, None).await, Ok(4));
    }

    #[tokio::test]
    async fn a_transient_failure_is_not_remembered_and_a_refusal_is_for_a_while() {
        for (class, calls_wanted) in [(ErrorClass::Transient, 2), (ErrorClass::Denied, 1)] {
            let (cache, calls) = (Cache::<u32>::default(), Cell::new(0));
            for _ in 0..2 {
                let got = cache
                    .get("k", 0, None, 0, || async {
                        calls.set(calls.get() + 1);
                        Err(error(class))
                    })
                    .await;
                assert!(got.is_err());
            }
            assert_eq!(calls.get(), calls_wanted, "{class:?}");
        }
    }

    #[tokio::test]
    async fn the_number_of_facts_is_bounded() {
        let cache = Cache::default();
        for n in 0..2 * CAPACITY {
            let _ = cache.get(&n.to_string(), n as u64, None, 0, || async { Ok(n) }).await;
        }
        let held = |n: usize| cache.slots.borrow().by_name.contains_key(&n.to_string());
        assert_eq!(cache.slots.borrow().by_name.len(), CAPACITY);
        assert!(!held(CAPACITY - 1) && held(CAPACITY), "the oldest went");
        // What is asked for again and again leaves nothing behind either.
        for n in 0..5 * CAPACITY {
            let _ = cache.get("again", 0, Some(u64::MAX), 0, || async { Ok(n) }).await;
        }
        assert_eq!(cache.slots.borrow().by_name.len(), CAPACITY);
        assert!(cache.slots.borrow().by_age.len() <= 2 * CAPACITY);
    }
}
