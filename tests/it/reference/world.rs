//! One possible world: whatever is not known is chosen when it is first asked for, and stays so.

use super::candidates::{self, Use};
use darwin_s3_guard::policy::request::{ContextValue, Request};
use std::collections::BTreeMap;

/// One choice that was made, of how many.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fork {
    chosen: usize,
    of: usize,
}

pub(super) struct World<'a> {
    request: &'a Request,
    uses: &'a [Use],
    tape: Vec<Fork>,
    at: usize,
    flips: BTreeMap<String, usize>,
    keys: BTreeMap<String, Option<Vec<String>>>,
    session: Option<String>,
    /// Keys whose candidates are just being gathered: a policy may compare two keys with each other.
    gathering: Vec<String>,
}

impl<'a> World<'a> {
    pub(super) fn new(request: &'a Request, uses: &'a [Use], tape: Vec<Fork>) -> Self {
        Self {
            request,
            uses,
            tape,
            at: 0,
            flips: BTreeMap::new(),
            keys: BTreeMap::new(),
            session: None,
            gathering: Vec::new(),
        }
    }

    pub(super) fn into_tape(self) -> Vec<Fork> {
        self.tape
    }

    pub(super) fn request(&self) -> &'a Request {
        self.request
    }

    pub(super) fn uses(&self) -> &'a [Use] {
        self.uses
    }

    /// One of `of` possibilities, the same one whenever the same name asks.
    pub(super) fn choose(&mut self, name: &str, of: usize) -> usize {
        if let Some(chosen) = self.flips.get(name) {
            return *chosen;
        }
        let chosen = self.fork(of);
        self.flips.insert(name.to_owned(), chosen);
        chosen
    }

    pub(super) fn flip(&mut self, name: &str) -> bool {
        self.choose(name, 2) == 1
    }

    /// The values of a condition key here; None: the key is not in the request.
    pub(super) fn key(&mut self, key: &str) -> Option<Vec<String>> {
        let key = key.to_ascii_lowercase();
        let mut few = None;
        let absent_too = match self.request.context.get(&key) {
            ContextValue::Known(values) => return Some(values.to_vec()),
            ContextValue::Absent => return None,
            ContextValue::OneOf(values) => {
                few = Some(values);
                false
            }
            ContextValue::Present => false,
            ContextValue::Unknown => true,
        };
        if let Some(values) = self.keys.get(&key) {
            return values.clone();
        }
        if self.gathering.contains(&key) {
            return Some(vec!["circular".to_owned()]);
        }
        self.gathering.push(key.clone());
        let mut options: Vec<_> = match few {
            Some(values) => values.iter().map(|value| Some(vec![value.clone()])).collect(),
            None => candidates::of_key(self, &key).into_iter().map(Some).collect(),
        };
        self.gathering.pop();
        if absent_too {
            options.push(None);
        }
        let values = options.swap_remove(self.fork(options.len()));
        self.keys.insert(key, values.clone());
        values
    }

    /// Whether the session's name is this one. It has one name: once it is known, no other.
    pub(super) fn session(&mut self, name: &str) -> bool {
        if let Some(known) = &self.session {
            return known == name;
        }
        let is = self.flip(&format!("session name {name}"));
        if is {
            self.session = Some(name.to_owned());
        }
        is
    }

    fn fork(&mut self, of: usize) -> usize {
        if of < 2 {
            return 0;
        }
        if self.at == self.tape.len() {
            self.tape.push(Fork { chosen: 0, of });
        }
        let fork = self.tape[self.at];
        assert_eq!(fork.of, of, "the same choices must lead to the same fork");
        self.at += 1;
        fork.chosen
    }
}

/// Sets the tape to the next world; false: that was the last one.
pub(super) fn advance(tape: &mut Vec<Fork>) -> bool {
    while let Some(fork) = tape.last_mut() {
        fork.chosen += 1;
        if fork.chosen < fork.of {
            return true;
        }
        tape.pop();
    }
    false
}
