//! An answer as Markdown, for a pull request.
//!
//! Must never let a name, a key or a policy become markup, a link or a mention: what comes from outside is escaped, in a
//! code span, or in a fenced block that it can't end.

use crate::report::answer::{Answer, BucketAnswer, ObjectAnswer};
use crate::report::audit::{COLUMNS, Found, each_once, of_result, of_verified, row, scope, sentence, summary};
use crate::report::text::name;
use std::fmt::Write as _;

pub mod scan;

/// Most objects written out; the others are counted.
const LISTED: usize = 100;

/// The report.
pub fn report(answer: &Answer) -> String {
    let mut out = format!("### Darwin S3 guard: {}\n", text(&summary(answer)));
    if !answer.buckets.is_empty() {
        let _ = write!(out, "\n| {} |\n|{}\n", COLUMNS.join(" | "), "---|".repeat(COLUMNS.len()));
        for bucket in &answer.buckets {
            let cells = row(bucket).map(|(_, cell)| text(&cell));
            let _ = writeln!(out, "| {} |", cells.join(" | "));
        }
    }
    for found in each_once(&answer.buckets) {
        finding(&mut out, &found);
    }
    answer.buckets.iter().for_each(|bucket| changes(&mut out, bucket));
    objects(&mut out, &answer.objects);
    if !answer.problems.is_empty() {
        out.push_str("\n#### Problems\n");
        for problem in &answer.problems {
            let _ = writeln!(out, "- {}", text(&sentence(problem)));
        }
    }
    if let Some(activation) = &answer.activation {
        out.push_str("\n#### Ready. To activate, send this to V7\n");
        fenced(&mut out, "", activation);
    }
    if !answer.buckets.is_empty() || !answer.objects.is_empty() {
        let _ = write!(out, "\n{}\n", text(scope(answer).trim_end()));
    }
    out
}

fn finding(out: &mut String, found: &Found<'_>) {
    let _ = writeln!(out, "\n#### {}\n_{}_", text(&found.title()), text(&found.label()));
    for because in &found.finding.because {
        let _ = writeln!(out, "- {}", text(because));
    }
    if !found.finding.depends_on.is_empty() {
        let _ = writeln!(out, "- depends on: {}", text(&found.finding.depends_on.join(", ")));
    }
    if !found.finding.remedy.is_empty() {
        out.push_str("\nWhat to do:\n");
        fenced(out, "", &found.finding.remedy);
    }
}

fn changes(out: &mut String, answer: &BucketAnswer) {
    if let Some(plan) = &answer.plan {
        let _ = writeln!(out, "\n#### {}: the change", text(&answer.bucket));
        fenced(out, "diff", plan);
    }
    for action in &answer.actions {
        let _ = writeln!(out, "- {}: {}", action.operation, of_result(action.result));
    }
    if let Some((_, shows)) = of_verified(answer.verified) {
        let _ = writeln!(out, "- {shows}");
    }
}

fn objects(out: &mut String, objects: &[ObjectAnswer]) {
    if objects.is_empty() {
        return;
    }
    out.push_str("\n| Read | Object | Why |\n|---|---|---|\n");
    for object in objects.iter().take(LISTED) {
        let place = code(&format!("s3://{}/{}", object.bucket, object.key)).replace('|', "\\|");
        let _ = writeln!(out, "| {} | {place} | {} |", object.read.name(), text(&object.because.join("; ")));
    }
    if objects.len() > LISTED {
        let _ = writeln!(out, "\n… and {} more", objects.len() - LISTED);
    }
}

/// A sentence of ours on one line: what is in backticks becomes code, the rest is escaped.
fn text(sentence: &str) -> String {
    let clean = name(&sentence.replace('\n', " "));
    let parts: Vec<&str> = clean.split('`').collect();
    // The last backtick of an odd number is none.
    let paired = parts.len() - (parts.len() + 1) % 2;
    let mut out = String::new();
    for (index, part) in parts.iter().enumerate() {
        match index % 2 {
            1 if index < paired => out.push_str(&code(part).replace('|', "\\|")),
            1 => {
                out.push_str("\\`");
                out.push_str(&escaped(part));
            }
            _ => out.push_str(&escaped(part)),
        }
    }
    out
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '!' | '$' => {
                out.push('\\');
                out.push(c);
            }
            '&' => out.push_str("&amp;"),
            // Neither a link nor a mention.
            ':' => out.push_str("&#58;"),
            '@' => out.push_str("@<!-- -->"),
            c => out.push(c),
        }
    }
    out.replace("www.", "www&#46;").replace("&#58; ", ": ").replace("&#58;&#58;", "::")
}

/// A code span that its text can't end.
fn code(text: &str) -> String {
    let text = name(text);
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    if text.is_empty() { String::new() } else { format!("{fence}{pad}{text}{pad}{fence}") }
}

fn fenced(out: &mut String, language: &str, text: &str) {
    let fence = "`".repeat(longest_run(text).max(2) + 1);
    let _ = writeln!(out, "{fence}{language}");
    for line in text.lines() {
        let _ = writeln!(out, "{}", name(&line.replace('\t', "    ")));
    }
    let _ = writeln!(out, "{fence}");
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_is_neither_markup_nor_a_link_nor_a_mention() {
        for (given, wanted) in [
            ("statement `Nightly|Backup` (#0)", "statement `Nightly\\|Backup` (\\#0)"),
            ("key `a`b<img src=x>`", "key `a`b\\<img src=x\\>\\`"),
            ("[x](https://evil.example)", "\\[x\\](https&#58;//evil.example)"),
            ("ask @acme/all at www.evil.example", "ask @<!-- -->acme/all at www&#46;evil.example"),
            ("a\u{202e}b\nc", "a\\\\u\\{202e\\}b c"),
            ("new: `arn:aws:s3:::b`", "new: `arn:aws:s3:::b`"),
        ] {
            assert_eq!(text(given), wanted, "{given:?}");
        }
    }

    #[test]
    fn a_block_is_not_ended_by_what_it_holds() {
        let mut out = String::new();
        fenced(&mut out, "", "a\n````\n<script>\u{7}");
        assert_eq!(out, "`````\na\n````\n<script>\\u{7}\n`````\n");
        assert_eq!(code("a``b"), "```a``b```");
    }
}
