//! Quoting for a POSIX shell.

use std::fmt::Write;

/// The text as one word of a shell command. Control, formatting and other invisible characters become escapes of
/// the `$'...'` form, so that what is pasted is what is seen.
pub fn shell(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    if !text.chars().any(invisible) {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let mut quoted = String::from("$'");
    for c in text.chars() {
        match c {
            '\'' | '\\' => {
                quoted.push('\\');
                quoted.push(c);
            }
            c if invisible(c) => {
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
        ] {
            assert_eq!(shell(text), quoted, "{text:?}");
        }
    }

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        let texts = ["a b", "it's", "a\nb\t\u{7}", "\u{202e}x'\\\\y", "$(id)`id`\"", "*?[a]{b,c}", "-rf", "~", "#x"];
        for text in texts {
            let script = format!("printf %s {}", shell(text));
            let out = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(out.stdout).unwrap(), text, "{script}");
        }
    }
}
