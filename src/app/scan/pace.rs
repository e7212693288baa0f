//! How many calls at once: as many as S3 takes, up to a bound; and how many a second.
//!
//! Must never hold a call back for good: a slot comes back with the call that had it.

use crate::app::ports::Clock;
use crate::model::time::Timestamp;
use std::cell::Cell;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// To begin with.
const FIRST: usize = 16;
/// Two cuts are so far apart: the calls that were under way at a cut tell nothing new.
const BETWEEN_CUTS: Duration = Duration::from_secs(1);

/// Slots for calls. They grow with every call that is answered, by half at most each round, and halve where S3 asks for
/// fewer requests.
#[derive(Debug)]
pub struct Pace {
    slots: Semaphore,
    most: usize,
    /// Slots that there are.
    limit: Cell<usize>,
    /// Slots that are to go as they come back.
    debt: Cell<usize>,
    answered: Cell<usize>,
    /// S3 has asked for fewer: from then on one slot a round is added.
    was_cut: Cell<bool>,
    last_cut: Cell<Timestamp>,
    /// Between the starts of two calls, in microseconds.
    apart_us: u64,
    next_us: Cell<u64>,
    last_good: Cell<Timestamp>,
}

/// A slot, until it is dropped.
#[derive(Debug)]
pub struct Slot<'a> {
    pace: &'a Pace,
    permit: Option<SemaphorePermit<'a>>,
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        if let (Some(debt), Some(permit)) = (self.pace.debt.get().checked_sub(1), self.permit.take()) {
            self.pace.debt.set(debt);
            permit.forget();
        }
    }
}

impl Pace {
    /// At most `most` calls at once, and `rate` a second.
    pub fn new(most: usize, rate: Option<u32>) -> Self {
        let most = most.max(1);
        Self {
            slots: Semaphore::new(most.min(FIRST)),
            most,
            limit: Cell::new(most.min(FIRST)),
            debt: Cell::new(0),
            answered: Cell::new(0),
            was_cut: Cell::new(false),
            last_cut: Cell::default(),
            apart_us: rate.map_or(0, |rate| 1_000_000 / u64::from(rate.max(1))),
            next_us: Cell::new(0),
            last_good: Cell::default(),
        }
    }

    pub fn most(&self) -> usize {
        self.most
    }

    /// Waits for a slot.
    pub async fn slot(&self) -> Slot<'_> {
        // Nothing closes the semaphore.
        Slot { pace: self, permit: self.slots.acquire().await.ok() }
    }

    /// Waits for the turn of the next call, as the rate has it.
    pub async fn turn(&self, clock: &impl Clock) {
        let now_us = clock.now().as_millis().saturating_mul(1_000);
        let at_us = self.next_us.get().max(now_us);
        self.next_us.set(at_us.saturating_add(self.apart_us));
        let wait = (at_us - now_us) / 1_000;
        if wait > 0 {
            clock.sleep(Duration::from_millis(wait)).await;
        }
    }

    /// From now on an answer is waited for.
    pub fn begin(&self, now: Timestamp) {
        self.last_good.set(now);
    }

    /// Since when nothing was answered.
    pub fn last_good(&self) -> Timestamp {
        self.last_good.get()
    }

    /// A call was answered.
    pub fn answered(&self, now: Timestamp) {
        self.last_good.set(now);
        self.answered.set(self.answered.get() + 1);
        let limit = self.limit.get();
        let round = if self.was_cut.get() { limit } else { 2 };
        if self.answered.get() >= round && limit < self.most {
            self.answered.set(0);
            self.limit.set(limit + 1);
            match self.debt.get().checked_sub(1) {
                Some(debt) => self.debt.set(debt),
                None => self.slots.add_permits(1),
            }
        }
    }

    /// S3 asked for fewer requests.
    pub fn slow_down(&self, now: Timestamp) {
        if self.was_cut.get() && now < self.last_cut.get() + BETWEEN_CUTS {
            return;
        }
        self.was_cut.set(true);
        self.last_cut.set(now);
        self.answered.set(0);
        let limit = self.limit.get();
        let fewer = (limit / 2).max(1);
        self.limit.set(fewer);
        self.debt.set(self.debt.get() + limit - fewer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    struct At(Cell<Timestamp>);
    impl Clock for At {
        fn now(&self) -> Timestamp {
            self.0.get()
        }
        async fn sleep(&self, wait: Duration) {
            self.0.set(self.0.get() + wait);
        }
        fn random(&self, _: u64) -> u64 {
            0
        }
    }

    #[tokio::test]
    async fn slots_grow_to_the_bound_and_halve_where_s3_asks_for_fewer() {
        let pace = Pace::new(64, None);
        (0..200).for_each(|_| pace.answered(at(0)));
        assert_eq!((pace.limit.get(), pace.slots.available_permits()), (64, 64));
        let mut held = Vec::new();
        for _ in 0..64 {
            held.push(pace.slot().await);
        }
        pace.slow_down(at(5_000));
        pace.slow_down(at(5_100));
        assert_eq!(pace.limit.get(), 32, "one cut for the calls that were under way");
        held.clear();
        assert_eq!(pace.slots.available_permits(), 32);
        (0..32).for_each(|_| pace.answered(at(6_000)));
        assert_eq!(pace.limit.get(), 33);
        (0..20).for_each(|n| pace.slow_down(at(10_000 * n)));
        for _ in 0..33 {
            drop(pace.slot().await);
        }
        assert_eq!((pace.limit.get(), pace.slots.available_permits()), (1, 1));
    }

    #[tokio::test]
    async fn calls_are_as_far_apart_as_the_rate_has_it() {
        let (pace, clock) = (Pace::new(64, Some(50)), At(Cell::new(at(1_000))));
        for _ in 0..51 {
            pace.turn(&clock).await;
        }
        assert_eq!(clock.now(), at(2_000));
    }
}
