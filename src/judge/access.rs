//! What of a bucket's configuration decides about its objects, and the two ways Darwin reads, judged together.
//!
//! Pure. Must never take an unread document for an empty one.

use crate::judge::darwin::s3_request;
use crate::model::aws::{AwsError, AwsResult};
use crate::model::contract::{Contract, Darwin, Home};
use crate::model::s3::{Ownership, PublicAccessBlock};
use crate::model::time::Timestamp;
use crate::model::unknown::Unknown;
use crate::model::verdict::{Reader, Verdict};
use crate::model::why::Gate;
use crate::policy::document::PolicyDocument;
use crate::policy::evaluate::{Rest, evaluate_object, gates_are_open};
use crate::policy::question::Question;
use crate::policy::rcp::{ResourceControlPolicy, let_through};
use crate::policy::request::{ObjectOwner, Request, Settings};
use crate::policy::{evaluate, public};
use std::cell::RefCell;
use std::rc::Rc;

/// The configuration that decides whether an object can be read.
#[derive(Debug, Clone)]
pub struct AccessFacts {
    pub policy: AwsResult<Option<PolicyDocument>>,
    /// None where it was not asked for (see [`AccessFacts::surely_not_public`]).
    pub public_access_block: Option<AwsResult<Option<PublicAccessBlock>>>,
    /// None where it was not asked for: the objects are known to be the bucket owner's.
    pub ownership: Option<AwsResult<Option<Ownership>>>,
    pub requester_pays: AwsResult<bool>,
    /// `GetBucketPolicyStatus`; None as above.
    pub policy_is_public: Option<AwsResult<Option<bool>>>,
    pub prepared: Prepared,
}

/// What the policy comes to for Darwin's two ways of reading, but for the object's key: decided once.
#[derive(Debug, Clone, Default)]
pub struct Prepared(RefCell<Option<Rc<Reads>>>);

#[derive(Debug)]
struct Reads {
    /// What it was decided for.
    bucket: String,
    role: String,
    /// None: it is the same at any time.
    now: Option<Timestamp>,
    /// Whether no gate beside the policy is in the way of an object of the bucket's owner.
    open: bool,
    server: (Request, Rest),
    browser: (Request, Rest),
}

impl AccessFacts {
    /// The policy; None where there is none or it was not read.
    pub fn document(&self) -> Option<&PolicyDocument> {
        self.policy.as_ref().ok().and_then(Option::as_ref)
    }

    /// What was decided apart from the key, decided now if it was not, or for another moment.
    fn reads(&self, policy: &PolicyDocument, bucket: &str, asker: Asker<'_>) -> Rc<Reads> {
        let Asker { darwin, home, now, rcps: _ } = asker;
        let mut held = self.prepared.0.borrow_mut();
        let fits = |reads: &&mut Rc<Reads>| {
            (&*reads.bucket, &reads.role) == (bucket, &darwin.role)
                && reads.now.is_none_or(|then| then.as_secs() == now.as_secs())
        };
        if let Some(reads) = held.as_mut().filter(fits) {
            return Rc::clone(reads);
        }
        let prepare = |reader| {
            let request = s3_request(darwin, home, "s3:GetObject", bucket, None, reader, now);
            let rest = Rest::new(policy, &Question::new(&request));
            (request, rest)
        };
        let reads = Rc::new(Reads {
            bucket: bucket.to_owned(),
            role: darwin.role.clone(),
            now: policy.may_ask_for_time().then_some(now),
            open: self.requester_pays == Ok(false) && gates_are_open(policy, self.settings(ObjectOwner::BucketOwner)),
            server: prepare(Reader::Server),
            browser: prepare(Reader::Browser),
        });
        Rc::clone(held.insert(reads))
    }

    /// Whether the bucket's side surely lets Darwin read this object, both ways. What is not sure is to be judged.
    pub fn surely_read(&self, bucket: &str, key: &str, owner: ObjectOwner, asker: Asker<'_>) -> bool {
        let prepared = asker.rcps.is_empty() && (owner == ObjectOwner::BucketOwner || self.owner_enforced());
        let Some(policy) = self.document().filter(|_| prepared) else {
            return false;
        };
        let reads = self.reads(policy, bucket, asker);
        let object = object_arn(bucket, key, asker.home);
        let ways = [&reads.server, &reads.browser];
        reads.open && ways.into_iter().all(|(request, rest)| rest.allows(policy, &object, &request.context))
    }

    /// No policy, or one whose Allows all name fixed principals: no public block can shut Darwin out.
    pub fn surely_not_public(&self) -> bool {
        match &self.policy {
            Ok(None) => true,
            Ok(Some(policy)) => public::is_surely_not_public(&policy.all()),
            Err(_) => false,
        }
    }

    /// Whether the objects of this bucket can only be its owner's.
    pub fn owner_enforced(&self) -> bool {
        matches!(self.ownership, Some(Ok(Some(Ownership::BucketOwnerEnforced))))
    }

    /// The gates beside the policy. `RestrictPublicBuckets` off at the bucket leaves the account-level setting, which
    /// is not read here: unknown.
    pub fn settings(&self, object_owner: ObjectOwner) -> Settings {
        let restrict = match &self.public_access_block {
            Some(Ok(Some(block))) if block.restrict_public_buckets => Some(true),
            _ => None,
        };
        let public = if self.surely_not_public() {
            Some(false)
        } else {
            self.policy_is_public.as_ref().and_then(|status| status.as_ref().ok().copied().flatten())
        };
        let object_owner = if self.owner_enforced() { ObjectOwner::BucketOwner } else { object_owner };
        Settings { restrict_public_buckets: restrict, policy_is_public: public, object_owner }
    }

    /// The guard's own reads that failed.
    pub fn failures(&self) -> Vec<&AwsError> {
        [
            self.policy.as_ref().err(),
            failure(self.public_access_block.as_ref()),
            failure(self.ownership.as_ref()),
            self.requester_pays.as_ref().err(),
            failure(self.policy_is_public.as_ref()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Why something was not read that was asked for.
pub fn failure<T>(asked: Option<&AwsResult<T>>) -> Option<&AwsError> {
    asked.and_then(|answer| answer.as_ref().err())
}

/// Who asks, and when.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    pub darwin: &'a Darwin,
    pub home: &'a Home,
    pub now: Timestamp,
    /// The RCPs of the account's organization; empty: none was given.
    pub rcps: &'a [ResourceControlPolicy],
}

impl Asker<'_> {
    fn s3(self, action: &str, bucket: &str, key: &str, reader: Reader) -> Request {
        s3_request(self.darwin, self.home, action, bucket, Some(key), reader, self.now)
    }
}

fn object_arn(bucket: &str, key: &str, home: &Home) -> String {
    format!("arn:{}:s3:::{bucket}/{key}", home.partition)
}

/// Whether the bucket's side lets Darwin read this object: by its servers and by the annotator's browser.
pub fn judge_read(facts: &AccessFacts, bucket: &str, key: &str, owner: ObjectOwner, asker: Asker<'_>) -> Verdict {
    let settings = || facts.settings(owner);
    let by_policy = match &facts.policy {
        Err(_) => unread(Unknown::BucketPolicy),
        Ok(Some(policy)) => {
            let reads = facts.reads(policy, bucket, asker);
            let object = object_arn(bucket, key, asker.home);
            let open = reads.open && (owner == ObjectOwner::BucketOwner || facts.owner_enforced());
            let ask =
                |(request, rest): &(Request, Rest)| evaluate_object(policy, rest, request, &object, settings, open);
            both(ask(&reads.server), ask(&reads.browser))
        }
        Ok(None) => evaluate::evaluate(None, &asker.s3("s3:GetObject", bucket, key, Reader::Server), &settings()),
    };
    let by_rcps = |reader| let_through(asker.rcps, &asker.s3("s3:GetObject", bucket, key, reader));
    let by_rcps = match asker.rcps {
        [] => Verdict::allowed(Vec::new()),
        _ => both(by_rcps(Reader::Server), by_rcps(Reader::Browser)),
    };
    by_policy.and(by_rcps).and(requester_pays(facts))
}

/// Whether the bucket's side lets Darwin write this object (by its servers).
pub fn judge_write(facts: &AccessFacts, bucket: &str, key: &str, asker: Asker<'_>) -> Verdict {
    // A new object is the writer's own: what its owner would be does not bear on the PUT.
    let settings = facts.settings(ObjectOwner::BucketOwner);
    let request = asker.s3("s3:PutObject", bucket, key, Reader::Server);
    let verdict = if facts.policy.is_err() {
        unread(Unknown::BucketPolicy)
    } else {
        evaluate::evaluate(facts.document(), &request, &settings)
    };
    verdict.and(let_through(asker.rcps, &request)).and(requester_pays(facts))
}

fn requester_pays(facts: &AccessFacts) -> Verdict {
    match facts.requester_pays {
        Ok(false) => Verdict::allowed(Vec::new()),
        Ok(true) => Verdict::denied(vec![Gate::RequesterPays.into()]),
        Err(_) => unread(Unknown::RequesterPays),
    }
}

/// A depends on something that the guard itself could not read.
pub fn unread(what: Unknown) -> Verdict {
    Verdict::depends(vec![Gate::Unread(what.clone()).into()], [what])
}

/// Reading needs both. Where they fare differently, each reason says whose it is.
pub(crate) fn both(server: Verdict, browser: Verdict) -> Verdict {
    if server.decision == browser.decision && server.because == browser.because {
        return server.and(browser);
    }
    let of = |verdict: Verdict, reader| if verdict.is_allowed() { verdict } else { verdict.of(reader) };
    of(server, Reader::Server).and(of(browser, Reader::Browser))
}

/// A key that stands for the bucket's objects in a bucket's verdict, inside the contract's first read prefix.
pub fn probe_key(contract: &Contract) -> String {
    let prefix = contract.read_prefixes.first().map_or("", String::as_str);
    format!("{prefix}darwin-s3-guard/probe-7f3a9c.png")
}

pub fn write_probe_key(contract: &Contract) -> String {
    match (&contract.prefix, contract.scope_writes) {
        (Some(prefix), _) => format!("{prefix}darwin-s3-guard/probe-7f3a9c.png"),
        (None, _) => probe_key(contract),
    }
}
