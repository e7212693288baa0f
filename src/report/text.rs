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

/// A moment as people in several zones read it.
pub(super) fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    let (day, time) = text.split_once('T').unwrap_or((&text, ""));
    format!("{} UTC on {day}", time.get(..5).unwrap_or(time))
}

/// The same, without its day where that is the day of `beside`.
pub(super) fn moment_beside(at: Timestamp, beside: Timestamp) -> String {
    let text = moment(at);
    match (text.split_once(" on "), moment(beside).split_once(" on ")) {
        (Some((time, day)), Some((_, other))) if day == other => time.to_owned(),
        _ => text,
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
