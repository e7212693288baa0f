//! What V7 asks for to activate a bucket: one text, ready to send.

use crate::model::contract::{Contract, Home};
use crate::model::finding::Severity;
use crate::model::outcome::CorsState;
use crate::model::verdict::Decision;
use crate::report::answer::BucketAnswer;
use std::fmt::Write as _;

const REQUEST: &str = "Please turn on external S3 access for our team:\n";

/// Whether a bucket meets its contract, as far as your account decides.
pub fn is_ready(answer: &BucketAnswer) -> bool {
    answer.read == Decision::Allowed
        && answer.write.is_none_or(|write| write == Decision::Allowed)
        && answer.cors == Some(CorsState::Ok)
        && answer.drifts.is_empty()
        && answer.findings.iter().all(|finding| finding.severity != Severity::Critical)
}

/// The text of one bucket.
pub fn of_bucket(contract: &Contract, team: Option<&str>, home: &Home) -> String {
    let mut text = REQUEST.to_owned();
    let _ = writeln!(text, "- S3 region: {}\n- S3 bucket name: {}", home.region, contract.bucket);
    if let Some(prefix) = &contract.prefix {
        let _ = writeln!(text, "- Prefix for thumbnails: {prefix}");
    }
    let _ = writeln!(text, "- Team name: {}", team.unwrap_or("(set TEAM_NAME)"));
    text
}

/// Those of every bucket that is ready, as one text.
pub fn of_all(buckets: &[BucketAnswer]) -> Option<String> {
    let texts: Vec<&str> = buckets.iter().filter_map(|bucket| bucket.activation.as_deref()).collect();
    let (last, others) = texts.split_last()?;
    let mut joined = REQUEST.to_owned();
    for text in others {
        let details = text.strip_prefix(REQUEST).unwrap_or(text);
        joined
            .extend(details.lines().filter(|line| !line.starts_with("- Team name: ")).map(|line| format!("{line}\n")));
    }
    joined.push_str(last.strip_prefix(REQUEST).unwrap_or(last));
    Some(joined)
}
