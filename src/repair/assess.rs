//! Contract + what was observed of a bucket -> drifts, findings and a plan.
//!
//! Pure: the plan is printable data. Must never hold a step unless the drift is certain, and never one that
//! widens access beyond the contract or edits another's statement.

use crate::judge::access::{Asker, judge_read, judge_write, probe_key, write_probe_key};
use crate::model::aws::{AwsError, AwsResult};
use crate::model::contract::{Access, Ceiling, Contract};
use crate::model::evidence::Doubt;
use crate::model::finding::{Finding, Kind};
use crate::model::outcome::CorsState;
use crate::model::verdict::Verdict;
use crate::policy::request::ObjectOwner;
use crate::repair::cors::assess_cors;
use crate::repair::gates;
use crate::repair::observed::Observed;
use crate::repair::plan::{Plan, Step};
use crate::repair::policy::assess_policy;

/// Whether the pause tag lets the guard write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pause {
    Running,
    /// `darwin-guard = paused`.
    Paused,
    /// The tags can't be read: counts as paused.
    Unreadable(AwsError),
}

/// What the guard makes of a bucket.
#[derive(Debug, Clone)]
pub struct Assessment {
    pub read: Verdict,
    /// None for a read-only contract.
    pub write: Option<Verdict>,
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
        let assessed = assess_policy(policy.as_ref(), contract, asker.darwin, asker.home, rules.ceiling, asker.now);
        unsettled = assessed.unsettled;
        drifts.extend(assessed.drift);
        findings.extend(assessed.findings);
        if let Some(after) = assessed.proposed {
            steps.push(Step::PutBucketPolicy { before: policy.as_ref().map(|policy| policy.text().to_owned()), after });
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

    match gates::events(notifications, rules.enable_event_bridge) {
        Some(finding) if finding.kind() == Kind::EventsOff => {
            drifts.push(finding);
            steps.push(Step::EnableEventBridge);
        }
        other => findings.extend(other),
    }

    findings.extend(gates::bucket_name(contract));
    findings.extend(gates::requester_pays(&access.requester_pays));
    findings.extend(gates::ownership(access));
    findings.extend(gates::public_block(access, access.settings(ObjectOwner::BucketOwner)));
    findings.extend(gates::refused(observed));

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
    findings.extend(gates::uncertain(&read, &findings, observed, Doubt::Reading));
    if let Some(write) = &write {
        findings.extend(gates::uncertain(write, &findings, observed, Doubt::Writing));
    }

    Assessment { read, write, cors: cors_state, drifts, findings, plan: Plan { steps }, pause: pause(tags), unsettled }
}

fn pause(tags: &AwsResult<Vec<(String, String)>>) -> Pause {
    match tags {
        Ok(tags) if tags.iter().any(|(name, value)| (name.as_str(), value.as_str()) == PAUSE_TAG) => Pause::Paused,
        Ok(_) => Pause::Running,
        Err(error) => Pause::Unreadable(error.clone()),
    }
}
