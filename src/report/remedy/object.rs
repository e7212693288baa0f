//! Remedies for what an object shows, and for verdicts that stay open.

use crate::model::unknown::Unknown;
use crate::report::quote::shell;
use crate::report::reason::meaning;
use crate::report::remedy::guard;
use crate::report::remedy::way::{Place, Remedy, Way};
use serde_json::json;

/// The bucket's policy denies an object.
pub(super) fn denied(at: Place<'_>) -> Remedy {
    guard::invoke(
        at,
        "audit",
        "Audit the bucket: it names every statement that shuts Darwin out, and what to do about each \
         (needs lambda:InvokeFunction).",
    )
    .into()
}

/// Only who holds the key can give the object another encryption.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html>
pub(super) fn sse_c(at: Place<'_>, key: &str) -> Remedy {
    let url = shell(&format!("s3://{}/{key}", at.bucket));
    let region = shell(&at.home.region);
    Remedy::from(Way::by_hand("Upload the images again without SSE-C. Nobody can read them without the customer's key.")).or(Way::run(
        "Copy the object onto itself, with its key in the file sse-c.key (up to 5 GB):",
        format!(
            "aws s3 cp {url} {url} --region {region} --sse-c-copy-source AES256 --sse-c-copy-source-key fileb://sse-c.key \
             --sse AES256"
        ),
    ))
}

/// Restores an archived object; a lifecycle rule will archive the next ones again.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html>
pub(super) fn archived(at: Place<'_>, key: &str, storage_class: &str) -> Remedy {
    let request = match storage_class {
        // Archived by Intelligent-Tiering: no number of days may be given.
        "INTELLIGENT_TIERING" => json!({"GlacierJobParameters": {"Tier": "Standard"}}),
        _ => json!({"Days": 30, "GlacierJobParameters": {"Tier": "Standard"}}),
    };
    Way::run(
        "Restore the object; it takes hours and costs money (needs s3:RestoreObject). For many, use a restore job of S3 Batch \
         Operations. Keep a lifecycle rule from archiving what is still annotated.",
        format!(
            "{} --key={} --restore-request {}",
            at.s3("restore-object"),
            shell(key),
            shell(&request.to_string()),
        ),
    )
    .into()
}

/// A verdict depends on what nobody here can see.
pub(super) fn access_uncertain(depends_on: &[Unknown]) -> Remedy {
    let unseen = match depends_on {
        [] => String::new(),
        [one] => format!(" It depends on {}.", meaning(one)),
        [first, rest @ ..] => format!(" It depends on {}, and {} more (see \"Evidence\").", meaning(first), rest.len()),
    };
    Way::by_hand(format!(
        "Open one of its images in Darwin. If it shows, nothing is wrong.{unseen} If it is blank, exempt Darwin's role from the \
         condition: ArnNotEquals on aws:PrincipalArn."
    ))
    .into()
}
