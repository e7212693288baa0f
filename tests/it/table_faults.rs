//! The incident table fails in the middle of things: nothing is written, all is told, and what may pass is tried again.

use crate::harness::{InMemory, changed, created, sqs, with_store};
use crate::incident_store::sighting;
use crate::world::{World, aws_error, darwin_policy};
use darwin_s3_guard::app::handler::{Call, Guard};
use darwin_s3_guard::app::memory::Memory;
use darwin_s3_guard::app::ports::{Clock, Incidents, KnownKeys, Leases, WriteLog};
use darwin_s3_guard::incident::budget::RepairBudget;
use darwin_s3_guard::incident::known::KnownKey;
use darwin_s3_guard::incident::life::{CLAIM, Claim, Healed, Incident, Lease, Sighting, Status, StoreResult};
use darwin_s3_guard::model::aws::{ErrorClass, Operation};
use darwin_s3_guard::model::change::{Change, Write};
use darwin_s3_guard::model::finding::Kind;
use darwin_s3_guard::model::time::Timestamp;
use darwin_s3_guard::repair::history::Past;
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

/// A table of which one method fails, for as long as it is `Some`.
#[derive(Default)]
struct Table {
    store: Memory,
    failing: Cell<Option<(&'static str, ErrorClass)>>,
    asked: RefCell<Vec<&'static str>>,
}

macro_rules! failing {
    ($port:ident { $($name:ident($($arg:ident: $type:ty),*) -> $out:ty;)+ }) => {
        impl $port for Table {
            $(async fn $name(&self, $($arg: $type),*) -> StoreResult<$out> {
                self.asked.borrow_mut().push(stringify!($name));
                match self.failing.get() {
                    Some((name, class)) if name == stringify!($name) => {
                        Err(aws_error(Operation::UpdateItem, class, "Injected", 400).into())
                    }
                    _ => $port::$name(&self.store, $($arg),*).await,
                }
            })+
        }
    };
}
failing!(WriteLog {
    keep_write(bucket: &str, write: &Write) -> ();
    forget_write(bucket: &str, write: &Write) -> ();
    recognise_write(bucket: &str, write: &Write, event_id: &str) -> bool;
    keep_change(bucket: &str, change: &Change) -> ();
    forget_change(bucket: &str, change: &Change) -> ();
    past(bucket: &str, now: Timestamp) -> Past;
});
failing!(KnownKeys {
    known_keys(bucket: &str, now: Timestamp) -> Vec<KnownKey>;
    keep_key(bucket: &str, key: &KnownKey, due: Timestamp) -> bool;
    retire_key(bucket: &str, key: &KnownKey, now: Timestamp) -> bool;
    forget_key(bucket: &str, key: &KnownKey) -> ();
});
failing!(Incidents {
    sight(sighting: &Sighting, now: Timestamp) -> Claim;
    claim(incident: &Incident, status: Status, now: Timestamp) -> bool;
    acknowledge(incident: &Incident, until: Timestamp) -> bool;
    told(incident: &Incident, now: Timestamp) -> ();
    release_claim(incident: &Incident) -> ();
    heal(incident: &Incident, healed: &Healed, unseen_since: Timestamp, now: Timestamp) -> bool;
    resolve(incident: &Incident, now: Timestamp) -> bool;
    open(bucket: &str) -> Vec<Incident>;
});
failing!(Leases {
    lease(bucket: &str, holder: &str, now: Timestamp, expires: Timestamp) -> Lease;
    release(bucket: &str, holder: &str, expires: Timestamp) -> bool;
    count_repair(bucket: &str, now: Timestamp, window: Duration, limit: u64) -> RepairBudget;
    reset_repairs(bucket: &str) -> ();
    recall(name: &str) -> Option<String>;
    put_down(name: &str, text: &str) -> ();
    once_per(name: &str, now: Timestamp, period: Duration) -> bool;
});

/// What a repair asks of the table before it writes.
const BEFORE_A_WRITE: [&str; 6] = ["keep_change", "lease", "past", "count_repair", "sight", "keep_write"];

/// A bucket that lost Darwin's statement, and a guard with a table.
fn broken() -> (Rc<World>, Guard<InMemory<Table>>) {
    let world = World::healthy();
    world.bucket(|bucket| bucket.policy.write(None, 0));
    with_store(world, &[("INCIDENT_TABLE", "incidents")], Some(Table::default()))
}

/// The ids of the records that come back.
async fn deliver(guard: &Guard<InMemory<Table>>) -> Value {
    let mut event = changed("DeleteBucketPolicy");
    event["detail"]["eventID"] = json!("theirs");
    event["detail"]["eventTime"] = json!(guard.clock.now().to_string());
    let call = Call { request_id: "r".into(), ..Call::default() };
    guard.handle(&sqs(&[event]), &call).await.unwrap()["batchItemFailures"].clone()
}

#[tokio::test]
async fn nothing_is_written_without_the_table_and_what_may_pass_comes_back() {
    for method in BEFORE_A_WRITE {
        for class in [ErrorClass::Throttled, ErrorClass::Transient, ErrorClass::Denied] {
            let (world, guard) = broken();
            let table = guard.store.as_ref().unwrap();
            table.failing.set(Some((method, class)));
            let failures = deliver(&guard).await;
            let wanted = if class == ErrorClass::Denied { json!([]) } else { json!([{"itemIdentifier": "m0"}]) };
            assert_eq!(failures, wanted, "{method} {class:?}");
            assert_eq!(world.writes(), [], "{method} {class:?}");
            assert!(table.asked.borrow().contains(&method), "{method} was never asked");
            assert_eq!(world.told_of(Kind::PolicyMissing), 1, "{method} {class:?}: {:?}", world.told());
            assert_eq!(world.told_of(Kind::TableUnreachable), 1, "{method} {class:?}: {:?}", world.told());

            table.failing.set(None);
            assert_eq!(deliver(&guard).await, json!([]), "{method} {class:?}");
            assert_eq!(world.writes(), [Operation::PutBucketPolicy], "{method} {class:?}");
        }
    }
}

#[tokio::test]
async fn a_change_that_could_not_be_kept_comes_back_even_where_nothing_is_to_be_written() {
    let (world, guard) = with_store(World::healthy(), &[("INCIDENT_TABLE", "incidents")], Some(Table::default()));
    guard.store.as_ref().unwrap().failing.set(Some(("keep_change", ErrorClass::Throttled)));
    assert_eq!(deliver(&guard).await, json!([{"itemIdentifier": "m0"}]));
    assert_eq!((world.writes(), world.told_of(Kind::TableUnreachable)), (vec![], 1));
}

#[tokio::test]
async fn an_upload_under_a_key_that_was_written_down_today_asks_the_table_nothing() {
    let (world, guard) = with_store(World::healthy(), &[("INCIDENT_TABLE", "incidents")], Some(Table::default()));
    let store = guard.store.as_ref().unwrap();
    let key = world.key("k", true);
    let call = Call { request_id: "r".into(), ..Call::default() };
    let mut asked = Vec::new();
    for n in 0..4 {
        world.object(&format!("{n}.png"), Some(&key));
        guard.handle(&created(&format!("{n}.png")), &call).await.unwrap();
        asked.push(std::mem::take(&mut *store.asked.borrow_mut()));
        if n == 2 {
            world.now.set(world.now.get() + Duration::from_hours(24));
        }
    }
    // What the first asks is asked while the object is judged; only the write waits for the verdict.
    let (first, next_day) = (vec!["known_keys", "open", "keep_key"], vec!["known_keys", "keep_key", "open"]);
    assert_eq!(asked, [first, vec![], vec![], next_day]);
}

#[tokio::test]
async fn a_function_that_begins_with_an_upload_sends_what_another_left_owed() {
    let (world, guard) = with_store(World::healthy(), &[("INCIDENT_TABLE", "incidents")], Some(Table::default()));
    // Counted, and never told: its function died.
    guard.store.as_ref().unwrap().store.sight(&sighting("acme-lidar", "another"), world.now.get()).await.unwrap();
    world.now.set(world.now.get() + CLAIM);
    let key = world.key("k", true);
    world.object("a.png", Some(&key));
    guard.handle(&created("a.png"), &Call { request_id: "r".into(), ..Call::default() }).await.unwrap();
    assert_eq!(world.told().len(), 1, "{:?}", world.told());
}

#[tokio::test]
async fn a_table_that_fails_is_asked_ahead_once() {
    let (world, guard) = with_store(World::healthy(), &[("INCIDENT_TABLE", "incidents")], Some(Table::default()));
    let store = guard.store.as_ref().unwrap();
    world.object("plain.png", None);
    store.failing.set(Some(("known_keys", ErrorClass::Transient)));
    for _ in 0..3 {
        guard.handle(&created("plain.png"), &Call { request_id: "r".into(), ..Call::default() }).await.unwrap();
    }
    assert_eq!(*store.asked.borrow(), ["known_keys"]);
}

#[tokio::test]
async fn a_table_that_fails_for_keys_fails_no_upload() {
    let (world, guard) = with_store(World::healthy(), &[("INCIDENT_TABLE", "incidents")], Some(Table::default()));
    let store = guard.store.as_ref().unwrap();
    let key = world.key("k", true);
    world.object("a.png", Some(&key));
    store.failing.set(Some(("known_keys", ErrorClass::Transient)));
    let call = Call { request_id: "r".into(), ..Call::default() };
    let answer = guard.handle(&sqs(&[created("a.png")]), &call).await.unwrap();
    assert_eq!(answer["batchItemFailures"], json!([]));
    guard.handle(&created("a.png"), &call).await.unwrap();
    assert_eq!(store.asked.borrow().iter().filter(|asked| **asked == "known_keys").count(), 1, "a minute's rest");
    store.failing.set(None);
    world.now.set(world.now.get() + Duration::from_mins(1));
    guard.handle(&created("a.png"), &call).await.unwrap();
    assert!(store.asked.borrow().contains(&"keep_key"));
}

/// Somebody's Allow with a condition, with Darwin's statement behind it or without.
fn conditional(with_ours: bool) -> String {
    let mut policy: Value = serde_json::from_str(&darwin_policy()).unwrap();
    let statements = policy["Statement"].as_array_mut().unwrap();
    let theirs = json!({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::acme-lidar/*", "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}});
    statements.insert(0, theirs);
    statements.truncate(1 + usize::from(with_ours));
    policy.to_string()
}

fn with_policy(policy: String, table: Table) -> (Rc<World>, Guard<InMemory<Table>>) {
    let world = World::healthy();
    world.bucket(|bucket| bucket.policy.write(Some(policy), 0));
    with_store(world, &[("INCIDENT_TABLE", "incidents")], Some(table))
}

#[tokio::test]
async fn another_function_knows_by_the_table_what_stood_and_it_is_written_only_for_something_new() {
    let (_, mut first) = with_policy(conditional(true), Table::default());
    for _ in 0..3 {
        deliver(&first).await;
    }
    let table = first.store.take().unwrap();
    assert_eq!(table.asked.borrow().iter().filter(|asked| **asked == "put_down").count(), 1);
    let (world, second) = with_policy(conditional(false), table);
    deliver(&second).await;
    assert_eq!(world.writes(), [Operation::PutBucketPolicy]);
}

#[tokio::test]
async fn what_stood_and_can_not_be_recalled_is_a_failure_of_the_table_and_comes_back() {
    for class in [ErrorClass::Throttled, ErrorClass::Denied] {
        let (_, mut first) = with_policy(conditional(true), Table::default());
        deliver(&first).await;
        let (world, second) = with_policy(conditional(false), first.store.take().unwrap());
        second.store.as_ref().unwrap().failing.set(Some(("recall", class)));
        let wanted = if class == ErrorClass::Denied { json!([]) } else { json!([{"itemIdentifier": "m0"}]) };
        assert_eq!((deliver(&second).await, world.writes()), (wanted, vec![]), "{class:?}");
        assert_eq!(world.told_of(Kind::TableUnreachable), 1, "{class:?}: {:?}", world.told());
        second.store.as_ref().unwrap().failing.set(None);
        assert_eq!(
            (deliver(&second).await, world.writes()),
            (json!([]), vec![Operation::PutBucketPolicy]),
            "{class:?}"
        );
    }
}

#[tokio::test]
async fn an_audit_of_many_buckets_says_once_that_the_table_does_not_answer_and_gives_every_verdict() {
    let buckets = r#"[{"name":"acme-lidar","access":"read-only"},{"name":"acme-a","access":"read-only"},{"name":"acme-b","access":"read-only"}]"#;
    let variables = [("INCIDENT_TABLE", "incidents"), ("GUARDED_BUCKETS", buckets)];
    let (_, guard) = with_store(World::healthy(), &variables, Some(Table::default()));
    let call = Call { request_id: "r".into(), ..Call::default() };
    let store = guard.store.as_ref().unwrap();
    for failing in ["recall", "known_keys", "open"] {
        store.failing.set(Some((failing, ErrorClass::Transient)));
        let answer = guard.handle(&json!({"action": "audit"}), &call).await.unwrap();
        assert_eq!(answer["buckets"].as_array().unwrap().len(), 3);
        assert_eq!(answer["buckets"][0]["read"], "allowed");
        let of_table = |problem: &&Value| problem["want"] == "the incident table";
        assert_eq!(answer["problems"].as_array().unwrap().iter().filter(of_table).count(), 1, "{failing}: {answer:#}");
    }
    let event = json!({"action": "acknowledge", "incident": "key-state/0", "days": 3, "dry_run": true});
    let answer = guard.handle(&event, &call).await.unwrap();
    assert!(answer["problems"][0]["saw"].as_str().unwrap().contains("Injected"), "a dry run says so too: {answer:#}");
}
