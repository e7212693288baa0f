//! Links into the AWS console, by Region and partition.
//!
//! Must never let a name be more than one part of a link.

use crate::model::arn::Arn;
use crate::model::contract::Home;
use crate::report::quote::percent;

/// The bucket's permissions.
pub(super) fn bucket(home: &Home, bucket: &str) -> String {
    let region = percent(&home.region);
    format!("{}/s3/buckets/{}?region={region}&tab=permissions", console(home), percent(bucket))
}

/// One object.
pub(super) fn object(home: &Home, bucket: &str, key: &str) -> String {
    let region = percent(&home.region);
    format!("{}/s3/object/{}?region={region}&prefix={}", console(home), percent(bucket), percent(key))
}

/// A KMS key of the account; none of another's, which the console does not show.
pub(super) fn key(home: &Home, arn: &str) -> Option<String> {
    let key = Arn::parse(arn).filter(|key| key.account == *home.account)?;
    let id = key.resource.strip_prefix("key/").filter(|id| id.len() <= 128)?;
    let region = percent(&key.region);
    Some(format!("{}/kms/home?region={region}#/kms/keys/{}", console(home), percent(id)))
}

fn console(home: &Home) -> String {
    let domain = match home.partition.as_str() {
        "aws-cn" => "console.amazonaws.cn",
        "aws-us-gov" => "console.amazonaws-us-gov.com",
        _ => "console.aws.amazon.com",
    };
    format!("https://{}.{domain}", percent(&home.region))
}
