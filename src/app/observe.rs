//! Reads: a bucket's whole configuration fresh, or the part that objects need and a key's facts through the caches.
//!
//! Must never write, and never turn a failed read into "nothing configured".

use crate::app::facts::{Cache, Fact};
use crate::app::ports::{BucketReads, Clock, Keys, World};
use crate::judge::access::{AccessFacts, Asker, Prepared, probe_key};
use crate::judge::key::{KeyFacts, KeyQuestion, judge_key, needs_grants};
use crate::judge::object::context_arn;
use crate::model::arn::Arn;
use crate::model::aws::AwsResult;
use crate::model::contract::{Contract, Darwin, Home};
use crate::model::kms::KeyMetadata;
use crate::model::s3::BucketEncryption;
use crate::model::time::Timestamp;
use crate::policy::document::PolicyDocument;
use crate::policy::grant::GrantListEntry;
use crate::policy::rcp::ResourceControlPolicy;
use crate::policy::request::ObjectOwner;
use crate::repair::observed::Observed;
use futures_util::join;
use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

/// Waits before a unique id in a policy is believed, before jitter.
const SETTLE_WAITS: [Duration; 3] =
    [Duration::from_millis(400), Duration::from_millis(1_200), Duration::from_millis(2_400)];

type KeyBasics = (AwsResult<KeyMetadata>, Option<AwsResult<Rc<PolicyDocument>>>);

/// What is kept of a key.
#[derive(Debug)]
struct KeptKey {
    basics: KeyBasics,
    /// Whether Darwin may decrypt under it whatever the object, and at any time.
    always: OnceCell<bool>,
}

/// The facts that objects share, each with a lifetime.
#[derive(Debug, Default)]
pub struct Caches {
    buckets: Cache<AccessFacts>,
    keys: Cache<KeptKey>,
    grants: Cache<Vec<GrantListEntry>>,
    /// Policies, by bucket, that name a role by its unique id and went on doing so.
    settled: RefCell<HashMap<String, String>>,
}

impl Caches {
    /// Drops what is known of a key, by ARN or id.
    pub fn forget_key(&self, key: &str) {
        self.keys.forget(key);
        self.grants.forget(key);
    }

    /// Drops what is known of a bucket.
    pub fn forget_bucket(&self, bucket: &str) {
        self.buckets.forget(bucket);
    }

    /// A unique id in this policy of the bucket is no role that is still to be resolved.
    pub fn settle(&self, bucket: &str, policy: &str) {
        self.settled.borrow_mut().insert(bucket.to_owned(), policy.to_owned());
    }

    fn is_settled(&self, bucket: &str, policy: &str) -> bool {
        self.settled.borrow().get(bucket).is_some_and(|held| held == policy)
    }
}

/// A key's facts with the time the oldest of them was read at.
#[derive(Debug, Clone)]
pub struct DatedKey {
    pub facts: KeyFacts,
    pub read_at: Timestamp,
}

/// The reading side of the guard.
#[derive(Debug)]
pub struct Observer<'a, W: World> {
    pub aws: &'a W::Aws,
    pub clock: &'a W::Clock,
    pub darwin: &'a Darwin,
    pub home: &'a Home,
    pub rcps: &'a [ResourceControlPolicy],
    pub caches: &'a Caches,
    pub deadline: Option<Timestamp>,
}

impl<W: World> Observer<'_, W> {
    pub(crate) fn asker(&self, now: Timestamp) -> Asker<'_> {
        Asker { darwin: self.darwin, home: self.home, now, rcps: self.rcps }
    }

    /// Everything that decides about a bucket: the documents in one parallel round, the default key's facts and the
    /// policy status (only if the policy may be public) in a second.
    pub async fn bucket(&self, contract: &Contract, now: Timestamp) -> Observed {
        let bucket = contract.bucket.as_str();
        let (mut access, block, cors, encryption, notifications, tags) = join!(
            self.access_round(bucket, ObjectOwner::Unknown),
            self.aws.public_access_block(bucket),
            self.aws.cors(bucket),
            self.aws.encryption(bucket),
            self.aws.notifications(bucket),
            self.aws.tags(bucket),
        );
        let (status, default_key) = join!(
            self.policy_status(bucket, &access),
            self.default_key(contract, encryption.as_ref().ok().and_then(Option::as_ref), now),
        );
        (access.public_access_block, access.policy_is_public) = (Some(block), status);
        Observed { access, cors, encryption, notifications, tags, default_key }
    }

    /// Who owns the objects is asked only where it is not known.
    async fn access_round(&self, bucket: &str, owner: ObjectOwner) -> AccessFacts {
        let ownership =
            async { if owner == ObjectOwner::BucketOwner { None } else { Some(self.aws.ownership(bucket).await) } };
        let (policy, ownership, requester_pays) =
            join!(self.policy(bucket), ownership, self.aws.requester_pays(bucket));
        AccessFacts {
            policy,
            public_access_block: None,
            ownership,
            requester_pays,
            policy_is_public: None,
            prepared: Prepared::default(),
        }
    }

    /// The policy. For a while after a write a role reads back as its unique id, in anybody's statement: a policy with
    /// one is read again before it is believed.
    async fn policy(&self, bucket: &str) -> AwsResult<Option<PolicyDocument>> {
        let mut waits = SETTLE_WAITS.iter();
        loop {
            let Some(policy) = self.aws.policy(bucket).await?.map(PolicyDocument::parse) else { return Ok(None) };
            if !policy.names_a_role_by_id() || self.caches.is_settled(bucket, policy.text()) {
                return Ok(Some(policy));
            }
            let Some(wait) = waits.next() else {
                self.caches.settle(bucket, policy.text());
                return Ok(Some(policy));
            };
            if !self.has_time(*wait) {
                return Ok(Some(policy));
            }
            self.clock.pause(*wait).await;
        }
    }

    async fn policy_status(&self, bucket: &str, access: &AccessFacts) -> Option<AwsResult<Option<bool>>> {
        if access.surely_not_public() { None } else { Some(self.aws.policy_is_public(bucket).await) }
    }

    /// What decides about a bucket's objects of this owner, from the cache unless it is older than `no_older_than`. A
    /// retryable failure of any part is a failure of the whole, so that it is not remembered.
    pub async fn access(
        &self,
        bucket: &str,
        owner: ObjectOwner,
        no_older_than: Option<Timestamp>,
    ) -> AwsResult<Fact<AccessFacts>> {
        let name = match owner {
            ObjectOwner::BucketOwner => Cow::Borrowed(bucket),
            _ => Cow::Owned(format!("{bucket}#ownership")),
        };
        let now = self.clock.now();
        let fetch = || async {
            let mut access = self.access_round(bucket, owner).await;
            if !access.surely_not_public() {
                let (block, status) = join!(self.aws.public_access_block(bucket), self.aws.policy_is_public(bucket));
                (access.public_access_block, access.policy_is_public) = (Some(block), Some(status));
            }
            match access.failures().into_iter().find(|error| error.retryable()) {
                Some(error) => Err(error.clone()),
                None => Ok(access),
            }
        };
        self.caches.buckets.get(&name, now, no_older_than, self.jitter(), fetch).await
    }

    /// Whether a wait that begins now ends in time.
    pub fn has_time(&self, wait: Duration) -> bool {
        self.clock.now().leaves(wait, self.deadline)
    }

    fn jitter(&self) -> Duration {
        self.clock.part_of(crate::app::facts::LIFETIME / 5)
    }

    async fn default_key(
        &self,
        contract: &Contract,
        encryption: Option<&BucketEncryption>,
        now: Timestamp,
    ) -> Option<KeyFacts> {
        let encryption =
            encryption.filter(|config| config.algorithm.as_deref().is_some_and(|name| name.starts_with("aws:kms")))?;
        let key = encryption.kms_key.as_deref()?;
        let context =
            context_arn(&self.home.partition, &contract.bucket, &probe_key(contract), encryption.bucket_key_enabled);
        let (metadata, policy) = self.read_key(key).await;
        let mut facts = KeyFacts { key: key.to_owned(), metadata, policy, grants: None };
        let questions =
            ["kms:Decrypt", "kms:GenerateDataKey"].map(|action| KeyQuestion { action, context_arn: Some(&context) });
        if questions.into_iter().any(|question| needs_grants(&facts, question, self.asker(now))) {
            facts.grants = Some(self.read_grants(facts.arn()).await.map(Rc::new));
        }
        Some(facts)
    }

    /// A key's facts through the cache, with its grants only if the question needs them.
    pub async fn key(
        &self,
        key: &str,
        question: KeyQuestion<'_>,
        no_older_than: Option<Timestamp>,
        now: Timestamp,
    ) -> AwsResult<DatedKey> {
        let asked_at = self.clock.now();
        let fetch = || async {
            let (metadata, policy) = self.read_key(key).await;
            let of_policy = policy.as_ref().and_then(|policy| policy.as_ref().err());
            let failed =
                [metadata.as_ref().err(), of_policy].into_iter().flatten().find(|error| error.retryable()).cloned();
            failed.map_or_else(|| Ok(KeptKey { basics: (metadata, policy), always: OnceCell::new() }), Err)
        };
        let fact = self.caches.keys.get(key, asked_at, no_older_than, self.jitter(), fetch).await?;
        let (metadata, policy) = fact.value.basics.clone();
        let mut dated =
            DatedKey { facts: KeyFacts { key: key.to_owned(), metadata, policy, grants: None }, read_at: fact.read_at };
        if needs_grants(&dated.facts, question, self.asker(now)) {
            let arn = dated.facts.arn().to_owned();
            let grants =
                self.caches.grants.get(&arn, asked_at, no_older_than, self.jitter(), || self.read_grants(&arn)).await;
            match grants {
                Ok(fact) => {
                    dated.read_at = dated.read_at.min(fact.read_at);
                    dated.facts.grants = Some(Ok(fact.value));
                }
                Err(error) if error.retryable() => return Err(error),
                Err(error) => dated.facts.grants = Some(Err(error)),
            }
        }
        Ok(dated)
    }

    /// Whether Darwin may decrypt every object under this key, as far as the facts say that are kept of it.
    pub fn surely_decrypts(&self, key: &str, now: Timestamp) -> bool {
        let Some(kept) = self.caches.keys.held(key, self.clock.now()) else { return false };
        *kept.always.get_or_init(|| {
            let (metadata, policy) = kept.basics.clone();
            let timeless = self.rcps.is_empty() && !matches!(&policy, Some(Ok(policy)) if policy.may_ask_for_time());
            let facts = KeyFacts { key: key.to_owned(), metadata, policy, grants: None };
            // What is allowed with the encryption context open is allowed for every object.
            let question = KeyQuestion { action: "kms:Decrypt", context_arn: None };
            timeless && judge_key(&facts, question, self.asker(now)).is_allowed()
        })
    }

    /// DescribeKey and GetKeyPolicy together. GetKeyPolicy takes no alias and no other account's key.
    async fn read_key(&self, key: &str) -> KeyBasics {
        let is_alias = key.starts_with("alias/") || key.contains(":alias/");
        let foreign = Arn::parse(key).is_some_and(|arn| arn.account != *self.home.account);
        if is_alias {
            let metadata = self.aws.describe_key(key).await;
            let policy = match &metadata {
                Ok(metadata) if metadata.account == *self.home.account => Some(self.key_policy(&metadata.arn).await),
                Ok(_) => None,
                Err(error) => Some(Err(error.clone())),
            };
            return (metadata, policy);
        }
        if foreign {
            return (self.aws.describe_key(key).await, None);
        }
        let (metadata, policy) = join!(self.aws.describe_key(key), self.key_policy(key));
        (metadata, Some(policy))
    }

    async fn key_policy(&self, key: &str) -> AwsResult<Rc<PolicyDocument>> {
        self.aws.key_policy(key).await.map(|text| Rc::new(PolicyDocument::parse(text)))
    }

    /// The grants to Darwin's role, and to its account.
    async fn read_grants(&self, key: &str) -> AwsResult<Vec<GrantListEntry>> {
        let root = format!("arn:{}:iam::{}:root", self.home.partition, self.darwin.account);
        let (to_role, to_root) = join!(self.aws.grants(key, &self.darwin.role), self.aws.grants(key, &root));
        let mut entries = to_role?;
        entries.extend(to_root?);
        Ok(entries.iter().map(GrantListEntry::from_value).collect())
    }
}
