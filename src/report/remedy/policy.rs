//! Remedies for the bucket policy, and for what keeps the guard from writing it.

use crate::model::evidence::PolicyRepair;
use crate::model::why::StatementName;
use crate::report::quote::{in_quotes, is_json, shell_json};
use crate::report::remedy::guard;
use crate::report::remedy::way::{Place, Remedy, Way};
use crate::report::text::{code, pretty, statement};
use serde_json::json;

/// Darwin's statements in the policy again.
pub(super) fn restore(at: Place<'_>, repair: &PolicyRepair) -> Remedy {
    match repair.document.as_deref().filter(|document| is_json(document)) {
        Some(document) => Way::run(
            "Restore Darwin's access. The command writes the whole policy as it was read, with Darwin's statement in it \
             (needs s3:PutBucketPolicy). It replaces any newer change of the policy.",
            put(at, document),
        )
        .into(),
        None => Way::put(
            "Add Darwin's statement to the bucket policy by hand (needs s3:PutBucketPolicy). \"Why\" says what keeps the \
             guard from writing it.",
            repair.wanted.clone(),
        )
        .into(),
    }
}

/// Writes a policy.
pub(super) fn put(at: Place<'_>, document: &str) -> String {
    format!("{} --policy {}", at.s3("put-bucket-policy"), shell_json(document))
}

/// Reads the policy, changes it with a jq program, and writes it. Stops where a part fails.
fn edit(at: Place<'_>, program: &str) -> String {
    format!(
        "{} --query Policy --output text > policy.json &&\njq '{program}' policy.json > new-policy.json &&\n{} --policy \
         file://new-policy.json",
        at.s3("get-bucket-policy"),
        at.s3("put-bucket-policy"),
    )
}

/// A jq program on one statement, which fails where another statement is at its index by now.
pub(super) fn on_statement(name: &StatementName, change: &str) -> String {
    let sid = json!(name.sid.as_deref());
    let index = name.index;
    format!(
        ".Statement |= ([.] | flatten) | if .Statement[{index}].Sid == {} then {change} else error(\"the policy was \
         changed\") end",
        in_quotes(&sid.to_string()),
    )
}

/// A jq program that takes Darwin's role out of a Deny.
pub(super) fn except(name: &StatementName, role: &str) -> String {
    let index = name.index;
    let role = in_quotes(&json!(role).to_string());
    on_statement(
        name,
        &format!(
            ".Statement[{index}].Condition.ArnNotEquals.\"aws:PrincipalArn\" |= ([., {role}] | flatten | map(values))"
        ),
    )
}

/// Our statement is wider than the contract.
pub(super) fn narrow(enforced: bool, diff: Option<&str>) -> Remedy {
    let by_hand = match diff {
        Some(diff) => Way::put("Narrow it by hand; this is the change:", diff),
        None => Way::by_hand("Narrow it by hand."),
    };
    if enforced {
        return by_hand.into();
    }
    Remedy::from(Way::by_hand(
        "Set the stack's parameter Ceiling to enforce: the guard then narrows its own statement.",
    ))
    .or(by_hand)
}

/// Our statement has a Condition.
pub(super) fn condition(at: Place<'_>, name: &StatementName) -> Remedy {
    let program = on_statement(name, &format!("del(.Statement[{}].Condition)", name.index));
    Remedy::from(Way::by_hand("If the Condition is meant to limit Darwin: nothing. The guard leaves it in place.")).or(
        Way::run(
            "If not, remove the Condition (needs s3:GetBucketPolicy, s3:PutBucketPolicy and jq):",
            edit(at, &program),
        ),
    )
}

/// Ours is absent, and somebody's Allow has a condition.
pub(super) fn conditional_allow(at: Place<'_>, about_darwin: bool) -> Remedy {
    if about_darwin {
        return Way::by_hand(
            "If the condition is meant for Darwin: nothing. If not, remove the statement: the guard then puts Darwin's own back.",
        )
        .into();
    }
    Remedy::from(guard::invoke(
        at,
        "repair",
        "If Darwin is to read the bucket, let the guard put its statement back (needs lambda:InvokeFunction).",
    ))
    .or(Way::run("If Darwin is to be cut off, pause the guard (needs s3:TagResource):", guard::pause(at)))
}

/// A Deny statement hits Darwin.
pub(super) fn explicit_deny(at: Place<'_>, name: &StatementName, role: &str) -> Remedy {
    Remedy::from(Way::by_hand("If Darwin was cut off on purpose: nothing. The guard never changes a Deny.")).or(
        Way::run(
            "If not, exempt Darwin's role from the Deny (needs s3:GetBucketPolicy, s3:PutBucketPolicy and jq):",
            edit(at, &except(name, role)),
        ),
    )
}

/// A Deny statement hits a part of what Darwin reads.
pub(super) fn part_denied(at: Place<'_>, name: &StatementName, role: &str) -> Remedy {
    Remedy::from(Way::by_hand(
        "If Darwin need not read these keys: list their prefix in the stack's parameter NotReadPrefixes (the function's \
         NOT_READ_PREFIXES), and nothing is reported of them. The guard never changes a Deny.",
    ))
    .or(Way::run(
        "If it has to, exempt Darwin's role from the Deny (needs s3:GetBucketPolicy, s3:PutBucketPolicy and jq):",
        edit(at, &except(name, role)),
    ))
}

/// An RCP denies: nobody in the account can change it.
pub(super) fn denied_by_rcp(role: &str) -> Remedy {
    let except = pretty(&json!({ "ArnNotEquals": { "aws:PrincipalArn": role } }));
    Remedy::from(Way::by_hand("If Darwin is to be shut out: nothing.")).or(Way::put(
        "If not, ask those who manage your organization's policies to exempt Darwin's role: this belongs into the \
         Condition of the RCP's statement, beside what is there.",
        except,
    ))
}

/// An RCP denies a part of what Darwin reads.
pub(super) fn part_denied_by_rcp(role: &str) -> Remedy {
    let Remedy { ways, .. } = denied_by_rcp(role);
    let need_not = "If Darwin need not read these keys: name their prefix with --not-read.";
    Remedy { ways: std::iter::once(Way::by_hand(need_not)).chain(ways.into_iter().skip(1)).collect(), in_order: false }
}

/// `RestrictPublicBuckets` with a public policy. `statements` names the public ones.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>
pub(super) fn public_block(at: Place<'_>, statements: &[StatementName]) -> Remedy {
    const DONT: &str = "Do not turn the block off: that would make the bucket public.";
    let [name] = statements else {
        let which = if statements.is_empty() {
            "the public statement".to_owned()
        } else {
            statements.iter().map(statement).collect::<Vec<_>>().join(", ")
        };
        return Way::by_hand(format!("In the bucket policy, give {which} fixed principals, or remove it. {DONT}"))
            .into();
    };
    let root = json!(format!("arn:{}:iam::{}:root", at.home.partition, &*at.home.account)).to_string();
    let change = format!(".Statement[{}].Principal = {{\"AWS\": {root}}}", name.index);
    Way::run(
        format!(
            "Limit {} to your own account, which is whom S3 lets in by it now (needs s3:GetBucketPolicy, \
             s3:PutBucketPolicy and jq). {DONT}",
            statement(name)
        ),
        edit(at, &on_statement(name, &change)),
    )
    .into()
}

/// `BlockPublicPolicy` refuses a policy that holds somebody's public statement.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>
pub(super) fn block_public_policy(at: Place<'_>) -> Remedy {
    Way::run(
        "Find the public statement in the policy (this shows it), and give it fixed principals or remove it. The guard then \
         restores Darwin's statement by itself. Do not turn the block off.",
        format!("{} --query Policy --output text | jq .", at.s3("get-bucket-policy")),
    )
    .into()
}

/// Darwin's role does not exist.
pub(super) fn role_missing(role: &str) -> Remedy {
    Way::by_hand(format!(
        "Check that {} is the role that V7 gave you (DARWIN_ROLE_ARN). If it is, ask V7 whether the role was replaced.",
        code(role)
    ))
    .into()
}

/// S3 refuses every write of the policy because of somebody's deleted principal.
pub(super) fn dead_principal(at: Place<'_>, statements: &[StatementName]) -> Remedy {
    let Some(name) = statements.first() else {
        return Way::by_hand("Remove the principal that reads as AROA... or AIDA... from the policy.").into();
    };
    let index = name.index;
    let change = format!(
        "(.Statement[{index}].Principal.AWS |= ([.] | flatten | map(select(test(\"^A(ROA|IDA)[A-Z0-9]+$\") | not))) | if \
         .Statement[{index}].Principal.AWS == [] then del(.Statement[{index}]) else . end)"
    );
    Way::run(
        format!(
            "Remove the deleted principal from {} (needs s3:GetBucketPolicy, s3:PutBucketPolicy and jq). It gives nobody \
             access. If it had a successor, add that one's ARN instead.",
            statement(name)
        ),
        edit(at, &on_statement(name, &change)),
    )
    .into()
}

/// Our Sid stands on somebody else's statement.
pub(super) fn sid_taken(at: Place<'_>, name: &StatementName) -> Remedy {
    let new = json!(format!("{}Other", name.sid.as_deref().unwrap_or_default())).to_string();
    let change = format!(".Statement[{}].Sid = {}", name.index, in_quotes(&new));
    Way::run(
        "Give the other statement another Sid (needs s3:GetBucketPolicy, s3:PutBucketPolicy and jq):",
        edit(at, &on_statement(name, &change)),
    )
    .into()
}

/// The repaired policy would exceed 20 KB.
pub(super) fn limit(at: Place<'_>) -> Remedy {
    Way::run(
        "Make room: S3 takes 20 KB at most. Merge statements that differ only in principals or resources, or move some to \
         access points. The guard then adds Darwin's statement by itself. This shows the policy:",
        format!("{} --query Policy --output text | jq .", at.s3("get-bucket-policy")),
    )
    .into()
}

/// The policy can't be edited by the guard.
pub(super) fn unreadable(at: Place<'_>) -> Remedy {
    Way::run(
        "Add Darwin's statement by hand: the guard edits only a policy that it understands whole. This shows the policy:",
        format!("{} --query Policy --output text", at.s3("get-bucket-policy")),
    )
    .into()
}
