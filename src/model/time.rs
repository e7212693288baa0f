//! Moments as texts: what policies, CloudTrail and messages write.
//!
//! Pure. Must never ask what time it is: that is `ports::Clock`.

use crate::model::text::is_digits;
use std::str::FromStr;
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

/// The longest that a Lambda function runs, whatever its timeout.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html>
pub const LONGEST_RUN_MS: u64 = 900_000;
/// The time kept free before the deadline, in milliseconds: what is not begun by then is returned as not done.
pub const RESERVE_MS: u64 = 2_000;

/// Milliseconds since the epoch as `2026-11-23T12:00:00Z`, to the second; no later than the year 9999.
pub fn rfc3339(ms: u64) -> String {
    let moment = i64::try_from(ms / 1_000).ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    let moment = moment.unwrap_or(PrimitiveDateTime::MAX.assume_utc());
    let ((year, month, day), (hour, minute, second)) = (moment.to_calendar_date(), moment.to_hms());
    format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z", u8::from(month))
}

/// The inverse for CloudTrail's `eventTime` (`2026-11-23T12:00:00Z`, fractions dropped): milliseconds since the epoch.
/// None for anything else.
pub fn parse_rfc3339(text: &str) -> Option<u64> {
    let (seconds, _) = iso_8601(text).filter(|_| text.contains('T') && text.ends_with('Z'))?;
    u64::try_from(seconds).ok().map(|seconds| seconds * 1_000)
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
    use super::{parse_rfc3339, rfc3339};

    #[test]
    fn times_are_civil_dates_in_utc() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399_999, "2000-02-28T23:59:59Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_735_689_599_000, "2024-12-31T23:59:59Z"),
            (1_772_323_200_000, "2026-03-01T00:00:00Z"),
            (1_798_761_600_000, "2027-01-01T00:00:00Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
            (u64::MAX, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(ms), text);
        }
    }

    #[test]
    fn a_written_date_reads_back_to_the_second() {
        for ms in [0, 951_782_399_000, 951_782_400_000, 1_798_761_600_000, 1_772_323_200_000, 1_795_521_612_000] {
            assert_eq!(parse_rfc3339(&rfc3339(ms)), Some(ms));
        }
        assert_eq!(parse_rfc3339("1970-01-01T00:00:01.999Z"), Some(1_000));
        for odd in ["2026-02-30T00:00:00Z", "2026-11-23T12:00:60Z", "1969-12-31T23:59:59Z"] {
            assert_eq!(parse_rfc3339(odd), None, "{odd}");
        }
        for odd in ["", "now", "2026-11-23", "2026-13-01T00:00:00Z", "2026-11-23T12:00:00+01:00", "-1-1-1T0:0:0Z"] {
            assert_eq!(parse_rfc3339(odd), None, "{odd}");
        }
    }
}
