//! What each finding is called, in the tense of now and once it is over, and whom it affects.
//!
//! Must never say more than the evidence holds: what is only possible is said to be possible.

use crate::incident::life::Ending;
use crate::model::change::Subject;
use crate::model::contract::Access;
use crate::model::evidence::{Deny, Evidence, KeyEvidence, KeyTrouble, Purpose, Under};
use crate::model::finding::Finding;
use crate::model::text::counted;
use crate::model::verdict::Decision;
use crate::report::text::{code, line};

/// What is the matter: completes "acme-lidar: ...".
#[expect(clippy::too_many_lines, reason = "a row a kind of evidence")]
pub(super) fn headline(finding: &Finding) -> String {
    let text = match &finding.evidence {
        Evidence::PolicyMissing { repair, .. } => match Lost::of(&repair.lost) {
            Lost::Reading => "Darwin can't read it: no policy statement",
            Lost::Writing => "Darwin can't write to it: no policy statement",
            Lost::Listing => "Darwin can't list it: no policy statement",
        },
        Evidence::PolicyGutted { repair, .. } => match Lost::of(&repair.lost) {
            Lost::Reading => "Darwin can't read it: its statement was changed",
            Lost::Writing => "Darwin can't write: its statement was changed",
            Lost::Listing => "Darwin can't list it: its statement was changed",
        },
        Evidence::Wider { .. } => "Darwin's statement allows more than needed",
        Evidence::CorsMissing { .. } => "images are blank in browsers: no CORS rule",
        Evidence::NoEvents { .. } => "new uploads not checked: EventBridge is off",
        Evidence::ExplicitDeny(deny) | Evidence::PartDenied(deny) => match shut_out(deny) {
            ShutOut::All => "a Deny statement shuts Darwin out",
            ShutOut::Part => "a Deny statement shuts Darwin out of a part",
            ShutOut::Writing => "a Deny statement stops Darwin's writes",
        },
        Evidence::PublicBlock { restricted: Some(true), public: Some(true), .. } => {
            "public access block shuts Darwin out"
        }
        Evidence::PublicBlock { .. } => "public access block may shut Darwin out",
        Evidence::ObjectOwnership { .. } => "objects may belong to another account",
        Evidence::RequesterPays => "requester pays shuts Darwin out",
        Evidence::ManagedDefaultKey { .. } => "new images are blank: default key is aws/s3",
        Evidence::Key(key) => return of_key(key),
        Evidence::AliasEncryption { access: Access::ReadWrite, .. } => "Darwin can't write: default key is no key ARN",
        Evidence::AliasEncryption { .. } => "its default KMS key is not named by its ARN",
        Evidence::BucketNameDot => "V7 can't use it: there is a dot in its name",
        Evidence::PolicyLimit { .. } => "still broken: no room in the bucket policy",
        Evidence::CorsLimit { .. } => "images blank in browsers: too many CORS rules",
        Evidence::PolicyUnreadable { .. } => "still broken: the guard can't edit the policy",
        Evidence::DeadPrincipal { .. } => "still broken: S3 refuses a deleted principal",
        Evidence::ConditionOnOurs { decision, .. } => match decision {
            Decision::Allowed => "Darwin's statement has a Condition",
            Decision::Denied => "a Condition shuts Darwin out",
            Decision::Depends => "a Condition may shut Darwin out",
        },
        Evidence::SidTaken { .. } => "another statement has Darwin's Sid",
        Evidence::Uncertain(_) => "Darwin's access cannot be determined",
        Evidence::RoleMissing { .. } => "still broken: S3 finds no such role of V7's",
        Evidence::SseC { .. } => "images with SSE-C encryption are blank",
        Evidence::Archived { .. } => "archived images are blank",
        Evidence::ObjectDenied { .. } => "images are blank: bucket policy denies Darwin",
        Evidence::Refused { purpose: Purpose::Write, .. } => "still broken: the guard may not repair it",
        Evidence::Refused { .. } => "the guard may not see all it needs",
        Evidence::WrongOwner { .. } => "it seems to be another AWS account's",
        Evidence::WrongRegion { .. } => "it is in another Region",
        Evidence::NoSuchBucket { .. } => "it does not exist",
        Evidence::BlockPublicPolicy { .. } => "still broken: a public statement is in the way",
        Evidence::WriteFailed { .. } => "still broken: the repair failed",
        Evidence::Paused { unreadable: None } => "the guard does not repair it",
        Evidence::Paused { .. } => "not repaired: the guard can't read its tags",
        Evidence::LostUpdate(lost) => match lost.subject {
            Subject::Policy => "a bucket policy change may be lost",
            Subject::Cors => "a CORS change may be lost",
            Subject::Notification => "a notification change may be lost",
        },
        Evidence::Contested { .. } => "still broken: somebody undoes each repair",
        Evidence::NoConfigEvents { .. } => "changes are seen late: no CloudTrail events",
        Evidence::HistoryFull { .. } => "so many changes that a lost one may go unseen",
        Evidence::KnownKeysFull { .. } => "too many keys for the guard to watch",
        Evidence::NeverScanned { .. } => "its existing objects were never scanned",
        Evidence::Acknowledged { .. } => "an open incident is acknowledged",
        Evidence::NoSubscription { .. } => "nobody receives the alerts",
        Evidence::StateUnreadable { .. } => "an item of the incident table is unreadable",
        Evidence::TableUnreachable { .. } => "no repairs: incident table unreachable",
        Evidence::TestAlert => "Alerts of the Darwin S3 guard arrive",
    };
    text.to_owned()
}

/// What is so now that it is over.
pub(super) fn over(finding: &Finding, ending: Option<Ending>) -> String {
    if let (Some(Ending::Samples { readable: 0, .. }), false) =
        (ending, matches!(finding.evidence, Evidence::TestAlert))
    {
        return "the images concerned were deleted".to_owned();
    }
    if ending == Some(Ending::Judged) {
        return "its images could be checked".to_owned();
    }
    let text = match &finding.evidence {
        Evidence::PolicyMissing { .. } | Evidence::PolicyGutted { .. } => "Darwin's policy statement is back",
        Evidence::Wider { .. } => "Darwin's statement was narrowed",
        Evidence::CorsMissing { .. } | Evidence::CorsLimit { .. } => "its CORS rules let Darwin's page in",
        Evidence::NoEvents { .. } => "its new uploads are checked again",
        Evidence::ExplicitDeny(_) | Evidence::PartDenied(_) => "the Deny no longer hits Darwin",
        Evidence::PublicBlock { .. } => "the public access block stops Darwin no more",
        Evidence::ObjectOwnership { .. } => "its objects belong to your account",
        Evidence::RequesterPays => "requester pays is off",
        Evidence::ManagedDefaultKey { .. } => "its default key is not aws/s3 any more",
        Evidence::Key(key) => return key_works(key),
        Evidence::AliasEncryption { .. } => "its default key is named by its ARN now",
        Evidence::PolicyLimit { .. } => "nothing is left to repair",
        Evidence::PolicyUnreadable { .. } => "the guard can edit its policy again",
        Evidence::ConditionOnOurs { .. } => "Darwin's statement has no Condition now",
        Evidence::SidTaken { .. } => "Darwin's Sid is free again",
        Evidence::Uncertain(_) => "Darwin's access can be determined again",
        Evidence::SseC { .. } | Evidence::Archived { .. } | Evidence::ObjectDenied { .. } => {
            "the images concerned can be read again"
        }
        Evidence::Refused { .. } => "the guard is no longer denied",
        Evidence::WrongOwner { .. } | Evidence::WrongRegion { .. } | Evidence::NoSuchBucket { .. } => {
            "the guard can read it again"
        }
        Evidence::DeadPrincipal { .. }
        | Evidence::RoleMissing { .. }
        | Evidence::BlockPublicPolicy { .. }
        | Evidence::WriteFailed { .. } => "nothing is in the way of a repair",
        Evidence::Paused { .. } => "the guard repairs it again",
        Evidence::LostUpdate(_) => "the change in question is settled",
        Evidence::Contested { .. } => "the repair has held",
        Evidence::NoConfigEvents { .. } => "CloudTrail events arrive again",
        Evidence::HistoryFull { .. } => "its changes are few enough again",
        Evidence::KnownKeysFull { .. } => "no key was left out for a day",
        Evidence::NeverScanned { .. } => "its existing objects were scanned",
        Evidence::Acknowledged { .. } => "no incident is acknowledged",
        Evidence::NoSubscription { .. } => "somebody receives the alerts",
        Evidence::StateUnreadable { .. } => "the incident table can be read again",
        Evidence::TableUnreachable { .. } => "the incident table answers again",
        Evidence::BucketNameDot | Evidence::TestAlert => "this is over",
    };
    text.to_owned()
}

/// What of Darwin's access is lost: the worst of it.
enum Lost {
    Reading,
    Writing,
    Listing,
}

impl Lost {
    fn of(actions: &[String]) -> Self {
        let lost = |name: &str| actions.iter().any(|action| action == name);
        match (lost("s3:GetObject"), lost("s3:PutObject"), lost("s3:ListBucket")) {
            (false, true, _) => Self::Writing,
            (false, false, true) => Self::Listing,
            _ => Self::Reading,
        }
    }
}

enum ShutOut {
    All,
    Part,
    Writing,
}

fn shut_out(deny: &Deny) -> ShutOut {
    let mut reads = deny.hits.iter().filter(|hit| hit.action == "s3:GetObject").peekable();
    if reads.peek().is_none() {
        ShutOut::Writing
    } else if reads.any(|hit| hit.key.is_none()) {
        ShutOut::All
    } else {
        ShutOut::Part
    }
}

/// The last characters of a key's id: enough to tell the keys of a bucket apart.
pub(super) fn short_key(key: &str) -> String {
    let id = key.rsplit('/').next().unwrap_or(key);
    let count = id.chars().count();
    let tail: String = id.chars().skip(count.saturating_sub(4)).filter(char::is_ascii_alphanumeric).collect();
    format!("...{tail}")
}

fn of_key(key: &KeyEvidence) -> String {
    let short = short_key(&key.key);
    let new = if key.under == Under::NewObjects { "new " } else { "" };
    let blank = if key.certain { "images blank" } else { "images may be blank" };
    match &key.trouble {
        KeyTrouble::AwsManaged => format!("{new}images blank: they are under key aws/s3"),
        KeyTrouble::State(state) => {
            let state = match state.as_str() {
                "Disabled" => "is disabled",
                "PendingDeletion" | "PendingReplicaDeletion" => "is to be deleted",
                "deleted" => "is deleted",
                _ => "does not work",
            };
            format!("{new}{blank}: key {short} {state}")
        }
        KeyTrouble::Foreign(_) => format!("{new}{blank}: foreign key {short}"),
        KeyTrouble::NotAllowed => format!("{new}{blank}: Darwin may not use key {short}"),
    }
}

fn key_works(key: &KeyEvidence) -> String {
    let short = short_key(&key.key);
    match (&key.trouble, key.under) {
        (KeyTrouble::AwsManaged, Under::Objects) => "the images concerned have another key now".to_owned(),
        (_, Under::NewObjects) => "new images have a key that Darwin may use".to_owned(),
        (KeyTrouble::State(_), _) => format!("KMS key {short} works again"),
        (KeyTrouble::Foreign(_) | KeyTrouble::NotAllowed, _) => format!("Darwin may use KMS key {short} again"),
    }
}

const ALL_BLANK: &str =
    "all its images are blank for annotators, and Darwin can't process new uploads. The files are unharmed";

/// Whom it affects, after the bucket's name: which images, reading and writing, uploads and what is there apart.
#[expect(clippy::too_many_lines, reason = "a row a kind of evidence")]
pub(super) fn effect(finding: &Finding) -> String {
    let text = match &finding.evidence {
        Evidence::PolicyMissing { repair, .. } | Evidence::PolicyGutted { repair, .. } => {
            match Lost::of(&repair.lost) {
                Lost::Reading => ALL_BLANK,
                Lost::Writing => {
                    "Darwin can't write thumbnails and frames of new uploads. Images that are there show as before"
                }
                Lost::Listing => "Darwin can't list the bucket, which MIRAX files need. Other images show as before",
            }
        }
        Evidence::RequesterPays
        | Evidence::BucketNameDot
        | Evidence::PublicBlock { restricted: Some(true), public: Some(true), .. }
        | Evidence::ConditionOnOurs { decision: Decision::Denied, .. } => ALL_BLANK,
        Evidence::ExplicitDeny(deny) | Evidence::PartDenied(deny) => match shut_out(deny) {
            ShutOut::All => ALL_BLANK,
            ShutOut::Part => return part_effect(deny),
            ShutOut::Writing => {
                "Darwin can't write thumbnails and frames of new uploads. Images that are there show as before"
            }
        },
        Evidence::PublicBlock { .. } => "all its images may be blank for annotators: open one in Darwin to be sure",
        Evidence::CorsMissing { .. } | Evidence::CorsLimit { .. } => {
            "all its images are blank in annotators' browsers. Darwin's servers read them as before"
        }
        Evidence::NoEvents { .. } => {
            "blank images among new uploads are not noticed. Images that are there show as before"
        }
        Evidence::ObjectOwnership { .. } => {
            "objects that another account uploaded may be blank for annotators. Others show as before"
        }
        Evidence::Key(key) => return key_effect(key),
        Evidence::ManagedDefaultKey { .. } => {
            "new uploads without a key of their own are blank for annotators. Images that are there keep their keys"
        }
        Evidence::AliasEncryption { access: Access::ReadWrite, .. } => {
            "Darwin can't write thumbnails and frames of new uploads. Images that are there show as before"
        }
        Evidence::AliasEncryption { .. } => {
            "uploads by other accounts may get another key, and be blank. Others show as before"
        }
        Evidence::ConditionOnOurs { decision: Decision::Depends, .. } | Evidence::Uncertain(_) => {
            "its images may be blank for annotators: open one in Darwin to be sure"
        }
        Evidence::Wider { .. } => "Darwin's role may do more than it needs. Annotators notice nothing",
        Evidence::Paused { .. } => {
            "if Darwin's access breaks, the guard reports it and repairs nothing. Annotators notice nothing by this alone"
        }
        Evidence::ConditionOnOurs { .. } | Evidence::SidTaken { .. } => "annotators notice nothing",
        Evidence::PolicyLimit { .. }
        | Evidence::PolicyUnreadable { .. }
        | Evidence::DeadPrincipal { .. }
        | Evidence::RoleMissing { .. }
        | Evidence::BlockPublicPolicy { .. }
        | Evidence::WriteFailed { .. }
        | Evidence::Contested { .. }
        | Evidence::Refused { purpose: Purpose::Write, .. } => {
            "what the guard would repair stays broken: images may be blank for annotators. The files are unharmed"
        }
        Evidence::SseC { .. } => {
            "these images are blank for annotators, whatever the policies say. Others show as before"
        }
        Evidence::Archived { .. } => {
            "these images are blank for annotators until they are restored. Others show as before"
        }
        Evidence::ObjectDenied { .. } => "these images are blank for annotators. Others show as before",
        Evidence::Refused { .. } => "the guard can't see all it needs: blank images may go unnoticed",
        Evidence::WrongOwner { .. } | Evidence::WrongRegion { .. } | Evidence::NoSuchBucket { .. } => {
            "the guard can't watch it, and images that Darwin expects there may be blank"
        }
        Evidence::LostUpdate(_) => "annotators notice nothing. A colleague's change of the bucket may not be in force",
        Evidence::NoConfigEvents { .. } => {
            "a broken policy is noticed only by the schedule or the next upload. Annotators notice nothing now"
        }
        Evidence::HistoryFull { .. } => "annotators notice nothing. A change that a repair undid may go unreported",
        Evidence::KnownKeysFull { .. } => {
            "annotators notice nothing now. If a key that is not watched stops working, existing images go blank unreported"
        }
        Evidence::Acknowledged { .. } => "as the incident says. Nobody is reminded of it",
        Evidence::NeverScanned { .. } => {
            "existing images under a key that no upload has used may be blank, or go blank, unreported"
        }
        Evidence::StateUnreadable { .. } => {
            "annotators notice nothing. One open incident is not followed until the item can be read"
        }
        Evidence::NoSubscription { .. } => "nobody is told when images are blank. Annotators notice nothing now",
        Evidence::TableUnreachable { .. } => {
            "the guard repairs nothing, and may send a message twice. Annotators notice nothing by this alone"
        }
        Evidence::TestAlert => "nobody: nothing is broken",
    };
    text.to_owned()
}

/// What is left of it once it is over, and how to find it; nothing for most.
pub(super) fn left_behind(finding: &Finding) -> Option<&'static str> {
    match &finding.evidence {
        Evidence::ManagedDefaultKey { .. } => Some("Images uploaded meanwhile keep their key and stay blank"),
        Evidence::Key(KeyEvidence { under: Under::NewObjects, .. }) => {
            Some("If the default key was changed, images uploaded meanwhile keep the old key and stay blank")
        }
        Evidence::NoEvents { .. } => Some("Images uploaded meanwhile were not checked"),
        _ => None,
    }
}

fn part_effect(deny: &Deny) -> String {
    let mut parts: Vec<&str> = deny.hits.iter().filter_map(|hit| hit.key.as_deref()).collect();
    parts.sort_unstable();
    parts.dedup();
    let more = match parts.len() {
        0 | 1 => String::new(),
        all => format!(" and {} below", counted(all - 1, "other part")),
    };
    let first = parts.first().map(|part| code(&line(part, 100))).unwrap_or_default();
    format!("images in the part {first}{more} are blank for annotators. Others show as before")
}

fn key_effect(key: &KeyEvidence) -> String {
    let name = match key.trouble {
        KeyTrouble::AwsManaged => "key aws/s3".to_owned(),
        _ => format!("KMS key {}", short_key(&key.key)),
    };
    let blank = if key.certain { "are blank for annotators" } else { "may be blank for annotators" };
    match key.under {
        Under::NewObjects => {
            format!("new uploads {blank}: the default is {name}. Images that are there and have this key are blank too")
        }
        Under::Objects => {
            format!(
                "images under {name} {blank}, and so are new uploads with that key. Images under other keys show as before"
            )
        }
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
        Evidence::NoEvents { enable: false } => "the stack's parameter EnableEventBridge is false",
        Evidence::Wider { enforced: false, .. } => "the stack's parameter Ceiling is flag",
        Evidence::ConditionOnOurs { .. } => "the guard leaves a Condition that somebody added",
        Evidence::PolicyLimit { .. } | Evidence::CorsLimit { .. } => "what it would write is more than S3 takes",
        Evidence::PolicyUnreadable { .. } => "the guard edits only a policy that it understands whole",
        Evidence::Uncertain(_) => "the guard writes nothing on a guess",
        Evidence::SseC { .. } | Evidence::Archived { .. } | Evidence::ObjectDenied { .. } => {
            "the guard changes no object"
        }
        Evidence::DeadPrincipal { .. } | Evidence::RoleMissing { .. } | Evidence::WriteFailed { .. } => {
            "S3 refused its repair"
        }
        Evidence::Refused { .. } => "its own call was denied",
        Evidence::LostUpdate(_) | Evidence::HistoryFull { .. } => {
            "the guard does not know which change is meant to stay"
        }
        Evidence::KnownKeysFull { .. } => "the keys that it watches keep their places",
        Evidence::Acknowledged { .. } => "somebody has accepted it for a while",
        Evidence::NeverScanned { .. } => "a scan reads every object, and is started by a person",
        Evidence::StateUnreadable { .. } => "the guard leaves what another version wrote",
        Evidence::Contested { .. } => "it has repaired as often as its limit allows",
        Evidence::Paused { .. } => "it is paused",
        Evidence::PolicyMissing { .. }
        | Evidence::PolicyGutted { .. }
        | Evidence::CorsMissing { .. }
        | Evidence::NoEvents { .. }
        | Evidence::Wider { .. } => "it looks again with the next event, and by its schedule",
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
pub(super) fn ending(ending: Ending) -> String {
    match ending {
        Ending::Repaired => "the guard repaired it, and read it back".to_owned(),
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
        Ending::Settled => "the change in question is in force again, or a day has passed".to_owned(),
        Ending::Aged => "it was not seen for a day".to_owned(),
        Ending::Trail => "the CloudTrail event of one of the guard's own writes arrived".to_owned(),
        Ending::Table => "the incident table answers again".to_owned(),
        Ending::Unguarded => "the bucket is no longer guarded".to_owned(),
    }
}

fn samples(count: usize) -> String {
    crate::model::text::counted(count, "sample image")
}
