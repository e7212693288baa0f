//! Writes of the guard and changes by others, as they are remembered.

use crate::model::actor::Actor;
use crate::model::aws::Operation;
use crate::model::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Which document a write or a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    Policy,
    Cors,
    Notification,
}

impl Subject {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Policy, Self::Cors, Self::Notification];

    /// By the name of an event.
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "PutBucketPolicy" | "DeleteBucketPolicy" => Some(Self::Policy),
            "PutBucketCors" | "DeleteBucketCors" => Some(Self::Cors),
            "PutBucketNotification" => Some(Self::Notification),
            _ => None,
        }
    }

    /// The call that writes it.
    pub const fn operation(self) -> Operation {
        match self {
            Self::Policy => Operation::PutBucketPolicy,
            Self::Cors => Operation::PutBucketCors,
            Self::Notification => Operation::PutBucketNotificationConfiguration,
        }
    }
}

/// What of a document compares: digests that only its meaning changes, computed once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Print {
    /// The whole of it; none where there is no document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole: Option<String>,
    /// What of it is others': statements and the members beside them, CORS rules, targets of notifications.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elements: Vec<Element>,
    /// Whether the guard's own part is in it.
    #[serde(default)]
    pub ours: bool,
}

/// One element of a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Element {
    pub digest: String,
    /// For a statement with a principal that S3 may give back under another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed: Option<Renamed>,
}

/// A statement without the names that S3 may change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Renamed {
    pub digest: String,
    /// It has a canonical user id, which S3 gives back as an ARN; else it has such an ARN.
    pub submitted: bool,
}

impl Element {
    /// Whether both are the same element, as submitted or as S3 gives it back.
    pub fn same(&self, other: &Self) -> bool {
        let renamed = match (&self.renamed, &other.renamed) {
            (Some(one), Some(another)) => one.digest == another.digest && one.submitted != another.submitted,
            _ => false,
        };
        self.digest == other.digest || renamed
    }
}

impl Print {
    pub fn has(&self, element: &Element) -> bool {
        self.elements.iter().any(|held| held.same(element))
    }

    /// Whether others' part of both documents is the same, the order of its elements aside.
    pub fn same_elements(&self, other: &Self) -> bool {
        self.elements.iter().all(|element| other.has(element)) && other.elements.iter().all(|element| self.has(element))
    }
}

/// A write of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    pub subject: Subject,
    /// When it was about to be made, before the last read that it rests on.
    #[serde(rename = "begun_ms")]
    pub begun: Timestamp,
    /// When S3 had answered; none if nobody lived to say so.
    #[serde(rename = "done_ms")]
    pub done: Option<Timestamp>,
    /// When the last read before it was made; none if nobody lived to say so.
    #[serde(rename = "read_ms")]
    pub read_at: Option<Timestamp>,
    /// S3 has answered that it was made. Without that it may have been made.
    pub made: bool,
    /// The document that was written: the policy; CORS rules and notifications as JSON.
    pub after: String,
    pub print: Print,
    /// `eventID` of the event that was taken for its own.
    #[serde(skip)]
    pub event: Option<String>,
}

/// A change of somebody else's, as CloudTrail tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub subject: Subject,
    /// `eventID`.
    pub id: String,
    /// `eventName`.
    pub name: String,
    /// `eventTime`: the beginning of its second.
    #[serde(rename = "time_ms")]
    pub time: Timestamp,
    /// The policy, or the CORS rules or notifications as JSON; none where it was deleted.
    pub document: Option<String>,
    pub actor: Actor,
    pub print: Print,
}
