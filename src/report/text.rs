//! Texts that may hold anything, made fit to be read.

use crate::model::change::Subject;
use crate::model::text::{cut, shortened};
use crate::model::time::Timestamp;
use crate::model::why::StatementName;
use crate::report::quote::invisible;
use std::fmt::Write;
use std::time::Duration;

/// One line of at most `max` bytes: what does not show is written as an escape such as `\n` or `\u{202e}`.
pub(super) fn line(text: &str, max: usize) -> String {
    cut(&visible(text, |_| false), max)
}

/// Several lines of at most `max` bytes altogether: line breaks and tabs stay, the rest is escaped as in `line`.
pub(super) fn block(text: &str, max: usize) -> String {
    cut(&visible(text, |c| matches!(c, '\n' | '\t')), max)
}

/// A name from outside in a sentence of ours: on one line, and what does not show is escaped as in `line`.
pub(super) fn name(text: &str) -> String {
    visible(text, |_| false)
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

/// A span of time in words, to its largest unit.
pub(super) fn span(length: Duration) -> String {
    let minutes = length.as_secs() / 60;
    let (number, unit) = match minutes {
        0 => return "less than a minute".to_owned(),
        1..60 => (minutes, "minute"),
        60..2880 => (minutes / 60, "hour"),
        _ => (minutes / 1440, "day"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

/// JSON laid out for reading.
pub(super) fn pretty(value: &serde_json::Value) -> String {
    // A `Value` always serialises.
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// Most characters of a name in a sentence.
const NAME: usize = 300;

/// A name from outside as code: nothing in it ends the code or hides.
pub(super) fn code(text: &str) -> String {
    format!("`{}`", name(&shortened(text, NAME, "...")).replace('`', "'"))
}

/// A statement by its Sid and its index in the policy.
pub(super) fn statement(of: &StatementName) -> String {
    name(&shortened(&format!("statement {of}"), NAME, "..."))
}

/// What a document is called.
pub(super) fn subject(subject: Subject) -> &'static str {
    match subject {
        Subject::Policy => "bucket policy",
        Subject::Cors => "CORS rules",
        Subject::Notification => "notification configuration",
    }
}

/// A moment as people in several zones read it: `12:05 UTC, 24 Nov 2026`.
pub(super) fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    let time = text.get(11..16).unwrap_or_default();
    format!("{time} UTC, {} {}", day(at), text.get(..4).unwrap_or_default())
}

/// `24 Nov`.
pub(super) fn day(at: Timestamp) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = at.to_string();
    let number = |range| text.get(range).and_then(|digits: &str| digits.parse::<usize>().ok()).unwrap_or(1);
    let month = MONTHS.get(number(5..7).saturating_sub(1)).copied().unwrap_or_default();
    format!("{} {month}", number(8..10))
}

/// The same, without what it has in common with `beside`: its year, and its day.
pub(super) fn moment_beside(at: Timestamp, beside: Timestamp) -> String {
    let (text, other) = (moment(at), moment(beside));
    let year = |text: &str| text.rsplit_once(' ').map(|(head, year)| (head.to_owned(), year.to_owned()));
    let date = |text: &str| text.split_once(", ").map(|(time, date)| (time.to_owned(), date.to_owned()));
    match (date(&text), date(&other), year(&text), year(&other)) {
        (Some((time, day)), Some((_, today)), ..) if day == today => time,
        (.., Some((head, year)), Some((_, this_year))) if year == this_year => head,
        _ => text,
    }
}

/// A sentence as the rest of a line.
pub(super) fn lower(sentence: &str) -> String {
    let mut chars = sentence.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// And as a line of its own.
pub(super) fn upper(sentence: &str) -> String {
    let mut chars = sentence.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line_and_shows_what_hides() {
        assert_eq!(line("a\r\nb\u{202e}c\u{7f}", 100), r"a\r\nb\u{202e}c\u{7f}");
        assert_eq!(block("a\nb\tc\u{0}", 100), "a\nb\tc\\u{0}");
        assert_eq!(line("ä😺", 100), "ä😺");
        assert_eq!(line("ää", 3), "ä ... (2 more bytes were cut)");
    }

    #[test]
    fn a_moment_has_the_day_and_the_year_where_they_are_not_those_beside_it() {
        const NOON: Timestamp = Timestamp::from_millis(1_795_521_600_000);
        const DAY: Duration = Duration::from_hours(24);
        assert_eq!(moment(NOON), "12:00 UTC, 24 Nov 2026");
        for (beside, text) in [
            (NOON + Duration::from_millis(1), "12:00 UTC"),
            (NOON + DAY, "12:00 UTC, 24 Nov"),
            (NOON + DAY * 60, "12:00 UTC, 24 Nov 2026"),
        ] {
            assert_eq!(moment_beside(NOON, beside), text);
        }
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
            assert_eq!(span(Duration::from_millis(ms)), text);
        }
    }
}
