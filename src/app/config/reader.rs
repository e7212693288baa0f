//! Reads single variables and gathers what is wrong with them, all at once.
//!
//! Must never fill in what is wrong with a default without recording the problem: the guard then does not start.

use crate::app::config::problem::ConfigProblem;
use crate::app::config::values::cut;
use crate::model::text::is_digits;
use std::fmt;

/// Looks a variable up. An empty value counts as none: a template passes on an empty parameter like that.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Reads variables and gathers what is wrong with them.
pub(super) struct Reader<'a> {
    pub(super) lookup: Lookup<'a>,
    pub(super) problems: Vec<ConfigProblem>,
}

impl Reader<'_> {
    pub(super) fn get(&self, variable: &str) -> Option<String> {
        (self.lookup)(variable).filter(|value| !value.is_empty())
    }

    pub(super) fn wrong(&mut self, variable: impl Into<String>, saw: impl Into<String>, want: impl Into<String>) {
        self.problems.push(ConfigProblem { variable: variable.into(), saw: saw.into(), want: want.into() });
    }

    pub(super) fn checked(&mut self, variable: &str, is_right: impl Fn(&str) -> bool, want: &str) -> Option<String> {
        let value = self.get(variable)?;
        if is_right(&value) {
            return Some(value);
        }
        self.wrong(variable, cut(&value), want);
        None
    }

    pub(super) fn choice<T: Copy>(&mut self, variable: &str, default: T, choices: &[(&str, T)], want: &str) -> T {
        let Some(value) = self.get(variable) else { return default };
        if let Some((_, choice)) = choices.iter().find(|(name, _)| *name == value) {
            return *choice;
        }
        self.wrong(variable, cut(&value), want);
        default
    }

    pub(super) fn number<T>(&mut self, variable: &str, default: T, least: T, most: T, unit: &str) -> T
    where
        T: Copy + std::str::FromStr + PartialOrd + fmt::Display,
    {
        let Some(value) = self.get(variable) else { return default };
        let digits = is_digits(&value);
        match value.parse::<T>() {
            Ok(number) if digits && number >= least && number <= most => number,
            _ => {
                self.wrong(variable, cut(&value), format!("a whole number of {unit} from {least} to {most}"));
                default
            }
        }
    }
}
