//! What is remembered between objects: facts of keys and of buckets, with a lifetime, fetched once at a time.
//!
//! For objects only: reconciling a bucket always reads fresh. Must never remember a transient failure, and
//! never grow without bound.

use crate::model::aws::{AwsError, ErrorClass};
use crate::model::time::Timestamp;
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::OnceCell;

/// How long a fact serves (plus up to a fifth of jitter, so that functions do not ask together).
pub const LIFETIME: Duration = Duration::from_mins(5);
/// How long a refusal (denied, not found) serves.
const NEGATIVE_LIFETIME: Duration = Duration::from_secs(30);
/// An adverse verdict from facts older than this is judged again from fresh ones before anyone is told.
pub const TRUSTED_AGE: Duration = Duration::from_secs(10);
/// Entries kept for one kind of fact; the oldest go first.
const CAPACITY: usize = 1_000;

/// A value with the time at which it was asked for.
#[derive(Debug, Clone)]
pub struct Fact<T> {
    pub value: Rc<T>,
    pub read_at: Timestamp,
}

#[derive(Debug)]
struct Slot<T> {
    asked_at: Timestamp,
    expires_at: Timestamp,
    cell: OnceCell<Result<Rc<T>, AwsError>>,
}

impl<T> Slot<T> {
    fn serves(&self, now: Timestamp) -> bool {
        let until = match self.cell.get() {
            Some(Err(error)) if matches!(error.class, ErrorClass::Denied | ErrorClass::NotFound) => {
                self.asked_at + NEGATIVE_LIFETIME
            }
            _ => self.expires_at,
        };
        until > now
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
    /// The fact under `name`, read by `fetch` if it is not there, too old, or older than `no_older_than`.
    /// `jitter` is added to its lifetime.
    pub async fn get<F>(
        &self,
        name: &str,
        now: Timestamp,
        no_older_than: Option<Timestamp>,
        jitter: Duration,
        fetch: impl FnOnce() -> F,
    ) -> Result<Fact<T>, AwsError>
    where
        F: Future<Output = Result<T, AwsError>>,
    {
        let slot = self.slot(name, now, no_older_than, jitter);
        let result = slot.cell.get_or_init(|| async { fetch().await.map(Rc::new) }).await.clone();
        if result.as_ref().is_err_and(AwsError::retryable) {
            self.forget_slot(name, &slot);
        }
        result.map(|value| Fact { value, read_at: slot.asked_at })
    }

    /// The fact under `name`, if it is there and still serves.
    pub fn held(&self, name: &str, now: Timestamp) -> Option<Rc<T>> {
        let slots = self.slots.borrow();
        let slot = slots.by_name.get(name).filter(|slot| slot.serves(now))?;
        slot.cell.get()?.as_ref().ok().map(Rc::clone)
    }

    fn slot(&self, name: &str, now: Timestamp, no_older_than: Option<Timestamp>, jitter: Duration) -> Rc<Slot<T>> {
        let mut slots = self.slots.borrow_mut();
        if let Some(slot) = slots.by_name.get(name) {
            let too_old = no_older_than.is_some_and(|limit| slot.asked_at < limit);
            if slot.serves(now) && !too_old {
                return Rc::clone(slot);
            }
        }
        let expires_at = now + LIFETIME + jitter;
        let slot = Rc::new(Slot { asked_at: now, expires_at, cell: OnceCell::new() });
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

    const START: Timestamp = Timestamp::from_millis(0);
    const MOMENT: Duration = Duration::from_millis(1);

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

    async fn read(
        cache: &Cache<u32>,
        calls: &Cell<u32>,
        now: Timestamp,
        limit: Option<Timestamp>,
    ) -> Result<u32, AwsError> {
        cache
            .get("k", now, limit, Duration::ZERO, || async {
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
        let (a, b) = tokio::join!(read(&cache, &calls, START, None), read(&cache, &calls, START + MOMENT, None));
        assert_eq!((a, b, calls.get()), (Ok(1), Ok(1), 1));
    }

    #[tokio::test]
    async fn a_fact_is_fetched_again_after_its_lifetime_or_when_a_fresher_one_is_wanted() {
        let (cache, calls) = (Cache::default(), Cell::new(0));
        assert_eq!(read(&cache, &calls, START, None).await, Ok(1));
        assert_eq!(read(&cache, &calls, START + LIFETIME - MOMENT, None).await, Ok(1));
        assert_eq!(read(&cache, &calls, START + LIFETIME - MOMENT, Some(START + MOMENT)).await, Ok(2));
        assert_eq!(read(&cache, &calls, START + LIFETIME * 2, None).await, Ok(3));
        cache.forget("k");
        assert_eq!(read(&cache, &calls, START + LIFETIME * 2, None).await, Ok(4));
    }

    #[tokio::test]
    async fn a_name_is_forgotten_with_what_hangs_on_it_and_no_other() {
        let cache = Cache::<u32>::default();
        for name in ["b", "b#ownership", "bb#ownership"] {
            cache.get(name, START, None, Duration::ZERO, || async { Ok(1) }).await.unwrap();
        }
        cache.forget("b");
        let held = ["b", "b#ownership", "bb#ownership"].map(|name| cache.held(name, START).is_some());
        assert_eq!(held, [false, false, true]);
    }

    #[tokio::test]
    async fn a_transient_failure_is_not_remembered_and_a_refusal_is_for_a_while() {
        for (class, calls_wanted) in [(ErrorClass::Transient, 2), (ErrorClass::Denied, 1)] {
            let (cache, calls) = (Cache::<u32>::default(), Cell::new(0));
            for _ in 0..2 {
                let got = cache
                    .get("k", START, None, Duration::ZERO, || async {
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
            let _ = cache
                .get(&n.to_string(), Timestamp::from_millis(n as u64), None, Duration::ZERO, || async { Ok(n) })
                .await;
        }
        let held = |n: usize| cache.slots.borrow().by_name.contains_key(&n.to_string());
        assert_eq!(cache.slots.borrow().by_name.len(), CAPACITY);
        assert!(!held(CAPACITY - 1) && held(CAPACITY), "the oldest went");
        // What is asked for again and again leaves nothing behind either.
        for n in 0..5 * CAPACITY {
            let _ = cache.get("again", START, Some(Timestamp::MAX), Duration::ZERO, || async { Ok(n) }).await;
        }
        assert_eq!(cache.slots.borrow().by_name.len(), CAPACITY);
        assert!(cache.slots.borrow().by_age.len() <= 2 * CAPACITY);
    }
}
