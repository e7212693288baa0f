//! What people read, whole: every kind in every situation it can be in, in every form; and the rules all of it keeps.
//!
//! A snapshot a kind, in `snapshots/words`. Read it as the person on call does: at night, on a phone, without the code.

mod kinds;
mod scenes;

use darwin_s3_guard::incident::life::{Incident, Report, Status};
use darwin_s3_guard::model::contract::Mode;
use darwin_s3_guard::model::finding::Kind;
use darwin_s3_guard::model::outcome::Refusal;
use darwin_s3_guard::report::message::message;
use darwin_s3_guard::report::notice::Notice;
use scenes::{NOW, Sent, Situation, context, incident, sent, situations};
use serde_json::Value;

#[test]
fn every_kind_reads_like_this_in_every_situation_and_form() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/words");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for kind in Kind::ALL {
            let mut text = String::new();
            for situation in situations(*kind) {
                let Sent { subject, email, card, document } = sent(*kind, situation);
                text.push_str(&format!("##### {situation:?}\nSubject: {subject}\n\n{email}\n"));
                text.push_str(&format!("--- card\n{}\n", card["content"]["title"].as_str().unwrap()));
                text.push_str(&format!("{}\n", card["content"]["description"].as_str().unwrap()));
                text.push_str(&format!("{}\n--- json\n{document}\n\n", card["content"]["nextSteps"]));
            }
            insta::assert_snapshot!(kind.name(), text);
        }
    });
}

#[test]
fn several_incidents_in_one_message_read_like_this() {
    let of = |kind, situation, bucket: &str| Incident { bucket: bucket.to_owned(), ..incident(kind, situation) };
    let opened = |kind| of(kind, Situation::Opened, "acme-lidar");
    // No event says by whom they were broken: what is put together is a first repair.
    let repaired = |kind, bucket| {
        let incident = of(kind, Situation::Repaired, bucket);
        Incident { report: Report { actor: None, change: None, ..incident.report.clone() }, ..incident }
    };
    let one_change = vec![opened(Kind::KeyState), opened(Kind::DefaultEncryption)];
    let first_repair = vec![
        repaired(Kind::PolicyMissing, "acme-lidar"),
        repaired(Kind::CorsMissing, "acme-lidar"),
        repaired(Kind::CorsMissing, "acme-scans"),
    ];
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/words");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (name, incidents, status) in
        [("one-change", one_change, Status::Opened), ("first-repair", first_repair, Status::Repaired)]
    {
        let context = context(Mode::Repair);
        let notice = |incident| Notice { status, incident, context: &context, stateless: false, now: NOW };
        let notices: Vec<Notice<'_>> = incidents.iter().map(notice).collect();
        let message = message(&notices).unwrap();
        let body: Value = serde_json::from_str(&message.body).unwrap();
        let card: Value = serde_json::from_str(body["https"].as_str().unwrap()).unwrap();
        let (title, description) = (&card["content"]["title"], card["content"]["description"].as_str().unwrap());
        let text = format!(
            "Subject: {}\n\n{}\n--- card\n{title}\n{description}\n--- attributes\n{:?}\n",
            message.subject,
            body["email"].as_str().unwrap(),
            message.attributes
        );
        settings.bind(|| insta::assert_snapshot!(name, text));
    }
}

#[test]
fn who_ended_an_incident_can_not_leave_the_code_of_a_card() {
    let mut incident = incident(Kind::KeyDenied, Situation::Resolved);
    let healed = incident.healed.as_mut().unwrap();
    healed.actor.as_mut().unwrap().user_agent = Some("agent`](http://evil.example)".into());
    let context = context(Mode::Repair);
    let notice =
        Notice { status: Status::Resolved, incident: &incident, context: &context, stateless: false, now: NOW };
    let body: Value = serde_json::from_str(&message(&[notice]).unwrap().body).unwrap();
    let card: Value = serde_json::from_str(body["https"].as_str().unwrap()).unwrap();
    let description = card["content"]["description"].as_str().unwrap();
    assert!(description.contains("evil") && !description.contains("](http"), "{description}");
}

/// Every message, with where it comes from.
fn all() -> impl Iterator<Item = (String, Sent)> {
    Kind::ALL.iter().flat_map(|kind| {
        situations(*kind).into_iter().map(move |situation| (format!("{kind} {situation:?}"), sent(*kind, situation)))
    })
}

/// What a person reads of a message: its words, without commands, documents and evidence in AWS's own form.
fn prose(sent: &Sent) -> Vec<String> {
    let of_email = sent.email.split("\nBOTH DOCUMENTS\n").next().unwrap();
    let command = |line: &str| {
        ["aws ", "jq ", "KEY=", "STORE=", "TABLE=", "sleep ", "CloudTrail: "]
            .iter()
            .any(|start| line.starts_with(start))
    };
    let document = |line: &str| line.starts_with([' ', '{', '}', '[', ']', '+', '@']) || line.starts_with("--");
    let mut lines: Vec<String> =
        of_email.lines().filter(|line| !command(line) && !document(line)).map(str::to_owned).collect();
    let description = sent.card["content"]["description"].as_str().unwrap();
    // Every other part of a text cut at its fences is code.
    lines.extend(description.split("```").step_by(2).flat_map(str::lines).map(str::to_owned));
    lines.extend([sent.subject.clone(), sent.card["content"]["title"].as_str().unwrap().to_owned()]);
    lines
}

#[test]
fn no_message_has_a_phrase_that_is_refused() {
    let cases: Value = serde_json::from_str(include_str!("../cases/words.json")).unwrap();
    let refused = cases["refused"].as_array().unwrap();
    assert!(refused.len() > 30);
    for (at, sent) in all() {
        for line in prose(&sent) {
            for case in refused {
                let phrase = case["phrase"].as_str().unwrap();
                let right =
                    case["except"].as_array().into_iter().flatten().any(|right| line.contains(right.as_str().unwrap()));
                assert!(right || !line.to_lowercase().contains(&phrase.to_lowercase()), "{at}: {phrase:?} in {line:?}");
            }
        }
    }
}

#[test]
fn no_sentence_is_longer_than_200_characters() {
    for (at, sent) in all() {
        for line in prose(&sent) {
            // Names of AWS count for little: nobody reads an ARN to its end.
            let plain: Vec<&str> = line
                .split_whitespace()
                .map(|word| if word.contains("arn:") || word.contains("https://") { "ARN" } else { word })
                .collect();
            for sentence in plain.join(" ").split_inclusive(['.', ';']).collect::<String>().split(". ") {
                assert!(sentence.chars().count() <= 200, "{at}: {sentence:?}");
            }
        }
    }
}

#[test]
fn a_subject_is_shorter_than_100_characters_and_has_the_whole_name_of_a_bucket_of_40() {
    let bucket = "a-bucket-with-a-name-of-forty-characters";
    assert_eq!(bucket.len(), 40);
    for kind in Kind::ALL {
        for situation in situations(*kind) {
            let status = match situation {
                Situation::Opened | Situation::Refused(_) => Status::Opened,
                Situation::Repaired => Status::Repaired,
                Situation::Reminded => Status::Reminder,
                Situation::Resolved => Status::Resolved,
                Situation::Test => continue,
            };
            for (name, whole) in [(bucket.to_owned(), true), ("b".repeat(63), false)] {
                let incident = Incident { bucket: name.clone(), ..incident(*kind, situation) };
                let notice =
                    Notice { status, incident: &incident, context: &context(Mode::Repair), stateless: false, now: NOW };
                let subject = message(&[notice]).unwrap().subject;
                assert!(subject.len() < 100, "{subject}");
                let (_, headline) = subject.split_once(": ").unwrap();
                assert!(!headline.ends_with("..."), "{subject}");
                if of_the_account(*kind) {
                    assert!(subject.contains(" account 111122223333: "), "{subject}");
                    continue;
                }
                assert!(!whole || subject.contains(&name), "{subject}");
                assert!(subject.contains(name.get(..25).unwrap()), "{subject}");
            }
        }
    }
}

/// Kinds that are about no single bucket.
fn of_the_account(kind: Kind) -> bool {
    matches!(kind, Kind::NoSubscription | Kind::NoConfigEvents | Kind::StateUnreadable | Kind::TableUnreachable)
}

#[test]
fn a_reminder_names_its_severity_and_since_when() {
    for kind in Kind::ALL {
        for situation in situations(*kind).into_iter().filter(|situation| *situation == Situation::Reminded) {
            let subject = sent(*kind, situation).subject;
            assert!(subject.starts_with("STILL ") && subject.ends_with(" (since 22 Nov)"), "{subject}");
        }
    }
}

#[test]
fn each_of_the_four_lines_is_read_at_a_glance() {
    for (at, sent) in all() {
        for field in ["now", "affected", "changed_by", "do_now"] {
            let text = sent.document[field].as_str().unwrap();
            assert!(text.chars().count() <= 250, "{at}: {} characters: {text}", text.chars().count());
        }
    }
}

#[test]
fn every_message_begins_with_the_same_four_lines_and_a_card_with_the_emails_own() {
    for (at, sent) in all() {
        let lines: Vec<&str> = sent.email.lines().take(4).collect();
        let description = sent.card["content"]["description"].as_str().unwrap();
        for (index, (name, field)) in
            [("Now", "now"), ("Affected", "affected"), ("Changed by", "changed_by"), ("Do now", "do_now")]
                .iter()
                .enumerate()
        {
            let text = lines[index].strip_prefix(&format!("{name}: ")).unwrap_or_else(|| panic!("{at}: {lines:?}"));
            assert_eq!(sent.document[field], text, "{at}");
            assert!(description.lines().nth(index).unwrap().starts_with(&format!("*{name}:* ")), "{at}: {description}");
            assert!(text.ends_with(['.', ':']) && text.len() > 5, "{at}: {text}");
        }
        assert!(sent.email.contains("\nSent 2026-11-24T12:05:00Z by the Darwin S3 guard"), "{at}");
    }
}

#[test]
fn what_is_over_is_told_in_the_past_and_leaves_nothing_to_do_but_the_source_and_a_scan() {
    for (at, sent) in all() {
        let closed = sent.subject.starts_with("CLOSED ");
        let over = sent.subject.starts_with("RESOLVED") || sent.subject.starts_with("REPAIRED") || closed;
        let gone = at.starts_with("no-such-bucket ");
        let left =
            ["nothing any more", "; the others were not checked", ": if Darwin has no access, another message says so"];
        let says = left.iter().any(|left| sent.document["affected"].as_str().unwrap().contains(left));
        assert_eq!(over && !closed && !gone, says, "{at}");
        assert_eq!(closed, sent.email.contains(" Not known whether it is over."), "{at}");
        assert_eq!(
            over && gone,
            sent.email.contains("stay blank for annotators until they are uploaded again"),
            "{at}"
        );
        assert_eq!(closed, sent.email.contains(": not known any more."), "{at}");
        if over {
            assert!(!sent.email.contains("Verdict") && sent.document["verdict"].is_null(), "{at}");
        }
        if sent.subject.starts_with("RESOLVED") {
            let do_now = sent.document["do_now"].as_str().unwrap();
            let source = do_now.contains(" the Terraform source, if that is not done. ");
            let scan = do_now.contains("can the bucket with the guard's tool, `darwin-guard scan s3://acme-lidar`");
            assert_eq!(!source && !scan, do_now == "nothing.", "{at}: {do_now}");
            assert!(!gone || do_now.starts_with("upload its images again, "), "{at}: {do_now}");
            let by = sent.document["ended_by"]["arn"].as_str();
            assert_eq!(by.is_some(), sent.email.contains(" Ended by: user ann "), "{at}: {}", sent.email);
            assert!(sent.email.contains("\nHOW IT ENDED\n") && !sent.email.contains("Mode is flag"), "{at}");
        }
    }
}

#[test]
fn what_a_pipeline_broke_and_a_person_fixed_is_fixed_in_its_source_too() {
    for (kind, what) in [
        (Kind::PolicyMissing, "add Darwin's statement (below) to"),
        (Kind::WriteFailed, "put Darwin's statement (below) into"),
        (Kind::Paused, "take the tag out of"),
        (Kind::CorsLimit, "let Darwin's origin GET by the CORS rules of"),
    ] {
        let email = sent(kind, Situation::Resolved).email;
        assert!(email.contains(&format!("\nDo now: {what} the Terraform source, if that is not done.")), "{email}");
    }
    let mut incident = incident(Kind::PolicyMissing, Situation::Resolved);
    incident.healed.as_mut().unwrap().actor.clone_from(&incident.report.actor);
    let context = context(Mode::Repair);
    let notice =
        Notice { status: Status::Resolved, incident: &incident, context: &context, stateless: false, now: NOW };
    let message = message(&[notice]).unwrap();
    assert!(message.body.contains("\\nDo now: nothing.\\n"), "{}", message.body);
}

#[test]
fn a_refusal_names_the_one_thing_that_forbids() {
    for kind in Kind::ALL.iter().filter(|kind| kind.is_drift()) {
        for (by, words, others) in [
            (Refusal::Mode, "Mode is flag", ["darwin-guard=paused", "as its limit allows"]),
            (Refusal::PauseTag, "darwin-guard=paused", ["Mode is flag", "as its limit allows"]),
            (Refusal::Contest, "as its limit allows", ["Mode is flag", "darwin-guard=paused"]),
        ] {
            let Sent { email, card, document, .. } = sent(*kind, Situation::Refused(by));
            for text in [email.as_str(), card["content"]["description"].as_str().unwrap()] {
                assert!(
                    text.contains(words) && others.iter().all(|other| !text.contains(other)),
                    "{kind} {by:?}: {text}"
                );
            }
            assert_eq!(document["actions"][0]["refused_by"], serde_json::to_value(by).unwrap());
        }
    }
}

/// The code of a card: what stands between its fences.
fn fenced(description: &str) -> Vec<&str> {
    description.split("```\n").skip(1).step_by(2).map(|code| code.trim_end_matches('\n')).collect()
}

#[test]
fn a_command_of_a_card_is_the_emails_byte_for_byte_and_the_documents_too() {
    let mut commands = 0;
    for (at, sent) in all() {
        let description = sent.card["content"]["description"].as_str().unwrap();
        let code = fenced(description);
        for block in &code {
            assert!(sent.email.contains(block), "{at}: {block}");
        }
        for command in sent.document["commands"].as_array().unwrap() {
            let command = command.as_str().unwrap();
            commands += 1;
            assert!(sent.email.contains(command), "{at}: {command}");
            assert!(code.contains(&command) || description.contains("too long for a chat"), "{at}: {command}");
        }
        assert!(description.len() < 4_000, "{at}: {} bytes do not fit a screen", description.len());
    }
    assert!(commands > 60, "{commands}");
}
