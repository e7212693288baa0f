//! Laws of the policy evaluator, over random policies and against the reference.
//!
//! `LAWS_CASES` is the number of cases of each law (10,000), `LAWS_SEED` another seed than the fixed one (a number).

mod generate;
mod prepared;
mod question;

use crate::world;
use darwin_s3_guard::judge::access::{AccessFacts, Asker, Prepared, judge_read};
use darwin_s3_guard::judge::darwin::s3_request;
use darwin_s3_guard::model::s3::Ownership;
use darwin_s3_guard::model::time::Timestamp;
use darwin_s3_guard::model::verdict::{Decision, Reader, Verdict};
use darwin_s3_guard::policy::document::PolicyDocument;
use darwin_s3_guard::policy::evaluate::evaluate;
use darwin_s3_guard::policy::request::{ObjectOwner, RequestContext, Settings};
use generate::{KEYS, Tape, open_keys, statement};
use proptest::collection::vec;
use proptest::prelude::any;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use question::{Beside, Question};
use serde_json::{Map, Value, json};
use std::cell::Cell;

fn cases() -> Vec<Value> {
    serde_json::from_str(include_str!("../cases/policy.json")).unwrap()
}

fn number(name: &str, default: u64) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a test's own knob")]
    let value = std::env::var(name);
    value.ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Runs a law over so many random tapes; the same ones every time, unless `LAWS_SEED` says otherwise.
fn law<S: Strategy>(tapes: &S, holds: impl Fn(S::Value) -> Result<(), String>) {
    let cases = u32::try_from(number("LAWS_CASES", 10_000)).unwrap();
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&number("LAWS_SEED", 1).to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    runner.run(tapes, |tape| holds(tape).map_err(TestCaseError::fail)).unwrap();
}

fn tape() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..160)
}

fn show(question: &Question) -> String {
    format!("{}\n{:?}\n{:?}", question.policy.as_ref().unwrap(), question.beside, question.request)
}

fn demand(holds: bool, question: &Question, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("{}\n{}", what(), show(question))) }
}

/// How often each key is tested, by a condition or a variable.
fn uses(policy: &Value, key: &str) -> usize {
    policy.to_string().to_ascii_lowercase().matches(&key.to_ascii_lowercase()).count()
}

#[test]
fn the_reference_answers_every_case_as_expected() {
    let wrong: Vec<String> = cases()
        .iter()
        .filter_map(|case| {
            let answer = Question::of_case(case).reference();
            let got = answer.decision.map_or("skipped".to_owned(), |decision| decision.to_string());
            (case["expected"] != got.as_str()).then(|| format!("{}: {got}, not {}", case["name"], case["expected"]))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_definite_verdict_holds_in_every_world_and_is_not_vague_without_need() {
    let (skipped, of) = (Cell::new(0_u32), Cell::new([0_u32; 3]));
    law(&tape(), |bytes| {
        let mut tape = Tape::new(&bytes, true);
        let question = generate::question(&mut tape);
        let verdict = question.verdict();
        let reference = question.reference();
        let mut counts = of.get();
        counts[verdict.decision as usize] += 1;
        of.set(counts);
        let Some(decision) = reference.decision else {
            skipped.set(skipped.get() + 1);
            return Ok(());
        };
        let told = || format!("the worlds say {decision}, the verdict {verdict:?}");
        if verdict.decision != Decision::Depends {
            return demand(verdict.decision == decision, &question, told);
        }
        demand(!verdict.depends_on.is_empty(), &question, told)?;
        // Where nothing was odd and each open key is tested once, the worlds' answer is known exactly.
        let policy = question.policy.as_ref().unwrap();
        let once = open_keys(&question.request).iter().all(|key| uses(policy, key) <= 1);
        let settled = match &question.beside {
            Beside::Bucket(settings) => {
                *settings
                    == Settings {
                        object_owner: darwin_s3_guard::policy::request::ObjectOwner::BucketOwner,
                        ..*settings
                    }
            }
            Beside::Key { grants, state } => grants.is_some() && state.is_some(),
        };
        // `true` and `false` together leave nothing open, but for what is no boolean.
        let text = policy.to_string();
        let both = text.contains("[\"true\",\"false\"]") || text.contains("[\"false\",\"true\"]");
        let plain =
            !tape.odd && !both && !policy.to_string().contains("NotPrincipal") && !policy.to_string().contains("AROA");
        demand(!(once && settled && plain) || decision == Decision::Depends, &question, told)
    });
    let [allowed, denied, depends] = of.get();
    let all = allowed + denied + depends;
    assert!(skipped.get() * 50 < all, "{} of {all} have too many worlds", skipped.get());
    for (name, count) in [("allowed", allowed), ("denied", denied), ("depends", depends)] {
        assert!(count * 20 > all, "only {count} of {all} are {name}: the policies are too dull");
    }
}

#[test]
fn with_nothing_unknown_and_nothing_odd_the_verdict_is_never_depends() {
    law(&tape(), |bytes| {
        let mut tape = Tape::new(&bytes, false);
        let mut question = generate::question(&mut tape);
        let mut context = RequestContext::default();
        for (key, values) in KEYS {
            use darwin_s3_guard::policy::request::ContextValue::{Absent, Known};
            context = match question.request.context.get(key) {
                Known(values) => context.known_values(key, values.to_vec()),
                Absent => context.absent(key),
                _ => context.known(key, values[0]),
            };
        }
        question.request.context = context;
        question.beside = match question.beside {
            Beside::Bucket(settings) => Beside::Bucket(Settings {
                restrict_public_buckets: settings.restrict_public_buckets.or(Some(false)),
                policy_is_public: settings.policy_is_public.or(Some(false)),
                object_owner: darwin_s3_guard::policy::request::ObjectOwner::BucketOwner,
            }),
            Beside::Key { grants, state } => Beside::Key {
                grants: Some(grants.unwrap_or_default()),
                state: Some(state.unwrap_or_else(|| "Enabled".to_owned())),
            },
        };
        let text = question.policy.as_ref().unwrap().to_string();
        // What only V7 knows stays open whatever the request says.
        if text.contains("NotPrincipal") || text.contains("AROA") {
            return Ok(());
        }
        let verdict = question.verdict();
        let several = question.policy.as_ref().is_some_and(|policy| uses(policy, "aws:TagKeys") > 0);
        demand(several || verdict.decision != Decision::Depends, &question, || format!("{verdict:?}"))?;
        let reference = question.reference();
        demand(several || reference.decision == Some(verdict.decision), &question, || {
            format!("the reference says {:?}, the verdict {verdict:?}", reference.decision)
        })
    });
}

#[test]
fn adding_a_deny_never_turns_a_verdict_into_allowed() {
    law(&(tape(), tape()), |(bytes, more)| {
        let question = generate::question(&mut Tape::new(&bytes, true));
        let before = question.verdict();
        let kms = question.request.action.starts_with("kms");
        let mut deny = statement(&mut Tape::new(&more, true), kms);
        deny["Effect"] = json!("Deny");
        let mut after = question.clone();
        let mut statements = listed(&question.policy.as_ref().unwrap()["Statement"]);
        statements.insert(usize::from(bytes.len() % 2 == 0) * statements.len(), deny);
        after.policy.as_mut().unwrap()["Statement"] = Value::from(statements);
        // Whether the policy is public is the same question again: here it is given.
        let verdict = after.verdict();
        demand(!verdict.is_allowed() || before.is_allowed(), &after, || format!("{before:?}, then {verdict:?}"))
    });
}

#[test]
fn forgetting_a_known_key_never_makes_a_verdict_definite_or_flips_one() {
    law(&(tape(), 0..KEYS.len()), |(bytes, key)| {
        let question = generate::question(&mut Tape::new(&bytes, true));
        let before = question.verdict();
        let mut after = question.clone();
        after.request.context.forget(KEYS[key].0);
        let verdict = after.verdict();
        let fine = verdict.decision == Decision::Depends || verdict.decision == before.decision;
        demand(fine, &question, || format!("without {}: {before:?}, then {verdict:?}", KEYS[key].0))
    });
}

#[test]
fn order_of_statements_actions_values_and_members_and_one_item_lists_change_nothing() {
    law(&tape(), |bytes| {
        let question = generate::question(&mut Tape::new(&bytes, true));
        let before = question.verdict();
        for change in [reversed, wrapped, unwrapped] {
            let mut after = question.clone();
            after.policy = question.policy.as_ref().map(change);
            same(&question, &before, &after.verdict())?;
        }
        Ok(())
    });
}

fn same(question: &Question, before: &Verdict, after: &Verdict) -> Result<(), String> {
    let names = |verdict: &Verdict| {
        let mut names = verdict.names();
        names.sort();
        names
    };
    demand(before.decision == after.decision && names(before) == names(after), question, || {
        format!("{before:?}, then {after:?}")
    })
}

fn listed(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.clone(),
        other => vec![other.clone()],
    }
}

/// Every list and every object the other way round.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().rev().map(reversed).collect(),
        Value::Object(members) => {
            members.iter().rev().map(|(key, value)| (key.clone(), reversed(value))).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

/// Every string where a list may stand, as a list of one.
fn wrapped(policy: &Value) -> Value {
    let mut policy = policy.clone();
    policy["Statement"] =
        listed(&policy["Statement"]).iter().map(|statement| in_lists(statement, &|value| json!([value]))).collect();
    policy
}

/// Every list of one as its item.
fn unwrapped(policy: &Value) -> Value {
    let mut policy = policy.clone();
    let one = |value: &Value| match value {
        Value::Array(items) if items.len() == 1 => items[0].clone(),
        other => other.clone(),
    };
    policy["Statement"] = listed(&policy["Statement"]).iter().map(|statement| in_lists(statement, &one)).collect();
    policy
}

fn in_lists(statement: &Value, change: &dyn Fn(&Value) -> Value) -> Value {
    let change = |value: &Value| match value {
        Value::String(_) | Value::Array(_) if !(value.is_array() && change(value).pointer("/0/0").is_some()) => {
            change(value)
        }
        other => other.clone(),
    };
    let mut statement = statement.clone();
    for name in ["Action", "NotAction", "Resource", "NotResource"] {
        if let Some(value) = statement.get_mut(name) {
            *value = change(value);
        }
    }
    for name in ["Principal", "NotPrincipal"] {
        if let Some(Value::Object(ids)) = statement.get_mut(name) {
            ids.values_mut().for_each(|value| *value = change(value));
        }
    }
    if let Some(Value::Object(block)) = statement.get_mut("Condition") {
        let tests = block.values_mut().filter_map(Value::as_object_mut).flat_map(Map::values_mut);
        tests.for_each(|value| *value = change(value));
    }
    statement
}

#[test]
fn what_is_decided_apart_from_the_key_judges_each_key_as_the_whole_policy_does() {
    let (now, bucket) = (Timestamp::from_millis(1_795_608_000_000), "acme-lidar");
    let (darwin, home) = (world::darwin(), world::home());
    let (allowed, all) = (Cell::new(0), Cell::new(0));
    law(&tape(), |bytes| {
        let question = generate::question(&mut Tape::new(&bytes, true));
        let text = question.policy.as_ref().unwrap().to_string();
        let facts = AccessFacts {
            policy: Ok(Some(PolicyDocument::parse(text.as_str()))),
            public_access_block: Some(Ok(None)),
            ownership: Some(Ok(Some(Ownership::BucketOwnerEnforced))),
            requester_pays: Ok(false),
            policy_is_public: Some(Ok(Some(false))),
            prepared: Prepared::default(),
        };
        for key in ["raw/site1/scan.las", "a", "raw/x", "private/a?b/*", "\u{e4}/\u{1f980}"] {
            let asker = Asker { darwin: &darwin, home: &home, now, rcps: &[] };
            let whole = [Reader::Server, Reader::Browser].map(|reader| {
                let request = s3_request(&darwin, &home, "s3:GetObject", bucket, Some(key), reader, now);
                evaluate(facts.document(), &request, &facts.settings(ObjectOwner::BucketOwner))
            });
            let read = judge_read(&facts, bucket, key, ObjectOwner::BucketOwner, asker);
            all.set(all.get() + 1);
            let [server, browser] = whole;
            let reasons =
                |verdict: &Verdict| verdict.because.iter().map(|reason| reason.basis.clone()).collect::<Vec<_>>();
            let same = if server.because == browser.because {
                allowed.set(allowed.get() + usize::from(read.is_allowed()));
                (read.decision, reasons(&read)) == (server.decision, reasons(&server))
            } else {
                let both = server.clone().and(browser.clone());
                (read.decision, &read.depends_on) == (both.decision, &both.depends_on)
            };
            demand(same, &question, || format!("{key}: {read:?}\n{server:?}\n{browser:?}"))?;
        }
        Ok(())
    });
    assert!(allowed.get() * 20 > all.get(), "{} of {} were allowed", allowed.get(), all.get());
}

fn any_json() -> impl Strategy<Value = Value> {
    let words = || {
        proptest::sample::select(vec![
            "Version",
            "Statement",
            "Effect",
            "Allow",
            "Deny",
            "Principal",
            "NotPrincipal",
            "AWS",
            "*",
            "Action",
            "NotAction",
            "Resource",
            "Condition",
            "StringEquals",
            "Null",
            "aws:SourceIp",
            "${aws:userid}",
            "${",
            "\u{0}",
            "2012-10-17",
            "s3:*",
            "1e999",
            "arn:aws:s3:::*",
            "ForAllValues:Bool",
            "192.0.2.0/99",
            "-0",
            "",
        ])
        .prop_map(str::to_owned)
    };
    let leaf = proptest::prop_oneof![
        words().prop_map(Value::String),
        any::<String>().prop_map(Value::String),
        any::<f64>().prop_map(|number| json!(number)),
        any::<i64>().prop_map(|number| json!(number)),
        any::<bool>().prop_map(Value::Bool),
        proptest::strategy::Just(Value::Null),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        let members = vec((words(), inner.clone()), 0..6)
            .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>()));
        proptest::prop_oneof![vec(inner, 0..6).prop_map(Value::Array), members.clone(), members]
    })
}

#[test]
fn no_document_panics_and_none_that_is_no_policy_is_allowed() {
    law(&(any_json(), tape()), |(value, bytes)| {
        let mut question = generate::question(&mut Tape::new(&bytes, true));
        question.policy = Some(value);
        question.verdict();
        Ok(())
    });
    let question = generate::question(&mut Tape::new(&[], true));
    let deep = "[".repeat(100_000);
    let nested = format!("{{\"Statement\":{}{}}}", "[".repeat(200), "]".repeat(200));
    let huge = format!("{{\"Version\":{}}}", "9".repeat(5_000));
    let wide = format!("{{\"Statement\":[{}]}}", vec!["{\"Effect\":\"Deny\"}"; 1_100].join(","));
    for text in
        ["", "null", "{", "\"\\ud800\"", "{\"Statement\":\"\\udfff\"}", "\u{feff}{}", &deep, &nested, &huge, &wide]
    {
        let verdict = question.verdict_on(Some(&PolicyDocument::parse(text)));
        assert!(!verdict.is_allowed(), "{text:.60}: {verdict:?}");
    }
}
