//! Which values a key that is not known is tried with: those on which some condition of the policy turns.

use super::condition::{self, Compare, Kind};
use super::statement::list;
use super::text::{self, Filled, Piece, Token};
use super::world::World;
use darwin_s3_guard::policy::request::ContextValue;
use serde_json::Value;

/// Somewhere in the policy a text meets a key, or the resource.
#[derive(Debug, Clone)]
pub(super) struct Use {
    /// The key that is compared, lower case; None: the resource.
    key: Option<String>,
    text: String,
    kind: Kind,
    variables: bool,
}

pub(super) fn uses(policy: &Value) -> Vec<Use> {
    let variables = policy.get("Version").is_some_and(|version| version != "2008-10-17");
    let mut uses = Vec::new();
    for statement in policy.get("Statement").map(list).unwrap_or_default() {
        for element in ["Resource", "NotResource"] {
            for text in statement.get(element).map(list).unwrap_or_default().into_iter().filter_map(Value::as_str) {
                let kind = Kind::Text { ignore_case: false, wildcards: true };
                uses.push(Use { key: None, text: text.to_owned(), kind, variables });
            }
        }
        for (name, keys) in statement.get("Condition").and_then(Value::as_object).into_iter().flatten() {
            let Some(operator) = condition::operator(name) else { continue };
            for (key, values) in keys.as_object().into_iter().flatten() {
                for text in list(values).into_iter().filter_map(condition::scalar) {
                    let key = Some(key.to_ascii_lowercase());
                    uses.push(Use { key, text, kind: operator.kind, variables });
                }
            }
        }
    }
    uses
}

/// Texts, each once.
struct Pool(Vec<String>);

impl Pool {
    fn add(&mut self, text: String) {
        if !self.0.contains(&text) {
            self.0.push(text);
        }
    }
}

/// Keys that AWS documents as multivalued.
const MULTIVALUED: [&str; 7] = [
    "aws:TagKeys",
    "aws:CalledVia",
    "aws:PrincipalOrgPaths",
    "aws:ResourceOrgPaths",
    "aws:PrincipalServiceNamesList",
    "kms:EncryptionContextKeys",
    "s3:RequestObjectTagKeys",
];

pub(super) fn of_key(world: &mut World<'_>, key: &str) -> Vec<Vec<String>> {
    let mut pool = Pool(Vec::new());
    let several = MULTIVALUED.iter().any(|name| name.eq_ignore_ascii_case(key));
    let mut free_text = true;
    let mut patterns: Vec<Vec<Token>> = Vec::new();
    for used in world.uses() {
        if used.key.as_deref() == Some(key) {
            match used.kind {
                Kind::Text { .. } | Kind::Arn => {
                    let wildcards = !matches!(used.kind, Kind::Text { wildcards: false, .. });
                    if let Filled::Tokens(tokens) = text::fill(world, &used.text, used.variables, wildcards) {
                        patterns.push(tokens);
                    }
                    if used.kind == Kind::Arn {
                        pool.add("arn:aws:other:region:999999999999:fresh".to_owned());
                    }
                }
                Kind::Number(compare) => {
                    free_text = false;
                    if let Some(number) = text::number(&used.text) {
                        pool.add(number.to_string());
                        for step in [0.01, -0.01] {
                            if compare != Compare::Equal || step > 0.0 {
                                pool.add((number + step).to_string());
                            }
                        }
                    }
                }
                Kind::Date(_) => {
                    free_text = false;
                    if let Some(date) = text::date(&used.text) {
                        for date in [date, date - 1, date + 1] {
                            pool.add(date.to_string());
                        }
                    }
                }
                Kind::Bool => {
                    free_text = false;
                    pool.add("true".to_owned());
                    pool.add("false".to_owned());
                }
                Kind::Address => {
                    free_text = false;
                    if let Some((base, _)) = text::range(&used.text) {
                        pool.add(base.to_string());
                    }
                    // Addresses that no policy of ours names.
                    pool.add("240.0.0.1".to_owned());
                    pool.add("fe80::1".to_owned());
                }
                Kind::Binary => pool.add(used.text.clone()),
                Kind::Null => {}
            }
        }
        if let Some(text) = solving(world, used, key) {
            pool.add(text);
        }
    }
    for (at, pattern) in patterns.iter().enumerate() {
        pool.add(with_wildcards_as(pattern, ""));
        pool.add(with_wildcards_as(pattern, "x"));
        // A text that fits this pattern and another one.
        for (_, other) in patterns.iter().enumerate().filter(|(other, _)| *other != at).take(2) {
            if pattern.contains(&Token::Many) {
                pool.add(with_wildcards_as(pattern, &with_wildcards_as(other, "")));
            }
        }
    }
    if free_text || pool.0.is_empty() {
        // Another one for every key, so that two keys are not alike by chance.
        pool.add(format!("fresh {key}"));
    }
    if several {
        pool.add(format!("another {key}"));
    }
    let mut values: Vec<Vec<String>> = pool.0.iter().map(|text| vec![text.clone()]).collect();
    if several {
        let first: Vec<&String> = pool.0.iter().take(3).chain(pool.0.last()).collect();
        for (at, a) in first.iter().enumerate() {
            for b in &first[at + 1..] {
                if a != b {
                    values.push(vec![(*a).clone(), (*b).clone()]);
                }
            }
        }
    }
    values
}

fn with_wildcards_as(pattern: &[Token], filler: &str) -> String {
    let mut out = String::new();
    for token in pattern {
        match token {
            Token::Char(c) => out.push(*c),
            Token::Many => out.push_str(filler),
            Token::One => out.push('q'),
        }
    }
    out
}

/// A value of the variable `key` with which the text fits what it is compared with, if that is known.
fn solving(world: &World<'_>, used: &Use, key: &str) -> Option<String> {
    if !used.variables || !used.text.contains("${") {
        return None;
    }
    let wildcards = !matches!(used.kind, Kind::Text { wildcards: false, .. });
    let pieces = text::pieces(&used.text, true, wildcards)?;
    let is_key = |piece: &Piece| matches!(piece, Piece::Variable { key: name, .. } if name == key);
    if !pieces.iter().any(is_key) {
        return None;
    }
    let targets = match &used.key {
        None => vec![world.request().resource.clone()],
        Some(compared) => match world.request().context.get(compared) {
            ContextValue::Known(values) | ContextValue::OneOf(values) => values.to_vec(),
            _ => return None,
        },
    };
    let fits = |value: &str, target: &str| {
        let mut tokens = Vec::new();
        for piece in &pieces {
            match piece {
                Piece::Plain(token) => tokens.push(*token),
                Piece::Variable { key: name, .. } if name == key => tokens.extend(value.chars().map(Token::Char)),
                Piece::Variable { key: name, .. } => match world.request().context.get(name) {
                    ContextValue::Known([value]) => tokens.extend(value.chars().map(Token::Char)),
                    _ => tokens.push(Token::Many),
                },
            }
        }
        match used.kind {
            Kind::Arn => text::arn_matches(&tokens, target),
            Kind::Text { ignore_case: true, .. } => {
                let lower = |token: Token| match token {
                    Token::Char(c) => Token::Char(c.to_ascii_lowercase()),
                    other => other,
                };
                let tokens: Vec<Token> = tokens.into_iter().map(lower).collect();
                text::glob_str(&tokens, &target.to_ascii_lowercase())
            }
            _ => text::glob_str(&tokens, target),
        }
    };
    for target in &targets {
        for start in 0..target.len() {
            for end in (start + 1..=target.len()).rev() {
                if let Some(part) = target.get(start..end)
                    && fits(part, target)
                {
                    return Some(part.to_owned());
                }
            }
        }
    }
    None
}
