//! The answer of every invocation, as data, and the forms it goes out in.
//!
//! Must never hold object content or credentials. No form may drop a part without saying so.

use crate::judge::object::JudgedObject;
use crate::model::outcome::{Action, ActionResult, CorsState, Problem, Read};
use crate::model::verdict::Decision;
use crate::report::finding::{FindingAnswer, Weight};
use crate::report::reason::sentences;
#[cfg(test)]
mod tests;

use serde::Serialize;

/// What one invocation found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "cli", derive(serde::Deserialize))]
pub struct Answer {
    pub objects: Vec<ObjectAnswer>,
    /// Allowed objects that are in no list: a queue reads none.
    #[serde(skip)]
    pub unlisted: usize,
    pub buckets: Vec<BucketAnswer>,
    pub problems: Vec<Problem>,
    /// Whether RCPs were judged too, as the tool can be given some.
    #[serde(skip)]
    pub rcps: bool,
    /// The activation message for V7: of every bucket that an audit finds ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activation: Option<String>,
}

impl Answer {
    /// How many objects have this verdict, listed or not.
    pub fn count(&self, read: Read) -> usize {
        let listed = self.objects.iter().filter(|object| object.read == read).count();
        if read == Read::Allowed { listed + self.unlisted } else { listed }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "cli", derive(serde::Deserialize))]
pub struct ObjectAnswer {
    pub bucket: String,
    pub key: String,
    /// The version that was judged, where the bucket has versions.
    pub version_id: Option<String>,
    pub read: Read,
    pub because: Vec<String>,
    pub depends_on: Vec<String>,
    /// `none`, `AES256`, `aws:kms`, `aws:kms:dsse`, `sse-c`; null where it was not read.
    pub encryption: Option<String>,
    /// ARN of the KMS key, as HeadObject gives it.
    pub kms_key: Option<String>,
}

impl From<&JudgedObject> for ObjectAnswer {
    fn from(judged: &JudgedObject) -> Self {
        let mut because = sentences(&judged.because);
        if judged.read == Read::Gone {
            because.push("deleted meanwhile".to_owned());
        }
        if let (Some(asked), Some(got)) = (&judged.instead_of, &judged.version_id) {
            because.push(format!("version `{got}` was judged, not `{asked}`"));
        }
        Self {
            bucket: judged.bucket.clone(),
            key: judged.key.clone(),
            version_id: judged.version_id.clone(),
            read: judged.read,
            because,
            depends_on: judged.depends_on.iter().map(ToString::to_string).collect(),
            encryption: judged.encryption.clone(),
            kms_key: judged.kms_key.clone(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "cli", derive(serde::Deserialize))]
pub struct BucketAnswer {
    pub bucket: String,
    pub read: Decision,
    /// Null for a read-only bucket.
    pub write: Option<Decision>,
    /// Null where it could not be read.
    pub cors: Option<CorsState>,
    pub drifts: Vec<FindingAnswer>,
    pub findings: Vec<FindingAnswer>,
    pub actions: Vec<Action>,
    /// Unified diff of what was or would be written; null when there is nothing to write.
    pub plan: Option<String>,
    /// Whether the writes showed when read again; null where nothing was written.
    pub verified: Option<bool>,
    /// The activation details for V7, of a bucket that an audit finds ready.
    pub activation: Option<String>,
}

impl BucketAnswer {
    /// Whether drift is left: found, and not repaired by writes that all showed.
    pub fn drift_is_left(&self) -> bool {
        let repaired = self.verified == Some(true)
            && !self.actions.is_empty()
            && self.actions.iter().all(|action| action.result == ActionResult::Done);
        !self.drifts.is_empty() && !repaired
    }

    /// Whether something stands in Darwin's way here that is known, not merely open.
    pub fn is_wrong(&self) -> bool {
        self.read == Decision::Denied
            || self.write == Some(Decision::Denied)
            || self.drift_is_left()
            || self.findings.iter().any(|finding| finding.weight() >= Weight::Wrong)
    }

    /// Whether a question stays open.
    pub fn is_open(&self) -> bool {
        self.read == Decision::Depends
            || self.write == Some(Decision::Depends)
            || self.findings.iter().any(|finding| finding.weight() == Weight::Open)
    }
}

/// The exit status where objects were asked for by their keys: one that is not there is no success.
pub fn exit_code_of_judge(answer: &Answer) -> u8 {
    exit_code(answer).max(u8::from(answer.objects.iter().any(|object| object.read == Read::Gone)))
}

/// The exit status of the shell form: 0 all well (or open questions only), 1 denied, findings or drift left, 2 could
/// not run, or not all of it.
pub fn exit_code(answer: &Answer) -> u8 {
    let Answer { objects, unlisted: _, buckets, problems, rcps: _, activation: _ } = answer;
    let denied = |object: &ObjectAnswer| object.read == Read::Denied;
    if problems.is_empty() {
        u8::from(buckets.iter().any(BucketAnswer::is_wrong) || objects.iter().any(denied))
    } else {
        2
    }
}
