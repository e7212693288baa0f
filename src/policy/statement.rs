//! The typed, read-only view of a policy document.
//!
//! Everything that is not understood is kept as a name in `unknowns`; nothing is skipped.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>

use crate::model::unknown::Unknown;
use crate::model::verdict::Effect;
use crate::model::why::StatementName;
use crate::policy::condition::Condition;
use crate::policy::pattern::Pattern;
use crate::policy::principal::Principals;

/// One statement of a policy.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Place in the document, from 0.
    pub index: usize,
    pub sid: Option<String>,
    /// None: missing or not one of AWS's two; then it may allow and it may deny, and `unknowns` says why.
    pub effect: Option<Effect>,
    pub principals: Principals,
    /// `Action` or `NotAction`.
    pub actions: Scope,
    /// `Resource` or `NotResource`.
    pub resources: Scope,
    pub conditions: Vec<Condition>,
    /// What was not understood: the statement applies only perhaps.
    pub unknowns: Vec<Unknown>,
}

/// `Action`/`NotAction` or `Resource`/`NotResource`.
#[derive(Debug, Clone)]
pub enum Scope {
    /// Neither element is there.
    Missing,
    /// Any of these.
    Any(Vec<Pattern>),
    /// Anything but these.
    Except(Vec<Pattern>),
}

impl Scope {
    /// The texts as written.
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Self::Missing => Vec::new(),
            Self::Any(patterns) | Self::Except(patterns) => patterns.iter().map(Pattern::text).collect(),
        }
    }
}

impl Statement {
    pub fn name(&self) -> StatementName {
        StatementName { index: self.index, sid: self.sid.clone() }
    }
}
