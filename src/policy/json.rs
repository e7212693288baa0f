//! JSON as the policy reader needs it: objects keep their order and their duplicate names.
//!
//! `serde_json::Value` keeps only the last of two equal names, which would let a Deny vanish. Must never panic on any
//! input: `serde_json` bounds the depth.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use std::fmt;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    /// In the document's order, duplicates included.
    Object(Vec<(String, Node)>),
}

impl Node {
    /// None if the text is not one JSON value, or nests too deeply.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a string, number or boolean.
    pub(crate) fn scalar(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            // In full: 1e3 is 1000.
            Self::Number(number) if number.is_f64() => number.as_f64().map(|number| number.to_string()),
            Self::Number(number) => Some(number.to_string()),
            Self::Bool(value) => Some(value.to_string()),
            Self::Null | Self::List(_) | Self::Object(_) => None,
        }
    }

    /// A list's items, or the one value itself.
    pub(crate) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            one => std::slice::from_ref(one),
        }
    }

    /// An object's members; none of anything else.
    pub(crate) fn members(&self) -> &Members {
        match self {
            Self::Object(members) => members,
            _ => &[],
        }
    }

    /// A string or a list of strings, as a list.
    pub(crate) fn strings(&self) -> Option<Vec<String>> {
        match self {
            Self::Text(_) | Self::List(_) => {
                self.items().iter().map(|item| item.as_text().map(str::to_owned)).collect()
            }
            _ => None,
        }
    }
}

/// An object's members in their order.
pub(crate) type Members = [(String, Node)];

/// The first member of that name.
pub(crate) fn get<'a>(members: &'a Members, name: &str) -> Option<&'a Node> {
    members.iter().find(|(other, _)| other == name).map(|(_, node)| node)
}

/// For forms that compare: of two members of one name the last counts.
impl From<&Node> for Value {
    fn from(node: &Node) -> Self {
        match node {
            Node::Null => Self::Null,
            Node::Bool(value) => Self::Bool(*value),
            Node::Number(number) => Self::Number(number.clone()),
            Node::Text(text) => Self::String(text.clone()),
            Node::List(items) => items.iter().map(Self::from).collect(),
            Node::Object(members) => {
                Self::Object(members.iter().map(|(name, node)| (name.clone(), Self::from(node))).collect())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        Number::from_f64(value).map(Node::Number).ok_or_else(|| E::custom("a number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Node, E> {
        Ok(Node::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = access.next_entry()? {
            members.push(member);
        }
        Ok(Node::Object(members))
    }
}
