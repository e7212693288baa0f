//! Texts that others wrote, cut to a size.
//!
//! Pure. Must never cut a character in two.

use std::ops::RangeInclusive;

/// The longest beginning of a text whose characters have at most `most` of a size together.
fn head(text: &str, most: usize, size: fn(char) -> usize) -> &str {
    let mut room = Some(most);
    let mut fits = |c| {
        room = room.and_then(|room| room.checked_sub(size(c)));
        room.is_some()
    };
    let end = text.char_indices().find_map(|(at, c)| (!fits(c)).then_some(at));
    text.get(..end.unwrap_or(text.len())).unwrap_or_default()
}

/// At most `most` bytes, the mark of a cut among them.
pub fn cut_within(text: &str, most: usize) -> String {
    const MARK: &str = "…";
    if text.len() <= most {
        return text.to_owned();
    }
    head(text, most.saturating_sub(MARK.len()), char::len_utf8).to_owned() + MARK
}

/// At most `most` bytes, and how many more there were.
pub fn cut(text: &str, most: usize) -> String {
    with_rest(text, head(text, most, char::len_utf8))
}

/// As [`cut`], with the size of a text that it has as a JSON string.
pub fn cut_as_json(text: &str, most: usize) -> String {
    with_rest(text, head(text, most, size_as_json))
}

/// The size of a text that it has as a JSON string, without its quotes.
pub fn bytes_as_json(text: &str) -> usize {
    text.chars().map(size_as_json).sum()
}

fn size_as_json(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\u{0}'..'\u{20}' => 6,
        _ => c.len_utf8(),
    }
}

fn with_rest(text: &str, kept: &str) -> String {
    match text.len() - kept.len() {
        0 => text.to_owned(),
        more => format!("{kept} ... ({more} more bytes were cut)"),
    }
}

/// At most `most` characters, followed by `mark` where there were more.
pub fn shortened(text: &str, most: usize, mark: &str) -> String {
    let kept = head(text, most, |_| 1);
    if kept.len() == text.len() { text.to_owned() } else { format!("{kept}{mark}") }
}

/// At most `most` characters on one line, in backticks: line breaks and other control characters become spaces.
pub fn quoted(text: &str, most: usize) -> String {
    format!("`{}`", without_controls(&shortened(text, most, "…")))
}

/// With a space for each line break and other control character.
pub fn without_controls(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Characters of Unicode's private use, which stand for any character in a key that the judge makes up.
pub const STRANGERS: RangeInclusive<char> = '\u{e000}'..='\u{f8ff}';

/// With one `*` for each run of [`STRANGERS`].
pub fn with_wildcards(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match STRANGERS.contains(&c) {
            true if shown.ends_with('*') => {}
            true => shown.push('*'),
            false => shown.push(c),
        }
    }
    shown
}

/// `1 rule`, `2 rules`.
pub fn counted(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// Whether it is digits, and at least one.
pub fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cut_text_fits_and_is_the_start_of_what_it_was(text in any::<String>(), most in 3..40_usize) {
            let short = cut_within(&text, most);
            prop_assert!(short.len() <= most);
            prop_assert!(short == text || text.starts_with(short.strip_suffix('…').unwrap()));
        }

        #[test]
        fn a_counted_cut_loses_no_byte(text in any::<String>(), most in 0..40_usize) {
            for (short, size) in [
                (cut(&text, most), str::len as fn(&str) -> usize),
                (cut_as_json(&text, most), |text| serde_json::to_string(text).unwrap().len() - 2),
            ] {
                let Some((kept, rest)) = short.rsplit_once(" ... (") else {
                    prop_assert_eq!(&short, &text);
                    prop_assert!(size(&text) <= most);
                    continue;
                };
                let more: usize = rest.strip_suffix(" more bytes were cut)").unwrap().parse().unwrap();
                let next = text.strip_prefix(kept).unwrap().chars().next().unwrap();
                prop_assert!(text.starts_with(kept) && kept.len() + more == text.len());
                let one_more = format!("{kept}{next}");
                prop_assert!(size(kept) <= most && size(&one_more) > most);
            }
        }
    }

    #[test]
    fn a_quote_is_one_line_in_backticks_and_says_that_it_was_cut() {
        assert_eq!(quoted("a\u{1b}[31m\r\nb", 80), "`a [31m  b`");
        assert_eq!((quoted("éé", 2), quoted("éé\n", 2)), ("`éé`".to_owned(), "`éé…`".to_owned()));
        assert_eq!((shortened("abc", 2, "..."), shortened("abc", 3, "...")), ("ab...".to_owned(), "abc".to_owned()));
    }

    #[test]
    fn digits_are_ascii_and_at_least_one() {
        assert!(is_digits("0") && !is_digits("") && !is_digits("1a") && !is_digits("٣") && !is_digits("+1"));
    }
}
