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
use darwin_s3_guard::incident::known::{KnownKey, STALE};
use darwin_s3_guard::incident::life::{CLAIM, Claim, Ending, FLAP, Healed, Incident, Lease, REMIND, Sighting, Status};
use darwin_s3_guard::model::actor::Actor;
use darwin_s3_guard::model::change::{Change, Print, Subject, Write};
use darwin_s3_guard::model::finding::{Finding, Kind};
use darwin_s3_guard::model::time::Timestamp;
use std::time::Duration;

pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub const NOW: Timestamp = Timestamp::from_millis(1_798_761_600_000);

pub fn sighting(bucket: &str, cause: &str) -> Sighting {
    let finding = Finding { cause: cause.into(), ..finding(Kind::KeyDenied, cause) };
    Sighting { sample_keys: vec!["scan/\u{202e}1\n.dcm".into()], ..Sighting::of(bucket, finding) }
}

fn healed(at: Timestamp) -> Healed {
    Healed::of(at, Ending::Configuration)
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

async fn healed_and_resolved(store: &impl Incidents, incident: &Incident, now: Timestamp) {
    assert!(store.heal(incident, &healed(now), now, now).await.unwrap());
    let incident = Incident { healed: Some(healed(now)), ..incident.clone() };
    assert!(store.resolve(&incident, now).await.unwrap());
}

async fn the_first_sighting_announces_and_the_others_count(store: impl Incidents, bucket: &str) {
    let first = announced(store.sight(&sighting(bucket, "k"), NOW).await.unwrap());
    assert_eq!((first.seen, first.opened, first.told, first.claimed), (1, NOW, None, Some(NOW)));
    let many = Sighting { count: 40, ..sighting(bucket, "k") };
    let second = counted(store.sight(&many, NOW + ms(5)).await.unwrap());
    assert_eq!((second.seen, second.opened, second.last_seen), (41, NOW, NOW + ms(5)));
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
    counted(store.sight(&other, NOW + ms(1)).await.unwrap());
    assert_eq!(the_only_open(&store, bucket).await.report, (&sighting).into(), "the first report stands");
}

async fn a_message_is_claimed_by_one_and_again_when_its_claimer_dies(store: impl Incidents, bucket: &str) {
    let incident = announced(store.sight(&sighting(bucket, "k"), NOW).await.unwrap());
    assert_eq!(incident.due(NOW + CLAIM - ms(1)), None);
    let later = NOW + CLAIM;
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
    store.told(&incident, NOW + ms(7)).await.unwrap();
    let told = the_only_open(&store, bucket).await;
    assert_eq!((told.told, told.claimed), (Some(NOW + ms(7)), None));
    assert_eq!(told.report.diff.as_deref(), Some("what was sent"));
    assert_eq!(told.due(NOW + ms(6) + REMIND), None);
    let due = NOW + ms(7) + REMIND;
    assert_eq!(told.due(due), Some(Status::Reminder));
    assert!(store.claim(&told, Status::Reminder, due).await.unwrap());
    store.told(&told, due).await.unwrap();
    assert!(!store.claim(&told, Status::Reminder, due).await.unwrap(), "already reminded");
    assert_eq!(the_only_open(&store, bucket).await.due(due + ms(1)), None);
}

async fn it_heals_once_and_only_if_unseen_since(store: impl Incidents, bucket: &str) {
    let incident = announced(store.sight(&sighting(bucket, "k"), NOW).await.unwrap());
    store.told(&incident, NOW).await.unwrap();
    assert!(!store.heal(&incident, &healed(NOW - ms(1)), NOW - ms(1), NOW).await.unwrap(), "seen since");
    assert!(store.heal(&incident, &healed(NOW), NOW, NOW + ms(1)).await.unwrap());
    assert!(!store.heal(&incident, &healed(NOW), NOW, NOW + ms(1)).await.unwrap(), "healed already");
    let read = the_only_open(&store, bucket).await;
    assert_eq!((read.healed.clone(), read.told, read.claimed), (Some(healed(NOW)), None, Some(NOW + ms(1))));
    assert_eq!(read.due(NOW + ms(2)), None);
    assert_eq!(read.due(NOW + ms(1) + CLAIM), Some(Status::Resolved), "the healer died: somebody else tells");
    assert!(store.claim(&read, Status::Resolved, NOW + ms(1) + CLAIM).await.unwrap());
    let other = Incident { healed: Some(healed(NOW + ms(9))), ..read.clone() };
    assert!(!store.resolve(&other, NOW + ms(9)).await.unwrap(), "another healing");
    assert!(store.resolve(&read, NOW + ms(9)).await.unwrap());
    assert!(!store.resolve(&read, NOW + ms(9)).await.unwrap());
    assert_eq!(store.open(bucket).await.unwrap(), []);
}

async fn seen_again_while_its_resolved_message_goes_out_it_stays_open(store: impl Incidents, bucket: &str) {
    let incident = announced(store.sight(&sighting(bucket, "k"), NOW).await.unwrap());
    store.told(&incident, NOW).await.unwrap();
    assert!(store.heal(&incident, &healed(NOW), NOW, NOW + ms(1)).await.unwrap());
    let again = announced(store.sight(&sighting(bucket, "k"), NOW + ms(2)).await.unwrap());
    assert_eq!((again.seen, again.healed.clone(), again.told), (2, None, None));
    counted(store.sight(&sighting(bucket, "k"), NOW + ms(3)).await.unwrap());
    let resolving = Incident { healed: Some(healed(NOW)), ..incident };
    assert!(!store.resolve(&resolving, NOW + ms(4)).await.unwrap());
    store.told(&again, NOW + ms(4)).await.unwrap();
    assert_eq!(the_only_open(&store, bucket).await.told, Some(NOW + ms(4)));
}

async fn a_late_word_about_an_earlier_life_changes_nothing(store: impl Incidents, bucket: &str) {
    let first = announced(store.sight(&sighting(bucket, "k"), NOW).await.unwrap());
    healed_and_resolved(&store, &first, NOW + ms(1)).await;
    let second = announced(store.sight(&sighting(bucket, "k"), NOW + ms(2)).await.unwrap());
    store.told(&first, NOW + ms(3)).await.unwrap();
    store.release_claim(&first).await.unwrap();
    assert!(!store.claim(&first, Status::Opened, NOW + ms(3)).await.unwrap());
    assert!(!store.heal(&first, &healed(NOW + ms(3)), NOW + ms(3), NOW + ms(3)).await.unwrap());
    assert_eq!(the_only_open(&store, bucket).await, second);
}

async fn what_comes_back_within_the_hour_is_flapping(store: impl Incidents, bucket: &str) {
    let first = announced(store.sight(&sighting(bucket, "k"), NOW).await.unwrap());
    assert_eq!(first.flaps, 0);
    healed_and_resolved(&store, &first, NOW).await;
    let second = announced(store.sight(&sighting(bucket, "k"), NOW + FLAP - ms(1)).await.unwrap());
    assert_eq!((second.flaps, second.seen), (1, 1));
    assert_eq!(the_only_open(&store, bucket).await.flaps, 1);
    healed_and_resolved(&store, &second, NOW + FLAP).await;
    let third = announced(store.sight(&sighting(bucket, "k"), NOW + 2 * FLAP).await.unwrap());
    assert_eq!(third.flaps, 0);
}

async fn one_holds_the_lease_and_looks_again_for_the_others(store: impl Leases, bucket: &str) {
    let ends = NOW + ms(1000);
    assert_eq!(store.lease(bucket, "a", NOW, ends).await.unwrap(), Lease::Taken);
    assert_eq!(store.lease(bucket, "a", NOW, ends).await.unwrap(), Lease::Taken, "its own again");
    assert_eq!(store.lease(bucket, "b", NOW + ms(1), ends).await.unwrap(), Lease::Busy);
    assert!(!store.release(bucket, "b", ends).await.unwrap(), "not the holder");
    assert!(store.release(bucket, "a", ends + ms(500)).await.unwrap(), "dirty: look again");
    assert_eq!(store.lease(bucket, "b", ends + ms(1), ends + ms(900)).await.unwrap(), Lease::Busy, "kept meanwhile");
    assert!(store.release(bucket, "a", ends + ms(500)).await.unwrap());
    assert!(!store.release(bucket, "a", ends + ms(500)).await.unwrap(), "clean: given back");
    assert_eq!(store.lease(bucket, "b", NOW + ms(2), ends).await.unwrap(), Lease::Taken);
    assert_eq!(store.lease(bucket, "c", ends, ends + ms(1000)).await.unwrap(), Lease::Taken, "expired");
    assert!(!store.release(bucket, "b", ends + ms(1000)).await.unwrap(), "lost meanwhile");
    assert_eq!(
        store.lease(bucket, "d", ends + ms(1), ends + ms(2000)).await.unwrap(),
        Lease::Busy,
        "and still the other's"
    );
}

async fn repairs_are_granted_up_to_the_limit_and_again_after_quiet(store: impl Leases, bucket: &str) {
    for count in 1..=3 {
        let answer = store.count_repair(bucket, NOW + ms(count), ms(1000), 3).await.unwrap();
        assert_eq!(answer, RepairBudget::Granted { count });
    }
    let refused = RepairBudget::Contested { count: 3, last: NOW + ms(3), resumes: NOW + ms(1003) };
    assert_eq!(store.count_repair(bucket, NOW + ms(4), ms(1000), 3).await.unwrap(), refused);
    let refused = store.count_repair(bucket, NOW + ms(1002), ms(1000), 3).await.unwrap();
    assert!(matches!(refused, RepairBudget::Contested { .. }), "contested until it is quiet: {refused:?}");
    let granted = RepairBudget::Granted { count: 1 };
    assert_eq!(store.count_repair(bucket, NOW + ms(1003), ms(1000), 3).await.unwrap(), granted);
    store.reset_repairs(bucket).await.unwrap();
    assert_eq!(store.count_repair(bucket, NOW + ms(1004), ms(1000), 1).await.unwrap(), granted);
}

pub fn write(after: &str, at: u64) -> Write {
    Write {
        subject: Subject::Policy,
        begun: NOW + ms(at),
        done: None,
        read_at: None,
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
    store.keep_write(bucket, &Write { made: true, done: Some(NOW + ms(5)), ..first.clone() }).await.unwrap();
    let mut writes = store.past(bucket, NOW + ms(10)).await.unwrap().writes;
    writes.sort_by_key(|write| write.begun);
    let expected = Write { made: true, done: Some(NOW + ms(5)), event: Some("event".into()), ..first };
    assert_eq!(writes, [expected, second.clone()]);
    store.forget_write(bucket, &second).await.unwrap();
    assert!(!store.recognise_write(bucket, &second, "event").await.unwrap(), "it was not made");
    assert_eq!(store.past(bucket, NOW + ms(10)).await.unwrap().writes.len(), 1);
    assert_eq!(store.past(bucket, NOW + Duration::from_hours(48)).await.unwrap().writes, [], "a day is remembered");
}

async fn a_change_is_kept_once_and_forgotten_when_asked(store: impl WriteLog, bucket: &str) {
    let change = Change {
        subject: Subject::Policy,
        id: "e".into(),
        name: "DeleteBucketPolicy".into(),
        time: NOW,
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
    assert!(store.acknowledge(&incident, NOW + 3 * REMIND).await.unwrap());
    let open = the_only_open(&store, bucket).await;
    assert_eq!((open.due(NOW + 2 * REMIND), open.due(NOW + 3 * REMIND)), (None, Some(Status::Reminder)));
    // A sighting changes nothing of it; a message does.
    store.sight(&sighting(bucket, "k"), NOW + ms(1)).await.unwrap();
    assert_eq!(the_only_open(&store, bucket).await.quiet_until, Some(NOW + 3 * REMIND));
    store.told(&open, NOW + ms(2)).await.unwrap();
    assert_eq!(the_only_open(&store, bucket).await.quiet_until, None);
    assert!(store.acknowledge(&incident, NOW + REMIND).await.unwrap());
    healed_and_resolved(&store, &the_only_open(&store, bucket).await, NOW + ms(3)).await;
    assert!(!store.acknowledge(&incident, NOW + 9 * REMIND).await.unwrap(), "it is over");
    let again = announced(store.sight(&sighting(bucket, "k"), NOW + ms(4)).await.unwrap());
    assert_eq!(again.quiet_until, None);
}

async fn a_key_is_kept_once_a_day_and_is_alive_again_when_seen(store: impl KnownKeys, bucket: &str) {
    const DAY: Duration = Duration::from_hours(24);
    let key = KnownKey {
        key: "arn:aws:kms:eu-central-1:111122223333:key/k".into(),
        samples: vec!["a/\u{202e}\n\"1\".png".into()],
        since: NOW,
        last_seen: NOW,
        stale_since: None,
    };
    assert!(store.keep_key(bucket, &key, NOW - DAY).await.unwrap());
    assert_eq!(store.known_keys(bucket, NOW).await.unwrap(), std::slice::from_ref(&key));
    let again = |at: Timestamp| KnownKey { samples: vec!["b".into()], since: at, last_seen: at, ..key.clone() };
    assert!(!store.keep_key(bucket, &again(NOW + ms(1)), NOW + ms(1) - DAY).await.unwrap(), "once a day");
    assert!(store.keep_key(bucket, &again(NOW + DAY), NOW).await.unwrap());
    let held = KnownKey { since: NOW, ..again(NOW + DAY) };
    assert_eq!(
        store.known_keys(bucket, NOW).await.unwrap(),
        std::slice::from_ref(&held),
        "since when it is known stays"
    );
    assert!(!store.retire_key(bucket, &key, NOW + DAY).await.unwrap(), "it was seen since it was read");
    assert!(store.retire_key(bucket, &held, NOW + DAY).await.unwrap());
    let stale = KnownKey { stale_since: Some(NOW + DAY), ..held.clone() };
    assert_eq!(store.known_keys(bucket, NOW + DAY).await.unwrap(), [stale]);
    assert!(store.keep_key(bucket, &again(NOW + DAY + ms(1)), NOW + ms(1)).await.unwrap(), "what is stale is due");
    let held = store.known_keys(bucket, NOW + DAY + ms(1)).await.unwrap().remove(0);
    assert_eq!(held.stale_since, None);
    assert!(store.retire_key(bucket, &held, NOW + 2 * DAY).await.unwrap());
    assert_eq!(store.known_keys(bucket, NOW + 2 * DAY + STALE).await.unwrap(), [], "and forgotten in the end");
    store.forget_key(bucket, &held).await.unwrap();
    assert_eq!(store.known_keys(bucket, NOW).await.unwrap(), []);
}

async fn once_is_once_within_its_period(store: impl Leases, bucket: &str) {
    assert!(store.once_per(bucket, NOW, ms(60)).await.unwrap());
    assert!(!store.once_per(bucket, NOW + ms(59), ms(60)).await.unwrap());
    assert!(store.once_per(&format!("{bucket}x"), NOW + ms(59), ms(60)).await.unwrap());
    assert!(store.once_per(bucket, NOW + ms(60), ms(60)).await.unwrap());
    assert!(!store.once_per(bucket, NOW + ms(61), ms(60)).await.unwrap());
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
