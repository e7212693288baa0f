//! Documents about messages against the code: the email and the card of docs/messages.md are ones that the guard really
//! sends, and it names every status, attribute and field, docs/events.md every field of an invocation's log line,
//! docs/incidents.md every attribute of the table.

use crate::harness::{Setup, changed, created, setup, sqs};
use crate::world::World;
use darwin_s3_guard::incident::life::Status;
use darwin_s3_guard::model::aws::{ErrorClass, Operation};
use darwin_s3_guard::report::answer::Answer;
use darwin_s3_guard::report::log::log_line;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

const MESSAGES: &str = include_str!("../../docs/messages.md");
const EVENTS: &str = include_str!("../../docs/events.md");
const INCIDENTS: &str = include_str!("../../docs/incidents.md");

/// A form of the last message that went out.
fn sent(s: &Setup, form: &str) -> String {
    let published = s.world.published.borrow();
    let body: Value = serde_json::from_str(&published.last().expect("a message went out").body).unwrap();
    body[form].as_str().unwrap().to_owned()
}

/// Somebody's pipeline writes the bucket's policy anew, without Darwin's statement: the guard repairs it.
async fn repaired() -> Setup {
    let s = setup(World::healthy(), &[]);
    let theirs = r#"{"Version":"2012-10-17","Statement":[{"Sid":"NightlyBackup","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/backup"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-lidar/*"}]}"#;
    s.world.bucket(|bucket| bucket.policy.write(Some(theirs.to_owned()), 0));
    let mut event = changed("PutBucketPolicy");
    event["detail"]["eventTime"] = json!("2026-11-24T11:59:40Z");
    s.handle(event).await;
    s
}

/// A batch of uploads under a key that Darwin may not use; somebody mends the key's policy 25 minutes later.
async fn key_mended() -> Setup {
    let s = setup(World::healthy(), &[]);
    let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
    let key = s.world.key(id, false);
    let names: Vec<String> = (1..=40).map(|n| format!("raw/2026-11-24/frame-{n:04}.png")).collect();
    let bodies: Vec<Value> = names
        .iter()
        .map(|name| {
            s.world.object(name, Some(&key));
            created(name)
        })
        .collect();
    s.handle(sqs(&bodies)).await;
    s.world.now.set(s.world.now.get() + Duration::from_mins(25));
    s.world.key(id, true);
    let mut event: Value = serde_json::from_str(include_str!("../../events/kms-put-key-policy.json")).unwrap();
    event["detail"]["eventTime"] = json!("2026-11-24T12:24:30Z");
    s.handle(event).await;
    assert_eq!(s.world.told(), ["key-denied opened", "key-denied resolved"]);
    s
}

/// The keys of a log line's or document's object, each of which a document must name.
fn named(document: &str, line: &Value, of: &str) {
    for name in line.as_object().unwrap().keys() {
        assert!(document.contains(&format!("`{name}`")), "`{name}` of {of} is not in the document");
    }
}

#[tokio::test]
async fn the_email_in_the_document_is_one_that_the_guard_sends() {
    let email = sent(&repaired().await, "email");
    insta::assert_snapshot!("email_of_a_repair", email);
    let block = format!("```text\n{email}```\n");
    assert!(MESSAGES.contains(&block), "docs/messages.md wants:\n{block}");
}

#[tokio::test]
async fn the_card_in_the_document_is_one_that_the_guard_sends() {
    let card: Value = serde_json::from_str(&sent(&key_mended().await, "https")).unwrap();
    let card = serde_json::to_string_pretty(&card).unwrap();
    insta::assert_snapshot!("card_of_a_mended_key", card);
    let block = format!("```json\n{card}\n```\n");
    assert!(MESSAGES.contains(&block), "docs/messages.md wants:\n{block}");
}

#[test]
fn every_status_attribute_and_field_of_a_message_is_in_the_document() {
    for status in Status::ALL {
        assert!(MESSAGES.contains(&format!("| `{}` |", status.name())), "{}", status.name());
    }
    let schema: Value = serde_json::from_str(include_str!("../../docs/schema/alert-v1.json")).unwrap();
    named(MESSAGES, &schema["properties"], "the schema");
}

#[tokio::test]
async fn the_attributes_in_the_document_are_those_of_a_message() {
    let s = repaired().await;
    for (name, _) in &s.world.published.borrow()[0].attributes {
        assert!(MESSAGES.contains(&format!("| `{name}` |")), "{name}");
    }
    // The filter policies of the document name attributes and values that exist.
    let policies = MESSAGES.split("```json filter\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let policies: Vec<Value> = policies.map(|text| serde_json::from_str(text).unwrap()).collect();
    assert!(policies.len() >= 2);
    let schema: Value = serde_json::from_str(include_str!("../../docs/schema/alert-v1.json")).unwrap();
    for policy in &policies {
        for (name, values) in policy.as_object().unwrap() {
            assert!(s.world.published.borrow()[0].attributes.iter().any(|(held, _)| held == name), "{name}");
            let allowed = schema["properties"][name]["enum"].as_array();
            for value in values.as_array().unwrap() {
                assert!(allowed.is_none_or(|allowed| allowed.contains(value)), "{name}: {value}");
            }
        }
    }
}

#[tokio::test]
async fn every_field_of_the_log_lines_is_in_the_document() {
    named(EVENTS, &log_line(&Answer::default(), 1, 0, "r"), "an invocation's line");
    let alerts = |s: &Setup| {
        let lines = s.lines().into_iter().filter(|line| line.get("alert.outcome").is_some());
        lines.map(|line| (line["alert.outcome"].as_str().unwrap().to_owned(), line)).collect::<Vec<_>>()
    };
    let published = alerts(&repaired().await);
    let without_topic = setup(World::healthy(), &[]);
    let mut guard = without_topic.guard;
    guard.topic = None;
    let logging = Setup { world: without_topic.world, guard };
    logging.handle(json!({"action": "test-alert"})).await;
    let failing = setup(World::healthy(), &[]);
    failing.world.fault(Operation::Publish, ErrorClass::NotFound, "NotFound", 404);
    failing.handle(json!({"action": "test-alert"})).await;
    let seen = [published, alerts(&logging), alerts(&failing)].concat();
    let outcomes: Vec<&str> = seen.iter().map(|(outcome, _)| outcome.as_str()).collect();
    assert_eq!(outcomes, ["published", "logged", "failed"]);
    for (outcome, line) in &seen {
        named(MESSAGES, line, "an alert's line");
        assert!(MESSAGES.contains(&format!("`{outcome}`")), "{outcome}");
    }
}

#[test]
fn every_attribute_of_the_table_is_in_its_document() {
    let sources = [
        include_str!("../../src/shell/aws/dynamodb.rs"),
        include_str!("../../src/shell/aws/dynamodb/item.rs"),
        include_str!("../../src/shell/aws/dynamodb/writes.rs"),
    ];
    let words = sources.iter().flat_map(|source| {
        // Whatever stands in a string.
        let strings = source.split('"').skip(1).step_by(2);
        strings.flat_map(|text| text.split(|c: char| !(c.is_ascii_lowercase() || c == '_' || c == ':')))
    });
    let endings = ["_ms", "_json", "_by", "_count", "_id", "_text"];
    let names: BTreeSet<&str> =
        words.filter(|word| !word.contains(':') && endings.iter().any(|ending| word.ends_with(ending))).collect();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        assert!(INCIDENTS.contains(&format!("`{name}`")), "docs/incidents.md does not name `{name}`");
    }
}
