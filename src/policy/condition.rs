//! The Condition element: its operators, and what a test of a key gives for what is known of the key.
//!
//! Must never let a test that is not understood hold or fail.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>

use crate::model::unknown::Unknown;
use crate::policy::pattern::{Mode, Pattern};
use crate::policy::request::{ContextValue, RequestContext};
use crate::policy::truth::Truth;
use crate::policy::values::{Decimal, boolean, date, is_base64, network};
use ipnet::IpNet;
use std::cmp::Ordering;
use std::net::IpAddr;

/// One key tested by one operator.
#[derive(Debug, Clone)]
pub struct Condition {
    /// As written, e.g. `ForAnyValue:StringLike`.
    pub operator: String,
    /// As written, e.g. `aws:SourceVpce`.
    pub key: String,
    /// The texts that it is compared with, as written.
    pub values: Vec<String>,
    pub(crate) lower: String,
    pub(crate) test: Test,
}

/// What a condition does.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    Compare(Operator, Vec<Operand>),
    /// `Null`; None for a value that is neither `true` nor `false`.
    Null(Vec<Option<bool>>),
    /// Not understood: what a verdict then depends on.
    Unknown(Unknown),
}

/// An operator taken apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operator {
    set: Set,
    kind: Kind,
    negated: bool,
    if_exists: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    One,
    ForAll,
    ForAny,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Text(Mode),
    Numeric(fn(Ordering) -> bool),
    Date(fn(Ordering) -> bool),
    Bool,
    Binary,
    Ip,
}

/// A value of the policy, ready to compare.
#[derive(Debug, Clone)]
pub(crate) enum Operand {
    Text(Pattern),
    Number(Decimal),
    Moment((i64, u32)),
    Bool(bool),
    Binary(String),
    Network(IpNet),
    /// Not a value of the operator's type: what a verdict then depends on.
    Odd(Unknown),
}

/// Keys that AWS documents as multivalued.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>
const MULTIVALUED: [&str; 7] = [
    "aws:CalledVia",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalServiceNamesList",
    "aws:ResourceOrgPaths",
    "aws:TagKeys",
    "kms:EncryptionContextKeys",
    "s3:RequestObjectTagKeys",
];

/// AWS's operators: name, what is compared, and whether the outcome is negated. `Null` is apart.
const OPERATORS: [(&str, Kind, bool); 26] = [
    ("StringEquals", Kind::Text(Mode::Equals), false),
    ("StringNotEquals", Kind::Text(Mode::Equals), true),
    ("StringEqualsIgnoreCase", Kind::Text(Mode::EqualsIgnoreCase), false),
    ("StringNotEqualsIgnoreCase", Kind::Text(Mode::EqualsIgnoreCase), true),
    ("StringLike", Kind::Text(Mode::Like), false),
    ("StringNotLike", Kind::Text(Mode::Like), true),
    ("NumericEquals", Kind::Numeric(Ordering::is_eq), false),
    ("NumericNotEquals", Kind::Numeric(Ordering::is_eq), true),
    ("NumericLessThan", Kind::Numeric(Ordering::is_lt), false),
    ("NumericLessThanEquals", Kind::Numeric(Ordering::is_le), false),
    ("NumericGreaterThan", Kind::Numeric(Ordering::is_gt), false),
    ("NumericGreaterThanEquals", Kind::Numeric(Ordering::is_ge), false),
    ("DateEquals", Kind::Date(Ordering::is_eq), false),
    ("DateNotEquals", Kind::Date(Ordering::is_eq), true),
    ("DateLessThan", Kind::Date(Ordering::is_lt), false),
    ("DateLessThanEquals", Kind::Date(Ordering::is_le), false),
    ("DateGreaterThan", Kind::Date(Ordering::is_gt), false),
    ("DateGreaterThanEquals", Kind::Date(Ordering::is_ge), false),
    ("Bool", Kind::Bool, false),
    ("BinaryEquals", Kind::Binary, false),
    ("IpAddress", Kind::Ip, false),
    ("NotIpAddress", Kind::Ip, true),
    ("ArnEquals", Kind::Text(Mode::Arn), false),
    ("ArnNotEquals", Kind::Text(Mode::Arn), true),
    ("ArnLike", Kind::Text(Mode::Arn), false),
    ("ArnNotLike", Kind::Text(Mode::Arn), true),
];

/// The names of AWS's operators, without `IfExists`, `ForAllValues:` and `ForAnyValue:`; `Null` is the last.
#[cfg(feature = "internals")]
pub fn operators() -> impl Iterator<Item = &'static str> {
    OPERATORS.into_iter().map(|(name, ..)| name).chain(["Null"])
}

impl Operator {
    /// None if AWS has no such operator. `Null` is not among them.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (set, rest) = match name.split_once(':') {
            Some(("ForAllValues", rest)) => (Set::ForAll, rest),
            Some(("ForAnyValue", rest)) => (Set::ForAny, rest),
            Some(_) => return None,
            None => (Set::One, name),
        };
        let (base, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |base| (base, true));
        let (_, kind, negated) = OPERATORS.into_iter().find(|(name, ..)| *name == base)?;
        Some(Self { set, kind, negated, if_exists })
    }

    /// A value of the policy. `variables`: whether the policy's version has them.
    pub(crate) fn operand(self, text: &str, variables: bool) -> Operand {
        let read = match self.kind {
            Kind::Text(mode) => {
                let pattern = Pattern::new(text, variables);
                // AWS's pages do not say what a pattern of fewer than six parts, `*` or `arn:aws:*:role/x`, is to an
                // operator that compares part by part.
                let short = mode == Mode::Arn && text.matches(':').count() < 5;
                let odd = short && !pattern.has_variables();
                (!odd).then_some(Operand::Text(pattern))
            }
            Kind::Numeric(_) => Decimal::parse(text).map(Operand::Number),
            Kind::Date(_) => date(text).map(Operand::Moment),
            Kind::Bool => boolean(text).map(Operand::Bool),
            Kind::Binary => is_base64(text).then(|| Operand::Binary(text.to_owned())),
            Kind::Ip => network(text).map(Operand::Network),
        };
        read.unwrap_or_else(|| Operand::Odd(Unknown::Value(text.to_owned())))
    }

    /// Whether the value is one that the operand stands for, before negation.
    fn compare(self, value: &str, operand: &Operand, context: &RequestContext) -> Truth {
        let ill_typed = || Truth::unknown(Unknown::Value(value.to_owned()));
        match (operand, self.kind) {
            (Operand::Odd(name), _) => Truth::unknown(name.clone()),
            (Operand::Text(pattern), Kind::Text(mode)) => {
                if mode == Mode::Arn && crate::model::arn::Arn::parse(value).is_none() {
                    return ill_typed();
                }
                pattern.matches(value, mode, context)
            }
            (Operand::Number(want), Kind::Numeric(holds)) => {
                Decimal::parse(value).map_or_else(ill_typed, |have| holds(have.cmp(want)).into())
            }
            (Operand::Moment(want), Kind::Date(holds)) => {
                date(value).map_or_else(ill_typed, |have| holds(have.cmp(want)).into())
            }
            (Operand::Bool(want), Kind::Bool) => boolean(value).map_or_else(ill_typed, |have| (have == *want).into()),
            (Operand::Binary(want), Kind::Binary) => {
                if is_base64(value) {
                    (value == want).into()
                } else {
                    ill_typed()
                }
            }
            (Operand::Network(network), Kind::Ip) => {
                value.parse::<IpAddr>().map_or_else(|_| ill_typed(), |address| network.contains(&address).into())
            }
            _ => ill_typed(),
        }
    }
}

impl Condition {
    /// Whether it is one that AWS has, with values of its form.
    pub(crate) fn is_understood(&self) -> bool {
        !matches!(self.test, Test::Unknown(_))
    }

    /// Whether the test holds for what is known of the request.
    pub(crate) fn holds(&self, context: &RequestContext) -> Truth {
        let value = context.lookup(&self.lower);
        match &self.test {
            Test::Unknown(name) => Truth::unknown(name.clone()),
            Test::Null(wanted) => self.null(wanted, value),
            Test::Compare(operator, operands) => self.compared(*operator, operands, value, context),
        }
    }

    /// `Null: true` holds if the key is absent, `false` if it is there.
    fn null(&self, wanted: &[Option<bool>], value: ContextValue<'_>) -> Truth {
        let holds = |absent: bool| {
            let mut truth = Truth::False;
            for (want, text) in wanted.iter().zip(&self.values) {
                truth = truth
                    .or(want.map_or_else(|| Truth::unknown(Unknown::Value(text.clone())), |w| (w == absent).into()));
            }
            truth
        };
        match value {
            ContextValue::Known([]) | ContextValue::Absent => holds(true),
            ContextValue::Known(_) | ContextValue::OneOf(_) | ContextValue::Present => holds(false),
            ContextValue::Unknown => either(&holds(true), &holds(false), &self.key),
        }
    }

    fn compared(
        &self,
        operator: Operator,
        operands: &[Operand],
        value: ContextValue<'_>,
        context: &RequestContext,
    ) -> Truth {
        let Operator { set, negated, if_exists, .. } = operator;
        let without = if if_exists || set == Set::ForAll { true } else { set == Set::One && negated };
        // AWS's pages do not say what an operator for numbers or dates makes of a key that is a text and looks like one.
        let is_other = matches!(operator.kind, Kind::Numeric(_) | Kind::Date(_)) && self.lower.ends_with("account");
        let one = |value: &String| {
            let mut any = Truth::False;
            for operand in operands {
                any = any.or(match operator.compare(value, operand, context) {
                    Truth::True | Truth::False if is_other => Truth::unknown(Unknown::Value(value.clone())),
                    truth => truth,
                });
                if any.is_true() {
                    break;
                }
            }
            if negated { !any } else { any }
        };
        match value {
            ContextValue::Known([]) | ContextValue::Absent => without.into(),
            ContextValue::Known([value]) => one(value),
            ContextValue::Known(values) => match set {
                Set::One => Truth::unknown(Unknown::Multivalued(self.key.clone())),
                Set::ForAll => values.iter().map(one).fold(Truth::True, Truth::and),
                Set::ForAny => values.iter().map(one).fold(Truth::False, Truth::or),
            },
            ContextValue::OneOf(values) => Truth::whichever(&self.key, values.iter().map(one)),
            ContextValue::Present => self.some_value(operator, operands, context),
            ContextValue::Unknown => either(&without.into(), &self.some_value(operator, operands, context), &self.key),
        }
    }

    /// The key is there, with a value that nobody here knows: definite only if every value, or none, would do.
    fn some_value(&self, operator: Operator, operands: &[Operand], context: &RequestContext) -> Truth {
        let mut names = vec![Unknown::Key(self.key.clone())];
        if operator.set == Set::One && MULTIVALUED.iter().any(|name| name.eq_ignore_ascii_case(&self.key)) {
            // It may hold several values, and AWS does not say what an operator for one value makes of those.
            return Truth::unknown_all(names);
        }
        let mut possible = false;
        for operand in operands {
            match operand {
                Operand::Text(pattern) => {
                    if matches!(operator.kind, Kind::Text(Mode::Like)) && pattern.is_all() {
                        return (!operator.negated).into();
                    }
                    let (matchable, variables) = pattern.outlook(context);
                    possible |= matchable;
                    names.extend(variables);
                }
                Operand::Odd(name) => {
                    possible = true;
                    names.push(name.clone());
                }
                _ => possible = true,
            }
        }
        if possible { Truth::unknown_all(names) } else { operator.negated.into() }
    }
}

/// A key that may be absent or there: definite only if both agree.
fn either(absent: &Truth, present: &Truth, key: &str) -> Truth {
    if absent == present && !matches!(absent, Truth::Unknown(_)) {
        return absent.clone();
    }
    let mut names = vec![Unknown::Key(key.to_owned())];
    names.extend_from_slice(absent.names());
    names.extend_from_slice(present.names());
    Truth::unknown_all(names)
}
