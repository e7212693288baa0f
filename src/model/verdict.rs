//! The three-valued answer to "may it?" and its logic (Kleene).
//!
//! Must never turn an unknown into a definite answer.

use crate::model::unknown::Unknown;
use crate::model::why::{Applies, Gate, NoAllow, OfGrant, StatementName};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The answer alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Holds for every value of what the inputs leave open.
    Allowed,
    /// Fails for every value of what the inputs leave open.
    Denied,
    /// Hangs on something that nobody here can see; `Verdict::depends_on` names it.
    Depends,
}

/// Which document a statement stands in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Document {
    BucketPolicy,
    KeyPolicy,
    /// An RCP of the organization, by the file that it was read from.
    Rcp(String),
}

/// The effect of a statement, AWS's `Effect` element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Effect {
    Allow,
    Deny,
}

/// The two ways Darwin reads an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reader {
    /// Darwin's servers: signed header, unknown address.
    Server,
    /// The annotator's browser, by a presigned URL.
    Browser,
}

/// One thing behind a verdict. `report::reason` has the words.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reason {
    /// Whom alone it stops, where Darwin's servers and the annotator's browser fare differently.
    pub reader: Option<Reader>,
    pub basis: Basis,
}

/// A statement, a grant, or a gate beside the policy.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// A statement, by its index in the document (from 0) and its Sid.
    Statement {
        document: Document,
        statement: StatementName,
        effect: Effect,
        /// Whether it surely applies; else only if what the verdict depends on turns out so.
        certain: bool,
        /// How it comes to apply; nothing of an Allow that surely applies.
        applies: Applies,
    },
    /// A KMS grant, by its `GrantId`.
    Grant {
        id: String,
        why: OfGrant,
    },
    /// No statement (and no grant) allows the action.
    NothingAllows {
        document: Document,
        why: NoAllow,
    },
    Gate(Gate),
}

impl From<Basis> for Reason {
    fn from(basis: Basis) -> Self {
        Self { reader: None, basis }
    }
}

impl From<Gate> for Reason {
    fn from(gate: Gate) -> Self {
        Basis::Gate(gate).into()
    }
}

/// An answer with what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub decision: Decision,
    /// The statements, grants and gates that decided. Never empty for `Denied`.
    pub because: Vec<Reason>,
    /// What it hangs on; empty unless `Depends`. In order of discovery, each once.
    pub depends_on: Vec<Unknown>,
}

impl Verdict {
    pub fn allowed(because: Vec<Reason>) -> Self {
        Self { decision: Decision::Allowed, because, depends_on: Vec::new() }
    }

    pub fn denied(because: Vec<Reason>) -> Self {
        Self { decision: Decision::Denied, because, depends_on: Vec::new() }
    }

    pub fn depends(because: Vec<Reason>, on: impl IntoIterator<Item = Unknown>) -> Self {
        let mut depends_on = Vec::new();
        merge(&mut depends_on, on);
        Self { decision: Decision::Depends, because, depends_on }
    }

    /// Both must hold. A denial anywhere decides alone; else an unknown anywhere stays open.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self.decision, other.decision) {
            (Decision::Denied, Decision::Denied) | (Decision::Allowed, Decision::Allowed) => {
                Self { because: joined(self.because, other.because), ..self }
            }
            (Decision::Denied, _) | (Decision::Depends, Decision::Allowed) => self,
            (_, Decision::Denied) | (Decision::Allowed, Decision::Depends) => other,
            (Decision::Depends, Decision::Depends) => {
                let mut depends_on = self.depends_on;
                merge(&mut depends_on, other.depends_on);
                Self { decision: Decision::Depends, because: joined(self.because, other.because), depends_on }
            }
        }
    }

    /// The same, said of one way of reading alone.
    #[must_use]
    pub fn of(mut self, reader: Reader) -> Self {
        self.because.iter_mut().for_each(|reason| reason.reader = Some(reader));
        self
    }

    /// The names of what it hangs on.
    pub fn names(&self) -> Vec<String> {
        self.depends_on.iter().map(ToString::to_string).collect()
    }

    pub fn is_allowed(&self) -> bool {
        self.decision == Decision::Allowed
    }

    pub fn is_denied(&self) -> bool {
        self.decision == Decision::Denied
    }
}

fn joined(mut left: Vec<Reason>, right: Vec<Reason>) -> Vec<Reason> {
    merge(&mut left, right);
    left
}

fn merge<T: PartialEq>(into: &mut Vec<T>, from: impl IntoIterator<Item = T>) {
    for item in from {
        if !into.contains(&item) {
            into.push(item);
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Depends => "depends",
        })
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BucketPolicy => f.write_str("bucket policy"),
            Self::KeyPolicy => f.write_str("key policy"),
            // No name ends the code that it is in.
            Self::Rcp(file) => write!(f, "RCP `{}`", file.replace('`', "'")),
        }
    }
}
