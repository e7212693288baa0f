//! A key that dies in silence: the keys of objects that are there, remembered, and judged when they change.

use crate::harness::{Setup, changed, created, setup, with_store};
use crate::world::{self, BUCKET, World, key_arn};
use darwin_s3_guard::app::handler::Call;
use darwin_s3_guard::app::memory::Memory;
use darwin_s3_guard::app::ports::KnownKeys;
use darwin_s3_guard::incident::known::{FOREIGN_KEYS, KnownKey, STALE};
use darwin_s3_guard::model::aws::{ErrorClass, Operation};
use darwin_s3_guard::model::finding::Kind;
use darwin_s3_guard::model::s3::Head;
use serde_json::{Value, json};
use std::time::Duration;

pub const HOUR: Duration = Duration::from_hours(1);
pub const DAY: Duration = Duration::from_hours(24);

pub fn key_event(name: &str, key: &str) -> Value {
    let mut event = changed(name);
    event["source"] = json!("aws.kms");
    event["detail"]["eventSource"] = json!("kms.amazonaws.com");
    event["detail"]["requestParameters"] = json!({"keyId": key});
    event["detail"]["resources"] = json!([{"ARN": key}]);
    event
}

pub fn schedule() -> Value {
    json!({"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": {}})
}

fn hand_over(keys: &[(&str, &str)]) -> Value {
    let keys: Vec<Value> = keys.iter().map(|(key, sample)| json!({"kms_key": key, "sample": sample})).collect();
    json!({"action": "known-keys", "bucket": BUCKET, "keys": keys})
}

pub fn state(s: &Setup, key: &str, state: &str) {
    s.world.keys.borrow_mut().get_mut(key).unwrap().metadata.state = state.to_owned();
}

pub fn later(s: &Setup, wait: Duration) {
    s.world.now.set(s.world.now.get() + wait);
}

async fn known(s: &Setup) -> Vec<KnownKey> {
    s.guard.memory.known_keys(BUCKET, s.world.now.get()).await.unwrap()
}

/// A bucket with one upload under a key that works and is not its default, a while ago.
pub async fn uploaded() -> (Setup, String) {
    let s = setup(World::healthy(), &[]);
    let key = s.world.key("old", true);
    s.world.object("a.png", Some(&key));
    s.handle(created("a.png")).await;
    assert_eq!(s.world.told(), Vec::<String>::new());
    later(&s, HOUR);
    (s, key)
}

#[tokio::test]
async fn a_key_of_objects_that_is_disabled_is_critical_at_once_with_who_did_it_and_no_upload() {
    let (s, key) = uploaded().await;
    state(&s, &key, "Disabled");
    s.handle(key_event("DisableKey", &key)).await;
    assert_eq!(s.world.told(), ["key-state opened"]);
    let body = s.world.documents().remove(0);
    assert_eq!(body["severity"], "critical");
    assert!(body["changed_by"].as_str().unwrap().contains("role deploy (session ci)"), "{body:#}");
    assert_eq!((&body["change"], &body["sample_keys"]), (&json!("DisableKey"), &json!(["a.png"])));
    // The event again, and the schedule, say nothing more; enabled again, it is over.
    s.handle(key_event("DisableKey", &key)).await;
    s.handle(schedule()).await;
    assert_eq!(s.world.told(), ["key-state opened"]);
    state(&s, &key, "Enabled");
    later(&s, Duration::from_secs(1));
    s.handle(key_event("EnableKey", &key)).await;
    assert_eq!(s.world.told(), ["key-state opened", "key-state resolved"]);
}

#[tokio::test]
async fn each_change_that_takes_a_key_from_darwin_is_reported_at_once() {
    for (name, dead) in [("ScheduleKeyDeletion", Some("PendingDeletion")), ("PutKeyPolicy", None)] {
        let (s, key) = uploaded().await;
        match dead {
            Some(dead) => state(&s, &key, dead),
            None => drop(s.world.key("old", false)),
        }
        s.handle(key_event(name, &key)).await;
        let kind = if dead.is_some() { "key-state opened" } else { "key-denied opened" };
        assert_eq!(s.world.told(), [kind], "{name}");
    }
    // KMS's own events name nobody.
    let (s, key) = uploaded().await;
    state(&s, &key, "PendingImport");
    let event = json!({"source": "aws.kms", "detail-type": "KMS Imported Key Material Expiration", "account": world::ACCOUNT,
        "region": world::REGION, "resources": [key], "detail": {"key-id": "old"}});
    s.handle(event).await;
    assert_eq!(s.world.told(), ["key-state opened"]);
}

#[tokio::test]
async fn the_schedule_finds_a_key_whose_event_never_came() {
    let (s, key) = uploaded().await;
    state(&s, &key, "Disabled");
    for _ in 0..3 {
        s.handle(schedule()).await;
        later(&s, HOUR);
    }
    assert_eq!(s.world.told(), ["key-state opened"]);
}

#[tokio::test]
async fn an_old_key_that_no_object_is_under_any_more_is_retired_without_a_message() {
    let (s, old) = uploaded().await;
    let new = s.world.key("new", true);
    s.world.object("a.png", Some(&new));
    state(&s, &old, "PendingDeletion");
    s.handle(key_event("ScheduleKeyDeletion", &old)).await;
    s.handle(schedule()).await;
    assert_eq!(s.world.told(), Vec::<String>::new());
    assert!(known(&s).await.iter().any(|held| held.key == old && held.stale_since.is_some()));
    // An object that is gone is under no key either. The entry is forgotten after 30 days.
    later(&s, STALE);
    assert!(known(&s).await.iter().all(|held| held.key != old));
}

#[tokio::test]
async fn an_incident_of_a_key_ends_when_its_objects_are_under_another_dead_key_which_has_its_own() {
    let (s, old) = uploaded().await;
    state(&s, &old, "Disabled");
    s.handle(key_event("DisableKey", &old)).await;
    let new = s.world.key("new", false);
    s.world.object("a.png", Some(&new));
    later(&s, Duration::from_secs(1));
    s.handle(schedule()).await;
    let mut told = s.world.told();
    told.sort();
    assert_eq!(told, ["key-denied opened", "key-state opened", "key-state resolved"]);
    later(&s, DAY);
    s.handle(schedule()).await;
    assert_eq!(s.world.told().last().unwrap(), "key-denied reminder");
}

#[tokio::test]
async fn one_sample_that_is_still_under_the_key_is_enough_and_one_that_cannot_be_seen_retires_nothing() {
    let s = setup(World::healthy(), &[]);
    let old = s.world.key("old", true);
    for name in ["a.png", "b.png", "c.png", "d.png"] {
        s.world.object(name, Some(&old));
        s.handle(created(name)).await;
        later(&s, DAY);
    }
    assert_eq!(known(&s).await[0].samples, ["d.png", "c.png", "b.png"]);
    state(&s, &old, "PendingDeletion");
    s.world.bucket(|bucket| {
        bucket.objects.insert("d.png".to_owned(), Head::Gone);
        bucket.objects.insert("c.png".to_owned(), Head::Gone);
    });
    s.world.fault(Operation::HeadObject, ErrorClass::Denied, "AccessDenied", 403);
    s.world.fault(Operation::HeadObject, ErrorClass::Denied, "AccessDenied", 403);
    s.world.fault(Operation::HeadObject, ErrorClass::Denied, "AccessDenied", 403);
    s.handle(key_event("ScheduleKeyDeletion", &old)).await;
    assert_eq!((s.world.told_of(Kind::KeyState), known(&s).await[0].stale_since), (0, None));
    s.handle(schedule()).await;
    assert_eq!(s.world.told_of(Kind::KeyState), 1);
}

#[tokio::test]
async fn a_key_that_does_not_answer_fails_the_record_of_its_event() {
    let (s, key) = uploaded().await;
    state(&s, &key, "Disabled");
    s.world.fault(Operation::DescribeKey, ErrorClass::Throttled, "ThrottlingException", 400);
    let answer = s.handle(crate::harness::sqs(&[key_event("DisableKey", &key)])).await;
    assert_eq!(answer["batchItemFailures"][0]["itemIdentifier"], "m0");
    s.handle(crate::harness::sqs(&[key_event("DisableKey", &key)])).await;
    assert_eq!(s.world.told(), ["key-state opened"]);
}

#[tokio::test]
async fn a_thousand_foreign_keys_take_the_place_of_none_of_ours() {
    let (s, key) = uploaded().await;
    for n in 0..1_000 {
        let foreign = format!("arn:aws:kms:{}:999988887777:key/f{n}", world::REGION);
        s.world.object("f.png", Some(&foreign));
        s.handle(created("f.png")).await;
    }
    let held = known(&s).await;
    assert_eq!(held.len(), 1 + FOREIGN_KEYS);
    assert_eq!(s.world.told_of(Kind::KnownKeysFull), 1);
    state(&s, &key, "Disabled");
    s.handle(key_event("DisableKey", &key)).await;
    let of_ours = |told: &&Value| told["cause"] == json!(key) && told["kind"] == "key-state";
    assert_eq!(s.world.documents().iter().filter(of_ours).count(), 1);
    // What is over ends by itself.
    later(&s, DAY + HOUR);
    s.handle(schedule()).await;
    assert!(s.world.told().contains(&"known-keys-full resolved".to_owned()));
}

#[tokio::test]
async fn a_foreign_default_key_has_a_place_when_all_of_them_are_taken() {
    let s = setup(World::healthy(), &[]);
    for n in 0..=FOREIGN_KEYS {
        let foreign = format!("arn:aws:kms:{}:999988887777:key/f{n:03}", world::REGION);
        s.world.object("f.png", Some(&foreign));
        s.handle(created("f.png")).await;
        later(&s, Duration::from_millis(1));
    }
    let default = format!("arn:aws:kms:{}:444455556666:key/default", world::REGION);
    s.world.bucket(|bucket| {
        bucket.encryption.algorithm = Some("aws:kms".into());
        bucket.encryption.kms_key = Some(default.clone());
    });
    s.handle(schedule()).await;
    let held = known(&s).await;
    assert_eq!(held.len(), FOREIGN_KEYS);
    assert!(held.iter().any(|held| held.key == default), "{held:?}");
    // Its first upload is its first sample.
    s.world.object("d.png", Some(&default));
    s.handle(created("d.png")).await;
    assert!(known(&s).await.iter().any(|held| held.key == default && held.samples == ["d.png"]));
}

#[tokio::test]
async fn a_sweep_whose_time_ends_among_the_keys_goes_on_there() {
    let s = setup(World::healthy(), &[("CONCURRENCY", "1")]);
    for n in 0..6 {
        let key = s.world.key(&format!("k{n}"), true);
        let name = format!("{n}.png");
        s.world.object(&name, Some(&key));
        s.handle(created(&name)).await;
    }
    state(&s, &key_arn("k5"), "Disabled");
    later(&s, HOUR);
    for sweeps in 1.. {
        assert!(sweeps <= 4, "six keys, two in a sweep");
        (0..2).for_each(|_| s.world.slow(Operation::DescribeKey, Duration::from_secs(7)));
        let deadline = Some(s.world.now.get() + Duration::from_secs(15));
        let call = Call { deadline, request_id: "r".into(), ..Call::default() };
        let _ = s.guard.handle(&schedule(), &call).await;
        later(&s, HOUR);
        if s.world.told_of(Kind::KeyState) == 1 {
            break;
        }
    }
}

#[tokio::test]
async fn keys_by_hand_are_believed_only_where_the_object_shows_them() {
    let s = setup(World::healthy(), &[]);
    let (old, other) = (s.world.key("old", true), s.world.key("other", true));
    s.world.object("a.png", Some(&old));
    s.world.object("plain.png", None);
    let answer =
        s.handle(hand_over(&[(&old, "a.png"), (&other, "a.png"), (&other, "plain.png"), (&other, "gone.png")])).await;
    assert_eq!(answer["problems"].as_array().unwrap().len(), 3, "{answer:#}");
    assert_eq!(answer["objects"][0]["kms_key"], json!(old));
    let held = known(&s).await;
    assert_eq!(held.iter().map(|held| &held.key).collect::<Vec<_>>(), [&old]);
    state(&s, &old, "Disabled");
    s.handle(key_event("DisableKey", &old)).await;
    assert_eq!(s.world.told(), ["key-state opened"]);
}

#[tokio::test]
async fn a_dry_hand_over_and_a_judgement_by_hand_remember_nothing() {
    let s = setup(World::healthy(), &[]);
    let key = s.world.key("bad", false);
    s.world.object("a.png", Some(&key));
    let mut event = hand_over(&[(&key, "a.png")]);
    event["dry_run"] = json!(true);
    s.handle(event).await;
    s.handle(json!({"action": "judge", "bucket": BUCKET, "key": "a.png"})).await;
    assert_eq!((known(&s).await, s.world.told()), (vec![], vec![]));
}

#[tokio::test]
async fn audits_say_that_existing_objects_were_never_scanned_until_a_scan_hands_its_keys_over() {
    let (world, guard) = with_store(World::healthy(), &[("INCIDENT_TABLE", "incidents")], Some(Memory::new()));
    let call = Call { request_id: "r".into(), ..Call::default() };
    let audit = json!({"action": "audit"});
    let said = |answer: &Value| answer["buckets"][0]["findings"][0]["because"][0].as_str().map(str::to_owned);
    let before = guard.handle(&audit, &call).await.unwrap();
    assert!(said(&before).unwrap().contains("no KMS key"), "{before:#}");
    let key = world.key("old", true);
    world.object("a.png", Some(&key));
    guard.handle(&created("a.png"), &call).await.unwrap();
    let since = guard.handle(&audit, &call).await.unwrap();
    assert!(said(&since).unwrap().contains("1 KMS key of this bucket, from uploads since"), "{since:#}");
    // One that was cut short is none.
    world.fault(Operation::HeadObject, ErrorClass::Throttled, "SlowDown", 503);
    guard.handle(&hand_over(&[(&key, "a.png")]), &call).await.unwrap();
    assert!(said(&guard.handle(&audit, &call).await.unwrap()).is_some());
    guard.handle(&hand_over(&[(&key, "a.png")]), &call).await.unwrap();
    assert_eq!(said(&guard.handle(&audit, &call).await.unwrap()), None);
}
