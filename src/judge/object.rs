//! One object's facts -> can Darwin read it, and the finding if not.
//!
//! Pure. Must never say `denied` because the guard itself may not look.

use crate::judge::access::{AccessFacts, Asker, judge_read, unread};
use crate::judge::key::{KeyFacts, KeyQuestion, Place, judge_key, key_finding, names};
use crate::model::aws::AwsResult;
use crate::model::contract::Access;
use crate::model::finding::{Finding, Kind, Severity};
use crate::model::outcome::Read;
use crate::model::s3::{Head, ObjectFacts};
use crate::model::unknown::Unknown;
use crate::model::verdict::{Basis, Decision, Verdict};
use crate::model::why::Gate;
use crate::policy::request::ObjectOwner;
use crate::report::answer::ObjectAnswer;
use crate::report::reason::sentences;
use crate::report::remedy::{self, denied_call};

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
    /// What Darwin may do here, for the texts.
    pub access_granted: Access,
}

/// An object's verdict, and what stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedObject {
    pub answer: ObjectAnswer,
    pub finding: Option<Finding>,
    /// The bucket's configuration is what denies it: a reason to reconcile the bucket.
    pub bucket_denies: bool,
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

/// Judges one object.
pub fn judge_object(input: ObjectInput<'_>, asker: Asker<'_>) -> JudgedObject {
    let ObjectInput { bucket, key, head, access, kms, owner, access_granted: _ } = input;
    let mut answer = ObjectAnswer {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        version_id: None,
        read: Read::Gone,
        because: Vec::new(),
        depends_on: Vec::new(),
        encryption: None,
        kms_key: None,
    };
    if matches!(head, Ok(Head::Gone)) {
        answer.because.push("deleted meanwhile".to_owned());
        return JudgedObject { answer, finding: None, bucket_denies: false };
    }
    let by_bucket = judge_read(access, bucket, key, owner, asker);
    let by_object = match head {
        Ok(Head::Found(facts)) => {
            answer.version_id.clone_from(&facts.version_id);
            answer.encryption = Some(facts.encryption.clone().unwrap_or_else(|| "none".to_owned()));
            answer.kms_key.clone_from(&facts.kms_key);
            let decrypt = decryptable(facts, bucket, key, kms, asker);
            not_archived(facts).and(decrypt)
        }
        Ok(Head::SseC) => {
            answer.encryption = Some("sse-c".to_owned());
            Verdict::denied(vec![Gate::SseC.into()])
        }
        Ok(Head::Gone) => Verdict::allowed(Vec::new()),
        Err(_) => unread(Unknown::ObjectHeaders),
    };
    let bucket_decision = by_bucket.decision;
    let finding = object_finding(input, &by_bucket, &by_object, asker);
    let verdict = by_bucket.and(by_object);
    answer.read = verdict.decision.into();
    answer.because = sentences(&verdict.because);
    answer.depends_on = verdict.names();
    JudgedObject { answer, finding, bucket_denies: bucket_decision == Decision::Denied }
}

fn decryptable(facts: &ObjectFacts, bucket: &str, key: &str, kms: Option<&KeyFacts>, asker: Asker<'_>) -> Verdict {
    if !under_kms(facts) {
        return match facts.encryption.as_deref() {
            None | Some("AES256") => Verdict::allowed(Vec::new()),
            Some(other) => Verdict::depends(
                vec![Gate::Encryption { algorithm: other.to_owned() }.into()],
                [Unknown::Value(other.to_owned())],
            ),
        };
    }
    match (&facts.kms_key, kms) {
        (Some(_), Some(kms)) => {
            let context = context_arn(&asker.home.partition, bucket, key, facts.bucket_key_enabled);
            let question = KeyQuestion { action: "kms:Decrypt", context_arn: Some(&context), now: asker.now };
            judge_key(kms, question, asker.darwin, asker.home)
        }
        _ => unread(Unknown::ObjectHeaders),
    }
}

/// Archived objects answer GET with InvalidObjectState until they are restored.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>
fn not_archived(facts: &ObjectFacts) -> Verdict {
    let restored = facts.restore.as_deref().is_some_and(|restore| restore.contains("ongoing-request=\"false\""));
    let class = facts.storage_class.as_deref().unwrap_or("STANDARD");
    let archived = matches!(class, "GLACIER" | "DEEP_ARCHIVE") || facts.archive_status.is_some();
    if archived && !restored {
        let (class, status) = (class.to_owned(), facts.archive_status.clone());
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
        return Some(Finding {
            kind: Kind::ObjectDenied,
            severity: Severity::Critical,
            because: sentences(&by_bucket.because),
            depends_on: Vec::new(),
            remedy: remedy::object_denied(input.bucket),
            cause: statement_cause(by_bucket),
        });
    }
    if let Err(error) = input.head {
        return Some(Finding {
            kind: Kind::GuardDenied,
            severity: Severity::Warning,
            because: vec![format!("the guard may not look at the object: {error}")],
            depends_on: by_object.names(),
            remedy: denied_call(error, input.bucket),
            cause: error.operation.to_string(),
        });
    }
    if !by_object.is_allowed()
        && let Some(kms) = input.kms
    {
        return key_finding(kms, by_object, Severity::Critical, place(input, asker));
    }
    let uncertain = [by_bucket, by_object].into_iter().find(|verdict| !verdict.is_allowed())?;
    let kind = if uncertain.depends_on == [Unknown::ObjectAcl] { Kind::ObjectOwnership } else { Kind::AccessUncertain };
    Some(Finding {
        kind,
        severity: Severity::Warning,
        because: sentences(&uncertain.because),
        depends_on: uncertain.names(),
        remedy: if kind == Kind::ObjectOwnership {
            remedy::object_ownership(input.bucket)
        } else {
            remedy::access_uncertain(&uncertain.names())
        },
        cause: names(&uncertain.names()),
    })
}

fn denied_by_itself(input: ObjectInput<'_>, by_object: &Verdict, asker: Asker<'_>) -> Option<Finding> {
    let finding = |kind, severity, remedy, cause: &str| {
        Some(Finding {
            kind,
            severity,
            because: sentences(&by_object.because),
            depends_on: Vec::new(),
            remedy,
            cause: cause.to_owned(),
        })
    };
    match input.head {
        Ok(Head::SseC) => finding(Kind::SseC, Severity::Critical, remedy::sse_c(input.bucket, input.key), "sse-c"),
        Ok(Head::Found(facts)) if not_archived(facts).is_denied() => {
            let class = facts.storage_class.as_deref().unwrap_or("INTELLIGENT_TIERING");
            finding(Kind::Archived, Severity::Warning, remedy::archived(input.bucket, input.key, class), class)
        }
        _ => {
            let kms = input.kms?;
            let mut found = key_finding(kms, by_object, Severity::Critical, place(input, asker))?;
            if found.kind != Kind::AwsManagedKey {
                found.remedy.push_str("\n\n");
                found.remedy.push_str(&remedy::re_encrypt(input.bucket, asker.home, Some(kms.arn())));
            }
            Some(found)
        }
    }
}

fn place<'a>(input: ObjectInput<'a>, asker: Asker<'a>) -> Place<'a> {
    Place { bucket: input.bucket, access: input.access_granted, darwin: asker.darwin, home: asker.home }
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
        Basis::Statement { sid: Some(sid), .. } => sid.clone(),
        Basis::Statement { index, effect, .. } => format!("{effect:?}#{index}"),
        Basis::NothingAllows { .. } => "nothing-allows".to_owned(),
        Basis::Grant { id, .. } => id.clone(),
        Basis::Gate(gate) => gate.name(),
    };
    bases.into_iter().map(name).collect::<Vec<_>>().join(",")
}
