//! Whether a bucket policy may be public, as far as the document alone can tell.
//!
//! Must never call a policy not public that AWS might: `GetBucketPolicyStatus` is asked otherwise.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status>

use crate::model::why::StatementName;
use crate::policy::document::Statements;
use crate::policy::principal::{Principal, Principals};
use crate::policy::statement::Statement;

/// Whether every statement that may allow names fixed principals alone. Conditions that would also make a policy not
/// public (a fixed `aws:SourceVpc`, say) are left to AWS's own answer.
pub(crate) fn is_surely_not_public(policy: &Statements<'_>) -> bool {
    policy.unknowns.is_empty() && !policy.each.iter().any(|statement| may_be_public(statement))
}

/// The statements that make the policy public, or may.
pub(crate) fn public_statements(policy: &Statements<'_>) -> Vec<StatementName> {
    policy.each.iter().filter(|statement| may_be_public(statement)).map(|statement| statement.name()).collect()
}

fn may_be_public(statement: &Statement) -> bool {
    statement.may_allow()
        && match &statement.principals {
            // Grants nothing; with an element that is not understood it might.
            Principals::Missing => !statement.unknowns.is_empty(),
            Principals::Any(principals) => !principals.iter().all(Principal::is_fixed),
            Principals::Except(_) => true,
        }
}
