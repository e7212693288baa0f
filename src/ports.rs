//! The traits of the outside. Everything the guard asks of AWS goes through one of these.
//!
//! Must never name an SDK type. Every method of the S3 traits passes `ExpectedBucketOwner`.

use crate::history::{Change, Past, Write};
use crate::incident::{Claim, Healed, Incident, Lease, PendingWrite, RepairBudget, Sighting, Status, StoreResult};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::future::Future;

/// Every AWS call the guard can make. The template's permissions are derived from this list by a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Operation {
    HeadObject,
    GetBucketPolicy,
    GetBucketPolicyStatus,
    GetBucketCors,
    GetBucketEncryption,
    GetBucketNotificationConfiguration,
    GetPublicAccessBlock,
    GetBucketOwnershipControls,
    GetBucketRequestPayment,
    GetBucketTagging,
    PutBucketPolicy,
    PutBucketCors,
    PutBucketNotificationConfiguration,
    DescribeKey,
    GetKeyPolicy,
    ListGrants,
    Publish,
    GetTopicAttributes,
    GetItem,
    PutItem,
    UpdateItem,
    DeleteItem,
    Query,
}

impl Operation {
    /// Every one of them.
    pub const ALL: &'static [Self] = &[
        Self::HeadObject,
        Self::GetBucketPolicy,
        Self::GetBucketPolicyStatus,
        Self::GetBucketCors,
        Self::GetBucketEncryption,
        Self::GetBucketNotificationConfiguration,
        Self::GetPublicAccessBlock,
        Self::GetBucketOwnershipControls,
        Self::GetBucketRequestPayment,
        Self::GetBucketTagging,
        Self::PutBucketPolicy,
        Self::PutBucketCors,
        Self::PutBucketNotificationConfiguration,
        Self::DescribeKey,
        Self::GetKeyPolicy,
        Self::ListGrants,
        Self::Publish,
        Self::GetTopicAttributes,
        Self::GetItem,
        Self::PutItem,
        Self::UpdateItem,
        Self::DeleteItem,
        Self::Query,
    ];

    /// The operation of that name in the API.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|operation| format!("{operation:?}") == name)
    }

    /// The IAM action that allows the call. HeadObject of a version needs `s3:GetObjectVersion` as well.
    /// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html>
    pub const fn iam_action(self) -> &'static str {
        match self {
            Self::HeadObject => "s3:GetObject",
            Self::GetBucketPolicy => "s3:GetBucketPolicy",
            Self::GetBucketPolicyStatus => "s3:GetBucketPolicyStatus",
            Self::GetBucketCors => "s3:GetBucketCORS",
            Self::GetBucketEncryption => "s3:GetEncryptionConfiguration",
            Self::GetBucketNotificationConfiguration => "s3:GetBucketNotification",
            Self::GetPublicAccessBlock => "s3:GetBucketPublicAccessBlock",
            Self::GetBucketOwnershipControls => "s3:GetBucketOwnershipControls",
            Self::GetBucketRequestPayment => "s3:GetBucketRequestPayment",
            Self::GetBucketTagging => "s3:GetBucketTagging",
            Self::PutBucketPolicy => "s3:PutBucketPolicy",
            Self::PutBucketCors => "s3:PutBucketCORS",
            Self::PutBucketNotificationConfiguration => "s3:PutBucketNotification",
            Self::DescribeKey => "kms:DescribeKey",
            Self::GetKeyPolicy => "kms:GetKeyPolicy",
            Self::ListGrants => "kms:ListGrants",
            Self::Publish => "sns:Publish",
            Self::GetTopicAttributes => "sns:GetTopicAttributes",
            Self::GetItem => "dynamodb:GetItem",
            Self::PutItem => "dynamodb:PutItem",
            Self::UpdateItem => "dynamodb:UpdateItem",
            Self::DeleteItem => "dynamodb:DeleteItem",
            Self::Query => "dynamodb:Query",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What an AWS error means for us. Classed once, in `aws`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorClass {
    /// 403 and its kin: our own call may not be made.
    Denied,
    /// The thing asked for is not there.
    NotFound,
    Throttled,
    /// A fault that may pass: 5xx, timeout, connection lost, `OperationAborted`.
    Transient,
    /// The same call would fail again.
    Permanent,
}

/// An AWS call that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation} failed: {} ({class:?}): {message}", code.as_deref().unwrap_or("no code"))]
pub struct AwsError {
    pub operation: Operation,
    pub class: ErrorClass,
    /// The error code, e.g. `AccessDenied`, `NoSuchBucketPolicy`, `PermanentRedirect`.
    pub code: Option<String>,
    /// HTTP status; none where no answer came.
    pub status: Option<u16>,
    pub message: String,
    pub request_id: Option<String>,
}

impl AwsError {
    pub fn retryable(&self) -> bool {
        matches!(self.class, ErrorClass::Throttled | ErrorClass::Transient)
    }

    pub fn has_code(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }
}

pub type AwsResult<T> = Result<T, AwsError>;

/// What HeadObject tells.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html>
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectFacts {
    pub version_id: Option<String>,
    /// `x-amz-server-side-encryption`: `AES256`, `aws:kms`, `aws:kms:dsse`.
    pub encryption: Option<String>,
    /// `x-amz-server-side-encryption-aws-kms-key-id`, a key ARN.
    pub kms_key: Option<String>,
    /// Absent in the answer means false.
    pub bucket_key_enabled: bool,
    /// Absent means STANDARD.
    pub storage_class: Option<String>,
    /// `x-amz-restore`, as sent.
    pub restore: Option<String>,
    /// `x-amz-archive-status` (Intelligent-Tiering).
    pub archive_status: Option<String>,
}

/// The answer of HeadObject: the states that are not failures are told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    Found(ObjectFacts),
    /// 404, or the version is a delete marker (405).
    Gone,
    /// 400 because the object is under a customer-provided key.
    SseC,
}

pub trait Objects {
    fn head_object(&self, bucket: &str, key: &str, version_id: Option<&str>) -> impl Future<Output = AwsResult<Head>>;
}

/// Public access block settings; a bucket without configuration has all four false.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PublicAccessBlockConfiguration.html>
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the API has these four")]
pub struct PublicAccessBlock {
    pub block_public_acls: bool,
    pub ignore_public_acls: bool,
    pub block_public_policy: bool,
    pub restrict_public_buckets: bool,
}

/// Object ownership; a bucket without controls is `ObjectWriter`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ownership {
    BucketOwnerEnforced,
    BucketOwnerPreferred,
    ObjectWriter,
    /// Something this version does not know.
    Unknown(String),
}

/// Default encryption of a bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BucketEncryption {
    /// `AES256`, `aws:kms`, `aws:kms:dsse`.
    pub algorithm: Option<String>,
    /// As configured: a key ARN, a key id, or an alias. None under `aws:kms` means `aws/s3`.
    pub kms_key: Option<String>,
    pub bucket_key_enabled: bool,
}

/// The CORS configuration as the API gives it; what one rule holds.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CORSRule.html>
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CorsRule {
    #[serde(rename = "ID", skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_headers: Vec<String>,
    pub allowed_methods: Vec<String>,
    pub allowed_origins: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expose_headers: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age_seconds: Option<i32>,
}

/// The notification configuration: opaque (the shell keeps the SDK's own form for the merge), with what we judge by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notifications {
    pub event_bridge: bool,
    /// ARNs of every queue, topic and function target with an `s3:ObjectCreated:*` event.
    pub object_created_targets: Vec<String>,
    /// Number of targets of any kind.
    pub targets: usize,
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
    /// Turns EventBridge on: reads the notification configuration, keeps every target, writes with
    /// `SkipDestinationValidation`.
    fn enable_event_bridge(&self, bucket: &str) -> impl Future<Output = AwsResult<()>>;
}

/// What DescribeKey tells.
/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html>
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyMetadata {
    pub arn: String,
    /// Account that owns the key (`AWSAccountId`).
    pub account: String,
    /// `KeyState`, e.g. `Enabled`.
    pub state: String,
    /// `KeyManager`: `AWS` or `CUSTOMER`.
    pub manager: String,
    pub origin: Option<String>,
    pub spec: Option<String>,
    pub usage: Option<String>,
    pub multi_region: bool,
}

pub trait Keys {
    fn describe_key(&self, key: &str) -> impl Future<Output = AwsResult<KeyMetadata>>;
    /// The `default` policy, byte for byte.
    fn key_policy(&self, key: &str) -> impl Future<Output = AwsResult<String>>;
    /// Every page of ListGrants for one grantee principal, each entry in the JSON form of the API
    /// (`GrantId`, `GranteePrincipal`, `Operations`, `Constraints` ...), for `key::GrantListEntry`.
    fn grants(&self, key: &str, grantee: &str) -> impl Future<Output = AwsResult<Vec<serde_json::Value>>>;
}

/// A message ready for SNS.
/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// At most 100 ASCII characters, no line breaks.
    pub subject: String,
    /// The `MessageStructure=json` document.
    pub body: String,
    /// String attributes for filter policies.
    pub attributes: Vec<(String, String)>,
}

pub trait Topic {
    fn publish(&self, message: &Message) -> impl Future<Output = AwsResult<()>>;
    /// `SubscriptionsConfirmed`.
    fn subscriptions_confirmed(&self) -> impl Future<Output = AwsResult<u64>>;
}

/// Time and chance, so that the rest is deterministic in tests.
pub trait Clock {
    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> u64;
    fn sleep_ms(&self, ms: u64) -> impl Future<Output = ()>;
    /// A number in `0..bound` for jitter and ids (0 for a bound of 0).
    fn random(&self, bound: u64) -> u64;
}

/// Where our writes and others' changes are remembered for a day, to find out what a write fell upon.
pub trait History {
    /// Keeps a write of ours: before it is made, and again with `done_ms` when S3 has answered.
    fn keep_write(&self, bucket: &str, write: &Write) -> impl Future<Output = StoreResult<()>>;
    /// Keeps a change of somebody's; the same change again is one.
    fn keep_change(&self, bucket: &str, change: &Change) -> impl Future<Output = StoreResult<()>>;
    /// What is remembered of a bucket, read consistently.
    fn past(&self, bucket: &str, now_ms: u64) -> impl Future<Output = StoreResult<Past>>;
}

/// Where incidents, leases and counters live. Every method is one or two single-item calls; what they mean is
/// written in docs/incidents.md, and decided by the pure functions of `incident`.
pub trait IncidentStore: History {
    /// Counts a sighting, and opens its incident if it is not open: one write, whoever else does the same at the
    /// same time. Exactly one caller gets `Announce`.
    fn sight(&self, sighting: &Sighting, now_ms: u64) -> impl Future<Output = StoreResult<Claim>>;
    /// Claims the message `status` that is owed about an incident as it was read. False if it changed meanwhile.
    fn claim(&self, incident: &Incident, status: Status, now_ms: u64) -> impl Future<Output = StoreResult<bool>>;
    /// The opened or reminder message went out, with this report: it is kept for the messages to come.
    fn told(&self, incident: &Incident, now_ms: u64) -> impl Future<Output = StoreResult<()>>;
    /// The message could not be sent: the next one may try at once.
    fn release_claim(&self, incident: &Incident) -> impl Future<Output = StoreResult<()>>;
    /// Marks an incident fine and claims its resolved message. False if it was seen after `unseen_since_ms`, or
    /// somebody else has marked it.
    fn heal(
        &self,
        incident: &Incident,
        healed: &Healed,
        unseen_since_ms: u64,
        now_ms: u64,
    ) -> impl Future<Output = StoreResult<bool>>;
    /// The resolved message went out: closes the incident. False if it was seen again meanwhile: it stays open, and
    /// whoever saw it got `Announce`. `incident.healed` is what `heal` was given.
    fn resolve(&self, incident: &Incident, now_ms: u64) -> impl Future<Output = StoreResult<bool>>;
    /// Every open incident of a bucket.
    fn open(&self, bucket: &str) -> impl Future<Output = StoreResult<Vec<Incident>>>;

    /// Takes the bucket's lease until `expires_ms`, or marks the bucket dirty for its holder.
    fn lease(
        &self,
        bucket: &str,
        holder: &str,
        now_ms: u64,
        expires_ms: u64,
    ) -> impl Future<Output = StoreResult<Lease>>;
    /// Gives the lease back, unless the bucket is dirty: then the mark is cleared, the lease kept until
    /// `expires_ms`, and the answer is true: look again. False also if the lease was lost meanwhile.
    fn release(&self, bucket: &str, holder: &str, expires_ms: u64) -> impl Future<Output = StoreResult<bool>>;

    /// Counts a repair before it is written: at most `limit` in any `window_ms`.
    fn count_repair(
        &self,
        bucket: &str,
        now_ms: u64,
        window_ms: u64,
        limit: u64,
    ) -> impl Future<Output = StoreResult<RepairBudget>>;
    /// A manual `repair`: forgets the contest.
    fn reset_repairs(&self, bucket: &str) -> impl Future<Output = StoreResult<()>>;

    /// Notes a write of ours (before it is made), so that its event is recognised. `token`: `incident::digest` of
    /// what is written, in a form that can be computed from the event too.
    fn note_write(
        &self,
        bucket: &str,
        operation: &str,
        token: &str,
        now_ms: u64,
    ) -> impl Future<Output = StoreResult<()>>;
    /// Whether an event is that of a noted write; it is then no longer pending, nor are older ones of the bucket:
    /// events do come.
    fn recognise_write(
        &self,
        bucket: &str,
        operation: &str,
        token: &str,
        now_ms: u64,
    ) -> impl Future<Output = StoreResult<bool>>;
    /// Takes back the note of a write that was not made: no event of it will come. Says nothing of other writes.
    fn forget_write(&self, bucket: &str, operation: &str, token: &str) -> impl Future<Output = StoreResult<()>>;
    /// Noted writes made before `before_ms` whose event never came.
    fn pending_writes(&self, bucket: &str, before_ms: u64) -> impl Future<Output = StoreResult<Vec<PendingWrite>>>;

    /// True at most once per `period_ms` for a name, across all functions.
    fn once_per(&self, name: &str, now_ms: u64, period_ms: u64) -> impl Future<Output = StoreResult<bool>>;
}

/// How often an operation was asked for since the counters were last taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Usage {
    pub operation: Operation,
    /// Calls as our code made them.
    pub calls: u64,
    /// Attempts beyond the first of each call.
    pub retries: u64,
}

/// Counters of AWS calls.
pub trait Meter: fmt::Debug {
    /// The counts since the last time, by operation; they begin again at zero.
    fn take(&self) -> Vec<Usage>;
}

/// The one seam through which the library writes log lines.
pub trait Log {
    /// One structured line; a JSON object (docs/messages.md, "Log lines").
    fn line(&self, value: serde_json::Value);
}
