//! Remedies for the CORS rules.

use crate::report::quote::{in_quotes, shell_json};
use crate::report::remedy::way::{Place, Remedy, Way};
use crate::report::text::code;
use serde_json::Value;

/// Darwin's rule after those that are there. `proposed`: all of them in JSON, Darwin's last.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html>
pub(super) fn rule(at: Place<'_>, proposed: &str, rules: usize) -> Remedy {
    let Some(rule) = added(proposed) else {
        return Way::by_hand("Add a CORS rule with the method GET and Darwin's origin to the bucket.").into();
    };
    let command = if rules == 0 {
        format!("{} &&\n{}", at.finds_nothing("get-bucket-cors", "NoSuchCORSConfiguration"), put(at, proposed))
    } else {
        format!(
            "{} > cors.json &&\njq '.CORSRules += [{}]' cors.json > new-cors.json &&\n{} --cors-configuration \
             file://new-cors.json",
            at.s3("get-bucket-cors"),
            in_quotes(&rule.to_string()),
            at.s3("put-bucket-cors"),
        )
    };
    let needs =
        if rules == 0 { "s3:GetBucketCORS, s3:PutBucketCORS" } else { "s3:GetBucketCORS, s3:PutBucketCORS and jq" };
    let stay = if rules == 0 { "If the bucket has CORS rules by now, it stops. " } else { "All other rules stay. " };
    Way::run("Add Darwin's CORS rule.", command)
        .note(format!(
            "{stay}If images stay blank in a browser that loaded them before, empty its cache. Needs {needs}."
        ))
        .into()
}

/// Darwin's rule, which is the last of those proposed.
pub(super) fn added(proposed: &str) -> Option<Value> {
    serde_json::from_str::<Vec<Value>>(proposed).ok()?.pop()
}

/// Writes the rules.
pub(super) fn put(at: Place<'_>, rules: &str) -> String {
    let configuration = shell_json(&format!("{{\"CORSRules\":{rules}}}"));
    format!("{} --cors-configuration {configuration}", at.s3("put-bucket-cors"))
}

/// The rules once Darwin's is among them.
pub(super) fn as_it_is(at: Place<'_>) -> Way {
    Way::run("", at.s3("get-bucket-cors"))
        .note("It prints the CORS rules as they are now, with Darwin's. Needs s3:GetBucketCORS.")
}

/// There is no room for our rule.
pub(super) fn limit(origin: &str) -> Remedy {
    Way::by_hand(format!("Add {} to the AllowedOrigins of a CORS rule that has the method GET.", code(origin)))
        .note("Or remove a CORS rule that is no longer needed: the guard then adds Darwin's by itself.")
        .into()
}
