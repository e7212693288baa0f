//! A KMS key's facts -> may Darwin's role use it, and the finding if not.
//!
//! Pure. Must never call an unread policy or grant a denial: what was not read is unknown.

use crate::judge::access::Asker;
use crate::judge::darwin::kms_request;
use crate::model::arn::Arn;
use crate::model::aws::{AwsError, AwsResult, ErrorClass};
use crate::model::contract::Access;
use crate::model::evidence::{Evidence, KeyEvidence, KeyTrouble, Under};
use crate::model::finding::Finding;
use crate::model::kms::KeyMetadata;
use crate::model::verdict::{Decision, Verdict};
use crate::model::why::Gate;
use crate::policy::document::PolicyDocument;
use crate::policy::grant::{GrantListEntry, evaluate_key};
use crate::policy::rcp::let_through;
use std::rc::Rc;

/// Everything that was read of one key.
#[derive(Debug, Clone)]
pub struct KeyFacts {
    /// ARN (or id) under which it was asked for.
    pub key: String,
    pub metadata: AwsResult<KeyMetadata>,
    /// None: another account's key, whose policy can't be asked for across accounts.
    pub policy: Option<AwsResult<Rc<PolicyDocument>>>,
    /// None: not asked for (the policy decides alone).
    pub grants: Option<AwsResult<Rc<Vec<GrantListEntry>>>>,
}

/// What a key is asked about.
#[derive(Debug, Clone, Copy)]
pub struct KeyQuestion<'a> {
    /// `kms:Decrypt` or `kms:GenerateDataKey`.
    pub action: &'a str,
    /// The encryption context `aws:s3:arn`: the object ARN, or the bucket ARN under an S3 Bucket Key. None: not known which.
    pub context_arn: Option<&'a str>,
}

impl KeyFacts {
    /// The ARN that S3 and the policies know the key by.
    pub fn arn(&self) -> &str {
        self.metadata.as_ref().map_or(self.key.as_str(), |metadata| metadata.arn.as_str())
    }

    fn account(&self) -> Option<String> {
        match &self.metadata {
            Ok(metadata) => Some(metadata.account.clone()),
            Err(_) => Arn::parse(&self.key).map(|arn| arn.account),
        }
    }

    pub fn is_aws_managed(&self) -> bool {
        self.metadata.as_ref().is_ok_and(|metadata| metadata.manager == "AWS")
    }

    fn bad_state(&self) -> Option<&str> {
        self.metadata
            .as_ref()
            .ok()
            .map(|metadata| metadata.state.as_str())
            .filter(|state| !matches!(*state, "" | "Enabled" | "Updating"))
    }

    fn was_deleted(&self) -> bool {
        self.metadata.as_ref().is_err_and(|error| error.class == ErrorClass::NotFound)
    }

    /// The guard's own calls that were refused.
    pub fn refused(&self) -> Vec<&AwsError> {
        let grants = self.grants.as_ref().and_then(|grants| grants.as_ref().err());
        let policy = self.policy.as_ref().and_then(|policy| policy.as_ref().err());
        [self.metadata.as_ref().err(), policy, grants].into_iter().flatten().collect()
    }
}

/// Whether Darwin's role may use the key for this.
pub fn judge_key(facts: &KeyFacts, question: KeyQuestion<'_>, asker: Asker<'_>) -> Verdict {
    let Asker { darwin, home, now, rcps } = asker;
    if facts.is_aws_managed() {
        return Verdict::denied(vec![Gate::AwsManagedKey { key: facts.arn().to_owned() }.into()]);
    }
    if facts.was_deleted() {
        return Verdict::denied(vec![Gate::NoSuchKey { key: facts.key.clone() }.into()]);
    }
    let unread = || KeyMetadata {
        arn: facts.key.clone(),
        account: facts.account().unwrap_or_default(),
        ..KeyMetadata::default()
    };
    let metadata = facts.metadata.as_ref().map_or_else(|_| unread(), Clone::clone);
    let state = facts.metadata.as_ref().ok().map(|metadata| metadata.state.as_str());
    let policy = facts.policy.as_ref().and_then(|policy| policy.as_deref().ok());
    let grants = match &facts.grants {
        Some(Ok(grants)) => Some(grants.as_slice()),
        Some(Err(_)) | None => None,
    };
    let request = kms_request(darwin, home, question.action, &metadata, question.context_arn, now);
    let verdict = evaluate_key(policy, grants, state, &request);
    // What another account's organization has is not known here.
    if metadata.account == *home.account { verdict.and(let_through(rcps, &request)) } else { verdict }
}

/// Whether the grants have to be asked for: the policy alone neither allows nor shuts out for good.
pub fn needs_grants(facts: &KeyFacts, question: KeyQuestion<'_>, asker: Asker<'_>) -> bool {
    if facts.grants.is_some() || facts.is_aws_managed() || facts.was_deleted() || facts.bad_state().is_some() {
        return false;
    }
    // With the grants unread, only something that no grant can change gives a definite answer. Where an RCP denies, too, it
    // is still said what the key itself lacks.
    judge_key(facts, question, Asker { rcps: &[], ..asker }).decision == Decision::Depends
}

/// The finding for a key that Darwin may not, or perhaps not, use.
pub fn key_finding(
    facts: &KeyFacts,
    verdict: &Verdict,
    under: Under,
    access: Access,
    asker: Asker<'_>,
) -> Option<Finding> {
    let denied = verdict.is_denied();
    let trouble = match facts.account() {
        _ if verdict.is_allowed() => return None,
        _ if denied && facts.is_aws_managed() => KeyTrouble::AwsManaged,
        _ if denied && facts.was_deleted() => KeyTrouble::State("deleted".to_owned()),
        owner => match (facts.bad_state().filter(|_| denied), owner) {
            (Some(state), _) => KeyTrouble::State(state.to_owned()),
            (None, Some(owner)) if *owner != *asker.home.account => KeyTrouble::Foreign(owner),
            (None, _) => KeyTrouble::NotAllowed,
        },
    };
    let evidence = Evidence::Key(KeyEvidence {
        key: facts.arn().to_owned(),
        under,
        trouble,
        certain: denied,
        role: asker.darwin.role.clone(),
        access,
        refused: facts.refused().into_iter().cloned().collect(),
    });
    Some(Finding::with(evidence, verdict.because.clone(), verdict.depends_on.clone()))
}
