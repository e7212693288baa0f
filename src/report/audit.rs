//! The answer for people in a terminal.
//!
//! Must never say that Darwin "can read": V7's own side is not visible here, so it is "allowed by your side".

use crate::model::finding::Severity;
use crate::model::outcome::{ActionResult, CorsState, Problem, Read};
use crate::model::text::counted;
use crate::model::verdict::Decision;
use crate::report::answer::{Answer, BucketAnswer, ObjectAnswer, exit_code};
use crate::report::finding::FindingAnswer;
use crate::report::links::{Link, State, of_decision, of_finding};
use crate::report::notice::severity_name;
use crate::report::sheet::{Sheet, Tone};

/// Most objects written out; the others are counted. `--json` has them all.
const LISTED: usize = 100;

pub(super) const SCOPE: &str = "\
Judged: bucket policy, key policy, grants, and the settings beside them. Not visible from here: V7's own IAM policy,
service and resource control policies, VPC endpoint and session policies. So \"allowed\" means: allowed by your side.
";

/// The same where resource control policies were given.
const SCOPE_WITH_RCPS: &str = "\
Judged: bucket policy, key policy, grants, the settings beside them, and the resource control policies that were given.
Not visible from here: V7's own IAM policy, service control policies, VPC endpoint and session policies. So \"allowed\"
means: allowed by your side.
";

/// What an answer rests on, and what it does not.
pub(super) fn scope(answer: &Answer) -> &'static str {
    if answer.rcps { SCOPE_WITH_RCPS } else { SCOPE }
}

/// A readable report, ended by one line that sums it up.
pub fn report(answer: &Answer) -> String {
    sheet(answer).plain()
}

/// The report in pieces that may have a colour: the buckets in a table, each finding once with what to do, what was
/// written, and what to send to V7.
pub fn sheet(answer: &Answer) -> Sheet {
    let mut out = Sheet::default();
    table(&mut out, &answer.buckets);
    for (number, found) in each_once(&answer.buckets).iter().enumerate() {
        write_finding(&mut out, number + 1, found);
    }
    for bucket in &answer.buckets {
        write_changes(&mut out, bucket);
    }
    write_objects(&mut out, &answer.objects);
    write_problems(&mut out, &answer.problems);
    if let Some(activation) = &answer.activation {
        heading(&mut out, "Ready. To activate, send this to V7");
        out.block("  ", activation);
    }
    if !answer.buckets.is_empty() || !answer.objects.is_empty() {
        out.end();
        scope(answer).lines().for_each(|line| out.line(Tone::Dim, line));
    }
    let tone = match exit_code(answer) {
        0 if answer.objects.iter().any(|object| object.read == Read::Depends) => Tone::Open,
        0 if answer.buckets.iter().any(BucketAnswer::is_open) => Tone::Open,
        0 => Tone::Good,
        _ => Tone::Bad,
    };
    out.end();
    out.line(tone, &summary(answer));
    out
}

fn heading(out: &mut Sheet, text: &str) {
    if !out.is_empty() {
        out.end();
    }
    out.line(Tone::Title, text);
}

/// Colours say what the words say.
pub(super) fn tone(state: State) -> Tone {
    match state {
        State::Good => Tone::Good,
        State::Open => Tone::Open,
        State::Bad => Tone::Bad,
    }
}

/// The columns of the buckets' table, and a row of it.
pub(super) const COLUMNS: [&str; 6] = ["Bucket", "Read", "Write", "CORS", "Keys", "Findings"];

pub(super) fn row(answer: &BucketAnswer) -> [(Tone, String); 6] {
    let decision = |decision: Decision| (tone(of_decision(decision)), of_side(decision).to_owned());
    let key = Link::Key.state(answer);
    let keys = match key {
        State::Good if answer.cors.is_none() => "not read",
        State::Good => "ok",
        State::Open => "see below",
        State::Bad => "denied",
    };
    [
        (Tone::Title, answer.bucket.clone()),
        decision(answer.read),
        answer.write.map_or((Tone::Dim, "-".to_owned()), decision),
        match answer.cors {
            Some(CorsState::Ok) => (Tone::Good, "ok".to_owned()),
            Some(CorsState::Missing) => (Tone::Bad, "missing".to_owned()),
            None => (Tone::Open, "not read".to_owned()),
        },
        (if keys == "not read" { Tone::Open } else { tone(key) }, keys.to_owned()),
        counts(answer),
    ]
}

/// What is left to look at, by how much it is in Darwin's way.
fn counts(answer: &BucketAnswer) -> (Tone, String) {
    let drifts = if answer.drift_is_left() { answer.drifts.as_slice() } else { &[] };
    let found = || drifts.iter().chain(&answer.findings);
    let words = [Severity::Critical, Severity::Warning].map(|severity| {
        let number = found().filter(|finding| finding.severity == severity).count();
        (number > 0).then(|| format!("{number} {}", severity_name(severity)))
    });
    let text = words.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let worst = found().map(of_finding).max().unwrap_or(State::Good);
    if text.is_empty() { (Tone::Good, "none".to_owned()) } else { (tone(worst), text) }
}

fn table(out: &mut Sheet, buckets: &[BucketAnswer]) {
    if !buckets.is_empty() {
        let rows: Vec<_> = buckets.iter().map(row).collect();
        out.table(COLUMNS, &rows);
    }
}

/// A finding with the buckets that have it.
pub(super) struct Found<'a> {
    pub(super) buckets: Vec<&'a str>,
    pub(super) word: &'static str,
    pub(super) finding: &'a FindingAnswer,
}

impl Found<'_> {
    /// What it means, with the buckets it is of.
    pub(super) fn title(&self) -> String {
        format!("{}: {}", self.buckets.join(", "), self.finding.title)
    }

    /// Its name and weight, as machines have them.
    pub(super) fn label(&self) -> String {
        format!("{}, {}: {}", self.word, severity_name(self.finding.severity), self.finding.kind)
    }
}

/// Every finding of every bucket, once.
pub(super) fn each_once(buckets: &[BucketAnswer]) -> Vec<Found<'_>> {
    let mut all: Vec<Found<'_>> = Vec::new();
    for answer in buckets {
        let drift = if answer.drift_is_left() { "drift" } else { "drift, repaired" };
        let drifts = answer.drifts.iter().map(|finding| (drift, finding));
        for (word, finding) in drifts.chain(answer.findings.iter().map(|finding| ("finding", finding))) {
            match all.iter_mut().find(|found| found.word == word && found.finding == finding) {
                Some(found) => found.buckets.push(&answer.bucket),
                None => all.push(Found { buckets: vec![&answer.bucket], word, finding }),
            }
        }
    }
    all
}

fn write_finding(out: &mut Sheet, number: usize, found: &Found<'_>) {
    let FindingAnswer { kind: _, severity: _, title: _, because, depends_on, remedy, reader: _, refused: _ } =
        found.finding;
    out.end();
    let tone = if found.word == "drift, repaired" { Tone::Good } else { tone(of_finding(found.finding)) };
    out.put(tone, &format!("{number}. {}", found.title()));
    out.line(Tone::Dim, &format!("  ({})", found.label()));
    for because in because {
        out.block("   ", because);
    }
    if !depends_on.is_empty() {
        out.block("   ", &format!("depends on: {}", depends_on.join(", ")));
    }
    if !remedy.is_empty() {
        out.line(Tone::Plain, "   What to do:");
        out.block("     ", remedy);
    }
}

/// What was or would be written to a bucket.
fn write_changes(out: &mut Sheet, answer: &BucketAnswer) {
    let BucketAnswer { bucket, actions, plan, verified, .. } = answer;
    if let Some(plan) = plan {
        let done = actions.iter().any(|action| action.result == ActionResult::Done);
        heading(out, &format!("{bucket}: what {} written", if done { "was" } else { "would be" }));
        out.block("  ", plan);
    }
    for action in actions {
        out.line(Tone::Plain, &format!("  {}: {}", action.operation, of_result(action.result)));
    }
    if let Some((tone, text)) = of_verified(*verified) {
        out.line(tone, &format!("  {text}"));
    }
}

/// Whether what was written shows; nothing where nothing was written.
pub(super) fn of_verified(verified: Option<bool>) -> Option<(Tone, &'static str)> {
    verified.map(|shows| {
        if shows {
            (Tone::Good, "verified: read again, and it shows")
        } else {
            (Tone::Bad, "not verified: what was written did not show when read again")
        }
    })
}

pub(super) fn of_result(result: ActionResult) -> &'static str {
    match result {
        ActionResult::Done => "done",
        ActionResult::DryRun => "not written: dry run",
        ActionResult::Refused => "refused: mode, pause tag, table or a contest forbids it",
        ActionResult::Failed => "failed",
    }
}

fn write_objects(out: &mut Sheet, objects: &[ObjectAnswer]) {
    if objects.is_empty() {
        return;
    }
    heading(out, "Objects");
    for object in objects.iter().take(LISTED) {
        let ObjectAnswer { bucket, key, version_id, read, because, depends_on, encryption, kms_key } = object;
        let version = version_id.as_ref().map(|version| format!(" (version {version})")).unwrap_or_default();
        let tone = match read {
            Read::Allowed => Tone::Good,
            Read::Denied => Tone::Bad,
            Read::Depends | Read::Gone => Tone::Open,
        };
        out.put(tone, &format!("  {:<8} ", read.name()));
        out.line(Tone::Plain, &format!("s3://{bucket}/{key}{version}"));
        let under = match (encryption, kms_key) {
            (Some(encryption), Some(key)) => Some(format!("{encryption} under {key}")),
            (Some(encryption), None) => Some(format!("encryption {encryption}")),
            (None, Some(key)) => Some(format!("under {key}")),
            (None, None) => None,
        };
        let open = (!depends_on.is_empty()).then(|| format!("depends on: {}", depends_on.join(", ")));
        for text in under.iter().chain(because).chain(&open) {
            out.block("           ", text);
        }
    }
    if objects.len() > LISTED {
        out.line(Tone::Plain, &format!("  … and {} more; --json has them all", objects.len() - LISTED));
    }
}

fn write_problems(out: &mut Sheet, problems: &[Problem]) {
    if problems.is_empty() {
        return;
    }
    heading(out, "Problems");
    for problem in problems {
        out.put(Tone::Bad, "  ");
        out.line(Tone::Plain, &sentence(problem));
    }
}

pub(super) fn sentence(Problem { at, saw, want, retryable }: &Problem) -> String {
    let again = if *retryable { " (try again)" } else { "" };
    format!("{at}: saw {saw}; wanted {want}{again}")
}

/// A verdict in a cell of a table.
fn of_side(decision: Decision) -> &'static str {
    match decision {
        Decision::Allowed => "allowed",
        Decision::Denied => "denied",
        Decision::Depends => "depends",
    }
}

/// The last line: what the exit status says, in words.
pub(super) fn summary(answer: &Answer) -> String {
    let Answer { objects, unlisted: _, buckets, problems, rcps: _, activation: _ } = answer;
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
