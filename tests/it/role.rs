//! The roles of the template, as they are written for a deployed stack, asked about the calls of the code and about others.
//!
//! Both evaluators answer, the crate's and the reference. `tests/cases/roles.json` has the roles of each mode;
//! `tests/e2e/test_template.py` makes it from `template.yaml` and holds it to that.

use crate::reference;
use darwin_s3_guard::model::aws::Operation;
use darwin_s3_guard::model::verdict::Decision;
use darwin_s3_guard::policy::document::PolicyDocument;
use darwin_s3_guard::policy::evaluate::evaluate;
use darwin_s3_guard::policy::request::{ObjectOwner, Request, RequestContext, Settings};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

const ACCOUNT: &str = "111122223333";
const READ: &str = "arn:aws:s3:::acme-slides";
const WRITTEN: &str = "arn:aws:s3:::acme-lidar";
const BUCKETS: [&str; 2] = [READ, WRITTEN];
const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/8a5b1f00-c94c-11f0-a1b2-0a1b2c3d4e5f";
const KEY_OF_OTHERS: &str = "arn:aws:kms:eu-central-1:444455556666:key/11111111-2222-3333-4444-555555555555";
const LOGS: &str = "arn:aws:logs:eu-central-1:111122223333:log-group:/aws/lambda/darwin-s3-guard-guard:log-stream:x";
const REPORT: &str = "darwin-guard-scan-report/job-1/results/a.csv";
const THROUGH: &str = "kms:ViaService";
const S3: &str = "s3.eu-central-1.amazonaws.com";
const SNS: &str = "sns.eu-central-1.amazonaws.com";

static HELD: LazyLock<Value> = LazyLock::new(|| {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/roles.json");
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
});

fn held() -> &'static Value {
    &HELD
}

/// The ARN of a resource of the stack.
fn arn(name: &str) -> String {
    held()["arns"][name].as_str().unwrap_or_else(|| panic!("no ARN of {name}")).to_owned()
}

/// The statements of a role in a mode.
fn statements(mode: &str, role: &str) -> Vec<Value> {
    let policies = held()["modes"][mode][role]["policies"].as_object().unwrap().clone();
    policies.values().flat_map(|policy| policy["Statement"].as_array().unwrap().clone()).collect()
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Call {
    action: String,
    on: String,
    /// Through which service, of a call to KMS.
    through: Option<&'static str>,
}

fn call(action: &str, on: impl Into<String>) -> Call {
    Call { action: action.to_owned(), on: on.into(), through: None }
}

fn through(service: &'static str, action: &str, on: &str) -> Call {
    Call { through: Some(service), ..call(action, on) }
}

/// What both evaluators say. A role's own policy names no principal: it is about whoever has the role.
fn may(statements: &[Value], call: &Call) -> bool {
    let mut statements = statements.to_vec();
    for statement in &mut statements {
        statement["Principal"] = json!("*");
    }
    let policy = json!({"Version": "2012-10-17", "Statement": statements});
    let context = RequestContext::default();
    let context = match call.through {
        Some(service) => context.known(THROUGH, service),
        None => context.absent(THROUGH),
    };
    let request = Request {
        action: call.action.clone(),
        resource: call.on.clone(),
        resource_account: ACCOUNT.to_owned(),
        principal: arn("GuardRole"),
        context,
    };
    both(&policy, &request).unwrap_or_else(|| panic!("{call:?} is not decided"))
}

/// None: it depends.
fn both(policy: &Value, request: &Request) -> Option<bool> {
    let settings = Settings {
        restrict_public_buckets: Some(false),
        policy_is_public: Some(false),
        object_owner: ObjectOwner::BucketOwner,
    };
    let decision = evaluate(Some(&PolicyDocument::parse(policy.to_string())), request, &settings).decision;
    assert_eq!(reference::bucket(Some(policy), request, &settings).decision, Some(decision), "{request:?}");
    match decision {
        Decision::Allowed => Some(true),
        Decision::Denied => Some(false),
        Decision::Depends => None,
    }
}

/// Every call of the code on everything of a stack that it is made on, and what Lambda does with the role.
fn calls() -> Vec<Call> {
    let mut calls = Vec::new();
    for operation in Operation::ALL {
        let action = operation.iam_action();
        let on: Vec<String> = match action.split_once(':').unwrap().0 {
            "s3" if *operation == Operation::HeadObject => {
                BUCKETS.iter().map(|bucket| format!("{bucket}/raw/a b+ü.png")).collect()
            }
            "s3" => BUCKETS.iter().map(ToString::to_string).collect(),
            "kms" => vec![KEY.to_owned(), KEY_OF_OTHERS.to_owned()],
            "sns" => vec![arn("AlertTopic")],
            "dynamodb" => vec![arn("IncidentTable")],
            other => panic!("on what is {action} of {other} called?"),
        };
        calls.extend(on.into_iter().map(|on| call(action, on)));
    }
    for bucket in BUCKETS {
        // Of a version that an event names; and S3 asks for this one where an object is gone.
        calls.extend([call("s3:GetObjectVersion", format!("{bucket}/a.png")), call("s3:ListBucket", bucket)]);
    }
    for queue in ["ObjectQueue", "ConfigQueue"] {
        let of_lambda = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
        calls.extend(of_lambda.map(|action| call(action, arn(queue))));
    }
    calls.extend(["logs:CreateLogStream", "logs:PutLogEvents"].map(|action| call(action, LOGS)));
    calls
}

fn repairs() -> Vec<Call> {
    let actions = ["s3:PutBucketPolicy", "s3:PutBucketCORS"];
    BUCKETS.iter().flat_map(|bucket| actions.map(|action| call(action, *bucket))).collect()
}

fn notifications() -> Vec<Call> {
    BUCKETS.map(|bucket| call("s3:PutBucketNotification", bucket)).to_vec()
}

#[test]
fn each_mode_may_make_its_own_calls_and_not_those_of_the_next() {
    for (mode, refused) in [
        ("flag", [repairs(), notifications()].concat()),
        ("customer key", [repairs(), notifications()].concat()),
        ("batch jobs", [repairs(), notifications()].concat()),
        ("repair", notifications()),
        ("repair with EventBridge", vec![]),
    ] {
        let role = statements(mode, "GuardRole");
        let not: Vec<Call> = calls().into_iter().filter(|call| !may(&role, call)).collect();
        let (not, refused): (BTreeSet<_>, BTreeSet<_>) = (not.into_iter().collect(), refused.into_iter().collect());
        assert_eq!(not, refused, "{mode}");
    }
}

#[test]
fn each_statement_alone_gives_its_calls_and_without_any_one_of_them_a_call_is_refused() {
    for (mode, of_topic_key) in [("repair with EventBridge", false), ("customer key", true)] {
        let role = statements(mode, "GuardRole");
        let mut calls = calls();
        if of_topic_key {
            let key = ["kms:GenerateDataKey", "kms:Decrypt"].map(|action| through(SNS, action, KEY));
            assert!(key.iter().all(|call| may(&role, call)));
            assert!(!key.iter().any(|call| may(&statements("flag", "GuardRole"), call)), "without such a key");
            calls.extend(key);
        }
        let allowed: Vec<&Call> = calls.iter().filter(|call| may(&role, call)).collect();
        for (index, statement) in role.iter().enumerate().filter(|(_, statement)| statement["Effect"] == "Allow") {
            let alone: Vec<&Call> = calls.iter().filter(|call| may(std::slice::from_ref(statement), call)).collect();
            let mut rest = role.clone();
            rest.remove(index);
            let lost: Vec<&Call> = allowed.iter().copied().filter(|call| !may(&rest, call)).collect();
            assert_eq!(alone, lost, "{mode}, {}", statement["Sid"]);
            assert!(!lost.is_empty(), "{mode}: {} gives nothing", statement["Sid"]);
        }
    }
}

/// Names beside ours that a pattern too wide would take in.
fn beside(arn: &str) -> Vec<String> {
    let others = [
        format!("{arn}x"),
        arn[..arn.len() - 1].to_owned(),
        arn.replace("acme-", "other-acme-").replace("darwin-s3-guard", "other-darwin-s3-guard"),
        arn.replace(ACCOUNT, "444455556666").replace("acme-", "acme."),
        arn.replace("eu-central-1", "eu-west-1").replace("acme-", "ACME-"),
    ];
    others.into_iter().filter(|other| other != arn).collect()
}

#[test]
fn nothing_beside_the_stack_and_its_buckets_can_be_called_in_any_mode() {
    let mut asked = 0;
    for mode in held()["modes"].as_object().unwrap().keys() {
        let role = statements(mode, "GuardRole");
        for ours in calls() {
            let others: Vec<String> = if ours.action.starts_with("kms:") {
                // Any key of the Region, of any account: which keys objects are under is what the guard finds out.
                vec![ours.on.replace("eu-central-1", "eu-west-1"), ours.on.replace(":key/", ":alias/")]
            } else if let Some((bucket, key)) = ours.on.split_once('/').filter(|_| ours.on.starts_with("arn:aws:s3")) {
                beside(bucket).iter().map(|bucket| format!("{bucket}/{key}")).chain([bucket.to_owned()]).collect()
            } else if ours.on == LOGS {
                // Any stream of its own group, and of no other group.
                vec![LOGS.replace("-guard:", "-guard-2:"), LOGS.replace("darwin-s3-guard-guard", "another")]
            } else {
                beside(&ours.on)
            };
            for on in others {
                assert!(!may(&role, &call(&ours.action, on.clone())), "{mode}: {} on {on}", ours.action);
                asked += 1;
            }
        }
    }
    assert!(asked > 500, "{asked}");
}

#[test]
fn what_the_code_never_calls_is_refused_on_its_own_things_too() {
    let (table, topic, queue) = (arn("IncidentTable"), arn("AlertTopic"), arn("ObjectQueue"));
    let refused = [
        ["s3:PutObject", "s3:DeleteObject", "s3:PutObjectAcl", "s3:GetObjectTagging", "s3:RestoreObject"]
            .map(|action| call(action, format!("{WRITTEN}/darwin/a.png")))
            .to_vec(),
        [
            "s3:DeleteBucketPolicy",
            "s3:PutBucketTagging",
            "s3:TagResource",
            "s3:UntagResource",
            "s3:PutBucketAcl",
            "s3:PutEncryptionConfiguration",
            "s3:PutBucketPublicAccessBlock",
            "s3:PutBucketOwnershipControls",
            "s3:PutInventoryConfiguration",
            "s3:DeleteBucket",
        ]
        .map(|action| call(action, WRITTEN))
        .to_vec(),
        [
            "kms:PutKeyPolicy",
            "kms:CreateGrant",
            "kms:RevokeGrant",
            "kms:Encrypt",
            "kms:ScheduleKeyDeletion",
            "kms:EnableKey",
        ]
        .map(|action| call(action, KEY))
        .to_vec(),
        ["dynamodb:Scan", "dynamodb:BatchWriteItem", "dynamodb:DeleteTable", "dynamodb:UpdateTable"]
            .map(|action| call(action, table.clone()))
            .to_vec(),
        ["sns:Subscribe", "sns:SetTopicAttributes", "sns:DeleteTopic", "sns:AddPermission"]
            .map(|action| call(action, topic.clone()))
            .to_vec(),
        ["sqs:SendMessage", "sqs:PurgeQueue", "sqs:SetQueueAttributes"]
            .map(|action| call(action, queue.clone()))
            .to_vec(),
        vec![
            call("sqs:ReceiveMessage", arn("ObjectDeadLetterQueue")),
            call("logs:CreateLogGroup", LOGS),
            call("lambda:InvokeFunction", arn("GuardFunction")),
            call("lambda:UpdateFunctionConfiguration", arn("GuardFunction")),
            call("iam:PassRole", arn("GuardRole")),
            call("iam:PutRolePolicy", arn("GuardRole")),
            call("sts:AssumeRole", arn("GuardRole")),
        ],
    ]
    .concat();
    for mode in held()["modes"].as_object().unwrap().keys() {
        let role = statements(mode, "GuardRole");
        let given: Vec<&Call> = refused.iter().filter(|call| may(&role, call)).collect();
        assert!(given.is_empty(), "{mode}: {given:?}");
    }
}

#[test]
fn it_can_not_decrypt_through_s3_whatever_else_is_granted_to_it() {
    for mode in held()["modes"].as_object().unwrap().keys() {
        let mut role = statements(mode, "GuardRole");
        role.push(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
        for (service, may_decrypt) in [(S3, false), ("s3.us-west-2.amazonaws.com", false), (SNS, true)] {
            assert_eq!(may(&role, &through(service, "kms:Decrypt", KEY)), may_decrypt, "{mode}, {service}");
        }
        assert!(may(&role, &call("s3:DeleteBucketPolicy", WRITTEN)), "the Deny is of nothing else");
    }
}

#[test]
fn the_topics_key_is_used_through_sns_alone_and_no_other_key_is() {
    let role = statements("customer key", "GuardRole");
    for action in ["kms:GenerateDataKey", "kms:Decrypt"] {
        assert!(may(&role, &through(SNS, action, KEY)));
        assert!(!may(&role, &through(SNS, action, KEY_OF_OTHERS)));
        for elsewhere in [S3, "sns.eu-west-1.amazonaws.com", "sqs.eu-central-1.amazonaws.com"] {
            assert!(!may(&role, &through(elsewhere, action, KEY)), "{elsewhere}");
        }
        assert!(!may(&role, &call(action, KEY)), "by a call of its own");
    }
}

#[test]
fn a_batch_jobs_role_invokes_the_guard_lists_the_guarded_buckets_and_writes_its_reports_there() {
    let role = statements("batch jobs", "BatchJobRole");
    let mut given = vec![call("lambda:InvokeFunction", arn("GuardFunction"))];
    for bucket in BUCKETS {
        given.push(call("s3:PutInventoryConfiguration", bucket));
        given.push(call("s3:PutObject", format!("{bucket}/{REPORT}")));
    }
    for ours in &given {
        assert!(may(&role, ours), "{ours:?}");
        for on in beside(ours.on.split_once('/').map_or(ours.on.as_str(), |(bucket, _)| bucket)) {
            let on = if ours.action == "s3:PutObject" { format!("{on}/{REPORT}") } else { on };
            assert!(!may(&role, &call(&ours.action, on.clone())), "{} on {on}", ours.action);
        }
    }
    let never = [
        call("s3:PutObject", format!("{WRITTEN}/raw/a.png")),
        call("s3:PutObject", format!("{WRITTEN}/darwin-guard-scan-report")),
        call("s3:GetObject", format!("{WRITTEN}/raw/a.png")),
        call("s3:GetObject", format!("{WRITTEN}/{REPORT}")),
        call("s3:PutBucketPolicy", WRITTEN),
        call("s3:PutBucketCORS", WRITTEN),
        call("s3:PutBucketNotification", WRITTEN),
        call("lambda:InvokeFunction", format!("{}:1", arn("GuardFunction"))),
        call("lambda:UpdateFunctionCode", arn("GuardFunction")),
        through(S3, "kms:Decrypt", KEY),
        call("dynamodb:GetItem", arn("IncidentTable")),
        call("sns:Publish", arn("AlertTopic")),
    ];
    let given: Vec<&Call> = never.iter().filter(|call| may(&role, call)).collect();
    assert!(given.is_empty(), "{given:?}");
    for mode in ["flag", "repair", "repair with EventBridge", "customer key"] {
        assert!(held()["modes"][mode].get("BatchJobRole").is_none(), "{mode}");
    }
}

/// The service is in the trust as it is; the evaluators ask about its condition, as a request of anybody's.
#[test]
fn each_role_is_trusted_to_one_service_and_the_jobs_one_to_no_job_of_another_account() {
    for (role, service) in [
        ("GuardRole", "lambda.amazonaws.com"),
        ("GuardFunctionHourlyRole", "scheduler.amazonaws.com"),
        ("BatchJobRole", "batchoperations.s3.amazonaws.com"),
    ] {
        let trust = held()["modes"]["batch jobs"][role]["trust"].clone();
        let trusted: Vec<&Value> =
            trust["Statement"].as_array().unwrap().iter().map(|statement| &statement["Principal"]).collect();
        let one = trusted.iter().all(|principal| {
            **principal == json!({"Service": service}) || **principal == json!({"Service": [service]})
        });
        assert!(one && trusted.len() == 1, "{role}: {trusted:?}");
    }
    let mut trust = held()["modes"]["batch jobs"]["BatchJobRole"]["trust"].clone();
    trust["Statement"][0]["Principal"] = json!("*");
    trust["Statement"][0]["Resource"] = json!("*");
    let asked_from = |context: RequestContext| {
        let request = Request {
            action: "sts:AssumeRole".to_owned(),
            resource: arn("GuardRole"),
            resource_account: ACCOUNT.to_owned(),
            principal: arn("GuardRole"),
            context,
        };
        both(&trust, &request)
    };
    let source = "aws:SourceAccount";
    assert_eq!(asked_from(RequestContext::default().known(source, ACCOUNT)), Some(true));
    assert_eq!(asked_from(RequestContext::default().known(source, "444455556666")), Some(false));
    // AWS documents no key for this service: without one, iam:PassRole alone keeps other accounts out.
    assert_eq!(asked_from(RequestContext::default().absent(source)), Some(true));
}

#[test]
fn the_schedules_role_invokes_the_function_and_nothing_else() {
    for mode in held()["modes"].as_object().unwrap().keys() {
        let role = statements(mode, "GuardFunctionHourlyRole");
        assert_eq!(role.len(), 1, "{mode}");
        assert!(may(&role, &call("lambda:InvokeFunction", arn("GuardFunction"))));
        for on in beside(&arn("GuardFunction")) {
            assert!(!may(&role, &call("lambda:InvokeFunction", on.clone())), "{on}");
        }
        assert!(calls().iter().all(|call| !may(&role, call)), "{mode}");
    }
}
