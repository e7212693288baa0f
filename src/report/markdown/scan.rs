//! A scan's result as Markdown.

use crate::report::audit::{SCOPE, sentence};
use crate::report::markdown::{code, fenced, text};
use crate::report::scan::sheet::{label, word};
use crate::report::scan::{ScanAnswer, grouped, summary, url};
use std::fmt::Write as _;

/// Most KMS keys written out.
const KEYS: usize = 100;

/// The report.
pub fn report(answer: &ScanAnswer) -> String {
    let ScanAnswer { bucket, prefix, causes, keys, problems, .. } = answer;
    let mut out = format!("### Darwin S3 guard: {}\n\n{}\n", text(&summary(answer)), code(&url(bucket, prefix)));
    for cause in causes {
        let _ = writeln!(out, "\n#### {}\n_{}_", text(&cause.title), text(&label(cause)));
        for because in &cause.because {
            let _ = writeln!(out, "- {}", text(because));
        }
        for sample in &cause.samples {
            let _ = writeln!(out, "- e.g. {}", code(&url(bucket, sample)));
        }
        if !cause.remedy.is_empty() {
            out.push_str("\nWhat to do:\n");
            fenced(&mut out, "", &cause.remedy);
        }
    }
    if !keys.is_empty() {
        out.push_str("\n| KMS key | Objects | Read |\n|---|---|---|\n");
        for key in keys.iter().take(KEYS) {
            let arn = code(&key.kms_key).replace('|', "\\|");
            let _ = writeln!(out, "| {arn} | {} | {} |", grouped(key.objects), word(key.read));
        }
        if keys.len() > KEYS {
            let _ = writeln!(out, "\n… and {} more", keys.len() - KEYS);
        }
    }
    if !problems.is_empty() {
        out.push_str("\n#### Problems\n");
        for problem in problems {
            let _ = writeln!(out, "- {}", text(&sentence(problem)));
        }
    }
    let _ = write!(out, "\n{}\n", text(SCOPE.trim_end()));
    out
}
