use super::*;
use crate::model::arn::AccountId;
use crate::model::aws::{ErrorClass, Operation};
use crate::model::time::Timestamp;
use crate::policy::document::PARSED;

const OURS: &str = r#"{"Sid":"DarwinAccess","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::258327614892:role/external_s3"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-lidar/*"}"#;
const DENY: &str =
    r#"{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-lidar/secret/*"}"#;

/// How many texts were parsed, and how many documents proposed, from a document that was parsed already.
fn parsed(statements: &[&str]) -> (usize, usize) {
    let contract = Contract {
        bucket: "acme-lidar".into(),
        access: crate::model::contract::Access::ReadOnly,
        read_prefixes: Vec::new(),
        prefix: None,
        not_read: Vec::new(),
        scope_writes: false,
        list: false,
    };
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
    let document = PolicyDocument::parse(format!(r#"{{"Statement":[{}]}}"#, statements.join(",")));
    let before = PARSED.get();
    let assessed = assess_policy(
        Some(&document),
        &contract,
        &darwin,
        &home,
        Ceiling::Flag,
        Timestamp::from_millis(1_795_780_800_000),
        Precedent::default(),
    );
    let _ = others(&document, &darwin);
    let call = AwsError {
        operation: Operation::PutBucketPolicy,
        class: ErrorClass::Permanent,
        code: Some("MalformedPolicy".to_owned()),
        status: Some(400),
        message: "Invalid principal in policy".to_owned(),
        request_id: None,
    };
    let _ = dead_principal(&document, &darwin, &call);
    let _ = policy_with_ours(&document, &contract, &darwin, &home);
    (PARSED.get() - before, usize::from(assessed.proposed.is_some()))
}

#[test]
fn a_policy_that_was_read_is_parsed_once_and_beside_it_only_the_document_that_is_proposed() {
    assert_eq!(parsed(&[OURS]), (0, 0));
    assert_eq!(parsed(&[DENY, OURS]), (0, 0));
    assert_eq!(parsed(&[DENY]), (1, 1));
}
