//! Somebody's Allows that hang on a condition, where Darwin's own statement is absent: a decision about Darwin, perhaps a
//! lock-down, or neither.
//!
//! Must never take an Allow that names Darwin for one that does not.

use crate::model::arn::Arn;
use crate::model::evidence::{Doubt, Evidence};
use crate::model::finding::Finding;
use crate::model::unknown::Unknown;
use crate::model::verdict::{Basis, Decision, Effect, Verdict};
use crate::policy::document::{PolicyDocument, Statements};
use crate::policy::principal::Principal;
use crate::policy::statement::Statement;
use crate::repair::policy::ours::StatementView;
use crate::repair::policy::probe::{Asking, Question};
use crate::repair::policy::told;
use std::collections::BTreeSet;

/// Condition keys whose values can name Darwin's role or account.
const NAMING: [&str; 3] = ["aws:principalarn", "aws:principalaccount", "aws:userid"];

/// What tells an Allow of somebody's that was always there from one that may be a lock-down.
#[derive(Debug, Clone, Copy, Default)]
pub struct Precedent<'a> {
    /// Indexes of the statements that stood when the contract last held.
    pub stood: &'a [usize],
    /// A person asks for the repair.
    pub by_hand: bool,
}

/// A document without a statement of ours.
pub(super) struct Absent<'a> {
    pub document: &'a PolicyDocument,
    pub asking: Asking<'a>,
    pub questions: &'a [Question],
    pub seen: &'a [StatementView<'a>],
    /// The document with nothing but its Allows, and what that says.
    pub allows: &'a Statements<'a>,
    pub allowed: &'a Verdict,
}

impl Absent<'_> {
    /// Why an Allow of somebody's keeps ours from being put back.
    pub(super) fn kept_out(&self, precedent: Precedent<'_>) -> Option<Finding> {
        let depends = |verdict: &Verdict| verdict.decision == Decision::Depends;
        let left_open = self.asking.left_open(self.allows, self.questions).into_iter().map(|(_, verdict)| verdict);
        let open = left_open.filter(depends).fold(Verdict::allowed(Vec::new()), Verdict::and);
        let perhaps: BTreeSet<usize> = open.because.iter().filter_map(|reason| allow(&reason.basis)).collect();
        let decides = |seen: &&StatementView<'_>| perhaps.contains(&seen.index()) || self.has_a_condition(seen);
        let about: Vec<&StatementView<'_>> =
            self.seen.iter().filter(|seen| self.names_darwin(seen.written.statement)).filter(decides).collect();
        let came = |seen: &&StatementView<'_>| {
            perhaps.contains(&seen.index()) && !precedent.by_hand && !precedent.stood.contains(&seen.index())
        };
        let about_darwin = !about.is_empty();
        let statements = if about_darwin { about } else { self.seen.iter().filter(came).collect() };
        if statements.is_empty() {
            // What is not understood beside the statements leaves it open with ours too.
            return (perhaps.is_empty() && depends(&open)).then(|| told::uncertain(Doubt::Proposed, &open));
        }
        let names = statements.iter().map(|seen| seen.name()).collect();
        let doubt = Evidence::Uncertain(Doubt::ConditionalAllow { about_darwin, statements: names });
        if depends(&open) {
            return Some(Finding::with(doubt, open.because, open.depends_on));
        }
        // Darwin surely does not meet the condition as it stands.
        let keys = statements.iter().flat_map(|seen| &seen.written.statement.conditions);
        let keys: BTreeSet<Unknown> = keys.map(|condition| Unknown::Key(condition.key.clone())).collect();
        Some(Finding::with(doubt, self.allowed.because.clone(), keys.into_iter().collect()))
    }

    /// Whether it would, but for its conditions, allow something of the contract, or perhaps.
    fn has_a_condition(&self, seen: &StatementView<'_>) -> bool {
        let statement = seen.written.statement;
        if statement.conditions.is_empty() || !statement.may_allow() {
            return false;
        }
        let bare = Statement { conditions: Vec::new(), ..statement.clone() };
        let left_open = self.asking.left_open(&self.document.with(std::iter::once(&bare)), self.questions);
        left_open.len() < self.questions.len() || left_open.iter().any(|(_, verdict)| !verdict.is_denied())
    }

    /// Whether Darwin's role or account stands in it, as a principal or in a condition.
    fn names_darwin(&self, statement: &Statement) -> bool {
        let Some(Arn { account: own, resource, .. }) = Arn::parse(&self.asking.darwin.role) else { return true };
        let role = resource.rsplit('/').next().unwrap_or_default();
        let names = |text: &String| text.contains(&own) || text.contains(role);
        let principals = statement.principals.entries().iter().any(|principal| match principal {
            Principal::Account { account, .. } | Principal::Session { account, .. } => *account == own,
            Principal::Arn(arn) => arn.account == own,
            Principal::Wildcard(text) | Principal::Unknown(Unknown::Value(text)) => names(text),
            _ => false,
        });
        let mut conditions = statement.conditions.iter().filter(|condition| NAMING.contains(&condition.lower.as_str()));
        principals || conditions.any(|condition| condition.values.iter().any(names))
    }
}

/// The index of an Allow.
fn allow(basis: &Basis) -> Option<usize> {
    match basis {
        Basis::Statement { statement, effect: Effect::Allow, .. } => Some(statement.index),
        _ => None,
    }
}
