//! What an event asks for. The types here; decoding in the modules below, one per envelope.
//!
//! Events only say where to look. Must never carry a policy or any content that could be written back.

use crate::answer::Problem;

/// The envelope an event came in; it decides the form of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Envelope {
    /// One event, alone: EventBridge, an S3 notification, SNS, a manual action.
    Direct,
    /// An SQS batch: answered with `batchItemFailures`.
    Sqs,
    /// An S3 Batch Operations invocation: answered with its own form.
    BatchJob { schema_version: String, invocation_id: String },
}

/// A decoded event: its items in the order of the input. Nothing of the input is lost: what could not be
/// understood is an item with a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    pub envelope: Envelope,
    pub items: Vec<Item>,
}

/// One SQS record, one Batch Operations task, or the whole of a direct event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// `messageId` of the SQS record or `taskId` of the task; empty for a direct event.
    pub id: String,
    /// Where it stands in the input, e.g. `Records[2]`.
    pub at: String,
    pub triggers: Vec<Trigger>,
    /// What of it was not understood. An item can have triggers and problems.
    pub problems: Vec<Problem>,
}

/// What an event asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    Object(ObjectEvent),
    Config(ConfigChange),
    Key(KeyChange),
    /// The schedule, or the stack's own status event: every guarded bucket, and open incidents again.
    Sweep {
        reason: String,
    },
    Manual(Manual),
    /// Understood, and nothing to do: `s3:TestEvent`, a failed API call, another stack's status.
    Nothing {
        reason: String,
    },
}

/// An object that was created or whose readability may have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectEvent {
    pub bucket: String,
    /// The key itself, URL-decoded where the envelope encodes it.
    pub key: String,
    pub version_id: Option<String>,
    /// Region the event names; compared with the deployment's, never used to address AWS.
    pub region: Option<String>,
    /// Account id (or principal id) that put the object, where the event says so (EventBridge `requester`).
    pub requester: Option<String>,
    /// e.g. `Object Created`, `ObjectCreated:Put`.
    pub name: String,
}

/// A change of bucket configuration, from CloudTrail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigChange {
    /// None for the account-level public access block, which names no bucket.
    pub bucket: Option<String>,
    /// `eventName`, e.g. `PutBucketPolicy`.
    pub name: String,
    pub region: Option<String>,
    /// Account that the change was made in (`recipientAccountId`).
    pub account: Option<String>,
    pub actor: Actor,
    /// The statement Sids or hash of what was written is *not* kept: only the raw `requestParameters`, for the
    /// comparison of a lost update. Never written anywhere.
    pub request_parameters: Option<String>,
}

/// A change of a KMS key, from CloudTrail or from `aws.kms`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyChange {
    /// Key ARNs.
    pub keys: Vec<String>,
    /// `eventName` or detail-type.
    pub name: String,
    pub region: Option<String>,
    pub actor: Option<Actor>,
}

/// Who made a change, from CloudTrail's `userIdentity` and its neighbours.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Actor {
    /// User or assumed-role ARN, or the service's name.
    pub arn: Option<String>,
    /// The role behind a session (`sessionContext.sessionIssuer.arn`).
    pub session_issuer: Option<String>,
    pub source_ip: Option<String>,
    pub user_agent: Option<String>,
    /// `eventTime`, RFC 3339, one-second grain.
    pub time: Option<String>,
    pub event_id: Option<String>,
}

/// A manual action, by direct invocation only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manual {
    pub action: ManualAction,
    /// None means every guarded bucket.
    pub bucket: Option<String>,
    /// For `judge`.
    pub key: Option<String>,
    /// For `judge`: key ARNs to judge without an object.
    pub kms_keys: Vec<String>,
    pub dry_run: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ManualAction {
    Audit,
    Repair,
    Judge,
    TestAlert,
}
pub fn decode(_v: &serde_json::Value, _h: &crate::contract::Home, _s: Option<&str>) -> Decoded {
    Decoded { envelope: Envelope::Direct, items: vec![] }
}
