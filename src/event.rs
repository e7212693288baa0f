//! What an event asks for. The types here; decoding in the modules below, one per envelope.
//!
//! Events only say where to look: nothing that is decoded here is ever written back. Must never panic, whatever comes
//! in, and never drop a part of the input: what is not understood becomes a problem of its item.

mod batch_job;
mod cloudtrail;
mod eventbridge;
mod json;
mod manual;
mod s3;
mod sns;
mod sqs;
mod url;

use crate::answer::Problem;
use crate::contract::Home;
use serde_json::Value;

/// How deep events may be wrapped in each other: SNS in SQS is two. More than this is refused, so that no input makes
/// the decoder recurse without end.
const MAX_DEPTH: usize = 4;

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

/// Decodes an event, alone or wrapped. `home` completes a KMS key id to an ARN; `stack_id` is the guard's own stack.
pub fn decode(event: &Value, home: &Home, stack_id: Option<&str>) -> Decoded {
    let context = Context { home, stack_id };
    if let Some(records) = sqs::records(event) {
        return Decoded { envelope: Envelope::Sqs, items: sqs::decode(records, context) };
    }
    if let Some(decoded) = batch_job::decode(event) {
        return decoded;
    }
    let mut item = Item::new("", "event");
    if manual::is_manual(event) {
        manual::decode(event, &mut item);
    } else {
        payload(event, context, 0, &mut item);
    }
    Decoded { envelope: Envelope::Direct, items: vec![item] }
}

/// What decoding needs to know of the guard.
#[derive(Debug, Clone, Copy)]
struct Context<'a> {
    home: &'a Home,
    stack_id: Option<&'a str>,
}

impl Item {
    fn new(id: &str, at: &str) -> Self {
        Self { id: id.to_owned(), at: at.to_owned(), triggers: Vec::new(), problems: Vec::new() }
    }

    fn nothing(&mut self, reason: impl Into<String>) {
        self.triggers.push(Trigger::Nothing { reason: reason.into() });
    }

    /// Notes what was not understood. `inside` is where in the item it stands; empty for the whole of it. Trying again
    /// brings the same input, so it is never retryable.
    fn problem(&mut self, inside: &str, saw: impl Into<String>, want: &str) {
        let at = if inside.is_empty() { self.at.clone() } else { format!("{}: {inside}", self.at) };
        self.problems.push(Problem { at, saw: saw.into(), want: want.to_owned(), retryable: false });
    }
}

/// Decodes one event that may itself be a wrapping. `depth` counts the wrappings around it.
fn payload(event: &Value, context: Context<'_>, depth: usize, item: &mut Item) {
    if depth > MAX_DEPTH {
        item.problem("", format!("events wrapped more than {MAX_DEPTH} times in each other"), WANTED);
    } else if let Some(records) = event.get("Records").and_then(Value::as_array) {
        records_of(records, context, depth, item);
    } else if s3::is_test_event(event) {
        item.nothing("`s3:TestEvent`, which S3 sends when a notification is configured");
    } else if sns::is_http_form(event) {
        sns::decode_body(event, context, depth, item);
    } else if eventbridge::is_event(event) {
        eventbridge::decode(event, context, item);
    } else if manual::is_manual(event) {
        item.problem("", format!("a manual action in a wrapping: {}", json::describe(event)), manual::DIRECT_ONLY);
    } else {
        item.problem("", json::describe(event), WANTED);
    }
}

/// What is wanted of an event, in one sentence.
const WANTED: &str = "an S3 event notification, an EventBridge event of S3, KMS, CloudTrail, CloudFormation or a schedule, an \
                      S3 Batch Operations job, or a manual action; docs/events.md has them all";

fn records_of(records: &[Value], context: Context<'_>, depth: usize, item: &mut Item) {
    if records.is_empty() {
        item.nothing("an empty list of records");
    }
    for (index, record) in records.iter().enumerate() {
        let inside = format!("Records[{index}]");
        if s3::is_record(record) {
            s3::decode(record, &inside, item);
        } else if sns::is_record(record) {
            sns::decode_record(record, &inside, context, depth, item);
        } else {
            item.problem(&inside, json::describe(record), "a record of S3 or SNS");
        }
    }
}
