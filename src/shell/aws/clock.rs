//! Time and chance. The only module that asks the system for the time.
//!
//! Must never be used for a secret: the numbers are for jitter and lease names.

use crate::app::ports::Clock;
use crate::model::time::Timestamp;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The system's clock, and the generator of the thread that made it.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock(());

impl SystemClock {
    /// Seeded by the operating system, as processes that were copied from one would else repeat each other.
    pub fn seeded() -> Self {
        fastrand::seed(RandomState::new().build_hasher().finish());
        Self(())
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that asks the time")]
fn since_epoch() -> Duration {
    // A clock before 1970 reads as 1970.
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::default() + since_epoch()
    }

    async fn sleep(&self, wait: Duration) {
        tokio::time::sleep(wait).await;
    }

    fn random(&self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { fastrand::u64(..bound) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_stays_below_its_bound_and_is_no_constant() {
        let clock = SystemClock::seeded();
        assert_eq!(clock.random(0), 0);
        assert_eq!(clock.random(1), 0);
        let seen: std::collections::BTreeSet<u64> = (0..1000).map(|_| clock.random(10)).collect();
        assert_eq!(seen, (0..10).collect());
    }

    #[test]
    fn a_copied_state_of_the_generator_is_not_used_on() {
        let draw = || {
            fastrand::seed(7);
            let clock = SystemClock::seeded();
            (0..4).map(|_| clock.random(u64::MAX)).collect::<Vec<_>>()
        };
        assert_ne!(draw(), draw());
    }

    #[test]
    fn the_time_is_in_milliseconds() {
        let now = SystemClock::seeded().now();
        assert!((1_600_000_000_000..10_000_000_000_000).contains(&now.as_millis()), "{now}");
    }
}
