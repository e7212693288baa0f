//! The role of `template.yaml` gives exactly the AWS calls that the code can make, mode by mode.
//!
//! The template is read line by line, by its indentation: the role is written in one plain form, and a statement in any
//! other form fails the test rather than being passed over.

use darwin_s3_guard::model::aws::Operation;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What the role holds beside the calls of the code, each with its reason.
const BESIDE_THE_CODE: &[(&str, &str, &str)] = &[
    ("HeadObjects", "s3:GetObjectVersion", "HeadObject of a version that an event names"),
    ("ReadBuckets", "s3:ListBucket", "without it HeadObject answers 403 for an object that is gone"),
    ("AlertUnderCustomerKey", "kms:GenerateDataKey*", "Publish to a topic under a customer key"),
    ("AlertUnderCustomerKey", "kms:Decrypt", "Publish to a topic under a customer key"),
    ("TakeMessages", "sqs:ReceiveMessage", "Lambda polls the queues with the function's role"),
    ("TakeMessages", "sqs:DeleteMessage", "Lambda deletes what was done"),
    ("TakeMessages", "sqs:GetQueueAttributes", "Lambda scales by the queue's depth"),
    ("WriteLogs", "logs:CreateLogStream", "Lambda writes the function's output with its role"),
    ("WriteLogs", "logs:PutLogEvents", "Lambda writes the function's output with its role"),
];

/// The statements that are there under a condition of the template only.
const CONDITIONAL_STATEMENTS: &[(&str, &str)] =
    &[("RepairBucketConfig", "Repairs"), ("AlertUnderCustomerKey", "HasTopicKey")];

fn template() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("template.yaml")).unwrap()
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Statement {
    sid: String,
    /// The template's condition under which the statement is there.
    condition: Option<String>,
    effect: String,
    /// Each with the condition under which it is in the list.
    actions: Vec<(String, Option<String>)>,
    /// The rest of the statement, line by line.
    rest: Vec<String>,
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// An item of an action list: `s3:GetObject`, or `!If [Condition, s3:PutBucketX, !Ref AWS::NoValue]`.
fn action(item: &str) -> (String, Option<String>) {
    let Some(choice) = item.strip_prefix("!If [") else {
        assert!(!item.starts_with('!') && item.contains(':'), "an action in a form that is not understood: {item}");
        return (item.to_owned(), None);
    };
    let parts: Vec<&str> = choice.trim_end_matches(']').split(", ").collect();
    assert_eq!((parts.len(), parts[2]), (3, "!Ref AWS::NoValue"), "an action in a form that is not understood: {item}");
    (parts[1].to_owned(), Some(parts[0].to_owned()))
}

/// The statements of the role's inline policy.
fn statements(template: &str) -> Vec<Statement> {
    let mut lines = template.lines().skip_while(|line| *line != "  GuardRole:").skip(1);
    let role: Vec<&str> = lines
        .by_ref()
        .take_while(|line| line.is_empty() || indentation(line) > 2 || line.trim().starts_with('#'))
        .collect();
    assert_eq!(
        role.iter().filter(|line| line.contains("PolicyDocument:")).count(),
        2,
        "one inline policy and who may assume the role"
    );
    assert!(!role.iter().any(|line| line.contains("ManagedPolicyArns")), "a managed policy is not held to the code");
    let policy = role
        .iter()
        .skip_while(|line| line.trim() != "Policies:")
        .skip_while(|line| line.trim() != "Statement:")
        .skip(1);
    let mut found: Vec<Statement> = Vec::new();
    let (mut condition, mut in_actions) = (None, None);
    for line in policy.filter(|line| !line.trim().is_empty() && !line.trim().starts_with('#')) {
        let text = line.trim();
        if let Some(depth) = in_actions {
            if indentation(line) > depth {
                found.last_mut().unwrap().actions.push(action(text.strip_prefix("- ").unwrap()));
                continue;
            }
            in_actions = None;
        }
        if text == "- !If" {
            condition = Some(String::new());
        } else if text == "- !Ref AWS::NoValue" {
            condition = None;
        } else if condition.as_deref() == Some("") {
            condition = Some(text.strip_prefix("- ").unwrap().to_owned());
        } else if let Some(sid) = text.strip_prefix("- Sid: ") {
            found.push(Statement { sid: sid.to_owned(), condition: condition.clone(), ..Statement::default() });
        } else if let Some(effect) = text.strip_prefix("Effect: ") {
            found.last_mut().unwrap().effect = effect.to_owned();
        } else if text == "Action:" {
            in_actions = Some(indentation(line));
        } else if let Some(list) = text.strip_prefix("Action: ") {
            let items = list.trim_start_matches('[').trim_end_matches(']').split(", ").map(action);
            found.last_mut().unwrap().actions.extend(items);
        } else {
            assert!(!text.starts_with("Not"), "NotAction and NotResource give what nobody has listed: {text}");
            found.last_mut().expect("a statement begins with its Sid").rest.push(text.to_owned());
        }
    }
    found
}

/// The actions that the role allows where these conditions of the template hold.
fn allowed(statements: &[Statement], holds: &[&str]) -> BTreeSet<String> {
    let there = |condition: &Option<String>| condition.as_deref().is_none_or(|name| holds.contains(&name));
    statements
        .iter()
        .filter(|statement| statement.effect == "Allow" && there(&statement.condition))
        .flat_map(|statement| statement.actions.iter().filter(|(_, condition)| there(condition)))
        .map(|(action, _)| action.clone())
        .collect()
}

fn is_write_of_a_bucket(operation: Operation) -> bool {
    let name = operation.to_string();
    operation.iam_action().starts_with("s3:") && !name.starts_with("Get") && !name.starts_with("Head")
}

/// What the code can call in a mode, and what belongs beside it there.
fn wanted(holds: &[&str]) -> BTreeSet<String> {
    let code = Operation::ALL.iter().filter(|operation| match operation {
        Operation::PutBucketNotificationConfiguration => holds.contains(&"TurnsEventBridgeOn"),
        operation if is_write_of_a_bucket(**operation) => holds.contains(&"Repairs"),
        _ => true,
    });
    let conditions: BTreeMap<_, _> = CONDITIONAL_STATEMENTS.iter().copied().collect();
    let beside = BESIDE_THE_CODE
        .iter()
        .filter(|(sid, _, _)| conditions.get(sid).is_none_or(|condition| holds.contains(condition)))
        .map(|(_, action, _)| (*action).to_owned());
    code.map(|operation| operation.iam_action().to_owned()).chain(beside).collect()
}

#[test]
fn the_role_allows_exactly_what_the_code_can_call_in_every_mode() {
    let statements = statements(&template());
    for holds in [
        &[][..],
        &["HasTopicKey"],
        &["Repairs"],
        &["Repairs", "HasTopicKey"],
        &["Repairs", "TurnsEventBridgeOn"],
        &["Repairs", "TurnsEventBridgeOn", "HasTopicKey"],
    ] {
        assert_eq!(allowed(&statements, holds), wanted(holds), "where {holds:?} holds");
    }
}

#[test]
fn in_flag_mode_the_role_can_change_nothing_of_a_bucket() {
    let writes: Vec<String> = allowed(&statements(&template()), &["HasTopicKey"])
        .into_iter()
        .filter(|action| action.starts_with("s3:") && !action.starts_with("s3:Get") && action != "s3:ListBucket")
        .collect();
    assert_eq!(writes, Vec::<String>::new());
}

#[test]
fn every_action_beside_the_code_is_in_the_statement_that_its_reason_is_about() {
    let statements = statements(&template());
    let code: BTreeSet<&str> = Operation::ALL.iter().map(|operation| operation.iam_action()).collect();
    let found: BTreeSet<(&str, &str)> = statements
        .iter()
        .filter(|statement| statement.effect == "Allow")
        .flat_map(|statement| statement.actions.iter().map(|(action, _)| (statement.sid.as_str(), action.as_str())))
        .filter(|(_, action)| !code.contains(action))
        .collect();
    assert_eq!(found, BESIDE_THE_CODE.iter().map(|(sid, action, _)| (*sid, *action)).collect());
}

#[test]
fn statements_and_actions_depend_on_the_conditions_they_should() {
    let statements = statements(&template());
    let conditional: Vec<(&str, &str)> = statements
        .iter()
        .filter_map(|statement| Some((statement.sid.as_str(), statement.condition.as_deref()?)))
        .collect();
    assert_eq!(conditional, CONDITIONAL_STATEMENTS);
    let of_actions: Vec<(&str, &str)> = statements
        .iter()
        .flat_map(|statement| statement.actions.iter())
        .filter_map(|(action, condition)| Some((action.as_str(), condition.as_deref()?)))
        .collect();
    assert_eq!(of_actions, [("s3:PutBucketNotification", "TurnsEventBridgeOn")]);
    for definition in [
        "  Repairs: !Equals [!Ref Mode, repair]",
        "  TurnsEventBridgeOn: !And [!Condition Repairs, !Equals [!Ref EnableEventBridge, \"true\"]]",
    ] {
        assert!(template().lines().any(|line| line == definition), "{definition}");
    }
}

#[test]
fn the_one_deny_is_of_decrypting_through_s3_whatever_else_is_granted() {
    let statements = statements(&template());
    let denies: Vec<&Statement> = statements.iter().filter(|statement| statement.effect != "Allow").collect();
    assert_eq!(denies.len(), 1);
    assert_eq!((denies[0].effect.as_str(), &denies[0].condition), ("Deny", &None));
    assert_eq!(denies[0].actions, [("kms:Decrypt".to_owned(), None)]);
    assert_eq!(denies[0].rest, ["Resource: \"*\"", "Condition:", "StringLike:", "kms:ViaService: s3.*.amazonaws.com"],);
}

#[test]
fn only_the_deny_and_the_key_facts_name_resources_by_wildcard_alone() {
    let wide: Vec<(String, String)> = statements(&template())
        .into_iter()
        .flat_map(|statement| {
            let sid = statement.sid;
            statement.rest.into_iter().map(move |line| (sid.clone(), line))
        })
        .filter(|(_, line)| line == "Resource: \"*\"" || line.ends_with(":key/*"))
        .collect();
    let sids: Vec<&str> = wide.iter().map(|(sid, _)| sid.as_str()).collect();
    assert_eq!(sids, ["ReadKeyFacts", "NeverDecryptObjects"]);
}

/// SQS refuses a policy that covers more than one queue, and a statement of more than one resource; the emulator takes both.
#[test]
fn every_queue_has_a_policy_of_its_own_with_one_resource_a_statement() {
    let template = template();
    let parts: Vec<&str> = template.split("    Type: AWS::SQS::QueuePolicy\n").skip(1).collect();
    let mut covered = Vec::new();
    for part in parts {
        let policy: Vec<&str> =
            part.lines().take_while(|line| line.is_empty() || indentation(line) > 2).map(str::trim).collect();
        let queue = policy.iter().find_map(|line| line.strip_prefix("Queues: [!Ref ")).unwrap().trim_end_matches(']');
        for line in policy.iter().filter(|line| line.starts_with("Resource:")) {
            assert_eq!(*line, format!("Resource: !GetAtt {queue}.Arn"));
        }
        covered.push(queue);
    }
    let queues = template.split("    Type: AWS::SQS::Queue\n").collect::<Vec<_>>();
    let mut names: Vec<&str> =
        queues.iter().take(queues.len() - 1).map(|before| before.trim_end().rsplit('\n').next().unwrap()).collect();
    for name in &mut names {
        *name = name.trim().trim_end_matches(':');
    }
    covered.sort_unstable();
    names.sort_unstable();
    assert_eq!(covered, names);
}

#[test]
fn what_the_table_lets_expire_is_the_attribute_that_the_store_writes() {
    let template = template();
    let name =
        template.split("TimeToLiveSpecification:\n        AttributeName: ").nth(1).unwrap().lines().next().unwrap();
    let store =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/shell/aws/dynamodb.rs")).unwrap();
    assert!(store.contains(&format!("(\"{name}\", ttl(")), "{name}");
}

fn document(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).unwrap()
}

/// The text under a heading of the second level.
fn chapter<'a>(document: &'a str, heading: &str) -> &'a str {
    let text = document.split(&format!("\n## {heading}\n")).nth(1).unwrap_or_else(|| panic!("no chapter `{heading}`"));
    text.split("\n## ").next().unwrap()
}

/// What stands in backticks in the first column of a table's rows, and what is in the other columns.
fn rows(chapter: &str) -> BTreeMap<&str, &str> {
    chapter.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |")).collect()
}

/// The names directly under a section of the template.
fn names(template: &str, section: &str) -> BTreeSet<String> {
    let lines = template.lines().skip_while(|line| *line != format!("{section}:")).skip(1);
    lines
        .take_while(|line| line.is_empty() || line.starts_with(' '))
        .filter(|line| indentation(line) == 2 && line.ends_with(':') && !line.trim().starts_with('#'))
        .map(|line| line.trim().trim_end_matches(':').to_owned())
        .collect()
}

#[test]
fn the_document_has_every_parameter_with_its_default_and_every_output() {
    let (template, document) = (template(), document("deploy.md"));
    let rows_of = |heading| rows(chapter(&document, heading));
    let documented: BTreeSet<String> = rows_of("Outputs").keys().map(ToString::to_string).collect();
    assert_eq!(documented, names(&template, "Outputs"));
    let parameters = rows_of("Parameters");
    let documented: BTreeSet<String> = parameters.keys().map(ToString::to_string).collect();
    assert_eq!(documented, names(&template, "Parameters"));
    for (name, row) in parameters {
        let body = template.split(&format!("\n  {name}:\n")).nth(1).unwrap();
        let default = body.lines().find_map(|line| line.strip_prefix("    Default: ")).unwrap().trim_matches('"');
        let wanted = if default.is_empty() { "none".to_owned() } else { format!("`{default}`") };
        assert_eq!(row.split('|').next().unwrap().trim(), wanted, "{name}");
    }
}

#[test]
fn the_document_gives_every_statement_of_the_role_with_its_actions() {
    let document = document("deploy.md");
    let documented = rows(chapter(&document, "Permissions"));
    let statements = statements(&template());
    let sids: BTreeSet<&str> = statements.iter().map(|statement| statement.sid.as_str()).collect();
    assert_eq!(documented.keys().copied().collect::<BTreeSet<_>>(), sids);
    for statement in statements {
        let cell = documented[statement.sid.as_str()].split('|').next().unwrap();
        let given: BTreeSet<&str> = cell.split('`').filter(|part| part.contains(':')).collect();
        assert_eq!(given, statement.actions.iter().map(|(action, _)| action.as_str()).collect(), "{}", statement.sid);
    }
}

#[test]
fn every_alarm_has_the_chapter_in_the_runbook_that_its_description_names() {
    let (template, runbook) = (template(), document("runbook.md"));
    let mut alarms = 0;
    for part in template.split("    Type: AWS::CloudWatch::Alarm\n").skip(1) {
        let description = part.lines().find_map(|line| line.trim().strip_prefix("AlarmDescription: ")).unwrap();
        let heading = description.split_once("docs/runbook.md, ").unwrap().1.trim_end_matches('.');
        assert!(!chapter(&runbook, heading).is_empty());
        alarms += 1;
    }
    let named: BTreeSet<String> =
        names(&template, "Resources").into_iter().filter(|name| name.ends_with("Alarm")).collect();
    assert_eq!(alarms, named.len());
    let missing: Vec<_> = named.iter().filter(|name| !runbook.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
