//! What became of a question, a write or a piece of input: the small closed lists that answers are made of.
//!
//! Must never hold a sentence that a rule decided on.

use crate::model::aws::Operation;
use crate::model::verdict::Decision;
use serde::{Deserialize, Serialize};

/// Whether Darwin can read an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "cli", derive(Deserialize))]
#[serde(rename_all = "lowercase")]
pub enum Read {
    Allowed,
    Denied,
    Depends,
    /// The object was deleted meanwhile: not a failure.
    Gone,
}

impl From<Decision> for Read {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Allowed => Self::Allowed,
            Decision::Denied => Self::Denied,
            Decision::Depends => Self::Depends,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "cli", derive(Deserialize))]
#[serde(rename_all = "lowercase")]
pub enum CorsState {
    Ok,
    Missing,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    pub operation: Operation,
    pub result: ActionResult,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_by: Option<Refusal>,
}

/// What forbids a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// `MODE=flag`.
    Mode,
    /// The bucket's tag `darwin-guard = paused`.
    PauseTag,
    /// The bucket's tags can't be read, which counts as paused.
    UnreadTags,
    /// The repair was undone as often as the limit allows.
    Contest,
    /// The incident table does not answer.
    Table,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionResult {
    Done,
    /// `--dry-run` or `"dry_run": true`.
    DryRun,
    /// Mode, tag, table or contest forbids the write.
    Refused,
    Failed,
}

/// Something of the input, or of the guard's own calls, that could not be dealt with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "cli", derive(Deserialize))]
pub struct Problem {
    /// Where in the input, or on which bucket and operation, e.g. `Records[2]`.
    #[serde(rename = "where")]
    pub at: String,
    /// What was seen.
    pub saw: String,
    /// What was wanted instead.
    pub want: String,
    /// Whether trying again can help.
    pub retryable: bool,
}

impl Read {
    /// The word in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Depends => "depends",
            Self::Gone => "gone",
        }
    }
}

impl ActionResult {
    /// The word in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::DryRun => "dry_run",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}
