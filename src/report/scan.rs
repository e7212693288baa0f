//! A scan's result: as data, and in words.
//!
//! Must never say of a part, or of a sample, that all is well.

use crate::model::aws::{AwsError, ErrorClass};
use crate::model::contract::Home;
use crate::model::evidence::Evidence;
use crate::model::finding::Kind;
use crate::model::outcome::Problem;
use crate::model::text::counted;
use crate::report::finding::words;
use crate::report::quote::shell;
use crate::report::text::{code, name};
use crate::scan::checkpoint::{Total, Unfit};
use crate::scan::csv::Broken;
use crate::scan::stop::Stop;
use crate::scan::tally::{Group, KeyRead, KeyUse, Tally};
use crate::scan::told::{Alikes, Cause, Tasks};
use serde::Serialize;

pub mod bigger;
pub mod list;
pub mod sheet;
#[cfg(test)]
mod tests;

/// What a scan found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScanAnswer {
    pub bucket: String,
    pub prefix: String,
    pub objects: u64,
    /// None: a job's report does not say.
    pub bytes: Option<u64>,
    pub verdicts: Verdicts,
    pub causes: Vec<CauseAnswer>,
    pub keys: Vec<KeyAnswer>,
    pub problems: Vec<Problem>,
    /// True where only some objects were looked at, as was asked for.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub sample: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Verdicts {
    pub allowed: u64,
    pub denied: u64,
    pub depends: u64,
    pub gone: u64,
}

/// Objects that one thing is in the way of, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CauseAnswer {
    pub kind: Kind,
    /// What is the matter, and why, on one line.
    pub cause: String,
    pub objects: u64,
    /// None: a job's report does not say.
    pub bytes: Option<u64>,
    /// Keys of some of them.
    pub samples: Vec<String>,
    pub remedy: String,
    #[serde(skip)]
    pub title: String,
    #[serde(skip)]
    pub because: Vec<String>,
    #[serde(skip)]
    pub read: KeyRead,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyAnswer {
    pub kms_key: String,
    pub objects: u64,
    /// `unknown` where something else was in the way of each object under it.
    pub read: KeyRead,
}

impl ScanAnswer {
    /// What was counted, in words.
    pub fn of(tally: &Tally, bucket: &str, prefix: &str, home: &Home, problems: Vec<Problem>) -> Self {
        let mut causes: Vec<CauseAnswer> = tally.causes.values().map(|group| cause(group, bucket, home)).collect();
        worst_first(&mut causes);
        let key = |(arn, of_key): (&String, &KeyUse)| KeyAnswer {
            kms_key: arn.clone(),
            objects: of_key.objects,
            read: of_key.read,
        };
        let mut keys: Vec<KeyAnswer> = tally.keys.iter().map(key).collect();
        keys.sort_by(|a, b| (b.read, b.objects, &a.kms_key).cmp(&(a.read, a.objects, &b.kms_key)));
        let &Tally { objects, bytes, allowed, denied, depends, gone, unread, beyond, .. } = tally;
        let at = url(bucket, prefix);
        let refused = tally.causes.values().filter(|group| matches!(group.finding.evidence, Evidence::Refused { .. }));
        let refused = refused.map(|group| group.objects).sum::<u64>().saturating_sub(unread);
        let of_tally = [
            (refused, "objects that these credentials may not look at", false),
            (unread, "objects about which no answer was had, however often asked", true),
            (beyond, "objects whose cause or KMS key is not told apart, as there are too many of them", false),
        ];
        let of_tally =
            of_tally.into_iter().filter(|(number, ..)| *number > 0).map(|(number, what, retryable)| Problem {
                at: at.clone(),
                saw: format!("{} {what}", grouped(number)),
                want: "a verdict and a cause of each".to_owned(),
                retryable,
            });
        let problems = problems.into_iter().chain(of_tally).collect();
        let verdicts = Verdicts { allowed, denied, depends, gone };
        let (bucket, prefix) = (bucket.to_owned(), prefix.to_owned());
        Self { bucket, prefix, objects, bytes: Some(bytes), verdicts, causes, keys, problems, sample: false }
    }
}

/// A job's completion report in words. It holds verdicts and reasons, and neither sizes nor what to do.
pub fn of_tasks(tasks: &Tasks, mut problems: Vec<Problem>) -> ScanAnswer {
    let bucket = tasks.bucket.clone().unwrap_or_default();
    let mut causes = Vec::new();
    for (cause, alikes) in &tasks.causes {
        match of_cause(&bucket, cause, alikes) {
            Ok(cause) => causes.push(cause),
            Err(problem) => problems.push(problem),
        }
    }
    worst_first(&mut causes);
    for (number, what) in [
        (tasks.elsewhere, "of another bucket"),
        (tasks.beyond, "whose cause or KMS key is not told apart, as there are too many"),
    ] {
        if number > 0 {
            problems.push(Problem {
                at: url(&bucket, ""),
                saw: format!("{} {what}", tasks_of(number)),
                want: "the report of one job over one bucket".to_owned(),
                retryable: false,
            });
        }
    }
    let key = |(arn, (objects, allowed)): (&String, &(u64, bool))| KeyAnswer {
        kms_key: arn.clone(),
        objects: *objects,
        read: if *allowed { KeyRead::Allowed } else { KeyRead::Unknown },
    };
    let &Tasks { allowed, denied, depends, gone, .. } = tasks;
    let objects = allowed + denied + depends + gone;
    let keys = tasks.keys.iter().map(key).collect();
    let verdicts = Verdicts { allowed, denied, depends, gone };
    ScanAnswer { bucket, prefix: String::new(), objects, bytes: None, verdicts, causes, keys, problems, sample: false }
}

/// Tasks of one cause; a problem if they have no verdict.
fn of_cause(bucket: &str, cause: &Cause, alikes: &Alikes) -> Result<CauseAnswer, Problem> {
    let said = if cause.said.is_empty() { "no reason is given".to_owned() } else { cause.said.join("; ") };
    let under = cause.kms_key.iter().map(|key| format!("the objects are under the KMS key {}", code(key)));
    let denied = cause.denied.ok_or_else(|| Problem {
        at: url(bucket, alikes.samples.first().map_or("", String::as_str)),
        saw: format!("{} without a verdict: {said}", tasks_of(alikes.objects)),
        want: "a verdict: run the job again for them, or look at the function's log".to_owned(),
        retryable: true,
    })?;
    let (kind, read, title) = match denied {
        true if cause.said.iter().any(|said| said == "encryption sse-c") => {
            (Kind::SseC, KeyRead::Denied, "objects under SSE-C can't be read")
        }
        true => (Kind::ObjectDenied, KeyRead::Denied, "objects can't be read"),
        false => (Kind::AccessUncertain, KeyRead::Depends, "it cannot be determined whether objects can be read"),
    };
    let because: Vec<String> = under.chain(cause.said.iter().cloned()).collect();
    let example = alikes.samples.first().map(|key| shell(&url(bucket, key))).unwrap_or_default();
    Ok(CauseAnswer {
        kind,
        cause: std::iter::once(title.to_owned()).chain(because.iter().cloned()).collect::<Vec<_>>().join("; "),
        objects: alikes.objects,
        bytes: None,
        samples: alikes.samples.clone(),
        remedy: format!("Scan one of them, which prints what to do:\n\ndarwin-guard scan {example}"),
        title: title.to_owned(),
        because,
        read,
    })
}

fn worst_first(causes: &mut [CauseAnswer]) {
    causes.sort_by(|a, b| (b.read, b.objects, &a.cause).cmp(&(a.read, a.objects, &b.cause)));
}

fn tasks_of(number: u64) -> String {
    format!("{} task{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// A file that is no table of the kind that is wanted.
pub fn broken(broken: Broken) -> &'static str {
    match broken {
        Broken::Long => "a row that is longer than any of such a table",
        Broken::NotUtf8 => "bytes that are not UTF-8",
        Broken::Open => "an end inside quotes: the file is cut off",
    }
}

fn cause(group: &Group, bucket: &str, home: &Home) -> CauseAnswer {
    let Group { finding, read, objects, bytes, samples } = group;
    let said = words(finding, bucket, home);
    let remedy = match &finding.evidence {
        Evidence::ObjectDenied { .. } => format!(
            "Audit the bucket: it names the statement and prints the change.\n\ndarwin-guard audit {}",
            shell(bucket)
        ),
        Evidence::Refused { call, .. } if call.retryable() => "Scan again: no answer was had.".to_owned(),
        Evidence::Refused { call, .. } => format!("Scan with credentials that have {}.", call.operation.iam_action()),
        _ => said.remedy,
    };
    let said_because = if said.depends_on.is_empty() {
        said.because
    } else {
        said.because.into_iter().chain([format!("depends on: {}", said.depends_on.join(", "))]).collect()
    };
    CauseAnswer {
        kind: finding.kind(),
        cause: std::iter::once(said.title.clone()).chain(said_because.iter().cloned()).collect::<Vec<_>>().join("; "),
        objects: *objects,
        bytes: Some(*bytes),
        samples: samples.clone(),
        remedy,
        title: said.title,
        because: said_because,
        read: *read,
    }
}

/// 0 all can be read or it cannot be determined, 1 denied, 2 not all was looked at.
pub fn exit_code(answer: &ScanAnswer) -> u8 {
    if answer.problems.is_empty() { u8::from(answer.verdicts.denied > 0) } else { 2 }
}

/// The last line: what the exit status says, in words.
pub fn summary(answer: &ScanAnswer) -> String {
    let verdict = match exit_code(answer) {
        2 => "COULD NOT RUN, or not all of it",
        1 if answer.sample => "NOT OK, in a sample",
        1 => "NOT OK",
        _ if answer.sample => "SAMPLE OK: nothing is wrong with these objects, which proves nothing about the rest",
        _ if answer.verdicts.depends > 0 => {
            "WARNING: nothing is wrong, but some answers depend on what can't be seen from here"
        }
        _ => "OK",
    };
    format!("{verdict} ({})", counts(answer.verdicts, answer.objects))
}

fn counts(Verdicts { allowed, denied, depends, gone }: Verdicts, objects: u64) -> String {
    format!(
        "{}: {} allowed, {} denied, {} open, {} gone",
        objects_of(objects),
        grouped(allowed),
        grouped(denied),
        grouped(depends),
        grouped(gone)
    )
}

pub fn url(bucket: &str, prefix: &str) -> String {
    format!("s3://{bucket}/{prefix}")
}

fn objects_of(number: u64) -> String {
    format!("{} object{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1.2 GB`: with a digit behind the point where there is one before it.
pub fn size(bytes: u64) -> String {
    let units = [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        None => counted(usize::try_from(bytes).unwrap_or_default(), "byte"),
        Some((unit, name)) if bytes < unit * 10 => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        Some((unit, name)) => format!("{} {name}", grouped(bytes / unit)),
    }
}

/// Hundredths of a dollar for the requests of a scan: two listings, and a HeadObject an object, at the prices of most
/// Regions. <https://aws.amazon.com/s3/pricing/>
fn cents(objects: u64) -> u64 {
    // $0.0004 for 1,000 HeadObject, $0.005 for 1,000 ListObjectsV2, each of 1,000 objects.
    (objects.saturating_mul(40) + objects / 1_000 * 2 * 500).div_ceil(1_000_000)
}

/// `$0.49`.
pub fn dollars(cents: u64) -> String {
    format!("${}.{:02}", grouped(cents / 100), cents % 100)
}

/// What is before a scan, said before it begins.
pub fn estimate(total: Total, concurrency: usize, rate: Option<u32>) -> String {
    let Total { objects, bytes, whole } = total;
    let per_second = per_second(concurrency, rate);
    let (more, about) = if whole { ("", "about ") } else { ("more than ", "more than ") };
    let at_once =
        if concurrency == 1 { "one call at a time".to_owned() } else { format!("{concurrency} calls at once") };
    format!(
        "{more}{}, {}: {about}{} in requests and {}, with {at_once}",
        objects_of(objects),
        size(bytes),
        dollars(cents(objects)),
        duration(objects / per_second),
    )
}

/// Calls a second that are to be expected: 30 ms each, and no more than S3 takes of one prefix.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html>
fn per_second(concurrency: usize, rate: Option<u32>) -> u64 {
    let by_concurrency = u64::try_from(concurrency).unwrap_or(u64::MAX).saturating_mul(33).clamp(1, 5_500);
    rate.map_or(by_concurrency, |rate| by_concurrency.min(u64::from(rate.max(1))))
}

/// A duration in the unit that says it best.
pub fn duration(seconds: u64) -> String {
    let (number, unit) = match seconds {
        0..90 => (seconds.max(1), "second"),
        90..5_400 => ((seconds + 30) / 60, "minute"),
        5_400..172_800 => ((seconds + 1_800) / 3_600, "hour"),
        _ => ((seconds + 43_200) / 86_400, "day"),
    };
    format!("{} {unit}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// How far a scan is.
pub fn progress(tally: &Tally, total: Total, per_second: u64) -> String {
    let &Tally { objects, allowed, denied, depends, gone, .. } = tally;
    let of = if total.whole && total.objects >= objects {
        let percent = objects.saturating_mul(100).checked_div(total.objects).unwrap_or(100);
        format!(" of {} ({percent}%)", grouped(total.objects))
    } else {
        String::new()
    };
    let left = total.objects.saturating_sub(objects).checked_div(per_second).filter(|_| total.whole && per_second > 0);
    let left = left.map(|seconds| format!(", {} left", duration(seconds))).unwrap_or_default();
    format!(
        "{}{of}, {}/s{left}: {} allowed, {} denied, {} open, {} gone",
        grouped(objects),
        grouped(per_second),
        grouped(allowed),
        grouped(denied),
        grouped(depends),
        grouped(gone)
    )
}

/// Why a scan ended before its end, as a problem of its report.
pub fn stopped(stop: &Stop, bucket: &str, prefix: &str, account: &str, saved: Option<&str>) -> Problem {
    let resume = match saved {
        Some(file) => format!("the same command again goes on from {}", code(file)),
        None => "a scan to its end; with --save FILE the next one would go on from here".to_owned(),
    };
    let (saw, want) = match stop {
        Stop::Interrupted => ("it was interrupted".to_owned(), resume),
        Stop::Unkept(why) => (why.clone(), "a place where it can be written".to_owned()),
        Stop::Credentials(error) => (
            format!("the AWS credentials no longer hold: {error}"),
            format!("valid ones: sign in again (`aws sso login`, `aws login`), or renew the keys; then {resume}"),
        ),
        Stop::NoAnswer(error) => (
            format!("for a minute S3 answered no call: {error}"),
            format!("fewer calls (--rate, --concurrency), or later; {resume}"),
        ),
        Stop::Order { key } => (
            format!("the listing is not in the order of the bytes of its keys, at {}", code(key)),
            "a general purpose bucket; for a directory bucket use `judge`".to_owned(),
        ),
        Stop::Listing(error) => (error.to_string(), listing(error, bucket, account)),
    };
    let retryable = matches!(stop, Stop::NoAnswer(_) | Stop::Interrupted | Stop::Credentials(_));
    Problem { at: url(bucket, prefix), saw, want, retryable }
}

/// What a refused listing lacks.
fn listing(error: &AwsError, bucket: &str, account: &str) -> String {
    match error.class {
        ErrorClass::NotFound => "a bucket of that name".to_owned(),
        ErrorClass::Denied => format!(
            "s3:ListBucket on {bucket} for these credentials, and a bucket that account {account} owns: S3 does not say \
             which of the two is missing"
        ),
        _ if error.status == Some(301) => "a bucket of the Region that was asked: the stack's, with --stack".to_owned(),
        _ => "an answer".to_owned(),
    }
}

/// Why a checkpoint can't be gone on with.
pub fn unfit(unfit: &Unfit, file: &str) -> String {
    let file = code(file);
    let why = match unfit {
        Unfit::Unreadable(error) => format!("is no checkpoint of a scan ({})", name(error)),
        Unfit::Format(format) => format!("is of another version of darwin-guard (format {format})"),
        Unfit::OfAnother { what, saw, want } => {
            format!("is of the {what} {}, not of {}", code(saw), code(want))
        }
        Unfit::OtherOptions => {
            "is of a scan with other options (--access, --prefix, --read-prefix, --not-read)".to_owned()
        }
        Unfit::Contradicts(what) => format!("contradicts itself: {what}"),
    };
    format!("--save {file} {why}. Name another file, or remove this one to begin anew")
}
