//! Time of the judge: a 20 KB policy of 60 statements with wildcards, and wildcards made to hurt.

#![expect(clippy::unwrap_used, reason = "a bench that fails may panic")]

use darwin_s3_guard::judge::darwin::s3_request;
use darwin_s3_guard::model::arn::AccountId;
use darwin_s3_guard::model::contract::{Darwin, Home};
use darwin_s3_guard::model::verdict::Reader;
use darwin_s3_guard::policy::document::PolicyDocument;
use darwin_s3_guard::policy::evaluate::evaluate;
use darwin_s3_guard::policy::request::{ObjectOwner, Request, Settings};
use serde_json::json;

fn main() {
    divan::main();
}

fn request(key: &str) -> Request {
    let darwin = Darwin {
        role: "arn:aws:iam::258327614892:role/external_s3".into(),
        account: "258327614892".into(),
        origin: "https://darwin.v7labs.com".into(),
        sid: "DarwinAccess".into(),
        team: None,
    };
    let home = Home {
        account: AccountId::parse("111122223333").unwrap(),
        region: "eu-central-1".into(),
        partition: "aws".into(),
        function: None,
    };
    s3_request(&darwin, &home, "s3:GetObject", "acme-lidar", Some(key), Reader::Server, "2026-11-23T12:00:00Z")
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
