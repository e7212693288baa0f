//! What to do next: one way, or several of which one is enough.
//!
//! Must never suggest a command that silently drops somebody's configuration, goes on after a part of it failed, or holds
//! a placeholder for what is known. Names are quoted for a POSIX shell.

mod bucket;
mod cors;
mod guard;
mod key;
mod lost;
mod object;
mod policy;
mod reencrypt;
mod way;

use crate::model::aws::Operation;
use crate::model::contract::Home;
use crate::model::evidence::{Deny, Doubt, Evidence, KeyEvidence, KeyTrouble, LostUpdate};
use crate::model::finding::Finding;
use crate::model::time::Timestamp;
use crate::model::verdict::{Basis, Document, Effect};
use crate::model::why::StatementName;
use crate::report::text::pretty;
use way::Place;
pub(super) use way::{Block, Remedy, Way};

/// What to do about a finding of a bucket.
#[expect(clippy::too_many_lines, reason = "a row a kind of evidence")]
pub(super) fn remedy(finding: &Finding, bucket: &str, home: &Home) -> Remedy {
    let at = Place { bucket, home };
    match &finding.evidence {
        Evidence::PolicyMissing { has_policy, repair } => policy::restore(at, repair, has_policy.then_some(&[])),
        Evidence::PolicyGutted { repair, ours } => policy::restore(at, repair, Some(ours)),
        Evidence::Wider { enforced, ours, diff } => policy::narrow(*enforced, ours, diff.as_deref()),
        Evidence::CorsMissing { proposed, rules, .. } => cors::rule(at, proposed, *rules),
        Evidence::NoEvents { enable } => bucket::events_off(at, *enable),
        Evidence::ExplicitDeny(Deny { rcp: Some(_), role, .. }) => policy::denied_by_rcp(role),
        Evidence::PartDenied(Deny { rcp: Some(_), role, .. }) => policy::part_denied_by_rcp(role),
        Evidence::ExplicitDeny(deny) => policy::explicit_deny(at, &deny.statement, &deny.role),
        Evidence::PartDenied(deny) => policy::part_denied(at, &deny.statement, &deny.role),
        Evidence::PublicBlock { statements, .. } => policy::public_block(at, statements),
        Evidence::ObjectOwnership { .. } => bucket::object_ownership(at),
        Evidence::RequesterPays => bucket::requester_pays(at),
        Evidence::ManagedDefaultKey { role, access, named: _ } => key::managed_default(at, role, *access),
        Evidence::Key(key) => of_key(at, key, finding),
        Evidence::AliasEncryption { name, .. } => key::not_by_arn(at, name),
        Evidence::BucketNameDot => bucket::dot_in_name(),
        Evidence::PolicyLimit { bytes, most } => policy::limit(at, *bytes, *most),
        Evidence::CorsLimit { origin, .. } => cors::limit(origin),
        Evidence::PolicyUnreadable { .. } => policy::unreadable(at),
        Evidence::DeadPrincipal { statements, .. } => policy::dead_principal(at, statements),
        Evidence::ConditionOnOurs { statement, .. } => policy::condition(at, statement),
        Evidence::SidTaken { statement } => policy::sid_taken(at, statement),
        Evidence::Uncertain(Doubt::ConditionalAllow { about_darwin, .. }) => {
            policy::conditional_allow(at, *about_darwin)
        }
        Evidence::Uncertain(_) => object::access_uncertain(&finding.depends_on),
        Evidence::RoleMissing { role, .. } => policy::role_missing(role),
        Evidence::SseC { key } => object::sse_c(at, key),
        Evidence::Archived { key, class } => object::archived(at, key, class),
        Evidence::ObjectDenied { .. } => object::denied(at),
        Evidence::Refused { call, key, .. } => guard::denied(at, call, key.as_deref()),
        Evidence::WrongOwner { .. } => bucket::wrong_owner(at),
        Evidence::WrongRegion { call } => bucket::wrong_region(at, call),
        Evidence::NoSuchBucket { .. } => bucket::does_not_exist(),
        Evidence::BlockPublicPolicy { .. } => policy::block_public_policy(at),
        Evidence::WriteFailed { call } => guard::write_failed(at, call),
        Evidence::Paused { unreadable } => guard::paused(at, unreadable.is_some()),
        Evidence::LostUpdate(lost) => lost::remedy(at, lost),
        Evidence::Contested { actor, limit: _, window_s } => guard::contested(at, actor.as_ref(), *window_s),
        Evidence::NoConfigEvents { .. } => guard::no_config_events(home),
        Evidence::HistoryFull { .. } => guard::history_full(at),
        Evidence::KnownKeysFull { .. } => key::too_many(),
        Evidence::Acknowledged { .. } => guard::acknowledged(),
        Evidence::NeverScanned { .. } => key::scan(at),
        Evidence::NoSubscription { topic } => guard::no_subscription(home, topic.as_deref()),
        Evidence::StateUnreadable { .. } => guard::state_unreadable(),
        Evidence::TableUnreachable { error } => guard::table_unreachable(home, error),
        Evidence::TestAlert => Remedy::nothing(),
    }
}

/// The command that keeps the guard from repairing a bucket.
pub(super) fn pause(bucket: &str, home: &Home) -> String {
    guard::pause(Place { bucket, home })
}

/// The same, with the other ways.
pub(super) fn how_to_stop(bucket: &str, home: &Home) -> String {
    format!("To stop the guard from repairing this bucket, run:\n{}\n{}", pause(bucket, home), OTHER_STOPS)
}

pub(super) const OTHER_STOPS: &str = "Or set the guard's parameter Mode to flag, for all its buckets. To cut Darwin off (all images go blank), deny its role in the bucket policy: the guard never changes a Deny.";

/// The way that lets a paused guard repair again.
pub(super) fn resume(bucket: &str, home: &Home, says: &str) -> Remedy {
    guard::resume(Place { bucket, home }, says)
}

/// What Darwin needs of the bucket, as it is there now.
pub(super) fn as_it_is(bucket: &str, home: &Home, document: Operation) -> Option<Way> {
    let at = Place { bucket, home };
    match document {
        Operation::PutBucketPolicy => Some(policy::as_it_is(at)),
        Operation::PutBucketCors => Some(cors::as_it_is(at)),
        _ => None,
    }
}

/// The way to the commands that repair a bucket by hand.
pub(super) fn by_hand(bucket: &str, home: &Home) -> Way {
    let says = "Restore access by the command that this audit prints.";
    guard::invoke(Place { bucket, home }, "audit", says).note("Needs lambda:InvokeFunction.")
}

/// Darwin's CORS rule, of the rules that a repair would write.
pub(super) fn added_rule(proposed: &str) -> Option<String> {
    cors::added(proposed).map(|rule| pretty(&rule))
}

/// The command that scans a bucket.
pub(super) fn scan_command(bucket: &str, home: &Home) -> String {
    key::scan_command(Place { bucket, home })
}

/// The command that shows who changed a resource.
pub(super) fn look_up(home: &Home, resource: &str, since: Timestamp) -> String {
    guard::look_up(home, resource, since)
}

/// The one command that applies another's change again, with Darwin's part in it.
pub(super) fn command(bucket: &str, home: &Home, lost: &LostUpdate) -> String {
    lost::put_document(Place { bucket, home }, lost)
}

fn of_key(at: Place<'_>, evidence: &KeyEvidence, finding: &Finding) -> Remedy {
    let KeyEvidence { key, under: _, trouble, certain: _, role, access, refused: _ } = evidence;
    match trouble {
        KeyTrouble::AwsManaged => reencrypt::under_aws_managed(at, key, role, *access),
        KeyTrouble::State(state) => key::state(key, state),
        KeyTrouble::Foreign(owner) => key::foreign(key, owner, role, *access),
        KeyTrouble::NotAllowed => {
            let (by_rcp, by_key) = denied_by(finding);
            let of_key = match by_key {
                Some(statement) => key::denied(key, role, *access, statement),
                None => key::not_allowed(key, role, *access),
            };
            match by_rcp {
                false => of_key,
                true if by_key.is_none() && !nothing_allows(finding) => policy::denied_by_rcp(role),
                // One way with the key, and then the other document.
                true => Remedy { ways: of_key.ways.into_iter().take(1).collect(), in_order: true }
                    .then(policy::exempted_by_rcp("Ask", role)),
            }
        }
    }
}

fn nothing_allows(finding: &Finding) -> bool {
    finding.because.iter().any(|reason| matches!(reason.basis, Basis::NothingAllows { .. }))
}

/// Whether an RCP denies, and the statement of the key's own policy that does: no grant overrides either.
fn denied_by(finding: &Finding) -> (bool, Option<&StatementName>) {
    let denies = || {
        finding.because.iter().filter_map(|reason| match &reason.basis {
            Basis::Statement { document, statement, effect: Effect::Deny, .. } => Some((document, statement)),
            _ => None,
        })
    };
    let is_rcp = |document: &Document| matches!(document, Document::Rcp(_));
    let of_key = denies().find(|(document, _)| !is_rcp(document)).map(|(_, statement)| statement);
    (denies().any(|(document, _)| is_rcp(document)), of_key)
}
