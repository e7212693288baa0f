//! How many messages there are, and about what: one a change, one for the first repairs, none of what is acknowledged.

use crate::harness::{InMemory, Setup, changed, created, setup, sqs, with_store};
use crate::known_keys::{DAY, key_event, later, schedule, state, uploaded};
use crate::world::{self, BUCKET, Bucket, World};
use darwin_s3_guard::app::handler::{Call, Guard};
use darwin_s3_guard::app::memory::Memory;
use darwin_s3_guard::model::aws::{ErrorClass, Operation};
use serde_json::{Value, json};
use std::time::Duration;

fn repaired_by_sweep(names: &[&str]) -> Setup {
    let s = setup(World::healthy(), &[("GUARDED_BUCKETS", ""), ("READ_WRITE_BUCKETS", &names.join(","))]);
    for name in names {
        s.world.buckets.borrow_mut().insert((*name).to_owned(), Bucket::default());
    }
    s
}

#[tokio::test]
async fn one_change_is_one_message_and_ends_in_one() {
    // Two findings: what is there already, and what comes.
    let (s, key) = uploaded().await;
    s.world.bucket(|bucket| {
        bucket.encryption.algorithm = Some("aws:kms".into());
        bucket.encryption.kms_key = Some(key.clone());
    });
    state(&s, &key, "Disabled");
    s.handle(key_event("DisableKey", &key)).await;
    assert_eq!((s.world.published.borrow().len(), s.world.told().len()), (1, 2), "{:?}", s.world.told());
    let message = s.world.published.borrow()[0].clone();
    assert!(message.subject.len() < 100 && message.subject.ends_with(" (+1 more)"), "{}", message.subject);
    let attribute = |name: &str| message.attributes.iter().find(|(held, _)| held == name).unwrap().1.clone();
    let mut kinds: Vec<String> = serde_json::from_str(&attribute("kind")).unwrap();
    kinds.sort();
    assert_eq!(kinds, ["default-encryption", "key-state"]);
    assert_eq!((attribute("bucket"), attribute("severity")), (BUCKET.to_owned(), "critical".to_owned()));
    // Told once, each of them.
    s.handle(key_event("DisableKey", &key)).await;
    s.handle(schedule()).await;
    assert_eq!(s.world.published.borrow().len(), 1);
    state(&s, &key, "Enabled");
    later(&s, Duration::from_secs(1));
    let mut enabled = key_event("EnableKey", &key);
    enabled["detail"]["eventID"] = json!("another");
    enabled["detail"]["eventTime"] = json!(s.world.now.get().to_string());
    s.handle(enabled).await;
    assert_eq!((s.world.published.borrow().len(), s.world.told().len()), (2, 4), "{:?}", s.world.told());
}

#[tokio::test]
async fn a_message_about_several_that_fails_leaves_each_of_them_pending() {
    let s = setup(World::healthy(), &[]);
    s.world.bucket(|bucket| {
        bucket.policy.write(None, 0);
        bucket.cors.write(None, 0);
    });
    s.world.fault(Operation::Publish, ErrorClass::Transient, "InternalError", 500);
    let answer = s.handle(sqs(&[changed("DeleteBucketPolicy")])).await;
    assert_eq!(answer["batchItemFailures"][0]["itemIdentifier"], "m0");
    s.handle(sqs(&[changed("DeleteBucketPolicy")])).await;
    let mut told = s.world.told();
    told.sort();
    // What it says is of the second look, which finds both fine.
    let both = ["cors-missing opened", "cors-missing resolved", "policy-missing opened", "policy-missing resolved"];
    assert_eq!(told, both);
    assert_eq!(s.world.published.borrow().len(), 2, "{:?}", s.world.told());
}

#[tokio::test]
async fn the_first_repair_of_many_buckets_is_one_message_that_names_them_all() {
    let names: Vec<String> = (0..17).map(|n| format!("acme-{n:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let s = repaired_by_sweep(&names);
    s.handle(schedule()).await;
    let published = s.world.published.borrow().clone();
    let repairs: Vec<_> =
        published.iter().filter(|message| message.attributes.contains(&("status".into(), "repaired".into()))).collect();
    assert_eq!(repairs.len(), 1, "{:?}", published.iter().map(|message| &message.subject).collect::<Vec<_>>());
    assert_eq!(repairs[0].subject, "REPAIRED 17 buckets: Darwin's statement and CORS rule restored");
    let buckets = &repairs[0].attributes.iter().find(|(name, _)| name == "bucket").unwrap().1;
    assert_eq!(serde_json::from_str::<Vec<String>>(buckets).unwrap(), names);
    let document = s.world.documents().into_iter().find(|document| document["status"] == "repaired").unwrap();
    assert_eq!(document["also"].as_array().unwrap().len(), 33, "policy and CORS of each");
    // It is over with that: nothing is resolved, nothing comes again.
    later(&s, 2 * DAY);
    s.handle(schedule()).await;
    assert_eq!(s.world.told().iter().filter(|told| told.ends_with("missing repaired")).count(), 34);
    assert_eq!(s.world.told().iter().filter(|told| told.ends_with("missing resolved")).count(), 0);
}

#[tokio::test]
async fn what_is_acknowledged_is_not_reminded_of_until_it_is_over_or_gets_worse() {
    let (s, key) = uploaded().await;
    state(&s, &key, "Disabled");
    s.handle(key_event("DisableKey", &key)).await;
    let name = s.world.documents()[0]["incident"].as_str().unwrap().to_owned();
    let event = json!({"action": "acknowledge", "incident": name, "days": 3});
    let mut dry = event.clone();
    dry["dry_run"] = json!(true);
    for event in [dry, event] {
        assert_eq!(s.handle(event).await["problems"], json!([]));
    }
    let unknown = s.handle(json!({"action": "acknowledge", "incident": "key-state/0", "days": 3})).await;
    assert_eq!(unknown["problems"][0]["saw"], "no open incident `key-state/0`");
    for day in 1..=3 {
        let audit = s.handle(json!({"action": "audit"})).await;
        let named = audit["buckets"][0]["findings"].to_string().contains(&name);
        assert!(named, "day {day}: {audit:#}");
        later(&s, DAY);
        s.handle(schedule()).await;
    }
    assert_eq!(s.world.told(), ["key-state opened", "key-state reminder"], "the reminder is of the third day");
    let audit = s.handle(json!({"action": "audit"})).await;
    assert!(!audit["buckets"][0]["findings"].to_string().contains("acknowledged"), "{audit:#}");
}

#[tokio::test]
async fn a_warning_that_turns_critical_is_told_again_acknowledged_or_not() {
    // A Condition on our own statement: open at first, then one that shuts Darwin out.
    let s = setup(World::healthy(), &[]);
    let with = |condition: Value| {
        let mut policy: Value = serde_json::from_str(&world::darwin_policy()).unwrap();
        policy["Statement"][0]["Condition"] = condition;
        s.world.bucket(|bucket| bucket.policy.write(Some(policy.to_string()), 0));
    };
    with(json!({"StringEquals": {"aws:SourceVpce": "vpce-1"}}));
    s.handle(schedule()).await;
    let told = s.world.documents();
    let first = told.iter().find(|told| told["kind"] == "condition-on-ours").expect("a finding").clone();
    assert_eq!(first["severity"], "warning");
    let event = json!({"action": "acknowledge", "incident": first["incident"], "days": 30});
    assert_eq!(s.handle(event).await["problems"], json!([]));
    with(json!({"StringEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/other"}}));
    s.handle(schedule()).await;
    let critical = s
        .world
        .documents()
        .into_iter()
        .any(|told| told["kind"] == "condition-on-ours" && told["severity"] == "critical");
    assert!(critical, "{:?}", s.world.told());
}

/// A guard with a table, and uploads under keys of other accounts, each its own incident: by record.
async fn flooded(world: &World, guard: &Guard<InMemory<Memory>>, numbers: std::ops::Range<usize>) -> Value {
    let mut events = Vec::new();
    for n in numbers {
        let name = format!("{n}.png");
        world.object(&name, Some(&format!("arn:aws:kms:{}:999988887777:key/f{n}", world::REGION)));
        events.push(created(&name));
    }
    let call = Call { request_id: "r".into(), ..Call::default() };
    guard.handle(&sqs(&events), &call).await.unwrap()
}

fn causes(world: &World) -> std::collections::BTreeSet<String> {
    let mut causes = std::collections::BTreeSet::new();
    for document in world.documents() {
        for one in std::iter::once(&document).chain(document["also"].as_array().into_iter().flatten()) {
            if one["kind"] != "known-keys-full" {
                causes.insert(one["cause"].as_str().unwrap().to_owned());
            }
        }
    }
    causes
}

#[tokio::test]
async fn after_ten_openings_of_a_kind_in_an_hour_the_rest_is_one_message_and_none_is_lost() {
    let (world, guard) = with_store(World::healthy(), &[("INCIDENT_TABLE", "incidents")], Some(Memory::new()));
    for n in 0..30 {
        let answer = flooded(&world, &guard, n..n + 1).await;
        assert_eq!(answer["batchItemFailures"], json!([]), "what is put off fails nothing");
        world.now.set(world.now.get() + Duration::from_mins(1));
    }
    let of_keys = |world: &World| world.documents().iter().filter(|told| told["kind"] != "known-keys-full").count();
    assert_eq!((of_keys(&world), causes(&world).len()), (10, 10));
    world.now.set(world.now.get() + Duration::from_hours(1));
    // A crash between the message and its mark repeats it, and loses none.
    let call = Call { request_id: "r".into(), ..Call::default() };
    guard.handle(&schedule(), &call).await.unwrap();
    assert_eq!((of_keys(&world), causes(&world).len()), (11, 30));
    let digest = world.documents().into_iter().find(|told| told["also"].is_array()).unwrap();
    assert_eq!((digest["status"].as_str(), digest["severity"].as_str()), (Some("opened"), Some("critical")));
    // The next hour begins: what comes is put off again.
    flooded(&world, &guard, 30..31).await;
    assert_eq!(of_keys(&world), 11);
}

#[tokio::test]
async fn a_batch_with_more_than_ten_openings_of_a_kind_is_one_message_that_comes_again_if_it_fails() {
    let (world, guard) = with_store(World::healthy(), &[("INCIDENT_TABLE", "incidents")], Some(Memory::new()));
    world.fault(Operation::Publish, ErrorClass::Transient, "InternalError", 500);
    let answer = flooded(&world, &guard, 0..40).await;
    assert_eq!(answer["batchItemFailures"].as_array().unwrap().len(), 40);
    flooded(&world, &guard, 0..40).await;
    let digests: Vec<Value> = world.documents().into_iter().filter(|told| told["also"].is_array()).collect();
    assert_eq!((digests.len(), causes(&world).len()), (1, 40));
}
