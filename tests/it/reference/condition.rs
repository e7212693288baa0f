//! A statement's conditions in one world.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>

use super::statement::list;
use super::text::{self, Filled};
use super::world::World;
use serde_json::Value;

/// How the values of a key are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Set {
    One,
    All,
    Any,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compare {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text { ignore_case: bool, wildcards: bool },
    Arn,
    Number(Compare),
    Date(Compare),
    Bool,
    Binary,
    Address,
    Null,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Operator {
    pub(super) set: Set,
    pub(super) kind: Kind,
    negated: bool,
    if_exists: bool,
}

pub(super) fn operator(name: &str) -> Option<Operator> {
    let (set, rest) = match name.split_once(':') {
        Some(("ForAllValues", rest)) => (Set::All, rest),
        Some(("ForAnyValue", rest)) => (Set::Any, rest),
        Some(_) => return None,
        None => (Set::One, name),
    };
    let (base, if_exists) = match rest.strip_suffix("IfExists") {
        Some(base) => (base, true),
        None => (rest, false),
    };
    let text = |ignore_case, wildcards| Kind::Text { ignore_case, wildcards };
    let (kind, negated) = match base {
        "StringEquals" => (text(false, false), false),
        "StringNotEquals" => (text(false, false), true),
        "StringEqualsIgnoreCase" => (text(true, false), false),
        "StringNotEqualsIgnoreCase" => (text(true, false), true),
        "StringLike" => (text(false, true), false),
        "StringNotLike" => (text(false, true), true),
        "ArnEquals" | "ArnLike" => (Kind::Arn, false),
        "ArnNotEquals" | "ArnNotLike" => (Kind::Arn, true),
        "NumericEquals" => (Kind::Number(Compare::Equal), false),
        "NumericNotEquals" => (Kind::Number(Compare::Equal), true),
        "NumericLessThan" => (Kind::Number(Compare::Less), false),
        "NumericLessThanEquals" => (Kind::Number(Compare::LessOrEqual), false),
        "NumericGreaterThan" => (Kind::Number(Compare::Greater), false),
        "NumericGreaterThanEquals" => (Kind::Number(Compare::GreaterOrEqual), false),
        "DateEquals" => (Kind::Date(Compare::Equal), false),
        "DateNotEquals" => (Kind::Date(Compare::Equal), true),
        "DateLessThan" => (Kind::Date(Compare::Less), false),
        "DateLessThanEquals" => (Kind::Date(Compare::LessOrEqual), false),
        "DateGreaterThan" => (Kind::Date(Compare::Greater), false),
        "DateGreaterThanEquals" => (Kind::Date(Compare::GreaterOrEqual), false),
        "Bool" => (Kind::Bool, false),
        "BinaryEquals" => (Kind::Binary, false),
        "IpAddress" => (Kind::Address, false),
        "NotIpAddress" => (Kind::Address, true),
        "Null" if set == Set::One && !if_exists => (Kind::Null, false),
        _ => return None,
    };
    Some(Operator { set, kind, negated, if_exists })
}

/// Every operator and every key of the block must hold.
pub(super) fn holds(world: &mut World<'_>, block: &Value, variables: bool, place: &str) -> bool {
    let Some(block) = block.as_object() else { return world.flip(&format!("{place} Condition")) };
    block.iter().all(|(name, keys)| {
        let place = format!("{place} {name}");
        match (operator(name), keys.as_object()) {
            (Some(operator), Some(keys)) => keys.iter().all(|(key, values)| {
                one_key(world, operator, key, &list(values), variables, &format!("{place} {key}"))
            }),
            _ => world.flip(&place),
        }
    })
}

fn one_key(
    world: &mut World<'_>,
    operator: Operator,
    key: &str,
    wanted: &[&Value],
    variables: bool,
    place: &str,
) -> bool {
    if wanted.is_empty() {
        return world.flip(place);
    }
    let values = world.key(key);
    if operator.kind == Kind::Null {
        return wanted.iter().enumerate().any(|(at, wanted)| match scalar(wanted).as_deref() {
            Some("true") => values.is_none(),
            Some("false") => values.is_some(),
            _ => world.flip(&format!("{place} {at}")),
        });
    }
    let Some(values) = values else {
        return operator.if_exists
            || match operator.set {
                Set::One => operator.negated,
                Set::All => true,
                Set::Any => false,
            };
    };
    // An account's id is a text: what these operators make of it, nobody says.
    let is_other = matches!(operator.kind, Kind::Number(_) | Kind::Date(_)) && key.to_lowercase().ends_with("account");
    let mut fits = |value: &String| {
        if is_other {
            return world.flip(&format!("{place} {value}"));
        }
        let matched = wanted.iter().enumerate().any(|(at, wanted)| match scalar(wanted) {
            Some(text) => matches(world, operator.kind, value, &text, variables, &format!("{place} {at} {value}")),
            None => world.flip(&format!("{place} {at}")),
        });
        matched != operator.negated
    };
    match operator.set {
        Set::One if values.len() == 1 => fits(&values[0]),
        Set::One => world.flip(&format!("{place} multivalued")),
        Set::All => values.iter().all(fits),
        Set::Any => values.iter().any(fits),
    }
}

/// A policy's value as text: JSON numbers and booleans count as what they read.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

fn matches(world: &mut World<'_>, kind: Kind, value: &str, wanted: &str, variables: bool, place: &str) -> bool {
    let known = match kind {
        Kind::Text { ignore_case, wildcards } => match text::fill(world, wanted, variables, wildcards) {
            Filled::Tokens(tokens) if ignore_case => {
                let lower = |token: &text::Token| match token {
                    text::Token::Char(c) => c.to_lowercase().map(text::Token::Char).collect(),
                    other => vec![*other],
                };
                Some(text::glob_str(&tokens.iter().flat_map(lower).collect::<Vec<_>>(), &value.to_lowercase()))
            }
            Filled::Tokens(tokens) => Some(text::glob_str(&tokens, value)),
            Filled::NoValue => Some(false),
            Filled::Odd(_) => None,
        },
        Kind::Arn => match text::fill(world, wanted, variables, true) {
            // What a pattern of fewer than six components is to these operators, nobody says.
            Filled::Tokens(tokens) if tokens.iter().filter(|token| **token == text::Token::Char(':')).count() < 5 => {
                None
            }
            Filled::Tokens(tokens) => Some(text::arn_matches(&tokens, value)),
            Filled::NoValue => Some(false),
            Filled::Odd(_) => None,
        },
        // These take no variables.
        _ if variables && wanted.contains("${") => None,
        Kind::Number(compare) => text::number(value).zip(text::number(wanted)).map(|(a, b)| compares(compare, a, b)),
        Kind::Date(compare) => text::date(value).zip(text::date(wanted)).map(|(a, b)| compares(compare, a, b)),
        Kind::Bool => truth(value).zip(truth(wanted)).map(|(a, b)| a == b),
        Kind::Address => text::range(wanted).zip(text::address(value)).map(|(range, value)| text::within(range, value)),
        Kind::Binary => Some(value == wanted),
        Kind::Null => None,
    };
    known.unwrap_or_else(|| world.flip(place))
}

fn truth(text: &str) -> Option<bool> {
    text.to_ascii_lowercase().parse().ok()
}

fn compares<T: PartialOrd>(compare: Compare, value: T, wanted: T) -> bool {
    match compare {
        Compare::Equal => value == wanted,
        Compare::Less => value < wanted,
        Compare::LessOrEqual => value <= wanted,
        Compare::Greater => value > wanted,
        Compare::GreaterOrEqual => value >= wanted,
    }
}
