//! The reconciler under random histories: rivals, stale reads, faults, dying functions, late and repeated events.
//!
//! Two thousand histories in `make test`; `HISTORIES` sets another number, `HISTORIES_SEED` another beginning.

#![expect(clippy::cast_possible_truncation, reason = "numbers of tasks")]

mod events;
mod keys;
mod rivals;
mod sim;
mod table;
mod truth;

use crate::harness::block_on;
use crate::world::BUCKET;
use darwin_s3_guard::app::config::Config;
use darwin_s3_guard::app::handler::{Call, Guard};
use darwin_s3_guard::app::ports::{Incidents, KnownKeys};
use darwin_s3_guard::model::change::Subject;
use darwin_s3_guard::model::contract::Darwin;
use darwin_s3_guard::model::finding::Kind;
use darwin_s3_guard::model::time::Timestamp;
use darwin_s3_guard::repair::history::print::print;
use events::event_of;
use keys::Key;
use serde_json::{Value, json};
use sim::{Outside, Seen, Settings, Sim, Taken, Who, poll_once};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

const LIMIT: usize = 3;
const WINDOW: Duration = Duration::from_hours(1);
/// SQS hides a failed record so long: six times as long as a function runs, as the template has it.
const VISIBILITY: Duration = Duration::from_mins(6);
/// Invocations that must be enough once everybody is quiet and the contest is over.
const SWEEPS: usize = 2;

type Task = Pin<Box<dyn Future<Output = ()>>>;

fn config() -> Config {
    let guarded = json!([{"name": BUCKET, "access": "read-write"}]).to_string();
    let limit = LIMIT.to_string();
    let window = WINDOW.as_secs().to_string();
    let variables = [
        ("GUARDED_BUCKETS", guarded.as_str()),
        ("MODE", "repair"),
        ("AWS_ACCOUNT_ID", crate::world::ACCOUNT),
        ("AWS_REGION", crate::world::REGION),
        ("ALERT_TOPIC_ARN", "arn:aws:sns:eu-central-1:111122223333:alerts"),
        ("CONTESTED_LIMIT", limit.as_str()),
        ("CONTESTED_WINDOW_S", window.as_str()),
    ];
    let lookup = |name: &str| variables.iter().find(|(held, _)| *held == name).map(|(_, value)| (*value).to_owned());
    Config::from(&lookup).unwrap()
}

fn darwin() -> Darwin {
    config().darwin
}

/// A message of a queue.
struct Queued {
    due: Timestamp,
    event: Value,
    tries: u32,
}

struct History {
    sim: Rc<Sim>,
    queue: Rc<RefCell<Vec<Queued>>>,
    /// Writes whose events have been put on their way.
    announced: usize,
    most_at_once: usize,
    event_delay: Duration,
    invocations: usize,
    running: Vec<(Task, Outside, Value, u32)>,
}

impl History {
    fn queue(&self, event: Value, delay: Duration) {
        self.queue.borrow_mut().push(Queued { due: self.sim.now.get() + delay, event, tries: 0 });
    }

    /// Puts the events of new writes on their way: late, out of order, some twice.
    fn announce(&mut self) {
        let new: Vec<Taken> = self.sim.taken.borrow()[self.announced..].to_vec();
        self.announced += new.len();
        for event in self.sim.truth.events.take() {
            self.queue(event, self.sim.within(self.event_delay));
        }
        for taken in new {
            let times = if self.sim.roll(8) == 0 { 2 } else { 1 };
            for _ in 0..times {
                self.queue(event_of(&taken), self.sim.within(self.event_delay));
            }
        }
    }

    /// Starts functions for what is due.
    fn deliver(&mut self) {
        while self.running.len() < self.most_at_once {
            let due = self.queue.borrow().iter().position(|queued| queued.due <= self.sim.now.get());
            let Some(due) = due else { return };
            let queued = self.queue.borrow_mut().remove(due);
            assert!(queued.tries < 50, "a record that never succeeds: {}", queued.event);
            self.start(queued.event, queued.tries);
        }
    }

    fn start(&mut self, event: Value, tries: u32) {
        self.invocations += 1;
        let outside = Outside {
            sim: Rc::clone(&self.sim),
            who: Who::Guard(self.invocations),
            read_at: Rc::new(Cell::new([0; 2])),
            writing: Rc::new(Cell::new(false)),
            shown: Rc::default(),
            looked: Rc::default(),
            began: self.sim.now.get(),
            object: event["detail"]["object"]["key"].as_str().map(str::to_owned),
            dead: Rc::new(Cell::new(false)),
        };
        let held = outside.clone();
        let queue = Rc::clone(&self.queue);
        let again = event.clone();
        let request_id = format!("invocation-{}", self.invocations);
        let task = async move {
            let all = held.clone();
            let guard: Guard<Outside> =
                Guard::new(config(), all.clone(), Some(all.clone()), Some(all.clone()), all.clone(), all.clone());
            let record = json!({"messageId": "m", "receiptHandle": "h", "body": again.to_string(), "attributes": {},
                "messageAttributes": {}, "md5OfBody": "x", "eventSource": "aws:sqs", "awsRegion": crate::world::REGION,
                "eventSourceARN": "arn:aws:sqs:eu-central-1:111122223333:config"});
            let function_arn = Some("arn:aws:lambda:eu-central-1:111122223333:function:guard".to_owned());
            let deadline = Some(all.sim.now.get() + all.sim.settings.timeout);
            let call = Call { deadline, request_id, function_arn, ..Call::default() };
            let answer = guard.handle(&json!({"Records": [record]}), &call).await.unwrap();
            all.sim.looks.borrow_mut().push(all.looked.get());
            if answer["batchItemFailures"] != json!([]) {
                let due = all.sim.now.get() + VISIBILITY;
                queue.borrow_mut().push(Queued { due, event: again, tries: tries + 1 });
            }
        };
        self.running.push((Box::pin(task), outside, event, tries));
    }

    /// One step of somebody, and a little time.
    fn tick(&mut self, rivals: &mut Vec<Task>) {
        let busy = (self.running.len() + rivals.len()) as u64;
        let pace = if busy == 0 { Duration::from_secs(2) } else { Duration::from_millis(60) };
        self.sim.now.set(self.sim.now.get() + self.sim.within(pace));
        self.announce();
        self.deliver();
        let busy = self.running.len() + rivals.len();
        if busy == 0 {
            return;
        }
        let turn = self.sim.roll(busy as u64) as usize;
        if turn < rivals.len() {
            if poll_once(&mut rivals[turn]) {
                drop(rivals.remove(turn));
            }
            return;
        }
        let turn = turn - rivals.len();
        let done = poll_once(&mut self.running[turn].0);
        if self.running[turn].1.dead.get() {
            let (task, outside, event, tries) = self.running.remove(turn);
            drop(task);
            if outside.writing.get() {
                self.sim.count(|seen| seen.crashed_writers += 1);
            }
            // SQS gives the record to somebody else when its visibility ends.
            let due = self.sim.now.get() + VISIBILITY;
            self.queue.borrow_mut().push(Queued { due, event, tries: tries + 1 });
        } else if done {
            drop(self.running.remove(turn));
        }
    }

    fn run(&mut self, rivals: &mut Vec<Task>) {
        for _ in 0..400_000 {
            if rivals.is_empty() && self.running.is_empty() && self.queue.borrow().is_empty() && self.idle() {
                return;
            }
            self.tick(rivals);
        }
        panic!(
            "a history that never comes to rest: {} running, {} queued",
            self.running.len(),
            self.queue.borrow().len()
        );
    }

    fn idle(&self) -> bool {
        self.announced == self.sim.taken.borrow().len() && self.sim.truth.events.borrow().is_empty()
    }

    fn sweep(&mut self) {
        let event = json!({"version": "0", "id": "s", "detail-type": "Scheduled Event", "source": "aws.events",
            "account": crate::world::ACCOUNT, "time": "2026-11-24T00:00:00Z", "region": crate::world::REGION,
            "resources": ["arn:aws:events:eu-central-1:111122223333:rule/schedule"], "detail": {}});
        self.queue(event, Duration::ZERO);
        self.run(&mut Vec::new());
    }
}

fn foreign(taken: &Taken) -> BTreeSet<String> {
    let elements = print(taken.subject, taken.document.as_deref(), &darwin()).elements;
    let rules: Vec<String> = elements.into_iter().map(|element| element.digest).collect();
    // S3 answers by the first CORS rule that matches: which stands before which is theirs as well.
    let ordered = if taken.subject == Subject::Cors { rules.as_slice() } else { &[] };
    let pairs = ordered.iter().enumerate().flat_map(|(at, first)| {
        ordered.iter().skip(at + 1).filter(move |then| *then != first).map(move |then| format!("{first} {then}"))
    });
    pairs.chain(rules.iter().cloned()).collect()
}

/// Every change whose effect a guard's write undid has an incident that carries it.
fn nothing_is_lost_silently(sim: &Sim) {
    let told: Vec<String> = sim.published.borrow().iter().map(|message| message.body.clone()).collect();
    for subject in [Subject::Policy, Subject::Cors] {
        let taken: Vec<Taken> = sim.taken.borrow().iter().filter(|taken| taken.subject == subject).cloned().collect();
        for (at, write) in taken.iter().enumerate() {
            if !matches!(write.who, Who::Guard(_)) {
                continue;
            }
            let before = taken[..at].iter().rev().find(|held| matches!(held.who, Who::Rival(_)));
            let Some(theirs) = before else { continue };
            if taken[..at].last().map(foreign) == Some(foreign(write)) {
                continue;
            }
            let (wanted, written) = (foreign(theirs), foreign(write));
            let added: Vec<&String> = wanted.difference(&written).collect();
            let removed: Vec<&String> = written.difference(&wanted).collect();
            if added.is_empty() && removed.is_empty() {
                continue;
            }
            let made_good = taken[at + 1..].iter().any(|later| {
                let stands = foreign(later);
                added.iter().all(|element| stands.contains(*element))
                    && removed.iter().all(|element| !stands.contains(*element))
            });
            if made_good {
                continue;
            }
            sim.count(|seen| seen.lost_updates += 1);
            let incident = told.iter().any(|body| body.contains("lost-update") && body.contains(&theirs.event_id));
            assert!(
                incident,
                "{:?} of {} was lost to {:?} silently; told: {:?}",
                theirs,
                theirs.event_id,
                write,
                sim.published.borrow().iter().map(|message| &message.subject).collect::<Vec<_>>()
            );
        }
    }
}

fn writes_stay_within_the_limit(sim: &Sim) {
    for subject in [Subject::Policy, Subject::Cors] {
        let times: Vec<Timestamp> = sim
            .taken
            .borrow()
            .iter()
            .filter(|taken| taken.subject == subject && matches!(taken.who, Who::Guard(_)))
            .map(|taken| taken.at)
            .collect();
        for window in times.windows(LIMIT + 1) {
            let span = window[LIMIT] - window[0];
            // The count is taken before the write, which may come a moment later.
            assert!(span + Duration::from_mins(1) > WINDOW, "more than {LIMIT} writes of {subject:?} within {span:?}");
        }
    }
}

/// Whoever finds the lease taken leaves a mark and is done: somebody who lives to the end of it looks afterwards.
fn every_mark_is_looked_at(sim: &Sim) {
    let last = sim.looks.borrow().iter().copied().max().unwrap_or_default();
    for mark in sim.marks.borrow().iter() {
        assert!(*mark <= last, "marked at {mark:?}, last looked at {last:?}");
        sim.count(|seen| seen.marks += 1);
    }
}

/// After a sweep, each key that is known, does not work, and still has one of its samples under it.
fn every_dead_key_is_told(sim: &Sim) {
    let open = block_on(sim.store.open(BUCKET));
    for held in block_on(sim.store.known_keys(BUCKET, sim.now.get())) {
        let under = |name: &String| sim.truth.object(name).as_ref() == Some(&held.key);
        if sim.truth.key(&held.key) == Key::Works || held.stale_since.is_some() || !held.samples.iter().any(under) {
            continue;
        }
        let told = open.iter().any(|incident| incident.cause == held.key && incident.told.is_some());
        assert!(told, "{held:?} is dead: {open:#?}");
        sim.count(|seen| seen.dead_keys += 1);
    }
}

/// When all is quiet and was looked at.
fn no_incident_outlives_what_it_was_about(sim: &Sim) {
    let policy = sim.current(Subject::Policy).unwrap_or_default();
    for incident in block_on(sim.store.open(BUCKET)) {
        let still = match incident.report.finding.kind() {
            // What a Deny shuts out is not restored by our statement.
            Kind::PolicyMissing
            | Kind::PolicyGutted
            | Kind::ExplicitDeny
            | Kind::PartDenied
            | Kind::ObjectDenied
            | Kind::AccessUncertain => !truth::lets_read(&policy),
            Kind::ConditionOnOurs => !truth::has_ours(&policy),
            Kind::CorsMissing | Kind::GuardDenied | Kind::WriteFailed => false,
            Kind::KeyState | Kind::KeyDenied => {
                sim.truth.key(&incident.cause) != Key::Works && sim.truth.lies_under(&incident.cause)
            }
            _ => true,
        };
        assert!(still, "it is over: {incident:#?}\n{policy}\n{:?}", sim.truth);
    }
}

fn guard_writes(sim: &Sim) -> usize {
    sim.taken.borrow().iter().filter(|taken| matches!(taken.who, Who::Guard(_))).count()
}

fn history(seed: u64) -> Seen {
    let dice = Sim::new(
        seed,
        Settings { settle: Duration::ZERO, fault_in: 0, crash_in: 0, denied_in: 0, timeout: Duration::ZERO },
    );
    let settings = Settings {
        settle: Duration::from_millis([0, 500, 3_000][dice.roll(3) as usize]),
        fault_in: [0, 60, 25][dice.roll(3) as usize],
        crash_in: [0, 500, 150][dice.roll(3) as usize],
        denied_in: [0, 0, 40][dice.roll(3) as usize],
        timeout: Duration::from_secs([60, 60, 15][dice.roll(3) as usize]),
    };
    let mut sim = Sim::new(seed ^ 0xd1ce, settings);
    sim.loud = number("HISTORIES", 2_000) == 1;
    let sim = Rc::new(sim);
    let mut history = History {
        sim: Rc::clone(&sim),
        queue: Rc::default(),
        announced: 0,
        most_at_once: 1 + dice.roll(4) as usize,
        event_delay: Duration::from_millis([200, 5_000, 60_000][dice.roll(3) as usize]),
        invocations: 0,
        running: Vec::new(),
    };
    let changes = 1 + dice.roll(4);
    let mut rivals: Vec<Task> = (0..=dice.roll(3) as usize)
        .map(|number| Box::pin(rivals::rival(Rc::clone(&sim), number, changes)) as Task)
        .collect();
    if dice.roll(2) == 0 {
        rivals.push(Box::pin(keys::uploader(Rc::clone(&sim), 4 + 2 * changes)));
        rivals.push(Box::pin(keys::key_admin(Rc::clone(&sim), 1 + changes)));
    }
    history.run(&mut rivals);
    every_mark_is_looked_at(&sim);

    // Everybody is quiet; the contest, if there was one, runs out.
    sim.rough.set(false);
    sim.now.set(sim.now.get() + WINDOW + Duration::from_secs(200));
    for _ in 0..SWEEPS {
        history.sweep();
        every_dead_key_is_told(&sim);
    }
    let policy = sim.current(Subject::Policy).unwrap_or_default();
    assert!(policy.contains("DarwinAccess"), "the contract holds again: {policy}");
    let rules = sim.current(Subject::Cors).unwrap_or_default();
    assert!(rules.contains("darwin.v7labs.com"), "{rules}");

    let written = guard_writes(&sim);
    sim.now.set(sim.now.get() + Duration::from_mins(1));
    history.sweep();
    assert_eq!(guard_writes(&sim), written, "no drift, no write");
    let owed = block_on(sim.store.open(BUCKET)).into_iter().filter(|open| open.told.is_none()).count();
    assert_eq!(owed, 0, "nothing that was opened is left untold");

    no_incident_outlives_what_it_was_about(&sim);
    nothing_is_lost_silently(&sim);
    writes_stay_within_the_limit(&sim);
    for write in sim.taken.borrow().iter().filter(|taken| matches!(taken.who, Who::Guard(_))) {
        let taken = sim.taken.borrow();
        let at = taken.iter().position(|held| held.event_id == write.event_id).unwrap();
        let between = taken[write.read_at.min(at)..at].iter();
        let rivals = between.filter(|held| held.subject == write.subject && matches!(held.who, Who::Rival(_))).count();
        sim.count(|seen| seen.rivals_between_read_and_write += rivals as u64);
    }
    sim.seen.get()
}

fn number(name: &str, default: u64) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a test's own knob")]
    let value = std::env::var(name);
    value.ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn no_history_loses_a_change_silently_and_the_contract_holds_once_it_is_quiet() {
    let first = number("HISTORIES_SEED", 1);
    let count = number("HISTORIES", 2_000);
    let mut all = Seen::default();
    for seed in first..first + count {
        let Ok(seen) = std::panic::catch_unwind(|| history(seed)) else {
            panic!("history {seed} fails: run it alone with HISTORIES_SEED={seed} HISTORIES=1")
        };
        all.add(seen);
    }
    eprintln!("{count} histories: {all:?}");
    if count >= 500 {
        for (name, held) in all.each() {
            assert!(held > 0, "the histories held none of `{name}`, so they show nothing about them");
        }
    }
}
