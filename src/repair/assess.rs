//! Contract + what was observed of a bucket -> drifts, findings and a plan.
//!
//! Pure: the plan is printable data. Must never hold a step unless the drift is certain, and never one that
//! widens access beyond the contract or edits another's statement.

use crate::judge::access::{Asker, judge_read, judge_write, probe_key, write_probe_key};
use crate::model::aws::{AwsError, AwsResult, Operation};
use crate::model::contract::{Access, Ceiling, Contract};
use crate::model::evidence::Doubt;
use crate::model::finding::{Finding, Kind};
use crate::model::outcome::CorsState;
use crate::model::s3::{CorsRule, Notifications};
use crate::model::verdict::{Effect, Verdict};
use crate::policy::document::PolicyDocument;
use crate::policy::request::ObjectOwner;
use crate::repair::cors::assess_cors;
use crate::repair::gates;
use crate::repair::history::print;
use crate::repair::observed::Observed;
use crate::repair::plan::{Plan, Step};
use crate::repair::policy::conditional::Precedent;
use crate::repair::policy::{assess_policy, assess_rcps};
use std::collections::BTreeSet;

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
    /// The documents that were read and fulfil the contract, by the call that writes them.
    pub fulfilled: Vec<Operation>,
    /// The Allows of the policy, by digest, if they give what the contract wants.
    pub allows: Option<BTreeSet<String>>,
}

/// What of the deployment bears on an assessment.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    pub asker: Asker<'a>,
    pub ceiling: Ceiling,
    pub enable_event_bridge: bool,
    /// The Allows of the policy that stood when the contract last held, by digest; none if that is not known.
    pub stood: Option<&'a BTreeSet<String>>,
    /// A person asks for a repair.
    pub by_hand: bool,
}

/// The tag that makes a bucket flag only.
pub const PAUSE_TAG: (&str, &str) = ("darwin-guard", "paused");

/// What of a bucket the guard may write, as it was read.
#[derive(Default)]
struct Documents {
    drifts: Vec<Finding>,
    findings: Vec<Finding>,
    steps: Vec<Step>,
    fulfilled: Vec<Operation>,
    cors: Option<CorsState>,
    allows: Option<BTreeSet<String>>,
    parts: Option<(Verdict, Verdict)>,
}

impl Documents {
    /// Unread: nothing is planned, and nothing fulfils the contract.
    fn of(contract: &Contract, observed: &Observed, rules: Rules<'_>) -> Self {
        let Observed { access, cors, notifications, .. } = observed;
        let mut documents = Self::default();
        if let Ok(policy) = &access.policy {
            documents.policy(policy.as_ref(), contract, rules);
        }
        if let Ok(found) = cors {
            documents.cors(found.as_deref(), &rules.asker.darwin.origin);
        }
        if let Ok(found) = notifications {
            documents.events(found, rules.enable_event_bridge);
        }
        documents
    }

    fn policy(&mut self, policy: Option<&PolicyDocument>, contract: &Contract, rules: Rules<'_>) {
        let Rules { asker: Asker { darwin, home, now, rcps: _ }, ceiling, stood, by_hand, .. } = rules;
        let allows = policy.map(allows).unwrap_or_default();
        let stood: Vec<usize> = allows
            .iter()
            .filter(|(_, digest)| stood.is_some_and(|stood| stood.contains(digest)))
            .map(|(index, _)| *index)
            .collect();
        let precedent = Precedent { stood: &stood, by_hand };
        let assessed = assess_policy(policy, contract, darwin, home, ceiling, now, precedent);
        self.allows = assessed.allowed.then(|| allows.into_iter().map(|(_, digest)| digest).collect());
        self.parts = assessed.parts;
        self.fulfilled.extend(assessed.fulfilled.then_some(Operation::PutBucketPolicy));
        self.drifts.extend(assessed.drift);
        self.findings.extend(assessed.findings);
        let before = || policy.map(|policy| policy.text().to_owned());
        self.steps.extend(assessed.proposed.map(|after| Step::PutBucketPolicy { before: before(), after }));
    }

    fn cors(&mut self, found: Option<&[CorsRule]>, origin: &str) {
        let assessed = assess_cors(found, origin);
        self.cors = Some(assessed.state);
        self.fulfilled.extend((assessed.state == CorsState::Ok).then_some(Operation::PutBucketCors));
        self.drifts.extend(assessed.drift);
        self.findings.extend(assessed.findings);
        let before = || found.unwrap_or_default().to_vec();
        self.steps.extend(assessed.proposed.map(|after| Step::PutBucketCors { before: before(), after }));
    }

    fn events(&mut self, found: &Notifications, enable: bool) {
        match gates::events(found, enable) {
            None => self.fulfilled.push(Operation::PutBucketNotificationConfiguration),
            Some(finding) if finding.kind() == Kind::EventsOff => {
                self.drifts.push(finding);
                self.steps.push(Step::EnableEventBridge { before: found.clone() });
            }
            Some(finding) => self.findings.push(finding),
        }
    }
}

/// Assesses one bucket.
pub fn assess(contract: &Contract, observed: &Observed, rules: Rules<'_>) -> Assessment {
    let Observed { access, encryption, tags, default_key, .. } = observed;
    let asker = rules.asker;
    let bucket = contract.bucket.as_str();
    let Documents { drifts, mut findings, steps, fulfilled, cors, allows, parts } =
        Documents::of(contract, observed, rules);
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
    let (denies, read_by_rcps, write_by_rcps) = assess_rcps(contract, asker);
    findings.extend(denies);
    for (read_parts, write_parts) in parts.into_iter().chain([(read_by_rcps, write_by_rcps)]) {
        // A denial of everything says more than one of a part.
        read = if read.is_denied() { read } else { read.and(read_parts) };
        write = write.map(|write| if write.is_denied() { write } else { write.and(write_parts) });
    }
    let (decrypt, encrypt, encryption_findings) =
        gates::default_encryption(contract, encryption, default_key.as_ref(), asker);
    findings.extend(encryption_findings);
    read = read.and(decrypt);
    write = write.map(|write| write.and(encrypt));
    findings.extend(gates::uncertain(&read, &findings, observed, Doubt::Reading));
    if let Some(write) = &write {
        findings.extend(gates::uncertain(write, &findings, observed, Doubt::Writing));
    }

    let (plan, pause) = (Plan { steps }, pause(tags));
    Assessment { read, write, cors, drifts, findings, plan, pause, fulfilled, allows }
}

/// The statements of a policy that are no Deny: index and digest.
fn allows(policy: &PolicyDocument) -> Vec<(usize, String)> {
    let all = policy.statements().iter().zip(print::statements(policy));
    let allows = all.filter(|(statement, _)| statement.effect != Some(Effect::Deny));
    allows.map(|(statement, digest)| (statement.index, digest)).collect()
}

fn pause(tags: &AwsResult<Vec<(String, String)>>) -> Pause {
    match tags {
        Ok(tags) if tags.iter().any(|(name, value)| (name.as_str(), value.as_str()) == PAUSE_TAG) => Pause::Paused,
        Ok(_) => Pause::Running,
        Err(error) => Pause::Unreadable(error.clone()),
    }
}
