//! Contract + what was observed of a bucket -> drifts, findings and a plan.
//!
//! Pure: the plan is printable data. Must never hold a step unless the drift is certain, and never one that
//! widens access beyond the contract or edits another's statement.

pub mod access;
mod diff;
pub mod gates;
pub mod key;
pub mod object;

pub use diff::{Plan, unified_json};

use crate::answer::CorsState;
use crate::contract::{Access, Ceiling, Contract};
use crate::cors::assess_cors;
use crate::finding::{Finding, Kind, Severity};
use crate::plan::access::{AccessFacts, Asker, Told, judge_read, judge_write, unread};
use crate::plan::key::KeyFacts;
use crate::policy::merge::assess_policy;
use crate::ports::{AwsError, AwsResult, BucketEncryption, CorsRule, Notifications, Operation};
use crate::request::ObjectOwner;
use crate::verdict::Verdict;

/// Everything that was read of one bucket, fresh.
#[derive(Debug, Clone)]
pub struct Observed {
    pub access: AccessFacts,
    pub cors: AwsResult<Option<Vec<CorsRule>>>,
    pub encryption: AwsResult<Option<BucketEncryption>>,
    pub notifications: AwsResult<Notifications>,
    pub tags: AwsResult<Vec<(String, String)>>,
    /// Facts of the default KMS key, read in a second round; None if the default encryption names none.
    pub default_key: Option<KeyFacts>,
}

impl Observed {
    /// Every read that failed, the guard's own.
    pub fn failures(&self) -> Vec<&AwsError> {
        let Self { access, cors, encryption, notifications, tags, default_key } = self;
        let documents =
            [cors.as_ref().err(), encryption.as_ref().err(), notifications.as_ref().err(), tags.as_ref().err()];
        let mut errors = access.failures();
        errors.extend(documents.into_iter().flatten());
        errors.extend(default_key.iter().flat_map(KeyFacts::refused));
        errors
    }
}

/// One write. `before` is what was read, for the diff and for telling a rival's write from a stale read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    PutBucketPolicy { before: Option<String>, after: String },
    PutBucketCors { before: Vec<CorsRule>, after: Vec<CorsRule> },
    EnableEventBridge,
}

impl Step {
    pub fn operation(&self) -> Operation {
        match self {
            Self::PutBucketPolicy { .. } => Operation::PutBucketPolicy,
            Self::PutBucketCors { .. } => Operation::PutBucketCors,
            Self::EnableEventBridge => Operation::PutBucketNotificationConfiguration,
        }
    }
}

/// Whether the pause tag lets the guard write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pause {
    Running,
    /// `darwin-guard = paused`.
    Paused,
    /// The tags can't be read: counts as paused.
    Unreadable(String),
}

/// What the guard makes of a bucket.
#[derive(Debug, Clone)]
pub struct Assessment {
    pub read: Told,
    /// None for a read-only contract.
    pub write: Option<Told>,
    pub cors: Option<CorsState>,
    pub drifts: Vec<Finding>,
    pub findings: Vec<Finding>,
    pub plan: Plan,
    pub pause: Pause,
    /// Our statement holds a unique id: read again with back-off before believing the drift.
    pub unsettled: bool,
}

/// What of the deployment bears on an assessment.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    pub asker: Asker<'a>,
    pub ceiling: Ceiling,
    pub enable_event_bridge: bool,
}

/// The tag that makes a bucket flag only.
pub const PAUSE_TAG: (&str, &str) = ("darwin-guard", "paused");

/// A key that stands for the bucket's objects in a bucket's verdict, inside the contract's first read prefix.
pub fn probe_key(contract: &Contract) -> String {
    let prefix = contract.read_prefixes.first().map_or("", String::as_str);
    format!("{prefix}darwin-s3-guard/probe-7f3a9c.png")
}

fn write_probe_key(contract: &Contract) -> String {
    match (&contract.prefix, contract.scope_writes) {
        (Some(prefix), _) => format!("{prefix}darwin-s3-guard/probe-7f3a9c.png"),
        (None, _) => probe_key(contract),
    }
}

/// Assesses one bucket.
pub fn assess(contract: &Contract, observed: &Observed, rules: Rules<'_>) -> Assessment {
    let Observed { access, cors, encryption, notifications, tags, default_key } = observed;
    let asker = rules.asker;
    let bucket = contract.bucket.as_str();
    let mut drifts = Vec::new();
    let mut findings = Vec::new();
    let mut steps = Vec::new();
    let mut unsettled = false;

    // The policy. Unread: nothing is planned, and every verdict that needs it is open.
    if let Ok(policy) = &access.policy {
        let text = policy.as_ref().map(|policy| policy.text.as_str());
        let assessed = assess_policy(text, contract, asker.darwin, asker.home, rules.ceiling, asker.now);
        unsettled = assessed.unsettled;
        drifts.extend(assessed.drift);
        findings.extend(assessed.findings);
        if let Some(after) = assessed.proposed {
            steps.push(Step::PutBucketPolicy { before: text.map(str::to_owned), after });
        }
    }

    let cors_state = match cors {
        Ok(rules_now) => {
            let assessed = assess_cors(rules_now.as_deref(), &asker.darwin.origin);
            drifts.extend(assessed.drift);
            findings.extend(assessed.findings);
            if let Some(after) = assessed.proposed {
                steps.push(Step::PutBucketCors { before: rules_now.clone().unwrap_or_default(), after });
            }
            Some(assessed.state)
        }
        Err(_) => None,
    };

    match gates::events(contract, notifications, rules.enable_event_bridge) {
        Some(finding) if finding.kind == Kind::EventsOff => {
            drifts.push(finding);
            steps.push(Step::EnableEventBridge);
        }
        other => findings.extend(other),
    }

    findings.extend(gates::bucket_name(contract));
    findings.extend(gates::requester_pays(bucket, &access.requester_pays));
    findings.extend(gates::ownership(bucket, access));
    findings.extend(gates::public_block(bucket, access, access.settings(ObjectOwner::BucketOwner)));
    findings.extend(gates::refused(bucket, observed, asker.home));

    // Reading and writing new objects under the default encryption.
    let probe = probe_key(contract);
    // Bucket-level reading is about objects of our own account; that others' may be owned by others is a finding.
    let mut read = judge_read(access, bucket, &probe, ObjectOwner::BucketOwner, asker);
    let mut write =
        (contract.access == Access::ReadWrite).then(|| judge_write(access, bucket, &write_probe_key(contract), asker));
    let (decrypt, encrypt, encryption_findings) =
        gates::default_encryption(contract, encryption, default_key.as_ref(), asker);
    findings.extend(encryption_findings);
    read = read.and(decrypt);
    write = write.map(|write| write.and(encrypt));
    findings.extend(gates::uncertain(&read, &findings, observed, "read"));
    if let Some(write) = &write {
        findings.extend(gates::uncertain(write, &findings, observed, "write"));
    }

    Assessment { read, write, cors: cors_state, drifts, findings, plan: Plan { steps }, pause: pause(tags), unsettled }
}

fn pause(tags: &AwsResult<Vec<(String, String)>>) -> Pause {
    match tags {
        Ok(tags) if tags.iter().any(|(name, value)| (name.as_str(), value.as_str()) == PAUSE_TAG) => Pause::Paused,
        Ok(_) => Pause::Running,
        Err(error) => Pause::Unreadable(error.to_string()),
    }
}

/// A verdict for what the guard could not read.
fn unknown(what: &str) -> Verdict {
    unread(what)
}

/// Whether the answer needs somebody's attention: drift left, a finding above `info`, or a denial.
pub fn severity_of(findings: &[Finding]) -> Option<Severity> {
    findings.iter().map(|finding| finding.severity).max()
}
