//! Our statements put into somebody's document, in the layout of their neighbours.
//!
//! Must never touch a byte of a statement or element that is not ours.

use crate::policy::document::{Editable, PolicyDocument};
use crate::policy::raw::{Edit, edited, is_space};
use crate::policy::statement::Statement;
use crate::repair::policy::ours::Wanted;
use serde_json::Value;
use std::fmt::Write;

/// The `Id` of a document that we begin: V7's.
pub const DOCUMENT_ID: &str = "PolicyForExternalAccess";

/// A statement of ours, to be printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NewStatement {
    pub sid: String,
    pub wanted: Wanted,
}

impl NewStatement {
    /// As it would read in this document, in this place.
    pub(super) fn typed(&self, document: &PolicyDocument, index: usize, role: &str) -> Statement {
        document.allow(index, &self.sid, role, &self.wanted.actions, &self.wanted.resources)
    }
}

/// What happens to a document's statements.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// In the place of the statement with this index.
    pub replace: Vec<(usize, NewStatement)>,
    pub remove: Vec<usize>,
    /// After the last.
    pub append: Vec<NewStatement>,
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        self.replace.is_empty() && self.remove.is_empty() && self.append.is_empty()
    }
}

/// The document with the changes made. None if a statement to remove is the only one (callers replace it).
pub(super) fn changed(policy: Editable<'_>, changes: &Changes, role: &str) -> Option<String> {
    let mut edits = Vec::new();
    for (index, ours) in &changes.replace {
        let (range, _) = policy.statement(*index)?;
        edits.push(Edit { range: range.clone(), text: printed(ours, role, &Layout::around(policy, *index)) });
    }
    edits.extend(removals(policy, &changes.remove)?);
    if !changes.append.is_empty() {
        edits.extend(appended(policy, &changes.append, role));
    }
    edited(policy.text(), edits)
}

/// Runs of statements cut out, each with one comma and the space that goes with it.
fn removals(policy: Editable<'_>, remove: &[usize]) -> Option<Vec<Edit>> {
    let gone = |index: usize| remove.contains(&index);
    let mut edits = Vec::new();
    if remove.is_empty() {
        return Some(edits);
    }
    let places = policy.places.statements.as_slice();
    let first_kept = (0..places.len()).find(|index| !gone(*index))?;
    if first_kept > 0 {
        let (first, kept) = (places.first()?, places.get(first_kept)?);
        edits.push(Edit { range: first.start..kept.start, text: String::new() });
    }
    let mut last_kept = first_kept;
    for index in first_kept..places.len() {
        let next_stays = places.len() == index + 1 || !gone(index + 1);
        if !gone(index) {
            last_kept = index;
        } else if next_stays {
            let (kept, end) = (places.get(last_kept)?, places.get(index)?);
            edits.push(Edit { range: kept.end..end.end, text: String::new() });
        }
    }
    Some(edits)
}

fn appended(policy: Editable<'_>, append: &[NewStatement], role: &str) -> Vec<Edit> {
    let at = |at: usize, text: String| Edit { range: at..at, text };
    let places = policy.places;
    let Some(last) = places.statements.last() else {
        // An empty list.
        let all: Vec<String> = append.iter().map(|ours| printed(ours, role, &Layout::Compact)).collect();
        return vec![at(places.value.start + 1, all.join(","))];
    };
    let index = places.statements.len().saturating_sub(1);
    let layout = Layout::around(policy, index);
    let space = match &layout {
        _ if places.is_list => policy.space_before(index),
        Layout::Compact => "",
        Layout::Indented { .. } => " ",
    };
    let text = append.iter().fold(String::new(), |text, ours| text + "," + space + &printed(ours, role, &layout));
    if places.is_list {
        vec![at(last.end, text)]
    } else {
        vec![at(last.start, "[".to_owned()), at(last.end, text + "]")]
    }
}

/// How a statement is laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Layout {
    Compact,
    /// The indentation of the statement's own braces, and what each level adds.
    Indented {
        base: String,
        step: String,
    },
}

impl Layout {
    /// The layout of the statement with this index.
    fn around(policy: Editable<'_>, index: usize) -> Self {
        let Some((range, statement)) = policy.statement(index) else { return Self::Compact };
        if !statement.contains('\n') {
            return Self::Compact;
        }
        let indent = |space: &str| space.rsplit_once('\n').map(|(_, indent)| indent.to_owned());
        let base = line_indent(policy.text(), range.start);
        let inner = statement.strip_prefix('{').unwrap_or_default();
        let space = inner.get(..inner.len() - inner.trim_start_matches(is_space).len()).unwrap_or_default();
        let step = indent(space).and_then(|inner| inner.strip_prefix(base.as_str()).map(str::to_owned));
        let step = step.filter(|step| !step.is_empty()).unwrap_or_else(|| "  ".to_owned());
        Self::Indented { base, step }
    }
}

/// The space at the beginning of the line on which this offset lies.
fn line_indent(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or_default();
    let line = before.rsplit_once('\n').map_or(before, |(_, line)| line);
    line.chars().take_while(|c| is_space(*c)).collect()
}

/// V7's statement, in this layout.
fn printed(ours: &NewStatement, role: &str, layout: &Layout) -> String {
    let (newline, step, colon, comma) = match layout {
        Layout::Compact => (String::new(), "", ":", ","),
        Layout::Indented { base, step } => (format!("\n{base}"), step.as_str(), ": ", ", "),
    };
    let members = [
        ("Sid", quoted(&ours.sid)),
        ("Effect", quoted("Allow")),
        ("Principal", format!("{{{newline}{step}{step}\"AWS\"{colon}{}{newline}{step}}}", quoted(role))),
        ("Action", one_or_list(&ours.wanted.actions, comma)),
        ("Resource", one_or_list(&ours.wanted.resources, comma)),
    ];
    let mut out = String::from("{");
    for (index, (name, value)) in members.iter().enumerate() {
        let separator = if index == 0 { "" } else { "," };
        // Writing to a string can't fail.
        let _ = write!(out, "{separator}{newline}{step}\"{name}\"{colon}{value}");
    }
    out + &newline + "}"
}

/// V7's statement on lines of its own.
pub(super) fn indented(ours: &NewStatement, role: &str) -> String {
    printed(ours, role, &Layout::Indented { base: String::new(), step: "  ".to_owned() })
}

fn one_or_list(values: &[String], comma: &str) -> String {
    match values {
        [one] => quoted(one),
        _ => format!("[{}]", values.iter().map(|value| quoted(value)).collect::<Vec<_>>().join(comma)),
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// V7's whole document, for a bucket without a policy.
pub(super) fn document(all: &[NewStatement], role: &str) -> String {
    let layout = Layout::Indented { base: "    ".to_owned(), step: "  ".to_owned() };
    let statements: Vec<String> = all.iter().map(|ours| format!("    {}", printed(ours, role, &layout))).collect();
    format!(
        "{{\n  \"Version\": \"2012-10-17\",\n  \"Id\": \"{DOCUMENT_ID}\",\n  \"Statement\": [\n{}\n  ]\n}}",
        statements.join(",\n")
    )
}
