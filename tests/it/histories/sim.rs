//! An S3 that settles late, with several writers, under one scheduler: every AWS call is a point at which anybody else
//! may run, and every guard function may die.

use crate::world::{aws_error, darwin_cors, darwin_policy};
use darwin_s3_guard::app::memory::Memory;
use darwin_s3_guard::app::ports::{self, BucketReads, BucketWrites, Clock, ForAccount, Keys, Log, Objects, Topic};
use darwin_s3_guard::model::arn::AccountId;
use darwin_s3_guard::model::aws::{AwsResult, ErrorClass, Operation};
use darwin_s3_guard::model::change::Subject;
use darwin_s3_guard::model::kms::KeyMetadata;
use darwin_s3_guard::model::s3::{BucketEncryption, CorsRule, Head, Notifications, Ownership, PublicAccessBlock};
use darwin_s3_guard::model::time::Timestamp;
use darwin_s3_guard::report::notice::Message;
use std::cell::{Cell, RefCell};
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

/// What the histories must have held to show anything.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    pub(super) stale_reads: u64,
    pub(super) rivals_between_read_and_write: u64,
    pub(super) crashed_writers: u64,
    pub(super) taken_leases: u64,
    pub(super) faults: u64,
    pub(super) guard_writes: u64,
    pub(super) lost_updates: u64,
    pub(super) contests: u64,
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
        self.versions(subject).borrow_mut().0.push((at, document.clone()));
        self.taken.borrow_mut().push(Taken { who, subject, document, at, event_id, read_at });
    }

    fn chance(&self, one_in: u64) -> bool {
        self.rough.get() && one_in > 0 && self.roll(one_in) == 0
    }
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

    async fn read(&self, operation: Operation, subject: Subject) -> AwsResult<Option<String>> {
        self.call(operation).await?;
        let mut read_at = self.read_at.get();
        read_at[subject as usize] = self.sim.taken.borrow().len();
        self.read_at.set(read_at);
        Ok(self.sim.read(subject))
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
            self.sim.write(self.who, subject, Some(document), self.read_at.get()[subject as usize]);
            self.sim.count(|seen| seen.guard_writes += 1);
        }
        answer?;
        step().await;
        self.writing.set(false);
        Ok(())
    }
}

impl Objects for Outside {
    async fn head_object(&self, _bucket: &str, _key: &str, _version_id: Option<&str>) -> AwsResult<Head> {
        self.call(Operation::HeadObject).await?;
        Ok(Head::Gone)
    }
}

impl BucketReads for Outside {
    async fn policy(&self, _bucket: &str) -> AwsResult<Option<String>> {
        self.read(Operation::GetBucketPolicy, Subject::Policy).await
    }
    async fn policy_is_public(&self, _bucket: &str) -> AwsResult<Option<bool>> {
        self.call(Operation::GetBucketPolicyStatus).await.map(|()| Some(false))
    }
    async fn cors(&self, _bucket: &str) -> AwsResult<Option<Vec<CorsRule>>> {
        let text = self.read(Operation::GetBucketCors, Subject::Cors).await?;
        Ok(text.map(|text| serde_json::from_str(&text).unwrap()))
    }
    async fn encryption(&self, _bucket: &str) -> AwsResult<Option<BucketEncryption>> {
        self.call(Operation::GetBucketEncryption).await?;
        Ok(Some(BucketEncryption { algorithm: Some("AES256".into()), ..BucketEncryption::default() }))
    }
    async fn notifications(&self, _bucket: &str) -> AwsResult<Notifications> {
        self.call(Operation::GetBucketNotificationConfiguration).await?;
        Ok(Notifications { event_bridge: true, ..Notifications::default() })
    }
    async fn public_access_block(&self, _bucket: &str) -> AwsResult<Option<PublicAccessBlock>> {
        self.call(Operation::GetPublicAccessBlock).await.map(|()| None)
    }
    async fn ownership(&self, _bucket: &str) -> AwsResult<Option<Ownership>> {
        self.call(Operation::GetBucketOwnershipControls).await.map(|()| Some(Ownership::BucketOwnerEnforced))
    }
    async fn requester_pays(&self, _bucket: &str) -> AwsResult<bool> {
        self.call(Operation::GetBucketRequestPayment).await.map(|()| false)
    }
    async fn tags(&self, _bucket: &str) -> AwsResult<Vec<(String, String)>> {
        self.call(Operation::GetBucketTagging).await.map(|()| Vec::new())
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

impl Keys for Outside {
    async fn describe_key(&self, _key: &str) -> AwsResult<KeyMetadata> {
        Err(aws_error(Operation::DescribeKey, ErrorClass::NotFound, "NotFoundException", 400))
    }
    async fn key_policy(&self, _key: &str) -> AwsResult<String> {
        Err(aws_error(Operation::GetKeyPolicy, ErrorClass::NotFound, "NotFoundException", 400))
    }
    async fn grants(&self, _key: &str, _grantee: &str) -> AwsResult<Vec<serde_json::Value>> {
        Ok(Vec::new())
    }
}

impl Topic for Outside {
    async fn publish(&self, message: &Message) -> AwsResult<()> {
        self.call(Operation::Publish).await?;
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
        if self.sim.loud {
            eprintln!("{} {:?} {value}", self.sim.now.get(), self.who);
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
