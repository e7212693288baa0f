//! The sentences behind a verdict, one snapshot per kind of case: what a person who has to act on it reads.

use crate::world::{darwin, home};
use darwin_s3_guard::judge::access::{AccessFacts, Asker, Prepared, judge_read};
use darwin_s3_guard::judge::key::{KeyFacts, KeyQuestion, judge_key, key_finding};
use darwin_s3_guard::model::aws::{AwsError, ErrorClass, Operation};
use darwin_s3_guard::model::contract::{Access, Ceiling, Contract};
use darwin_s3_guard::model::evidence::Under;
use darwin_s3_guard::model::kms::KeyMetadata;
use darwin_s3_guard::model::s3::{Ownership, PublicAccessBlock};
use darwin_s3_guard::model::time::Timestamp;
use darwin_s3_guard::model::verdict::Verdict;
use darwin_s3_guard::policy::document::PolicyDocument;
use darwin_s3_guard::policy::grant::GrantListEntry;
use darwin_s3_guard::policy::request::ObjectOwner;
use darwin_s3_guard::repair::policy as merge;
use darwin_s3_guard::repair::policy::conditional::Precedent;
use darwin_s3_guard::report::finding::words;
use darwin_s3_guard::report::reason::sentences;
use serde_json::{Value, json};
use std::rc::Rc;

const ROLE: &str = "arn:aws:iam::258327614892:role/external_s3";
const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234";
const OBJECT: &str = "arn:aws:s3:::acme-lidar/raw/scan.las";
const NOW: Timestamp = Timestamp::from_millis(1_795_435_200_000);

fn told(title: &str, verdict: &Verdict, because: &[String]) -> String {
    let mut text = format!("# {title}\n{}", verdict.decision);
    if !verdict.depends_on.is_empty() {
        text.push_str(&format!(" on {}", verdict.names().join(", ")));
    }
    for because in because {
        text.push_str(&format!("\n- {because}"));
    }
    text + "\n\n"
}

fn facts(policy: Option<&Value>) -> AccessFacts {
    AccessFacts {
        policy: Ok(policy.map(|policy| PolicyDocument::parse(policy.to_string()))),
        public_access_block: Some(Ok(None)),
        ownership: Some(Ok(Some(Ownership::BucketOwnerEnforced))),
        requester_pays: Ok(false),
        policy_is_public: None,
        prepared: Prepared::default(),
    }
}

fn read(title: &str, facts: &AccessFacts) -> String {
    let (darwin, home) = (darwin(), home());
    let asker = Asker { darwin: &darwin, home: &home, now: NOW, rcps: &[] };
    let verdict = judge_read(facts, "acme-lidar", "raw/scan.las", ObjectOwner::Unknown, asker);
    told(title, &verdict, &sentences(&verdict.because))
}

/// What Darwin is given, and beside it these.
fn beside(statements: &[Value]) -> Value {
    let mut all = vec![allow(&json!({}))];
    all.extend(statements.iter().cloned());
    json!({ "Version": "2012-10-17", "Statement": all })
}

fn allow(with: &Value) -> Value {
    let mut statement = json!({ "Sid": "DarwinAccess", "Effect": "Allow", "Principal": { "AWS": ROLE },
        "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-lidar/*" });
    for (name, value) in with.as_object().unwrap() {
        statement[name] = value.clone();
    }
    statement
}

fn only(statement: Value) -> Value {
    json!({ "Version": "2012-10-17", "Statement": [statement] })
}

fn deny(sid: &str, with: &Value) -> Value {
    let mut statement = json!({ "Sid": sid, "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::acme-lidar/*" });
    for (name, value) in with.as_object().unwrap() {
        if value.is_null() {
            statement.as_object_mut().unwrap().remove(name);
        } else {
            statement[name] = value.clone();
        }
    }
    statement
}

#[test]
fn a_deny_is_told_by_its_name_and_by_what_it_requires() {
    let condition = |condition: Value| json!({ "Condition": condition });
    let case = |title: &str, statement: Value| read(title, &facts(Some(&beside(&[statement]))));
    let text = [
        case("no condition", deny("Frozen", &json!({}))),
        case("a key that Darwin's requests do not have", deny("OnlyMyUsers", &condition(json!({ "StringNotLike": { "aws:username": ["ann", "bob"] } })))),
        case("another role", deny("OnlyAdmin", &condition(json!({ "ArnNotLike": { "aws:PrincipalArn": "arn:aws:iam::111122223333:role/admin" } })))),
        case("another account", deny("OwnAccountOnly", &condition(json!({ "StringNotEquals": { "aws:PrincipalAccount": "111122223333" } })))),
        case("two conditions", deny("NoOutsiders", &condition(json!({ "StringNotEquals": { "aws:PrincipalAccount": "111122223333" }, "Bool": { "aws:PrincipalIsAWSService": "false" } })))),
        case("Null", deny("NeedsUser", &condition(json!({ "Null": { "aws:username": "true" } })))),
        case("NotPrincipal", deny("OnlyUs", &json!({ "Principal": null, "NotPrincipal": { "AWS": "arn:aws:iam::111122223333:root" } }))),
        case("NotPrincipal that lists Darwin", deny("OnlyDarwin", &json!({ "Principal": null, "NotPrincipal": { "AWS": ROLE } }))),
        case("NotAction", deny("ListOnly", &json!({ "Action": null, "NotAction": "s3:ListBucket" }))),
        case("NotResource", deny("PublicPartOnly", &json!({ "Resource": null, "NotResource": "arn:aws:s3:::acme-lidar/public/*" }))),
        case("presigned URLs only fail", deny("NoPresigned", &condition(json!({ "StringNotEquals": { "s3:authType": "REST-HEADER" } })))),
        case("presigned URLs only pass", deny("PresignedOnly", &condition(json!({ "StringNotEquals": { "s3:authType": "REST-QUERY-STRING" } })))),
    ]
    .concat();
    insta::assert_snapshot!(text);
}

#[test]
fn where_nothing_allows_the_nearest_statement_is_told() {
    let case = |title: &str, policy: Option<Value>| read(title, &facts(policy.as_ref()));
    let text = [
        case("no policy", None),
        case("no Allow", Some(json!({ "Version": "2012-10-17", "Statement": [deny("NoDelete", &json!({ "Action": "s3:DeleteObject" }))] }))),
        case("another principal", Some(only(allow(&json!({ "Principal": { "AWS": "arn:aws:iam::258327614892:role/external_s3_old" } }))))),
        case("a deleted principal", Some(only(allow(&json!({ "Principal": { "AWS": "AROAEXAMPLEEXAMPLE123" } }))))),
        case("a wildcard in the principal", Some(only(allow(&json!({ "Principal": { "AWS": "arn:aws:iam::258327614892:role/*" } }))))),
        case("another prefix", Some(only(allow(&json!({ "Resource": "arn:aws:s3:::acme-lidar/labels/*" }))))),
        case("the bucket instead of its objects", Some(only(allow(&json!({ "Resource": "arn:aws:s3:::acme-lidar" }))))),
        case("another action", Some(only(allow(&json!({ "Action": ["s3:ListBucket", "s3:GetBucketLocation"] }))))),
        case("a condition that Darwin fails", Some(only(allow(&json!({ "Condition": { "StringEquals": { "aws:PrincipalAccount": "111122223333" } } }))))),
    ]
    .concat();
    insta::assert_snapshot!(text);
}

#[test]
fn what_a_verdict_hangs_on_is_told_with_the_statement() {
    let condition = |condition: Value| json!({ "Condition": condition });
    let case = |title: &str, statement: Value| read(title, &facts(Some(&beside(&[statement]))));
    let text = [
        case("VPC endpoint", deny("DenyOutsideVpc", &condition(json!({ "StringNotEquals": { "aws:SourceVpce": "vpce-0a1b2c" } })))),
        case("source address", deny("Office", &condition(json!({ "NotIpAddress": { "aws:SourceIp": ["203.0.113.0/24", "198.51.100.0/24"] } })))),
        case("organization", deny("OrgOnly", &condition(json!({ "StringNotEqualsIfExists": { "aws:PrincipalOrgID": "o-abc" } })))),
        case("object tags", deny("Quarantine", &condition(json!({ "StringEquals": { "s3:ExistingObjectTag/scan": "infected" } })))),
        case("principal tags", deny("Team", &condition(json!({ "StringNotEquals": { "aws:PrincipalTag/team": "labelling" } })))),
        case("an element that AWS does not have", deny("Odd", &json!({ "Principle": "*" }))),
        case("an operator that AWS does not have", deny("Odd", &condition(json!({ "StringIs": { "aws:username": "x" } })))),
        case("several keys in one statement", deny("Perimeter", &condition(json!({ "StringNotEquals": { "aws:SourceVpce": "vpce-0a1b2c" }, "NotIpAddress": { "aws:SourceIp": "203.0.113.0/24" } })))),
        read("an Allow", &facts(Some(&only(allow(&condition(json!({ "IpAddress": { "aws:SourceIp": "203.0.113.0/24" } }))))))),
        read("an Allow by NotPrincipal", &facts(Some(&only(deny("Others", &json!({ "Effect": "Allow", "Principal": null, "NotPrincipal": { "AWS": "arn:aws:iam::444455556666:root" } })))))),
    ]
    .concat();
    insta::assert_snapshot!(text);
}

#[test]
fn the_gates_beside_the_policy_are_told() {
    let public = beside(&[
        json!({ "Sid": "Website", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-lidar/site/*" }),
    ]);
    let block = |on| PublicAccessBlock {
        block_public_acls: on,
        ignore_public_acls: on,
        block_public_policy: on,
        restrict_public_buckets: on,
    };
    let refused = |operation| AwsError {
        operation,
        class: ErrorClass::Denied,
        code: Some("AccessDenied".into()),
        status: Some(403),
        message: "Access Denied".into(),
        request_id: None,
    };
    let base = || facts(Some(&beside(&[])));
    let text = [
        read(
            "a public policy under RestrictPublicBuckets",
            &AccessFacts {
                public_access_block: Some(Ok(Some(block(true)))),
                policy_is_public: Some(Ok(Some(true))),
                ..facts(Some(&public))
            },
        ),
        read(
            "a public policy, the account's setting not read",
            &AccessFacts { policy_is_public: Some(Ok(Some(true))), ..facts(Some(&public)) },
        ),
        read(
            "perhaps public",
            &AccessFacts { public_access_block: Some(Ok(Some(block(true)))), ..facts(Some(&public)) },
        ),
        read("the owner is not known", &AccessFacts { ownership: Some(Ok(Some(Ownership::ObjectWriter))), ..base() }),
        read("requester pays", &AccessFacts { requester_pays: Ok(true), ..base() }),
        read("the policy was not read", &AccessFacts { policy: Err(refused(Operation::GetBucketPolicy)), ..base() }),
    ]
    .concat();
    insta::assert_snapshot!(text);
}

fn key(policy: Option<&Value>, grants: &[Value], state: &str) -> KeyFacts {
    KeyFacts {
        key: KEY.into(),
        metadata: Ok(KeyMetadata {
            arn: KEY.into(),
            account: "111122223333".into(),
            state: state.into(),
            manager: "CUSTOMER".into(),
            ..KeyMetadata::default()
        }),
        policy: policy.map(|policy| Ok(Rc::new(PolicyDocument::parse(policy.to_string())))),
        grants: Some(Ok(Rc::new(grants.iter().map(GrantListEntry::from_value).collect()))),
    }
}

/// The finding of a key: what is published.
fn key_told(title: &str, facts: &KeyFacts) -> String {
    let (darwin, home) = (darwin(), home());
    let question = KeyQuestion { action: "kms:Decrypt", context_arn: Some(OBJECT) };
    let asker = Asker { darwin: &darwin, home: &home, now: NOW, rcps: &[] };
    let verdict = judge_key(facts, question, asker);
    let found = key_finding(facts, &verdict, Under::Objects, Access::ReadOnly, asker);
    let found = found.map(|found| words(&found, "acme-lidar", &home));
    let because = found.as_ref().map_or_else(|| sentences(&verdict.because), |found| found.because.clone());
    let kind = found.map_or_else(|| "no finding".to_owned(), |found| found.kind.name().to_owned());
    told(&format!("{title} ({kind})"), &verdict, &because)
}

#[test]
fn a_keys_verdict_says_whether_policy_grant_or_state_decides() {
    let root = json!({ "Sid": "Enable IAM", "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::111122223333:root" }, "Action": "kms:*", "Resource": "*" });
    let policy = |more: &[Value]| {
        let mut all = vec![root.clone()];
        all.extend(more.iter().cloned());
        json!({ "Version": "2012-10-17", "Statement": all })
    };
    let given = json!({ "Sid": "Darwin", "Effect": "Allow", "Principal": { "AWS": ROLE }, "Action": "kms:Decrypt", "Resource": "*" });
    let grant = |with: Value| {
        let mut grant =
            json!({ "GrantId": "0c237476b39f", "KeyId": KEY, "GranteePrincipal": ROLE, "Operations": ["Decrypt"] });
        for (name, value) in with.as_object().unwrap() {
            grant[name] = value.clone();
        }
        grant
    };
    let bare = policy(&[]);
    let full = policy(&[given]);
    let refused = |operation, class| AwsError {
        operation,
        class,
        code: None,
        status: Some(400),
        message: "Access Denied".into(),
        request_id: None,
    };
    let foreign = KeyFacts {
        key: "arn:aws:kms:eu-central-1:444455556666:key/9".into(),
        metadata: Err(refused(Operation::DescribeKey, ErrorClass::Denied)),
        policy: None,
        grants: Some(Err(refused(Operation::ListGrants, ErrorClass::Denied))),
    };
    let mut managed = key(Some(&bare), &[], "Enabled");
    if let Ok(metadata) = &mut managed.metadata {
        metadata.manager = "AWS".into();
    }
    let gone =
        KeyFacts { metadata: Err(refused(Operation::DescribeKey, ErrorClass::NotFound)), ..key(None, &[], "Enabled") };
    let text = [
        key_told("allowed by the key policy", &key(Some(&full), &[], "Enabled")),
        key_told("allowed by a grant", &key(Some(&bare), &[grant(json!({}))], "Enabled")),
        key_told("a key policy without Darwin", &key(Some(&bare), &[], "Enabled")),
        key_told("a grant to somebody else", &key(Some(&bare), &[grant(json!({ "GranteePrincipal": "arn:aws:iam::111122223333:role/app" }))], "Enabled")),
        key_told("a grant of other operations", &key(Some(&bare), &[grant(json!({ "Operations": ["Encrypt"] }))], "Enabled")),
        key_told("a grant whose constraints do not fit", &key(Some(&bare), &[grant(json!({ "Constraints": { "EncryptionContextSubset": { "aws:s3:arn": "arn:aws:s3:::other" } } }))], "Enabled")),
        key_told("a grant whose constraints are exact", &key(Some(&bare), &[grant(json!({ "Constraints": { "EncryptionContextEquals": { "aws:s3:arn": OBJECT } } }))], "Enabled")),
        key_told("a grant to Darwin's account", &key(Some(&bare), &[grant(json!({ "GranteePrincipal": "arn:aws:iam::258327614892:root" }))], "Enabled")),
        key_told("a Deny", &key(Some(&policy(&[json!({ "Sid": "ViaEc2Only", "Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*", "Condition": { "StringNotEquals": { "kms:ViaService": "ec2.eu-central-1.amazonaws.com" } } })])), &[grant(json!({}))], "Enabled")),
        key_told("disabled", &key(Some(&full), &[], "Disabled")),
        key_told("pending deletion", &key(Some(&full), &[], "PendingDeletion")),
        key_told("pending import", &key(Some(&full), &[], "PendingImport")),
        key_told("deleted", &gone),
        key_told("the AWS managed key", &managed),
        key_told("another account's key", &foreign),
    ]
    .concat();
    insta::assert_snapshot!(text);
}

#[test]
fn a_missing_statement_is_told_once_for_reading_and_writing() {
    let contract = Contract {
        bucket: "acme-lidar".into(),
        access: Access::ReadWrite,
        read_prefixes: Vec::new(),
        prefix: None,
        not_read: Vec::new(),
        scope_writes: false,
        list: false,
    };
    let other = json!({ "AWS": "arn:aws:iam::444455556666:root" });
    let policies = [
        ("no policy", None),
        (
            "another principal",
            Some(only(allow(
                &json!({ "Sid": "Partner", "Principal": other, "Action": ["s3:GetObject", "s3:PutObject"] }),
            ))),
        ),
        ("another principal, reading only", Some(only(allow(&json!({ "Sid": "Partner", "Principal": other }))))),
        (
            "another prefix",
            Some(only(allow(
                &json!({ "Sid": "Labels", "Resource": "arn:aws:s3:::acme-lidar/labels/*", "Action": "s3:*" }),
            ))),
        ),
        ("another action", Some(only(allow(&json!({ "Action": "s3:GetObjectTagging" }))))),
    ];
    let mut text = String::new();
    for (title, policy) in policies {
        let policy = policy.map(|policy| PolicyDocument::parse(policy.to_string()));
        let assessed = merge::assess_policy(
            policy.as_ref(),
            &contract,
            &darwin(),
            &home(),
            Ceiling::Flag,
            NOW,
            Precedent::default(),
        );
        let found = words(&assessed.drift.unwrap(), "acme-lidar", &home());
        text.push_str(&format!("# {title} ({})\n- {}\n\n", found.kind.name(), found.because.join("\n- ")));
    }
    insta::assert_snapshot!(text);
}
