//! The sentences behind a verdict: which statement decided, which nearly did, and on what it hangs.
//!
//! Runs after the verdict stands and never changes it.

use crate::model::text::shortened;
use crate::model::verdict::{Document, Effect, Reason};
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

fn statements<'a>(policy: Option<&Statements<'a>>) -> impl Iterator<Item = &'a Statement> {
    policy.into_iter().flat_map(|policy| policy.statements.iter().copied())
}

fn reason(statement: &Statement, document: Document, effect: Effect, certain: bool, detail: String) -> Reason {
    Reason::Statement { document, index: statement.index, sid: statement.sid.clone(), effect, certain, detail }
}

/// The Allows that surely apply.
pub(crate) fn allows(policy: Option<&Statements<'_>>, question: &Question<'_>, document: Document) -> Vec<Reason> {
    statements(policy)
        .filter(|statement| statement.may_allow() && statement.applies(question).is_true())
        .map(|statement| reason(statement, document, Effect::Allow, true, String::new()))
        .collect()
}

/// The Denies that surely apply.
pub(crate) fn denies(policy: Option<&Statements<'_>>, question: &Question<'_>, document: Document) -> Vec<Reason> {
    statements(policy)
        .filter(|statement| statement.may_deny() && statement.applies(question).is_true())
        .map(|statement| reason(statement, document, Effect::Deny, true, hit(statement, question)))
        .collect()
}

/// The Allows that may apply.
pub(crate) fn may_allow(policy: Option<&Statements<'_>>, question: &Question<'_>, document: Document) -> Vec<Reason> {
    perhaps(policy, question, document, Effect::Allow)
}

/// The Denies that may apply.
pub(crate) fn may_deny(policy: Option<&Statements<'_>>, question: &Question<'_>, document: Document) -> Vec<Reason> {
    perhaps(policy, question, document, Effect::Deny)
}

fn perhaps(
    policy: Option<&Statements<'_>>,
    question: &Question<'_>,
    document: Document,
    effect: Effect,
) -> Vec<Reason> {
    let counts = |statement: &Statement| match effect {
        Effect::Allow => statement.may_allow(),
        Effect::Deny => statement.may_deny(),
    };
    statements(policy)
        .filter(|statement| counts(statement))
        .filter_map(|statement| match statement.applies(question) {
            Truth::Unknown(names) => {
                Some(reason(statement, document, effect, false, hangs(statement, question, &names)))
            }
            Truth::True | Truth::False => None,
        })
        .collect()
}

/// Why nothing allows: the statements that came closest, and what each lacks.
pub(crate) fn nothing_allows(policy: Option<&Statements<'_>>, question: &Question<'_>, document: Document) -> Reason {
    let detail = match policy {
        None => "there is no policy".to_owned(),
        Some(policy) => {
            let mut misses: Vec<(usize, String)> = policy
                .statements
                .iter()
                .filter(|statement| statement.effect == Some(Effect::Allow))
                .map(|statement| {
                    let missed = misses(statement, question);
                    (missed.len(), format!("statement {} would allow, but {}", statement.name(), missed.join(", and ")))
                })
                .collect();
            let nearest = misses.iter().map(|(count, _)| *count).min().unwrap_or_default();
            misses.retain(|(count, _)| *count == nearest);
            let more = misses.len().saturating_sub(NEAR);
            let mut told: Vec<String> = misses.into_iter().take(NEAR).map(|(_, text)| text).collect();
            if more > 0 {
                told.push(format!("{more} more miss it as closely"));
            }
            if told.is_empty() { "it has no Allow".to_owned() } else { told.join("; ") }
        }
    };
    Reason::NothingAllows { document, detail }
}

/// What of a statement does not fit the request.
fn misses(statement: &Statement, question: &Question<'_>) -> Vec<String> {
    let request = question.request;
    let mut missed = Vec::new();
    if statement.principal_fits(question).is_false() {
        let named = principals(statement);
        // What is said of a deleted principal or a wildcard says enough.
        missed.push(if named.ends_with('`') {
            format!("{named}, not Darwin's `{}`", request.principal)
        } else {
            named
        });
    }
    if statement.action_fits(question).is_false() {
        missed.push(format!("{}, not {}", scope("Action", &statement.actions), request.action));
    }
    if statement.resource_fits(question).is_false() {
        let is_bucket = |text: &&str| request.resource.strip_prefix(text).is_some_and(|rest| rest.starts_with('/'));
        let bucket =
            statement.resources.texts().into_iter().find(is_bucket).map_or_else(String::new, |bucket| {
                format!(": it is the bucket itself, whose objects are `{bucket}/*`")
            });
        missed.push(format!("{}, which is not {}{bucket}", scope("Resource", &statement.resources), request.resource));
    }
    for condition in &statement.conditions {
        if condition.holds(question.context()).is_false() {
            missed.push(format!("it requires {}, {}", wanted(condition), state(condition, question)));
        }
    }
    missed
}

fn principals(statement: &Statement) -> String {
    let named = quoted(statement.principals.entries().iter().map(principal_text));
    match &statement.principals {
        Principals::Missing => "it has no Principal".to_owned(),
        Principals::Any(entries) if entries.iter().any(|entry| matches!(entry, Principal::UniqueId(_))) => {
            format!("its Principal is {named}, the id of a principal that was deleted")
        }
        Principals::Any(entries) if entries.iter().any(|entry| matches!(entry, Principal::Wildcard(_))) => {
            format!("its Principal is {named}, and AWS takes no partial wildcard there")
        }
        Principals::Any(_) => format!("its Principal is {named}"),
        Principals::Except(_) => format!("its NotPrincipal is {named}"),
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
        | Principal::Service(text)
        | Principal::Federated(text)
        | Principal::CanonicalUser(text)
        | Principal::Wildcard(text) => text.clone(),
        Principal::Unknown(name) => name.strip_prefix("value:").unwrap_or(name).to_owned(),
    }
}

fn scope(name: &str, scope: &Scope) -> String {
    let texts = quoted(scope.texts().into_iter().map(str::to_owned));
    match scope {
        Scope::Missing => format!("it has no {name}"),
        Scope::Any(_) => format!("its {name} is {texts}"),
        Scope::Except(_) => format!("its Not{name} is {texts}"),
    }
}

/// At most three texts, each in backticks and cut.
fn quoted(texts: impl Iterator<Item = String>) -> String {
    let texts: Vec<String> = texts.collect();
    let mut shown: Vec<String> = texts.iter().take(3).map(|text| format!("`{}`", cut(text))).collect();
    if texts.len() > 3 {
        shown.push(format!("{} more", texts.len() - 3));
    }
    if shown.is_empty() { "empty".to_owned() } else { shown.join(", ") }
}

/// Texts come from other people's policies: a long one is cut, so that a message stays readable.
fn cut(text: &str) -> String {
    shortened(text, 120, "...")
}

/// How a Deny comes to apply.
fn hit(statement: &Statement, question: &Question<'_>) -> String {
    let mut told = negations(statement);
    told.extend(demands(&statement.conditions.iter().collect::<Vec<_>>(), question));
    if statement.conditions.is_empty() {
        told.push("it has no Condition that spares Darwin".to_owned());
    }
    told.join("; ")
}

/// The elements that reach everything but what they name.
fn negations(statement: &Statement) -> Vec<String> {
    let mut told = Vec::new();
    if matches!(statement.principals, Principals::Except(_)) {
        told.push(format!("{}, and everybody else is meant", principals(statement)));
    }
    for (name, of) in [("Action", &statement.actions), ("Resource", &statement.resources)] {
        if matches!(of, Scope::Except(_)) {
            told.push(format!("{}, and everything else is meant", scope(name, of)));
        }
    }
    told
}

/// The conditions of a Deny that applies, or may: what they want, and what is known of their keys. One that is negated
/// alone is told by what spares from it; several apply only together.
fn demands(conditions: &[&Condition], question: &Question<'_>) -> Option<String> {
    match conditions {
        [] => None,
        [one] if one.is_negated() => Some(format!("requires {}, {}", unless(one), state(one, question))),
        all => Some(where_all(all, question)),
    }
}

fn where_all(conditions: &[&Condition], question: &Question<'_>) -> String {
    let told: Vec<String> = match conditions {
        [one] => vec![format!("{}, {}", wanted(one), state(one, question))],
        all => all.iter().map(|one| format!("{} ({})", wanted(one), state(one, question))).collect(),
    };
    format!("applies where {}", told.join(", and "))
}

/// On what a statement hangs.
fn hangs(statement: &Statement, question: &Question<'_>, names: &[String]) -> String {
    let open: Vec<&Condition> = statement
        .conditions
        .iter()
        .filter(|condition| condition.is_understood())
        .filter(|condition| matches!(condition.holds(question.context()), Truth::Unknown(_)))
        .collect();
    let mut told = negations(statement);
    if statement.may_deny() {
        told.extend(demands(&open, question));
    } else if !open.is_empty() {
        told.push(where_all(&open, question));
    }
    // A key whose condition was just told needs no second mention.
    let rest = names.iter().filter(|name| !open.iter().any(|condition| condition.key.eq_ignore_ascii_case(name)));
    let rest: Vec<String> = rest.map(|name| meaning(name)).collect();
    if !rest.is_empty() {
        told.push(format!("hangs on {}", rest.join(", ")));
    }
    told.join("; ")
}

/// A name of `depends_on` in words, with the name.
fn meaning(name: &str) -> String {
    let (kind, of) = name.split_once(':').unwrap_or((name, ""));
    let of = cut(of);
    let words = match kind {
        "role-session-name" => "the session name that Darwin uses",
        "permissions-boundary" => {
            "whether Darwin's role has a permissions boundary, as then NotPrincipal never spares it"
        }
        "notprincipal-allow" => "whom an Allow with NotPrincipal reaches",
        "canonical-user-id" => "the canonical user id of Darwin's account",
        "no-principal" => "whom a statement without Principal means",
        "no-action" => "what a statement without Action means",
        "no-resource" => "what a statement without Resource means",
        "element" => return format!("`{of}`, which is misspelt, given twice or not of its form (`{name}`)"),
        "operator" => return format!("`{of}`, which is no operator that AWS has (`{name}`)"),
        "principal-type" => return format!("`{of}`, which is no kind of principal that AWS has (`{name}`)"),
        "multivalued" => return format!("{of}, which has several values where the operator is for one (`{name}`)"),
        "value" => return format!("the value `{of}`, which is not understood there"),
        "setting" if of == "RestrictPublicBuckets" => "whether RestrictPublicBuckets is on for the account",
        "setting" if of == "PolicyStatus.IsPublic" => "whether S3 counts the policy as public",
        _ => return name.to_owned(),
    };
    format!("{words} (`{name}`)")
}

/// What a condition wants, in words.
fn wanted(condition: &Condition) -> String {
    let values = quoted(condition.values.iter().cloned());
    let Condition { operator, key, .. } = condition;
    match (operator.as_str(), condition.values.as_slice()) {
        ("Null", [value]) if value.eq_ignore_ascii_case("true") => return format!("{key} is missing"),
        ("Null", [value]) if value.eq_ignore_ascii_case("false") => return format!("{key} is there"),
        _ => {}
    }
    match operator.strip_suffix("IfExists") {
        Some(base) => format!("{key} {} {values}, or is missing", relation(base)),
        None => format!("{key} {} {values}", relation(operator)),
    }
}

/// What spares from a statement with a negated operator: the key must be there and fit.
fn unless(condition: &Condition) -> String {
    let values = quoted(condition.values.iter().cloned());
    let base = condition.operator.strip_suffix("IfExists").unwrap_or(&condition.operator);
    let positive = base.replacen("Not", "", 1);
    // Not every value outside is some value inside, and the other way round.
    let positive = match positive.split_once(':') {
        Some(("ForAllValues", rest)) => format!("ForAnyValue:{rest}"),
        Some(("ForAnyValue", rest)) => format!("ForAllValues:{rest}"),
        _ => positive,
    };
    format!("{} {} {values}", condition.key, relation(&positive))
}

/// `=` and the like for the plain operators, the operator's own name for the rest.
fn relation(operator: &str) -> &str {
    match operator {
        "StringEquals" | "Bool" | "NumericEquals" | "DateEquals" | "BinaryEquals" | "StringEqualsIgnoreCase" => "=",
        "StringNotEquals" | "NumericNotEquals" | "DateNotEquals" | "StringNotEqualsIgnoreCase" => "not =",
        "StringLike" | "ArnLike" | "ArnEquals" => "like",
        "StringNotLike" | "ArnNotLike" | "ArnNotEquals" => "not like",
        "IpAddress" => "in",
        "NotIpAddress" => "not in",
        "NumericLessThan" => "<",
        "NumericLessThanEquals" => "<=",
        "NumericGreaterThan" => ">",
        "NumericGreaterThanEquals" => ">=",
        "DateLessThan" => "before",
        "DateLessThanEquals" => "not after",
        "DateGreaterThan" => "after",
        "DateGreaterThanEquals" => "not before",
        _ => operator,
    }
}

/// What is known of the key that a condition tests.
fn state(condition: &Condition, question: &Question<'_>) -> String {
    match question.context().lookup(&condition.lower) {
        ContextValue::Known(values) => {
            let values = quoted(values.iter().cloned());
            format!("and in Darwin's requests it is {values}")
        }
        ContextValue::Present => "whose value in Darwin's requests cannot be seen from here".to_owned(),
        ContextValue::Absent => "which Darwin's requests do not have".to_owned(),
        ContextValue::Unknown => "which cannot be seen from here".to_owned(),
    }
}

fn gate(name: &str, detail: String) -> Reason {
    Reason::Gate { name: name.to_owned(), detail }
}

fn made_public_by(policy: Option<&Statements<'_>>) -> String {
    let names = policy.map(public_statements).unwrap_or_default();
    if names.is_empty() { "the bucket policy".to_owned() } else { format!("statement {}", names.join(", ")) }
}

pub(crate) fn public_block(policy: Option<&Statements<'_>>) -> Reason {
    let by = made_public_by(policy);
    gate("RestrictPublicBuckets", format!("{by} makes the policy public, so S3 shuts every other account out"))
}

pub(crate) fn perhaps_public_block(policy: Option<&Statements<'_>>, names: &[String]) -> Reason {
    let by = made_public_by(policy);
    let makes = if names.iter().any(|name| name == "setting:PolicyStatus.IsPublic") { "may make" } else { "makes" };
    let open = names.iter().map(|name| meaning(name)).collect::<Vec<_>>().join(" and ");
    gate(
        "RestrictPublicBuckets",
        format!(
            "{by} {makes} the policy public; S3 then shuts every other account out if the setting is on; hangs on {open}"
        ),
    )
}

pub(crate) fn object_acl(other: bool) -> Reason {
    let detail = if other {
        "another account owns the object, so the bucket policy does not reach it; its ACL decides"
    } else {
        "if another account owns the object, the bucket policy does not reach it; its ACL decides"
    };
    gate("object ownership", detail.to_owned())
}
