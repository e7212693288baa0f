//! What an event asks for: the types that decoding leads to.
//!
//! Events only say where to look: nothing of them is ever written back.

use crate::model::actor::Actor;
use crate::model::contract::Home;
use crate::model::outcome::Problem;

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
    /// For `known-keys`.
    pub keys: Vec<KeySample>,
    /// For `acknowledge`: the incident, as messages name it, and for how long.
    pub incident: Option<String>,
    pub days: Option<u64>,
    pub dry_run: bool,
}

/// A KMS key, and an object that is said to be under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySample {
    /// ARN of the key.
    pub kms_key: String,
    /// Key of the object.
    pub sample: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ManualAction {
    Audit,
    Repair,
    Judge,
    TestAlert,
    KnownKeys,
    Acknowledge,
}

impl Item {
    pub(super) fn new(id: &str, at: &str) -> Self {
        Self { id: id.to_owned(), at: at.to_owned(), triggers: Vec::with_capacity(1), problems: Vec::new() }
    }

    pub(super) fn nothing(&mut self, reason: impl Into<String>) {
        self.triggers.push(Trigger::Nothing { reason: reason.into() });
    }

    /// Notes what was not understood. `inside` is where in the item it stands; empty for the whole of it. Trying again
    /// brings the same input, so it is never retryable.
    pub(super) fn problem(&mut self, inside: &str, saw: impl Into<String>, want: &str) {
        let at = if inside.is_empty() { self.at.clone() } else { format!("{}: {inside}", self.at) };
        self.problems.push(Problem { at, saw: saw.into(), want: want.to_owned(), retryable: false });
    }
}

/// What decoding needs to know of the guard.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) home: &'a Home,
    pub(super) stack_id: Option<&'a str>,
}

/// What is wanted of an event, in one sentence.
pub(super) const WANTED: &str = "an S3 event notification, an EventBridge event of S3, KMS, CloudTrail, CloudFormation or a schedule, an \
                      S3 Batch Operations job, or a manual action; docs/events.md has them all";
