//! An S3 that settles late, with several writers, under one scheduler: every AWS call is a point at which anybody else
//! may run, and every guard function may die.

use super::keys::Truth;
use super::truth;
use crate::world::{aws_error, darwin_cors, darwin_policy};
use darwin_s3_guard::app::memory::Memory;
use darwin_s3_guard::app::ports::{self, BucketReads, BucketWrites, Clock, ForAccount, Log, Topic};
use darwin_s3_guard::model::arn::AccountId;
use darwin_s3_guard::model::aws::{AwsResult, ErrorClass, Operation};
use darwin_s3_guard::model::change::Subject;
use darwin_s3_guard::model::s3::{BucketEncryption, CorsRule, Notifications, Ownership, PublicAccessBlock};
use darwin_s3_guard::model::time::Timestamp;
use darwin_s3_guard::report::notice::Message;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Who did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Guard(usize),
    Rival(usize),
}

/// A write that S3 took, in the order in which it took them.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    pub(super) who: Who,
    pub(super) subject: Subject,
    pub(super) document: Option<String>,
    pub(super) at: Timestamp,
    /// The event that tells of it.
    pub(super) event_id: String,
    /// For a guard's write: how many writes had been taken when it last read the document.
    pub(super) read_at: usize,
}

macro_rules! counters {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $counter:ident,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, Default)]
        pub(super) struct $name { $($(#[$doc])* pub(super) $counter: u64,)+ }
        impl $name {
            pub(super) fn add(&mut self, other: Self) {
                $(self.$counter += other.$counter;)+
            }
            pub(super) fn each(self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($counter), self.$counter),)+].into_iter()
            }
        }
    };
}

counters! {
    /// What the histories must have held to show anything.
    Seen {
        stale_reads,
        rivals_between_read_and_write,
        crashed_writers,
        taken_leases,
        faults,
        guard_writes,
        lost_updates,
        contests,
        /// Claims that were held to the truth, and bore it.
        verified,
        allowed,
        repaired,
        resolved,
        keys_told,
        keys_resolved,
        /// Dead keys with objects under them when all was quiet, each with its incident.
        dead_keys,
        /// Marks that were left for the holder of a lease, each with a look after it.
        marks,
        /// Functions that Lambda ended at their deadline.
        timed_out,
    }
}

/// A document with the versions that a read may still show.
#[derive(Debug, Default)]
struct Versions(Vec<(Timestamp, Option<String>)>);

#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    /// How long an old version may still be read after it was replaced.
    pub(super) settle: Duration,
    /// One in so many calls fails; 0: none.
    pub(super) fault_in: u64,
    /// One in so many calls is a guard function's last; 0: none.
    pub(super) crash_in: u64,
    /// One in so many reads is denied; 0: none.
    pub(super) denied_in: u64,
    /// How long Lambda lets a function run.
    pub(super) timeout: Duration,
}

pub(super) struct Sim {
    pub(super) settings: Settings,
    pub(super) now: Cell<Timestamp>,
    dice: Cell<u64>,
    policy: RefCell<Versions>,
    cors: RefCell<Versions>,
    pub(super) taken: RefCell<Vec<Taken>>,
    pub(super) store: Memory,
    pub(super) published: RefCell<Vec<Message>>,
    pub(super) truth: Truth,
    /// By incident: when the first function that saw it in this life began, and the last that saw it end.
    pub(super) seen_by: RefCell<BTreeMap<String, Timestamp>>,
    pub(super) healed_by: RefCell<BTreeMap<String, Timestamp>>,
    /// When the bucket was marked for the holder of its lease.
    pub(super) marks: RefCell<Vec<Timestamp>>,
    /// When a function that lived to its end had begun to look at the policy last.
    pub(super) looks: RefCell<Vec<Timestamp>>,
    pub(super) seen: Cell<Seen>,
    /// Faults and crashes only while this holds.
    pub(super) rough: Cell<bool>,
    /// Prints what happens.
    pub(super) loud: bool,
}

impl Sim {
    pub(super) fn new(seed: u64, settings: Settings) -> Self {
        let now = Timestamp::from_millis(1_795_521_600_000);
        let rules = serde_json::to_string(&darwin_cors()).unwrap();
        Self {
            settings,
            now: Cell::new(now),
            dice: Cell::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            policy: RefCell::new(Versions(vec![(now, Some(darwin_policy()))])),
            cors: RefCell::new(Versions(vec![(now, Some(rules))])),
            taken: RefCell::default(),
            store: Memory::new(),
            published: RefCell::default(),
            truth: Truth::new(now),
            seen_by: RefCell::default(),
            healed_by: RefCell::default(),
            marks: RefCell::default(),
            looks: RefCell::default(),
            seen: Cell::default(),
            rough: Cell::new(true),
            loud: false,
        }
    }

    /// A number in `0..bound`.
    pub(super) fn roll(&self, bound: u64) -> u64 {
        let mut x = self.dice.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.dice.set(x);
        if bound == 0 { 0 } else { (x >> 11) % bound }
    }

    /// Somewhere in this length.
    pub(super) fn within(&self, length: Duration) -> Duration {
        Duration::from_millis(self.roll(u64::try_from(length.as_millis()).unwrap()))
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut Seen)) {
        let mut seen = self.seen.get();
        change(&mut seen);
        self.seen.set(seen);
    }

    fn versions(&self, subject: Subject) -> &RefCell<Versions> {
        match subject {
            Subject::Policy => &self.policy,
            Subject::Cors => &self.cors,
            Subject::Notification => unreachable!("nobody writes notifications here"),
        }
    }

    /// The newest version, whatever reads may show.
    pub(super) fn current(&self, subject: Subject) -> Option<String> {
        self.versions(subject).borrow().0.last().unwrap().1.clone()
    }

    fn read(&self, subject: Subject) -> Option<String> {
        let versions = self.versions(subject).borrow();
        let versions = &versions.0;
        let settled = |index: usize| {
            versions.get(index + 1).is_none_or(|(since, _)| *since + self.settings.settle > self.now.get())
        };
        let showable: Vec<usize> = (0..versions.len()).filter(|index| settled(*index)).collect();
        let shown =
            if self.roll(2) == 0 { versions.len() - 1 } else { showable[self.roll(showable.len() as u64) as usize] };
        if shown + 1 < versions.len() {
            self.count(|seen| seen.stale_reads += 1);
        }
        versions[shown].1.clone()
    }

    pub(super) fn write(&self, who: Who, subject: Subject, document: Option<String>, read_at: usize) {
        let event_id = format!("event-{:04}", self.taken.borrow().len());
        let at = self.now.get();
        let stored =
            document.as_deref().map(|text| if subject == Subject::Policy { stored(text) } else { text.to_owned() });
        self.versions(subject).borrow_mut().0.push((at, stored));
        self.taken.borrow_mut().push(Taken { who, subject, document, at, event_id, read_at });
    }

    /// Whether a document was so at some time from `from` to `to`.
    pub(super) fn stood(
        &self,
        subject: Subject,
        from: Timestamp,
        to: Timestamp,
        holds: impl Fn(Option<&str>) -> bool,
    ) -> bool {
        let versions = &self.versions(subject).borrow().0;
        let lasts = |at: usize| versions.get(at + 1).is_none_or(|(next, _)| *next + self.settings.settle >= from);
        let mut dated = versions.iter().enumerate();
        dated.any(|(at, (since, text))| *since <= to && lasts(at) && holds(text.as_deref()))
    }

    fn chance(&self, one_in: u64) -> bool {
        self.rough.get() && one_in > 0 && self.roll(one_in) == 0
    }
}

/// A policy as S3 gives it back: accounts as ARNs, lists of one as their element.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
fn stored(policy: &str) -> String {
    let mut policy: serde_json::Value = serde_json::from_str(policy).unwrap();
    for statement in policy["Statement"].as_array_mut().into_iter().flatten() {
        for path in ["/Action", "/Resource", "/Principal/AWS"] {
            let Some(value) = statement.pointer_mut(path) else { continue };
            if let Some([only]) = value.as_array().map(Vec::as_slice) {
                *value = only.clone();
            }
            if let Some(account) = value.as_str().filter(|text| text.len() == 12 && path == "/Principal/AWS") {
                *value = format!("arn:aws:iam::{account}:root").into();
            }
        }
    }
    policy.to_string()
}

/// Lets anybody else run.
pub(super) async fn step() {
    let mut first = true;
    poll_fn(|context| if std::mem::take(&mut first) { later(context) } else { Poll::Ready(()) }).await;
}

/// Until the simulated time has come.
pub(super) async fn until(sim: &Sim, at: Timestamp) {
    poll_fn(|context| if sim.now.get() >= at { Poll::Ready(()) } else { later(context) }).await;
}

/// Asks to be polled again: combinators poll only who asked.
fn later(context: &Context<'_>) -> Poll<()> {
    context.waker().wake_by_ref();
    Poll::Pending
}

/// One guard function's view of the outside.
#[derive(Clone)]
pub(super) struct Outside {
    pub(super) sim: Rc<Sim>,
    pub(super) who: Who,
    /// How many writes had been taken when this function last read, policy and CORS.
    pub(super) read_at: Rc<Cell<[usize; 2]>>,
    /// Whether a write of this function was begun and not yet answered for.
    pub(super) writing: Rc<Cell<bool>>,
    /// The documents that this function was shown since it last wrote them, policy and CORS.
    pub(super) shown: Rc<RefCell<[Vec<Option<String>>; 2]>>,
    /// When this function last began to read the policy.
    pub(super) looked: Rc<Cell<Timestamp>>,
    pub(super) began: Timestamp,
    /// The object that its event is about.
    pub(super) object: Option<String>,
    /// Killed: it is never run again.
    pub(super) dead: Rc<Cell<bool>>,
}

impl std::fmt::Debug for Outside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.who)
    }
}

impl Outside {
    pub(super) async fn call(&self, operation: Operation) -> AwsResult<()> {
        step().await;
        self.dead.set(self.dead.get() || self.sim.chance(self.sim.settings.crash_in));
        if self.sim.now.get() > self.began + self.sim.settings.timeout && !self.dead.replace(true) {
            self.sim.count(|seen| seen.timed_out += 1);
        }
        if self.dead.get() {
            step().await;
        }
        if self.sim.chance(self.sim.settings.fault_in) {
            self.sim.count(|seen| seen.faults += 1);
            let (class, code, status) = match self.sim.roll(3) {
                0 => (ErrorClass::Throttled, "SlowDown", 503),
                1 => (ErrorClass::Transient, "OperationAborted", 409),
                _ => (ErrorClass::Transient, "InternalError", 500),
            };
            return Err(aws_error(operation, class, code, status));
        }
        Ok(())
    }

    /// A call that only reads, and may be refused.
    pub(super) async fn look(&self, operation: Operation) -> AwsResult<()> {
        self.call(operation).await?;
        if self.sim.chance(self.sim.settings.denied_in) {
            self.sim.count(|seen| seen.faults += 1);
            return Err(aws_error(operation, ErrorClass::Denied, "AccessDenied", 403));
        }
        Ok(())
    }

    async fn read(&self, operation: Operation, subject: Subject) -> AwsResult<Option<String>> {
        if subject == Subject::Policy {
            self.looked.set(self.sim.now.get());
        }
        self.look(operation).await?;
        let mut read_at = self.read_at.get();
        read_at[subject as usize] = self.sim.taken.borrow().len();
        self.read_at.set(read_at);
        let text = self.sim.read(subject);
        self.shown.borrow_mut()[subject as usize].push(text.clone());
        Ok(text)
    }

    async fn put(&self, operation: Operation, subject: Subject, document: String) -> AwsResult<()> {
        self.writing.set(true);
        let answer = self.call(operation).await;
        // A fault may come before or after S3 took the write.
        let taken = match &answer {
            Ok(()) => true,
            Err(error) => error.has_code("InternalError") && self.sim.roll(2) == 0,
        };
        if taken {
            self.shown.borrow_mut()[subject as usize].clear();
            self.sim.write(self.who, subject, Some(document), self.read_at.get()[subject as usize]);
            self.sim.count(|seen| seen.guard_writes += 1);
        }
        answer?;
        step().await;
        self.writing.set(false);
        Ok(())
    }
}

impl BucketReads for Outside {
    async fn policy(&self, _bucket: &str) -> AwsResult<Option<String>> {
        self.read(Operation::GetBucketPolicy, Subject::Policy).await
    }
    async fn policy_is_public(&self, _bucket: &str) -> AwsResult<Option<bool>> {
        self.look(Operation::GetBucketPolicyStatus).await.map(|()| Some(false))
    }
    async fn cors(&self, _bucket: &str) -> AwsResult<Option<Vec<CorsRule>>> {
        let text = self.read(Operation::GetBucketCors, Subject::Cors).await?;
        Ok(text.map(|text| serde_json::from_str(&text).unwrap()))
    }
    async fn encryption(&self, _bucket: &str) -> AwsResult<Option<BucketEncryption>> {
        self.look(Operation::GetBucketEncryption).await?;
        Ok(Some(BucketEncryption { algorithm: Some("AES256".into()), ..BucketEncryption::default() }))
    }
    async fn notifications(&self, _bucket: &str) -> AwsResult<Notifications> {
        self.look(Operation::GetBucketNotificationConfiguration).await?;
        Ok(Notifications { event_bridge: true, ..Notifications::default() })
    }
    async fn public_access_block(&self, _bucket: &str) -> AwsResult<Option<PublicAccessBlock>> {
        self.look(Operation::GetPublicAccessBlock).await.map(|()| None)
    }
    async fn ownership(&self, _bucket: &str) -> AwsResult<Option<Ownership>> {
        self.look(Operation::GetBucketOwnershipControls).await.map(|()| Some(Ownership::BucketOwnerEnforced))
    }
    async fn requester_pays(&self, _bucket: &str) -> AwsResult<bool> {
        self.look(Operation::GetBucketRequestPayment).await.map(|()| false)
    }
    async fn tags(&self, _bucket: &str) -> AwsResult<Vec<(String, String)>> {
        self.look(Operation::GetBucketTagging).await.map(|()| Vec::new())
    }
}

impl BucketWrites for Outside {
    async fn put_policy(&self, _bucket: &str, policy: &str) -> AwsResult<()> {
        self.put(Operation::PutBucketPolicy, Subject::Policy, policy.to_owned()).await
    }
    async fn put_cors(&self, _bucket: &str, rules: &[CorsRule]) -> AwsResult<()> {
        self.put(Operation::PutBucketCors, Subject::Cors, serde_json::to_string(rules).unwrap()).await
    }
    async fn enable_event_bridge(&self, _bucket: &str, _before: &Notifications) -> AwsResult<bool> {
        Err(aws_error(Operation::PutBucketNotificationConfiguration, ErrorClass::Denied, "AccessDenied", 403))
    }
}

impl Topic for Outside {
    async fn publish(&self, message: &Message) -> AwsResult<()> {
        self.call(Operation::Publish).await?;
        truth::message(self, message);
        self.sim.published.borrow_mut().push(message.clone());
        Ok(())
    }
    async fn subscriptions_confirmed(&self) -> AwsResult<u64> {
        Ok(1)
    }
}

impl Clock for Outside {
    fn now(&self) -> Timestamp {
        self.sim.now.get()
    }
    async fn sleep(&self, wait: Duration) {
        until(&self.sim, self.sim.now.get() + wait).await;
    }
    fn random(&self, bound: u64) -> u64 {
        self.sim.roll(bound)
    }
}

impl Log for Outside {
    fn line(&self, value: serde_json::Value) {
        truth::log_line(self, &value);
        if self.sim.loud {
            eprintln!("{} {:?} {value}", self.sim.now.get().as_millis(), self.who);
        }
    }
}

impl ForAccount<Self> for Outside {
    fn for_account(&self, _: &AccountId) -> Self {
        self.clone()
    }
}

impl ports::World for Outside {
    type Clients = Self;
    type Aws = Self;
    type Store = Self;
    type Topic = Self;
    type Clock = Self;
    type Log = Self;
}

/// Runs one future a little.
pub(super) fn poll_once(task: &mut Pin<Box<dyn Future<Output = ()>>>) -> bool {
    task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
}
