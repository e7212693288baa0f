//! Whom a finding affects: annotators first, then Darwin, then the guard alone.

use crate::model::aws::Operation;
use crate::model::contract::Access;
use crate::model::evidence::{Deny, Evidence, Extent, KeyEvidence, KeyTrouble, Purpose, Under};
use crate::model::finding::Finding;
use crate::model::text::counted;
use crate::model::verdict::Decision;
use crate::report::text::{code, line, upper};
use crate::report::words::part::{Lost, ShutOut, deletes, short_key};

/// Whom it affects, and how: while it lasts, and once it is over. No past: nobody noticed anything.
pub(crate) struct Effect {
    pub(crate) now: String,
    pub(crate) past: Option<String>,
}

impl Effect {
    fn new(now: impl Into<String>, past: impl Into<String>) -> Self {
        Self { now: now.into(), past: Some(past.into()) }
    }

    /// Images that nobody sees.
    fn blank(which: &str, more: &str) -> Self {
        Self::new(format!("{which} are blank for annotators{more}"), format!("{which} were blank for annotators"))
    }

    fn may_be_blank(which: &str, more: &str) -> Self {
        Self::new(
            format!("{which} may be blank for annotators{more}"),
            format!("{which} may have been blank for annotators"),
        )
    }

    fn all_blank() -> Self {
        Self::new(
            "all its images are blank for annotators, and Darwin can't process new uploads. The files are unharmed",
            "all its images were blank for annotators. Uploads of that time may lack thumbnails and frames",
        )
    }

    fn no_writing() -> Self {
        Self::new(
            "Darwin can't write thumbnails and frames of new uploads. Annotators see existing images as before",
            "Darwin could not write thumbnails and frames of new uploads, which may still lack them",
        )
    }

    fn blank_in_browsers() -> Self {
        Self::new(
            "all its images are blank for annotators, in their browsers. Darwin's servers read them as before",
            "all its images were blank for annotators. If one still is, empty the browser's cache",
        )
    }

    fn unchecked() -> Self {
        Self::new(
            "annotators notice nothing. If a new upload is blank, the guard does not notice and reports nothing",
            "new uploads were not checked, and some may be blank",
        )
    }

    /// Nothing that annotators see.
    fn quiet(what: &str) -> Self {
        Self { now: format!("annotators notice nothing. {what}"), past: None }
    }
}

const OTHERS: &str = ". Other images show as before";

/// Whom a finding affects. `read`: whether Darwin can read the bucket, where that was decided.
#[expect(clippy::too_many_lines, reason = "a row a kind of evidence")]
pub(crate) fn effect(finding: &Finding, read: Option<Decision>) -> Effect {
    match &finding.evidence {
        Evidence::PolicyMissing { repair, .. } | Evidence::PolicyGutted { repair, .. } => match Lost::of(repair) {
            Lost::All | Lost::Reading => Effect::all_blank(),
            Lost::Writing => Effect::no_writing(),
            Lost::Listing => Effect::new(
                "Darwin can't list the bucket, which MIRAX files need. Annotators see other images as before",
                "Darwin could not list the bucket, which MIRAX files need",
            ),
        },
        Evidence::RequesterPays
        | Evidence::BucketNameDot
        | Evidence::PublicBlock { restricted: Some(true), public: Some(true), .. } => Effect::all_blank(),
        Evidence::ConditionOnOurs { decision: Decision::Denied, .. } => match read {
            Some(Decision::Allowed) => Effect::no_writing(),
            _ => Effect::all_blank(),
        },
        Evidence::ExplicitDeny(deny) | Evidence::PartDenied(deny) => match ShutOut::of(deny) {
            ShutOut::All => Effect::all_blank(),
            ShutOut::Part => Effect::blank(&parts(deny), OTHERS),
            ShutOut::Writing => Effect::no_writing(),
        },
        Evidence::CorsMissing { .. } | Evidence::CorsLimit { .. } => Effect::blank_in_browsers(),
        Evidence::NoEvents { .. } => Effect::unchecked(),
        Evidence::ObjectOwnership { seen } => Effect::may_be_blank(
            match seen {
                Extent::Bucket => "images that another account uploads",
                Extent::Object => "images that another account uploaded",
            },
            OTHERS,
        ),
        Evidence::Key(key) => of_key(key),
        Evidence::ManagedDefaultKey { .. } => {
            Effect::blank("new uploads without a key of their own", ". Existing images keep their keys")
        }
        Evidence::AliasEncryption { access: Access::ReadWrite, .. } => Effect::no_writing(),
        Evidence::AliasEncryption { .. } => Effect::may_be_blank("uploads by other accounts", OTHERS),
        Evidence::PublicBlock { .. }
        | Evidence::ConditionOnOurs { decision: Decision::Depends, .. }
        | Evidence::Uncertain(_) => Effect::may_be_blank("its images", ". The guard can't see whether they are"),
        Evidence::SseC { .. } => {
            Effect::blank("these images", ", whatever the policies say. Other images show as before")
        }
        Evidence::Archived { .. } => {
            Effect::blank("these images", " until they are restored. Other images show as before")
        }
        Evidence::ObjectDenied { .. } => Effect::blank("these images", OTHERS),
        Evidence::PolicyLimit { .. }
        | Evidence::PolicyUnreadable { .. }
        | Evidence::DeadPrincipal { .. }
        | Evidence::RoleMissing { .. }
        | Evidence::BlockPublicPolicy { .. } => not_repaired(Operation::PutBucketPolicy, read),
        Evidence::WriteFailed { call } | Evidence::Refused { call, purpose: Purpose::Write, .. } => {
            not_repaired(call.operation, read)
        }
        // Over which part is not told.
        Evidence::Contested { .. } => {
            not_repaired(Operation::PutBucketPolicy, read.filter(|read| *read == Decision::Denied))
        }
        Evidence::NoSuchBucket { .. } => Effect::blank("all images that Darwin has of it", ". The objects are gone"),
        Evidence::WrongOwner { .. } | Evidence::WrongRegion { .. } => Effect::new(
            "not known, as the guard can't check whether its images show",
            "the guard could not check whether its images showed",
        ),
        Evidence::Wider { ours, .. } => Effect::quiet(if deletes(ours) {
            "V7's role can delete objects in it"
        } else {
            "V7's role can do more in it than Darwin needs"
        }),
        evidence => Effect::quiet(guard_alone(evidence)),
    }
}

/// What a repair that can't be made leaves broken, as far as was seen. `write`: the call that would make it.
fn not_repaired(write: Operation, read: Option<Decision>) -> Effect {
    match (write, read) {
        (_, Some(Decision::Denied)) => Effect::all_blank(),
        (Operation::PutBucketCors, _) => Effect::blank_in_browsers(),
        (Operation::PutBucketNotificationConfiguration, _) => Effect::unchecked(),
        (_, Some(Decision::Allowed)) => Effect::new(
            "annotators see existing images as before. Darwin may not be able to write thumbnails and frames of new uploads",
            "Darwin may not have been able to write thumbnails and frames of new uploads",
        ),
        (_, Some(Decision::Depends) | None) => {
            Effect::may_be_blank("its images", ", and new uploads may not be processed. The files are unharmed")
        }
    }
}

/// What concerns the guard, and nobody who works with images.
fn guard_alone(evidence: &Evidence) -> &'static str {
    match evidence {
        Evidence::Paused { .. } => "If Darwin's access breaks, the guard reports it and repairs nothing",
        Evidence::Refused { .. } => "If images are blank, the guard may not notice",
        Evidence::LostUpdate(_) => "What a colleague changed in the bucket may not be in force",
        Evidence::NoConfigEvents { .. } => {
            "If somebody breaks a bucket, the guard notices by its schedule or the next upload, not at once"
        }
        Evidence::HistoryFull { .. } => "If a repair undid a colleague's change, that goes unreported",
        Evidence::KnownKeysFull { .. } => {
            "If a key that is not watched stops working, existing images go blank unreported"
        }
        Evidence::Acknowledged { .. } => "Nobody is reminded of the incident",
        Evidence::NeverScanned { .. } => {
            "If an existing image is blank under a key that no upload has used, that goes unreported"
        }
        Evidence::StateUnreadable { .. } => "One incident of the bucket is not followed until the item can be read",
        Evidence::NoSubscription { .. } => "If images go blank, nobody hears of it",
        Evidence::TableUnreachable { .. } => "The guard repairs no bucket, and may send a message twice",
        Evidence::TestAlert => "Nothing is broken",
        _ => "Darwin's access is as before",
    }
}

fn parts(deny: &Deny) -> String {
    let mut parts: Vec<&str> = deny.hits.iter().filter_map(|hit| hit.key.as_deref()).collect();
    parts.sort_unstable();
    parts.dedup();
    let more = match parts.len() {
        0 | 1 => String::new(),
        all => format!(" and {} below", counted(all - 1, "other part")),
    };
    let first = parts.first().map(|part| code(&line(part, 100))).unwrap_or_default();
    format!("images in the part {first}{more}")
}

fn of_key(key: &KeyEvidence) -> Effect {
    let name = match key.trouble {
        KeyTrouble::AwsManaged => "the AWS managed key aws/s3".to_owned(),
        _ => format!("KMS key {}", short_key(&key.key)),
    };
    let fails = matches!(key.trouble, KeyTrouble::State(_));
    let writes = if key.access == Access::ReadWrite { ", and Darwin may not be able to write thumbnails" } else { "" };
    let (which, more) = match key.under {
        Under::NewObjects if fails => (
            format!("images under {name}"),
            ". It is the default key, so new uploads and Darwin's writes fail".to_owned(),
        ),
        Under::NewObjects => ("new uploads".to_owned(), format!("{writes}. {} is the default", upper(&name))),
        Under::Objects if fails => (format!("images under {name}"), format!(", and uploads under it fail{OTHERS}")),
        Under::Objects => (format!("images under {name}"), format!(", new uploads under it too{OTHERS}")),
    };
    if key.certain { Effect::blank(&which, &more) } else { Effect::may_be_blank(&which, &more) }
}

/// What is said of those whom it did not affect, once it is over.
pub(crate) fn unnoticed(finding: &Finding) -> &'static str {
    match &finding.evidence {
        Evidence::Wider { .. }
        | Evidence::LostUpdate(_)
        | Evidence::SidTaken { .. }
        | Evidence::ConditionOnOurs { .. } => "Annotators noticed nothing",
        _ => "It concerned the guard alone",
    }
}

/// What a scan finds of it once it is over; nothing for most.
pub(crate) fn left_behind(finding: &Finding) -> Option<&'static str> {
    match &finding.evidence {
        Evidence::ManagedDefaultKey { .. } => Some("images uploaded meanwhile, which keep their key and stay blank"),
        Evidence::Key(KeyEvidence { under: Under::NewObjects, .. }) => {
            Some("images uploaded meanwhile, which keep the old key if the default key was changed")
        }
        Evidence::NoEvents { .. } => Some("blank images among those uploaded meanwhile"),
        Evidence::NoSuchBucket { .. } => Some("those of them that Darwin can't read"),
        _ => None,
    }
}
