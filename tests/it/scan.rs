//! The scan over the in-memory AWS: every object once, whatever the keys, the interruptions and the faults.

use crate::harness::{InMemory, Setup, setup};
use crate::world::{BUCKET, World, darwin_policy, key_arn};
use darwin_s3_guard::app::memory::Memory;
use darwin_s3_guard::app::observe::{Caches, Observer};
use darwin_s3_guard::app::scan::Scan;
use darwin_s3_guard::app::scan::pace::Pace;
use darwin_s3_guard::model::aws::{ErrorClass, Operation};
use darwin_s3_guard::model::contract::Home;
use darwin_s3_guard::model::s3::{Head, ObjectFacts};
use darwin_s3_guard::report::scan::{ScanAnswer, exit_code};
use darwin_s3_guard::scan::checkpoint::{Checkpoint, Subject, Total, Unfit};
use darwin_s3_guard::scan::csv::Rows;
use darwin_s3_guard::scan::stop::Stop;
use darwin_s3_guard::scan::tally::{KeyRead, Tally};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

type Here<'a> = Scan<'a, InMemory<Memory>>;

struct Desk {
    setup: Setup,
    caches: Caches,
    home: Home,
}

impl Desk {
    fn over(world: World) -> Self {
        Self::with(world, &[])
    }

    fn with(world: World, variables: &[(&str, &str)]) -> Self {
        let setup = setup(world, variables);
        let home = setup.guard.config.home(None).unwrap();
        Self { setup, caches: Caches::default(), home }
    }

    fn scan(&self) -> Here<'_> {
        let guard = &self.setup.guard;
        let observer = Observer {
            aws: &guard.clients,
            clock: &guard.clock,
            darwin: &guard.config.darwin,
            rcps: &[],
            home: &self.home,
            caches: &self.caches,
            deadline: None,
        };
        Scan::new(observer, &guard.config.contracts[0], Pace::new(8, None), true)
    }

    fn subject(&self) -> Subject {
        let config = &self.setup.guard.config;
        Subject::of(&config.contracts[0], "", &config.darwin, &self.home)
    }

    fn answer(&self, tally: &Tally) -> ScanAnswer {
        ScanAnswer::of(tally, BUCKET, "", &self.home, Vec::new())
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Every object under its key, as S3 would answer.
fn insert(world: &World, key: &str, head: Head) {
    world.bucket(|bucket| {
        bucket.objects.insert(key.to_owned(), head);
    });
}

fn facts(change: impl FnOnce(&mut ObjectFacts)) -> Head {
    let mut facts = ObjectFacts { encryption: Some("AES256".to_owned()), ..ObjectFacts::default() };
    change(&mut facts);
    Head::Found(facts)
}

/// A bucket with objects in every state, `each` of a state; and how many are to be counted of each kind.
fn mixed(each: usize) -> (World, BTreeMap<&'static str, u64>) {
    let world = World::healthy();
    let mut policy: Value = serde_json::from_str(&darwin_policy()).unwrap();
    policy["Statement"].as_array_mut().unwrap().push(json!({"Sid": "NoSecrets", "Effect": "Deny", "Principal": "*",
        "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{BUCKET}/secret/*")}));
    world.bucket(|bucket| bucket.policy.write(Some(policy.to_string()), 0));
    let (shared, private) = (world.key("shared", true), world.key("private", false));
    let (disabled, dying) = (world.key("disabled", true), world.key("dying", true));
    for (arn, state) in [(&disabled, "Disabled"), (&dying, "PendingDeletion")] {
        world.keys.borrow_mut().get_mut(arn).unwrap().metadata.state = state.to_owned();
    }
    for n in 0..each {
        for (folder, key) in [("raw/", &shared), ("private/", &private), ("old/", &disabled), ("old/deep//", &dying)] {
            world.object(&format!("{folder}{n}\n\u{1f4f7} +&.png"), Some(key));
        }
        world.object(&format!("plain-{n:04}"), None);
        world.object(&format!("/secret/{n}"), None);
        world.object(&format!("secret/{n}"), Some(&shared));
        insert(&world, &format!("customer/{n}"), Head::SseC);
        insert(&world, &format!("cold/{n}"), facts(|facts| facts.storage_class = Some("DEEP_ARCHIVE".to_owned())));
    }
    let each = each as u64;
    let truth =
        [("key-denied", each), ("key-state", 2 * each), ("sse-c", each), ("archived", each), ("object-denied", each)];
    (world, BTreeMap::from(truth))
}

fn by_kind(tally: &Tally) -> BTreeMap<&'static str, u64> {
    let mut kinds = BTreeMap::new();
    for group in tally.causes.values() {
        *kinds.entry(group.finding.kind().name()).or_default() += group.objects;
    }
    kinds
}

/// The keys of the list, in order.
fn listed(text: &str) -> Vec<String> {
    let mut rows = Rows::default();
    let all = rows.take(text.as_bytes()).unwrap();
    assert_eq!(rows.finish(), Ok(None));
    all.into_iter().map(|row| row[1].clone()).collect()
}

#[test]
fn a_scan_counts_every_object_by_what_is_in_its_way() {
    let (world, truth) = mixed(40);
    world.page.set(7);
    let desk = Desk::over(world);
    let scan = desk.scan();
    let total = runtime().block_on(async {
        let total = scan.count("").await.unwrap();
        scan.run().await.unwrap();
        total
    });
    let tally = scan.tally();
    assert_eq!((total.objects, total.whole, tally.objects), (360, true, 360));
    assert_eq!((tally.allowed, tally.denied, tally.depends, tally.gone), (120, 240, 0, 0));
    assert_eq!(by_kind(&tally), truth);
    assert_eq!(total.bytes, tally.bytes);
    let read = |id: &str| (tally.keys[&key_arn(id)].objects, tally.keys[&key_arn(id)].read);
    assert_eq!(read("shared"), (80, KeyRead::Allowed), "what a statement denies says nothing of the key");
    assert_eq!(read("private"), (40, KeyRead::Denied));
    let keys: BTreeSet<String> = listed(&scan.take_rows()).into_iter().collect();
    assert_eq!(keys.len(), 240, "each that can't be read is in the list, once");
    let answer = desk.answer(&tally);
    assert_eq!(exit_code(&answer), 1);
    let fixes: Vec<&str> = answer.causes.iter().map(|cause| cause.remedy.as_str()).collect();
    assert!(fixes.iter().any(|fix| fix.contains("create-grant")) && fixes.iter().any(|fix| fix.contains("enable-key")));
    assert!(answer.causes.iter().all(|cause| (1..=5).contains(&cause.samples.len())));
}

#[test]
fn a_scan_that_is_dropped_at_any_moment_goes_on_without_counting_an_object_twice() {
    for steps in [0, 1, 4, 11] {
        let (world, truth) = mixed(12);
        world.page.set(5);
        let desk = Desk::over(world);
        let runtime = runtime();
        let mut kept: Option<Vec<u8>> = None;
        let (mut list, mut runs) = (String::new(), 0);
        let tally = loop {
            runs += 1;
            assert!(runs < 2_000, "it does not come to its end");
            let scan = desk.scan();
            let done = runtime.block_on(async {
                match &kept {
                    None => drop(scan.count("").await.unwrap()),
                    Some(text) => {
                        let contract = &desk.setup.guard.config.contracts[0];
                        let Checkpoint { left, tally, .. } = Checkpoint::read(text, &desk.subject(), contract).unwrap();
                        scan.resume(left, tally);
                    }
                }
                // Further each time, so that it comes to its end however short the steps are.
                let dropped = async {
                    for _ in 0..steps + runs {
                        tokio::task::yield_now().await;
                    }
                };
                tokio::select! {
                    biased;
                    () = dropped => false,
                    done = scan.run() => done.map(|()| true).unwrap(),
                }
            });
            list.push_str(&scan.take_rows());
            let (left, tally) = scan.stand();
            if done {
                break tally;
            }
            let checkpoint = Checkpoint::new(desk.subject(), Total::default(), left, tally, None);
            kept = Some(serde_json::to_vec(&checkpoint).unwrap());
        };
        assert!(runs > 2, "it was interrupted");
        assert_eq!((tally.objects, tally.allowed, tally.denied), (108, 36, 72), "{steps} steps");
        assert_eq!(by_kind(&tally), truth);
        let keys = listed(&list);
        assert_eq!((keys.len(), keys.iter().collect::<BTreeSet<_>>().len()), (72, 72));
    }
}

#[test]
fn a_scan_lasts_while_s3_asks_for_fewer_requests_and_gives_up_where_nothing_is_answered() {
    let (world, _) = mixed(5);
    (0..24).for_each(|_| world.fault(Operation::HeadObject, ErrorClass::Throttled, "SlowDown", 503));
    (0..3).for_each(|_| world.fault(Operation::ListObjectsV2, ErrorClass::Throttled, "SlowDown", 503));
    let desk = Desk::over(world);
    let scan = desk.scan();
    let began = desk.setup.world.now.get();
    runtime().block_on(async {
        scan.count("").await.unwrap();
        scan.run().await.unwrap();
    });
    assert_eq!((scan.tally().objects, scan.tally().unread), (45, 0));
    assert!(desk.setup.world.now.get() > began, "it waited");

    let (world, _) = mixed(5);
    (0..100_000).for_each(|_| world.fault(Operation::HeadObject, ErrorClass::Throttled, "SlowDown", 503));
    let desk = Desk::over(world);
    let scan = desk.scan();
    let ended = runtime().block_on(async {
        scan.count("").await.unwrap();
        scan.run().await
    });
    assert!(matches!(ended, Err(Stop::NoAnswer(_))), "{ended:?}");
    assert_eq!(scan.tally().objects, 0, "nothing is counted that was not judged");
}

#[test]
fn credentials_that_expire_end_a_scan_and_no_object_is_counted_for_them() {
    let (world, _) = mixed(5);
    let desk = Desk::over(world);
    let scan = desk.scan();
    runtime().block_on(async {
        scan.count("").await.unwrap();
        desk.setup.world.fault(Operation::HeadObject, ErrorClass::Denied, "ExpiredToken", 400);
        let ended = scan.run().await;
        assert!(matches!(ended, Err(Stop::Credentials(_))), "{ended:?}");
    });
    assert_eq!(scan.tally().depends, 0);
    let (left, tally) = scan.stand();
    let scan = desk.scan();
    scan.resume(left, tally);
    runtime().block_on(scan.run()).unwrap();
    assert_eq!(scan.tally().objects, 45);
}

#[test]
fn a_listing_that_is_refused_ends_a_scan() {
    for (class, code, status) in
        [(ErrorClass::Denied, "AccessDenied", 403), (ErrorClass::NotFound, "NoSuchBucket", 404)]
    {
        let world = World::healthy();
        world.fault(Operation::ListObjectsV2, class, code, status);
        let desk = Desk::over(world);
        let ended = runtime().block_on(desk.scan().count(""));
        assert!(matches!(&ended, Err(Stop::Listing(error)) if error.has_code(code)), "{ended:?}");
    }
}

#[test]
fn a_sample_is_spread_over_the_folders_and_never_larger_than_asked() {
    let (world, _) = mixed(40);
    let desk = Desk::over(world);
    let scan = desk.scan();
    runtime().block_on(scan.sample("", 60)).unwrap();
    let tally = scan.tally();
    assert!((30..=60).contains(&tally.objects), "{}", tally.objects);
    assert_eq!(tally.keys.len(), 4, "each KMS key is seen");
    let answer = ScanAnswer { sample: true, ..desk.answer(&Tally { objects: 5, allowed: 5, ..Tally::default() }) };
    assert!(darwin_s3_guard::report::scan::summary(&answer).contains("proves nothing about the rest"));
}

#[test]
fn a_checkpoint_is_believed_only_where_it_is_of_this_scan_and_adds_up() {
    let (world, _) = mixed(3);
    world.page.set(5);
    let desk = Desk::over(world);
    let scan = desk.scan();
    runtime().block_on(async {
        scan.count("").await.unwrap();
        tokio::select! {
            biased;
            () = async { for _ in 0..5 { tokio::task::yield_now().await; } } => {}
            done = scan.run() => panic!("it came to its end: {done:?}"),
        }
    });
    let (left, tally) = scan.stand();
    let whole = json!(Checkpoint::new(desk.subject(), Total::default(), left, tally, None));
    let contract = &desk.setup.guard.config.contracts[0];
    let read = |value: &Value| Checkpoint::read(value.to_string().as_bytes(), &desk.subject(), contract);
    assert_eq!(json!(read(&whole).unwrap()), whole);
    let changed = |path: &str, to: Value| {
        let mut value = whole.clone();
        *value.pointer_mut(path).unwrap() = to;
        read(&value).unwrap_err()
    };
    assert!(matches!(changed("/of/account", json!("444455556666")), Unfit::OfAnother { what: "account", .. }));
    assert!(matches!(changed("/of/bucket", json!("other")), Unfit::OfAnother { what: "bucket", .. }));
    assert!(matches!(changed("/of/prefix", json!("raw/")), Unfit::OfAnother { what: "prefix", .. }));
    assert_eq!(changed("/of/not_read", json!(["raw/"])), Unfit::OtherOptions);
    assert_eq!(changed("/format", json!(2)), Unfit::Format(2));
    assert_eq!(changed("/tally/objects", json!(1_000)), Unfit::Contradicts("its counts"));
    assert_eq!(changed("/tally/allowed", json!(u64::MAX)), Unfit::Contradicts("its counts"));
    for (path, to) in
        [("/left/0/prefix", json!("x")), ("/left/0/upto", json!("zzzz")), ("/left/0/after", json!("\u{10ffff}"))]
    {
        assert_eq!(changed(path, to), Unfit::Contradicts("the keys that are left"), "{path}");
    }
    let long = Checkpoint::read(b"[", &desk.subject(), contract);
    assert!(matches!(long, Err(Unfit::Unreadable(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]
    #[test]
    fn every_key_that_darwin_reads_is_judged_once_whatever_the_keys_are(
        keys in prop::collection::btree_set("[ab/\u{e9}\u{10ffff}\n +]{1,6}", 0..80),
        page in 1_usize..9,
        not_read in prop::option::of("[ab]{1,2}/"),
        prefix in "[ab/]{0,2}",
    ) {
        let world = World::healthy();
        world.page.set(page);
        for key in &keys {
            insert(&world, key, Head::SseC);
        }
        let guarded = json!([{"name": BUCKET, "access": "read-only", "not_read": Vec::from_iter(&not_read)}]).to_string();
        let desk = Desk::with(world, &[("GUARDED_BUCKETS", &guarded)]);
        let scan = desk.scan();
        let total = runtime().block_on(async {
            let total = scan.count(&prefix).await.unwrap();
            scan.run().await.unwrap();
            total
        });
        let left_out = |key: &str| not_read.as_ref().is_some_and(|prefix| key.starts_with(prefix.as_str()));
        let wanted: Vec<String> = keys.into_iter().filter(|key| key.starts_with(&prefix) && !left_out(key)).collect();
        let mut judged: Vec<String> = listed(&scan.take_rows())
            .into_iter()
            .map(|key| key.strip_prefix('\'').map(str::to_owned).unwrap_or(key))
            .collect();
        judged.sort_unstable();
        prop_assert_eq!(&judged, &wanted);
        prop_assert_eq!((total.objects, scan.tally().objects), (wanted.len() as u64, wanted.len() as u64));
        prop_assert!(desk.setup.world.most_in_flight.get() <= 64);
    }
}

#[test]
fn a_scan_writes_nothing() {
    let (world, _) = mixed(2);
    let desk = Desk::over(world);
    let scan = desk.scan();
    runtime().block_on(async {
        scan.count("").await.unwrap();
        scan.run().await.unwrap();
    });
    assert!(desk.setup.world.writes().is_empty() && desk.setup.world.told().is_empty());
}
