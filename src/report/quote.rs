//! Quoting for a POSIX shell, such that a chat shows the command as it is.
//!
//! Must never let a name be more than one word of a command, or mention somebody in a chat: what could is an escape.

use std::fmt::Write;

/// The text as one word of a shell command. Characters that do not show, and those that a chat may take for markup,
/// become escapes of the `$'...'` form, so that what is pasted is what is seen.
pub fn shell(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    let mentions = mentions(text);
    if !text.is_empty() && !mentions && text.chars().all(plain) {
        return text.to_owned();
    }
    let escaped = |c: char| invisible(c) || is_markup(c) || (mentions && c == '@');
    if !text.chars().any(escaped) {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let mut quoted = String::from("$'");
    for c in text.chars() {
        match c {
            '\'' | '\\' => {
                quoted.push('\\');
                quoted.push(c);
            }
            c if escaped(c) => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    // Three octal digits always: what follows can't run into the escape.
                    let _ = write!(quoted, "\\{byte:03o}");
                }
            }
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

/// The text as one segment of an address's path.
pub fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

/// A JSON text as one word of a shell command, without space between its elements: what a shell or a chat could take for
/// more becomes an escape of JSON.
pub fn shell_json(json: &str) -> String {
    let mut word = String::with_capacity(json.len() + 2);
    word.push('\'');
    word.push_str(&in_quotes(json));
    word.push('\'');
    word
}

/// A JSON text without space between its elements, fit to stand between single quotes.
pub fn in_quotes(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    let mentions = mentions(json);
    for c in json.chars() {
        if !in_string {
            in_string = c == '"';
            if !c.is_ascii_whitespace() {
                text.push(c);
            }
            continue;
        }
        in_string = escaped || c != '"';
        escaped = !escaped && c == '\\';
        if c == '\'' || is_markup(c) || invisible(c) || (mentions && c == '@') {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(c);
        }
    }
    text
}

/// Whether it is one JSON text, whole: what a store cut is none.
pub fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Chats take `<!here>` and `<@U1>` for mentions, `&lt;` for `<`, and a backtick for the end of code.
fn is_markup(c: char) -> bool {
    matches!(c, '<' | '&' | '`')
}

fn mentions(text: &str) -> bool {
    ["@here", "@channel", "@everyone"].iter().any(|name| text.contains(name))
}
/// Characters that do not show, or that change how their neighbours show: controls, line and paragraph separators,
/// bidirectional marks, zero-width and tag characters.
pub fn invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_word_stays_and_anything_else_is_one_quoted_word() {
        for (text, quoted) in [
            ("a/b-c_1.jpg", "a/b-c_1.jpg"),
            ("", "''"),
            ("a b", "'a b'"),
            ("$(rm -rf ~)", "'$(rm -rf ~)'"),
            ("it's", r"'it'\''s'"),
            ("a\nb", r"$'a\012b'"),
            ("a\u{202e}gpj'\\", r"$'a\342\200\256gpj\'\\'"),
            ("kätzchen-😺", "'kätzchen-😺'"),
            ("a<!here>&`", r"$'a\074!here>\046\140'"),
            ("image@2x.png", "image@2x.png"),
            ("@here", r"$'\100here'"),
        ] {
            assert_eq!(shell(text), quoted, "{text:?}");
        }
    }

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        let texts = [
            "a b",
            "it's",
            "a\nb\t\u{7}",
            "\u{202e}x'\\\\y",
            "$(id)`id`\"",
            "*?[a]{b,c}",
            "-rf",
            "~",
            "#x",
            "<&`@here",
        ];
        for text in texts {
            let script = format!("printf %s {}", shell(text));
            let out = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(out.stdout).unwrap(), text, "{script}");
        }
    }

    #[test]
    fn a_json_text_stays_the_same_json_as_one_word_without_space() {
        let json = "{ \"a b\": [\"it's\", \"x \\\" ` < & @here \u{202e}😺\" ] }";
        let word = shell_json(json);
        let script = format!("printf %s {word}");
        let out = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
        let read: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
        assert_eq!(read, serde_json::from_str::<serde_json::Value>(json).unwrap(), "{word}");
        assert!(
            !word.contains(['<', '&', '`', '\u{202e}']) && !word.contains("@here") && word.contains("{\"a b\":["),
            "{word}"
        );
    }
}
