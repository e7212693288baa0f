//! Patterns, variables, ARNs, numbers, dates and addresses, each the plainest way.

use super::world::World;
use std::net::IpAddr;

/// One piece of a pattern after variables are filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    Char(char),
    /// `*`
    Many,
    /// `?`
    One,
}

/// A pattern with its variables filled in.
pub(super) enum Filled {
    Tokens(Vec<Token>),
    /// A variable has no value: the pattern matches nothing.
    NoValue,
    /// Not to be understood; the name of what.
    Odd(String),
}

/// One piece of a pattern as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Plain(Token),
    Variable { key: String, default: Option<String> },
}

/// Takes a pattern apart; None: a `${` that nobody closes, or something odd within.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>
pub(super) fn pieces(text: &str, variables: bool, wildcards: bool) -> Option<Vec<Piece>> {
    let plain = |c: char| {
        Piece::Plain(match c {
            '*' if wildcards => Token::Many,
            '?' if wildcards => Token::One,
            c => Token::Char(c),
        })
    };
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if !(variables && rest.starts_with("${")) {
            out.push(plain(c));
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let end = rest.find('}')?;
        let name = &rest[2..end];
        rest = &rest[end + 1..];
        if let "*" | "?" | "$" = name {
            out.extend(name.chars().map(|c| Piece::Plain(Token::Char(c))));
            continue;
        }
        let (key, default) = match name.split_once(',') {
            None => (name, None),
            Some((key, default)) => {
                let default = default.trim().strip_prefix('\'')?.strip_suffix('\'')?;
                (key, Some(default.to_owned()))
            }
        };
        let key = key.trim();
        if key.is_empty() || !key.contains(':') || key.contains(['$', '{', '*', '?']) {
            return None;
        }
        out.push(Piece::Variable { key: key.to_ascii_lowercase(), default });
    }
    Some(out)
}

pub(super) fn fill(world: &mut World<'_>, text: &str, variables: bool, wildcards: bool) -> Filled {
    let Some(pieces) = pieces(text, variables, wildcards) else { return Filled::Odd(format!("value:{text}")) };
    let mut tokens = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Plain(token) => tokens.push(token),
            Piece::Variable { key, default } => match (world.key(&key), default) {
                (Some(values), _) if values.len() == 1 => tokens.extend(values[0].chars().map(Token::Char)),
                (Some(_), _) => return Filled::Odd(format!("multivalued:{key}")),
                (None, Some(default)) => tokens.extend(default.chars().map(Token::Char)),
                (None, None) => return Filled::NoValue,
            },
        }
    }
    Filled::Tokens(tokens)
}

/// Whether the whole of a text matches.
pub(super) fn glob(pattern: &[Token], text: &[char]) -> bool {
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for token in pattern {
        let mut next = vec![false; text.len() + 1];
        for at in 0..=text.len() {
            if reached[at] {
                match token {
                    Token::Many => next[at..].fill(true),
                    Token::One if at < text.len() => next[at + 1] = true,
                    Token::Char(c) if text.get(at) == Some(c) => next[at + 1] = true,
                    _ => {}
                }
            }
        }
        reached = next;
    }
    reached[text.len()]
}

pub(super) fn glob_str(pattern: &[Token], text: &str) -> bool {
    glob(pattern, &text.chars().collect::<Vec<_>>())
}

/// `s3:Get*`, with no regard to case and without variables.
pub(super) fn action_matches(pattern: &str, action: &str) -> bool {
    let tokens: Vec<Token> = pattern
        .to_ascii_lowercase()
        .chars()
        .map(|c| match c {
            '*' => Token::Many,
            '?' => Token::One,
            c => Token::Char(c),
        })
        .collect();
    glob_str(&tokens, &action.to_ascii_lowercase())
}

/// Each of the six components of an ARN for itself.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN>
pub(super) fn arn_matches(pattern: &[Token], text: &str) -> bool {
    let parts: Vec<&[Token]> = pattern.splitn(6, |token| *token == Token::Char(':')).collect();
    let texts: Vec<&str> = text.splitn(6, ':').collect();
    parts.len() == 6 && texts.len() == 6 && parts.iter().zip(&texts).all(|(part, text)| glob_str(part, text))
}

pub(super) fn number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let plain =
        digits.starts_with(|c: char| c.is_ascii_digit()) && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
    if plain { text.parse().ok() } else { None }
}

/// Seconds since 1970 of `2026-11-23T12:00:00Z`, `2026-11-23`, or of seconds as they are.
pub(super) fn date(text: &str) -> Option<i64> {
    if !text.is_empty() && text.len() < 15 && text.bytes().all(|b| b.is_ascii_digit()) && text.len() > 4 {
        return text.parse().ok();
    }
    let (day, time) = match text.split_once('T') {
        Some((day, time)) => (day, time.strip_suffix('Z')?),
        None => (text, "00:00:00"),
    };
    let whole = |text: &str, separator: char| -> Option<[i64; 3]> {
        let parts: Vec<i64> = text.split(separator).map(str::parse).collect::<Result<_, _>>().ok()?;
        parts.try_into().ok()
    };
    let [year, month, day] = whole(day, '-')?;
    let [hour, minute, second] = whole(time, ':')?;
    if !(1..=12).contains(&month) {
        return None;
    }
    let leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let length = |month: i64| match month {
        2 => 28 + i64::from(leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let years: i64 = (1970..year).map(|year| 365 + i64::from(leap(year))).sum();
    let days = years + (1..month).map(length).sum::<i64>() + day - 1;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

pub(super) fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok()
}

/// An address range; without a mask it is the one address.
pub(super) fn range(text: &str) -> Option<(IpAddr, u32)> {
    let (base, bits) = match text.split_once('/') {
        Some((base, bits)) => (address(base)?, bits.parse().ok()?),
        None => {
            let base = address(text)?;
            (base, if base.is_ipv4() { 32 } else { 128 })
        }
    };
    (bits <= if base.is_ipv4() { 32 } else { 128 }).then_some((base, bits))
}

pub(super) fn within(range: (IpAddr, u32), address: IpAddr) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => format!("{:032b}", u32::from(address)),
        IpAddr::V6(address) => format!("{:0128b}", u128::from(address)),
    };
    let length = range.1 as usize;
    range.0.is_ipv4() == address.is_ipv4() && bits(range.0)[..length] == bits(address)[..length]
}
