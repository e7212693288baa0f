//! The guard's configuration from what was typed: one validation, that of the function.
//!
//! Must never fill in an account or a Region that nobody said.

use crate::app::config::Config;
use crate::app::config::problem::{ConfigProblem, ConfigProblems};
use crate::model::contract as model;
use crate::shell::environment::variable;
use crate::shell::tool::args::{Contract, Guarded};
use crate::shell::tool::print;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// As many as one configuration takes.
const AT_ONCE: usize = 20;
/// The variables that name buckets: arguments stand instead of all of them.
const OF_BUCKETS: [&str; 8] = [
    "READ_ONLY_BUCKETS",
    "READ_WRITE_BUCKETS",
    "PREFIX",
    "READ_PREFIXES",
    "NOT_READ_PREFIXES",
    "SCOPE_WRITES",
    "LIST_BUCKETS",
    "GUARDED_BUCKETS",
];
/// What belongs to a deployed function, and to no one at a desk who names buckets.
const OF_FUNCTION: [&str; 4] = ["ALERT_TOPIC_ARN", "INCIDENT_TABLE", "STACK_ID", "MODE"];

/// Where the guard is, which no bucket says.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub account: &'a str,
    pub region: &'a str,
}

impl Place<'static> {
    /// Where nobody says which, and it makes no difference: the account of AWS's examples.
    pub const ANY: Self = Self { account: "123456789012", region: "us-east-1" };
}

/// What these arguments say. Without buckets: the environment's.
///
/// # Errors
/// What is wrong with them, as sentences.
pub fn configuration(guarded: &Guarded, place: Place<'_>) -> Result<Config, String> {
    if !guarded.buckets.is_empty() {
        return of_arguments(&guarded.buckets, &guarded.contract, place);
    }
    if guarded.contract.is_given() {
        return Err("options of a bucket, but no BUCKET".to_owned());
    }
    if !is_named(guarded) {
        return Err(
            "no BUCKET: name one, or a --stack, or set READ_ONLY_BUCKETS, READ_WRITE_BUCKETS or GUARDED_BUCKETS"
                .to_owned(),
        );
    }
    of_environment(guarded.contract.team.as_deref(), place)
}

/// Whether a bucket is named at all: by an argument, a stack or the environment.
pub fn is_named(guarded: &Guarded) -> bool {
    let in_environment = || OF_BUCKETS.iter().any(|name| variable(name).is_some_and(|value| !value.is_empty()));
    !guarded.buckets.is_empty() || guarded.stack.is_some() || in_environment()
}

/// The environment's, as the function reads it.
///
/// # Errors
/// What is wrong with it.
pub fn of_environment(team: Option<&str>, place: Place<'_>) -> Result<Config, String> {
    let lookup = |name: &str| match (name, team) {
        ("TEAM_NAME", Some(team)) => Some(team.to_owned()),
        _ => at(place, name).or_else(|| variable(name)),
    };
    Config::from(&lookup).map(warned).map_err(|problems| format!("the configuration is wrong: {problems}"))
}

/// A deployed function's variables.
///
/// # Errors
/// What is wrong with them.
pub fn of_function(variables: &BTreeMap<String, String>, place: Place<'_>) -> Result<Config, String> {
    let lookup = |name: &str| at(place, name).or_else(|| variables.get(name).cloned());
    Config::from(&lookup).map(warned).map_err(|problems| format!("the function's configuration is wrong: {problems}"))
}

/// A configuration, after saying what of it is hardly meant.
fn warned(config: Config) -> Config {
    config.warnings().iter().for_each(|warning| print::remark(warning));
    config
}

/// Named buckets, each with the same contract.
///
/// # Errors
/// What is wrong with them, by the names of the arguments.
pub fn of_arguments(buckets: &[String], contract: &Contract, place: Place<'_>) -> Result<Config, String> {
    let mut whole: Option<Config> = None;
    for part in buckets.chunks(AT_ONCE) {
        let listed = Value::Array(part.iter().map(|bucket| entry(bucket, contract)).collect()).to_string();
        let lookup = |name: &str| match name {
            "GUARDED_BUCKETS" => Some(listed.clone()),
            "TEAM_NAME" => contract.team.clone().or_else(|| variable(name)),
            _ if OF_BUCKETS.contains(&name) || OF_FUNCTION.contains(&name) => None,
            _ => at(place, name).or_else(|| variable(name)),
        };
        let config = Config::from(&lookup).map_err(|problems| sentences(&problems))?;
        match &mut whole {
            None => whole = Some(config),
            Some(whole) => {
                for contract in config.contracts {
                    if whole.contracts.iter().any(|held| held.bucket == contract.bucket) {
                        return Err(format!("BUCKET is `{}` again, wanted each bucket once", contract.bucket));
                    }
                    whole.contracts.push(contract);
                }
            }
        }
    }
    whole.map(warned).ok_or_else(|| "no BUCKET".to_owned())
}

fn at(place: Place<'_>, name: &str) -> Option<String> {
    match name {
        "AWS_ACCOUNT_ID" => Some(place.account.to_owned()),
        "AWS_REGION" => Some(place.region.to_owned()),
        _ => None,
    }
}

fn entry(bucket: &str, contract: &Contract) -> Value {
    let Contract { access, prefix, read_prefixes, scope_writes, not_read, list, team: _ } = contract;
    let mut entry = Map::new();
    let mut put = |name: &str, value: Value| entry.insert(name.to_owned(), value);
    put("name", json!(bucket));
    put("access", json!(access.map_or(model::Access::ReadOnly, model::Access::from).name()));
    put("prefix", json!(prefix));
    put("read_prefixes", json!(read_prefixes));
    put("scope_writes", json!(scope_writes));
    put("list", json!(list));
    if !not_read.is_empty() {
        put("not_read", json!(not_read));
    }
    Value::Object(entry)
}

/// The problems by the names of the arguments, each on a line.
fn sentences(problems: &ConfigProblems) -> String {
    let each = |problem: &ConfigProblem| {
        ConfigProblem { variable: argument(&problem.variable), ..problem.clone() }.to_string()
    };
    let mut lines: Vec<String> = Vec::new();
    for line in problems.0.iter().map(each) {
        // Each bucket has the same options.
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.join("\n")
}

/// `GUARDED_BUCKETS[0].read_prefixes[1]` is `--read-prefix`.
fn argument(variable: &str) -> String {
    let field = variable.strip_prefix("GUARDED_BUCKETS").and_then(|place| place.split_once('.'));
    let name = match field.map(|(_, field)| field.split('[').next().unwrap_or_default()) {
        Some("name") => "BUCKET",
        Some("access") => "--access",
        Some("prefix") => "--prefix",
        Some("read_prefixes") => "--read-prefix",
        Some("not_read") => "--not-read",
        Some("scope_writes") => "--scope-writes",
        Some("list") => "--list",
        _ => match variable {
            "TEAM_NAME" => "--team",
            other => other,
        },
    };
    name.to_owned()
}
