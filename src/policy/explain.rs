//! What is behind a verdict, as data: which statement decided, which nearly did, and on what it hangs.
//!
//! Runs after the verdict stands and never changes it. Must never make a sentence: `report::reason` has the words.

use crate::model::unknown::Unknown;
use crate::model::verdict::{Basis, Document, Effect, Reason};
use crate::model::why::{Applies, Element, Few, Gate, Known, Miss, Near, NoAllow, Part, Test};
use crate::policy::condition::Condition;
use crate::policy::document::Statements;
use crate::policy::principal::{Principal, Principals};
use crate::policy::public::public_statements;
use crate::policy::question::Question;
use crate::policy::request::ContextValue;
use crate::policy::statement::{Scope, Statement};
use crate::policy::truth::Truth;

/// How many statements that nearly allowed are told.
const NEAR: usize = 3;

/// The statements, each with what its document is called.
fn statements<'a, 'b>(policy: Option<&'b Statements<'a>>) -> impl Iterator<Item = (&'a Statement, &'b Document)> {
    policy.into_iter().flat_map(|policy| policy.each.iter().map(|statement| (*statement, &policy.document)))
}

fn reason(statement: &Statement, document: &Document, effect: Effect, certain: bool, applies: Applies) -> Reason {
    Basis::Statement { document: document.clone(), statement: statement.name(), effect, certain, applies }.into()
}

/// An Allow of a bucket policy that surely applies.
pub(crate) fn allow(statement: &Statement) -> Reason {
    reason(statement, &Document::BucketPolicy, Effect::Allow, true, Applies::default())
}

/// The Allows that surely apply.
pub(crate) fn allows(policy: Option<&Statements<'_>>, question: &Question<'_>) -> Vec<Reason> {
    statements(policy)
        .filter(|(statement, _)| statement.may_allow() && statement.applies(question).is_true())
        .map(|(statement, document)| reason(statement, document, Effect::Allow, true, Applies::default()))
        .collect()
}

/// The Denies that surely apply.
pub(crate) fn denies(policy: Option<&Statements<'_>>, question: &Question<'_>) -> Vec<Reason> {
    statements(policy)
        .filter(|(statement, _)| statement.may_deny() && statement.applies(question).is_true())
        .map(|(statement, document)| reason(statement, document, Effect::Deny, true, hit(statement, question)))
        .collect()
}

/// The Allows that may apply.
pub(crate) fn may_allow(policy: Option<&Statements<'_>>, question: &Question<'_>) -> Vec<Reason> {
    perhaps(policy, question, Effect::Allow)
}

/// The Denies that may apply.
pub(crate) fn may_deny(policy: Option<&Statements<'_>>, question: &Question<'_>) -> Vec<Reason> {
    perhaps(policy, question, Effect::Deny)
}

fn perhaps(policy: Option<&Statements<'_>>, question: &Question<'_>, effect: Effect) -> Vec<Reason> {
    let counts = |statement: &Statement| match effect {
        Effect::Allow => statement.may_allow(),
        Effect::Deny => statement.may_deny(),
    };
    statements(policy)
        .filter(|(statement, _)| counts(statement))
        .filter_map(|(statement, document)| match statement.applies(question) {
            Truth::Unknown(names) => {
                Some(reason(statement, document, effect, false, hangs(statement, question, names)))
            }
            Truth::True | Truth::False => None,
        })
        .collect()
}

/// Why nothing allows: the statements that came closest, and what each lacks.
pub(crate) fn nothing_allows(policy: Option<&Statements<'_>>, question: &Question<'_>) -> Reason {
    let document = policy.map_or(Document::BucketPolicy, |policy| policy.document.clone());
    let allows = |statement: &&Statement| statement.effect == Some(Effect::Allow);
    let near = |statement: &Statement| Near { statement: statement.name(), misses: misses(statement, question) };
    let mut nearest: Vec<Near> = statements(policy).map(|(statement, _)| statement).filter(allows).map(near).collect();
    let least = nearest.iter().map(|near| near.misses.len()).min();
    nearest.retain(|near| Some(near.misses.len()) == least);
    let more = nearest.len().saturating_sub(NEAR);
    nearest.truncate(NEAR);
    let why = match policy {
        None => NoAllow::NoPolicy,
        Some(_) if nearest.is_empty() => NoAllow::NoStatement,
        Some(_) => NoAllow::Near { nearest, more },
    };
    Basis::NothingAllows { document, why }.into()
}

/// What of a statement does not fit the request.
fn misses(statement: &Statement, question: &Question<'_>) -> Vec<Miss> {
    let request = question.request;
    let mut missed = Vec::new();
    if statement.principal_fits(question).is_false() {
        missed.push(Miss::Element { has: principals(statement), asked: request.principal.clone() });
    }
    if statement.action_fits(question).is_false() {
        let has = element(Part::Action, &statement.actions);
        missed.push(Miss::Element { has, asked: request.action.clone() });
    }
    if statement.resource_fits(question).is_false() {
        let (has, asked) = (element(Part::Resource, &statement.resources), request.resource.clone());
        let is_bucket = |text: &&str| asked.strip_prefix(text).is_some_and(|rest| rest.starts_with('/'));
        let bucket = statement.resources.texts().into_iter().find(is_bucket).map(str::to_owned);
        missed.push(match bucket {
            Some(bucket) => Miss::BucketNotObjects { has, asked, bucket },
            None => Miss::Element { has, asked },
        });
    }
    let failed = statement.conditions.iter().filter(|condition| condition.holds(question.context()).is_false());
    missed.extend(failed.map(|condition| Miss::Condition(test(condition, question))));
    missed
}

fn principals(statement: &Statement) -> Element {
    let entries = statement.principals.entries();
    let part = match &statement.principals {
        Principals::Any(_) if entries.iter().any(|entry| matches!(entry, Principal::UniqueId(_))) => {
            Part::DeletedPrincipal
        }
        Principals::Any(_) if entries.iter().any(|entry| matches!(entry, Principal::Wildcard(_))) => {
            Part::WildcardPrincipal
        }
        _ => Part::Principal,
    };
    let missing = matches!(statement.principals, Principals::Missing);
    Element {
        part,
        negated: matches!(statement.principals, Principals::Except(_)),
        texts: (!missing).then(|| Few::of(entries.iter().map(principal_text))),
    }
}

fn principal_text(principal: &Principal) -> String {
    match principal {
        Principal::Anyone => "*".to_owned(),
        Principal::Account { partition: None, account } => account.clone(),
        Principal::Account { partition: Some(partition), account } => format!("arn:{partition}:iam::{account}:root"),
        Principal::Arn(arn) => arn.to_string(),
        Principal::Session { partition, account, role, session } => {
            format!("arn:{partition}:sts::{account}:assumed-role/{role}/{session}")
        }
        Principal::UniqueId(text)
        | Principal::OriginAccessIdentity(text)
        | Principal::Service(text)
        | Principal::Federated(text)
        | Principal::CanonicalUser(text)
        | Principal::Wildcard(text)
        | Principal::Unknown(Unknown::Value(text)) => text.clone(),
        Principal::Unknown(name) => name.to_string(),
    }
}

fn element(part: Part, scope: &Scope) -> Element {
    let texts = match scope {
        Scope::Missing => None,
        Scope::Any(_) | Scope::Except(_) => Some(Few::of(scope.texts())),
    };
    Element { part, negated: matches!(scope, Scope::Except(_)), texts }
}

/// How a Deny comes to apply.
fn hit(statement: &Statement, question: &Question<'_>) -> Applies {
    let conditions = statement.conditions.iter().map(|condition| test(condition, question)).collect();
    Applies { except: negations(statement), conditions, open: Vec::new() }
}

/// The elements that reach everything but what they name.
fn negations(statement: &Statement) -> Vec<Element> {
    let principals = matches!(statement.principals, Principals::Except(_)).then(|| principals(statement));
    let scopes = [(Part::Action, &statement.actions), (Part::Resource, &statement.resources)];
    let except = scopes.into_iter().filter(|(_, scope)| matches!(scope, Scope::Except(_)));
    principals.into_iter().chain(except.map(|(part, scope)| element(part, scope))).collect()
}

/// On what a statement hangs.
fn hangs(statement: &Statement, question: &Question<'_>, names: Vec<Unknown>) -> Applies {
    let is_open = |condition: &&Condition| {
        condition.is_understood() && matches!(condition.holds(question.context()), Truth::Unknown(_))
    };
    let conditions: Vec<Test> =
        statement.conditions.iter().filter(is_open).map(|condition| test(condition, question)).collect();
    // A key whose condition is there needs no second mention.
    let told = |name: &Unknown| matches!(name, Unknown::Key(key) if conditions.iter().any(|test| test.key.eq_ignore_ascii_case(key)));
    let open = names.into_iter().filter(|name| !told(name)).collect();
    Applies { except: negations(statement), conditions, open }
}

/// A condition, with what is known of its key.
fn test(condition: &Condition, question: &Question<'_>) -> Test {
    let known = match question.context().lookup(&condition.lower) {
        ContextValue::Known(values) => Known::Values(Few::of(values)),
        ContextValue::OneOf(values) => Known::OneOf(Few::of(values)),
        ContextValue::Present => Known::Present,
        ContextValue::Absent => Known::Absent,
        _ if !matches!(condition.holds(question.context()), Truth::Unknown(_)) => Known::Indifferent,
        ContextValue::Unknown => Known::Unknown,
    };
    let Condition { operator, key, values, .. } = condition;
    Test { operator: operator.clone(), key: key.clone(), values: Few::of(values), known }
}

/// What is not understood of the document as a whole.
pub(crate) fn not_understood(policy: Option<&Statements<'_>>) -> Option<Reason> {
    let Statements { unknowns: open, document, .. } = policy?;
    let gate = || Gate::NotUnderstood { document: document.to_string(), open: open.to_vec() };
    (!open.is_empty()).then(|| gate().into())
}

pub(crate) fn public_block(policy: Option<&Statements<'_>>) -> Reason {
    Gate::PublicBlock { by: policy.map(public_statements).unwrap_or_default() }.into()
}

pub(crate) fn perhaps_public_block(policy: Option<&Statements<'_>>, open: &[Unknown]) -> Reason {
    Gate::MayBePublicBlock { by: policy.map(public_statements).unwrap_or_default(), open: open.to_vec() }.into()
}
