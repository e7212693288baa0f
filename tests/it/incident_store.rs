//! What an incident store promises, held against the one of the process and against the table.
//!
//! The table's half needs a DynamoDB (an emulator will do) at `DYNAMODB_ENDPOINT`:
//! `cargo test --test it incident_store -- --include-ignored`.

mod interleaved;
mod table;

use crate::evidence::finding;
use darwin_s3_guard::app::memory::Memory;
use darwin_s3_guard::app::ports::{Incidents, KnownKeys, Leases, WriteLog};
use darwin_s3_guard::incident::budget::RepairBudget;
use darwin_s3_guard::incident::known::{KnownKey, STALE_MS};
use darwin_s3_guard::incident::life::{
    CLAIM_MS, Claim, Ending, FLAP_MS, Healed, Incident, Lease, REMIND_MS, Sighting, Status,
};
use darwin_s3_guard::model::actor::Actor;
use darwin_s3_guard::model::change::{Change, Print, Subject, Write};
use darwin_s3_guard::model::finding::{Finding, Kind};

pub const NOW: u64 = 1_798_761_600_000;

pub fn sighting(bucket: &str, cause: &str) -> Sighting {
    let finding = Finding { cause: cause.into(), ..finding(Kind::KeyDenied, cause) };
    Sighting { sample_keys: vec!["scan/\u{202e}1\n.dcm".into()], ..Sighting::of(bucket, finding) }
}

fn healed(at_ms: u64) -> Healed {
    Healed::of(at_ms, Ending::Configuration)
}

fn announced(claim: Claim) -> Incident {
    match claim {
        Claim::Announce(incident) => incident,
        Claim::Counted(incident) => panic!("was open already: {incident:?}"),
    }
}

fn counted(claim: Claim) -> Incident {
    match claim {
        Claim::Counted(incident) => incident,
        Claim::Announce(incident) => panic!("was not open: {incident:?}"),
    }
}

async fn the_only_open(store: &impl Incidents, bucket: &str) -> Incident {
    let mut open = store.open(bucket).await.unwrap();
    assert_eq!(open.len(), 1, "{open:?}");
    open.remove(0)
}

async fn healed_and_resolved(store: &impl Incidents, incident: &Incident, now_ms: u64) {
    assert!(store.heal(incident, &healed(now_ms), now_ms, now_ms).await.unwrap());
    let incident = Incident { healed: Some(healed(now_ms)), ..incident.clone() };
    assert!(store.resolve(&incident, now_ms).await.unwrap());
}

async fn the_first_sighting_announces_and_the_others_count(store: impl Incidents, bucket: &str) {
    let first = announced(store.sight(&sighting(bucket, "k"), NOW).await.unwrap());
    assert_eq!((first.seen, first.opened_ms, first.told_ms, first.claimed_ms), (1, NOW, None, NOW));
    let many = Sighting { count: 40, ..sighting(bucket, "k") };
    let second = counted(store.sight(&many, NOW + 5).await.unwrap());
    assert_eq!((second.seen, second.opened_ms, second.last_ms), (41, NOW, NOW + 5));
    assert_eq!(the_only_open(&store, bucket).await, second);
    announced(store.sight(&sighting(bucket, "another"), NOW).await.unwrap());
    assert_eq!(store.open(&format!("{bucket}x")).await.unwrap(), []);
}

async fn what_was_reported_first_comes_back_whole(store: impl Incidents, bucket: &str) {
    let mut sighting = sighting(bucket, "arn:aws:kms:eu-central-1:1:key/ä\u{0}\n");
    sighting.diff = Some("-a\n+b\n".into());
    sighting.finding.because = [(); 3].map(|()| finding(Kind::KeyDenied, "\"quotes\" & \u{202e}").because).concat();
    let first = announced(store.sight(&sighting, NOW).await.unwrap());
    let read = the_only_open(&store, bucket).await;
    assert_eq!(read, first);
    assert_eq!(read.report, (&sighting).into());
    assert_eq!(read.cause, sighting.finding.cause);
    let other = Sighting { sample_keys: vec!["other".into()], ..sighting.clone() };
    counted(store.sight(&other, NOW + 1).await.unwrap());
    assert_eq!(the_only_open(&store, bucket).await.report, (&sighting).into(), "the first report stands");
}

async fn a_message_is_claimed_by_one_and_again_when_its_claimer_dies(store: impl Incidents, bucket: &str) {
    let incident = announced(store.sight(&sighting(bucket, "k"), NOW).await.unwrap());
    assert_eq!(incident.due(NOW + CLAIM_MS - 1), None);
    let later = NOW + CLAIM_MS;
    assert_eq!(incident.due(later), Some(Status::Opened));
    assert!(store.claim(&incident, Status::Opened, later).await.unwrap());
    assert!(!store.claim(&incident, Status::Opened, later).await.unwrap(), "what was read is no longer so");
    let claimed = the_only_open(&store, bucket).await;
    assert_eq!(claimed.due(later), None);
    store.release_claim(&claimed).await.unwrap();
    assert_eq!(the_only_open(&store, bucket).await.due(later), Some(Status::Opened), "given back: due at once");
}

async fn what_was_told_is_reminded_of_after_a_day(store: impl Incidents, bucket: &str) {
    let mut incident = announced(store.sight(&sighting(bucket, "k"), NOW).await.unwrap());
    incident.report.diff = Some("what was sent".into());
    store.told(&incident, NOW + 7).await.unwrap();
    let told = the_only_open(&store, bucket).await;
    assert_eq!((told.told_ms, told.claimed_ms), (Some(NOW + 7), 0));
    assert_eq!(told.report.diff.as_deref(), Some("what was sent"));
    assert_eq!(told.due(NOW + 6 + REMIND_MS), None);
    let due_ms = NOW + 7 + REMIND_MS;
    assert_eq!(told.due(due_ms), Some(Status::Reminder));
    assert!(store.claim(&told, Status::Reminder, due_ms).await.unwrap());
    store.told(&told, due_ms).await.unwrap();
    assert!(!store.claim(&told, Status::Reminder, due_ms).await.unwrap(), "already reminded");
    assert_eq!(the_only_open(&store, bucket).await.due(due_ms + 1), None);
}

async fn it_heals_once_and_only_if_unseen_since(store: impl Incidents, bucket: &str) {
    let incident = announced(store.sight(&sighting(bucket, "k"), NOW).await.unwrap());
    store.told(&incident, NOW).await.unwrap();
    assert!(!store.heal(&incident, &healed(NOW - 1), NOW - 1, NOW).await.unwrap(), "seen since");
    assert!(store.heal(&incident, &healed(NOW), NOW, NOW + 1).await.unwrap());
    assert!(!store.heal(&incident, &healed(NOW), NOW, NOW + 1).await.unwrap(), "healed already");
    let read = the_only_open(&store, bucket).await;
    assert_eq!((read.healed.clone(), read.told_ms, read.claimed_ms), (Some(healed(NOW)), None, NOW + 1));
    assert_eq!(read.due(NOW + 2), None);
    assert_eq!(read.due(NOW + 1 + CLAIM_MS), Some(Status::Resolved), "the healer died: somebody else tells");
    assert!(store.claim(&read, Status::Resolved, NOW + 1 + CLAIM_MS).await.unwrap());
    let other = Incident { healed: Some(healed(NOW + 9)), ..read.clone() };
    assert!(!store.resolve(&other, NOW + 9).await.unwrap(), "another healing");
    assert!(store.resolve(&read, NOW + 9).await.unwrap());
    assert!(!store.resolve(&read, NOW + 9).await.unwrap());
    assert_eq!(store.open(bucket).await.unwrap(), []);
}

async fn seen_again_while_its_resolved_message_goes_out_it_stays_open(store: impl Incidents, bucket: &str) {
    let incident = announced(store.sight(&sighting(bucket, "k"), NOW).await.unwrap());
    store.told(&incident, NOW).await.unwrap();
    assert!(store.heal(&incident, &healed(NOW), NOW, NOW + 1).await.unwrap());
    let again = announced(store.sight(&sighting(bucket, "k"), NOW + 2).await.unwrap());
    assert_eq!((again.seen, again.healed.clone(), again.told_ms), (2, None, None));
    counted(store.sight(&sighting(bucket, "k"), NOW + 3).await.unwrap());
    let resolving = Incident { healed: Some(healed(NOW)), ..incident };
    assert!(!store.resolve(&resolving, NOW + 4).await.unwrap());
    store.told(&again, NOW + 4).await.unwrap();
    assert_eq!(the_only_open(&store, bucket).await.told_ms, Some(NOW + 4));
}

async fn a_late_word_about_an_earlier_life_changes_nothing(store: impl Incidents, bucket: &str) {
    let first = announced(store.sight(&sighting(bucket, "k"), NOW).await.unwrap());
    healed_and_resolved(&store, &first, NOW + 1).await;
    let second = announced(store.sight(&sighting(bucket, "k"), NOW + 2).await.unwrap());
    store.told(&first, NOW + 3).await.unwrap();
    store.release_claim(&first).await.unwrap();
    assert!(!store.claim(&first, Status::Opened, NOW + 3).await.unwrap());
    assert!(!store.heal(&first, &healed(NOW + 3), NOW + 3, NOW + 3).await.unwrap());
    assert_eq!(the_only_open(&store, bucket).await, second);
}

async fn what_comes_back_within_the_hour_is_flapping(store: impl Incidents, bucket: &str) {
    let first = announced(store.sight(&sighting(bucket, "k"), NOW).await.unwrap());
    assert_eq!(first.flaps, 0);
    healed_and_resolved(&store, &first, NOW).await;
    let second = announced(store.sight(&sighting(bucket, "k"), NOW + FLAP_MS - 1).await.unwrap());
    assert_eq!((second.flaps, second.seen), (1, 1));
    assert_eq!(the_only_open(&store, bucket).await.flaps, 1);
    healed_and_resolved(&store, &second, NOW + FLAP_MS).await;
    let third = announced(store.sight(&sighting(bucket, "k"), NOW + 2 * FLAP_MS).await.unwrap());
    assert_eq!(third.flaps, 0);
}

async fn one_holds_the_lease_and_looks_again_for_the_others(store: impl Leases, bucket: &str) {
    let ends = NOW + 1000;
    assert_eq!(store.lease(bucket, "a", NOW, ends).await.unwrap(), Lease::Taken);
    assert_eq!(store.lease(bucket, "a", NOW, ends).await.unwrap(), Lease::Taken, "its own again");
    assert_eq!(store.lease(bucket, "b", NOW + 1, ends).await.unwrap(), Lease::Busy);
    assert!(!store.release(bucket, "b", ends).await.unwrap(), "not the holder");
    assert!(store.release(bucket, "a", ends + 500).await.unwrap(), "dirty: look again");
    assert_eq!(store.lease(bucket, "b", ends + 1, ends + 900).await.unwrap(), Lease::Busy, "kept meanwhile");
    assert!(store.release(bucket, "a", ends + 500).await.unwrap());
    assert!(!store.release(bucket, "a", ends + 500).await.unwrap(), "clean: given back");
    assert_eq!(store.lease(bucket, "b", NOW + 2, ends).await.unwrap(), Lease::Taken);
    assert_eq!(store.lease(bucket, "c", ends, ends + 1000).await.unwrap(), Lease::Taken, "expired");
    assert!(!store.release(bucket, "b", ends + 1000).await.unwrap(), "lost meanwhile");
    assert_eq!(store.lease(bucket, "d", ends + 1, ends + 2000).await.unwrap(), Lease::Busy, "and still the other's");
}

async fn repairs_are_granted_up_to_the_limit_and_again_after_quiet(store: impl Leases, bucket: &str) {
    for count in 1..=3 {
        let answer = store.count_repair(bucket, NOW + count, 1000, 3).await.unwrap();
        assert_eq!(answer, RepairBudget::Granted { count });
    }
    let refused = RepairBudget::Contested { count: 3, last_ms: NOW + 3, resumes_ms: NOW + 1003 };
    assert_eq!(store.count_repair(bucket, NOW + 4, 1000, 3).await.unwrap(), refused);
    let refused = store.count_repair(bucket, NOW + 1002, 1000, 3).await.unwrap();
    assert!(matches!(refused, RepairBudget::Contested { .. }), "contested until it is quiet: {refused:?}");
    let granted = RepairBudget::Granted { count: 1 };
    assert_eq!(store.count_repair(bucket, NOW + 1003, 1000, 3).await.unwrap(), granted);
    store.reset_repairs(bucket).await.unwrap();
    assert_eq!(store.count_repair(bucket, NOW + 1004, 1000, 1).await.unwrap(), granted);
}

pub fn write(after: &str, at: u64) -> Write {
    Write {
        subject: Subject::Policy,
        begun_ms: NOW + at,
        done_ms: None,
        read_ms: None,
        made: false,
        after: after.to_owned(),
        print: Print { whole: Some(after.to_owned()), ..Print::default() },
        event: None,
    }
}

async fn a_write_is_recognised_once_by_one_event(store: impl WriteLog, bucket: &str) {
    let (first, second) = (write("a", 1), write("a", 2));
    for write in [&first, &second] {
        store.keep_write(bucket, write).await.unwrap();
    }
    assert!(store.recognise_write(bucket, &first, "event").await.unwrap());
    assert!(store.recognise_write(bucket, &first, "event").await.unwrap(), "events come twice");
    assert!(!store.recognise_write(bucket, &first, "another").await.unwrap(), "a write has one event");
    // What became of it is found out after its event has come.
    store.keep_write(bucket, &Write { made: true, done_ms: Some(NOW + 5), ..first.clone() }).await.unwrap();
    let mut writes = store.past(bucket, NOW + 10).await.unwrap().writes;
    writes.sort_by_key(|write| write.begun_ms);
    let expected = Write { made: true, done_ms: Some(NOW + 5), event: Some("event".into()), ..first };
    assert_eq!(writes, [expected, second.clone()]);
    store.forget_write(bucket, &second).await.unwrap();
    assert!(!store.recognise_write(bucket, &second, "event").await.unwrap(), "it was not made");
    assert_eq!(store.past(bucket, NOW + 10).await.unwrap().writes.len(), 1);
    assert_eq!(store.past(bucket, NOW + 2 * 24 * 3_600_000).await.unwrap().writes, [], "a day is remembered");
}

async fn a_change_is_kept_once_and_forgotten_when_asked(store: impl WriteLog, bucket: &str) {
    let change = Change {
        subject: Subject::Policy,
        id: "e".into(),
        name: "DeleteBucketPolicy".into(),
        time_ms: NOW,
        document: None,
        actor: Actor::default(),
        print: Print::default(),
    };
    for _ in 0..2 {
        store.keep_change(bucket, &change).await.unwrap();
    }
    assert_eq!(store.past(bucket, NOW).await.unwrap().changes, std::slice::from_ref(&change));
    store.forget_change(bucket, &change).await.unwrap();
    assert_eq!(store.past(bucket, NOW).await.unwrap().changes, []);
}

async fn what_is_acknowledged_is_quiet_until_something_is_told(store: impl Incidents, bucket: &str) {
    let incident = announced(store.sight(&sighting(bucket, "k"), NOW).await.unwrap());
    store.told(&incident, NOW).await.unwrap();
    assert!(store.acknowledge(&incident, NOW + 3 * REMIND_MS).await.unwrap());
    let open = the_only_open(&store, bucket).await;
    assert_eq!((open.due(NOW + 2 * REMIND_MS), open.due(NOW + 3 * REMIND_MS)), (None, Some(Status::Reminder)));
    // A sighting changes nothing of it; a message does.
    store.sight(&sighting(bucket, "k"), NOW + 1).await.unwrap();
    assert_eq!(the_only_open(&store, bucket).await.quiet_until_ms, Some(NOW + 3 * REMIND_MS));
    store.told(&open, NOW + 2).await.unwrap();
    assert_eq!(the_only_open(&store, bucket).await.quiet_until_ms, None);
    assert!(store.acknowledge(&incident, NOW + REMIND_MS).await.unwrap());
    healed_and_resolved(&store, &the_only_open(&store, bucket).await, NOW + 3).await;
    assert!(!store.acknowledge(&incident, NOW + 9 * REMIND_MS).await.unwrap(), "it is over");
    let again = announced(store.sight(&sighting(bucket, "k"), NOW + 4).await.unwrap());
    assert_eq!(again.quiet_until_ms, None);
}

async fn a_key_is_kept_once_a_day_and_is_alive_again_when_seen(store: impl KnownKeys, bucket: &str) {
    const DAY: u64 = 24 * 3_600_000;
    let key = KnownKey {
        key: "arn:aws:kms:eu-central-1:111122223333:key/k".into(),
        samples: vec!["a/\u{202e}\n\"1\".png".into()],
        since_ms: NOW,
        seen_ms: NOW,
        stale_ms: None,
    };
    assert!(store.keep_key(bucket, &key, NOW - DAY).await.unwrap());
    assert_eq!(store.known_keys(bucket, NOW).await.unwrap(), std::slice::from_ref(&key));
    let again = |at: u64| KnownKey { samples: vec!["b".into()], since_ms: at, seen_ms: at, ..key.clone() };
    assert!(!store.keep_key(bucket, &again(NOW + 1), NOW + 1 - DAY).await.unwrap(), "once a day");
    assert!(store.keep_key(bucket, &again(NOW + DAY), NOW).await.unwrap());
    let held = KnownKey { since_ms: NOW, ..again(NOW + DAY) };
    assert_eq!(
        store.known_keys(bucket, NOW).await.unwrap(),
        std::slice::from_ref(&held),
        "since when it is known stays"
    );
    assert!(!store.retire_key(bucket, &key, NOW + DAY).await.unwrap(), "it was seen since it was read");
    assert!(store.retire_key(bucket, &held, NOW + DAY).await.unwrap());
    let stale = KnownKey { stale_ms: Some(NOW + DAY), ..held.clone() };
    assert_eq!(store.known_keys(bucket, NOW + DAY).await.unwrap(), [stale]);
    assert!(store.keep_key(bucket, &again(NOW + DAY + 1), NOW + 1).await.unwrap(), "what is stale is due");
    let held = store.known_keys(bucket, NOW + DAY + 1).await.unwrap().remove(0);
    assert_eq!(held.stale_ms, None);
    assert!(store.retire_key(bucket, &held, NOW + 2 * DAY).await.unwrap());
    assert_eq!(store.known_keys(bucket, NOW + 2 * DAY + STALE_MS).await.unwrap(), [], "and forgotten in the end");
    store.forget_key(bucket, &held).await.unwrap();
    assert_eq!(store.known_keys(bucket, NOW).await.unwrap(), []);
}

async fn once_is_once_within_its_period(store: impl Leases, bucket: &str) {
    assert!(store.once_per(bucket, NOW, 60).await.unwrap());
    assert!(!store.once_per(bucket, NOW + 59, 60).await.unwrap());
    assert!(store.once_per(&format!("{bucket}x"), NOW + 59, 60).await.unwrap());
    assert!(store.once_per(bucket, NOW + 60, 60).await.unwrap());
    assert!(!store.once_per(bucket, NOW + 61, 60).await.unwrap());
}

/// Every promise as a test of the process's store and, where there is one, of the table.
macro_rules! promises {
    ($($name:ident,)+) => {
        mod memory {
            use super::Memory;
            $(#[tokio::test] async fn $name() { super::$name(Memory::new(), "b").await; })+
        }
        mod dynamodb {
            use super::table::{fresh_bucket, table};
            $(
                #[tokio::test]
                #[ignore = "needs a DynamoDB at DYNAMODB_ENDPOINT"]
                async fn $name() { super::$name(table().await, &fresh_bucket()).await; }
            )+
        }
    };
}

promises! {
    the_first_sighting_announces_and_the_others_count,
    what_was_reported_first_comes_back_whole,
    a_message_is_claimed_by_one_and_again_when_its_claimer_dies,
    what_was_told_is_reminded_of_after_a_day,
    it_heals_once_and_only_if_unseen_since,
    seen_again_while_its_resolved_message_goes_out_it_stays_open,
    a_late_word_about_an_earlier_life_changes_nothing,
    what_comes_back_within_the_hour_is_flapping,
    one_holds_the_lease_and_looks_again_for_the_others,
    repairs_are_granted_up_to_the_limit_and_again_after_quiet,
    a_write_is_recognised_once_by_one_event,
    a_change_is_kept_once_and_forgotten_when_asked,
    what_is_acknowledged_is_quiet_until_something_is_told,
    a_key_is_kept_once_a_day_and_is_alive_again_when_seen,
    once_is_once_within_its_period,
}
