//! A policy document as a typed view of its text.

use crate::policy::parse;
use crate::policy::statement::Statement;
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
