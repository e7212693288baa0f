//! The members of a policy -> its typed view.
//!
//! Never fails and never skips: what is not understood becomes a name on which verdicts depend.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>

use crate::model::unknown::Unknown;
use crate::model::verdict::Effect;
use crate::policy::condition::{Condition, Operator, Test};
use crate::policy::json::{Members, Node, get};
use crate::policy::pattern::Pattern;
use crate::policy::principal::{Principal, Principals};
use crate::policy::statement::{Scope, Statement};
use crate::policy::values::boolean;

/// What `Statement` elements and top-level oddities a text holds.
#[derive(Debug, Clone, Default)]
pub(super) struct Parsed {
    pub(super) statements: Vec<Statement>,
    /// What was not understood of the document as a whole.
    pub(super) unknowns: Vec<Unknown>,
    /// What of it is the Version's.
    pub(super) version: Option<Unknown>,
    /// Whether `${...}` in a pattern is a policy variable.
    pub(super) variables: bool,
}

pub(super) fn document(root: Option<&Node>) -> Parsed {
    let mut parsed = Parsed::default();
    let Some(Node::Object(members)) = root else {
        parsed.unknowns.push(element("Statement"));
        return parsed;
    };
    unrecognised(members, &["Version", "Id", "Statement"], &mut parsed.unknowns);
    parsed.version = match get(members, "Version").map(Node::as_text) {
        None | Some(Some("2012-10-17" | "2008-10-17")) => None,
        Some(Some(other)) => Some(Unknown::Value(other.to_owned())),
        Some(None) => Some(element("Version")),
    };
    parsed.unknowns.extend(parsed.version.clone());
    let variables = get(members, "Version").is_some_and(|version| version.as_text() != Some("2008-10-17"));
    parsed.variables = variables;
    match get(members, "Statement") {
        None => parsed.unknowns.push(element("Statement")),
        Some(node) => {
            for (index, item) in node.items().iter().enumerate() {
                if let Node::Object(members) = item {
                    parsed.statements.push(statement(index, members, variables));
                } else {
                    parsed.unknowns.push(element("Statement"));
                }
            }
        }
    }
    parsed.unknowns.dedup();
    parsed
}

fn element(name: &str) -> Unknown {
    Unknown::Element(name.to_owned())
}

/// Adds the names of members that AWS does not have, or that stand there twice.
fn unrecognised(members: &Members, known: &[&str], into: &mut Vec<Unknown>) {
    for (place, (name, _)) in members.iter().enumerate() {
        let again = members.iter().take(place).any(|(earlier, _)| earlier == name);
        if again || !known.contains(&name.as_str()) {
            into.push(element(name));
        }
    }
}

fn statement(index: usize, members: &Members, variables: bool) -> Statement {
    let mut unknowns = Vec::new();
    let known =
        ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];
    unrecognised(members, &known, &mut unknowns);
    let effect = match get(members, "Effect") {
        Some(Node::Text(text)) if text == "Allow" => Some(Effect::Allow),
        Some(Node::Text(text)) if text == "Deny" => Some(Effect::Deny),
        Some(Node::Text(text)) => {
            unknowns.push(Unknown::Value(text.clone()));
            None
        }
        _ => {
            unknowns.push(element("Effect"));
            None
        }
    };
    // An Effect that stands there twice may be either.
    let effect = effect.filter(|_| !unknowns.contains(&element("Effect")));
    let principals = principals(members, &mut unknowns);
    let actions = scope(members, "Action", "NotAction", &mut unknowns, action);
    let resources = scope(members, "Resource", "NotResource", &mut unknowns, |text| Pattern::new(text, variables));
    let twice = unknowns.contains(&element("Condition"));
    let conditions = get(members, "Condition")
        .filter(|_| !twice)
        .map_or_else(Vec::new, |node| conditions(node, variables, &mut unknowns));
    unknowns.dedup();
    Statement {
        index,
        sid: get(members, "Sid").and_then(Node::as_text).map(str::to_owned),
        effect,
        principals,
        actions,
        resources,
        conditions,
        unknowns,
    }
}

/// An Allow for one AWS principal, without a condition, as it would be read from a document with variables or without.
pub(super) fn allow(
    index: usize,
    sid: &str,
    principal: &str,
    actions: &[String],
    resources: &[String],
    variables: bool,
) -> Statement {
    Statement {
        index,
        sid: Some(sid.to_owned()),
        effect: Some(Effect::Allow),
        principals: Principals::Any(vec![Principal::aws(principal)]),
        actions: Scope::Any(actions.iter().map(|text| action(text)).collect()),
        resources: Scope::Any(resources.iter().map(|text| Pattern::new(text, variables)).collect()),
        conditions: Vec::new(),
        unknowns: Vec::new(),
    }
}

/// Actions compare without case.
fn action(text: &str) -> Pattern {
    Pattern::new(&text.to_ascii_lowercase(), false).with_text(text)
}

/// `Action` and the like. Both forms in one statement, or something else than texts, is not understood.
fn scope(
    members: &Members,
    name: &str,
    negated: &str,
    unknowns: &mut Vec<Unknown>,
    pattern: impl Fn(&str) -> Pattern,
) -> Scope {
    let mut read = |name: &str, node: &Node| {
        let mut patterns = Vec::new();
        for item in node.items() {
            match item.as_text() {
                Some(text) => patterns.push(pattern(text)),
                None => unknowns.push(element(name)),
            }
        }
        patterns
    };
    match (get(members, name), get(members, negated)) {
        (None, None) => Scope::Missing,
        (Some(node), None) => Scope::Any(read(name, node)),
        (None, Some(node)) => match read(negated, node) {
            // AWS's pages do not say what "everything but nothing" is.
            patterns if patterns.is_empty() => Scope::Missing,
            patterns => Scope::Except(patterns),
        },
        (Some(_), Some(_)) => {
            unknowns.push(element(negated));
            Scope::Any(vec![Pattern::new("*", false)])
        }
    }
}

fn principals(members: &Members, unknowns: &mut Vec<Unknown>) -> Principals {
    if unknowns.contains(&element("Principal")) || unknowns.contains(&element("NotPrincipal")) {
        // Twice: either may be the one that counts.
        return Principals::Any(vec![Principal::Anyone]);
    }
    match (get(members, "Principal"), get(members, "NotPrincipal")) {
        (None, None) => Principals::Missing,
        (Some(node), None) => Principals::Any(principal(node, "Principal")),
        (None, Some(node)) => Principals::Except(principal(node, "NotPrincipal")),
        (Some(_), Some(_)) => {
            unknowns.push(element("NotPrincipal"));
            Principals::Any(vec![Principal::Anyone])
        }
    }
}

fn principal(node: &Node, name: &str) -> Vec<Principal> {
    let members = match node {
        Node::Text(text) if text == "*" => return vec![Principal::Anyone],
        Node::Text(text) => return vec![Principal::Unknown(Unknown::Value(text.clone()))],
        Node::Object(members) => members,
        _ => return vec![Principal::Unknown(element(name))],
    };
    let mut principals = Vec::new();
    for (place, (kind, node)) in members.iter().enumerate() {
        if members.iter().take(place).any(|(earlier, _)| earlier == kind) {
            principals.push(Principal::Unknown(element(kind)));
        }
        let make = match kind.as_str() {
            "AWS" => |text: &str| Principal::aws(text),
            "Service" => |text: &str| Principal::Service(text.to_owned()),
            "Federated" => |text: &str| Principal::Federated(text.to_owned()),
            "CanonicalUser" => |text: &str| Principal::CanonicalUser(text.to_owned()),
            other => {
                principals.push(Principal::Unknown(Unknown::PrincipalType(other.to_owned())));
                continue;
            }
        };
        for item in node.items() {
            principals.push(match (item.as_text(), item.scalar()) {
                (Some(text), _) => make(text),
                (None, Some(text)) => Principal::Unknown(Unknown::Value(text)),
                (None, None) => Principal::Unknown(element(name)),
            });
        }
    }
    principals
}

fn conditions(node: &Node, variables: bool, unknowns: &mut Vec<Unknown>) -> Vec<Condition> {
    let Node::Object(blocks) = node else {
        unknowns.push(element("Condition"));
        return Vec::new();
    };
    let mut conditions = Vec::new();
    let mut twice = Vec::new();
    for (place, (operator, block)) in blocks.iter().enumerate() {
        if blocks.iter().take(place).any(|(earlier, _)| earlier == operator) {
            twice.push(element(operator));
        }
        let Node::Object(tests) = block else {
            unknowns.push(element(operator));
            continue;
        };
        for (place, (key, values)) in tests.iter().enumerate() {
            if tests.iter().take(place).any(|(earlier, _)| earlier == key) {
                twice.push(element(key));
            }
            conditions.push(condition(operator, key, values, variables));
        }
    }
    if !twice.is_empty() {
        // Only one of the two counts, and nobody knows which: neither may rule the statement out.
        unknowns.append(&mut twice);
        conditions.clear();
    }
    conditions
}

fn condition(operator: &str, key: &str, node: &Node, variables: bool) -> Condition {
    let scalars: Option<Vec<String>> = node.items().iter().map(Node::scalar).collect();
    let readable = scalars.is_some();
    let values = scalars.unwrap_or_default();
    let test = if operator == "Null" {
        Test::Null(values.iter().map(|text| boolean(text)).collect())
    } else if let Some(operator) = Operator::parse(operator) {
        Test::Compare(operator, values.iter().map(|text| operator.operand(text, variables)).collect())
    } else {
        Test::Unknown(Unknown::Operator(operator.to_owned()))
    };
    let test = match test {
        unknown @ Test::Unknown(_) => unknown,
        _ if !readable => Test::Unknown(element(key)),
        // AWS's pages say that a key without values "does not affect the policy", which no operator's rule gives.
        _ if values.is_empty() => Test::Unknown(Unknown::Value("[]".to_owned())),
        test => test,
    };
    Condition { operator: operator.to_owned(), key: key.to_owned(), values, lower: key.to_ascii_lowercase(), test }
}
