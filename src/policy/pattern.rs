//! Texts of a policy with wildcards and variables, and how they match.
//!
//! Matching never backs up past the last `*`, so its work is bounded by the product of the longest literal stretch and
//! the value. Must never let a variable whose value is not known decide.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>

use crate::model::unknown::Unknown;
use crate::policy::request::{ContextValue, RequestContext};
use crate::policy::truth::Truth;

/// A text with wildcards and, in version 2012-10-17, variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    parts: Vec<Part>,
    /// For the modes with wildcards, where no variable has to be looked up first.
    ready: Option<Vec<Token>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// `*`
    Any,
    /// `?`
    One,
    Variable {
        written: String,
        lower: String,
        default: Option<String>,
    },
    /// A `${` that is no variable.
    Odd,
}

/// One step of a pattern that is ready to match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Byte(u8),
    /// Any characters, none too.
    Any,
    /// One character.
    One,
    /// The value of a variable that is not known.
    Hole,
}

/// How a pattern is compared with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `*` and `?` stand for themselves.
    Equals,
    EqualsIgnoreCase,
    /// With wildcards.
    Like,
    /// With wildcards that stay within one of an ARN's six parts.
    Arn,
}

impl Pattern {
    /// `variables`: whether `${...}` is a variable (Version 2012-10-17, in Resource and conditions).
    pub(crate) fn new(text: &str, variables: bool) -> Self {
        let mut pattern = Self { text: text.to_owned(), parts: parts(text, variables), ready: None };
        if !pattern.has_variables() {
            pattern.ready = pattern.tokens(&RequestContext::default(), Mode::Like).map(|(tokens, _)| tokens);
        }
        pattern
    }

    /// The same pattern, shown as another text (the one that was written, where the pattern is folded).
    pub(crate) fn with_text(self, text: &str) -> Self {
        Self { text: text.to_owned(), ..self }
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it has wildcards or variables.
    pub fn is_literal(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Literal(_)))
    }

    /// Whether it is nothing but `*`.
    pub(crate) fn is_all(&self) -> bool {
        !self.parts.is_empty() && self.parts.iter().all(|part| *part == Part::Any)
    }

    pub(crate) fn has_variables(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Variable { .. } | Part::Odd))
    }

    /// Whether a variable stands before the fifth colon, where AWS has none.
    pub(crate) fn has_early_variable(&self) -> bool {
        let mut colons = 0;
        for part in &self.parts {
            match part {
                Part::Literal(text) => colons += text.bytes().filter(|byte| *byte == b':').count(),
                Part::Variable { .. } | Part::Odd if colons < 5 => return true,
                _ => {}
            }
        }
        false
    }

    /// Whether some value could match in this context, and the names of variables whose values are not known.
    pub(crate) fn outlook(&self, context: &RequestContext) -> (bool, Vec<Unknown>) {
        match self.tokens(context, Mode::Like) {
            None => (false, Vec::new()),
            Some((_, names)) => (true, names),
        }
    }

    /// Whether the value matches.
    pub(crate) fn matches(&self, value: &str, mode: Mode, context: &RequestContext) -> Truth {
        match (&self.ready, mode) {
            (Some(tokens), Mode::Like) => return fits(tokens, value.as_bytes()).into(),
            (Some(tokens), Mode::Arn) => return arn_fits(tokens, value.as_bytes()).into(),
            _ => {}
        }
        if let (Mode::Equals, [Part::Literal(text)]) = (mode, self.parts.as_slice()) {
            return (text == value).into();
        }
        let folded;
        let value = if mode == Mode::EqualsIgnoreCase {
            folded = value.to_lowercase();
            folded.as_str()
        } else {
            value
        };
        if let Some((key, values)) = self.one_of(context) {
            let with = |text: &String| self.matches(value, mode, &context.clone().known(key, text));
            return Truth::whichever(key, values.iter().map(with));
        }
        let Some((tokens, mut names)) = self.tokens(context, mode) else { return Truth::False };
        if mode == Mode::Arn && tokens.iter().filter(|token| **token == Token::Byte(b':')).count() < 5 {
            // With the values of its variables it has fewer than six parts, or may have.
            names.push(Unknown::Value(self.text.clone()));
            return Truth::unknown_all(names);
        }
        let fits =
            if mode == Mode::Arn { arn_fits(&tokens, value.as_bytes()) } else { fits(&tokens, value.as_bytes()) };
        if names.is_empty() || !fits { Truth::from(fits) } else { Truth::Unknown(names) }
    }

    /// Texts that begin so and that the pattern matches, or may match: one for each way in which it can go on after the
    /// beginning, with `wild` for each `*` (and unknown value) left, and the stranger for each `?`.
    pub(crate) fn texts_from(&self, start: &str, wild: &str, stranger: char, context: &RequestContext) -> Vec<String> {
        let Some((tokens, _)) = self.tokens(context, Mode::Like) else { return Vec::new() };
        let rest = |at: usize| {
            let mut text = start.as_bytes().to_vec();
            for token in tokens.get(at..).unwrap_or_default() {
                match token {
                    Token::Byte(byte) => text.push(*byte),
                    Token::One => text.extend_from_slice(stranger.encode_utf8(&mut [0; 4]).as_bytes()),
                    Token::Any | Token::Hole => text.extend_from_slice(wild.as_bytes()),
                }
            }
            String::from_utf8(text).ok()
        };
        after(&tokens, start.as_bytes()).into_iter().filter_map(rest).collect()
    }

    /// The first variable that has one of a few values, and these.
    fn one_of<'a>(&'a self, context: &'a RequestContext) -> Option<(&'a str, &'a [String])> {
        self.parts.iter().find_map(|part| match part {
            Part::Variable { written, lower, .. } => match context.lookup(lower) {
                ContextValue::OneOf(values) => Some((written.as_str(), values)),
                _ => None,
            },
            _ => None,
        })
    }

    /// None if a variable has no value: then nothing matches.
    fn tokens(&self, context: &RequestContext, mode: Mode) -> Option<(Vec<Token>, Vec<Unknown>)> {
        let mut tokens = Vec::with_capacity(self.text.len());
        let mut names: Vec<Unknown> = Vec::new();
        let wild = matches!(mode, Mode::Like | Mode::Arn);
        let literal = |tokens: &mut Vec<Token>, text: &str| {
            if mode == Mode::EqualsIgnoreCase {
                tokens.extend(text.to_lowercase().bytes().map(Token::Byte));
            } else {
                tokens.extend(text.bytes().map(Token::Byte));
            }
        };
        let mut hole = |tokens: &mut Vec<Token>, name: Unknown| {
            tokens.push(Token::Hole);
            if !names.contains(&name) {
                names.push(name);
            }
        };
        for part in &self.parts {
            match part {
                Part::Literal(text) => literal(&mut tokens, text),
                Part::Any if wild => {
                    if tokens.last() != Some(&Token::Any) {
                        tokens.push(Token::Any);
                    }
                }
                Part::One if wild => tokens.push(Token::One),
                Part::Any => literal(&mut tokens, "*"),
                Part::One => literal(&mut tokens, "?"),
                Part::Odd => hole(&mut tokens, Unknown::Value(self.text.clone())),
                Part::Variable { written, lower, default } => match context.lookup(lower) {
                    ContextValue::Known([value]) => literal(&mut tokens, value),
                    ContextValue::Known([]) | ContextValue::Absent => literal(&mut tokens, default.as_deref()?),
                    ContextValue::Known(_) => hole(&mut tokens, Unknown::Multivalued(written.clone())),
                    ContextValue::OneOf(_) | ContextValue::Present | ContextValue::Unknown => {
                        hole(&mut tokens, Unknown::Key(written.clone()));
                    }
                },
            }
        }
        Some((tokens, names))
    }
}

fn parts(text: &str, variables: bool) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let flush = |parts: &mut Vec<Part>, literal: &mut String| {
        if !literal.is_empty() {
            parts.push(Part::Literal(std::mem::take(literal)));
        }
    };
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        if variables && let Some(inside) = rest.strip_prefix("${") {
            match inside.split_once('}') {
                Some((escaped @ ("*" | "?" | "$"), after)) => {
                    literal.push_str(escaped);
                    rest = after;
                }
                Some((name, after)) => {
                    flush(&mut parts, &mut literal);
                    parts.push(variable(name));
                    rest = after;
                }
                None => {
                    flush(&mut parts, &mut literal);
                    parts.push(Part::Odd);
                    rest = "";
                }
            }
            continue;
        }
        match character {
            '*' => {
                flush(&mut parts, &mut literal);
                parts.push(Part::Any);
            }
            '?' => {
                flush(&mut parts, &mut literal);
                parts.push(Part::One);
            }
            other => literal.push(other),
        }
        rest = rest.get(character.len_utf8()..).unwrap_or_default();
    }
    flush(&mut parts, &mut literal);
    parts
}

/// The inside of `${...}`: a key, or `key, 'default'`.
fn variable(inside: &str) -> Part {
    let (key, default) = match inside.split_once(',') {
        None => (inside, None),
        Some((key, default)) => {
            let quoted = default.trim().strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
            match quoted {
                Some(default) => (key, Some(default.to_owned())),
                None => return Part::Odd,
            }
        }
    };
    let key = key.trim();
    if key.is_empty() || key.contains(['*', '?', '$', '{', '\'']) {
        return Part::Odd;
    }
    Part::Variable { written: key.to_owned(), lower: key.to_ascii_lowercase(), default }
}

fn is_boundary(value: &[u8], at: usize) -> bool {
    value.get(at).is_none_or(|byte| byte & 0xC0 != 0x80)
}

fn next_boundary(value: &[u8], at: usize) -> usize {
    let mut next = at + 1;
    while !is_boundary(value, next) {
        next += 1;
    }
    next
}

/// Glob matching: on a mismatch the last `*` takes one character more.
fn fits(tokens: &[Token], value: &[u8]) -> bool {
    let (mut token, mut at) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match (tokens.get(token), value.get(at)) {
            (Some(Token::Any | Token::Hole), _) => {
                retry = Some((token + 1, at));
                token += 1;
                continue;
            }
            (Some(Token::Byte(want)), Some(have)) if want == have => {
                token += 1;
                at += 1;
                continue;
            }
            (Some(Token::One), Some(_)) if is_boundary(value, at) => {
                token += 1;
                at = next_boundary(value, at);
                continue;
            }
            (None, None) => return true,
            // The value has run out: a `*` that takes more leaves less still.
            (Some(_), None) => return false,
            _ => {}
        }
        let Some((after, start)) = retry else { return false };
        if start >= value.len() {
            return false;
        }
        let start = next_boundary(value, start);
        retry = Some((after, start));
        token = after;
        at = start;
    }
}

/// The places in a pattern where it can go on when it has matched the value so far.
fn after(tokens: &[Token], value: &[u8]) -> Vec<usize> {
    let wild = |at: usize| matches!(tokens.get(at), Some(Token::Any | Token::Hole));
    let closed = |mut places: Vec<usize>| {
        let mut at = 0;
        while let Some(place) = places.get(at).copied() {
            if wild(place) && !places.contains(&(place + 1)) {
                places.push(place + 1);
            }
            at += 1;
        }
        places
    };
    let mut places = closed(vec![0]);
    for (index, byte) in value.iter().enumerate() {
        let ends = is_boundary(value, index + 1);
        let mut next = Vec::new();
        for place in places {
            let to = match tokens.get(place) {
                Some(Token::Any | Token::Hole) => place,
                // One character, of however many bytes.
                Some(Token::One) if !ends => place,
                Some(Token::One) => place + 1,
                Some(Token::Byte(want)) if want == byte => place + 1,
                _ => continue,
            };
            if !next.contains(&to) {
                next.push(to);
            }
        }
        places = closed(next);
        if places.is_empty() {
            break;
        }
    }
    places
}

/// Part by part, as the ARN operators compare; the sixth part takes all the rest.
fn arn_fits(tokens: &[Token], value: &[u8]) -> bool {
    let (mut tokens, mut value) = (tokens, value);
    for _ in 0..5 {
        let Some(colon) = tokens.iter().position(|token| matches!(token, Token::Byte(b':') | Token::Hole)) else {
            return false;
        };
        if tokens.get(colon) == Some(&Token::Hole) {
            // An unknown value may hold colons: from here on it may reach over parts.
            return fits(tokens, value);
        }
        let Some(end) = value.iter().position(|byte| *byte == b':') else { return false };
        let (Some((part, more)), Some((have, rest))) = (tokens.split_at_checked(colon), value.split_at_checked(end))
        else {
            return false;
        };
        if !fits(part, have) {
            return false;
        }
        tokens = more.get(1..).unwrap_or_default();
        value = rest.get(1..).unwrap_or_default();
    }
    fits(tokens, value)
}
