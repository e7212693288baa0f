use super::*;
use crate::model::actor::Actor;
use serde_json::json;

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

fn change(time_ms: u64, document: Option<String>) -> Change {
    let name = if document.is_some() { "PutBucketPolicy" } else { "DeleteBucketPolicy" };
    let id = format!("{time_ms}");
    Change { subject: Subject::Policy, id, name: name.into(), time_ms, document, actor: Actor::default() }
}

fn past(begun_ms: u64, done_ms: Option<u64>, after: String, changes: Vec<Change>) -> Past {
    Past { writes: vec![Write { subject: Subject::Policy, begun_ms, done_ms, after }], changes }
}

#[track_caller]
fn check(past: &Past, current: &str, lost: &[u64]) {
    let found: Vec<u64> = past
        .lost(Subject::Policy, Some(current), &darwin(), 200_000)
        .iter()
        .map(|(change, _)| change.time_ms)
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
    for time_ms in [38_000, 52_000] {
        let past = past(50_000, Some(51_000), written.clone(), vec![change(time_ms, Some(policy(&[theirs("New")])))]);
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
    let outdated = |read: &str, now_ms| past.outdates(Subject::Policy, Some(read), &darwin(), now_ms);
    assert!(outdated(&policy(&[ours()]), 52_000));
    assert!(!outdated(&policy(&[theirs("New"), ours()]), 52_000));
    assert!(!outdated(&policy(&[ours()]), 70_000), "what is still not shown by then is somebody's later change");
}

#[test]
fn a_change_that_an_event_dates_into_the_future_keeps_no_repair_away() {
    let year_ms = 365 * 24 * 60 * 60 * 1_000;
    let past = past(0, Some(1), policy(&[ours()]), vec![change(year_ms, Some(policy(&[theirs("New")])))]);
    assert!(!past.outdates(Subject::Policy, Some(&policy(&[ours()])), &darwin(), 52_000));
}

#[test]
fn layout_and_order_of_members_are_no_difference() {
    let one = r#"{"Version":"2012-10-17","Statement":{"Sid":"A","Effect":"Deny"}}"#;
    let other = "{ \"Statement\": [ {\"Effect\": \"Deny\", \"Sid\": \"A\"} ] }";
    let of = |text| elements(Subject::Policy, Some(text), &darwin());
    assert_eq!(of(one), of(other));
    assert_eq!(policy_token(r#"{"a":1,"b":2}"#), policy_token(r#"{ "b": 2, "a": 1 }"#));
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
    let change = Change::of(&event).unwrap();
    assert_eq!(change.time_ms, 50_000);
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
    let moved =
        Change { subject: Subject::Cors, name: "PutBucketCors".into(), ..change(50_000, Some(rules(&[&b, &a]))) };
    let write = Write { subject: Subject::Cors, begun_ms: 50_000, done_ms: Some(51_000), after: rules(&[&a, &b]) };
    let past = Past { writes: vec![write], changes: vec![moved] };
    let lost = |current: &[&Value]| past.lost(Subject::Cors, Some(&rules(current)), &darwin(), 200_000).len();
    assert_eq!((lost(&[&a, &b]), lost(&[&b, &a]), lost(&[&b, &rule("https://c.example", 3), &a])), (1, 0, 0));
}
