//! Texts that may hold anything, made fit to be read.

use crate::incident::cut;
use crate::remedy::invisible;
use std::fmt::Write;

/// One line of at most `max` bytes: what does not show is written as an escape such as `\n` or `\u{202e}`.
pub(super) fn line(text: &str, max: usize) -> String {
    cut(&visible(text, |_| false), max)
}

/// Several lines of at most `max` bytes altogether: line breaks and tabs stay, the rest is escaped as in `line`.
pub(super) fn block(text: &str, max: usize) -> String {
    cut(&visible(text, |c| matches!(c, '\n' | '\t')), max)
}

fn visible(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if !keep(c) && invisible(c) {
            let _ = write!(shown, "{}", c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// RFC 3339 in UTC, to the second.
pub fn rfc3339(ms: u64) -> String {
    let seconds = ms / 1000;
    let (days, second_of_day) = (seconds / 86_400, seconds % 86_400);
    // Days to civil date, counted in years that begin in March, so that the leap day comes last.
    let z = days + 719_468;
    let era = z / 146_097;
    let day_of_era = z % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// A span of time in words, to its largest unit.
pub(super) fn span(ms: u64) -> String {
    let minutes = ms / 60_000;
    let (number, unit) = match minutes {
        0 => return "less than a minute".to_owned(),
        1..60 => (minutes, "minute"),
        60..2880 => (minutes / 60, "hour"),
        _ => (minutes / 1440, "day"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_civil_dates_in_utc() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399_999, "2000-02-28T23:59:59Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_735_689_599_000, "2024-12-31T23:59:59Z"),
            (1_772_323_200_000, "2026-03-01T00:00:00Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(ms), text);
        }
    }

    #[test]
    fn a_line_stays_one_line_and_shows_what_hides() {
        assert_eq!(line("a\r\nb\u{202e}c\u{7f}", 100), r"a\r\nb\u{202e}c\u{7f}");
        assert_eq!(block("a\nb\tc\u{0}", 100), "a\nb\tc\\u{0}");
        assert_eq!(line("ä😺", 100), "ä😺");
        assert_eq!(line("ää", 3), "ä ... (2 more bytes were cut)");
    }

    #[test]
    fn spans_are_told_in_their_largest_unit() {
        for (ms, text) in [
            (59_999, "less than a minute"),
            (60_000, "1 minute"),
            (7_200_000, "2 hours"),
            (90_000_000, "25 hours"),
            (172_800_000, "2 days"),
        ] {
            assert_eq!(span(ms), text);
        }
    }
}
