//! Remedies for the CORS rules.

/// All rules that would serve, in JSON.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html>
pub(super) fn rules(proposed: &str) -> String {
    format!(
        "Set the bucket's CORS rules (S3 console: Permissions, Cross-origin resource sharing) to:\n{proposed}\n\
         If images stay blank in a browser that loaded them before, empty its cache: S3 sends `Vary: Origin` only \
         to requests that have an Origin, so an answer cached from a plain request is used again without CORS headers."
    )
}

/// There is no room for our rule.
pub(super) fn limit(origin: &str) -> String {
    let origins = serde_json::to_string(origin).unwrap_or_default();
    format!(
        "Remove or join rules that are no longer needed, or add {origins} to the AllowedOrigins of a rule that has \
         the method GET. The guard changes no rule of yours, and adds its own as soon as there is room."
    )
}
