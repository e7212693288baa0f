//! A bucket's verdict is that of its worst part, found from the policy's own patterns.

use super::*;
use proptest::prelude::*;

/// A bucket whose policy gives Darwin all, with these statements beside.
fn beside(statements: &[Value], guarded: &Value) -> Setup {
    let s = setup(World::healthy(), &[("GUARDED_BUCKETS", &guarded.to_string())]);
    let mut policy: Value = serde_json::from_str(&s.world.policy().unwrap()).unwrap();
    policy["Statement"].as_array_mut().unwrap().extend_from_slice(statements);
    s.world.bucket(|bucket| bucket.policy.write(Some(policy.to_string()), 0));
    s
}

fn deny(resource: &str) -> Value {
    json!({"Sid": "Part", "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject",
        "Resource": format!("arn:aws:s3:::{BUCKET}/{resource}")})
}

fn read_write(more: &Value) -> Value {
    let mut entry = json!({"name": BUCKET, "access": "read-write"});
    entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!([entry])
}

async fn audit(s: &Setup) -> Value {
    s.handle(json!({"action": "audit"})).await["buckets"][0].clone()
}

fn kinds(bucket: &Value) -> Vec<(&str, &str)> {
    let findings = bucket["findings"].as_array().unwrap();
    let all = findings.iter().map(|found| (found["kind"].as_str().unwrap(), found["severity"].as_str().unwrap()));
    all.filter(|(kind, _)| *kind != "wider-than-contract").collect()
}

#[tokio::test]
async fn a_deny_on_a_part_denies_the_bucket_with_the_part_named_and_is_a_warning() {
    let raw = json!({"read_prefixes": ["raw/"], "prefix": "darwin/"});
    for (resource, more, named) in [
        ("private/*", json!({}), "private/*"),
        ("${aws:PrincipalAccount}/*", json!({}), "258327614892/*"),
        ("raw/a${?}b/*", raw.clone(), "raw/a?b/*"),
        ("ra?/secret/*", raw.clone(), "raw/secret/*"),
        ("*/secret/?.png", raw.clone(), "raw//secret/*.png"),
        ("darwin/*", raw.clone(), "darwin/*"),
    ] {
        let s = beside(&[deny(resource)], &read_write(&more));
        let bucket = audit(&s).await;
        assert_eq!(
            (&bucket["read"], &bucket["activation"]),
            (&json!("denied"), &Value::Null),
            "{resource}: {bucket:#}"
        );
        assert_eq!(kinds(&bucket), [("part-denied", "warning")], "{resource}");
        let findings = bucket["findings"].to_string();
        assert!(findings.contains(&format!("{BUCKET}/{named}`")), "{resource}: {findings}");
        assert!(findings.contains("NOT_READ_PREFIXES"), "{findings}");
    }
}

#[tokio::test]
async fn a_deny_that_hits_nothing_of_what_darwin_reads_is_no_finding() {
    for (resource, more) in [
        ("private/*", json!({"not_read": ["private/"]})),
        ("private/*", json!({"read_prefixes": ["raw/"], "prefix": "darwin/"})),
        ("ra?/secret/*", json!({"read_prefixes": ["row/"], "prefix": "darwin/"})),
        ("${aws:username}/*", json!({})),
    ] {
        let bucket = audit(&beside(&[deny(resource)], &read_write(&more))).await;
        assert_eq!(bucket["read"], "allowed", "{resource}: {bucket:#}");
        assert_eq!(kinds(&bucket), [], "{resource}");
    }
}

#[tokio::test]
async fn a_deny_on_everything_that_darwin_reads_is_critical() {
    for (resource, more) in [("*", json!({})), ("raw/*", json!({"read_prefixes": ["raw/"], "prefix": "raw/"}))] {
        let bucket = audit(&beside(&[deny(resource)], &read_write(&more))).await;
        assert_eq!(bucket["read"], "denied");
        assert_eq!(kinds(&bucket), [("explicit-deny", "critical")], "{resource}: {bucket:#}");
    }
}

#[tokio::test]
async fn a_part_that_can_not_be_decided_leaves_the_bucket_open() {
    let mut conditional = deny("private/*");
    conditional["Condition"] = json!({"StringEquals": {"aws:SourceVpce": "vpce-1"}});
    for statement in [deny("${aws:userid}/*"), conditional] {
        let bucket = audit(&beside(&[statement], &read_write(&json!({})))).await;
        assert_eq!((&bucket["read"], &bucket["activation"]), (&json!("depends"), &Value::Null), "{bucket:#}");
        assert_eq!(kinds(&bucket), [("access-uncertain", "warning")]);
    }
}

#[tokio::test]
async fn a_part_that_darwin_may_not_write_denies_writing_alone() {
    let mut statement = deny("frozen/*");
    statement["Action"] = json!("s3:PutObject");
    let bucket = audit(&beside(&[statement], &read_write(&json!({})))).await;
    assert_eq!((&bucket["read"], &bucket["write"]), (&json!("allowed"), &json!("denied")), "{bucket:#}");
    assert_eq!(kinds(&bucket), [("part-denied", "warning")]);
}

fn all_but(resource: &str) -> Value {
    json!({"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": ["s3:GetObject", "s3:PutObject"],
        "NotResource": format!("arn:aws:s3:::{BUCKET}/{resource}")})
}

#[tokio::test]
async fn what_two_allows_both_leave_out_is_not_taken_for_allowed() {
    let s = setup(World::healthy(), &[]);
    let policy = json!({"Version": "2012-10-17", "Statement": [all_but("*/secret/*"), all_but("private/*")]});
    s.world.bucket(|bucket| bucket.policy.write(Some(policy.to_string()), 0));
    let bucket = audit(&s).await;
    assert_eq!((&bucket["read"], &bucket["activation"]), (&json!("depends"), &Value::Null), "{bucket:#}");
    let s = beside(&[all_but("*/secret/*"), all_but("private/*")], &read_write(&json!({})));
    assert_eq!(audit(&s).await["read"], "allowed", "Darwin's own statement leaves nothing out");
}

#[tokio::test]
async fn patterns_made_to_hurt_are_not_followed_for_ever_and_leave_the_bucket_open() {
    let hostile: Vec<Value> = (0..12)
        .map(|n| {
            let mut statement = deny(&format!("{}{n}", "*?".repeat(400)));
            statement["Condition"] = json!({"StringEquals": {"aws:SourceVpce": "vpce-1"}});
            statement
        })
        .collect();
    let prefixes: Vec<String> = (0..20).map(|n| format!("raw{n}/")).collect();
    let bucket = audit(&beside(&hostile, &read_write(&json!({"read_prefixes": prefixes, "prefix": "darwin/"})))).await;
    assert_eq!(bucket["read"], "depends", "{bucket:#}");
}

#[tokio::test]
async fn what_hits_the_browser_alone_says_so() {
    let mut statement = deny("private/*");
    statement["Condition"] =
        json!({"StringEquals": {"s3:authType": "REST-QUERY-STRING"}, "Bool": {"aws:MultiFactorAuthPresent": "false"}});
    let bucket = audit(&beside(&[statement], &read_write(&json!({})))).await;
    let findings = bucket["findings"].to_string();
    assert_eq!(bucket["read"], "depends", "{bucket:#}");
    assert!(findings.contains("the annotator's browser: perhaps denied"), "{findings}");
}

/// Every key over a small alphabet, up to four characters; `z` is in no pattern.
fn keys() -> Vec<String> {
    let mut keys = vec![String::new()];
    let mut from = 0;
    for _ in 0..4 {
        let longer: Vec<String> =
            keys[from..].iter().flat_map(|key| ["a", "b", "/", "z"].map(|c| format!("{key}{c}"))).collect();
        from = keys.len();
        keys.extend(longer);
    }
    keys.split_off(1)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn the_verdict_of_a_bucket_is_that_of_its_worst_key(
        denied in proptest::collection::vec("[ab/*?]{1,4}", 0..3),
        spared in proptest::option::of("[ab/*?]{1,3}"),
        reads in proptest::collection::vec("[ab]{0,1}/", 0..2),
        not_read in proptest::option::of("[ab/]{1,2}"),
    ) {
        let mut statements: Vec<Value> = denied.iter().map(|pattern| deny(pattern)).collect();
        if let Some(spared) = &spared {
            statements.push(json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*",
                "NotResource": [format!("arn:aws:s3:::{BUCKET}/{spared}"), format!("arn:aws:s3:::{BUCKET}/*")]}));
            statements.push(json!({"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject",
                "NotResource": format!("arn:aws:s3:::{BUCKET}/*{spared}")}));
        }
        let reads: Vec<String> = reads.into_iter().filter(|prefix| !prefix.starts_with('/')).collect();
        let not_read: Vec<String> = not_read.into_iter().filter(|prefix| !prefix.starts_with('/')).collect();
        let guarded = json!([{"name": BUCKET, "access": "read-only", "read_prefixes": reads, "not_read": not_read}]);
        let s = beside(&statements, &guarded);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let bucket = runtime.block_on(audit(&s));
        let text = s.world.policy().unwrap();
        let document = darwin_s3_guard::policy::document::PolicyDocument::parse(text.as_str());
        let hit = keys().into_iter().find(|key| {
            let needed = reads.is_empty() || reads.iter().any(|prefix| key.starts_with(prefix.as_str()) && key != prefix);
            let left_out = not_read.iter().any(|prefix| key.starts_with(prefix.as_str()));
            needed && !left_out && crate::merge::read_by_servers(&document, key) == "denied"
        });
        if let Some(key) = hit {
            prop_assert_eq!(&bucket["read"], "denied", "{}: {}", key, text);
        } else if reads.is_empty() && spared.is_none() {
            // Whatever a pattern of four characters matches, it matches with four.
            prop_assert_eq!(&bucket["read"], "allowed", "{}", text);
        }
    }
}

#[tokio::test]
async fn only_what_denies_an_object_too_hides_that_it_is_denied() {
    let flag = |beside_cors: bool| {
        let s = setup(World::healthy(), &[("MODE", "flag")]);
        let mut policy: Value = serde_json::from_str(&s.world.policy().unwrap()).unwrap();
        policy["Statement"].as_array_mut().unwrap().push(deny("private/*"));
        s.world.object("private/a.png", None);
        s.world.bucket(|bucket| {
            bucket.policy.write(Some(policy.to_string()), 0);
            if beside_cors {
                bucket.cors.write(None, 0);
            }
        });
        s
    };
    for beside_cors in [false, true] {
        let s = flag(beside_cors);
        s.handle(created("private/a.png")).await;
        let told = s.world.told();
        assert!(
            told.iter().any(|told| told == "object-denied opened"),
            "with a missing CORS rule: {beside_cors}: {told:?}"
        );
    }
    // Everything denied: the bucket's own finding says it, the object's would say it again.
    let s = setup(World::healthy(), &[("MODE", "flag")]);
    s.world.object("private/a.png", None);
    s.world.bucket(|bucket| bucket.policy.write(None, 0));
    s.handle(created("private/a.png")).await;
    assert_eq!(s.world.told(), ["policy-missing opened"]);
}

#[tokio::test]
async fn what_takes_the_writing_away_alone_hides_no_object_that_cannot_be_read() {
    let no_put = json!({"Sid": "NoPut", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
        "Resource": format!("arn:aws:s3:::{BUCKET}/*")});
    let denied = beside(&[no_put, deny("private/*")], &read_write(&json!({})));
    // Ours without PutObject, which somebody took away.
    let gutted = beside(&[deny("private/*")], &read_write(&json!({})));
    let policy = gutted.world.policy().unwrap().replace("\"s3:PutObject\"", "\"s3:GetObjectTagging\"");
    gutted.world.bucket(|bucket| bucket.policy.write(Some(policy), 0));
    for (s, beside) in [(denied, "explicit-deny"), (gutted, "policy-gutted")] {
        s.world.object("private/a.png", None);
        s.handle(created("private/a.png")).await;
        let told = s.world.told();
        for kind in [beside, "object-denied"] {
            assert!(told.iter().any(|told| *told == format!("{kind} opened")), "{kind}: {told:?}");
        }
    }
}

#[tokio::test]
async fn a_second_open_question_is_told_beside_the_first() {
    // Who owns objects is one question, where a Deny leads to another: neither answers the other.
    let statement = json!({"Sid": "Office", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "*",
        "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}});
    let s = beside(&[statement], &read_write(&json!({})));
    s.world.bucket(|bucket| bucket.ownership = Some(darwin_s3_guard::model::s3::Ownership::ObjectWriter));
    let bucket = audit(&s).await;
    assert_eq!((&bucket["read"], &bucket["write"]), (&json!("allowed"), &json!("depends")), "{bucket:#}");
    let uncertain: Vec<&Value> =
        bucket["findings"].as_array().unwrap().iter().filter(|found| found["kind"] == "access-uncertain").collect();
    assert_eq!(uncertain.len(), 1, "{bucket:#}");
    assert_eq!(uncertain[0]["depends_on"], json!(["aws:MultiFactorAuthPresent"]));
}
