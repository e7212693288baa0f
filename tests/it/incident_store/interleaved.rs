//! Random interleavings of functions that see, heal, tell and die; and the table against the process's store.

use super::table::{fresh_bucket, table};
use super::{CLAIM, Claim, Incident, NOW, Status, healed, ms, sighting, write};
use crate::harness::block_on;
use darwin_s3_guard::app::memory::Memory;
use darwin_s3_guard::app::ports::{Incidents, Leases, WriteLog};
use darwin_s3_guard::model::time::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::collections::VecDeque;
use std::time::Duration;

/// What a function is about to do next.
#[derive(Debug, Clone)]
enum Pending {
    /// It has sent, or will, and then marks it.
    Tell(Incident, Status),
}

/// One turn of the world.
#[derive(Debug, Clone)]
enum Turn {
    See(u64),
    /// Somebody judged it fine.
    Heal,
    /// The n-th of those with a message in hand sends and marks it.
    Deliver(usize),
    /// The n-th of those with a message in hand dies before it sends.
    Die(usize),
    /// The schedule pays what is owed.
    Sweep,
    Wait(Duration),
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        4 => (1..5_u64).prop_map(Turn::See),
        2 => Just(Turn::Heal),
        4 => (0..8_usize).prop_map(Turn::Deliver),
        1 => (0..8_usize).prop_map(Turn::Die),
        1 => Just(Turn::Sweep),
        2 => prop_oneof![Just(ms(1)), Just(ms(1000)), Just(CLAIM)].prop_map(Turn::Wait),
    ]
}

#[derive(Default)]
struct World {
    store: Memory,
    now: Timestamp,
    hands: VecDeque<Pending>,
    sent: Vec<Status>,
    seen: u64,
}

impl World {
    fn see(&mut self, count: u64) {
        self.now = self.now + ms(1);
        let mut sighting = sighting("b", "k");
        sighting.count = count;
        match block_on(self.store.sight(&sighting, self.now)) {
            Claim::Announce(incident) => {
                if incident.opened == self.now {
                    self.seen = 0;
                }
                self.hands.push_back(Pending::Tell(incident, Status::Opened));
            }
            Claim::Counted(incident) => self.pay(incident),
        }
        self.seen += count;
        let now = &block_on(self.store.open("b"))[0];
        assert_eq!(now.seen, self.seen, "every sighting of this life is counted");
    }

    fn pay(&mut self, incident: Incident) {
        if let Some(status) = incident.due(self.now)
            && block_on(self.store.claim(&incident, status, self.now))
        {
            self.hands.push_back(Pending::Tell(incident, status));
        }
    }

    fn heal(&mut self) {
        for mut incident in block_on(self.store.open("b")) {
            let word = healed(self.now);
            if block_on(self.store.heal(&incident, &word, self.now, self.now)) {
                incident.healed = Some(word);
                self.hands.push_back(Pending::Tell(incident, Status::Resolved));
            }
        }
    }

    fn deliver(&mut self, index: usize) {
        let Some(Pending::Tell(incident, status)) = self.hands.remove(index) else { return };
        self.sent.push(status);
        if status == Status::Resolved {
            block_on(self.store.resolve(&incident, self.now));
        } else {
            block_on(self.store.told(&incident, self.now));
        }
    }

    fn sweep(&mut self) {
        for incident in block_on(self.store.open("b")) {
            self.pay(incident);
        }
    }

    fn turn(&mut self, turn: &Turn) {
        match turn {
            Turn::See(count) => self.see(*count),
            Turn::Heal => self.heal(),
            Turn::Deliver(index) => self.deliver(*index),
            Turn::Die(index) => drop(self.hands.remove(*index)),
            Turn::Sweep => self.sweep(),
            Turn::Wait(wait) => self.now = self.now + *wait,
        }
    }

    /// Everybody with a message in hand finishes; then the schedule comes round once claims have run out.
    fn settle(&mut self) {
        for _ in 0..2 {
            while !self.hands.is_empty() {
                self.deliver(0);
            }
            self.now = self.now + CLAIM;
            self.sweep();
        }
        while !self.hands.is_empty() {
            self.deliver(0);
        }
    }
}

proptest! {
    #[test]
    fn whoever_dies_whenever_the_last_state_is_always_told(turns in prop::collection::vec(turn(), 1..60)) {
        let mut world = World { now: NOW, ..World::default() };
        for turn in &turns {
            world.turn(turn);
        }
        world.settle();
        let open = block_on(world.store.open("b"));
        let last = world.sent.last().copied();
        match open.first() {
            Some(incident) => {
                prop_assert!(incident.told.is_some() && incident.healed.is_none(), "{incident:?}");
                prop_assert!(world.sent.contains(&Status::Opened));
            }
            None => prop_assert!(last != Some(Status::Opened) || world.sent.contains(&Status::Resolved)),
        }
    }

    #[test]
    fn while_nobody_dies_each_life_is_opened_once_and_resolved_once(
        turns in prop::collection::vec(
            prop_oneof![
                4 => (1..5_u64).prop_map(Turn::See),
                2 => Just(Turn::Heal),
                4 => (0..8_usize).prop_map(Turn::Deliver),
                1 => Just(Turn::Sweep),
                2 => Just(Turn::Wait(ms(1))),
            ],
            1..60,
        ),
    ) {
        let mut world = World { now: NOW, ..World::default() };
        let mut opened = 0;
        let mut healed = 0;
        for turn in &turns {
            let before = world.hands.len();
            world.turn(turn);
            match world.hands.back() {
                Some(Pending::Tell(_, Status::Opened)) if world.hands.len() > before => opened += 1,
                Some(Pending::Tell(_, Status::Resolved)) if world.hands.len() > before => healed += 1,
                _ => {}
            }
        }
        while !world.hands.is_empty() {
            world.deliver(0);
        }
        let count = |status| world.sent.iter().filter(|sent| **sent == status).count();
        prop_assert_eq!(count(Status::Opened), opened);
        prop_assert_eq!(count(Status::Resolved), healed);
        prop_assert_eq!(count(Status::Reminder), 0);
        let open = usize::from(!block_on(world.store.open("b")).is_empty());
        prop_assert_eq!(opened, healed + open, "every state that was entered was told, none twice");
    }
}

/// One call, the same to both stores. `usize` picks one of the incidents that some call has returned.
#[derive(Debug, Clone)]
enum Call {
    Sight(bool, u64),
    Claim(usize),
    Told(usize),
    Release(usize),
    Heal(usize, u64),
    Resolve(usize),
    Open,
    Lease(u8),
    GiveBack(u8),
    Repair,
    Reset,
    Note(u8),
    Recognise(u8),
    Forget(u8),
    Pending,
    Once(u8),
}

fn call() -> impl Strategy<Value = (Duration, Call)> {
    let call = prop_oneof![
        4 => (any::<bool>(), 0..4_u64).prop_map(|(which, count)| Call::Sight(which, count)),
        2 => (0..6_usize).prop_map(Call::Claim),
        2 => (0..6_usize).prop_map(Call::Told),
        1 => (0..6_usize).prop_map(Call::Release),
        3 => ((0..6_usize), 0..3_u64).prop_map(|(which, ago)| Call::Heal(which, ago)),
        3 => (0..6_usize).prop_map(Call::Resolve),
        2 => Just(Call::Open),
        2 => (0..3_u8).prop_map(Call::Lease),
        2 => (0..3_u8).prop_map(Call::GiveBack),
        2 => Just(Call::Repair),
        1 => Just(Call::Reset),
        2 => (0..3_u8).prop_map(Call::Note),
        1 => (0..3_u8).prop_map(Call::Recognise),
        1 => (0..3_u8).prop_map(Call::Forget),
        1 => Just(Call::Pending),
        1 => (0..2_u8).prop_map(Call::Once),
    ];
    (prop_oneof![Just(ms(0)), Just(ms(1)), Just(ms(40)), Just(CLAIM)], call)
}

/// Makes the calls in order and writes down every answer.
async fn answers(
    store: &(impl Incidents + Leases + WriteLog),
    bucket: &str,
    calls: &[(Duration, Call)],
) -> Vec<String> {
    let mut now = NOW;
    let mut known: Vec<Incident> = Vec::new();
    let mut answers = Vec::new();
    for (wait, call) in calls {
        now = now + *wait;
        let pick = |index: &usize| known.iter().rev().nth(*index).cloned();
        let answer = match call {
            Call::Sight(which, count) => {
                let mut sighting = sighting(bucket, if *which { "a" } else { "b" });
                sighting.count = *count;
                let claim = store.sight(&sighting, now).await.unwrap();
                let (Claim::Announce(incident) | Claim::Counted(incident)) = &claim;
                known.push(incident.clone());
                format!("{claim:?}")
            }
            Call::Open => {
                let mut open = store.open(bucket).await.unwrap();
                open.sort_by(|one, other| one.fingerprint.cmp(&other.fingerprint));
                known.extend(open.iter().cloned());
                format!("{open:?}")
            }
            Call::Claim(index) => match pick(index) {
                Some(incident) => format!("{:?}", store.claim(&incident, Status::Opened, now).await),
                None => continue,
            },
            Call::Told(index) => match pick(index) {
                Some(incident) => format!("{:?}", store.told(&incident, now).await),
                None => continue,
            },
            Call::Release(index) => match pick(index) {
                Some(incident) => format!("{:?}", store.release_claim(&incident).await),
                None => continue,
            },
            Call::Heal(index, ago) => match pick(index) {
                Some(mut incident) => {
                    let since = now - ms(*ago);
                    let word = healed(since);
                    let won = store.heal(&incident, &word, since, now).await.unwrap();
                    if won {
                        incident.healed = Some(word);
                        known.push(incident);
                    }
                    format!("{won}")
                }
                None => continue,
            },
            Call::Resolve(index) => match pick(index) {
                Some(incident) => format!("{:?}", store.resolve(&incident, now).await),
                None => continue,
            },
            Call::Lease(who) => {
                format!("{:?}", store.lease(bucket, &who.to_string(), now, now + ms(50)).await)
            }
            Call::GiveBack(who) => format!("{:?}", store.release(bucket, &who.to_string(), now + ms(50)).await),
            Call::Repair => format!("{:?}", store.count_repair(bucket, now, ms(100), 2).await),
            Call::Reset => format!("{:?}", store.reset_repairs(bucket).await),
            Call::Note(what) => format!("{:?}", store.keep_write(bucket, &write(&what.to_string(), 0)).await),
            Call::Recognise(what) => {
                let event = (now.as_millis() % 2).to_string();
                format!("{:?}", store.recognise_write(bucket, &write(&what.to_string(), 0), &event).await)
            }
            Call::Forget(what) => format!("{:?}", store.forget_write(bucket, &write(&what.to_string(), 0)).await),
            Call::Pending => {
                let mut past = store.past(bucket, now).await.unwrap();
                past.writes.sort_by(|one, other| one.after.cmp(&other.after));
                format!("{past:?}")
            }
            Call::Once(what) => format!("{:?}", store.once_per(&format!("{bucket}{what}"), now, ms(45)).await),
        };
        answers.push(format!("{call:?} at {}: {answer}", now.as_millis()));
    }
    answers
}

#[test]
#[ignore = "needs a DynamoDB at DYNAMODB_ENDPOINT"]
fn the_table_answers_any_sequence_of_calls_as_the_process_does() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let table = runtime.block_on(table());
    let config = ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&prop::collection::vec(call(), 1..60), |calls| {
            let bucket = fresh_bucket();
            let (by_table, by_memory) = runtime.block_on(async {
                (answers(&table, &bucket, &calls).await, answers(&Memory::new(), &bucket, &calls).await)
            });
            prop_assert_eq!(by_table, by_memory);
            Ok(())
        })
        .unwrap();
}
