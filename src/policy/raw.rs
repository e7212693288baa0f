//! A policy document as text with places: who edits one statement leaves every other byte alone.
//!
//! A view over the JSON text, members and elements in their order, duplicates and unknown ones included. Must never
//! print anything anew that it was not asked to change.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// A JSON value: its text without the space around it, and where that lies in the whole document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice<'a> {
    pub text: &'a str,
    /// Byte offset in the document.
    pub start: usize,
}

impl<'a> Slice<'a> {
    /// The whole document; None unless it is one JSON value, with nothing but space around it.
    pub fn whole(document: &'a str) -> Option<Self> {
        let value: &RawValue = serde_json::from_str(document).ok()?;
        Self::within(document, 0, value)
    }

    fn within(outer: &'a str, start: usize, inner: &'a RawValue) -> Option<Self> {
        let text = inner.get();
        let offset = text.as_ptr().addr().checked_sub(outer.as_ptr().addr())?;
        Some(Self { text, start: start + offset })
    }

    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }

    pub fn range(&self) -> Range<usize> {
        self.start..self.end()
    }

    /// The members in their order, names unescaped, repeated names kept; None unless it is an object.
    pub fn members(&self) -> Option<Vec<(Cow<'a, str>, Slice<'a>)>> {
        let Members(members) = serde_json::from_str(self.text).ok()?;
        members.into_iter().map(|(name, value)| Some((name, Self::within(self.text, self.start, value)?))).collect()
    }

    /// The elements in their order; None unless it is a list.
    pub fn elements(&self) -> Option<Vec<Slice<'a>>> {
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

/// Where the statements of a policy stand.
#[derive(Debug, Clone)]
pub struct RawPolicy<'a> {
    pub text: &'a str,
    /// The value of `Statement`: a list, or one statement alone.
    pub value: Slice<'a>,
    pub statements: Vec<Slice<'a>>,
    /// The value of `Version`.
    pub version: Option<Slice<'a>>,
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

impl<'a> RawPolicy<'a> {
    pub fn parse(text: &'a str) -> Result<Self, Unreadable> {
        let whole = Slice::whole(text).ok_or(Unreadable::NotJson)?;
        // Deeper than the evaluator's parser goes is no policy.
        serde_json::from_str::<serde_json::Value>(text).map_err(|_| Unreadable::NotJson)?;
        let members = whole.members().ok_or(Unreadable::NotAnObject)?;
        if let Some((name, _)) = members.iter().find(|(name, _)| name != "Statement" && alike(name)) {
            return Err(Unreadable::OtherCase(name.clone().into_owned()));
        }
        for known in ["Statement", "Version"] {
            if members.iter().filter(|(name, _)| name == known).count() > 1 {
                return Err(Unreadable::Repeated(known.to_owned()));
            }
        }
        let find = |wanted: &str| members.iter().find(|(name, _)| name == wanted).map(|(_, value)| *value);
        let value = find("Statement").ok_or(Unreadable::NoStatement)?;
        let (statements, is_list) = match value.elements() {
            Some(statements) => (statements, true),
            None => (vec![value], false),
        };
        if statements.iter().any(|statement| !statement.text.starts_with('{')) {
            return Err(Unreadable::NotStatements);
        }
        Ok(Self { text, value, statements, version: find("Version"), is_list })
    }

    /// The space between this statement and the `[` or `,` before it.
    pub fn space_before(&self, index: usize) -> &'a str {
        let Some(statement) = self.statements.get(index) else { return "" };
        let before = self.text.get(..statement.start).unwrap_or_default();
        before.get(before.trim_end_matches(is_space).len()..).unwrap_or_default()
    }
}

fn alike(name: &str) -> bool {
    name.eq_ignore_ascii_case("Statement")
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
        let policy = RawPolicy::parse(text).unwrap();
        let found: Vec<&str> = policy.statements.iter().filter_map(|statement| text.get(statement.range())).collect();
        assert_eq!(found, ["{\"Sid\":\"a]\\\"\"}", "{ }"]);
        assert!(policy.is_list);
        assert_eq!((policy.space_before(0), policy.space_before(1)), (" ", " "));
    }

    #[test]
    fn one_statement_may_stand_alone() {
        let text = r#"{"Statement": {"Effect":"Allow"}}"#;
        let policy = RawPolicy::parse(text).unwrap();
        assert_eq!((policy.statements.len(), policy.is_list), (1, false));
        assert_eq!(policy.value, policy.statements[0]);
    }

    #[test]
    fn repeated_members_are_kept_in_their_order() {
        let members = Slice::whole(r#"{"a":1,"\u0061":[2],"b":{}}"#).unwrap().members().unwrap();
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
            assert_eq!(RawPolicy::parse(text).unwrap_err(), why, "{text}");
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
