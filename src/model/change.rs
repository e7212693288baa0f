//! Writes of the guard and changes by others, as they are remembered.

use crate::model::actor::Actor;
use serde::{Deserialize, Serialize};

/// Which document a write or a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    Policy,
    Cors,
}

impl Subject {
    /// By the name of an operation or of an event.
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "PutBucketPolicy" | "DeleteBucketPolicy" => Some(Self::Policy),
            "PutBucketCors" | "DeleteBucketCors" => Some(Self::Cors),
            _ => None,
        }
    }
}

/// A write of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    pub subject: Subject,
    /// When it was about to be made, milliseconds since the epoch: before the last read that it rests on.
    pub begun_ms: u64,
    /// When S3 had answered; none if nobody lived to say so.
    pub done_ms: Option<u64>,
    /// The policy, or the CORS rules as JSON.
    pub after: String,
}

/// A change of somebody else's, as CloudTrail tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub subject: Subject,
    /// `eventID`.
    pub id: String,
    /// `eventName`.
    pub name: String,
    /// `eventTime` in milliseconds since the epoch: the beginning of its second.
    pub time_ms: u64,
    /// The policy, or the CORS rules as JSON; none where it was deleted.
    pub document: Option<String>,
    pub actor: Actor,
}
