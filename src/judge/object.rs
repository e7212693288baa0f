//! One object's facts -> can Darwin read it, and the finding if not.
//!
//! Pure. Must never say `denied` because the guard itself may not look.

use crate::judge::access::{AccessFacts, Asker, judge_read, unread};
use crate::judge::key::{KeyFacts, KeyQuestion, judge_key, key_finding};
use crate::model::aws::AwsResult;
use crate::model::contract::Access;
use crate::model::evidence::{Doubt, Evidence, Extent, Purpose, Under};
use crate::model::finding::Finding;
use crate::model::outcome::Read;
use crate::model::s3::{Head, ObjectFacts};
use crate::model::unknown::Unknown;
use crate::model::verdict::{Basis, Document, Reason, Verdict};
use crate::model::why::{Gate, StatementName};
use crate::policy::request::ObjectOwner;

/// What was read for one object.
#[derive(Debug, Clone, Copy)]
pub struct ObjectInput<'a> {
    pub bucket: &'a str,
    pub key: &'a str,
    pub head: &'a AwsResult<Head>,
    pub access: &'a AccessFacts,
    /// Facts of the object's KMS key; None if it has none.
    pub kms: Option<&'a KeyFacts>,
    /// From the event's requester, where it settles who owns the object.
    pub owner: ObjectOwner,
    /// What Darwin may do here.
    pub access_granted: Access,
}

/// An object's verdict, and what stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedObject {
    pub bucket: String,
    pub key: String,
    /// The version that was judged, where the bucket has versions.
    pub version_id: Option<String>,
    /// The version that was asked for, where another was judged.
    pub instead_of: Option<String>,
    pub read: Read,
    pub because: Vec<Reason>,
    pub depends_on: Vec<Unknown>,
    /// `none`, `AES256`, `aws:kms`, `aws:kms:dsse`, `sse-c`; none where it was not read.
    pub encryption: Option<String>,
    /// ARN of the KMS key, as HeadObject gives it.
    pub kms_key: Option<String>,
    pub finding: Option<Finding>,
    /// The bucket's configuration is what denies it: a reason to reconcile the bucket.
    pub bucket_denies: bool,
    /// Its key, and whether it is archived, are in nobody's way, whatever the bucket says.
    pub itself_readable: bool,
}

/// The encryption-context ARN of an object: the bucket's under an S3 Bucket Key, else its own.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html>
pub fn context_arn(partition: &str, bucket: &str, key: &str, bucket_key_enabled: bool) -> String {
    if bucket_key_enabled {
        format!("arn:{partition}:s3:::{bucket}")
    } else {
        format!("arn:{partition}:s3:::{bucket}/{key}")
    }
}

/// Whether the object is under a KMS key; `kms_key` says under which, if the header is there.
pub fn under_kms(facts: &ObjectFacts) -> bool {
    facts.encryption.as_deref().is_some_and(|algorithm| algorithm.starts_with("aws:kms"))
}

/// Whether the object is under no key that Darwin would have to use.
pub fn is_plain(facts: &ObjectFacts) -> bool {
    matches!(facts.encryption.as_deref(), None | Some("AES256"))
}

impl JudgedObject {
    /// One of which nothing was found yet.
    fn new(bucket: &str, key: &str) -> Self {
        Self {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            version_id: None,
            instead_of: None,
            read: Read::Gone,
            because: Vec::new(),
            depends_on: Vec::new(),
            encryption: None,
            kms_key: None,
            finding: None,
            bucket_denies: false,
            itself_readable: false,
        }
    }

    /// With what the object says about itself.
    fn with(mut self, facts: &ObjectFacts) -> Self {
        self.version_id.clone_from(&facts.version_id);
        self.encryption = Some(facts.encryption.clone().unwrap_or_else(|| "none".to_owned()));
        self.kms_key.clone_from(&facts.kms_key);
        self
    }

    /// An object that is allowed, where nobody reads why.
    pub fn allowed(bucket: &str, key: &str, facts: &ObjectFacts) -> Self {
        Self { read: Read::Allowed, ..Self::new(bucket, key).with(facts) }
    }
}

/// Judges one object.
pub fn judge_object(input: ObjectInput<'_>, asker: Asker<'_>) -> JudgedObject {
    let ObjectInput { bucket, key, head, access, kms, owner, access_granted: _ } = input;
    let mut judged = JudgedObject::new(bucket, key);
    if matches!(head, Ok(Head::Gone)) {
        return judged;
    }
    let by_bucket = judge_read(access, bucket, key, owner, asker);
    let by_object = match head {
        Ok(Head::Found(facts)) => {
            judged = judged.with(facts);
            let decrypt = decryptable(facts, bucket, key, kms, asker);
            not_archived(facts).and(decrypt)
        }
        Ok(Head::SseC) => {
            judged.encryption = Some("sse-c".to_owned());
            Verdict::denied(vec![Gate::SseC.into()])
        }
        Ok(Head::Gone) => Verdict::allowed(Vec::new()),
        Err(_) => unread(Unknown::ObjectHeaders),
    };
    judged.finding = object_finding(input, &by_bucket, &by_object, asker);
    judged.bucket_denies = by_bucket.is_denied();
    judged.itself_readable = by_object.is_allowed();
    let verdict = by_bucket.and(by_object);
    judged.read = verdict.decision.into();
    judged.because = verdict.because;
    judged.depends_on = verdict.depends_on;
    judged
}

fn decryptable(facts: &ObjectFacts, bucket: &str, key: &str, kms: Option<&KeyFacts>, asker: Asker<'_>) -> Verdict {
    if !under_kms(facts) {
        return match facts.encryption.as_deref().filter(|_| !is_plain(facts)) {
            None => Verdict::allowed(Vec::new()),
            Some(other) => Verdict::depends(
                vec![Gate::Encryption { algorithm: other.to_owned() }.into()],
                [Unknown::Value(other.to_owned())],
            ),
        };
    }
    match (&facts.kms_key, kms) {
        (Some(_), Some(kms)) => {
            let context = context_arn(&asker.home.partition, bucket, key, facts.bucket_key_enabled);
            let question = KeyQuestion { action: "kms:Decrypt", context_arn: Some(&context) };
            judge_key(kms, question, asker)
        }
        _ => unread(Unknown::ObjectHeaders),
    }
}

/// Archived objects answer GET with InvalidObjectState until they are restored.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>
pub fn is_archived(facts: &ObjectFacts) -> bool {
    let restored = facts.restore.as_deref().is_some_and(|restore| restore.contains("ongoing-request=\"false\""));
    let archive = matches!(facts.storage_class.as_deref(), Some("GLACIER" | "DEEP_ARCHIVE"));
    (archive || facts.archive_status.is_some()) && !restored
}

fn not_archived(facts: &ObjectFacts) -> Verdict {
    if is_archived(facts) {
        let class = facts.storage_class.clone().unwrap_or_else(|| "STANDARD".to_owned());
        let status = facts.archive_status.clone();
        Verdict::denied(vec![Gate::Archived { class, status }.into()])
    } else {
        Verdict::allowed(Vec::new())
    }
}

fn object_finding(
    input: ObjectInput<'_>,
    by_bucket: &Verdict,
    by_object: &Verdict,
    asker: Asker<'_>,
) -> Option<Finding> {
    // A definite denial is told before an uncertainty, and the object's own before the bucket's, which has its own
    // reconciliation and incident.
    if by_object.is_denied() {
        return denied_by_itself(input, by_object, asker);
    }
    if by_bucket.is_denied() {
        let evidence = Evidence::ObjectDenied { by: statement_cause(by_bucket) };
        return Some(Finding::with(evidence, by_bucket.because.clone(), Vec::new()));
    }
    if let Err(error) = input.head {
        let evidence = Evidence::Refused { call: error.clone(), purpose: Purpose::Object, key: None };
        return Some(Finding::with(evidence, Vec::new(), by_object.depends_on.clone()));
    }
    if !by_object.is_allowed()
        && let Some(kms) = input.kms
    {
        return under_key(kms, by_object, input, asker);
    }
    let uncertain = [by_bucket, by_object].into_iter().find(|verdict| !verdict.is_allowed())?;
    let evidence = if uncertain.depends_on == [Unknown::ObjectAcl] {
        Evidence::ObjectOwnership { seen: Extent::Object }
    } else {
        Evidence::Uncertain(Doubt::Object)
    };
    Some(Finding::with(evidence, uncertain.because.clone(), uncertain.depends_on.clone()))
}

fn denied_by_itself(input: ObjectInput<'_>, by_object: &Verdict, asker: Asker<'_>) -> Option<Finding> {
    let key = input.key.to_owned();
    let evidence = match input.head {
        Ok(Head::SseC) => Evidence::SseC { key },
        Ok(Head::Found(facts)) if not_archived(facts).is_denied() => {
            let class = facts.storage_class.clone().unwrap_or_else(|| "INTELLIGENT_TIERING".to_owned());
            Evidence::Archived { key, class }
        }
        _ => return under_key(input.kms?, by_object, input, asker),
    };
    Some(Finding::with(evidence, by_object.because.clone(), Vec::new()))
}

fn under_key(kms: &KeyFacts, verdict: &Verdict, input: ObjectInput<'_>, asker: Asker<'_>) -> Option<Finding> {
    key_finding(kms, verdict, Under::Objects, input.access_granted, asker)
}

/// A stable name for what denied: the statement by Sid, else by its effect and place.
fn statement_cause(verdict: &Verdict) -> String {
    let mut bases: Vec<&Basis> = Vec::new();
    for reason in &verdict.because {
        if !bases.contains(&&reason.basis) {
            bases.push(&reason.basis);
        }
    }
    let name = |basis: &Basis| match basis {
        Basis::Statement { document: document @ Document::Rcp(_), statement, .. } => {
            format!("{document} {statement}")
        }
        Basis::Statement { statement: StatementName { sid: Some(sid), .. }, .. } => sid.clone(),
        Basis::Statement { statement, effect, .. } => format!("{effect:?}#{}", statement.index),
        Basis::NothingAllows { .. } => "nothing-allows".to_owned(),
        Basis::Grant { id, .. } => id.clone(),
        Basis::Gate(gate) => gate.name(),
    };
    bases.into_iter().map(name).collect::<Vec<_>>().join(",")
}
