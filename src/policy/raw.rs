//! A policy's text, read once: its members, and where its statements are, so that who edits one of them leaves every
//! other byte alone.
//!
//! Members and elements keep their order, duplicates and unknown ones included. Must never print anything anew that it
//! was not asked to change.

use crate::policy::json::Node;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// A JSON value: its text without the space around it, and where that lies in the whole document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slice<'a> {
    text: &'a str,
    /// Byte offset in the document.
    start: usize,
}

impl<'a> Slice<'a> {
    fn within(outer: &'a str, start: usize, inner: &'a RawValue) -> Option<Self> {
        let text = inner.get();
        let offset = text.as_ptr().addr().checked_sub(outer.as_ptr().addr())?;
        Some(Self { text, start: start + offset })
    }

    fn range(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    /// The members in their order, names unescaped, repeated names kept; None unless it is an object.
    fn members(&self) -> Option<Vec<(Cow<'a, str>, Slice<'a>)>> {
        let Members(members) = serde_json::from_str(self.text).ok()?;
        members.into_iter().map(|(name, value)| Some((name, Self::within(self.text, self.start, value)?))).collect()
    }

    /// The elements in their order; None unless it is a list.
    fn elements(&self) -> Option<Vec<Slice<'a>>> {
        let Elements(elements) = serde_json::from_str(self.text).ok()?;
        elements.into_iter().map(|value| Self::within(self.text, self.start, value)).collect()
    }
}

struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// A string, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((Name(name), value)) = map.next_entry()? {
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

struct Elements<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Elements<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Elements<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut elements = Vec::new();
                while let Some(value) = list.next_element()? {
                    elements.push(value);
                }
                Ok(Elements(elements))
            }
        }
        deserializer.deserialize_seq(List)
    }
}

/// Where the statements of a policy are in its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The value of `Statement`: a list, or one statement alone.
    pub value: Range<usize>,
    pub statements: Vec<Range<usize>>,
    /// Whether `Statement` is a list.
    pub is_list: bool,
}

/// Why a document can't be edited. The text completes "the policy ...".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("is not one JSON value")]
    NotJson,
    #[error("is not a JSON object")]
    NotAnObject,
    #[error("has no `Statement`")]
    NoStatement,
    #[error("has the element `{0}` more than once")]
    Repeated(String),
    #[error("has the element `{0}`, which differs from `Statement` in case alone")]
    OtherCase(String),
    #[error("has a `Statement` that holds something else than statements")]
    NotStatements,
}

/// A text, read.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// None if it is not one JSON value.
    pub(super) root: Option<Node>,
    pub(super) places: Result<Places, Unreadable>,
}

impl Source {
    pub(super) fn read(text: &str) -> Self {
        let Some(top) = (Slice { text, start: 0 }).members() else {
            let root = Node::parse(text);
            let why = if root.is_some() { Unreadable::NotAnObject } else { Unreadable::NotJson };
            return Self { root, places: Err(why) };
        };
        let mut members = Vec::with_capacity(top.len());
        let mut places = Err(Unreadable::NoStatement);
        for (name, value) in top {
            let list = if name == "Statement" { value.elements() } else { None };
            let node = match &list {
                Some(list) => list.iter().map(|one| Node::parse(one.text)).collect::<Option<_>>().map(Node::List),
                None => Node::parse(value.text),
            };
            let Some(node) = node else {
                return Self { root: None, places: Err(Unreadable::NotJson) };
            };
            if name == "Statement" {
                places = Places::of(value, list.as_deref(), &node);
            }
            members.push((name.into_owned(), node));
        }
        let places = ambiguous(&members).map_or(places, Err);
        Self { root: Some(Node::Object(members)), places }
    }
}

impl Places {
    fn of(value: Slice<'_>, list: Option<&[Slice<'_>]>, node: &Node) -> Result<Self, Unreadable> {
        if node.items().iter().any(|item| !matches!(item, Node::Object(_))) {
            return Err(Unreadable::NotStatements);
        }
        let statements = list.map_or_else(|| vec![value.range()], |list| list.iter().map(Slice::range).collect());
        Ok(Self { value: value.range(), statements, is_list: list.is_some() })
    }
}

/// What makes it a guess which member counts.
fn ambiguous(members: &[(String, Node)]) -> Option<Unreadable> {
    let alike = |name: &str| name != "Statement" && name.eq_ignore_ascii_case("Statement");
    if let Some((name, _)) = members.iter().find(|(name, _)| alike(name)) {
        return Some(Unreadable::OtherCase(name.clone()));
    }
    let repeated = |known: &&str| members.iter().filter(|(name, _)| name == known).count() > 1;
    ["Statement", "Version"].into_iter().find(repeated).map(|name| Unreadable::Repeated(name.to_owned()))
}

/// JSON's own four kinds of space.
pub fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// One change of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    pub range: Range<usize>,
    pub text: String,
}

/// The text with the edits made; those at one place in their order. None if two of them meet.
pub fn edited(text: &str, mut edits: Vec<Edit>) -> Option<String> {
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let mut out = String::with_capacity(text.len() + edits.iter().map(|edit| edit.text.len()).sum::<usize>());
    let mut at = 0;
    for edit in edits {
        out.push_str(text.get(at..edit.range.start)?);
        out.push_str(&edit.text);
        at = edit.range.end;
    }
    out.push_str(text.get(at..)?);
    Some(out)
}

/// The value printed so that layout and the order of members make no difference.
pub fn canonical(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Object(map) => {
            let mut members: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{}:{}", serde_json::Value::from(key.as_str()), canonical(value)))
                .collect();
            members.sort();
            format!("{{{}}}", members.join(","))
        }
        serde_json::Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_found_where_they_stand() {
        let text = " {\"Id\": {\"Statement\": 1},\r\n\"St\\u0061tement\" :[ {\"Sid\":\"a]\\\"\"}\t, { } ]} ";
        let places = Source::read(text).places.unwrap();
        let found: Vec<&str> = places.statements.iter().filter_map(|range| text.get(range.clone())).collect();
        assert_eq!(found, ["{\"Sid\":\"a]\\\"\"}", "{ }"]);
        assert!(places.is_list);
    }

    #[test]
    fn one_statement_may_stand_alone() {
        let text = r#"{"Statement": {"Effect":"Allow"}}"#;
        let places = Source::read(text).places.unwrap();
        assert_eq!((places.statements.len(), places.is_list), (1, false));
        assert_eq!(places.value, places.statements[0]);
    }

    #[test]
    fn repeated_members_are_kept_in_their_order() {
        let members = Slice { text: r#"{"a":1,"\u0061":[2],"b":{}}"#, start: 0 }.members().unwrap();
        let seen: Vec<(&str, &str)> = members.iter().map(|(name, value)| (name.as_ref(), value.text)).collect();
        assert_eq!(seen, [("a", "1"), ("a", "[2]"), ("b", "{}")]);
    }

    #[test]
    fn what_is_no_policy_is_told_apart() {
        let deep = format!("{{\"Statement\":{}{}}}", "[".repeat(300), "]".repeat(300));
        for (text, why) in [
            ("", Unreadable::NotJson),
            ("{}x", Unreadable::NotJson),
            ("[]", Unreadable::NotAnObject),
            ("null", Unreadable::NotAnObject),
            ("{}", Unreadable::NoStatement),
            (r#"{"Statement":[],"Statement":[]}"#, Unreadable::Repeated("Statement".to_owned())),
            (r#"{"Version":"a","Version":"b","Statement":[]}"#, Unreadable::Repeated("Version".to_owned())),
            (r#"{"statement":[]}"#, Unreadable::OtherCase("statement".to_owned())),
            (r#"{"Statement":[1]}"#, Unreadable::NotStatements),
            (r#"{"Statement":"x"}"#, Unreadable::NotStatements),
            (&deep, Unreadable::NotJson),
        ] {
            assert_eq!(Source::read(text).places.unwrap_err(), why, "{text}");
        }
    }

    #[test]
    fn edits_touch_nothing_else_and_never_meet() {
        let edit = |range, text: &str| Edit { range, text: text.to_owned() };
        assert_eq!(edited("abcdef", vec![edit(4..4, "X"), edit(1..2, "")]).unwrap(), "acdXef");
        assert_eq!(edited("abcdef", vec![edit(1..3, ""), edit(2..4, "")]), None);
        assert_eq!(edited("äb", vec![edit(1..2, "")]), None);
    }
}
