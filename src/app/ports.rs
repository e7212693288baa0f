//! The traits of the outside. Everything the guard asks of AWS goes through one of these.
//!
//! Must never name an SDK type. What implements the S3 traits knows the account, and passes it as `ExpectedBucketOwner`.

use crate::incident::budget::RepairBudget;
use crate::incident::known::KnownKey;
use crate::incident::life::{Claim, Healed, Incident, Lease, Sighting, Status, StoreError, StoreResult};
use crate::model::arn::AccountId;
use crate::model::aws::{AwsResult, Usage};
use crate::model::change::{Change, Write};
use crate::model::kms::KeyMetadata;
use crate::model::s3::{BucketEncryption, CorsRule, Head, Notifications, Ownership, PublicAccessBlock};
use crate::model::time::{Timestamp, millis};
use crate::repair::history::Past;
use crate::report::notice::Message;
#[cfg(feature = "forms")]
use crate::scan::range::Page;
use std::fmt;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

pub trait Objects {
    fn head_object(&self, bucket: &str, key: &str, version_id: Option<&str>) -> impl Future<Output = AwsResult<Head>>;
}

/// Which objects there are.
#[cfg(feature = "forms")]
pub trait Listing {
    /// The first keys with a prefix behind `after`, in the order of their bytes; `delimited`: those up to the next `/`.
    fn list(&self, bucket: &str, prefix: &str, after: &str, delimited: bool) -> impl Future<Output = AwsResult<Page>>;
}

/// Reads of a bucket's configuration. `Ok(None)` means that nothing is configured (the 404s of S3).
pub trait BucketReads {
    /// The policy, byte for byte as S3 returns it.
    fn policy(&self, bucket: &str) -> impl Future<Output = AwsResult<Option<String>>>;
    /// `IsPublic`; none where the answer lacks it.
    fn policy_is_public(&self, bucket: &str) -> impl Future<Output = AwsResult<Option<bool>>>;
    fn cors(&self, bucket: &str) -> impl Future<Output = AwsResult<Option<Vec<CorsRule>>>>;
    fn encryption(&self, bucket: &str) -> impl Future<Output = AwsResult<Option<BucketEncryption>>>;
    fn notifications(&self, bucket: &str) -> impl Future<Output = AwsResult<Notifications>>;
    fn public_access_block(&self, bucket: &str) -> impl Future<Output = AwsResult<Option<PublicAccessBlock>>>;
    fn ownership(&self, bucket: &str) -> impl Future<Output = AwsResult<Option<Ownership>>>;
    /// True if the requester pays. Absent in the answer reads as AWS's default, the bucket owner.
    fn requester_pays(&self, bucket: &str) -> impl Future<Output = AwsResult<bool>>;
    fn tags(&self, bucket: &str) -> impl Future<Output = AwsResult<Vec<(String, String)>>>;
}

/// Writes of a bucket's configuration: the three there are.
pub trait BucketWrites {
    fn put_policy(&self, bucket: &str, policy: &str) -> impl Future<Output = AwsResult<()>>;
    fn put_cors(&self, bucket: &str, rules: &[CorsRule]) -> impl Future<Output = AwsResult<()>>;
    /// Turns EventBridge on: reads the notification configuration, and if it is still `before`, writes it with every
    /// target and `SkipDestinationValidation`. False if it is not: nothing was written.
    fn enable_event_bridge(&self, bucket: &str, before: &Notifications) -> impl Future<Output = AwsResult<bool>>;
}

pub trait Keys {
    fn describe_key(&self, key: &str) -> impl Future<Output = AwsResult<KeyMetadata>>;
    /// The `default` policy, byte for byte.
    fn key_policy(&self, key: &str) -> impl Future<Output = AwsResult<String>>;
    /// Every page of ListGrants for one grantee principal, each entry in the JSON form of the API
    /// (`GrantId`, `GranteePrincipal`, `Operations`, `Constraints` ...), for `key::GrantListEntry`.
    fn grants(&self, key: &str, grantee: &str) -> impl Future<Output = AwsResult<Vec<serde_json::Value>>>;
}

pub trait Topic {
    fn publish(&self, message: &Message) -> impl Future<Output = AwsResult<()>>;
    /// `SubscriptionsConfirmed`.
    fn subscriptions_confirmed(&self) -> impl Future<Output = AwsResult<u64>>;
}

/// Time and chance, so that the rest is deterministic in tests.
pub trait Clock {
    fn now(&self) -> Timestamp;
    fn sleep(&self, wait: Duration) -> impl Future<Output = ()>;
    /// A number in `0..bound` for jitter and ids (0 for a bound of 0).
    fn random(&self, bound: u64) -> u64;
    /// Somewhere in this length.
    fn part_of(&self, length: Duration) -> Duration {
        Duration::from_millis(self.random(millis(length)))
    }
    /// Sleeps so long, or up to half as long again: whoever began at the same time does not go on at the same time.
    fn pause(&self, wait: Duration) -> impl Future<Output = ()> {
        self.sleep(wait.saturating_add(self.part_of(wait / 2)))
    }
}

/// Where incidents live. As with leases and the log of writes, every method is one or two single-item calls; what they
/// mean is written in docs/incidents.md, and decided by the pure functions of `incident`.
pub trait Incidents {
    /// Counts a sighting, and opens its incident if it is not open: one write, whoever else does the same at the
    /// same time. Exactly one caller gets `Announce`.
    fn sight(&self, sighting: &Sighting, now: Timestamp) -> impl Future<Output = StoreResult<Claim>>;
    /// Claims the message `status` that is owed about an incident as it was read. False if it changed meanwhile.
    fn claim(&self, incident: &Incident, status: Status, now: Timestamp) -> impl Future<Output = StoreResult<bool>>;
    /// No reminder until then. False if it is not open any more.
    fn acknowledge(&self, incident: &Incident, until: Timestamp) -> impl Future<Output = StoreResult<bool>>;
    /// The opened or reminder message went out, with this report: it is kept for the messages to come, and whoever
    /// acknowledged what was told before has not acknowledged this.
    fn told(&self, incident: &Incident, now: Timestamp) -> impl Future<Output = StoreResult<()>>;
    /// The message could not be sent: the next one may try at once.
    fn release_claim(&self, incident: &Incident) -> impl Future<Output = StoreResult<()>>;
    /// Marks an incident fine and claims its resolved message. False if it was seen after `unseen_since`, or
    /// somebody else has marked it.
    fn heal(
        &self,
        incident: &Incident,
        healed: &Healed,
        unseen_since: Timestamp,
        now: Timestamp,
    ) -> impl Future<Output = StoreResult<bool>>;
    /// The resolved message went out: closes the incident. False if it was seen again meanwhile: it stays open, and
    /// whoever saw it got `Announce`. `incident.healed` is what `heal` was given.
    fn resolve(&self, incident: &Incident, now: Timestamp) -> impl Future<Output = StoreResult<bool>>;
    /// Every open incident of a bucket. What another version of the guard wrote is set aside.
    fn open(&self, bucket: &str) -> impl Future<Output = StoreResult<Vec<Incident>>>;
    /// What was set aside since the last time: a bucket, and why its item could not be read.
    fn take_unreadable(&self) -> Vec<(String, StoreError)> {
        Vec::new()
    }
}

/// Who may work on a bucket, and how often: one at a time, across all functions.
pub trait Leases {
    /// Takes the bucket's lease until `expires`, or marks the bucket dirty for its holder.
    fn lease(
        &self,
        bucket: &str,
        holder: &str,
        now: Timestamp,
        expires: Timestamp,
    ) -> impl Future<Output = StoreResult<Lease>>;
    /// Gives the lease back, unless the bucket is dirty: then the mark is cleared, the lease kept until
    /// `expires`, and the answer is true: look again. False also if the lease was lost meanwhile.
    fn release(&self, bucket: &str, holder: &str, expires: Timestamp) -> impl Future<Output = StoreResult<bool>>;

    /// Counts a repair before it is written: at most `limit` in any `window`.
    fn count_repair(
        &self,
        bucket: &str,
        now: Timestamp,
        window: Duration,
        limit: u64,
    ) -> impl Future<Output = StoreResult<RepairBudget>>;
    /// A manual `repair`: forgets the contest.
    fn reset_repairs(&self, bucket: &str) -> impl Future<Output = StoreResult<()>>;

    /// What was put down under a name, by whichever function.
    fn recall(&self, name: &str) -> impl Future<Output = StoreResult<Option<String>>>;
    fn put_down(&self, name: &str, text: &str) -> impl Future<Output = StoreResult<()>>;

    /// True at most once per `period` for a name, across all functions.
    fn once_per(&self, name: &str, now: Timestamp, period: Duration) -> impl Future<Output = StoreResult<bool>>;
}

/// Our own writes and others' changes: to recognise the events of ours, to notice that none come, and to find out what a
/// write of ours undid. A day of them is remembered, and no more than `Past::room_for` leaves room for.
pub trait WriteLog {
    /// Keeps a write of ours: before it is made, and again when S3 has answered.
    fn keep_write(&self, bucket: &str, write: &Write) -> impl Future<Output = StoreResult<()>>;
    /// Takes back a write that was not made.
    fn forget_write(&self, bucket: &str, write: &Write) -> impl Future<Output = StoreResult<()>>;
    /// Takes an event for that of a write, once. False if another event was taken for it before, or it is forgotten.
    fn recognise_write(&self, bucket: &str, write: &Write, event_id: &str) -> impl Future<Output = StoreResult<bool>>;
    /// Keeps a change of somebody's; the same change again is one.
    fn keep_change(&self, bucket: &str, change: &Change) -> impl Future<Output = StoreResult<()>>;
    fn forget_change(&self, bucket: &str, change: &Change) -> impl Future<Output = StoreResult<()>>;
    /// What is remembered of a bucket, read consistently.
    fn past(&self, bucket: &str, now: Timestamp) -> impl Future<Output = StoreResult<Past>>;
}

/// The keys that a bucket's objects were seen under. `incident::known` decides which are kept.
pub trait KnownKeys {
    /// Those that are remembered, read consistently.
    fn known_keys(&self, bucket: &str, now: Timestamp) -> impl Future<Output = StoreResult<Vec<KnownKey>>>;
    /// Keeps a key as it is; since when it is known stays. False if somebody has kept it after `due`, and it is not
    /// stale: nothing was written.
    fn keep_key(&self, bucket: &str, key: &KnownKey, due: Timestamp) -> impl Future<Output = StoreResult<bool>>;
    /// None of its samples is under the key any more. False if it was seen again meanwhile.
    fn retire_key(&self, bucket: &str, key: &KnownKey, now: Timestamp) -> impl Future<Output = StoreResult<bool>>;
    fn forget_key(&self, bucket: &str, key: &KnownKey) -> impl Future<Output = StoreResult<()>>;
}

/// Counters of AWS calls.
pub trait Meter: fmt::Debug {
    /// The counts since the last time, by operation; they begin again at zero.
    fn take(&self) -> Vec<Usage>;
}

/// The one seam through which the library writes log lines.
pub trait Log: fmt::Debug {
    /// One structured line; a JSON object (docs/messages.md, "Log lines").
    fn line(&self, value: serde_json::Value);
}

impl Log for Rc<dyn Log> {
    fn line(&self, value: serde_json::Value) {
        (**self).line(value);
    }
}

/// S3 and KMS before it is known whose buckets are meant. INVARIANT: it can make no call.
pub trait ForAccount<Aws> {
    /// S3 and KMS for the buckets of this account. Called once an invocation, so it must be cheap.
    fn for_account(&self, account: &AccountId) -> Aws;
}

/// The whole outside as one type.
pub trait World {
    type Clients: ForAccount<Self::Aws>;
    /// The buckets of one account, and the keys.
    type Aws: Objects + BucketReads + BucketWrites + Keys;
    /// The incident table.
    type Store: Incidents + Leases + WriteLog + KnownKeys;
    type Topic: Topic;
    type Clock: Clock;
    type Log: Log;
}
