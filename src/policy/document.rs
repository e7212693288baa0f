//! A policy document: its text, read once into a typed view that knows where each statement is in it.
//!
//! Whoever recognises, judges or edits a statement shares this view. Must never hold a view of anything but its own text.

use crate::model::unknown::Unknown;
use crate::model::verdict::Document;
use crate::policy::json::{Members, Node, get};
use crate::policy::parse::{self, Parsed};
use crate::policy::principal::{Principal, is_role_id};
use crate::policy::raw::{Places, Source, Unreadable, is_space};
use crate::policy::statement::Statement;
use std::ops::Range;

#[cfg(test)]
thread_local! {
    /// How many texts this thread has read: the tests' alone.
    pub(crate) static PARSED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// A policy document's text and its typed, read-only view.
#[derive(Debug, Clone)]
pub struct PolicyDocument {
    text: String,
    source: Source,
    parsed: Parsed,
}

impl PolicyDocument {
    /// Never fails: what is not understood is kept as unknown.
    pub fn parse(text: impl Into<String>) -> Self {
        #[cfg(test)]
        PARSED.set(PARSED.get() + 1);
        let text = text.into();
        let source = Source::read(&text);
        let parsed = parse::document(source.root.as_ref());
        Self { text, source, parsed }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }

    /// In the document's order. An item that is not an object is not here, but in [`PolicyDocument::unknowns`].
    pub fn statements(&self) -> &[Statement] {
        &self.parsed.statements
    }

    /// What was not understood of the document as a whole.
    pub fn unknowns(&self) -> &[Unknown] {
        &self.parsed.unknowns
    }

    /// The JSON value; None if the text is not one.
    pub(crate) fn root(&self) -> Option<&Node> {
        self.source.root.as_ref()
    }

    /// Whether a principal is the unique id of a role: of one that was deleted, or that is not resolved yet.
    pub fn names_a_role_by_id(&self) -> bool {
        let is_role = |principal: &Principal| matches!(principal, Principal::UniqueId(id) if is_role_id(id));
        self.statements().iter().any(|statement| statement.principals.entries().iter().any(is_role))
    }

    /// Whether what it comes to may be something else at another time: the keys are named `aws:CurrentTime` and
    /// `aws:EpochTime`, and an escape may hide any name.
    pub(crate) fn may_ask_for_time(&self) -> bool {
        let text = self.text.to_ascii_lowercase();
        text.contains('\\') || ["currenttime", "epochtime"].iter().any(|key| text.contains(key))
    }

    /// All of it, to be judged.
    pub fn all(&self) -> Statements<'_> {
        Statements {
            each: self.statements().iter().collect(),
            unknowns: self.unknowns(),
            document: Document::BucketPolicy,
        }
    }

    /// These statements, to be judged as if they were the document's. Elements beside the statements that nobody knows
    /// are left out: they are in what S3 keeps all the same, and no statement could make them known.
    pub(crate) fn with<'a>(&'a self, statements: impl Iterator<Item = &'a Statement>) -> Statements<'a> {
        Statements {
            each: statements.collect(),
            unknowns: self.parsed.version.as_slice(),
            document: Document::BucketPolicy,
        }
    }

    /// An Allow for one AWS principal, as it would be read from this document.
    pub(crate) fn allow(
        &self,
        index: usize,
        sid: &str,
        principal: &str,
        actions: &[String],
        resources: &[String],
    ) -> Statement {
        parse::allow(index, sid, principal, actions, resources, self.parsed.variables)
    }

    /// The document with the places of its statements.
    ///
    /// # Errors
    /// It can't be told which bytes are its statements.
    pub fn editable(&self) -> Result<Editable<'_>, &Unreadable> {
        self.source.places.as_ref().map(|places| Editable { document: self, places })
    }
}

/// Statements that are judged together, and what was not understood beside them.
#[derive(Debug, Clone)]
pub struct Statements<'a> {
    pub(crate) each: Vec<&'a Statement>,
    pub(crate) unknowns: &'a [Unknown],
    /// What reasons call the document: a bucket policy, if nothing else was said.
    pub(crate) document: Document,
}

impl Statements<'_> {
    /// The same, of another document than a bucket policy.
    #[must_use]
    pub(crate) fn of(self, document: Document) -> Self {
        Self { document, ..self }
    }
}

/// A document whose statements have places.
#[derive(Debug, Clone, Copy)]
pub struct Editable<'a> {
    pub document: &'a PolicyDocument,
    pub places: &'a Places,
}

/// A statement as it is written in its document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written<'a> {
    pub(crate) statement: &'a Statement,
    pub(crate) node: &'a Node,
}

impl<'a> Written<'a> {
    pub(crate) fn members(&self) -> &'a Members {
        self.node.members()
    }

    /// The first element of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&'a Node> {
        get(self.members(), name)
    }
}

impl<'a> Editable<'a> {
    pub fn text(&self) -> &'a str {
        &self.document.text
    }

    /// INVARIANT: each of the items is an object here, so that a statement's index is its place in both lists.
    pub(crate) fn statements(&self) -> impl Iterator<Item = Written<'a>> {
        let nodes = self.document.root().and_then(|root| get(root.members(), "Statement")).map_or(&[][..], Node::items);
        self.document.statements().iter().zip(nodes).map(|(statement, node)| Written { statement, node })
    }

    /// The bytes of the statement with this index.
    pub fn statement(&self, index: usize) -> Option<(&'a Range<usize>, &'a str)> {
        let range = self.places.statements.get(index)?;
        Some((range, self.document.text.get(range.clone())?))
    }

    /// The space between this statement and the `[` or `,` before it.
    pub(crate) fn space_before(&self, index: usize) -> &'a str {
        let Some(range) = self.places.statements.get(index) else { return "" };
        let before = self.document.text.get(..range.start).unwrap_or_default();
        before.get(before.trim_end_matches(is_space).len()..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_space_before_a_statement_is_what_parts_it_from_its_neighbour() {
        let document = PolicyDocument::parse("{\"Statement\" :[ {\"Sid\":\"a]\\\"\"},\n\t{ } ]} ");
        let policy = document.editable().unwrap();
        assert_eq!((policy.space_before(0), policy.space_before(1)), (" ", "\n\t"));
    }
}
