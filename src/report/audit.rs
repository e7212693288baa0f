//! The answer for people in a terminal.
//!
//! Must never say that Darwin "can read": V7's own side is not visible here, so it is "allowed by your side".

use crate::model::finding::Severity;
use crate::model::outcome::{ActionResult, CorsState, Problem, Read};
use crate::model::text::counted;
use crate::model::verdict::Decision;
use crate::report::answer::{Answer, BucketAnswer, ObjectAnswer, exit_code};
use crate::report::finding::FindingAnswer;
use std::fmt::Write as _;

/// Most objects written out; the others are counted. `--json` has them all.
const LISTED: usize = 100;

const SCOPE: &str = "\
Judged: bucket policy, key policy, grants, and the settings beside them. Not visible from here: V7's own IAM policy,
service and resource control policies, VPC endpoint and session policies. So \"allowed\" means: allowed by your side.
";

/// A readable report, ended by one line that sums it up.
pub fn report(answer: &Answer) -> String {
    let mut out = String::new();
    for bucket in &answer.buckets {
        write_bucket(&mut out, bucket);
    }
    write_objects(&mut out, &answer.objects);
    write_problems(&mut out, &answer.problems);
    if let Some(activation) = &answer.activation {
        heading(&mut out, "Everything holds. To activate, send this to V7");
        indented(&mut out, "  ", activation);
    }
    if !answer.buckets.is_empty() || !answer.objects.is_empty() {
        let _ = write!(out, "\n{SCOPE}");
    }
    let _ = writeln!(out, "\n{}", summary(answer));
    out
}

fn heading(out: &mut String, text: &str) {
    if !out.is_empty() {
        out.push('\n');
    }
    let _ = writeln!(out, "{}", line(text));
}

/// A text on one line, without what could drive a terminal: keys and policies are other people's.
fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A text with its lines, each after `margin`, without what could drive a terminal.
fn indented(out: &mut String, margin: &str, text: &str) {
    for text in text.lines() {
        let clean: String = text.chars().filter(|c| *c == '\t' || !c.is_control()).collect();
        let _ = writeln!(out, "{}", format!("{margin}{clean}").trim_end());
    }
}

fn write_bucket(out: &mut String, answer: &BucketAnswer) {
    let BucketAnswer { bucket, read, write, cors, drifts, findings, actions, plan, verified } = answer;
    heading(out, &format!("Bucket {bucket}"));
    let _ = writeln!(out, "  read    {}", of_decision(*read));
    if let Some(write) = write {
        let _ = writeln!(out, "  write   {}", of_decision(*write));
    }
    let cors = match cors {
        Some(CorsState::Ok) => "ok",
        Some(CorsState::Missing) => "missing: browsers on Darwin show nothing",
        None => "could not be read",
    };
    let _ = writeln!(out, "  cors    {cors}");
    for drift in drifts {
        write_finding(out, if answer.drift_is_left() { "drift" } else { "drift, repaired" }, drift);
    }
    for finding in findings {
        write_finding(out, "finding", finding);
    }
    if let Some(plan) = plan {
        let title = if actions.iter().any(|action| action.result == ActionResult::Done) {
            "what was written"
        } else {
            "what would be written"
        };
        let _ = writeln!(out, "\n  {title}");
        indented(out, "    ", plan);
    }
    if !actions.is_empty() {
        out.push('\n');
    }
    for action in actions {
        let result = match action.result {
            ActionResult::Done => "done",
            ActionResult::DryRun => "not written: dry run",
            ActionResult::Refused => "refused: mode, pause tag, table or a contest forbids it",
            ActionResult::Failed => "failed",
        };
        let _ = writeln!(out, "  {}  {result}", action.operation);
    }
    match verified {
        Some(true) => out.push_str("  verified: read again, and it shows\n"),
        Some(false) => out.push_str("  not verified: what was written did not show when read again\n"),
        None => {}
    }
}

fn write_finding(out: &mut String, word: &str, finding: &FindingAnswer) {
    let FindingAnswer { kind, severity, because, depends_on, remedy } = finding;
    let severity = match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    };
    let _ = writeln!(out, "\n  {word}: {kind} ({severity})");
    for because in because {
        indented(out, "    ", because);
    }
    if !depends_on.is_empty() {
        indented(out, "    ", &format!("depends on: {}", depends_on.join(", ")));
    }
    if !remedy.is_empty() {
        out.push_str("    what to do:\n");
        indented(out, "      ", remedy);
    }
}

fn write_objects(out: &mut String, objects: &[ObjectAnswer]) {
    if objects.is_empty() {
        return;
    }
    heading(out, "Objects");
    for object in objects.iter().take(LISTED) {
        let ObjectAnswer { bucket, key, version_id, read, because, depends_on, encryption, kms_key } = object;
        let version = version_id.as_ref().map(|version| format!(" (version {version})")).unwrap_or_default();
        let _ = writeln!(out, "  {:<8} {}", read.name(), line(&format!("s3://{bucket}/{key}{version}")));
        let under = match (encryption, kms_key) {
            (Some(encryption), Some(key)) => Some(format!("{encryption} under {key}")),
            (Some(encryption), None) => Some(format!("encryption {encryption}")),
            (None, Some(key)) => Some(format!("under {key}")),
            (None, None) => None,
        };
        let open = (!depends_on.is_empty()).then(|| format!("depends on: {}", depends_on.join(", ")));
        for text in under.iter().chain(because).chain(&open) {
            indented(out, "           ", text);
        }
    }
    if objects.len() > LISTED {
        let _ = writeln!(out, "  … and {} more; --json has them all", objects.len() - LISTED);
    }
}

fn write_problems(out: &mut String, problems: &[Problem]) {
    if problems.is_empty() {
        return;
    }
    heading(out, "Problems");
    for Problem { at, saw, want, retryable } in problems {
        let again = if *retryable { " (try again)" } else { "" };
        let _ = writeln!(out, "  {}: saw {}; wanted {}{again}", line(at), line(saw), line(want));
    }
}

fn of_decision(decision: Decision) -> &'static str {
    match decision {
        Decision::Allowed => "allowed by your side",
        Decision::Denied => "denied",
        Decision::Depends => "depends on what can't be seen from here",
    }
}

/// The last line: what the exit status says, in words.
fn summary(answer: &Answer) -> String {
    let Answer { objects, buckets, problems, activation: _ } = answer;
    let mut seen = Vec::new();
    if !buckets.is_empty() {
        let wrong = buckets.iter().filter(|bucket| bucket.is_wrong()).count();
        let open = buckets.iter().filter(|bucket| !bucket.is_wrong() && bucket.is_open()).count();
        seen.push(format!(
            "{}: {} well, {wrong} with something in Darwin's way, {open} with open questions only",
            counted(buckets.len(), "bucket"),
            buckets.len() - wrong - open,
        ));
    }
    if !objects.is_empty() {
        let count = |read| objects.iter().filter(|object| object.read == read).count();
        seen.push(format!(
            "{}: {} allowed, {} denied, {} open, {} gone",
            counted(objects.len(), "object"),
            count(Read::Allowed),
            count(Read::Denied),
            count(Read::Depends),
            count(Read::Gone),
        ));
    }
    if !problems.is_empty() {
        seen.push(counted(problems.len(), "problem"));
    }
    let open = objects.iter().any(|object| object.read == Read::Depends) || buckets.iter().any(BucketAnswer::is_open);
    let verdict = match exit_code(answer) {
        0 if open => "WARNING: nothing is wrong, but some answers depend on what can't be seen from here",
        0 if seen.is_empty() => "OK: nothing to do",
        0 => "OK",
        1 => "NOT OK",
        _ => "COULD NOT RUN, or not all of it",
    };
    if seen.is_empty() { verdict.to_owned() } else { format!("{verdict} ({})", seen.join("; ")) }
}
