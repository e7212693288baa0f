use super::*;
use crate::model::s3::CorsRule;
use crate::model::time::Timestamp;
use serde_json::{Value, json};

fn of(subject: Subject, document: Option<&str>) -> Print {
    print(subject, document, &darwin())
}

fn darwin() -> Darwin {
    Darwin {
        role: "arn:aws:iam::258327614892:role/external_s3".into(),
        account: "258327614892".into(),
        origin: "https://darwin.v7labs.com".into(),
        sid: "DarwinAccess".into(),
        team: None,
    }
}

fn ours() -> Value {
    json!({"Sid": "DarwinAccess", "Effect": "Allow", "Principal": {"AWS": darwin().role}, "Action": "s3:GetObject", "Resource": "*"})
}

fn theirs(sid: &str) -> Value {
    json!({"Sid": sid, "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"})
}

fn policy(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

/// Times are milliseconds.
const fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn change(time: u64, document: Option<String>) -> Change {
    let name = if document.is_some() { "PutBucketPolicy" } else { "DeleteBucketPolicy" };
    let (id, time) = (time.to_string(), at(time));
    let print = of(Subject::Policy, document.as_deref());
    Change { subject: Subject::Policy, id, name: name.into(), time, document, actor: Actor::default(), print }
}

fn write(subject: Subject, begun: u64, done: Option<u64>, after: String) -> Write {
    let print = of(subject, Some(&after));
    Write {
        subject,
        begun: at(begun),
        done: done.map(at),
        read_at: None,
        made: done.is_some(),
        after,
        print,
        event: None,
    }
}

fn past(begun: u64, done: Option<u64>, after: String, changes: Vec<Change>) -> Past {
    Past { writes: vec![write(Subject::Policy, begun, done, after)], changes }
}

#[track_caller]
fn check(past: &Past, current: &str, lost: &[u64]) {
    let found: Vec<u64> = past
        .lost(Subject::Policy, &of(Subject::Policy, Some(current)), at(200_000))
        .iter()
        .map(|(change, _)| change.time.as_millis())
        .collect();
    assert_eq!(found, lost);
}

#[test]
fn a_statement_added_between_read_and_write_is_lost() {
    let ours_alone = policy(&[ours()]);
    let past = past(50_000, Some(51_000), ours_alone.clone(), vec![change(50_000, Some(policy(&[theirs("New")])))]);
    check(&past, &ours_alone, &[50_000]);
    check(&past, &policy(&[theirs("New"), ours()]), &[]);
}

#[test]
fn a_statement_removed_between_read_and_write_is_back_in_force() {
    let written = policy(&[theirs("Old"), ours()]);
    let past = past(50_000, Some(51_000), written.clone(), vec![change(50_000, None)]);
    check(&past, &written, &[50_000]);
    check(&past, &policy(&[ours()]), &[]);
}

#[test]
fn a_change_that_the_write_was_built_on_is_not_lost() {
    let written = policy(&[theirs("Old"), ours()]);
    let past = past(50_000, Some(51_000), written.clone(), vec![change(49_000, Some(policy(&[theirs("Old")])))]);
    check(&past, &written, &[]);
}

#[test]
fn a_change_long_before_or_after_the_write_is_not_its_loss() {
    let written = policy(&[ours()]);
    for time in [38_000, 52_000] {
        let past = past(50_000, Some(51_000), written.clone(), vec![change(time, Some(policy(&[theirs("New")])))]);
        check(&past, &written, &[]);
    }
}

#[test]
fn a_write_that_nobody_reported_as_done_may_still_have_happened() {
    let written = policy(&[ours()]);
    let past = past(50_000, None, written.clone(), vec![change(90_000, Some(policy(&[theirs("New")])))]);
    check(&past, &written, &[90_000]);
}

#[test]
fn only_the_newest_change_before_a_write_counts() {
    let written = policy(&[theirs("Second"), ours()]);
    let changes =
        vec![change(48_000, Some(policy(&[theirs("First")]))), change(49_000, Some(policy(&[theirs("Second")])))];
    check(&past(50_000, Some(51_000), written.clone(), changes), &written, &[]);
}

#[test]
fn a_condition_that_somebody_put_on_our_statement_is_theirs() {
    let mut conditioned = ours();
    conditioned["Condition"] = json!({"Bool": {"aws:SecureTransport": "true"}});
    let written = policy(&[ours()]);
    check(
        &past(50_000, Some(51_000), written.clone(), vec![change(50_000, Some(policy(&[conditioned])))]),
        &written,
        &[50_000],
    );
}

#[test]
fn a_read_that_does_not_show_a_fresh_change_is_outdated() {
    let past = past(0, Some(1), policy(&[ours()]), vec![change(50_000, Some(policy(&[theirs("New")])))]);
    let outdated = |read: &str, now| past.outdates(Subject::Policy, &of(Subject::Policy, Some(read)), at(now));
    assert!(outdated(&policy(&[ours()]), 52_000));
    assert!(!outdated(&policy(&[theirs("New"), ours()]), 52_000));
    assert!(!outdated(&policy(&[ours()]), 70_000), "what is still not shown by then is somebody's later change");
}

#[test]
fn a_change_that_an_event_dates_into_the_future_keeps_no_repair_away() {
    let year = 365 * 24 * 60 * 60 * 1_000;
    let past = past(0, Some(1), policy(&[ours()]), vec![change(year, Some(policy(&[theirs("New")])))]);
    assert!(!past.outdates(Subject::Policy, &of(Subject::Policy, Some(&policy(&[ours()]))), at(52_000)));
}

#[test]
fn layout_and_order_of_members_are_no_difference() {
    let one = r#"{"Version":"2012-10-17","Statement":{"Sid":"A","Effect":"Deny"}}"#;
    let other = "{ \"Statement\": [ {\"Effect\": \"Deny\", \"Sid\": \"A\"} ] }";
    let policy = |text| of(Subject::Policy, Some(text));
    assert!(policy(one).same_elements(&policy(other)));
    assert_eq!(policy(r#"{"a":1,"b":2}"#).whole, policy(r#"{ "b": 2, "a": 1 }"#).whole);
}

#[test]
fn an_event_with_cors_rules_gives_them_as_the_api_does() {
    let parameters = json!({"bucketName": "b", "cors": "", "CORSConfiguration": {"CORSRule": {
        "AllowedMethod": "GET", "AllowedOrigin": ["https://a.example", "https://b.example"], "MaxAgeSeconds": 3000, "ID": "x"}}});
    let event = ConfigChange {
        bucket: Some("b".into()),
        name: "PutBucketCors".into(),
        region: None,
        account: None,
        actor: Actor { time: Some("1970-01-01T00:00:50Z".into()), event_id: Some("e".into()), ..Actor::default() },
        request_parameters: Some(parameters.to_string()),
    };
    let change = Change::of(&event, &darwin()).unwrap();
    assert_eq!(change.time, at(50_000));
    let rule = CorsRule {
        id: Some("x".into()),
        allowed_methods: vec!["GET".into()],
        allowed_origins: vec!["https://a.example".into(), "https://b.example".into()],
        max_age_seconds: Some(3000),
        ..CorsRule::default()
    };
    assert_eq!(change.document, Some(serde_json::to_string(&[rule]).unwrap()));
}

#[test]
fn a_new_version_is_lost_where_a_policy_variable_makes_it_matter() {
    let own = json!({"Sid": "Own", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/${aws:userid}/*"});
    let versioned = |version: &str, statements: Value| json!({"Version": version, "Statement": statements}).to_string();
    let written = versioned("2008-10-17", json!([own, ours()]));
    let mine =
        past(50_000, Some(51_000), written.clone(), vec![change(50_000, Some(versioned("2012-10-17", json!([own]))))]);
    check(&mine, &written, &[50_000]);
    check(&mine, &versioned("2012-10-17", json!([own, ours()])), &[]);
    // Elsewhere it changes nothing.
    let written = versioned("2008-10-17", json!([theirs("Own"), ours()]));
    let mine = past(
        50_000,
        Some(51_000),
        written.clone(),
        vec![change(50_000, Some(versioned("2012-10-17", json!([theirs("Own")]))))],
    );
    check(&mine, &written, &[]);
}

#[test]
fn a_new_order_of_cors_rules_is_lost_when_our_write_brings_the_old_one_back() {
    let rule =
        |origin: &str, age: i32| json!({"AllowedMethods": ["GET"], "AllowedOrigins": [origin], "MaxAgeSeconds": age});
    let (a, b) = (rule("*", 1), rule("https://example.com", 2));
    let rules = |rules: &[&Value]| json!(rules).to_string();
    let print = of(Subject::Cors, Some(&rules(&[&b, &a])));
    let name = "PutBucketCors".into();
    let moved = Change { subject: Subject::Cors, name, print, ..change(50_000, Some(rules(&[&b, &a]))) };
    let written = write(Subject::Cors, 50_000, Some(51_000), rules(&[&a, &b]));
    let past = Past { writes: vec![written], changes: vec![moved] };
    let lost =
        |current: &[&Value]| past.lost(Subject::Cors, &of(Subject::Cors, Some(&rules(current))), at(200_000)).len();
    assert_eq!((lost(&[&a, &b]), lost(&[&b, &a]), lost(&[&b, &rule("https://c.example", 3), &a])), (1, 0, 0));
}

#[test]
fn a_document_as_submitted_and_as_s3_gives_it_back_is_no_difference() {
    let sent = r#"{"Version":"2012-10-17","Statement":[
        {"Sid":"T","Effect":"Allow","Principal":{"AWS":["111122223333"]},"Action":["s3:PutObject","s3:GetObject"],"Resource":["arn:aws:s3:::b/*"]},
        {"Sid":"L","Effect":"Deny","Principal":{"AWS":"*"},"Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":false},"NumericLessThan":{"s3:TlsVersion":[1.2]}}},
        {"Sid":"O","Effect":"Allow","Principal":{"CanonicalUser":"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"},"Action":"s3:GetObject","Resource":"*"}]}"#;
    let read = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Sid":"T","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::b/*"},
        {"Sid":"L","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"},"NumericLessThan":{"s3:TlsVersion":"1.2"}}},
        {"Sid":"O","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"},"Action":"s3:GetObject","Resource":"*"}]}"#;
    let policy = |text: &str| of(Subject::Policy, Some(text));
    assert_eq!(policy(read).elements.len(), 3);
    assert!(policy(sent).same_elements(&policy(read)));
    let china = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws-cn:iam::111122223333:root"},"Action":"s3:GetObject","Resource":"*"}]}"#;
    assert!(policy(china).same_elements(&policy(&china.replace("arn:aws-cn:iam::111122223333:root", "111122223333"))));
    let another = sent.replace("79a59df900b949e5", "00000000aaaaaaaa");
    assert!(!policy(sent).same_elements(&policy(&another)), "two canonical users are two");
    for (was, is) in [
        ("PutObject", "DeleteObject"),
        ("\"false\"", "\"true\""),
        ("1.2", "1.3"),
        ("AWS\":\"arn:aws:iam::cloudfront", "AWS\":\"arn:aws:iam::x"),
    ] {
        let other = policy(&read.replace(was, is));
        assert!(!policy(sent).same_elements(&other), "{was} {is}");
        assert!(!policy(read).same_elements(&other), "{was} {is}");
    }
}

#[test]
fn what_its_own_author_replaced_within_the_second_is_not_lost_if_the_newest_is_there() {
    let by = |author: &str, change: Change| {
        let actor = Actor { arn: Some(author.to_owned()), ..Actor::default() };
        Change { actor, ..change }
    };
    let second = policy(&[theirs("Second")]);
    let written = policy(&[theirs("Second"), ours()]);
    for (author, lost) in [("a", vec![]), ("b", vec![48_000])] {
        let changes = vec![
            by("a", change(48_000, Some(policy(&[theirs("First")])))),
            by(author, change(49_000, Some(second.clone()))),
        ];
        let mut past = past(49_500, Some(51_000), written.clone(), changes);
        past.writes[0].read_at = Some(at(49_900));
        check(&past, &written, &lost);
    }
}

#[test]
fn what_its_own_author_wrote_on_top_of_our_write_does_not_hide_what_our_write_undid() {
    let by_one = |change: Change| Change { actor: Actor { arn: Some("a".to_owned()), ..Actor::default() }, ..change };
    let (first, third) = (policy(&[theirs("First"), theirs("Second")]), policy(&[theirs("Third"), ours()]));
    let changes = vec![by_one(change(48_000, Some(first))), by_one(change(49_000, Some(third.clone())))];
    // Our last read, in the second of the later change, still showed what was there before both.
    let mut past = past(49_500, Some(51_000), policy(&[ours()]), changes);
    past.writes[0].read_at = Some(at(49_900));
    check(&past, &third, &[48_000]);
}

#[test]
fn a_write_is_known_by_its_event_once_and_only_after_it_was_begun() {
    let written = policy(&[theirs("A"), ours()]);
    let mut past = past(50_000, Some(51_000), written.clone(), vec![]);
    let event = |id: &str, time| Change { id: id.into(), ..change(time, Some(written.clone())) };
    assert!(past.written(&event("e", 50_000)).is_some());
    assert!(past.written(&event("e", 48_000)).is_none(), "an event of before");
    past.writes[0].event = Some("e".into());
    assert!(past.written(&event("e", 50_000)).is_some(), "events come twice");
    assert!(past.written(&event("other", 60_000)).is_none(), "another's, with the same content");
}

#[test]
fn what_is_remembered_is_bounded_and_what_falls_out_of_it_is_counted() {
    let mut past = past(50_000, Some(51_000), policy(&[ours()]), vec![]);
    let far = |at: u64| change(200_000 + at, Some(policy(&[theirs("Far")])));
    assert!(!past.room_for(&far(0), at(900_000)).keep, "no write of ours can have undone it");
    past.changes = (0..MOST_CHANGES as u64).map(|at| change(45_000 + at, Some("x".into()))).collect();
    let near = change(51_000, None);
    let room = past.room_for(&near, at(900_000));
    assert_eq!((room.keep, room.drop.len(), room.unknown), (true, 1, 1));
    assert_eq!(room.drop[0].time, at(45_000), "the oldest");
    past.changes[9] = far(1);
    let room = past.room_for(&near, at(900_000));
    assert_eq!((room.drop[0].time, room.unknown), (at(200_001), 0), "those first that nothing depends on");
    let large = Change { document: Some("x".repeat(MOST_BYTES)), ..near };
    assert_eq!(past.room_for(&large, at(900_000)).drop.len(), MOST_CHANGES);
    past.writes = (0..MOST_WRITES as u64).map(|at| write(Subject::Cors, at, None, "[]".into())).collect();
    assert_eq!(past.surplus_writes().iter().map(|write| write.begun).collect::<Vec<_>>(), [at(0)]);
}

#[test]
fn a_target_that_somebody_added_and_our_write_took_away_is_lost() {
    let target = |name: &str| json!({"QueueConfigurations": [{"QueueArn": format!("arn:aws:sqs:eu-central-1:111122223333:{name}"), "Events": ["s3:ObjectCreated:*"]}]});
    let parameters = json!({"bucketName": "b", "notification": "", "NotificationConfiguration": {"QueueConfiguration": {
        "Event": "s3:ObjectCreated:*", "Queue": "arn:aws:sqs:eu-central-1:111122223333:new", "Id": "made-up"}}});
    let document = submitted::document(Subject::Notification, &parameters.to_string()).unwrap();
    let print = of(Subject::Notification, Some(&document));
    let name = "PutBucketNotification".into();
    let theirs = Change { subject: Subject::Notification, name, print, ..change(50_000, Some(document)) };
    let mut ours = target("old");
    ours["EventBridgeConfiguration"] = json!({});
    let past = Past {
        writes: vec![write(Subject::Notification, 50_000, Some(51_000), ours.to_string())],
        changes: vec![theirs],
    };
    let lost = |now: &Value| {
        past.lost(Subject::Notification, &of(Subject::Notification, Some(&now.to_string())), at(200_000)).len()
    };
    assert_eq!((lost(&ours), lost(&target("new"))), (1, 0));
}
