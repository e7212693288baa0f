//! Kleene's three truth values, the unknown one with the names that it hangs on.
//!
//! Must never drop the names of an unknown that can still decide.

use crate::model::unknown::Unknown;

/// Whether something holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Truth {
    True,
    False,
    /// Hangs on what is named, in order of discovery, each name once.
    Unknown(Vec<Unknown>),
}

impl Truth {
    pub(crate) fn unknown(on: Unknown) -> Self {
        Self::Unknown(vec![on])
    }

    /// Hangs on all of these; a name may be given twice.
    pub(crate) fn unknown_all(names: Vec<Unknown>) -> Self {
        Self::Unknown(joined(Vec::new(), names))
    }

    /// Of a key that has one of a few values, with the outcome of each: definite only if all of them agree.
    pub(crate) fn whichever(key: &str, outcomes: impl Iterator<Item = Self>) -> Self {
        let outcomes: Vec<Self> = outcomes.collect();
        match outcomes.split_first() {
            Some((first, rest)) if rest.iter().all(|other| other == first) && first.names().is_empty() => first.clone(),
            _ => {
                let names = outcomes.iter().flat_map(|outcome| outcome.names().iter().cloned());
                Self::unknown_all(std::iter::once(Unknown::Key(key.to_owned())).chain(names).collect())
            }
        }
    }

    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::False, _) | (_, Self::False) => Self::False,
            (Self::True, other) => other,
            (this, Self::True) => this,
            (Self::Unknown(left), Self::Unknown(right)) => Self::Unknown(joined(left, right)),
        }
    }

    #[must_use]
    pub(crate) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::True, _) | (_, Self::True) => Self::True,
            (Self::False, other) => other,
            (this, Self::False) => this,
            (Self::Unknown(left), Self::Unknown(right)) => Self::Unknown(joined(left, right)),
        }
    }

    pub(crate) fn is_true(&self) -> bool {
        *self == Self::True
    }

    pub(crate) fn is_false(&self) -> bool {
        *self == Self::False
    }

    /// What it hangs on; empty if it is definite.
    pub fn names(&self) -> &[Unknown] {
        match self {
            Self::Unknown(names) => names,
            Self::True | Self::False => &[],
        }
    }
}

impl std::ops::Not for Truth {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            unknown @ Self::Unknown(_) => unknown,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

fn joined(mut left: Vec<Unknown>, right: Vec<Unknown>) -> Vec<Unknown> {
    for name in right {
        if !left.contains(&name) {
            left.push(name);
        }
    }
    left
}
