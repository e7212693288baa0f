//! A scan's result for people in a terminal.

use crate::model::outcome::Problem;
use crate::report::audit::{SCOPE, sentence};
use crate::report::scan::{
    CauseAnswer, KeyAnswer, ScanAnswer, counts, exit_code, grouped, objects_of, size, summary, url,
};
use crate::report::sheet::{Sheet, Tone};
use crate::scan::tally::KeyRead;

/// Most KMS keys written out.
const KEYS: usize = 50;

/// The result in pieces that may have a colour: each cause once with what to do, the KMS keys, and a line that sums it up.
pub fn sheet(answer: &ScanAnswer) -> Sheet {
    let ScanAnswer { bucket, prefix, objects, bytes, verdicts, causes, keys, problems, sample } = answer;
    let mut out = Sheet::default();
    let of = if *sample { ", a sample" } else { "" };
    out.line(Tone::Title, &format!("{}{of}", url(bucket, prefix)));
    out.line(
        Tone::Plain,
        &format!(
            "  {}{}",
            counts(*verdicts, *objects),
            bytes.map(|bytes| format!(" ({})", size(bytes))).unwrap_or_default()
        ),
    );
    for (number, cause) in causes.iter().enumerate() {
        write_cause(&mut out, number + 1, bucket, cause);
    }
    write_keys(&mut out, keys);
    if !problems.is_empty() {
        out.end();
        out.line(Tone::Title, "Problems");
        for problem in problems {
            write_problem(&mut out, problem);
        }
    }
    out.end();
    SCOPE.lines().for_each(|line| out.line(Tone::Dim, line));
    let tone = match exit_code(answer) {
        0 if *sample || verdicts.depends > 0 => Tone::Open,
        0 => Tone::Good,
        _ => Tone::Bad,
    };
    out.end();
    out.line(tone, &summary(answer));
    out
}

pub(crate) fn tone(read: KeyRead) -> Tone {
    match read {
        KeyRead::Allowed => Tone::Good,
        KeyRead::Depends | KeyRead::Unknown => Tone::Open,
        KeyRead::Denied => Tone::Bad,
    }
}

pub(crate) fn word(read: KeyRead) -> &'static str {
    match read {
        KeyRead::Allowed => "allowed",
        KeyRead::Depends => "depends",
        KeyRead::Unknown => "unknown",
        KeyRead::Denied => "denied",
    }
}

/// How many objects a cause has.
pub(crate) fn label(cause: &CauseAnswer) -> String {
    let bytes = cause.bytes.map(|bytes| format!(", {}", size(bytes))).unwrap_or_default();
    format!("{}{bytes}, {}: {}", objects_of(cause.objects), word(cause.read), cause.kind)
}

fn write_cause(out: &mut Sheet, number: usize, bucket: &str, cause: &CauseAnswer) {
    out.end();
    out.put(tone(cause.read), &format!("{number}. {bucket}: {}", cause.title));
    out.line(Tone::Dim, &format!("  ({})", label(cause)));
    for because in &cause.because {
        out.block("   ", because);
    }
    for sample in &cause.samples {
        out.line(Tone::Dim, &format!("   e.g. {}", url(bucket, sample)));
    }
    if !cause.remedy.is_empty() {
        out.line(Tone::Plain, "   What to do:");
        out.block("     ", &cause.remedy);
    }
}

fn write_keys(out: &mut Sheet, keys: &[KeyAnswer]) {
    if keys.is_empty() {
        return;
    }
    out.end();
    let row = |key: &KeyAnswer| {
        [
            (Tone::Plain, key.kms_key.clone()),
            (Tone::Plain, grouped(key.objects)),
            (tone(key.read), word(key.read).to_owned()),
        ]
    };
    let rows: Vec<_> = keys.iter().take(KEYS).map(row).collect();
    out.table(["KMS key", "Objects", "Read"], &rows);
    if keys.len() > KEYS {
        out.line(Tone::Plain, &format!("… and {} more; --format json has them all", keys.len() - KEYS));
    }
}

fn write_problem(out: &mut Sheet, problem: &Problem) {
    out.put(Tone::Bad, "  ");
    out.line(Tone::Plain, &sentence(problem));
}
