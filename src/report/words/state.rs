//! What is so now, in one whole sentence: the first line of a message.

use crate::model::aws::AwsError;
use crate::model::contract::Home;
use crate::model::evidence::{
    Beyond, CorsLimit, Deny, Doubt, Evidence, Extent, KeyEvidence, KeyTrouble, Purpose, Under, WideStatement,
};
use crate::model::finding::Finding;
use crate::model::text::counted;
use crate::model::unknown::Unknown;
use crate::model::verdict::Decision;
use crate::model::why::StatementName;
use crate::report::reason::meaning;
use crate::report::text::{code, line, moment, span, statement, subject};
use crate::report::words::part::{Lost, ShutOut, other_region, short_key};
use std::time::Duration;

/// The state of a bucket, as a sentence with its full stop. `read`: whether Darwin can read it, where that was decided.
#[expect(clippy::too_many_lines, reason = "a row a kind of evidence")]
pub(crate) fn state(finding: &Finding, bucket: &str, home: &Home, read: Option<Decision>) -> String {
    match &finding.evidence {
        Evidence::PolicyMissing { has_policy, repair } => {
            let why = if *has_policy { "no statement of its policy allows it" } else { "it has no policy" };
            format!("Darwin can't {} bucket {bucket}: {why}.", verb(Lost::of(repair)))
        }
        Evidence::PolicyGutted { repair, .. } => format!(
            "Darwin can't {} bucket {bucket}: Darwin's statement in its policy was changed.",
            verb(Lost::of(repair))
        ),
        Evidence::Wider { ours, .. } => {
            format!("In the policy of bucket {bucket} {}.", wider(ours))
        }
        Evidence::ExplicitDeny(deny) | Evidence::PartDenied(deny) => denied(deny, bucket),
        Evidence::Key(key) => of_key(key, bucket),
        Evidence::ConditionOnOurs { decision, .. } => {
            let met = match decision {
                Decision::Allowed => "which does not keep Darwin out",
                Decision::Denied => "which Darwin's requests do not meet",
                Decision::Depends => "and the guard can't see whether Darwin's requests meet it",
            };
            format!("Darwin's statement in the policy of bucket {bucket} has a Condition, {met}.")
        }
        Evidence::SidTaken { statement: taken } => {
            format!("In the policy of bucket {bucket} {} is not Darwin's, but has Darwin's Sid.", statement(taken))
        }
        Evidence::Uncertain(doubt) => uncertain(doubt, bucket, &finding.depends_on),
        Evidence::SseC { .. } => {
            format!(
                "Darwin can't read images in bucket {bucket}: they are encrypted with SSE-C, under a key that AWS does not keep."
            )
        }
        Evidence::Archived { class, .. } => {
            format!(
                "Darwin can't read images in bucket {bucket}: they are archived in the storage class {}.",
                code(class)
            )
        }
        Evidence::ObjectDenied { by } => {
            format!("Darwin can't read images in bucket {bucket}: its policy denies them ({}).", code(&line(by, 100)))
        }
        Evidence::Refused { call, purpose: Purpose::Configuration | Purpose::Object, .. } => {
            format!("The guard can't check all of bucket {bucket}: its call {} was denied.", call.operation)
        }
        Evidence::WrongOwner { .. } => {
            format!("The guard can't watch bucket {bucket}: it is another account's, or a Deny hits the guard.")
        }
        Evidence::WrongRegion { call } => format!(
            "The guard of {} can't watch bucket {bucket}, which is in {}.",
            home.region,
            other_region(call).unwrap_or("another Region")
        ),
        Evidence::NoSuchBucket { .. } => format!("The guard can't watch bucket {bucket}: it does not exist."),
        Evidence::PolicyLimit { .. }
        | Evidence::PolicyUnreadable { .. }
        | Evidence::DeadPrincipal { .. }
        | Evidence::RoleMissing { .. }
        | Evidence::BlockPublicPolicy { .. }
        | Evidence::WriteFailed { .. }
        | Evidence::Refused { purpose: Purpose::Write, .. }
        | Evidence::Contested { .. } => {
            let what = match read {
                Some(Decision::Denied) => format!("Darwin can't read bucket {bucket}, and the guard can't repair it"),
                _ => format!("The guard can't repair bucket {bucket}"),
            };
            format!("{what}: {}.", not_repaired(&finding.evidence))
        }
        evidence => of_a_setting(evidence, bucket, home),
    }
}

#[expect(clippy::too_many_lines, reason = "a row a kind of evidence")]
fn of_a_setting(evidence: &Evidence, bucket: &str, home: &Home) -> String {
    match evidence {
        Evidence::CorsMissing { origin, rules, .. } => {
            let why = if *rules == 0 {
                "it has no CORS rule".to_owned()
            } else {
                format!("no CORS rule allows GET from {}", code(origin))
            };
            format!("Browsers don't show the images of bucket {bucket}: {why}.")
        }
        Evidence::CorsLimit { limit, .. } => {
            let why = match limit {
                CorsLimit::Rules { most } => format!("its {most} CORS rules leave no room for Darwin's"),
                CorsLimit::Bytes { bytes, most } => {
                    format!("its CORS rules leave Darwin's {} too few", counted(bytes.saturating_sub(*most), "byte"))
                }
            };
            format!("Browsers don't show the images of bucket {bucket}: {why}.")
        }
        Evidence::NoEvents { .. } => {
            format!("New uploads to bucket {bucket} are not checked: it sends no events, to EventBridge or elsewhere.")
        }
        Evidence::PublicBlock { restricted, public, .. } => match (restricted, public) {
            (Some(true), Some(true)) => format!(
                "Darwin can't read bucket {bucket}: its policy is public, and RestrictPublicBuckets then lets no other account in."
            ),
            (Some(true), _) => format!(
                "Darwin may not be able to read bucket {bucket}: if its policy is public, RestrictPublicBuckets lets no other account in."
            ),
            _ => format!(
                "Darwin may not be able to read bucket {bucket}: its policy may be public, and RestrictPublicBuckets may be on."
            ),
        },
        Evidence::ObjectOwnership { seen: Extent::Bucket } => {
            format!("Bucket {bucket} has ACLs on: Darwin can't read objects that another account uploads and owns.")
        }
        Evidence::ObjectOwnership { seen: Extent::Object } => format!(
            "Images in bucket {bucket} may be owned by another account: the bucket policy does not let Darwin read those."
        ),
        Evidence::RequesterPays => {
            format!("Darwin can't read bucket {bucket}: requester pays is on, and Darwin does not offer to pay.")
        }
        Evidence::ManagedDefaultKey { .. } => format!(
            "Darwin can't read new objects in bucket {bucket}: they get the AWS managed key aws/s3, which can't be shared."
        ),
        Evidence::AliasEncryption { name, .. } => format!(
            "The default encryption of bucket {bucket} names its key {}, not an ARN: S3 looks it up in the account that writes.",
            code(name)
        ),
        Evidence::BucketNameDot => {
            format!("Darwin can't use bucket {bucket}: S3's HTTPS certificate does not cover a name with a dot.")
        }
        evidence => of_the_guard(evidence, bucket, home),
    }
}

const fn verb(lost: Lost) -> &'static str {
    match lost {
        Lost::All => "read or write",
        Lost::Reading => "read",
        Lost::Writing => "write to",
        Lost::Listing => "list",
    }
}

fn wider(ours: &[WideStatement]) -> String {
    let named = |ours: &WideStatement| match &ours.beyond {
        Beyond::AllBut => "everything that its NotAction or NotResource does not name".to_owned(),
        Beyond::Actions(grants) => match grants.as_slice() {
            [] => "other actions".to_owned(),
            [one] => code(&one.action),
            [first, rest @ ..] => format!("{} and {}", code(&first.action), counted(rest.len(), "other action")),
        },
    };
    match ours.first() {
        Some(first) => format!("{} also allows Darwin {}", statement(&first.statement), named(first)),
        None => "a statement allows Darwin more than it needs".to_owned(),
    }
}

fn denied(deny: &Deny, bucket: &str) -> String {
    let only = |server: bool| deny.hits.iter().all(|hit| hit.server == server && hit.browser != server);
    let whom = if only(true) {
        "Darwin's servers"
    } else if only(false) {
        "Annotators' browsers"
    } else {
        "Darwin"
    };
    let what = match ShutOut::of(deny) {
        ShutOut::All => "read",
        ShutOut::Part => "read a part of",
        ShutOut::Writing => "write to",
    };
    format!(
        "{whom} can't {what} bucket {bucket}: {} of its policy is a Deny that hits Darwin.",
        statement(&deny.statement)
    )
}

fn of_key(key: &KeyEvidence, bucket: &str) -> String {
    let name = match key.trouble {
        KeyTrouble::AwsManaged => "the AWS managed key aws/s3".to_owned(),
        _ => format!("KMS key {}", short_key(&key.key)),
    };
    let why = match &key.trouble {
        KeyTrouble::AwsManaged => "which can't be shared with Darwin".to_owned(),
        KeyTrouble::State(state) => match state.as_str() {
            "Disabled" => "which is disabled".to_owned(),
            "PendingDeletion" | "PendingReplicaDeletion" => "which is scheduled for deletion".to_owned(),
            "deleted" => "which is deleted".to_owned(),
            other => format!("which is in state {}", code(other)),
        },
        KeyTrouble::Foreign(owner) if key.certain => format!("of account {}, which Darwin can't use", code(owner)),
        KeyTrouble::Foreign(owner) => {
            format!("of account {}, and the guard can't see whether Darwin can use it", code(owner))
        }
        KeyTrouble::NotAllowed if key.certain => "which does not let Darwin use it".to_owned(),
        KeyTrouble::NotAllowed => "and the guard can't see whether Darwin can use it".to_owned(),
    };
    match key.under {
        Under::NewObjects => format!("New objects in bucket {bucket} get {name}, {why}."),
        Under::Objects => format!("Images in bucket {bucket} are under {name}, {why}."),
    }
}

fn uncertain(doubt: &Doubt, bucket: &str, depends_on: &[Unknown]) -> String {
    let what = match doubt {
        Doubt::Object => format!("whether Darwin can read images in bucket {bucket}"),
        Doubt::Reading => format!("whether Darwin can read bucket {bucket}"),
        Doubt::Writing => format!("whether Darwin can write to bucket {bucket}"),
        Doubt::Deny => format!("whether a Deny in the policy of bucket {bucket} hits Darwin"),
        Doubt::Elements { statement: ours, .. } => {
            return format!(
                "The guard can't see whether Darwin has access to bucket {bucket}: it does not understand {} of its policy.",
                statement(ours)
            );
        }
        Doubt::ConditionalAllow { statements, .. } => {
            let of =
                statements.first().map(|named: &StatementName| format!(" ({})", statement(named))).unwrap_or_default();
            return format!(
                "Darwin's statement is missing in the policy of bucket {bucket}, and another Allow has a condition{of}."
            );
        }
        Doubt::OursInPlace | Doubt::Proposed => format!("whether Darwin has access to bucket {bucket}"),
    };
    let on = depends_on.first().map(|unknown| format!(": it depends on {}", meaning(unknown))).unwrap_or_default();
    format!("The guard can't see {what}{on}.")
}

/// What keeps the guard from a repair.
fn not_repaired(evidence: &Evidence) -> String {
    let failed = |call: &AwsError| {
        let with = call.code.as_deref().map(|name| format!(" ({})", code(name))).unwrap_or_default();
        format!("{}{with}", call.operation)
    };
    match evidence {
        Evidence::PolicyLimit { bytes, most } => {
            format!(
                "with Darwin's statement in it, its policy would be {} too long",
                counted(bytes.saturating_sub(*most), "byte")
            )
        }
        Evidence::PolicyUnreadable { why } => format!("its policy {}", line(why, 100)),
        Evidence::DeadPrincipal { statements, .. } => {
            let of = statements.first().map_or_else(|| "a statement".to_owned(), statement);
            format!("{of} of its policy names a deleted principal, which S3 refuses")
        }
        Evidence::RoleMissing { .. } => {
            "S3 refuses Darwin's statement, probably because Darwin's role does not exist".to_owned()
        }
        Evidence::BlockPublicPolicy { .. } => {
            "BlockPublicPolicy is on, and S3 takes another statement of its policy for public".to_owned()
        }
        Evidence::WriteFailed { call } => format!("its call {} failed", failed(call)),
        Evidence::Refused { call, .. } => format!("its call {} was denied", failed(call)),
        Evidence::Contested { limit, window_s, .. } => format!(
            "it did so {} within {}, and each time it was undone",
            counted(usize::try_from(*limit).unwrap_or(usize::MAX), "time"),
            span(Duration::from_secs(*window_s))
        ),
        _ => "something is in its way".to_owned(),
    }
}

fn of_the_guard(evidence: &Evidence, bucket: &str, home: &Home) -> String {
    match evidence {
        Evidence::Paused { unreadable: None } => {
            format!("The guard repairs nothing in bucket {bucket}, which has the tag darwin-guard=paused.")
        }
        Evidence::Paused { .. } => {
            format!(
                "The guard repairs nothing in bucket {bucket}: it can't read the bucket's tags, which counts as paused."
            )
        }
        Evidence::LostUpdate(lost) => format!(
            "Somebody changed the {} of bucket {bucket} while the guard wrote it, and that change is not there now.",
            subject(lost.subject)
        ),
        Evidence::NoConfigEvents { operation } => format!(
            "The guard gets no CloudTrail events in {}: that of its own {operation} on bucket {bucket} did not arrive.",
            home.region
        ),
        Evidence::HistoryFull { forgotten } => format!(
            "Bucket {bucket} changes so often that the guard lost track of {}: its own repairs may have undone some.",
            counted(*forgotten, "change")
        ),
        Evidence::KnownKeysFull { foreign, limit, .. } => format!(
            "Images in bucket {bucket} are under more than {limit} KMS keys of {}, and the guard can watch only {limit} of them.",
            if *foreign { "other accounts" } else { "your account" }
        ),
        Evidence::NeverScanned { .. } => {
            format!("The objects that were in bucket {bucket} before the guard were never scanned.")
        }
        Evidence::Acknowledged { incident, until, .. } => format!(
            "Incident {} of bucket {bucket} is open, and acknowledged until {}.",
            code(incident),
            moment(*until)
        ),
        Evidence::NoSubscription { .. } => {
            "The guard's SNS topic has no confirmed subscription, so its emails and chat cards reach nobody.".to_owned()
        }
        Evidence::StateUnreadable { .. } => {
            format!(
                "The guard can't read an item about bucket {bucket} in its incident table: another version wrote it."
            )
        }
        Evidence::TableUnreachable { .. } => {
            "The guard can't use its incident table, so it repairs nothing.".to_owned()
        }
        _ => "Messages of the Darwin S3 guard arrive here.".to_owned(),
    }
}
