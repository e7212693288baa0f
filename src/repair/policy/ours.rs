//! What of a policy is ours, what ours should say, and whether it says more.
//!
//! Ours: our Sid, Effect Allow, and Darwin's role (or a unique id that nobody resolved) as the only principal. Must
//! never call anything else ours: what is ours may be rewritten.

use crate::model::contract::{Access, Contract, Darwin, Home};
use crate::model::evidence::{Beyond, Grant};
use crate::model::verdict::Effect;
use crate::model::why::StatementName;
use crate::policy::document::{Editable, Written};
use crate::policy::json::Node;
use crate::policy::principal::is_role_id;
use std::collections::BTreeSet;

/// What follows our Sid on the statement that holds the writes, where those are scoped to another prefix than the reads.
const WRITE_SUFFIX: &str = "Write";

const GET: &str = "s3:GetObject";
const PUT: &str = "s3:PutObject";
const LIST: &str = "s3:ListBucket";

/// The two statements that a contract can need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Reads, and writes where they go to the same places.
    Main,
    /// Writes, where they are scoped to the thumbnail prefix.
    Write,
}

/// A statement that the contract asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub part: Part,
    pub actions: Vec<String>,
    pub resources: Vec<String>,
}

/// The contract as it bears on one bucket's ARNs.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    /// `arn:aws:s3:::bucket`.
    pub bucket_arn: String,
    /// Key prefixes that Darwin reads; the empty one is the whole bucket.
    pub reads: Vec<String>,
    /// Key prefixes that Darwin writes; none for read-only.
    pub writes: Vec<String>,
    pub list: bool,
}

impl Terms {
    pub(super) fn new(contract: &Contract, home: &Home) -> Self {
        let read_write = contract.access == Access::ReadWrite;
        let mut reads = contract.read_prefixes.clone();
        if reads.is_empty() {
            reads.push(String::new());
        } else {
            // Darwin reads the thumbnails, whoever wrote them.
            reads.extend(contract.prefix.clone());
        }
        let reads = outermost(&reads);
        let writes = match (&contract.prefix, contract.scope_writes) {
            _ if !read_write => Vec::new(),
            (Some(prefix), true) => vec![prefix.clone()],
            _ => reads.clone(),
        };
        let bucket_arn = format!("arn:{}:s3:::{}", home.partition, contract.bucket);
        Self { bucket_arn, reads, writes, list: contract.list }
    }

    /// The statements that give exactly the contract, in V7's form.
    pub(super) fn wanted(&self) -> Vec<Wanted> {
        let objects = |prefixes: &[String]| -> Vec<String> {
            prefixes.iter().map(|prefix| format!("{}/{prefix}*", self.bucket_arn)).collect()
        };
        let together = self.writes == self.reads;
        let mut main = Wanted { part: Part::Main, actions: vec![GET.to_owned()], resources: objects(&self.reads) };
        if together {
            main.actions.push(PUT.to_owned());
        }
        if self.list {
            main.actions.push(LIST.to_owned());
            main.resources.push(self.bucket_arn.clone());
        }
        let mut all = vec![main];
        if !together && !self.writes.is_empty() {
            all.push(Wanted { part: Part::Write, actions: vec![PUT.to_owned()], resources: objects(&self.writes) });
        }
        all
    }

    /// Whether the pattern matches an object of the bucket, whichever.
    fn touches_objects(&self, pattern: &str) -> bool {
        can_begin(pattern, &format!("{}/", self.bucket_arn))
    }

    /// Whether the pattern matches the bucket itself.
    fn touches_bucket(&self, pattern: &str) -> bool {
        matches(pattern, &self.bucket_arn)
    }

    /// Whether the pattern says anything about this bucket at all.
    pub(super) fn touches(&self, pattern: &str) -> bool {
        self.touches_bucket(pattern) || self.touches_objects(pattern)
    }

    /// Whether every object of this bucket that the pattern matches lies under one of the prefixes.
    fn within(&self, pattern: &str, prefixes: &[String]) -> bool {
        let literal = pattern.split(['*', '?', '$']).next().unwrap_or_default();
        prefixes.iter().any(|prefix| prefix.is_empty() || literal.starts_with(&format!("{}/{prefix}", self.bucket_arn)))
    }

    /// Whether the action on what the pattern matches is more than the contract.
    fn exceeds(&self, action: &str, pattern: &str) -> bool {
        let is = |name: &str| action.eq_ignore_ascii_case(name);
        if is(GET) {
            self.touches_objects(pattern) && !self.within(pattern, &self.reads)
        } else if is(PUT) {
            self.touches_objects(pattern) && !self.within(pattern, &self.writes)
        } else if is(LIST) {
            self.touches_bucket(pattern) && !self.list
        } else {
            self.touches(pattern)
        }
    }
}

/// The prefixes, without those that lie under another.
fn outermost(prefixes: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for (index, prefix) in prefixes.iter().enumerate() {
        let covered = prefixes
            .iter()
            .enumerate()
            .any(|(other_index, other)| prefix.starts_with(other.as_str()) && (prefix != other || other_index < index));
        if !covered {
            kept.push(prefix.clone());
        }
    }
    kept
}

/// What a statement of ours gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Gives {
    /// Action and Resource, as lists.
    Pairs { actions: Vec<String>, resources: Vec<String> },
    /// By what it leaves out (`NotAction`, `NotResource`): more than can be listed.
    AllBut,
}

/// A statement of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DarwinStatement {
    pub part: Part,
    /// Its principal is a unique id.
    pub unresolved: bool,
    /// It has a Condition that is not empty.
    pub conditioned: bool,
    /// Elements that the policy language does not know.
    pub unknown: Vec<String>,
    pub gives: Gives,
}

/// A statement of the document, and what of ours it is.
#[derive(Debug, Clone)]
pub(super) struct StatementView<'a> {
    pub written: Written<'a>,
    pub own: Option<DarwinStatement>,
}

impl StatementView<'_> {
    pub(super) fn index(&self) -> usize {
        self.written.statement.index
    }

    pub(super) fn sid(&self) -> Option<&str> {
        self.written.statement.sid.as_deref()
    }

    /// As findings name it: by Sid and index.
    pub(super) fn name(&self) -> StatementName {
        StatementName { index: self.index(), sid: self.sid().map(str::to_owned) }
    }

    /// Whether its one Effect, in whatever case the name is written, is Allow.
    pub(super) fn is_allow(&self) -> bool {
        let effects = self.written.members().iter().filter(|(name, _)| name.eq_ignore_ascii_case("Effect"));
        effects.count() == 1 && self.written.statement.effect == Some(Effect::Allow)
    }

    pub(super) fn has_condition(&self) -> bool {
        self.written.get("Condition").is_some()
    }
}

/// Every statement of the policy, ours recognised.
///
/// Where none carries our Sid and is ours, one with our Sid and a number (from 2) counts: that is what is written
/// where the Sid itself was taken.
pub(super) fn recognise<'a>(policy: Editable<'a>, darwin: &Darwin) -> Vec<StatementView<'a>> {
    let mut all: Vec<(StatementView<'a>, Option<bool>)> = Vec::new();
    for written in policy.statements() {
        let place = written.statement.sid.as_deref().and_then(|sid| place_of(sid, &darwin.sid));
        let own = place.and_then(|(part, _)| DarwinStatement::of(written, part, &darwin.role));
        let numbered = own.is_some().then_some(()).and(place).map(|(_, numbered)| numbered);
        all.push((StatementView { written, own }, numbered));
    }
    let has_plain = |part: Part| {
        all.iter()
            .any(|(seen, numbered)| *numbered == Some(false) && seen.own.as_ref().is_some_and(|own| own.part == part))
    };
    let plain = [(Part::Main, has_plain(Part::Main)), (Part::Write, has_plain(Part::Write))];
    all.into_iter()
        .map(|(mut seen, numbered)| {
            let part = seen.own.as_ref().map(|own| own.part);
            if numbered == Some(true) && plain.iter().any(|(of, there)| Some(*of) == part && *there) {
                seen.own = None;
            }
            seen
        })
        .collect()
}

/// Which of our statements a Sid names, and whether by number.
fn place_of(sid: &str, ours: &str) -> Option<(Part, bool)> {
    let rest = sid.strip_prefix(ours)?;
    let (part, number) = match rest.strip_prefix(WRITE_SUFFIX) {
        Some(number) => (Part::Write, number),
        None => (Part::Main, rest),
    };
    if number.is_empty() {
        return Some((part, false));
    }
    let counts = !number.starts_with('0') && number.len() < 6 && number.parse::<u32>().is_ok_and(|number| number > 1);
    counts.then_some((part, true))
}

/// The Sid for one of our statements: the plain one, or with the first number that nobody has taken.
pub(super) fn free_sid<'s>(part: Part, darwin: &Darwin, taken: impl Iterator<Item = &'s str>) -> String {
    let taken: BTreeSet<&str> = taken.collect();
    let plain = match part {
        Part::Main => darwin.sid.clone(),
        Part::Write => format!("{}{WRITE_SUFFIX}", darwin.sid),
    };
    if !taken.contains(plain.as_str()) {
        return plain;
    }
    (2..=taken.len() + 2)
        .map(|number| format!("{plain}{number}"))
        .find(|sid| !taken.contains(sid.as_str()))
        .unwrap_or(plain)
}

impl DarwinStatement {
    /// None if it is not Darwin's: among others if an element is repeated, as nobody knows which one counts.
    fn of(written: Written<'_>, part: Part, role: &str) -> Option<Self> {
        let members = written.members();
        let repeated = members.iter().enumerate().any(|(index, (name, _))| {
            members.iter().skip(index + 1).any(|(other, _)| other.eq_ignore_ascii_case(name))
        });
        if repeated || written.statement.effect != Some(Effect::Allow) || written.get("NotPrincipal").is_some() {
            return None;
        }
        let Node::Object(principal) = written.get("Principal")? else { return None };
        let [(kind, names)] = principal.as_slice() else { return None };
        let names = names.strings().filter(|names| kind == "AWS" && !names.is_empty())?;
        if !names.iter().all(|name| name == role || is_role_id(name)) {
            return None;
        }
        let known = ["Sid", "Effect", "Principal", "Action", "Resource", "NotAction", "NotResource", "Condition"];
        let unknown = members.iter().map(|(name, _)| name).filter(|name| !known.contains(&name.as_str()));
        let gives = if written.get("NotAction").is_some() || written.get("NotResource").is_some() {
            Gives::AllBut
        } else {
            let list = |name| written.get(name).and_then(Node::strings).unwrap_or_default();
            Gives::Pairs { actions: list("Action"), resources: list("Resource") }
        };
        let is_empty = |condition: &Node| matches!(condition, Node::Object(members) if members.is_empty());
        Some(Self {
            part,
            unresolved: names.iter().any(|name| name != role),
            conditioned: written.get("Condition").is_some_and(|condition| !is_empty(condition)),
            unknown: unknown.cloned().collect(),
            gives,
        })
    }

    /// What it gives beyond the contract, as sentences' ends; empty for an unresolved principal, which gives nothing.
    pub(super) fn beyond(&self, terms: &Terms) -> Option<Beyond> {
        match &self.gives {
            _ if self.unresolved => None,
            Gives::AllBut => Some(Beyond::AllBut),
            Gives::Pairs { actions, resources } => {
                let beyond = |action: &String| {
                    let exceeds = |resource: &&String| terms.exceeds(action, resource);
                    let resources: Vec<String> = resources.iter().filter(exceeds).cloned().collect();
                    (!resources.is_empty()).then(|| Grant { action: action.clone(), resources })
                };
                let actions: Vec<Grant> = actions.iter().filter_map(beyond).collect();
                (!actions.is_empty()).then_some(Beyond::Actions(actions))
            }
        }
    }

    /// Whether it says exactly what is wanted, in whatever order.
    pub(super) fn says(&self, wanted: &Wanted) -> bool {
        let Gives::Pairs { actions, resources } = &self.gives else { return false };
        !self.unresolved && same_actions(actions, &wanted.actions) && same(resources, &wanted.resources)
    }

    /// What is wanted, joined with what it gives beyond that, if one statement can say so without giving more than
    /// both: the actions are joined where the resources agree, or the resources where the actions do.
    pub(super) fn joined(&self, wanted: &Wanted, terms: &Terms) -> Option<Wanted> {
        let Gives::Pairs { actions, resources } = &self.gives else { return None };
        let here: Vec<String> = resources.iter().filter(|resource| terms.touches(resource)).cloned().collect();
        let mut joined = wanted.clone();
        if same(&here, &wanted.resources) {
            let missing = |action: &&String| !wanted.actions.iter().any(|held| held.eq_ignore_ascii_case(action));
            joined.actions.extend(actions.iter().filter(missing).cloned());
        } else if same_actions(actions, &wanted.actions) {
            joined.resources.extend(here.into_iter().filter(|resource| !wanted.resources.contains(resource)));
        } else {
            return None;
        }
        Some(joined)
    }
}

fn same(left: &[String], right: &[String]) -> bool {
    left.iter().collect::<BTreeSet<_>>() == right.iter().collect::<BTreeSet<_>>()
}

fn same_actions(left: &[String], right: &[String]) -> bool {
    let set = |actions: &[String]| actions.iter().map(|action| action.to_ascii_lowercase()).collect::<BTreeSet<_>>();
    set(left) == set(right)
}

/// The places in the pattern where a match can stand after the text; `*` any characters, `?` one, `${...}` (a policy
/// variable) any.
fn states(pattern: &[char], text: &str) -> BTreeSet<usize> {
    let closed = |from: BTreeSet<usize>| {
        let mut all = from.clone();
        let mut todo: Vec<usize> = from.into_iter().collect();
        while let Some(at) = todo.pop() {
            if pattern.get(at) == Some(&'*') && all.insert(at + 1) {
                todo.push(at + 1);
            }
        }
        all
    };
    let mut now = closed(BTreeSet::from([0]));
    for c in text.chars() {
        let next = now.iter().filter_map(|&at| match pattern.get(at) {
            Some('*') => Some(at),
            Some('?') => Some(at + 1),
            Some(literal) if *literal == c => Some(at + 1),
            _ => None,
        });
        now = closed(next.collect());
    }
    now
}

fn globbed(pattern: &str) -> Vec<char> {
    let mut out = Vec::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once("${") {
        out.extend(before.chars());
        out.push('*');
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    out.extend(rest.chars());
    out
}

fn matches(pattern: &str, text: &str) -> bool {
    let pattern = globbed(pattern);
    states(&pattern, text).contains(&pattern.len())
}

/// Whether the pattern matches some text that begins so and goes on.
fn can_begin(pattern: &str, text: &str) -> bool {
    let pattern = globbed(pattern);
    let end = pattern.len();
    states(&pattern, text).iter().any(|at| *at < end)
}
