//! Remedies for the CORS rules.

use crate::report::quote::{is_json, shell_json};
use crate::report::remedy::way::{Place, Remedy, Way};

/// All rules that would serve, in JSON.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html>
pub(super) fn rules(at: Place<'_>, proposed: &str) -> Remedy {
    if !is_json(proposed) {
        return Way::by_hand("Add a CORS rule with the method GET and Darwin's origin (S3 console, Permissions).")
            .into();
    }
    Way::run(
        "Write the CORS rules as they were read, with Darwin's rule after them (needs s3:PutBucketCORS). If images stay blank \
         in a browser that loaded them before, empty its cache.",
        put(at, proposed),
    )
    .into()
}

/// Writes the rules.
pub(super) fn put(at: Place<'_>, rules: &str) -> String {
    let configuration = shell_json(&format!("{{\"CORSRules\":{rules}}}"));
    format!("{} --cors-configuration {configuration}", at.s3("put-bucket-cors"))
}

/// There is no room for our rule.
pub(super) fn limit(origin: &str) -> Remedy {
    let origins = serde_json::to_string(origin).unwrap_or_default();
    Way::put(
        "Remove a CORS rule that is no longer needed, and the guard adds its own. Or add this to the AllowedOrigins of a rule \
         that has the method GET:",
        origins,
    )
    .into()
}
