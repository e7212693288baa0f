//! Findings beside policy and CORS: what stands in Darwin's way that the guard may only tell.
//!
//! Pure. Must never plan a write, except saying that EventBridge delivery is off.

use crate::judge::access::{AccessFacts, Asker, failure, probe_key, unread, write_probe_key};
use crate::judge::key::{KeyFacts, KeyQuestion, judge_key, key_finding};
use crate::judge::object::context_arn;
use crate::model::arn::account_of_key;
use crate::model::aws::{AwsError, AwsResult, ErrorClass};
use crate::model::contract::{Access, Contract};
use crate::model::evidence::{Doubt, Evidence, Extent, Purpose, Under};
use crate::model::finding::{Finding, Kind};
use crate::model::s3::{BucketEncryption, Notifications, Target};
use crate::model::unknown::Unknown;
use crate::model::verdict::{Decision, Verdict};
use crate::model::why::Gate;
use crate::policy::public;
use crate::policy::request::Settings;
use crate::repair::observed::Observed;

/// V7 reads with virtual-host-style HTTPS, whose wildcard certificate does not cover a dot.
pub(super) fn bucket_name(contract: &Contract) -> Option<Finding> {
    contract.bucket.contains('.').then(|| Finding::of(Evidence::BucketNameDot))
}

pub(super) fn requester_pays(pays: &AwsResult<bool>) -> Option<Finding> {
    pays.as_ref().is_ok_and(|pays| *pays).then(|| Finding::of(Evidence::RequesterPays))
}

pub(super) fn ownership(access: &AccessFacts) -> Option<Finding> {
    if access.owner_enforced() || failure(access.ownership.as_ref()).is_some() {
        return None;
    }
    let evidence = Evidence::ObjectOwnership { seen: Extent::Bucket };
    Some(Finding::with(evidence, Vec::new(), vec![Unknown::ObjectAcl]))
}

/// `RestrictPublicBuckets` with a public policy blocks every other account, Darwin's too.
pub(super) fn public_block(access: &AccessFacts, settings: Settings) -> Option<Finding> {
    let (restricted, public) = (settings.restrict_public_buckets, settings.policy_is_public);
    let depends_on = match (restricted, public) {
        (Some(false), _) | (_, Some(false)) => return None,
        (Some(true), Some(true)) => Vec::new(),
        (Some(true), None) => vec![Unknown::PolicyIsPublic],
        (None, _) => vec![Unknown::RestrictPublicBuckets],
    };
    let statements = public::public_statements(&access.document()?.all());
    Some(Finding::with(Evidence::PublicBlock { restricted, public, statements }, Vec::new(), depends_on))
}

/// Our own trigger: without EventBridge delivery and without a notification, no upload is ever judged.
pub(super) fn events(seen: &Notifications, enable: bool) -> Option<Finding> {
    let created = |target: &Target| target.events.iter().any(|event| event == "s3:ObjectCreated:*");
    let heard = seen.event_bridge || seen.targets.iter().any(created);
    (!heard).then(|| Finding::of(Evidence::NoEvents { enable }))
}

/// The guard's own reads that were refused or failed for good, each once, told apart as far as the answer allows.
pub(super) fn refused(observed: &Observed) -> Vec<Finding> {
    if let Some(error) = anothers(observed) {
        return vec![Finding::of(Evidence::WrongOwner { call: error.clone() })];
    }
    let mut findings: Vec<Finding> = Vec::new();
    for error in observed.failures() {
        let call = error.clone();
        let found = Finding::of(match error.class {
            _ if error.has_code("NoSuchBucket") => Evidence::NoSuchBucket { call },
            _ if wrong_region(error) => Evidence::WrongRegion { call },
            ErrorClass::Denied => {
                Evidence::Refused { call, purpose: Purpose::Configuration, key: key_of(observed, error) }
            }
            ErrorClass::NotFound | ErrorClass::Permanent | ErrorClass::Throttled | ErrorClass::Transient => continue,
        });
        if !findings.iter().any(|other| other.kind() == found.kind() && other.cause == found.cause) {
            findings.push(found);
        }
    }
    findings
}

/// The key that a call was about.
fn key_of(observed: &Observed, error: &AwsError) -> Option<String> {
    let of_kms = error.operation.iam_action().starts_with("kms:");
    observed.default_key.as_ref().filter(|_| of_kms).map(|key| key.arn().to_owned())
}

/// The bucket is another account's: every document is refused, and nowhere does S3 name the caller and the policy that
/// is to blame, as it does within an account.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html>
fn anothers(observed: &Observed) -> Option<&AwsError> {
    let Observed { access, cors, encryption, notifications, tags, default_key: _ } = observed;
    let reads = [
        access.policy.as_ref().err(),
        failure(access.public_access_block.as_ref()),
        failure(access.ownership.as_ref()),
        access.requester_pays.as_ref().err(),
        cors.as_ref().err(),
        encryption.as_ref().err(),
        notifications.as_ref().err(),
        tags.as_ref().err(),
    ];
    let strangers =
        |error: &AwsError| error.class == ErrorClass::Denied && !error.message.contains("is not authorized to perform");
    if reads.iter().all(|read| read.is_some_and(strangers)) { reads.into_iter().flatten().next() } else { None }
}

/// Whether a finding says that the bucket as a whole can't be read from here, which explains all else that is unread.
pub fn out_of_reach(findings: &[Finding]) -> bool {
    findings.iter().any(|found| matches!(found.kind(), Kind::NoSuchBucket | Kind::WrongOwner | Kind::WrongRegion))
}

/// S3 answers from another Region: a redirect, or a signature for the wrong Region.
pub fn wrong_region(error: &AwsError) -> bool {
    error.status == Some(301)
        || ["PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"]
            .iter()
            .any(|code| error.has_code(code))
}

/// What the default encryption means for reading new objects, and for Darwin's own writes.
pub(super) fn default_encryption(
    contract: &Contract,
    encryption: &AwsResult<Option<BucketEncryption>>,
    key: Option<&KeyFacts>,
    asker: Asker<'_>,
) -> (Verdict, Verdict, Vec<Finding>) {
    let fine = || Verdict::allowed(Vec::new());
    let config = match encryption {
        Ok(Some(config)) if config.algorithm.as_deref().is_some_and(|algorithm| algorithm.starts_with("aws:kms")) => {
            config
        }
        Ok(_) => return (fine(), fine(), Vec::new()),
        Err(_) => {
            return (unread(Unknown::DefaultEncryption), unread(Unknown::DefaultEncryption), Vec::new());
        }
    };
    let mut findings = Vec::new();
    let Some(configured) = config.kms_key.as_deref() else {
        // Whoever writes, S3 takes the `aws/s3` key of the writer's account.
        let open = Verdict::depends(vec![Gate::NoDefaultKey.into()], [Unknown::DefaultEncryption]);
        return (managed_key(), open, vec![managed(contract, asker, false)]);
    };
    let Some(key) = key else {
        return (unread(Unknown::DefaultEncryption), unread(Unknown::DefaultEncryption), findings);
    };
    if key.is_aws_managed() {
        return (managed_key(), managed_key(), vec![managed(contract, asker, true)]);
    }
    let ask = |action: &str, object: &str| {
        let context = context_arn(&asker.home.partition, &contract.bucket, object, config.bucket_key_enabled);
        judge_key(key, KeyQuestion { action, context_arn: Some(&context) }, asker)
    };
    let decrypt = ask("kms:Decrypt", &probe_key(contract));
    let target = write_probe_key(contract);
    let mut encrypt = ask("kms:GenerateDataKey", &target).and(ask("kms:Decrypt", &target));
    let mut whole = decrypt.clone();
    if contract.access == Access::ReadWrite {
        whole = whole.and(encrypt.clone());
    }
    findings.extend(key_finding(key, &whole, Under::NewObjects, contract.access, asker));
    // An id, `mrk-...` too, or an alias, whatever its form, is another key in another account.
    // <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ServerSideEncryptionByDefault.html>
    if account_of_key(configured).is_none() {
        let name = configured.to_owned();
        encrypt = encrypt.and(Verdict::denied(vec![Gate::DefaultKeyName { name: name.clone() }.into()]));
        findings.push(Finding::of(Evidence::AliasEncryption { name, access: contract.access }));
    }
    (decrypt, encrypt, findings)
}

fn managed_key() -> Verdict {
    Verdict::denied(vec![Gate::ManagedDefaultKey.into()])
}

fn managed(contract: &Contract, asker: Asker<'_>, named: bool) -> Finding {
    let role = asker.darwin.role.clone();
    Finding::of(Evidence::ManagedDefaultKey { named, role, access: contract.access })
}

/// A finding that the bucket as a whole hangs on something unseen, unless more exact findings say so of all of it, or
/// it is what the guard just failed to read: a denied read is told as such, a passing one is made again.
pub(super) fn uncertain(read: &Verdict, findings: &[Finding], observed: &Observed, doubt: Doubt) -> Option<Finding> {
    let unread = |what: &Unknown| {
        let error = match what {
            Unknown::BucketPolicy => observed.access.policy.as_ref().err(),
            Unknown::RequesterPays => observed.access.requester_pays.as_ref().err(),
            Unknown::DefaultEncryption => observed.encryption.as_ref().err(),
            _ => None,
        };
        error.is_some_and(|error| error.retryable() || error.class == ErrorClass::Denied)
    };
    let told = |what: &Unknown| {
        let of_key = matches!(what, Unknown::DefaultEncryption);
        let names =
            |found: &Finding| found.depends_on.contains(what) || of_key && found.kind() == Kind::DefaultEncryption;
        findings.iter().any(names)
    };
    let open = &read.depends_on;
    let explained = out_of_reach(findings) || !open.is_empty() && open.iter().all(|what| unread(what) || told(what));
    if read.decision != Decision::Depends || explained {
        return None;
    }
    Some(Finding::with(Evidence::Uncertain(doubt), read.because.clone(), read.depends_on.clone()))
}
