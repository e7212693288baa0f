//! Remedies for what an object shows, and for verdicts that stay open.

use crate::model::unknown::Unknown;
use crate::report::quote::shell;
use crate::report::reason::meaning;
use crate::report::remedy::guard;
use crate::report::remedy::way::{Place, Remedy, Way};
use crate::report::text::code;
use serde_json::json;

/// The bucket's policy denies an object.
pub(super) fn denied(at: Place<'_>) -> Remedy {
    guard::invoke(
        at,
        "audit",
        "Audit the bucket, which names each statement that denies Darwin, with what to do about it.",
    )
    .note("Needs lambda:InvokeFunction.")
    .into()
}

/// Only who holds the key can give the objects another encryption.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html>
pub(super) fn sse_c(at: Place<'_>, key: &str) -> Remedy {
    let folder = folder(key);
    let url = shell(&format!("s3://{}/{folder}", at.bucket));
    let region = shell(&at.home.region);
    Way::run(
        "Copy the images onto themselves without SSE-C, or upload them again without it.",
        format!(
            "aws s3 cp {url} {url} --recursive --region {region} --sse-c-copy-source AES256 --sse-c-copy-source-key \
             fileb://sse-c.key --sse AES256"
        ),
    )
    .note(format!(
        "It copies each object{}, with the customer's key in the file sse-c.key. Objects without SSE-C give an error and stay as \
         they are. Let uploads use another encryption.",
        under(folder)
    ))
    .into()
}

/// Restores archived objects; a lifecycle rule will archive the next ones again.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html>
pub(super) fn archived(at: Place<'_>, key: &str, storage_class: &str) -> Remedy {
    // Archived by Intelligent-Tiering: no number of days may be given, and the list of objects does not say which are.
    let one_by_one =
        storage_class == "INTELLIGENT_TIERING" || !storage_class.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    let mut request = json!({"GlacierJobParameters": {"Tier": "Standard"}});
    if let (Some(fields), false) = (request.as_object_mut(), storage_class == "INTELLIGENT_TIERING") {
        fields.insert("Days".to_owned(), json!(30));
    }
    let restore = |key: &str| {
        format!("{} --key={key} --restore-request {}", at.s3("restore-object"), shell(&request.to_string()))
    };
    let folder = folder(key);
    let costs = "which takes hours and costs money";
    let stays = "Keep lifecycle rules from archiving what is still annotated.";
    if one_by_one {
        return Way::run(format!("Restore this object, and each other one alike, {costs}."), restore(&shell(key)))
            .note(format!("Needs s3:RestoreObject. {stays}"))
            .into();
    }
    let keys = format!(
        "{} --prefix={} --query \"Contents[?StorageClass=='{storage_class}'].Key\" --output json",
        at.s3("list-objects-v2"),
        shell(folder)
    );
    let every = Way::run(
        format!("Restore all of them for 30 days, {costs}."),
        format!("{keys} | jq -r '.[]?' | while IFS= read -r key; do {}; done", restore("\"$key\"")),
    );
    let count = Way::run(format!("Count the archived images{}.", under(folder)), format!("{keys} | jq length"));
    Remedy::from(count.note("It counts those that were not seen too. Needs s3:ListBucket and jq."))
        .then(every.note(format!("Needs s3:RestoreObject, s3:ListBucket and jq. {stays}")))
}

/// The part of the bucket that an object is in: its key up to the last slash.
fn folder(key: &str) -> &str {
    key.rfind('/').and_then(|slash| key.get(..=slash)).unwrap_or_default()
}

fn under(folder: &str) -> String {
    if folder.is_empty() { String::new() } else { format!(" under {}", code(folder)) }
}

/// A verdict depends on what nobody here can see.
pub(super) fn access_uncertain(depends_on: &[Unknown]) -> Remedy {
    let unseen = match depends_on {
        [] => String::new(),
        [one] => format!(" It depends on {}.", meaning(one)),
        [first, rest @ ..] => format!(" It depends on {}, and {} more (see \"Evidence\").", meaning(first), rest.len()),
    };
    Way::by_hand("Open one of its images in Darwin. If it shows, do nothing.")
        .note(format!(
            "If it is blank, exempt Darwin's role from the condition: ArnNotEquals on aws:PrincipalArn.{unseen}"
        ))
        .into()
}
