//! Remedies for what an object shows, and for verdicts that stay open.

use crate::model::aws::AwsError;
use crate::report::quote::shell;

/// The bucket's policy denies an object.
pub fn object_denied(bucket: &str) -> String {
    format!(
        "The reason names the statement. Look at the whole of bucket {bucket} with an audit, which also says what the \
         guard would repair:\n\naws lambda invoke --function-name GUARD --cli-binary-format raw-in-base64-out --payload {} \
         /dev/stdout",
        shell(&format!("{{\"action\":\"audit\",\"bucket\":\"{bucket}\"}}")),
    )
}

/// A verdict hangs on what nobody here can see.
pub fn access_uncertain(depends_on: &[String]) -> String {
    format!(
        "Nobody in this account can see {}. If annotators see the images, nothing is to be done. To be sure, except Darwin's \
         role from the condition (ArnNotEquals on aws:PrincipalArn), or ask V7 what its requests carry.",
        depends_on.join(", ")
    )
}

/// `BlockPublicPolicy` refuses a policy that holds somebody's public statement.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>
pub fn block_public_policy(bucket: &str) -> String {
    format!(
        "S3 refuses every write of a public policy while BlockPublicPolicy is on, the guard's too. Give the public statement \
         of bucket {bucket} fixed principals, or remove it; Darwin's statement is then put back by itself."
    )
}

/// A write failed for a reason that is not known.
pub fn write_failed(bucket: &str, error: &AwsError) -> String {
    format!(
        "S3 answered {} to the write on bucket {bucket}. The next event or the schedule tries again; if it stays, the \
         request id {} helps AWS Support.",
        error.code.as_deref().unwrap_or("nothing that it names"),
        error.request_id.as_deref().unwrap_or("(none)"),
    )
}
