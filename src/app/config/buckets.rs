//! `GUARDED_BUCKETS`: the list of buckets with what V7 may do with each.
//!
//! Must never ignore a field: what is misspelt would otherwise widen or narrow access without a word.

use crate::app::config::problem::ConfigProblem;
use crate::app::config::values::{cut, is_bucket_name, is_key_prefix};
use crate::model::contract::{Access, Contract};
use serde_json::{Map, Value};

/// Most buckets of one deployment: Lambda's environment is 4 KB, and a sweep reads them all in one invocation.
pub(super) const MOST: usize = 20;
/// Most read prefixes of one bucket: each is an entry of the statement and of the event rule.
pub(super) const MOST_PREFIXES: usize = 20;

pub(super) const WANTED: &str =
    "a JSON list of 1 to 20 buckets like `[{\"name\": \"acme-lidar\", \"access\": \"read-write\"}]`";

const FIELDS: [&str; 7] = ["name", "access", "read_prefixes", "prefix", "not_read", "scope_writes", "list"];

pub(super) const NAME: &str = "the name of a general purpose bucket: 3 to 63 of `a-z`, `0-9`, `-`, `.`";

pub(super) const PREFIX: &str = "a literal key prefix like `darwin/`: no leading slash (object keys have none, though V7's page writes \
                      `/darwin/`), none of `*`, `?`, `$`, at most 512 bytes";

pub(super) fn read(text: &str) -> Result<Vec<Contract>, Vec<ConfigProblem>> {
    let wrong = |saw: String| Err(vec![problem("", saw, WANTED)]);
    let list = match serde_json::from_str::<Value>(text) {
        Ok(Value::Array(list)) if (1..=MOST).contains(&list.len()) => list,
        Ok(Value::Array(list)) => return wrong(format!("a list of {}", list.len())),
        Ok(_) => return wrong(cut(text)),
        Err(error) => return wrong(format!("{} ({error})", cut(text))),
    };
    let mut contracts: Vec<Contract> = Vec::new();
    let mut problems = Vec::new();
    for (index, entry) in list.iter().enumerate() {
        let mut reader = Entry { index, problems: &mut problems };
        if let Some(contract) = reader.read(entry) {
            if contracts.iter().any(|held| held.bucket == contract.bucket) {
                reader.wrong(".name", format!("{} again", cut(&contract.bucket)), "each bucket once");
            }
            contracts.push(contract);
        }
    }
    if problems.is_empty() { Ok(contracts) } else { Err(problems) }
}

fn problem(place: &str, saw: impl Into<String>, want: impl Into<String>) -> ConfigProblem {
    ConfigProblem { variable: format!("GUARDED_BUCKETS{place}"), saw: saw.into(), want: want.into() }
}

/// Reads one entry of the list.
struct Entry<'a> {
    index: usize,
    problems: &'a mut Vec<ConfigProblem>,
}

impl Entry<'_> {
    fn wrong(&mut self, field: &str, saw: impl Into<String>, want: impl Into<String>) {
        self.problems.push(problem(&format!("[{}]{field}", self.index), saw, want));
    }

    /// The contract, complete only if no problem was noted.
    fn read(&mut self, entry: &Value) -> Option<Contract> {
        let Some(entry) = entry.as_object() else {
            self.wrong("", shown(entry), "an object with `name` and `access`");
            return None;
        };
        for unknown in entry.keys().filter(|key| !FIELDS.contains(&key.as_str())) {
            self.wrong("", format!("an object with the field {}", cut(unknown)), format!("only {}", fields()));
        }
        let bucket = self.name(entry);
        let access = self.access(entry);
        let prefix = self.prefix(entry);
        let scope_writes = self.flag(entry, "scope_writes");
        if scope_writes && (prefix.is_none() || access == Some(Access::ReadOnly)) {
            self.wrong(".scope_writes", "`true`", "a `prefix` and `read-write` access with it");
        }
        let read_prefixes = self.prefixes(entry, "read_prefixes");
        if access == Some(Access::ReadWrite) && !read_prefixes.is_empty() && prefix.is_none() {
            self.wrong(
                ".prefix",
                seen(entry.get("prefix")),
                "a `prefix`: without one Darwin writes to the bucket's root, which `read_prefixes` leaves out",
            );
        }
        Some(Contract {
            bucket: bucket?,
            access: access?,
            read_prefixes,
            prefix,
            not_read: self.prefixes(entry, "not_read"),
            scope_writes,
            list: self.flag(entry, "list"),
        })
    }

    fn name(&mut self, entry: &Map<String, Value>) -> Option<String> {
        match entry.get("name") {
            Some(Value::String(name)) if is_bucket_name(name) => Some(name.clone()),
            other => {
                self.wrong(".name", seen(other), NAME);
                None
            }
        }
    }

    fn access(&mut self, entry: &Map<String, Value>) -> Option<Access> {
        match entry.get("access").and_then(Value::as_str) {
            Some("read-only") => Some(Access::ReadOnly),
            Some("read-write") => Some(Access::ReadWrite),
            _ => {
                self.wrong(".access", seen(entry.get("access")), "`read-only` or `read-write`");
                None
            }
        }
    }

    /// An empty one is none.
    fn prefix(&mut self, entry: &Map<String, Value>) -> Option<String> {
        match entry.get("prefix") {
            None | Some(Value::Null) => None,
            Some(Value::String(prefix)) if prefix.is_empty() => None,
            Some(Value::String(prefix)) if is_key_prefix(prefix) => Some(with_slash(prefix.clone())),
            other => {
                self.wrong(".prefix", seen(other), PREFIX);
                None
            }
        }
    }

    fn prefixes(&mut self, entry: &Map<String, Value>, field: &str) -> Vec<String> {
        let list = match entry.get(field) {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Array(list)) if list.len() <= MOST_PREFIXES => list,
            other => {
                self.wrong(
                    &format!(".{field}"),
                    seen(other),
                    format!("a list of at most {MOST_PREFIXES} key prefixes"),
                );
                return Vec::new();
            }
        };
        let mut prefixes: Vec<String> = Vec::new();
        for (index, prefix) in list.iter().enumerate() {
            let field = format!(".{field}[{index}]");
            match prefix.as_str() {
                Some(text) if prefixes.iter().any(|held| held == text) => {
                    self.wrong(&field, format!("{} again", cut(text)), "each prefix once");
                }
                Some(text) if is_key_prefix(text) => prefixes.push(text.to_owned()),
                _ => self.wrong(&field, shown(prefix), PREFIX),
            }
        }
        prefixes
    }

    fn flag(&mut self, entry: &Map<String, Value>, field: &str) -> bool {
        match entry.get(field) {
            None | Some(Value::Null) => false,
            Some(Value::Bool(flag)) => *flag,
            Some(other) => {
                self.wrong(&format!(".{field}"), cut(&other.to_string()), "`true` or `false`, without quotes");
                false
            }
        }
    }
}

/// Thumbnails go under `PREFIX/…`, so it ends with a slash whether that is written or not.
pub(super) fn with_slash(prefix: String) -> String {
    if prefix.ends_with('/') { prefix } else { prefix + "/" }
}

fn fields() -> String {
    FIELDS.map(|field| format!("`{field}`")).join(", ")
}

fn seen(value: Option<&Value>) -> String {
    value.map_or_else(|| "not set".to_owned(), shown)
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| cut(&value.to_string()), cut)
}
