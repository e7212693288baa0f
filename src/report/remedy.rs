//! What to do next, ready to paste: one remedy for each form of evidence.
//!
//! Must never suggest a command that silently drops somebody's configuration: the S3 calls that replace a whole
//! document are given with the reading that comes before. Names are quoted for a POSIX shell with `shell`.

mod bucket;
mod cors;
mod guard;
mod key;
mod lost;
mod object;
mod policy;

use crate::model::change::Subject;
use crate::model::contract::Home;
use crate::model::evidence::{Evidence, KeyEvidence, KeyTrouble, LostUpdate, Under};
use crate::model::finding::Finding;
use crate::model::verdict::{Basis, Effect};
use crate::report::reason;

/// What to do about a finding of a bucket.
pub(super) fn remedy(finding: &Finding, bucket: &str, home: &Home) -> String {
    match &finding.evidence {
        Evidence::PolicyMissing { wanted, .. } | Evidence::PolicyGutted { wanted, .. } => {
            policy::statements(bucket, wanted)
        }
        Evidence::Wider { diff, .. } => policy::narrow(diff.as_deref()),
        Evidence::CorsMissing { proposed, .. } => cors::rules(proposed),
        Evidence::NoEvents { .. } => bucket::events_off(bucket),
        Evidence::ExplicitDeny(deny) => policy::explicit_deny(bucket, &deny.statement, &deny.role),
        Evidence::PartDenied(deny) => policy::part_denied(bucket, &deny.statement, &deny.role),
        Evidence::PublicBlock { statements, .. } => policy::public_block(bucket, statements),
        Evidence::ObjectOwnership { .. } => bucket::object_ownership(bucket),
        Evidence::RequesterPays => bucket::requester_pays(bucket),
        Evidence::ManagedDefaultKey { role, access, named: _ } => key::managed_default(bucket, role, *access),
        Evidence::Key(key) => of_key(key, finding, bucket, home),
        Evidence::AliasEncryption { name, .. } => key::not_by_arn(bucket, name, home),
        Evidence::BucketNameDot => bucket::dot_in_name(bucket),
        Evidence::PolicyLimit { .. } => policy::limit(bucket),
        Evidence::CorsLimit { origin, .. } => cors::limit(origin),
        Evidence::PolicyUnreadable { .. } => policy::unreadable(bucket),
        Evidence::DeadPrincipal { statements, .. } => policy::dead_principal(bucket, statements),
        Evidence::ConditionOnOurs { .. } => policy::condition(),
        Evidence::SidTaken { statement } => policy::sid_taken(bucket, statement.sid.as_deref().unwrap_or_default()),
        Evidence::Uncertain(_) => object::access_uncertain(&finding.depends_on),
        Evidence::RoleMissing { role, .. } => policy::role_missing(role),
        Evidence::SseC { key } => object::sse_c(bucket, key),
        Evidence::Archived { key, class } => object::archived(bucket, key, class),
        Evidence::ObjectDenied { .. } => object::denied(bucket),
        Evidence::Refused { call, .. } => guard::denied(call, bucket),
        Evidence::WrongOwner { .. } => bucket::wrong_owner(bucket, home),
        Evidence::WrongRegion { .. } => bucket::wrong_region(bucket),
        Evidence::NoSuchBucket { .. } => bucket::does_not_exist(bucket),
        Evidence::BlockPublicPolicy { .. } => policy::block_public_policy(bucket),
        Evidence::WriteFailed { call } => guard::write_failed(bucket, call),
        Evidence::Paused { .. } => guard::paused(bucket, home),
        Evidence::LostUpdate(lost) => lost::remedy(bucket, lost),
        Evidence::Contested { actor, .. } => {
            guard::contested(bucket, actor.as_ref().and_then(|actor| actor.arn.as_deref()))
        }
        Evidence::NoConfigEvents { .. } => guard::no_config_events(home),
        Evidence::NoSubscription { topic } => guard::no_subscription(topic.as_deref()),
        Evidence::TableUnreachable { .. } => guard::table_unreachable(),
        Evidence::TestAlert => "Nothing to do: alerts arrive where you read this.".to_owned(),
    }
}

/// How to keep the guard from repairing a bucket.
pub(super) fn how_to_stop(bucket: &str, home: &Home) -> String {
    guard::how_to_stop(bucket, home)
}

/// The one command that applies another's change again, with Darwin's part in it.
pub(super) fn command(bucket: &str, lost: &LostUpdate) -> String {
    lost::put_document(bucket, lost)
}

/// What a document is called.
pub(super) fn subject(subject: Subject) -> &'static str {
    match subject {
        Subject::Policy => "policy",
        Subject::Cors => "CORS rules",
    }
}

fn of_key(evidence: &KeyEvidence, finding: &Finding, bucket: &str, home: &Home) -> String {
    let KeyEvidence { key, under, trouble, certain, role, access, refused: _ } = evidence;
    let fix = match trouble {
        KeyTrouble::AwsManaged => return key::aws_managed(bucket, home, key),
        KeyTrouble::State(state) => key::state(key, state),
        KeyTrouble::Foreign(owner) => key::foreign(key, owner, role, *access),
        KeyTrouble::NotAllowed => {
            let deny = finding
                .because
                .iter()
                .find(|reason| matches!(reason.basis, Basis::Statement { effect: Effect::Deny, .. }));
            key::denied(key, role, *access, deny.map(reason::words).as_deref())
        }
    };
    // What is there already stays under its key.
    if *certain && *under == Under::Objects { format!("{fix}\n\n{}", key::re_encrypt(bucket, home, key)) } else { fix }
}
