//! What the guard claims, held to what is true of the simulated AWS.
//!
//! A claim must have been true at some moment between the invocation's beginning and the claim, of a bucket's documents as
//! they were shown to it.

use super::keys::Key;
use super::sim::Outside;
use crate::world::ROLE;
use darwin_s3_guard::model::change::Subject;
use darwin_s3_guard::model::time::Timestamp;
use darwin_s3_guard::report::notice::Message;
use serde_json::Value;
use std::time::Duration;

/// An invocation lasts no longer.
const LONGEST: Duration = Duration::from_mins(1);

fn list(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .map_or_else(|| value.as_str().into_iter().collect(), |list| list.iter().filter_map(Value::as_str).collect())
}

fn statements(policy: &str) -> Vec<Value> {
    let policy: Value = serde_json::from_str(policy).unwrap();
    policy["Statement"].as_array().cloned().unwrap_or_else(|| vec![policy["Statement"].clone()])
}

/// Whether a policy has Darwin's statement, without a condition.
pub(super) fn has_ours(policy: &str) -> bool {
    statements(policy).iter().any(|statement| {
        let allows = |action: &str| list(&statement["Action"]).contains(&action);
        statement["Effect"] == "Allow"
            && statement["Principal"]["AWS"] == ROLE
            && statement.get("Condition").is_none()
            && allows("s3:GetObject")
            && allows("s3:PutObject")
    })
}

/// Whether it lets Darwin read.
pub(super) fn lets_read(policy: &str) -> bool {
    has_ours(policy) && statements(policy).iter().all(|statement| statement["Effect"] == "Allow")
}

fn has_our_cors(rules: &str) -> bool {
    let rules: Vec<Value> = serde_json::from_str(rules).unwrap();
    rules.iter().any(|rule| {
        list(&rule["AllowedMethods"]).contains(&"GET")
            && list(&rule["AllowedOrigins"]).contains(&"https://darwin.v7labs.com")
    })
}

/// Whether a version of the document that this function was shown, after its own last write of it, is so.
fn was_shown(outside: &Outside, subject: Subject, holds: fn(&str) -> bool) -> bool {
    let shown = outside.shown.borrow();
    shown[subject as usize].iter().any(|text| text.as_deref().is_some_and(holds))
}

/// The log line of an invocation.
pub(super) fn log_line(outside: &Outside, line: &Value) {
    let Some(buckets) = line["buckets"].as_array() else { return };
    for bucket in buckets {
        if bucket["verified"] == true {
            let written = |action: &&Value| action["result"] == "done" || action["result"] == "failed";
            for action in bucket["actions"].as_array().unwrap().iter().filter(written) {
                let borne_out = match action["operation"].as_str().unwrap() {
                    "PutBucketPolicy" => was_shown(outside, Subject::Policy, has_ours),
                    "PutBucketCors" => was_shown(outside, Subject::Cors, has_our_cors),
                    other => panic!("{other}"),
                };
                assert!(borne_out, "`verified` of what was never shown: {bucket:#}");
                outside.sim.count(|seen| seen.verified += 1);
            }
        }
        if bucket["read"] == "allowed" {
            assert!(
                was_shown(outside, Subject::Policy, lets_read),
                "`allowed` by no policy that was shown: {bucket:#}"
            );
            outside.sim.count(|seen| seen.allowed += 1);
        }
    }
    let (from, to) = (outside.began, outside.sim.now.get());
    let truth = &outside.sim.truth;
    let Some(object) = &outside.object else { return };
    if line["objects.allowed"] == 1 {
        let under = |arn: &str| truth.object_was(object, from, to, |under| under == Some(arn));
        let readable =
            truth.all_keys().iter().any(|arn| under(arn) && truth.key_was(arn, from, to, |key| key == Key::Works));
        assert!(
            readable && was_shown(outside, Subject::Policy, lets_read),
            "`allowed`, but {object} was not: {truth:?}"
        );
        outside.sim.count(|seen| seen.allowed += 1);
    }
    if line["objects.gone"] == 1 {
        assert!(truth.object_was(object, from, to, |under| under.is_none()), "{object} was there all the time");
    }
}

fn moment(text: &Value) -> Timestamp {
    text.as_str().unwrap().parse().unwrap()
}

/// A message, at the moment when it is sent.
pub(super) fn message(outside: &Outside, message: &Message) {
    let body: Value = serde_json::from_str(&message.body).unwrap();
    let document: Value = serde_json::from_str(body["default"].as_str().unwrap()).unwrap();
    let also = document["also"].as_array().cloned().unwrap_or_default();
    for incident in std::iter::once(&document).chain(&also) {
        member(outside, incident);
    }
}

/// Whoever is named did not end what began later.
fn who_did_it(incident: &Value) {
    if let Some(ended) = incident["ended_by"].get("time").filter(|time| time.is_string()) {
        assert!(moment(ended) >= moment(&incident["opened_at"]), "it ended before it began: {incident:#}");
    }
}

fn member(outside: &Outside, incident: &Value) {
    let (sim, now) = (&outside.sim, outside.sim.now.get());
    let [kind, status] = ["kind", "status"].map(|name| incident[name].as_str().unwrap());
    let name = incident["incident"].as_str().unwrap();
    // Those who saw it, or saw it end, may have begun before this function; a message may be another's that died.
    let seen = if status == "resolved" { &sim.healed_by } else { &sim.seen_by };
    let seen = seen.borrow().get(name).copied();
    let from = seen.map_or(outside.began, |began| began.min(outside.began));
    assert!(status == "resolved" || from + LONGEST >= moment(&incident["opened_at"]).min(from), "{incident:#}");
    who_did_it(incident);
    match (kind, status) {
        ("policy-missing" | "policy-gutted", "repaired")
        | ("policy-missing" | "policy-gutted" | "explicit-deny", "resolved") => {
            let sid = incident["cause"].as_str().unwrap();
            let spares =
                |policy: &str| statements(policy).iter().all(|held| held["Effect"] == "Allow" || held["Sid"] != sid);
            let standing = match kind {
                "explicit-deny" => sim.stood(Subject::Policy, from, now, |policy| policy.is_none_or(spares)),
                _ => sim.stood(Subject::Policy, from, now, |policy| policy.is_some_and(has_ours)),
            };
            assert!(standing, "{kind} {status}, but the policy was never so: {incident:#}");
            sim.count(|seen| if status == "repaired" { seen.repaired += 1 } else { seen.resolved += 1 });
        }
        ("cors-missing", "repaired" | "resolved") => {
            assert!(
                sim.stood(Subject::Cors, from, now, |rules| rules.is_some_and(has_our_cors)),
                "{kind} {status}: {incident:#}"
            );
            sim.count(|seen| if status == "repaired" { seen.repaired += 1 } else { seen.resolved += 1 });
        }
        ("key-state" | "key-denied", _) => {
            let arn = incident["cause"].as_str().unwrap();
            let samples: Vec<&str> = list(&incident["sample_keys"]);
            assert!(!samples.is_empty(), "{incident:#}");
            let works = sim.truth.key_was(arn, from, now, |key| key == Key::Works);
            let dead = sim.truth.key_was(arn, from, now, |key| key != Key::Works);
            let under = |name: &&str| sim.truth.object_was(name, from, now, |under| under == Some(arn));
            let elsewhere = |name: &&str| sim.truth.object_was(name, from, now, |under| under != Some(arn));
            if status == "resolved" {
                assert!(works || samples.iter().all(elsewhere), "{from} {now} {incident:#} {:?}", sim.truth);
                sim.count(|seen| seen.keys_resolved += 1);
            } else {
                assert!(dead && samples.iter().any(under), "{from} {now} {incident:#} {:?}", sim.truth);
                sim.count(|seen| seen.keys_told += 1);
            }
        }
        _ => {}
    }
}
