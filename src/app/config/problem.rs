//! What is wrong with the settings, all at once.

use std::fmt;

/// One wrong setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} is {saw}, wanted {want}")]
pub struct ConfigProblem {
    /// The variable, with the place in it: `GUARDED_BUCKETS[1].access`.
    pub variable: String,
    /// What was seen, cut, in backticks; or `not set`.
    pub saw: String,
    pub want: String,
}

/// Every wrong setting at once, so that nobody mends them one start at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblems(pub Vec<ConfigProblem>);

impl fmt::Display for ConfigProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigProblems {}
