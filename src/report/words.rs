//! What each finding is called, in the tense of now and once it is over, and whom it affects.
//!
//! Must never say more than the evidence holds: what is only possible is said to be possible.

mod effect;
mod part;
mod state;

use crate::incident::life::{Ending, Healed};
use crate::model::change::Subject;
use crate::model::contract::Access;
use crate::model::evidence::{Evidence, KeyEvidence, KeyTrouble, Purpose, Under, WideStatement};
use crate::model::finding::Finding;
use crate::model::text::counted;
use crate::model::verdict::Decision;
use crate::repair::history::REMEMBER;
pub(super) use effect::{effect, left_behind, unnoticed};
use part::{Lost, ShutOut, allows, short_key};
pub(super) use part::{deletes, other_region};
pub(super) use state::state;

/// What is the matter: completes "acme-lidar: ...". `read`: whether Darwin can read the bucket, where that was decided.
#[expect(clippy::too_many_lines, reason = "a row a kind of evidence")]
pub(super) fn headline(finding: &Finding, read: Option<Decision>) -> String {
    if let Some(cause) = cause(&finding.evidence) {
        let what = if read == Some(Decision::Denied) { "Darwin can't read it" } else { "can't be repaired" };
        return format!("{what} ({cause})");
    }
    let text = match &finding.evidence {
        Evidence::PolicyMissing { repair, .. } => {
            return format!("Darwin can't {} (statement missing)", Lost::of(repair).it());
        }
        Evidence::PolicyGutted { repair, .. } => {
            return format!("Darwin can't {} (statement changed)", Lost::of(repair).it());
        }
        Evidence::Wider { ours, .. } => wider(ours),
        Evidence::CorsMissing { .. } => "images are blank in browsers (no CORS rule)",
        Evidence::CorsLimit { .. } => "images are blank in browsers (CORS is full)",
        Evidence::NoEvents { .. } => "new uploads are not checked (EventBridge off)",
        Evidence::ExplicitDeny(deny) | Evidence::PartDenied(deny) => match ShutOut::of(deny) {
            ShutOut::All => "Darwin can't read it (a Deny statement)",
            ShutOut::Part => "Darwin can't read a part (a Deny statement)",
            ShutOut::Writing => "Darwin can't write to it (a Deny statement)",
        },
        Evidence::PublicBlock { restricted: Some(true), public: Some(true), .. } => {
            "Darwin can't read it (public access block)"
        }
        Evidence::PublicBlock { .. } => "images may be blank (public access block)",
        Evidence::ObjectOwnership { .. } => "images may be blank (uploaded by others)",
        Evidence::RequesterPays => "Darwin can't read it (requester pays is on)",
        Evidence::ManagedDefaultKey { .. } => "new images are blank (default key aws/s3)",
        Evidence::Key(key) => return of_key(key),
        Evidence::AliasEncryption { access: Access::ReadWrite, .. } => "Darwin can't write (default key is no ARN)",
        Evidence::AliasEncryption { .. } => "uploads may be blank (default key is no ARN)",
        Evidence::BucketNameDot => "Darwin can't use it (a dot in its name)",
        Evidence::ConditionOnOurs { decision, .. } => match decision {
            Decision::Allowed => "Darwin's statement has a Condition",
            Decision::Denied if read == Some(Decision::Allowed) => "Darwin can't write (a Condition)",
            Decision::Denied => "Darwin has no access (a Condition)",
            Decision::Depends => "Darwin may have no access (a Condition)",
        },
        Evidence::SidTaken { .. } => "another statement has Darwin's Sid",
        Evidence::Uncertain(_) => "the guard can't see if Darwin has access",
        Evidence::SseC { .. } => "images are blank (encrypted with SSE-C)",
        Evidence::Archived { .. } => "images are blank (they are archived)",
        Evidence::ObjectDenied { .. } => "images are blank (bucket policy denies them)",
        Evidence::Refused { .. } => "the guard can't check all of it (call denied)",
        Evidence::WrongOwner { .. } => "not watched (S3 refuses the guard)",
        Evidence::WrongRegion { .. } => "not watched (it is in another Region)",
        Evidence::NoSuchBucket { .. } => "not watched (the bucket does not exist)",
        Evidence::Paused { unreadable: None } => "the guard repairs nothing here",
        Evidence::Paused { .. } => "the guard repairs nothing (tags unreadable)",
        Evidence::LostUpdate(lost) => match lost.subject {
            Subject::Policy => "the guard may have undone a policy change",
            Subject::Cors => "the guard may have undone a CORS change",
            Subject::Notification => "the guard may have undone an event setting",
        },
        Evidence::NoConfigEvents { .. } => "changes are seen late (no CloudTrail events)",
        Evidence::HistoryFull { .. } => "too many changes to check all of them",
        Evidence::KnownKeysFull { .. } => "too many KMS keys to watch all of them",
        Evidence::NeverScanned { .. } => "existing objects were never scanned",
        Evidence::Acknowledged { .. } => "an open incident is acknowledged",
        Evidence::NoSubscription { .. } => "the guard's emails reach nobody",
        Evidence::StateUnreadable { .. } => "an item of the incident table is unreadable",
        Evidence::TableUnreachable { .. } => "no repairs (incident table unreachable)",
        Evidence::TestAlert => "messages of the Darwin S3 guard arrive",
        // They have a cause.
        Evidence::PolicyLimit { .. }
        | Evidence::PolicyUnreadable { .. }
        | Evidence::DeadPrincipal { .. }
        | Evidence::RoleMissing { .. }
        | Evidence::BlockPublicPolicy { .. }
        | Evidence::WriteFailed { .. }
        | Evidence::Contested { .. } => "can't be repaired",
    };
    text.to_owned()
}

/// What keeps the guard from a repair that it would make, in a few words; none for what is not about a repair.
fn cause(evidence: &Evidence) -> Option<&'static str> {
    Some(match evidence {
        Evidence::PolicyLimit { .. } => "no room for its statement",
        Evidence::PolicyUnreadable { .. } => "policy not understood",
        Evidence::DeadPrincipal { .. } => "deleted principal",
        Evidence::RoleMissing { .. } => "V7's role not found",
        Evidence::BlockPublicPolicy { .. } => "BlockPublicPolicy",
        Evidence::WriteFailed { .. } => "the repair failed",
        Evidence::Refused { purpose: Purpose::Write, .. } => "the repair was denied",
        Evidence::Contested { .. } => "repairs are undone",
        _ => return None,
    })
}

/// The worst that a statement allows beyond what Darwin needs.
fn wider(ours: &[WideStatement]) -> &'static str {
    if allows(ours, &["*", "s3:*"]) {
        "Darwin can do everything"
    } else if deletes(ours) {
        "Darwin can delete objects"
    } else {
        "Darwin can do more than it needs"
    }
}

/// What is so now that it is over. `read`: whether Darwin can read the bucket, where that was decided with the ending.
#[expect(clippy::too_many_lines, reason = "a row a kind of evidence")]
pub(super) fn over(finding: &Finding, healed: &Healed, read: Option<Decision>) -> String {
    let ending = healed.shown_by;
    match ending {
        Ending::Unguarded => return "no longer watched, not known whether it is over".to_owned(),
        Ending::Samples { readable: 0, .. } => return "the images concerned were deleted".to_owned(),
        Ending::Judged => return "its images could be checked".to_owned(),
        Ending::Repaired if cause(&finding.evidence).is_some() => return "the guard's repair worked".to_owned(),
        Ending::Settled => return settled(finding, healed),
        _ => {}
    }
    let text = match &finding.evidence {
        Evidence::PolicyMissing { repair, .. } | Evidence::PolicyGutted { repair, .. } => {
            let lost = Lost::of(repair);
            let reads = ending == Ending::Repaired && read == Some(Decision::Allowed);
            return match lost {
                Lost::All | Lost::Reading if reads => "Darwin can read it again".to_owned(),
                _ if ending == Ending::Repaired => format!("Darwin's statement lets it {} again", lost.verb()),
                _ => format!("its policy lets Darwin {} again", lost.it()),
            };
        }
        Evidence::Wider { ours, .. } if deletes(ours) => "Darwin's right to delete objects is removed",
        Evidence::Wider { .. } => "Darwin's surplus rights are removed",
        Evidence::CorsMissing { .. } | Evidence::CorsLimit { .. } => "browsers can load its images again",
        Evidence::NoEvents { .. } => "new uploads are checked again",
        Evidence::ExplicitDeny(_) | Evidence::PartDenied(_) => "that Deny no longer hits Darwin",
        Evidence::PublicBlock { .. } => "the public access block lets Darwin in",
        Evidence::ObjectOwnership { .. } => "its objects belong to your account",
        Evidence::RequesterPays => "requester pays is off",
        Evidence::ManagedDefaultKey { .. } => "its default key is no longer aws/s3",
        Evidence::Key(key) => return key_works(key),
        Evidence::AliasEncryption { .. } => "its default key is found by its ARN again",
        Evidence::PolicyUnreadable { .. } => "the guard understands its policy again",
        Evidence::ConditionOnOurs { .. } => "the Condition on Darwin's access is gone",
        Evidence::SidTaken { .. } => "no other statement has Darwin's Sid",
        Evidence::Uncertain(_) => "Darwin's access is no longer in doubt",
        Evidence::SseC { .. } | Evidence::Archived { .. } | Evidence::ObjectDenied { .. } => {
            "Darwin can read those images again"
        }
        Evidence::Refused { purpose: Purpose::Configuration | Purpose::Object, .. } => {
            "the guard's call is no longer denied"
        }
        Evidence::WrongOwner { .. } | Evidence::WrongRegion { .. } => "the guard can watch it again",
        Evidence::NoSuchBucket { .. } => "the bucket exists again, old images don't",
        Evidence::PolicyLimit { .. }
        | Evidence::Contested { .. }
        | Evidence::DeadPrincipal { .. }
        | Evidence::RoleMissing { .. }
        | Evidence::BlockPublicPolicy { .. }
        | Evidence::Refused { purpose: Purpose::Write, .. }
        | Evidence::WriteFailed { .. } => "nothing is left to repair",
        Evidence::Paused { .. } => "no longer paused, the guard repairs again",
        Evidence::LostUpdate(_) => "that change is no longer checked",
        Evidence::NoConfigEvents { .. } => "CloudTrail events arrive again",
        Evidence::HistoryFull { .. } => "its changes are few enough again",
        Evidence::KnownKeysFull { .. } => "all its KMS keys are watched again",
        Evidence::NeverScanned { .. } => "its existing objects were scanned",
        Evidence::Acknowledged { .. } => "no incident is acknowledged",
        Evidence::NoSubscription { .. } => "somebody receives the guard's messages",
        Evidence::StateUnreadable { .. } => "the guard can read all of its incident table again",
        Evidence::TableUnreachable { .. } => "the incident table answers again",
        Evidence::BucketNameDot | Evidence::TestAlert => "this is over",
    };
    text.to_owned()
}

/// What became of a change that seemed lost.
fn settled(finding: &Finding, healed: &Healed) -> String {
    let change = match &finding.evidence {
        Evidence::LostUpdate(lost) => match lost.subject {
            Subject::Policy => "the policy change",
            Subject::Cors => "the CORS change",
            Subject::Notification => "the event setting",
        },
        _ => "the change",
    };
    let what = if in_force(finding, healed) { "is in force again" } else { "is a day old, no longer checked" };
    format!("{change} {what}")
}

/// Whether a change that seemed lost is there again: after a day it is no longer looked for.
fn in_force(finding: &Finding, healed: &Healed) -> bool {
    match &finding.evidence {
        Evidence::LostUpdate(lost) => healed.at < lost.changed + REMEMBER,
        _ => false,
    }
}

fn of_key(key: &KeyEvidence) -> String {
    let short = short_key(&key.key);
    let new = if key.under == Under::NewObjects { "new " } else { "" };
    let blank = if key.certain { "images are blank" } else { "images may be blank" };
    let why = match &key.trouble {
        KeyTrouble::AwsManaged => "their key is aws/s3".to_owned(),
        KeyTrouble::State(state) => match state.as_str() {
            "Disabled" => format!("key {short} is disabled"),
            "PendingDeletion" | "PendingReplicaDeletion" => format!("key {short} to be deleted"),
            "deleted" => format!("key {short} is deleted"),
            _ => format!("key {short} does not work"),
        },
        KeyTrouble::Foreign(_) => format!("foreign key {short}"),
        KeyTrouble::NotAllowed if key.certain => format!("key {short} denies Darwin"),
        KeyTrouble::NotAllowed => format!("key {short}"),
    };
    format!("{new}{blank} ({why})")
}

fn key_works(key: &KeyEvidence) -> String {
    let short = short_key(&key.key);
    match (&key.trouble, key.under) {
        (KeyTrouble::AwsManaged, Under::Objects) => "Darwin can read those images again".to_owned(),
        (_, Under::NewObjects) => "new images have a key that Darwin can use".to_owned(),
        (KeyTrouble::State(_), _) => format!("KMS key {short} works again"),
        (KeyTrouble::Foreign(_) | KeyTrouble::NotAllowed, _) => format!("Darwin can use KMS key {short} again"),
    }
}

/// What the guard does not change, for findings that are not its own to repair.
pub(super) fn not_ours(finding: &Finding) -> &'static str {
    match &finding.evidence {
        Evidence::ExplicitDeny(_) | Evidence::PartDenied(_) => "the guard never changes a Deny",
        Evidence::Key(_) => "the guard changes no KMS key and no object",
        Evidence::ManagedDefaultKey { .. } | Evidence::AliasEncryption { .. } => {
            "the guard changes no default encryption"
        }
        Evidence::PublicBlock { .. } | Evidence::BlockPublicPolicy { .. } | Evidence::SidTaken { .. } => {
            "the guard changes no statement but Darwin's own, and no public access block"
        }
        Evidence::ObjectOwnership { .. } | Evidence::RequesterPays => "the guard changes no such setting of a bucket",
        Evidence::NoEvents { enable: false } => "the guard's parameter EnableEventBridge is false",
        Evidence::Wider { enforced: false, .. } => "the guard's parameter Ceiling is flag",
        Evidence::ConditionOnOurs { .. } => "the guard leaves a Condition that somebody added",
        Evidence::PolicyLimit { .. } | Evidence::CorsLimit { .. } => "what it would write is more than S3 takes",
        Evidence::PolicyUnreadable { .. } => "the guard edits only a policy that it understands whole",
        Evidence::Uncertain(_) => "the guard writes nothing on a guess",
        Evidence::SseC { .. } | Evidence::Archived { .. } | Evidence::ObjectDenied { .. } => {
            "the guard changes no object"
        }
        Evidence::DeadPrincipal { .. } | Evidence::RoleMissing { .. } => "S3 refused its repair",
        Evidence::WriteFailed { .. } => "its call failed",
        Evidence::Refused { .. } => "its call was denied",
        Evidence::LostUpdate(_) => "the guard can't know which change is meant to stay",
        Evidence::HistoryFull { .. } => "the guard does not know which change is meant to stay",
        Evidence::KnownKeysFull { .. } => "the keys that it watches stay",
        Evidence::Acknowledged { .. } => "somebody has accepted it for a while",
        Evidence::NeverScanned { .. } => "a scan reads every object, and is started by a person",
        Evidence::StateUnreadable { .. } => "the guard leaves what another version wrote",
        Evidence::Contested { .. } => "it repaired as often as its limit allows",
        Evidence::Paused { .. } => "it is paused",
        Evidence::PolicyMissing { .. }
        | Evidence::PolicyGutted { .. }
        | Evidence::CorsMissing { .. }
        | Evidence::NoEvents { .. }
        | Evidence::Wider { .. } => "it tries again with the next event, and by its schedule",
        Evidence::BucketNameDot
        | Evidence::WrongOwner { .. }
        | Evidence::WrongRegion { .. }
        | Evidence::NoSuchBucket { .. }
        | Evidence::NoConfigEvents { .. }
        | Evidence::NoSubscription { .. }
        | Evidence::TableUnreachable { .. }
        | Evidence::TestAlert => "there is nothing that it could change",
    }
}

/// What showed that an incident is over.
pub(super) fn ending(finding: &Finding, healed: &Healed) -> String {
    let samples = |count| counted(count, "sample image");
    match healed.shown_by {
        Ending::Repaired => "the guard repaired it, and read it back".to_owned(),
        Ending::Configuration if matches!(finding.evidence, Evidence::Refused { purpose: Purpose::Write, .. }) => {
            "the bucket was read again, and Darwin's access needs no repair. The guard did not try its call again, which may still be denied"
                .to_owned()
        }
        Ending::Configuration => "the bucket was read again, and this was not found any more".to_owned(),
        Ending::Samples { readable, gone: 0 } => {
            format!("the {} that showed it were checked again, and Darwin can read them", samples(readable))
        }
        Ending::Samples { readable: 0, gone } => format!("the {} that showed it are gone", samples(gone)),
        Ending::Samples { readable, gone } => {
            format!("of the images that showed it, Darwin can read {readable}, and {gone} are gone")
        }
        Ending::Judged => {
            "its images could be checked again. What is wrong with them, if anything, is a message of its own"
                .to_owned()
        }
        Ending::NewObjects => "new uploads under the same key can be read".to_owned(),
        Ending::Settled if in_force(finding, healed) => "that change is in force again".to_owned(),
        Ending::Settled => "a day has passed since that change".to_owned(),
        Ending::Aged => "it was not seen for a day".to_owned(),
        Ending::Trail => "the CloudTrail event of one of the guard's own writes arrived".to_owned(),
        Ending::Table => "the incident table answers again".to_owned(),
        Ending::Unguarded => "the bucket is no longer guarded, so that nobody knows whether it is over".to_owned(),
    }
}
