//! Moments and their texts: what policies, CloudTrail and messages write.
//!
//! Pure. Must never ask what time it is: that is `ports::Clock`.

use crate::model::text::is_digits;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Display, Formatter};
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::time::Duration;
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

/// The longest that a Lambda function runs, whatever its timeout.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html>
pub const LONGEST_RUN: Duration = Duration::from_mins(15);
/// The time kept free before the deadline: what is not begun by then is returned as not done.
pub const RESERVE: Duration = Duration::from_secs(2);

/// CloudTrail's `eventTime` has a grain of one second.
pub const GRAIN: Duration = Duration::from_secs(1);

/// A moment, to the millisecond; stored as the milliseconds since 1970. What is counted beyond its ends stays at them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    pub const MAX: Self = Self(u64::MAX);

    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// As DynamoDB's time to live has it.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000
    }

    /// Whether a wait that begins now ends well before the deadline, if there is one.
    pub fn leaves(self, wait: Duration, deadline: Option<Self>) -> bool {
        deadline.is_none_or(|deadline| self + wait + RESERVE < deadline)
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, length: Duration) -> Self {
        Self(self.0.saturating_add(millis(length)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, length: Duration) -> Self {
        Self(self.0.saturating_sub(millis(length)))
    }
}

/// How long after the other; zero if before it.
impl Sub for Timestamp {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// As `2026-11-23T12:00:00Z`, to the second; no later than the year 9999.
impl Display for Timestamp {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let moment = i64::try_from(self.as_secs()).ok().and_then(|secs| OffsetDateTime::from_unix_timestamp(secs).ok());
        let moment = moment.unwrap_or(PrimitiveDateTime::MAX.assume_utc());
        let ((year, month, day), (hour, minute, second)) = (moment.to_calendar_date(), moment.to_hms());
        write!(f, "{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z", u8::from(month))
    }
}

/// A text that is no moment as CloudTrail writes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoMoment;

/// Reads what `Display` and CloudTrail's `eventTime` write, fractions dropped, and nothing else.
impl FromStr for Timestamp {
    type Err = NoMoment;

    fn from_str(text: &str) -> Result<Self, NoMoment> {
        let (seconds, _) = iso_8601(text).filter(|_| text.contains('T') && text.ends_with('Z')).ok_or(NoMoment)?;
        u64::try_from(seconds).map(|seconds| Self(seconds * 1_000)).map_err(|_| NoMoment)
    }
}

/// A length in whole milliseconds.
pub fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

/// Seconds since the epoch and nanoseconds of a month, a day, or a time of a day with its zone.
pub fn iso_8601(text: &str) -> Option<(i64, u32)> {
    let (day, time) = match text.split_once(['T', 't']) {
        Some((day, time)) => (day, Some(time)),
        None => (text, None),
    };
    let mut parts = day.split('-');
    let (year, month, of_month) =
        (digits(parts.next()?, 4)?, digits::<u8>(parts.next()?, 2)?, digits(parts.next().unwrap_or("01"), 2)?);
    if parts.next().is_some() {
        return None;
    }
    let day = Date::from_calendar_date(year, Month::try_from(month).ok()?, of_month).ok()?;
    let Some(time) = time else { return Some((day.midnight().assume_utc().unix_timestamp(), 0)) };
    let (clock, offset) = zone(time)?;
    let (clock, fraction) = clock.split_once('.').map_or((clock, None), |(clock, fraction)| (clock, Some(fraction)));
    let mut parts = clock.split(':');
    let (hour, minute) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let second = match parts.next() {
        Some(second) => digits(second, 2)?,
        None if fraction.is_none() => 0,
        None => return None,
    };
    let nanos = match fraction {
        None => 0,
        Some(fraction) if fraction.len() <= 9 => {
            digits(&format!("{fraction:0<9}"), 9).filter(|_| !fraction.is_empty())?
        }
        Some(_) => return None,
    };
    let time = Time::from_hms_nano(hour, minute, second, nanos).ok().filter(|_| parts.next().is_none())?;
    Some((day.with_time(time).assume_utc().unix_timestamp() - offset, nanos))
}

/// The clock part and the zone's offset in seconds.
fn zone(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let at = time.rfind(['+', '-'])?;
    let (clock, offset) = time.split_at_checked(at)?;
    let (sign, offset) = match offset.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, offset.strip_prefix('+')?),
    };
    let (hours, minutes) = offset.split_once(':').or_else(|| offset.split_at_checked(2))?;
    let (hours, minutes): (i64, i64) = (digits(hours, 2)?, digits(minutes, 2)?);
    (hours <= 14 && minutes <= 59).then_some((clock, sign * (hours * 3_600 + minutes * 60)))
}

fn digits<T: FromStr>(text: &str, length: usize) -> Option<T> {
    if text.len() == length && is_digits(text) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::{NoMoment, Timestamp};
    use std::time::Duration;

    const fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn times_are_civil_dates_in_utc() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399_999, "2000-02-28T23:59:59Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_735_689_599_000, "2024-12-31T23:59:59Z"),
            (1_772_323_200_000, "2026-03-01T00:00:00Z"),
            (1_798_761_600_000, "2027-01-01T00:00:00Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
            (u64::MAX, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(at(millis).to_string(), text);
        }
    }

    #[test]
    fn a_written_date_reads_back_to_the_second() {
        for millis in [0, 951_782_399_000, 951_782_400_000, 1_798_761_600_000, 1_772_323_200_000, 1_795_521_612_000] {
            assert_eq!(at(millis).to_string().parse(), Ok(at(millis)));
        }
        assert_eq!("1970-01-01T00:00:01.999Z".parse(), Ok(at(1_000)));
        for odd in ["2026-02-30T00:00:00Z", "2026-11-23T12:00:60Z", "1969-12-31T23:59:59Z"] {
            assert_eq!(odd.parse::<Timestamp>(), Err(NoMoment), "{odd}");
        }
        for odd in ["", "now", "2026-11-23", "2026-13-01T00:00:00Z", "2026-11-23T12:00:00+01:00", "-1-1-1T0:0:0Z"] {
            assert_eq!(odd.parse::<Timestamp>(), Err(NoMoment), "{odd}");
        }
    }

    #[test]
    fn what_is_counted_beyond_the_first_or_the_last_moment_stays_there() {
        let second = Duration::from_secs(1);
        assert_eq!(
            (at(5) - second, Timestamp::MAX + second, at(5) + Duration::MAX),
            (at(0), Timestamp::MAX, Timestamp::MAX)
        );
        assert_eq!((at(5) - at(7), at(1_007) - at(7), at(7) + second), (Duration::ZERO, second, at(1_007)));
    }

    #[test]
    fn a_wait_must_end_two_seconds_before_the_deadline() {
        let second = Duration::from_secs(1);
        assert!(at(0).leaves(second, None) && at(0).leaves(second, Some(at(3_001))));
        assert!(!at(0).leaves(second, Some(at(3_000))) && !Timestamp::MAX.leaves(second, Some(Timestamp::MAX)));
    }

    #[test]
    fn a_moment_is_stored_as_a_number() {
        assert_eq!(serde_json::to_string(&[at(1_798_761_600_001)]).unwrap(), "[1798761600001]");
    }
}
