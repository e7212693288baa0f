//! Remedies for the bucket policy, and for what keeps the guard from writing it.

use crate::model::evidence::{Beyond, OurStatement, PolicyRepair, WideStatement};
use crate::model::text::counted;
use crate::model::why::StatementName;
use crate::report::quote::{in_quotes, is_json, shell_json};
use crate::report::remedy::guard;
use crate::report::remedy::way::{Place, Remedy, Way};
use crate::report::text::{code, pretty, statement};
use serde_json::{Value, json};

/// Darwin's statements in the policy again. What is written is the policy that the guard would write, if all but Darwin's
/// statements are as the guard read them. `ours`: those in the policy; None where the bucket had none.
pub(super) fn restore(at: Place<'_>, repair: &PolicyRepair, ours: Option<&[OurStatement]>) -> Remedy {
    const SAYS: &str = "Restore Darwin's policy statement.";
    let written = repair.document.as_deref().filter(|document| is_json(document));
    let (Some(document), Some(role)) = (written, role(&repair.wanted)) else {
        return Way::put("Add Darwin's statement to the bucket policy by hand.", repair.wanted.clone())
            .note("\"Why\" says what keeps the guard from writing it. Needs s3:PutBucketPolicy.")
            .into();
    };
    let way = if let Some(ours) = ours {
        Way::run(SAYS, edit(at, &replaced(document, &role, ours)))
            .note(format!("All other statements stay. If they were changed meanwhile, it stops. {EDIT_NEEDS}"))
    } else {
        let command =
            format!("{} &&\n{}", at.finds_nothing("get-bucket-policy", "NoSuchBucketPolicy"), put(at, document));
        Way::run(SAYS, command).note(
            "The bucket had no policy when the guard read it. If it has one now, it stops. Needs s3:GetBucketPolicy, \
             s3:PutBucketPolicy.",
        )
    };
    way.into()
}

/// A jq program that gives `document`. It fails unless that keeps every statement but ours, which are where they were, and adds
/// none but Darwin's.
fn replaced(document: &str, role: &Value, ours: &[OurStatement]) -> String {
    let (document, role) = (in_quotes(document), in_quotes(&role.to_string()));
    let places = ours.iter().map(|ours| ours.statement.index.to_string()).collect::<Vec<_>>().join(",");
    let sids = json!(ours.iter().map(|ours| ours.statement.sid.as_deref()).collect::<Vec<_>>());
    let (others, as_they_were) = if ours.is_empty() {
        ("statements".to_owned(), String::new())
    } else {
        (
            format!("(statements | del(.[{places}]))"),
            format!("(statements | [.[{places}].Sid]) == {} and ", in_quotes(&sids.to_string())),
        )
    };
    format!(
        "def statements: [.Statement] | flatten; {document} as $new | ($new | statements) as $all | {others} as $others | if \
         {as_they_were}$others - $all == [] and ($all - $others | all(.Effect == \"Allow\" and ([.Principal | objects | .AWS] | \
         flatten) == [{role}])) then $new else error(\"the policy was changed\") end"
    )
}

/// The role that Darwin's statements name.
fn role(statements: &str) -> Option<Value> {
    let statements: Value = serde_json::from_str(&format!("[{statements}]")).ok()?;
    statements.pointer("/0/Principal/AWS").filter(|role| role.is_string()).cloned()
}

/// What an edit of a bucket policy needs.
const EDIT_NEEDS: &str = "Needs s3:GetBucketPolicy, s3:PutBucketPolicy and jq.";

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
pub(super) fn narrow(enforced: bool, ours: &[WideStatement], diff: Option<&str>) -> Remedy {
    let says = match ours {
        [WideStatement { statement: name, beyond: Beyond::Actions(grants) }] => match grants.as_slice() {
            [grant] => format!("Take {} out of {} of the bucket policy.", code(&grant.action), statement(name)),
            _ => format!("Narrow {} of the bucket policy to what Darwin needs.", statement(name)),
        },
        _ => "Narrow Darwin's statement in the bucket policy to what Darwin needs.".to_owned(),
    };
    let way = match diff {
        Some(diff) => Way::put(says, diff),
        None => Way::by_hand(says),
    };
    if enforced {
        return way.into();
    }
    way.note("With its parameter Ceiling set to enforce, the guard does it by itself.").into()
}

/// Our statement has a Condition.
pub(super) fn condition(at: Place<'_>, name: &StatementName) -> Remedy {
    let program = on_statement(name, &format!("del(.Statement[{}].Condition)", name.index));
    Way::run("If the Condition is not meant to limit Darwin, remove it.", edit(at, &program)).note(EDIT_NEEDS).into()
}

/// Ours is absent, and somebody's Allow has a condition.
pub(super) fn conditional_allow(at: Place<'_>, about_darwin: bool) -> Remedy {
    if about_darwin {
        return Way::by_hand("If the condition is not meant for Darwin, remove that statement.")
            .note("The guard then restores Darwin's own statement.")
            .into();
    }
    guard::invoke(at, "repair", "If Darwin is to read the bucket, let the guard restore Darwin's statement.")
        .note("Needs lambda:InvokeFunction. If Darwin is to be cut off, set the bucket's tag darwin-guard to paused instead.")
        .into()
}

/// A Deny statement hits Darwin.
pub(super) fn explicit_deny(at: Place<'_>, name: &StatementName, role: &str) -> Remedy {
    exempt(at, name, role, "If Darwin was not cut off on purpose, exempt its role from the Deny.", "")
}

/// A Deny statement hits a part of what Darwin reads.
pub(super) fn part_denied(at: Place<'_>, name: &StatementName, role: &str) -> Remedy {
    exempt(
        at,
        name,
        role,
        "If Darwin is to read this part, exempt its role from the Deny.",
        " If Darwin need not read it, add it to the guard's parameter NotReadPrefixes (the function's NOT_READ_PREFIXES): it is not reported again then.",
    )
}

fn exempt(at: Place<'_>, name: &StatementName, role: &str, says: &str, more: &str) -> Remedy {
    Way::run(says, edit(at, &except(name, role))).note(format!("{EDIT_NEEDS}{more}")).into()
}

/// An RCP denies: nobody in the account can change it.
pub(super) fn denied_by_rcp(role: &str) -> Remedy {
    Remedy::from(Way::by_hand("If Darwin is to be shut out: nothing.")).or(exempted_by_rcp("If not, ask", role))
}

/// What exempts Darwin from an RCP's Deny.
pub(super) fn exempted_by_rcp(ask: &str, role: &str) -> Way {
    let says = format!(
        "{ask} those who manage your organization's policies to exempt Darwin's role: this belongs into the Condition of \
         the RCP's statement; where that has such a test already, add the role to its list."
    );
    Way::put(says, pretty(&json!({ "ArnNotEquals": { "aws:PrincipalArn": role } })))
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
        return Way::by_hand(format!("In the bucket policy, give {which} fixed principals, or remove it."))
            .note(DONT)
            .into();
    };
    let root = json!(format!("arn:{}:iam::{}:root", at.home.partition, &*at.home.account)).to_string();
    let change = format!(".Statement[{}].Principal = {{\"AWS\": {root}}}", name.index);
    Way::run(
        format!("Limit {} to your own account, which is whom S3 lets in by it now.", statement(name)),
        edit(at, &on_statement(name, &change)),
    )
    .note(format!("{DONT} {EDIT_NEEDS}"))
    .into()
}

/// `BlockPublicPolicy` refuses a policy that holds somebody's public statement.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>
pub(super) fn block_public_policy(at: Place<'_>) -> Remedy {
    Way::run("Give the public statement of this policy fixed principals, or remove it.", show(at))
        .note("The guard then restores Darwin's statement by itself. Do not turn the block off. Needs s3:GetBucketPolicy and jq.")
        .into()
}

/// Shows the policy.
fn show(at: Place<'_>) -> String {
    format!("{} --query Policy --output text | jq .", at.s3("get-bucket-policy"))
}

/// The policy once it has what Darwin needs.
pub(super) fn as_it_is(at: Place<'_>) -> Way {
    Way::run("", show(at))
        .note("It prints the bucket policy as it is now, with Darwin's statement. Needs s3:GetBucketPolicy and jq.")
}

/// Darwin's role does not exist.
pub(super) fn role_missing(role: &str) -> Remedy {
    Way::by_hand("Ask V7 whether Darwin's role was replaced.")
        .note(format!("The guard uses {}. A new role goes into the setting DARWIN_ROLE_ARN.", code(role)))
        .into()
}

/// S3 refuses every write of the policy because of somebody's deleted principal.
pub(super) fn dead_principal(at: Place<'_>, statements: &[StatementName]) -> Remedy {
    let Some(name) = statements.first() else {
        return Way::by_hand("Remove the principal that reads as AROA... or AIDA... from the bucket policy.").into();
    };
    let index = name.index;
    let change = format!(
        "(.Statement[{index}].Principal.AWS |= ([.] | flatten | map(select(test(\"^A(ROA|IDA)[A-Z0-9]+$\") | not))) | if \
         .Statement[{index}].Principal.AWS == [] then del(.Statement[{index}]) else . end)"
    );
    Way::run(
        format!(
            "Remove the deleted principal from {} of the bucket policy: the guard then repairs by itself.",
            statement(name)
        ),
        edit(at, &on_statement(name, &change)),
    )
    .note(format!("It gives nobody access. If it was replaced, add the new one's ARN. {EDIT_NEEDS}"))
    .into()
}

/// Our Sid stands on somebody else's statement.
pub(super) fn sid_taken(at: Place<'_>, name: &StatementName) -> Remedy {
    let new = json!(format!("{}Other", name.sid.as_deref().unwrap_or_default())).to_string();
    let change = format!(".Statement[{}].Sid = {}", name.index, in_quotes(&new));
    Way::run("Give that statement another Sid.", edit(at, &on_statement(name, &change))).note(EDIT_NEEDS).into()
}

/// The repaired policy would exceed 20 KB.
pub(super) fn limit(at: Place<'_>, bytes: usize, most: usize) -> Remedy {
    Way::run(
        format!("Make the bucket policy {} shorter. This shows it.", counted(bytes.saturating_sub(most), "byte")),
        show(at),
    )
        .note(
            "Merge statements that differ only in principals or resources, or move some to access points. The guard then adds \
             Darwin's statement by itself. Needs s3:GetBucketPolicy and jq.",
        )
        .into()
}

/// The policy can't be edited by the guard.
pub(super) fn unreadable(at: Place<'_>) -> Remedy {
    Way::run(
        "Correct this policy by hand, and check that Darwin's statement is in it.",
        format!("{} --query Policy --output text", at.s3("get-bucket-policy")),
    )
    .note("The guard then repairs by itself again. Needs s3:GetBucketPolicy.")
    .into()
}
