//! Findings beside policy and CORS: what stands in Darwin's way that the guard may only tell.
//!
//! Pure. Must never plan a write, except saying that EventBridge delivery is off.

use crate::judge::access::{AccessFacts, Asker, probe_key, unread, write_probe_key};
use crate::judge::key::{KeyFacts, KeyQuestion, Place, judge_key, key_finding, names};
use crate::judge::object::context_arn;
use crate::model::aws::{AwsError, AwsResult, ErrorClass};
use crate::model::contract::{Access, Contract, Home};
use crate::model::finding::{Finding, Kind, Severity};
use crate::model::s3::{BucketEncryption, Notifications};
use crate::model::unknown::Unknown;
use crate::model::verdict::{Decision, Verdict};
use crate::model::why::Gate;
use crate::policy::public;
use crate::policy::request::Settings;
use crate::repair::observed::Observed;
use crate::report::reason::sentences;
use crate::report::remedy::{self, denied_call};

fn finding(kind: Kind, severity: Severity, because: String, remedy: String) -> Finding {
    Finding { kind, severity, because: vec![because], depends_on: Vec::new(), remedy, cause: kind.name().to_owned() }
}

/// V7 reads with virtual-host-style HTTPS, whose wildcard certificate does not cover a dot.
pub(super) fn bucket_name(contract: &Contract) -> Option<Finding> {
    contract.bucket.contains('.').then(|| {
        finding(
            Kind::BucketNameDot,
            Severity::Critical,
            format!(
                "the name `{}` holds a dot, which V7's virtual-host-style HTTPS does not work with",
                contract.bucket
            ),
            remedy::dot_in_name(&contract.bucket),
        )
    })
}

pub(super) fn requester_pays(bucket: &str, pays: &AwsResult<bool>) -> Option<Finding> {
    pays.as_ref().is_ok_and(|pays| *pays).then(|| {
        finding(
            Kind::RequesterPays,
            Severity::Critical,
            "requester pays is on: S3 refuses every request that does not offer to pay, as Darwin's do not".to_owned(),
            remedy::requester_pays(bucket),
        )
    })
}

pub(super) fn ownership(bucket: &str, access: &AccessFacts) -> Option<Finding> {
    if access.owner_enforced() || access.ownership.is_err() {
        return None;
    }
    let mut found = finding(
        Kind::ObjectOwnership,
        Severity::Info,
        "object ownership is not BucketOwnerEnforced: the bucket policy does not reach objects that another account uploads"
            .to_owned(),
        remedy::object_ownership(bucket),
    );
    found.depends_on = vec!["object-acl".to_owned()];
    Some(found)
}

/// `RestrictPublicBuckets` with a public policy blocks every other account, Darwin's too.
pub(super) fn public_block(bucket: &str, access: &AccessFacts, settings: Settings) -> Option<Finding> {
    let (severity, because, depends_on) = match (settings.restrict_public_buckets, settings.policy_is_public) {
        (Some(false), _) | (_, Some(false)) => return None,
        (Some(true), Some(true)) => (
            Severity::Critical,
            "RestrictPublicBuckets is on and the policy is public: S3 shuts out every other account, Darwin's too",
            Vec::new(),
        ),
        (Some(true), None) => (
            Severity::Warning,
            "RestrictPublicBuckets is on and the policy may be public, in which case S3 shuts Darwin out",
            vec!["setting:PolicyStatus.IsPublic".to_owned()],
        ),
        (None, _) => (
            Severity::Warning,
            "the policy may be public: if RestrictPublicBuckets is on for the account, S3 shuts Darwin out",
            vec!["setting:RestrictPublicBuckets".to_owned()],
        ),
    };
    access.document()?;
    let mut found = finding(
        Kind::PublicBlock,
        severity,
        because.to_owned(),
        remedy::public_block(bucket, &public_statements(access)),
    );
    found.depends_on = depends_on;
    Some(found)
}

/// Our own trigger: without EventBridge delivery and without a notification, no upload is ever judged.
pub(super) fn events(contract: &Contract, notifications: &AwsResult<Notifications>, enable: bool) -> Option<Finding> {
    let seen = notifications.as_ref().ok()?;
    if seen.event_bridge || !seen.object_created_targets.is_empty() {
        return None;
    }
    let kind = if enable { Kind::EventsOff } else { Kind::NoObjectEvents };
    Some(finding(
        kind,
        Severity::Warning,
        "the bucket sends its events neither to EventBridge nor to any target: no upload is judged".to_owned(),
        if enable { remedy::events_off(&contract.bucket) } else { remedy::no_object_events(&contract.bucket) },
    ))
}

/// The guard's own reads that were refused or failed for good, each once, told apart as far as the answer allows.
pub(super) fn refused(bucket: &str, observed: &Observed, home: &Home) -> Vec<Finding> {
    if let Some(error) = anothers(observed) {
        let because = format!(
            "S3 refuses every read of the bucket in words that it has for strangers ({error}): each call says that \
             account {} is expected to own the bucket",
            home.account
        );
        return vec![finding(Kind::WrongOwner, Severity::Critical, because, remedy::wrong_owner(bucket, home))];
    }
    let errors = observed.failures();
    let mut findings: Vec<Finding> = Vec::new();
    for error in errors {
        let kind = match error.class {
            _ if error.has_code("NoSuchBucket") => Kind::NoSuchBucket,
            _ if wrong_region(error) => Kind::WrongRegion,
            ErrorClass::Denied => Kind::GuardDenied,
            ErrorClass::NotFound | ErrorClass::Permanent | ErrorClass::Throttled | ErrorClass::Transient => continue,
        };
        let remedy = match kind {
            Kind::NoSuchBucket => remedy::no_such_bucket(bucket),
            Kind::WrongRegion => remedy::wrong_region(bucket),
            _ => denied_call(error, bucket),
        };
        let mut found = finding(kind, Severity::Warning, error.to_string(), remedy);
        if kind == Kind::GuardDenied {
            found.cause = error.operation.to_string();
        } else {
            found.severity = Severity::Critical;
        }
        if !findings.iter().any(|other| other.kind == found.kind && other.cause == found.cause) {
            findings.push(found);
        }
    }
    findings
}

/// The bucket is another account's: every document is refused, and nowhere does S3 name the caller and the policy that
/// is to blame, as it does within an account.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html>
fn anothers(observed: &Observed) -> Option<&AwsError> {
    let Observed { access, cors, encryption, notifications, tags, default_key: _ } = observed;
    let reads = [
        access.policy.as_ref().err(),
        access.public_access_block.as_ref().err(),
        access.ownership.as_ref().err(),
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
    findings.iter().any(|found| matches!(found.kind, Kind::NoSuchBucket | Kind::WrongOwner | Kind::WrongRegion))
}

/// The statements that may make the policy public, named.
fn public_statements(access: &AccessFacts) -> Vec<String> {
    let statements = access.document().map(|policy| public::public_statements(&policy.all())).unwrap_or_default();
    statements.iter().map(ToString::to_string).collect()
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
        return managed(contract, asker);
    };
    let Some(key) = key else {
        return (unread(Unknown::DefaultEncryption), unread(Unknown::DefaultEncryption), findings);
    };
    if key.is_aws_managed() {
        return managed(contract, asker);
    }
    if configured.starts_with("alias/") || configured.contains(":alias/") {
        let severity = if contract.access == Access::ReadWrite { Severity::Critical } else { Severity::Warning };
        findings.push(finding(
            Kind::AliasEncryption,
            severity,
            format!("the default encryption names `{configured}`: an alias resolves in the account of whoever writes, so Darwin's writes look for it in V7's account"),
            remedy::alias_encryption(&contract.bucket, configured, asker.home),
        ));
    }
    let ask = |action: &str, object: &str| {
        let context = context_arn(&asker.home.partition, &contract.bucket, object, config.bucket_key_enabled);
        judge_key(key, KeyQuestion { action, context_arn: Some(&context), now: asker.now }, asker.darwin, asker.home)
    };
    let decrypt = ask("kms:Decrypt", &probe_key(contract));
    let target = write_probe_key(contract);
    let mut encrypt = ask("kms:GenerateDataKey", &target).and(ask("kms:Decrypt", &target));
    let place = Place { bucket: &contract.bucket, access: contract.access, darwin: asker.darwin, home: asker.home };
    let mut whole = decrypt.clone();
    if contract.access == Access::ReadWrite {
        whole = whole.and(encrypt.clone());
    }
    if let Some(mut found) = key_finding(key, &whole, Severity::Critical, place) {
        found.because.insert(0, format!("new objects are encrypted under the bucket's default key `{}`", key.arn()));
        if found.kind != Kind::AccessUncertain {
            found.kind = Kind::DefaultEncryption;
        }
        findings.push(found);
    }
    if findings.iter().any(|found| found.kind == Kind::AliasEncryption) {
        let unresolved = Gate::DefaultKeyAlias.into();
        encrypt = encrypt.and(Verdict::denied(vec![unresolved]));
    }
    (decrypt, encrypt, findings)
}

fn managed(contract: &Contract, asker: Asker<'_>) -> (Verdict, Verdict, Vec<Finding>) {
    let verdict = || Verdict::denied(vec![Gate::ManagedDefaultKey.into()]);
    let found = finding(
        Kind::DefaultEncryption,
        Severity::Critical,
        "new objects are encrypted under the AWS managed key `aws/s3`, which no other account can be given".to_owned(),
        remedy::default_encryption(&contract.bucket, None, &asker.darwin.role, contract.access),
    );
    (verdict(), verdict(), vec![found])
}

/// A finding that the bucket as a whole hangs on something unseen, unless a more exact finding says so already, or
/// all that is unseen is what the guard just failed to read: a denied read is told as such, a passing one is made again.
pub(super) fn uncertain(read: &Verdict, findings: &[Finding], observed: &Observed, what: &str) -> Option<Finding> {
    let unread = |what: &Unknown| {
        let error = match what {
            Unknown::BucketPolicy => observed.access.policy.as_ref().err(),
            Unknown::RequesterPays => observed.access.requester_pays.as_ref().err(),
            Unknown::DefaultEncryption => observed.encryption.as_ref().err(),
            _ => None,
        };
        error.is_some_and(|error| error.retryable() || error.class == ErrorClass::Denied)
    };
    let open = &read.depends_on;
    let own = !open.is_empty() && open.iter().all(unread);
    let explained = own || out_of_reach(findings) || findings.iter().any(|other| !other.depends_on.is_empty());
    if read.decision != Decision::Depends || explained {
        return None;
    }
    Some(Finding {
        kind: Kind::AccessUncertain,
        severity: Severity::Warning,
        because: std::iter::once(format!("whether Darwin can {what} hangs on what nobody here can see"))
            .chain(sentences(&read.because))
            .collect(),
        depends_on: read.names(),
        remedy: remedy::access_uncertain(&read.names()),
        cause: names(&read.names()),
    })
}
