//! Time and chance. The only module that asks the system for the time.
//!
//! Must never be used for a secret: the numbers are for jitter and lease names.

use crate::app::ports::Clock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The system's clock and a small generator (SplitMix64), seeded by time, process and address.
#[derive(Debug)]
pub struct SystemClock {
    state: AtomicU64,
}

impl SystemClock {
    pub fn new() -> Self {
        let place = Box::new(0_u8);
        let address = std::ptr::from_ref(&*place) as usize;
        let seed = nanos() ^ u64::from(std::process::id()).rotate_left(32) ^ (address as u64).rotate_left(16);
        Self { state: AtomicU64::new(seed) }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that asks the time")]
fn since_epoch() -> Duration {
    // A clock before 1970 reads as 1970.
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn nanos() -> u64 {
    let now = since_epoch();
    now.as_secs().wrapping_mul(1_000_000_000).wrapping_add(u64::from(now.subsec_nanos()))
}

impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        u64::try_from(since_epoch().as_millis()).unwrap_or(u64::MAX)
    }

    async fn sleep_ms(&self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    fn random(&self, bound: u64) -> u64 {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut bits = self.state.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^= bits >> 31;
        bits.checked_rem(bound).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_stays_below_its_bound_and_is_no_constant() {
        let clock = SystemClock::new();
        assert_eq!(clock.random(0), 0);
        assert_eq!(clock.random(1), 0);
        let seen: std::collections::BTreeSet<u64> = (0..1000).map(|_| clock.random(10)).collect();
        assert_eq!(seen, (0..10).collect());
    }

    #[test]
    fn two_clocks_do_not_repeat_each_other() {
        let (one, other) = (SystemClock::new(), SystemClock::new());
        let draw = |clock: &SystemClock| (0..4).map(|_| clock.random(u64::MAX)).collect::<Vec<_>>();
        assert_ne!(draw(&one), draw(&other));
    }

    #[test]
    fn the_time_is_in_milliseconds() {
        let now = SystemClock::new().now_ms();
        assert!((1_600_000_000_000..10_000_000_000_000).contains(&now), "{now}");
    }
}
