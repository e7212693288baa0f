//! The bucket policy's assessment and merge: `tests/cases/merge.json`, and laws over random documents.

use crate::world;
use darwin_s3_guard::judge::darwin::s3_request;
use darwin_s3_guard::model::aws::{AwsError, ErrorClass, Operation};
use darwin_s3_guard::model::contract::{Access, Ceiling, Contract, Darwin, Home};
use darwin_s3_guard::model::finding::{Finding, Kind, Severity};
use darwin_s3_guard::model::time::Timestamp;
use darwin_s3_guard::model::verdict::{Decision, Reader};
use darwin_s3_guard::policy::document::PolicyDocument;
use darwin_s3_guard::policy::evaluate::evaluate;
use darwin_s3_guard::policy::request::{ObjectOwner, Settings};
use darwin_s3_guard::repair::policy::conditional::Precedent;
use darwin_s3_guard::repair::policy::{
    MAX_BYTES, PolicyAssessment, assess_policy, dead_principal, others, policy_with_ours,
};
use darwin_s3_guard::report::finding::{FindingAnswer, words};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;

mod laws;

const ROLE: &str = "arn:aws:iam::258327614892:role/external_s3";
const NOW: Timestamp = Timestamp::from_millis(1_795_608_000_000);
const BUCKET: &str = "acme-lidar";

/// One case of `tests/cases/merge.json`. A `before` or `after` that is a string is the document's text; one that is an
/// object stands for its compact form; null is no policy, and nothing to write.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    why: String,
    contract: Terms,
    ceiling: Option<String>,
    partition: Option<String>,
    role: Option<String>,
    before: Value,
    after: Value,
    drift: Option<String>,
    findings: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Terms {
    access: Option<Access>,
    #[serde(default)]
    read_prefixes: Vec<String>,
    prefix: Option<String>,
    #[serde(default)]
    scope_writes: bool,
    #[serde(default)]
    list: bool,
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn parse(text: &str) -> PolicyDocument {
    PolicyDocument::parse(text)
}

fn darwin(role: &str) -> Darwin {
    Darwin { role: role.to_owned(), account: role.split(':').nth(4).unwrap().to_owned(), ..world::darwin() }
}

fn home(partition: &str) -> Home {
    Home { partition: partition.to_owned(), ..world::home() }
}

fn contract(access: Access) -> Contract {
    Contract {
        bucket: BUCKET.to_owned(),
        access,
        read_prefixes: Vec::new(),
        prefix: None,
        not_read: Vec::new(),
        scope_writes: false,
        list: false,
    }
}

fn settings() -> Settings {
    Settings { restrict_public_buckets: None, policy_is_public: Some(false), object_owner: ObjectOwner::BucketOwner }
}

/// What one key's own verdict is.
pub fn read_by_servers(policy: &PolicyDocument, key: &str) -> String {
    let request = s3_request(&darwin(ROLE), &home("aws"), "s3:GetObject", BUCKET, Some(key), Reader::Server, NOW);
    evaluate(Some(policy), &request, &settings()).decision.to_string()
}

fn assess(before: Option<&str>, contract: &Contract, ceiling: Ceiling) -> PolicyAssessment {
    let before = before.map(PolicyDocument::parse);
    assess_policy(before.as_ref(), contract, &darwin(ROLE), &home("aws"), ceiling, NOW, Precedent::default())
}

fn malformed() -> AwsError {
    AwsError {
        operation: Operation::PutBucketPolicy,
        class: ErrorClass::Permanent,
        code: Some("MalformedPolicy".into()),
        status: Some(400),
        message: "Invalid principal in policy".into(),
        request_id: None,
    }
}

fn told(found: &Finding) -> FindingAnswer {
    words(found, BUCKET, &home("aws"))
}

fn in_full(found: &Finding) -> String {
    let FindingAnswer { because, remedy, .. } = told(found);
    format!("{}\n\n{remedy}", because.join("\n"))
}

fn kinds(assessed: &PolicyAssessment) -> Vec<&'static str> {
    let mut kinds: Vec<&str> = assessed.findings.iter().map(|finding| finding.kind().name()).collect();
    kinds.sort_unstable();
    kinds
}

#[test]
fn every_case_is_repaired_or_told_as_written_and_only_once() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../cases/merge.json")).unwrap();
    let mut wrong = Vec::new();
    for case in &cases {
        let Terms { access, read_prefixes, prefix, scope_writes, list } = &case.contract;
        let contract = Contract {
            read_prefixes: read_prefixes.clone(),
            prefix: prefix.clone(),
            not_read: Vec::new(),
            scope_writes: *scope_writes,
            list: *list,
            ..contract(access.unwrap_or(Access::ReadOnly))
        };
        let ceiling = match case.ceiling.as_deref() {
            None => Ceiling::Flag,
            Some("enforce") => Ceiling::Enforce,
            Some(other) => panic!("{}: no such ceiling: {other}", case.name),
        };
        let darwin = darwin(case.role.as_deref().unwrap_or(ROLE));
        let home = home(case.partition.as_deref().unwrap_or("aws"));
        let judge = |before: Option<&str>| {
            assess_policy(
                before.map(PolicyDocument::parse).as_ref(),
                &contract,
                &darwin,
                &home,
                ceiling,
                NOW,
                Precedent::default(),
            )
        };
        let (before, after) = (text(&case.before), text(&case.after));
        let assessed = judge(before.as_deref());
        let mut findings: Vec<&str> = case.findings.iter().map(String::as_str).collect();
        findings.sort_unstable();
        let got = (assessed.drift.as_ref().map(|drift| drift.kind().name()), kinds(&assessed));
        let want = (case.drift.as_deref(), findings);
        if got != want {
            wrong.push(format!("{} ({}):\n  got  {got:?}\n  want {want:?}\n  {assessed:?}", case.name, case.why));
        } else if assessed.proposed != after {
            wrong.push(format!("{}:\n  got  {:?}\n  want {after:?}", case.name, assessed.proposed));
        }
        if let Some(proposed) = &assessed.proposed {
            let again = judge(Some(proposed));
            if (again.drift.is_some(), &again.proposed) != (false, &None) {
                wrong.push(format!("{}: a second run is not quiet: {again:?}", case.name));
            }
            if !matches!(case.name.as_str(), "not-action-gutted") && ceiling == Ceiling::Flag {
                let put_in = before.map(|before| policy_with_ours(&parse(&before), &contract, &darwin, &home));
                if put_in.is_some_and(|put_in| put_in.as_ref() != Some(proposed)) {
                    wrong.push(format!("{}: the lost-update command would write another document", case.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    let mut names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), cases.len(), "names are unique");
}

fn statement(sid: &str, resource: &str) -> String {
    format!(
        r#"{{"Sid":"{sid}","Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::111122223333:role/team"}},"Action":"s3:GetObject","Resource":"{resource}"}}"#
    )
}

/// A document of exactly so many bytes, none of them ours.
fn document_of(bytes: usize) -> String {
    let with = |length: usize| {
        let resource = format!("arn:aws:s3:::{BUCKET}/{}", "x".repeat(length));
        format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statement("Team", &resource))
    };
    with(bytes - with(0).len())
}

#[test]
fn a_repair_that_s3_would_not_take_is_a_finding_and_no_write() {
    let small = document_of(500);
    let contract = contract(Access::ReadWrite);
    let ours = assess(Some(&small), &contract, Ceiling::Flag).proposed.unwrap().len() - small.len();
    let fits = assess(Some(&document_of(MAX_BYTES - ours)), &contract, Ceiling::Flag);
    assert_eq!((kinds(&fits), fits.proposed.map(|text| text.len())), (vec![], Some(MAX_BYTES)));
    let too_large = assess(Some(&document_of(MAX_BYTES - ours + 1)), &contract, Ceiling::Flag);
    assert_eq!((kinds(&too_large), too_large.proposed), (vec![Kind::PolicyLimit.name()], None));
    assert_eq!(too_large.drift.unwrap().kind(), Kind::PolicyMissing);
    insta::assert_snapshot!(told(&too_large.findings[0]).because[0], @"with Darwin's statement the policy would have 20481 bytes without spaces; S3 takes 20480");
}

#[test]
fn space_between_elements_does_not_count_towards_the_limit() {
    let spaced = document_of(10_000).replacen(',', &format!(",{}", " ".repeat(15_000)), 1);
    assert!(assess(Some(&spaced), &contract(Access::ReadOnly), Ceiling::Flag).proposed.is_some());
}

#[test]
fn a_deny_is_named_with_what_it_hits_and_the_remedy() {
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":[{},
            {{"Sid":"NoSecrets","Effect":"Deny","Principal":"*","Action":"s3:Get*","Resource":"arn:aws:s3:::{BUCKET}/secret/*"}}]}}"#,
        statement("Team", "arn:aws:s3:::acme-lidar/*")
            .replace("111122223333:role/team", "258327614892:role/external_s3")
    );
    let assessed = assess(Some(&text), &contract(Access::ReadOnly), Ceiling::Flag);
    let [deny] = assessed.findings.as_slice() else { panic!("{assessed:?}") };
    assert_eq!((deny.kind(), deny.severity, deny.cause.as_str()), (Kind::PartDenied, Severity::Warning, "NoSecrets"));
    insta::assert_snapshot!(in_full(deny), @r#"
    statement `NoSecrets` (index 1) denies Darwin: it has no Condition that spares Darwin
    it denies s3:GetObject on keys like `arn:aws:s3:::acme-lidar/secret/*`

    If Darwin is to read this part, exempt its role from the Deny.

    aws s3api get-bucket-policy --region eu-central-1 --bucket acme-lidar --expected-bucket-owner 111122223333 --query Policy --output text > policy.json &&
    jq '.Statement |= ([.] | flatten) | if .Statement[1].Sid == "NoSecrets" then .Statement[1].Condition.ArnNotEquals."aws:PrincipalArn" |= ([., "arn:aws:iam::258327614892:role/external_s3"] | flatten | map(values)) else error("the policy was changed") end' policy.json > new-policy.json &&
    aws s3api put-bucket-policy --region eu-central-1 --bucket acme-lidar --expected-bucket-owner 111122223333 --policy file://new-policy.json

    Needs s3:GetBucketPolicy, s3:PutBucketPolicy and jq. If Darwin need not read it, add it to the guard's parameter NotReadPrefixes (the function's NOT_READ_PREFIXES): it is not reported again then.
    "#);
}

#[test]
fn a_statement_without_a_sid_keeps_its_incident_wherever_it_moves() {
    let deny = format!(r#"{{"Effect":"Deny","Principal":"*","Action":"*","Resource":"arn:aws:s3:::{BUCKET}/*"}}"#);
    let team = statement("Team", "arn:aws:s3:::acme-lidar/*");
    let cause = |statements: &str| {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        let assessed = assess(Some(&text), &contract(Access::ReadOnly), Ceiling::Flag);
        assessed.findings.iter().find(|finding| finding.kind() == Kind::ExplicitDeny).unwrap().cause.clone()
    };
    assert_eq!(cause(&deny), cause(&format!("{team},{}", deny.replace("\":", "\" : "))));
}

#[test]
fn what_is_wider_is_shown_as_a_diff() {
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"DarwinAccess","Effect":"Allow","Principal":{{"AWS":"{ROLE}"}},"Action":["s3:GetObject","s3:DeleteObject"],"Resource":"arn:aws:s3:::{BUCKET}/*"}}]}}"#
    );
    let assessed = assess(Some(&text), &contract(Access::ReadOnly), Ceiling::Flag);
    let [wider] = assessed.findings.as_slice() else { panic!("{assessed:?}") };
    insta::assert_snapshot!(in_full(wider), @r#"
    statement `DarwinAccess` (index 0) also allows Darwin `s3:DeleteObject` on `arn:aws:s3:::acme-lidar/*`

    Take `s3:DeleteObject` out of statement `DarwinAccess` (index 0) of the bucket policy.

    --- a/acme-lidar/policy
    +++ b/acme-lidar/policy
    @@ -7,10 +7,7 @@
           "Principal": {
             "AWS": "arn:aws:iam::258327614892:role/external_s3"
           },
    -      "Action": [
    -        "s3:GetObject",
    -        "s3:DeleteObject"
    -      ],
    +      "Action": "s3:GetObject",
           "Resource": "arn:aws:s3:::acme-lidar/*"
         }
       ]

    With its parameter Ceiling set to enforce, the guard does it by itself.
    "#);
}

#[test]
fn a_drift_says_what_is_missing() {
    let text =
        format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statement("Team", "arn:aws:s3:::acme-lidar/*"));
    let drift = assess(Some(&text), &contract(Access::ReadWrite), Ceiling::Flag).drift.unwrap();
    insta::assert_snapshot!(in_full(&drift), @r#"
    Darwin's statement is missing, and no other statement allows s3:GetObject or s3:PutObject
    nothing in the bucket policy allows it: statement `Team` (index 0) would allow, but its Principal is `arn:aws:iam::111122223333:role/team`, not Darwin's `arn:aws:iam::258327614892:role/external_s3`, and its Action is `s3:GetObject`, not s3:PutObject

    Restore Darwin's policy statement.

    aws s3api get-bucket-policy --region eu-central-1 --bucket acme-lidar --expected-bucket-owner 111122223333 --query Policy --output text > policy.json &&
    jq 'def statements: [.Statement] | flatten; {"Version":"2012-10-17","Statement":[{"Sid":"Team","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/team"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-lidar/*"},{"Sid":"DarwinAccess","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::258327614892:role/external_s3"},"Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::acme-lidar/*"}]} as $new | ($new | statements) as $all | statements as $others | if $others - $all == [] and ($all - $others | all(.Effect == "Allow" and ([.Principal | objects | .AWS] | flatten) == ["arn:aws:iam::258327614892:role/external_s3"])) then $new else error("the policy was changed") end' policy.json > new-policy.json &&
    aws s3api put-bucket-policy --region eu-central-1 --bucket acme-lidar --expected-bucket-owner 111122223333 --policy file://new-policy.json

    All other statements stay. If they were changed meanwhile, it stops. Needs s3:GetBucketPolicy, s3:PutBucketPolicy and jq.
    "#);
}

#[test]
fn somebodys_deleted_principals_are_named() {
    let dead = statement("Team", "arn:aws:s3:::acme-lidar/*")
        .replace("\"arn:aws:iam::111122223333:role/team\"", "[\"arn:aws:iam::1:root\",\"AIDATXYEXAMPLE7ABCDEF\"]");
    let ours = statement("DarwinAccess", "arn:aws:s3:::acme-lidar/*")
        .replace("arn:aws:iam::111122223333:role/team", "AROATXYEXAMPLE7ABCDEF");
    let text = format!(r#"{{"Statement":[{ours},{dead}]}}"#);
    let found = dead_principal(&parse(&text), &darwin(ROLE), &malformed()).unwrap();
    assert_eq!(found.kind(), Kind::DeadPrincipal);
    insta::assert_snapshot!(told(&found).because[0], @"statement `Team` (index 1) names a principal that was deleted, and S3 refuses every write of such a policy");
    assert_eq!(dead_principal(&parse(&format!(r#"{{"Statement":[{ours}]}}"#)), &darwin(ROLE), &malformed()), None);
}

#[test]
fn the_reasons_of_a_drift_name_a_statement_by_its_place_in_the_document_that_was_read() {
    let deny = statement("Team", "arn:aws:s3:::acme-lidar/*").replace("Allow", "Deny");
    let gutted =
        statement("DarwinAccess", "arn:aws:s3:::acme-lidar/raw/*").replace("arn:aws:iam::111122223333:role/team", ROLE);
    let before = format!(r#"{{"Statement":[{deny},{gutted}]}}"#);
    let drift = told(&assess(Some(&before), &contract(Access::ReadOnly), Ceiling::Flag).drift.unwrap());
    let named: Vec<&String> = drift.because.iter().filter(|because| because.contains("`DarwinAccess`")).collect();
    assert_eq!(named.len(), 2, "{:?}", drift.because);
    assert!(named.iter().all(|because| because.contains("`DarwinAccess` (index 1)")), "{named:?}");
}

#[test]
fn a_principal_that_is_written_twice_in_one_statement_is_not_taken_for_ours_alone() {
    let principal = format!(r#"{{"AWS":"arn:aws:iam::444455556666:root","AWS":"{ROLE}"}}"#);
    let theirs = format!(
        r#"{{"Sid":"DarwinAccess","Effect":"Allow","Principal":{principal},"Action":"s3:PutObject","Resource":"arn:aws:s3:::{BUCKET}/x/*"}}"#
    );
    let before = format!(r#"{{"Version":"2012-10-17","Statement":[{theirs}]}}"#);
    let assessed = assess(Some(&before), &contract(Access::ReadOnly), Ceiling::Enforce);
    assert!(assessed.proposed.is_none_or(|after| after.contains(&theirs)));
}
