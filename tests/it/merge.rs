//! The bucket policy's assessment and merge: `tests/cases/merge.json`, and laws over random documents.

use darwin_s3_guard::contract::{Access, Ceiling, Contract, Darwin, Home};
use darwin_s3_guard::finding::Kind;
use darwin_s3_guard::policy::merge::{
    MAX_BYTES, PolicyAssessment, assess_policy, dead_principal, foreign_statements, policy_with_ours,
};
use darwin_s3_guard::policy::raw::RawPolicy;
use darwin_s3_guard::policy::{PolicyDocument, evaluate};
use darwin_s3_guard::request::{ObjectOwner, Reader, Settings, s3_request};
use darwin_s3_guard::verdict::Decision;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;

const ROLE: &str = "arn:aws:iam::258327614892:role/external_s3";
const NOW: &str = "2026-11-25T12:00:00Z";
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
    #[serde(default)]
    unsettled: bool,
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

fn darwin(role: &str) -> Darwin {
    Darwin {
        role: role.to_owned(),
        account: role.split(':').nth(4).unwrap().to_owned(),
        origin: "https://darwin.v7labs.com".to_owned(),
        sid: "DarwinAccess".to_owned(),
        team: None,
    }
}

fn home(partition: &str) -> Home {
    Home { account: "111122223333".to_owned(), region: "eu-central-1".to_owned(), partition: partition.to_owned() }
}

fn contract(access: Access) -> Contract {
    Contract {
        bucket: BUCKET.to_owned(),
        access,
        read_prefixes: Vec::new(),
        prefix: None,
        scope_writes: false,
        list: false,
    }
}

fn settings() -> Settings {
    Settings {
        restrict_public_buckets: None,
        policy_is_public: Some(false),
        object_owner: ObjectOwner::BucketOwner,
    }
}

fn assess(before: Option<&str>, contract: &Contract, ceiling: Ceiling) -> PolicyAssessment {
    assess_policy(before, contract, &darwin(ROLE), &home("aws"), ceiling, &settings(), NOW)
}

fn kinds(assessed: &PolicyAssessment) -> Vec<&'static str> {
    let mut kinds: Vec<&str> = assessed.findings.iter().map(|finding| finding.kind.name()).collect();
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
            assess_policy(before, &contract, &darwin, &home, ceiling, &settings(), NOW)
        };
        let (before, after) = (text(&case.before), text(&case.after));
        let assessed = judge(before.as_deref());
        let mut findings: Vec<&str> = case.findings.iter().map(String::as_str).collect();
        findings.sort_unstable();
        let got = (assessed.drift.as_ref().map(|drift| drift.kind.name()), kinds(&assessed), assessed.unsettled);
        let want = (case.drift.as_deref(), findings, case.unsettled);
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
                let put_in = before.map(|before| policy_with_ours(&before, &contract, &darwin, &home));
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
