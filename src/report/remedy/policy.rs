//! Remedies for the bucket policy, and for what keeps the guard from writing it.

use crate::model::why::StatementName;
use crate::report::quote::shell;
use crate::report::text::{name, pretty};
use serde_json::json;

/// Darwin's statements by hand.
pub(super) fn statements(bucket: &str, wanted: &str) -> String {
    format!(
        "The guard puts this into the policy of bucket {bucket} where its mode and the pause tag let it. By hand, in \
         place of the statement with that Sid, or after the last:\n\n{wanted}"
    )
}

/// Our statement is wider than the contract.
pub(super) fn narrow(diff: Option<&str>) -> String {
    let diff = diff.map_or_else(String::new, |diff| format!(":\n\n{diff}"));
    format!("Narrow it by hand, or set the stack's parameter Ceiling to enforce and let the guard do it{diff}")
}

/// Our statement has a Condition.
pub(super) fn condition() -> String {
    "The guard does not touch a Condition that somebody added on purpose. If it is not meant for Darwin, remove \
     the `Condition` element from the statement."
        .to_owned()
}

/// A Deny statement hits Darwin.
pub(super) fn explicit_deny(bucket: &str, statement: &StatementName, role: &str) -> String {
    let statement = name(&statement.to_string());
    format!(
        "The guard never touches a Deny. If Darwin is meant to read bucket {bucket}, except its role in statement {statement}: \
         add to its Condition (in the same operator, if it is there already)\n\n{}\n\n\
         aws s3api get-bucket-policy --bucket {} --query Policy --output text > policy.json\n\
         # edit policy.json\n\
         aws s3api put-bucket-policy --bucket {} --policy file://policy.json",
        pretty(&json!({"ArnNotEquals": {"aws:PrincipalArn": role}})),
        shell(bucket),
        shell(bucket),
    )
}

/// A Deny statement hits a part of what Darwin reads.
pub(super) fn part_denied(bucket: &str, statement: &StatementName, role: &str) -> String {
    format!(
        "If Darwin need not read these keys, list their prefix in NOT_READ_PREFIXES (not_read in \
         GUARDED_BUCKETS), or what it reads in READ_PREFIXES (read_prefixes): then this is no finding.\n\n{}",
        explicit_deny(bucket, statement, role)
    )
}

/// `RestrictPublicBuckets` with a public policy. `statements` names the public ones.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>
pub(super) fn public_block(bucket: &str, statements: &[StatementName]) -> String {
    let which = if statements.is_empty() { "the public statement".to_owned() } else { names(statements) };
    format!(
        "As long as one statement of the policy of bucket {bucket} is public, RestrictPublicBuckets shuts out every \
         other account, Darwin's too. Give {which} fixed principals (or a condition on a fixed account, organisation, \
         VPC or address range), or remove it. Turning the block off would make the bucket public: don't."
    )
}

/// `BlockPublicPolicy` refuses a policy that holds somebody's public statement.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>
pub(super) fn block_public_policy(bucket: &str) -> String {
    format!(
        "S3 refuses every write of a public policy while BlockPublicPolicy is on, the guard's too. Give the public statement \
         of bucket {bucket} fixed principals, or remove it; Darwin's statement is then put back by itself."
    )
}

/// Darwin's role does not exist.
pub(super) fn role_missing(role: &str) -> String {
    let role = name(role);
    format!(
        "S3 does not know the principal {role}. See that DARWIN_ROLE_ARN is the role V7 gave you; if it is, ask \
         V7 whether the role was replaced."
    )
}

/// S3 refuses every write of the policy because of somebody's deleted principal.
pub(super) fn dead_principal(bucket: &str, statements: &[StatementName]) -> String {
    let named = |statement: &StatementName| format!("statement {}", name(&statement.to_string()));
    let statements = statements.iter().map(named).collect::<Vec<_>>().join(", ");
    format!(
        "In the policy of bucket {bucket}, {statements} names a principal that no longer exists (it reads back as \
         AROA... or AIDA...). Remove that principal or put its successor's ARN; until then S3 refuses every change of \
         the policy, the guard's too."
    )
}

/// Our Sid stands on somebody else's statement.
pub(super) fn sid_taken(bucket: &str, sid: &str) -> String {
    let sid = name(sid);
    format!(
        "In the policy of bucket {bucket}, rename or remove the statement `{sid}` that is not Darwin's; the guard \
         leaves it alone."
    )
}

/// The repaired policy would exceed 20 KB.
pub(super) fn limit(bucket: &str) -> String {
    format!(
        "The policy of bucket {bucket} has no room for Darwin's statement: S3 takes 20 KB at most. Merge statements \
         that differ only in their principals or resources, or move some of them to access points."
    )
}

/// The policy can't be edited by the guard.
pub(super) fn unreadable(bucket: &str) -> String {
    format!(
        "The guard edits only what it understands whole. See the policy, and add Darwin's statement by hand:\n\n\
         aws s3api get-bucket-policy --bucket {} --query Policy --output text",
        shell(bucket)
    )
}

fn names(statements: &[StatementName]) -> String {
    statements.iter().map(|statement| name(&statement.to_string())).collect::<Vec<_>>().join(", ")
}
