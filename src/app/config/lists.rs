//! `READ_ONLY_BUCKETS`, `READ_WRITE_BUCKETS` and the options that hold for all of them: the form that the template uses.
//!
//! Must never ignore an option: with `GUARDED_BUCKETS`, which has options of its own, it is refused.

use crate::app::config::buckets::{MOST, MOST_PREFIXES, NAME, PREFIX, with_slash};
use crate::app::config::reader::Reader;
use crate::app::config::values::{cut, is_bucket_name, is_key_prefix};
use crate::model::contract::{Access, Contract};

const READ_ONLY: &str = "READ_ONLY_BUCKETS";
const READ_WRITE: &str = "READ_WRITE_BUCKETS";

/// The contracts of both lists; none if neither is set.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<Vec<Contract>> {
    let read_only = items(reader, READ_ONLY);
    let read_write = items(reader, READ_WRITE);
    let prefix = prefix(reader);
    let read_prefixes = prefixes(reader, "READ_PREFIXES");
    let not_read = prefixes(reader, "NOT_READ_PREFIXES");
    let scope_writes = flag(reader, "SCOPE_WRITES");
    let list = flag(reader, "LIST_BUCKETS");
    if read_only.is_empty() && read_write.is_empty() {
        return None;
    }
    if read_only.len() + read_write.len() > MOST {
        let saw = format!("{} and {} buckets", read_only.len(), read_write.len());
        reader.wrong(format!("{READ_ONLY} with {READ_WRITE}"), saw, format!("at most {MOST} buckets in both"));
    }
    if scope_writes && (prefix.is_none() || read_write.is_empty()) {
        reader.wrong("SCOPE_WRITES", "`true`", format!("`PREFIX` and `{READ_WRITE}` with it"));
    }
    if !read_prefixes.is_empty() && prefix.is_none() && !read_write.is_empty() {
        let want = "`PREFIX` with it: else Darwin writes to the root of the read-write buckets, which it may not read";
        reader.wrong("READ_PREFIXES", "set", want);
    }
    let mut contracts: Vec<Contract> = Vec::new();
    for (variable, names, access) in
        [(READ_ONLY, read_only, Access::ReadOnly), (READ_WRITE, read_write, Access::ReadWrite)]
    {
        for (index, name) in names.into_iter().enumerate() {
            let place = || format!("{variable}[{index}]");
            if !is_bucket_name(&name) {
                reader.wrong(place(), cut(&name), NAME);
            } else if contracts.iter().any(|held| held.bucket == name) {
                reader.wrong(place(), format!("{} again", cut(&name)), "each bucket once");
            } else {
                contracts.push(Contract {
                    bucket: name,
                    access,
                    read_prefixes: read_prefixes.clone(),
                    prefix: prefix.clone(),
                    not_read: not_read.clone(),
                    scope_writes: scope_writes && access == Access::ReadWrite,
                    list,
                });
            }
        }
    }
    Some(contracts)
}

/// Refuses what is about the lists alone, where `GUARDED_BUCKETS` is given.
pub(super) fn refuse(reader: &mut Reader<'_>) {
    let flags = ["SCOPE_WRITES", "LIST_BUCKETS"].map(|name| (name, flag(reader, name)));
    let lists = [READ_ONLY, READ_WRITE, "PREFIX", "READ_PREFIXES", "NOT_READ_PREFIXES"]
        .map(|name| (name, reader.get(name).is_some()));
    for (name, _) in lists.into_iter().chain(flags).filter(|(_, given)| *given) {
        reader.wrong(name, "set", "either the two lists of buckets with their options or `GUARDED_BUCKETS`, not both");
    }
}

/// The items of a comma-separated list, without the spaces around them.
fn items(reader: &Reader<'_>, variable: &str) -> Vec<String> {
    let text = reader.get(variable).unwrap_or_default();
    if text.is_empty() { Vec::new() } else { text.split(',').map(|item| item.trim().to_owned()).collect() }
}

fn prefix(reader: &mut Reader<'_>) -> Option<String> {
    reader.checked("PREFIX", is_key_prefix, PREFIX).map(with_slash)
}

fn prefixes(reader: &mut Reader<'_>, variable: &str) -> Vec<String> {
    let mut held: Vec<String> = Vec::new();
    let list = items(reader, variable);
    if list.len() > MOST_PREFIXES {
        reader.wrong(variable, format!("a list of {}", list.len()), format!("at most {MOST_PREFIXES} key prefixes"));
    }
    for (index, prefix) in list.into_iter().enumerate() {
        let place = || format!("{variable}[{index}]");
        if !is_key_prefix(&prefix) {
            reader.wrong(place(), cut(&prefix), PREFIX);
        } else if held.contains(&prefix) {
            reader.wrong(place(), format!("{} again", cut(&prefix)), "each prefix once");
        } else {
            held.push(prefix);
        }
    }
    held
}

fn flag(reader: &mut Reader<'_>, variable: &str) -> bool {
    reader.choice(variable, false, &[("true", true), ("false", false)], "`true` or `false`")
}
