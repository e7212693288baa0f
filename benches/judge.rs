//! Time of the judge: a 20 KB policy of 60 statements with wildcards, and wildcards made to hurt.

#![expect(clippy::unwrap_used, reason = "a bench that fails may panic")]

use darwin_s3_guard::judge::access::{AccessFacts, Asker, Prepared, judge_read};
use darwin_s3_guard::judge::darwin::s3_request;
use darwin_s3_guard::model::arn::AccountId;
use darwin_s3_guard::model::contract::{Access, Ceiling, Contract, Darwin, Home};
use darwin_s3_guard::model::s3::Ownership;
use darwin_s3_guard::model::time::Timestamp;
use darwin_s3_guard::model::verdict::Reader;
use darwin_s3_guard::policy::document::PolicyDocument;
use darwin_s3_guard::policy::evaluate::evaluate;
use darwin_s3_guard::policy::request::{ObjectOwner, Request, Settings};
use darwin_s3_guard::repair::policy::assess_policy;
use darwin_s3_guard::repair::policy::conditional::Precedent;
use serde_json::json;

fn main() {
    divan::main();
}

const NOW: Timestamp = Timestamp::from_millis(1_795_435_200_000);

fn darwin() -> Darwin {
    Darwin {
        role: "arn:aws:iam::258327614892:role/external_s3".into(),
        account: "258327614892".into(),
        origin: "https://darwin.v7labs.com".into(),
        sid: "DarwinAccess".into(),
        team: None,
    }
}

fn home() -> Home {
    Home {
        account: AccountId::parse("111122223333").unwrap(),
        region: "eu-central-1".into(),
        partition: "aws".into(),
        function: None,
    }
}

fn request(key: &str) -> Request {
    s3_request(&darwin(), &home(), "s3:GetObject", "acme-lidar", Some(key), Reader::Server, NOW)
}

fn settings() -> Settings {
    Settings {
        restrict_public_buckets: Some(false),
        policy_is_public: Some(false),
        object_owner: ObjectOwner::BucketOwner,
    }
}

/// 60 statements, 20 KB: allows and denies of everybody, prefixes with wildcards, conditions.
fn large() -> String {
    let statements: Vec<_> = (0..60)
        .map(|n| {
            json!({"Sid": format!("Statement{n}"), "Effect": if n % 3 == 0 { "Deny" } else { "Allow" },
                "Principal": {"AWS": [format!("arn:aws:iam::4444555566{n:02}:root"), "*"]},
                "Action": ["s3:Get*", "s3:List*"],
                "Resource": [format!("arn:aws:s3:::acme-lidar/team-{n}/*/raw/*.las"), format!("arn:aws:s3:::acme-*/t{n}/?/*")],
                "Condition": {"StringLike": {"aws:PrincipalArn": [format!("arn:aws:iam::*:role/team-{n}-*")]}}})
        })
        .collect();
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

#[divan::bench]
fn judge_a_20_kb_policy_of_60_statements(bencher: divan::Bencher<'_, '_>) {
    let text = large();
    assert!((18_000..=20_480).contains(&text.len()), "{} bytes", text.len());
    let document = PolicyDocument::parse(&text);
    let (request, settings) = (request("team-59/site 1/raw/scan.las"), settings());
    bencher.bench(|| evaluate(Some(&document), &request, &settings));
}

/// By servers and browser, with a key that was not seen before; the policy has Darwin's own statement too.
#[divan::bench]
fn judge_an_object_under_a_prepared_20_kb_policy(bencher: divan::Bencher<'_, '_>) {
    let mut policy: serde_json::Value = serde_json::from_str(&large()).unwrap();
    let statements = policy.get_mut("Statement").and_then(serde_json::Value::as_array_mut).unwrap();
    statements.pop();
    statements.extend([
        json!({"Sid": "DarwinAccess", "Effect": "Allow", "Principal": {"AWS": darwin().role},
            "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::acme-lidar/*"}),
        json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::acme-lidar/private/*",
            "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}}),
    ]);
    let facts = AccessFacts {
        policy: Ok(Some(PolicyDocument::parse(policy.to_string()))),
        public_access_block: None,
        ownership: Some(Ok(Some(Ownership::BucketOwnerEnforced))),
        requester_pays: Ok(false),
        policy_is_public: Some(Ok(Some(false))),
        prepared: Prepared::default(),
    };
    let (darwin, home) = (darwin(), home());
    let asker = Asker { darwin: &darwin, home: &home, now: NOW, rcps: &[] };
    let mut count = 0;
    bencher.bench_local(|| {
        count += 1;
        let verdict = judge_read(&facts, "acme-lidar", &format!("raw/{count}.png"), ObjectOwner::BucketOwner, asker);
        assert!(verdict.is_allowed());
        verdict
    });
}

/// What an audit makes of the policy: 450 resources in Denies for others and in parts, read-write, 20 read prefixes.
#[divan::bench(sample_count = 10)]
fn audit_a_14_kb_policy_with_450_resources_under_20_read_prefixes(bencher: divan::Bencher<'_, '_>) {
    let resources =
        |from: usize| -> Vec<String> { (from..from + 90).map(|n| format!("arn:aws:s3:::acme-lidar/*/{n}")).collect() };
    let mut statements: Vec<_> = (0..5)
        .map(|n| {
            json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": resources(n * 90),
                "Condition": {"ArnNotLike": {"aws:PrincipalArn": ["arn:aws:iam::*:role/team", darwin().role]}}})
        })
        .collect();
    statements.push(json!({"Sid": "DarwinAccess", "Effect": "Allow", "Principal": {"AWS": darwin().role},
        "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::acme-lidar/*"}));
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    assert!((13_000..=20_480).contains(&text.len()), "{} bytes", text.len());
    let contract = Contract {
        bucket: "acme-lidar".into(),
        access: Access::ReadWrite,
        read_prefixes: (0..20).map(|n| format!("site-{n}/")).collect(),
        prefix: Some("darwin/".into()),
        not_read: Vec::new(),
        scope_writes: false,
        list: false,
    };
    let document = PolicyDocument::parse(text);
    let (darwin, home) = (darwin(), home());
    bencher.bench_local(|| {
        let precedent = Precedent::default();
        let assessed = assess_policy(Some(&document), &contract, &darwin, &home, Ceiling::Flag, NOW, precedent);
        assert!(assessed.fulfilled);
        assessed
    });
}

#[divan::bench]
fn parse_a_20_kb_policy_of_60_statements(bencher: divan::Bencher<'_, '_>) {
    let text = large();
    bencher.bench(|| PolicyDocument::parse(&text));
}

#[divan::bench]
fn wildcards_made_to_hurt_against_a_1024_character_key(bencher: divan::Bencher<'_, '_>) {
    let resource = format!("arn:aws:s3:::acme-lidar/{}b", "*?".repeat(200));
    let policy = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:*",
        "Resource": resource}});
    let document = PolicyDocument::parse(policy.to_string());
    let (request, settings) = (request(&"a".repeat(1_024)), settings());
    bencher.bench(|| evaluate(Some(&document), &request, &settings));
}
