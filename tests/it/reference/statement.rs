//! A policy's statements in one world: does an Allow apply, does a Deny?

use super::text::{self, Filled};
use super::world::World;
use super::{condition, principal};
use serde_json::{Map, Value};

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Effects {
    pub(super) allow: bool,
    pub(super) deny: bool,
}

const TOP: [&str; 3] = ["Version", "Id", "Statement"];
const ELEMENTS: [&str; 9] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

pub(super) fn effects(world: &mut World<'_>, policy: &Value) -> Effects {
    let Some(document) = policy.as_object() else { return anything(world, "document") };
    if document.keys().any(|name| !TOP.contains(&name.as_str())) {
        return anything(world, "element of the document");
    }
    let variables = match document.get("Version") {
        None => false,
        Some(version) if version == "2008-10-17" => false,
        Some(version) if version == "2012-10-17" => true,
        Some(_) => world.flip("value of Version"),
    };
    let mut effects = Effects::default();
    let statements: Vec<&Value> = match document.get("Statement") {
        Some(Value::Array(list)) => list.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    for (index, statement) in statements.into_iter().enumerate() {
        let place = format!("#{index}");
        let Some(statement) = statement.as_object() else {
            let any = anything(world, &place);
            effects.allow |= any.allow;
            effects.deny |= any.deny;
            continue;
        };
        let allow = match statement.get("Effect").and_then(Value::as_str) {
            Some("Allow") => true,
            Some("Deny") => false,
            _ => world.flip(&format!("{place} Effect")),
        };
        if applies(world, statement, allow, variables, &place) {
            if allow { effects.allow = true } else { effects.deny = true }
        }
    }
    effects
}

fn anything(world: &mut World<'_>, place: &str) -> Effects {
    match world.choose(&format!("{place} is not understood"), 3) {
        0 => Effects::default(),
        1 => Effects { allow: true, deny: false },
        _ => Effects { allow: false, deny: true },
    }
}

/// Every element must fit; one that nobody recognises may or may not.
fn applies(world: &mut World<'_>, statement: &Map<String, Value>, allow: bool, variables: bool, place: &str) -> bool {
    principal::fits(world, statement, allow, place)
        && either(world, statement, ["Action", "NotAction"], allow, place, |world, pattern, _| {
            text::action_matches(pattern, &world.request().action)
        })
        && either(world, statement, ["Resource", "NotResource"], allow, place, |world, pattern, place| {
            let resource = &world.request().resource;
            match text::fill(world, pattern, variables, true) {
                Filled::Tokens(tokens) => text::glob_str(&tokens, resource),
                Filled::NoValue => false,
                Filled::Odd(name) => world.flip(&format!("{place} {name}")),
            }
        })
        && statement.get("Condition").is_none_or(|block| condition::holds(world, block, variables, place))
        && statement
            .keys()
            .filter(|name| !ELEMENTS.contains(&name.as_str()))
            .all(|name| world.flip(&format!("{place} element:{name}")))
}

/// An element or its negation. A statement without both grants nothing; what it denies nobody knows.
fn either(
    world: &mut World<'_>,
    statement: &Map<String, Value>,
    names: [&str; 2],
    allow: bool,
    place: &str,
    matches: impl Fn(&mut World<'_>, &str, &str) -> bool,
) -> bool {
    let [plain, negated] = names;
    let (value, wanted) = match (statement.get(plain), statement.get(negated)) {
        (Some(value), None) => (value, true),
        (None, Some(value)) => (value, false),
        (None, None) => return missing(world, statement, allow, &format!("{place} {plain}")),
        (Some(_), Some(_)) => return world.flip(&format!("{place} {plain} twice")),
    };
    let items = list(value);
    if items.is_empty() {
        return if allow && wanted { false } else { world.flip(&format!("{place} {plain} empty")) };
    }
    let found = items.iter().enumerate().any(|(at, item)| {
        let place = format!("{place} {plain} {at}");
        match item.as_str() {
            Some(pattern) => matches(world, pattern, &place),
            None => world.flip(&place),
        }
    });
    found == wanted
}

pub(super) fn missing(world: &mut World<'_>, statement: &Map<String, Value>, allow: bool, place: &str) -> bool {
    let misspelt = statement.keys().any(|name| !ELEMENTS.contains(&name.as_str()));
    if allow && !misspelt { false } else { world.flip(&format!("{place} missing")) }
}

pub(super) fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        one => vec![one],
    }
}
