//! A second evaluator, to hold the first one to: naive, slow, written from AWS's documentation alone.
//!
//! It knows two values only. `statement` judges one fully known world; `world` forks wherever something is not known (a
//! key's value, a session name, an element that nobody recognises) and `answer` walks through every fork: allowed if all
//! worlds allow, denied if none does, else depends. Must share no code with `src/policy`, only the types of the question.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>

mod candidates;
mod condition;
mod grant;
mod principal;
mod statement;
mod text;
mod world;

use darwin_s3_guard::model::verdict::Decision;
use darwin_s3_guard::policy::request::{ObjectOwner, Request, Settings};
use serde_json::Value;
use world::World;

/// More worlds than this are not looked at: the question is skipped, and counted as skipped.
const MOST_WORLDS: usize = 6_000;

/// What the worlds say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// None: too many worlds.
    pub decision: Option<Decision>,
    /// Whether anything had to be supposed at all.
    pub forked: bool,
}

/// The question about a bucket policy, or about none.
pub fn bucket(policy: Option<&Value>, request: &Request, settings: &Settings) -> Answer {
    answer(policy, request, |world| {
        let effects = policy.map(|policy| statement::effects(world, policy)).unwrap_or_default();
        if effects.deny || blocked_as_public(world, policy, settings) {
            return false;
        }
        // The bucket policy grants nothing on an object that another account owns; that object's own ACL does.
        let foreign = request.action == "s3:GetObject"
            && match settings.object_owner {
                ObjectOwner::BucketOwner => false,
                ObjectOwner::Other => true,
                ObjectOwner::Unknown => world.flip("object-owner"),
            };
        if foreign { world.flip("object-acl") } else { effects.allow }
    })
}

/// The question about a key; a policy or grants that could not be read are None.
pub fn key(policy: Option<&Value>, grants: Option<&[Value]>, state: Option<&str>, request: &Request) -> Answer {
    answer(policy, request, |world| {
        let works = match state {
            Some("Enabled" | "Updating") => true,
            Some(
                "Disabled"
                | "PendingDeletion"
                | "PendingReplicaDeletion"
                | "PendingImport"
                | "Unavailable"
                | "Creating",
            ) => false,
            _ => world.flip("key-state"),
        };
        if !works {
            return false;
        }
        let (allow, deny) = match policy {
            Some(policy) => {
                let effects = statement::effects(world, policy);
                (effects.allow, effects.deny)
            }
            None => (world.flip("key-policy allows"), world.flip("key-policy denies")),
        };
        let granted = |world: &mut World<'_>| match grants {
            Some(grants) => grants.iter().enumerate().any(|(index, entry)| grant::covers(world, index, entry)),
            None => world.flip("grants"),
        };
        !deny && (allow || granted(world))
    })
}

/// `RestrictPublicBuckets`: a public policy then serves nobody of another account.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>
fn blocked_as_public(world: &mut World<'_>, policy: Option<&Value>, settings: &Settings) -> bool {
    let request = world.request();
    if principal::account_of(&request.principal) == Some(request.resource_account.as_str()) {
        return false;
    }
    let public = match settings.policy_is_public {
        Some(public) => public,
        None if policy.is_none_or(principal::only_fixed) => false,
        None => world.flip("setting:PolicyStatus.IsPublic"),
    };
    public && settings.restrict_public_buckets.unwrap_or_else(|| world.flip("setting:RestrictPublicBuckets"))
}

fn answer(policy: Option<&Value>, request: &Request, mut allows: impl FnMut(&mut World<'_>) -> bool) -> Answer {
    let uses = policy.map(candidates::uses).unwrap_or_default();
    let mut tape = Vec::new();
    let mut seen = None;
    for _ in 0..MOST_WORLDS {
        let mut world = World::new(request, &uses, tape);
        let allowed = allows(&mut world);
        tape = world.into_tape();
        let forked = !tape.is_empty();
        if *seen.get_or_insert(allowed) != allowed {
            return Answer { decision: Some(Decision::Depends), forked };
        }
        if !world::advance(&mut tape) {
            let decision = if allowed { Decision::Allowed } else { Decision::Denied };
            return Answer { decision: Some(decision), forked };
        }
    }
    Answer { decision: None, forked: true }
}
