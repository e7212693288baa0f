//! Resource policies of S3 and KMS: read, and judged in three values.
//!
//! [`PolicyDocument::parse`] never fails: what is not understood stays in the view as a name, and every verdict that it
//! could change depends on that name. Must never let an unknown vanish, least of all one in a Deny.

mod condition;
mod evaluate;
mod explain;
mod json;
pub mod merge;
mod parse;
mod pattern;
mod principal;
mod public;
mod statement;
mod truth;
mod values;

pub use condition::Condition;
pub(crate) use evaluate::{Question, Sides, sides, verdict};
pub use evaluate::{evaluate, evaluate_statement};
pub(crate) use explain::{allows, denies, may_allow, may_deny, nothing_allows};
pub use pattern::Pattern;
pub use principal::{Principal, Principals};
pub use public::{is_surely_not_public, public_statements};
pub use statement::{Scope, Statement};
pub use truth::Truth;

/// A policy document's typed, read-only view.
#[derive(Debug, Clone)]
pub struct PolicyDocument {
    parsed: parse::Parsed,
}

impl PolicyDocument {
    /// Never fails: what is not understood is kept as unknown.
    pub fn parse(text: &str) -> Self {
        Self { parsed: parse::document(text) }
    }

    /// In the document's order. An item that is not an object is not here, but in [`PolicyDocument::unknowns`].
    pub fn statements(&self) -> &[Statement] {
        &self.parsed.statements
    }

    /// Names of what was not understood of the document as a whole (`element:NAME`, `value:TEXT`).
    pub fn unknowns(&self) -> &[String] {
        &self.parsed.unknowns
    }
}
