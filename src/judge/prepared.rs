//! A bucket's side of reading, prepared once for all its objects, for as long as the same facts of it serve.
//!
//! INVARIANT: what is surely allowed here is allowed by `judge_read`, and the other way round. What is not, is judged in
//! full: nothing here denies.

use crate::judge::access::{AccessFacts, Asker, reading};
use crate::model::verdict::Reader;
use crate::policy::document::PolicyDocument;
use crate::policy::evaluate::{Lasting, gates_are_open};
use crate::policy::question::Question;
use crate::policy::request::{ObjectOwner, Request};
use std::rc::Rc;

/// The facts of a bucket, with what they come to but for the object.
#[derive(Debug)]
pub struct PreparedRead {
    facts: Rc<AccessFacts>,
    bucket: String,
    owner: ObjectOwner,
    /// The time that it is for, where the policy asks for the time.
    now: Option<String>,
    /// Each way of reading; none where no object is allowed.
    ways: Option<[(Request, Lasting); 2]>,
}

impl PreparedRead {
    pub fn new(facts: &Rc<AccessFacts>, bucket: &str, owner: ObjectOwner, asker: Asker<'_>) -> Self {
        let settings = facts.settings(owner);
        let ways = facts.document().filter(|_| facts.requester_pays == Ok(false)).and_then(|policy| {
            let policy = policy.all();
            let way = |reader| {
                let request = reading(bucket, "", reader, asker);
                let question = Question::new(&request);
                let open = gates_are_open(&policy, &question, settings);
                let lasting = Lasting::new(&policy, &question);
                open.then_some((request, lasting))
            };
            Some([way(Reader::Server)?, way(Reader::Browser)?])
        });
        let now = facts.document().filter(|policy| may_ask_for_time(policy)).map(|_| asker.now.to_owned());
        Self { facts: Rc::clone(facts), bucket: bucket.to_owned(), owner, now, ways }
    }

    /// Whether it is of this bucket, for such an owner.
    pub fn is_for(&self, bucket: &str, owner: ObjectOwner) -> bool {
        self.bucket == bucket && self.owner == owner
    }

    /// Whether it was made of these very facts, and still holds.
    pub fn is_of(&self, facts: &Rc<AccessFacts>, now: &str) -> bool {
        Rc::ptr_eq(&self.facts, facts) && self.now.as_deref().is_none_or(|then| then == now)
    }

    /// Whether both ways of reading this key are allowed, whatever is not known.
    pub fn surely_allows(&self, key: &str) -> bool {
        let Some((ways, policy)) = self.ways.as_ref().zip(self.facts.document()) else { return false };
        let policy = policy.statements();
        ways.iter().all(|(request, lasting)| {
            // INVARIANT: the request is that of the empty key.
            lasting.allows(policy, &format!("{}{key}", request.resource), &request.context)
        })
    }
}

/// Whether a verdict of the policy may be another one at another time: the keys are named `aws:CurrentTime` and
/// `aws:EpochTime`, and an escape may hide any name.
pub fn may_ask_for_time(policy: &PolicyDocument) -> bool {
    let text = policy.text();
    text.contains('\\') || text.to_ascii_lowercase().contains("time")
}
