//! Messages: every kind in every status, whatever the names in it, within SNS's limits and to the schema.

use crate::evidence::finding;
use darwin_s3_guard::incident::life::{Ending, Healed, Incident, Report, Sighting, Status};
use darwin_s3_guard::model::actor::Actor;
use darwin_s3_guard::model::arn::AccountId;
use darwin_s3_guard::model::aws::Operation;
use darwin_s3_guard::model::contract::{Home, Mode};
use darwin_s3_guard::model::finding::{Finding, Kind, Severity};
use darwin_s3_guard::model::outcome::{Action, ActionResult};
use darwin_s3_guard::model::time::Timestamp;
use darwin_s3_guard::report::message::{bare_body, message};
use darwin_s3_guard::report::notice::{Context, MAX_BODY, Message, Notice};
use serde_json::Value;
use std::time::Duration;

const NOW: Timestamp = Timestamp::from_millis(1_795_521_600_000);

fn context() -> Context {
    let home = Home {
        account: AccountId::parse("111122223333").unwrap(),
        region: "eu-central-1".into(),
        partition: "aws".into(),
        function: None,
    };
    Context { home, mode: Mode::Repair, topic_arn: None }
}

fn incident(kind: Kind, text: &str) -> Incident {
    let finding = Finding { severity: Severity::Critical, ..finding(kind, text) };
    let key: String =
        text.chars().scan(0, |size, c| (*size + c.len_utf8() <= 1_024).then(|| (*size += c.len_utf8(), c).1)).collect();
    let sighting = Sighting {
        sample_keys: vec![key; 5],
        actor: Some(Actor {
            arn: Some("arn:aws:sts::111122223333:assumed-role/deploy/ci".into()),
            session_issuer: Some("arn:aws:iam::111122223333:role/deploy".into()),
            source_ip: Some("192.0.2.7".into()),
            user_agent: Some(text.to_owned()),
            time: Some("2026-11-24T11:59:58Z".into()),
            event_id: Some("c0ffee".into()),
        }),
        change: Some("PutBucketPolicy".into()),
        did: vec![Action { operation: Operation::PutBucketPolicy, result: ActionResult::Done, refused_by: None }],
        diff: Some(format!("--- a\n+++ b\n+{}", Value::from(text))),
        ..Sighting::of("acme-lidar", finding)
    };
    Incident {
        fingerprint: sighting.fingerprint(),
        bucket: "acme-lidar".into(),
        cause: sighting.finding.cause.clone(),
        report: Report::from(&sighting),
        opened: NOW - Duration::from_hours(1),
        last_seen: NOW,
        seen: 1_000_000,
        told: None,
        claimed: Some(NOW),
        healed: None,
        flaps: 0,
        quiet_until: None,
    }
}

fn told(kind: Kind, status: Status, text: &str) -> Message {
    let mut incident = incident(kind, text);
    incident.healed = (status == Status::Resolved).then(|| Healed::of(NOW, Ending::Configuration));
    message(&[Notice { status, incident: &incident, context: &context(), stateless: false, now: NOW }]).unwrap()
}

fn forms(message: &Message) -> (Value, String, Value) {
    let body: Value = serde_json::from_str(&message.body).unwrap();
    let parsed = |form: &str| serde_json::from_str(body[form].as_str().unwrap()).unwrap();
    (parsed("default"), body["email"].as_str().unwrap().to_owned(), parsed("https"))
}

/// The part of JSON Schema that docs/schema/alert-v1.json uses.
fn conforms(value: &Value, schema: &Value, at: &str) {
    if let Some(constant) = schema.get("const") {
        assert_eq!(value, constant, "{at}");
    }
    if let Some(allowed) = schema.get("enum") {
        assert!(allowed.as_array().unwrap().contains(value), "{at}: {value}");
    }
    if let Some(types) = schema.get("type") {
        let name = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let fits = types.as_str() == Some(name) || types.as_array().is_some_and(|types| types.contains(&name.into()));
        assert!(fits, "{at}: {value} is not {types}");
    }
    if let Some(most) = schema["maxLength"].as_u64() {
        assert!(value.as_str().unwrap().chars().count() as u64 <= most, "{at}");
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        conforms(item, &schema["items"], &format!("{at}[{index}]"));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(value.get(name.as_str().unwrap()).is_some(), "{at}: no {name}");
    }
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        conforms(&value[name], schema, &format!("{at}.{name}"));
    }
    if let (Some(properties), Some(members)) = (schema["properties"].as_object(), value.as_object()) {
        let unknown: Vec<_> = members.keys().filter(|name| !properties.contains_key(*name)).collect();
        assert!(unknown.is_empty(), "{at}: not in the schema: {unknown:?}");
    }
}

#[test]
fn every_kind_in_every_status_keeps_the_schema_and_the_limits_whatever_the_names_in_it() {
    let schema: Value = serde_json::from_str(include_str!("../../docs/schema/alert-v1.json")).unwrap();
    let long = "k".repeat(1_024);
    let huge = "\u{1}".repeat(30_000);
    let hostile = [
        "raw/a.png",
        "a\nSubject: you won\r\n\t\u{7}",
        "\u{202e}gnp.exe\u{200b}",
        "<img src=x onerror=alert(1)> & <@here> <!channel>",
        "кот 😺 東京",
        "`*_~[x](http://evil)",
        long.as_str(),
        huge.as_str(),
    ];
    for kind in Kind::ALL {
        for status in Status::ALL {
            for text in hostile {
                let message = told(*kind, *status, text);
                let at = format!("{kind} {status:?} {text:.20?}");
                assert!(
                    message.subject.len() <= 100 && message.subject.chars().all(|c| (' '..='~').contains(&c)),
                    "{at}"
                );
                let attributes: usize = message.attributes.iter().map(|(name, value)| name.len() + value.len()).sum();
                assert!(message.body.len() <= MAX_BODY && message.body.len() + attributes <= 262_144, "{at}");
                assert!(message.attributes.iter().all(|(_, value)| !value.is_empty()), "{at}");
                let (document, email, card) = forms(&message);
                conforms(&document, &schema, &at);
                let odd = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202e}' | '\u{200b}');
                assert!(!email.contains(odd), "{at}: {email:.400?}");
                assert!(!email.lines().any(|line| line.starts_with("Subject: ")), "{at}");
                assert_eq!((&card["version"], &card["source"]), (&"1.0".into(), &"custom".into()), "{at}");
                let shown = card["content"]["description"].as_str().unwrap();
                assert!(!shown.contains("<!channel>") && !shown.contains("<@here>"), "{at}: {shown:.400}");
            }
        }
    }
}

const HOSTILE: [&str; 10] = [
    "`touch pwned`",
    "$(touch pwned)",
    "'; touch pwned; '",
    "\"; touch pwned; \"",
    "a' && touch pwned && '",
    "\\'; touch pwned #",
    "a\ntouch pwned\n",
    "--endpoint-url=http://evil.example",
    "-rf ~ * !! $IFS",
    "\u{202e}& touch pwned <@here>",
];

/// Runs each command in a bash of its own, in an empty directory; `aws` and `jq` write down their words. The words of each call,
/// and the files that are there then.
fn in_bash(commands: &[String]) -> (Vec<Vec<String>>, Vec<String>) {
    let directory = std::env::temp_dir().join(format!("commands-{}-{:p}", std::process::id(), commands));
    std::fs::create_dir(&directory).unwrap();
    let stubs = "sleep() { :; }; note() { printf '%s\\0' CALL \"$@\" >> calls; echo '{}'; }; aws() { note aws \"$@\"; }; jq() { note jq \"$@\"; }\n";
    let script = commands.iter().map(|command| format!("(\n{command}\n)\n")).collect::<Vec<_>>().concat();
    let mut bash = std::process::Command::new("bash");
    bash.args(["-c", &format!("{stubs}{script}true")]).current_dir(&directory).env("HOME", &directory);
    let output = bash.output().unwrap();
    assert!(output.status.success() && !String::from_utf8_lossy(&output.stderr).contains("syntax"), "{output:?}");
    let calls = std::fs::read_to_string(directory.join("calls")).unwrap();
    let files = std::fs::read_dir(&directory).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let files = files.collect();
    std::fs::remove_dir_all(&directory).unwrap();
    let calls = calls.split("CALL\0").skip(1);
    (calls.map(|call| call.split_terminator('\0').map(str::to_owned).collect()).collect(), files)
}

#[test]
fn a_hostile_name_is_one_word_of_a_command_and_runs_nothing() {
    for text in HOSTILE {
        let mut commands = Vec::new();
        for kind in Kind::ALL {
            let (document, _, _) = forms(&told(*kind, Status::Opened, text));
            commands.extend(serde_json::from_value::<Vec<String>>(document["commands"].clone()).unwrap());
        }
        assert!(commands.len() >= 20, "{}", commands.len());
        let (calls, files) = in_bash(&commands);
        assert!(calls.len() >= commands.len() / 2, "{text:?}: {calls:?}");
        assert!(
            files.iter().all(|file| file == "calls" || file.rsplit('.').next() == Some("json")),
            "{text:?}: {files:?}"
        );
        for call in &calls {
            let service =
                |word: &String| word.bytes().all(|byte| byte.is_ascii_lowercase() || b"0123456789-".contains(&byte));
            let named = call[0] == "jq" || call[1..3].iter().all(service);
            assert!(named && call.iter().all(|word| word != "touch" && word != "pwned"), "{text:?}: {call:?}");
        }
        // An object's key and a KMS key come through whole.
        let has = |word: &str| calls.iter().flatten().any(|held| held == word);
        assert!(has(&format!("--key={text}")) && has(text), "{text:?}: {calls:?}");
    }
}

#[test]
fn a_hostile_name_leaves_no_code_of_a_card_and_becomes_no_link() {
    for text in ["`[x](http://evil.example)`", "a`b [x](http://evil.example) `c", "x http://evil.example y", "``` x"] {
        for (kind, status) in Kind::ALL.iter().flat_map(|kind| Status::ALL.iter().map(move |status| (*kind, *status))) {
            let (_, _, card) = forms(&told(kind, status, text));
            let shown = card["content"]["description"].as_str().unwrap();
            let fences: Vec<&str> = shown.split("```").collect();
            assert!(fences.len() % 2 == 1, "{kind} {status:?} {text}: {shown}");
            for line in fences.iter().step_by(2).flat_map(|part| part.lines()) {
                let parts: Vec<&str> = line.split('`').collect();
                assert!(parts.len() % 2 == 1, "{kind} {status:?} {text}: {line}");
                let outside: String = parts.iter().step_by(2).copied().collect();
                assert!(!outside.contains("://evil") && !outside.contains("]("), "{kind} {status:?} {text}: {line}");
            }
        }
    }
}

#[test]
fn the_smallest_body_is_still_a_message_structure() {
    let incident = incident(Kind::KeyDenied, "a");
    let notice = Notice { status: Status::Opened, incident: &incident, context: &context(), stateless: true, now: NOW };
    let body: Value = serde_json::from_str(&bare_body(&[notice])).unwrap();
    assert!(body["default"].is_string() && body["email"].is_string());
}

#[test]
fn a_repairs_message_says_in_every_form_how_to_stop_it() {
    let (document, email, card) = forms(&told(Kind::PolicyMissing, Status::Repaired, "a"));
    let command = "aws s3control tag-resource --region eu-central-1 --account-id 111122223333 --resource-arn \
                   arn:aws:s3:::acme-lidar --tags Key=darwin-guard,Value=paused";
    assert!(email.contains(&format!("\nTO STOP THE GUARD HERE\n{command}\n")), "{email}");
    assert!(card["content"]["description"].as_str().unwrap().contains(&format!("```\n{command}\n```")), "{card}");
    assert!(document["how_to_stop"].as_str().unwrap().contains("darwin-guard"));
}

#[test]
fn an_email_reads_like_this() {
    let (_, email, _) = forms(&told(Kind::ExplicitDeny, Status::Opened, "DenyOutsideVpc"));
    insta::assert_snapshot!(email);
}

#[test]
fn a_card_reads_like_this() {
    let (_, _, card) = forms(&told(Kind::KeyDenied, Status::Resolved, "arn:aws:kms:eu-central-1:111122223333:key/1"));
    insta::assert_snapshot!(serde_json::to_string_pretty(&card).unwrap());
}
