//! The three-valued answer to "may it?" and its logic (Kleene).
//!
//! Must never turn an unknown into a definite answer.

use serde::Serialize;
use std::fmt;

/// The answer alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Document {
    BucketPolicy,
    KeyPolicy,
}

/// The effect of a statement, AWS's `Effect` element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Effect {
    Allow,
    Deny,
}

/// One thing behind a verdict: a statement, a grant, or a gate beside the policy.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A statement, by its index in the document (from 0) and its Sid.
    Statement {
        document: Document,
        index: usize,
        sid: Option<String>,
        effect: Effect,
        /// Whether it surely applies; else only if what the verdict depends on turns out so.
        certain: bool,
        /// What of the statement decided, as a phrase ("requires aws:SourceVpce = vpce-1, which ...").
        detail: String,
    },
    /// A KMS grant, by its `GrantId`.
    Grant { id: String, detail: String },
    /// No statement (and no grant) allows the action.
    NothingAllows { document: Document, detail: String },
    /// A gate beside the policy: key state, `RestrictPublicBuckets`, object ownership, storage class ...
    Gate { name: String, detail: String },
}

/// An answer with what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub decision: Decision,
    /// The statements, grants and gates that decided. Never empty for `Denied`.
    pub because: Vec<Reason>,
    /// Names of what it hangs on; empty unless `Depends`. In order of discovery, each once.
    pub depends_on: Vec<String>,
}

impl Verdict {
    pub fn allowed(because: Vec<Reason>) -> Self {
        Self { decision: Decision::Allowed, because, depends_on: Vec::new() }
    }

    pub fn denied(because: Vec<Reason>) -> Self {
        Self { decision: Decision::Denied, because, depends_on: Vec::new() }
    }

    pub fn depends(because: Vec<Reason>, on: impl IntoIterator<Item = String>) -> Self {
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
        f.write_str(match self {
            Self::BucketPolicy => "bucket policy",
            Self::KeyPolicy => "key policy",
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Statement { document, index, sid, effect, certain, detail } => {
                let verb = match (effect, certain) {
                    (Effect::Allow, true) => "allowed by",
                    (Effect::Allow, false) => "perhaps allowed by",
                    (Effect::Deny, true) => "denied by",
                    (Effect::Deny, false) => "perhaps denied by",
                };
                match sid {
                    Some(sid) => write!(f, "{verb} statement `{sid}` (#{index}) of the {document}")?,
                    None => write!(f, "{verb} statement #{index} of the {document}")?,
                }
                suffix(f, detail)
            }
            Self::Grant { id, detail } => {
                write!(f, "grant `{id}`")?;
                suffix(f, detail)
            }
            Self::NothingAllows { document, detail } => {
                write!(f, "nothing in the {document} allows it")?;
                suffix(f, detail)
            }
            Self::Gate { name, detail } => {
                write!(f, "{name}")?;
                suffix(f, detail)
            }
        }
    }
}

fn suffix(f: &mut fmt::Formatter<'_>, detail: &str) -> fmt::Result {
    if detail.is_empty() { Ok(()) } else { write!(f, ": {detail}") }
}

impl Serialize for Reason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
