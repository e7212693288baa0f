//! Remedies for what an object shows, and for verdicts that stay open.

use crate::model::unknown::Unknown;
use crate::report::quote::shell;
use crate::report::text::name;
use serde_json::json;

/// The bucket's policy denies an object.
pub(super) fn denied(bucket: &str) -> String {
    format!(
        "The reason names the statement. Look at the whole of bucket {bucket} with an audit, which also says what the \
         guard would repair:\n\naws lambda invoke --function-name GUARD --cli-binary-format raw-in-base64-out --payload {} \
         /dev/stdout",
        shell(&format!("{{\"action\":\"audit\",\"bucket\":\"{bucket}\"}}")),
    )
}

/// Only who holds the key can give the object another encryption.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html>
pub(super) fn sse_c(bucket: &str, key: &str) -> String {
    let url = shell(&format!("s3://{bucket}/{key}"));
    format!(
        "Nobody without the customer-provided key can read the object, Darwin neither. Upload it again without SSE-C, \
         or let who holds the key (in KEY_FILE) copy it onto itself, up to 5 GB at a time:\n\n\
         aws s3 cp {url} {url} --sse-c-copy-source AES256 --sse-c-copy-source-key fileb://KEY_FILE --sse AES256"
    )
}

/// Restores an archived object; a lifecycle rule will archive the next ones again.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html>
pub(super) fn archived(bucket: &str, key: &str, storage_class: &str) -> String {
    let request = match storage_class {
        // Archived by Intelligent-Tiering: no number of days may be given.
        "INTELLIGENT_TIERING" => json!({"GlacierJobParameters": {"Tier": "Standard"}}),
        _ => json!({"Days": 30, "GlacierJobParameters": {"Tier": "Standard"}}),
    };
    format!(
        "Restore it (hours; for many objects use an S3 Batch Operations restore job), and keep a lifecycle rule from \
         archiving what is still annotated:\n\n\
         aws s3api restore-object --bucket {} --key={} --restore-request {}",
        shell(bucket),
        shell(key),
        shell(&request.to_string()),
    )
}

/// A verdict hangs on what nobody here can see.
pub(super) fn access_uncertain(depends_on: &[Unknown]) -> String {
    format!(
        "Nobody in this account can see {}. If annotators see the images, nothing is to be done. To be sure, except Darwin's \
         role from the condition (ArnNotEquals on aws:PrincipalArn), or ask V7 what its requests carry.",
        depends_on.iter().map(|open| name(&open.to_string())).collect::<Vec<_>>().join(", ")
    )
}
