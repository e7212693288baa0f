//! How often the guard repairs before it takes the drift for a rival's will.

use crate::model::time::Timestamp;
use std::time::Duration;

/// The answer to `count_repair`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepairBudget {
    /// Go ahead: this is the n-th repair within the window.
    Granted { count: u64 },
    /// Stop: so many repairs within the window, the last at `last`; resumes at `resumes`.
    Contested { count: u64, last: Timestamp, resumes: Timestamp },
}

/// Repairs of a bucket that still count, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repairs {
    pub times: Vec<Timestamp>,
    /// Set once the limit was hit: then only a whole window without a repair brings the guard back.
    pub contested: bool,
}

/// Decides on one more repair at `now`, and what to remember. `limit` repairs are allowed within any `window`.
pub fn budget(repairs: &Repairs, now: Timestamp, window: Duration, limit: u64) -> (RepairBudget, Repairs) {
    let live: Vec<Timestamp> = repairs.times.iter().copied().filter(|time| *time + window > now).collect();
    let count = live.len() as u64;
    let contested = count > 0 && (repairs.contested || count >= limit);
    if contested || limit == 0 {
        // Nothing is dropped while contested: the clock runs from the last repair.
        let last = live.last().copied().unwrap_or(now);
        let resumes = last + window;
        let kept = Repairs { times: if contested { repairs.times.clone() } else { live }, contested };
        (RepairBudget::Contested { count, last, resumes }, kept)
    } else {
        let mut times = live;
        times.push(now);
        (RepairBudget::Granted { count: count + 1 }, Repairs { times, contested: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn after_the_limit_it_stops_and_resumes_only_after_a_quiet_window() {
        let (window, limit) = (Duration::from_secs(1), 3);
        let mut repairs = Repairs::default();
        for (now, count) in [(0, 1), (400, 2), (900, 3)] {
            let (answer, next) = budget(&repairs, at(now), window, limit);
            assert_eq!(answer, RepairBudget::Granted { count });
            repairs = next;
        }
        let (answer, next) = budget(&repairs, at(950), window, limit);
        assert_eq!(answer, RepairBudget::Contested { count: 3, last: at(900), resumes: at(1900) });
        // The first repair has left the window, but the contest is not over.
        let (answer, next) = budget(&next, at(1500), window, limit);
        assert_eq!(answer, RepairBudget::Contested { count: 1, last: at(900), resumes: at(1900) });
        assert_eq!(budget(&next, at(1900), window, limit).0, RepairBudget::Granted { count: 1 });
    }

    #[test]
    fn slow_repairs_never_exhaust_the_budget() {
        let mut repairs = Repairs::default();
        for round in 0..50 {
            let (answer, next) = budget(&repairs, at(round * 500), Duration::from_secs(1), 3);
            assert!(matches!(answer, RepairBudget::Granted { count } if count <= 2), "round {round}: {answer:?}");
            repairs = next;
        }
        assert!(repairs.times.len() <= 3, "old repairs are forgotten");
    }

    #[test]
    fn a_limit_of_zero_never_repairs() {
        let (answer, next) = budget(&Repairs::default(), at(5), Duration::from_millis(10), 0);
        assert!(matches!(answer, RepairBudget::Contested { count: 0, .. }));
        assert_eq!(next, Repairs::default());
    }
}
