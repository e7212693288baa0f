//! Links into the AWS console, by Region and partition.
//!
//! Must never let a name be more than one part of a link.

use crate::model::arn::Arn;
use crate::model::contract::Home;
use std::fmt::Write as _;

/// The bucket's permissions.
pub(super) fn bucket(home: &Home, bucket: &str) -> String {
    let region = encoded(&home.region);
    format!("{}/s3/buckets/{}?region={region}&tab=permissions", console(home), encoded(bucket))
}

/// One object.
pub(super) fn object(home: &Home, bucket: &str, key: &str) -> String {
    let region = encoded(&home.region);
    format!("{}/s3/object/{}?region={region}&prefix={}", console(home), encoded(bucket), encoded(key))
}

/// A KMS key of the account; none of another's, which the console does not show.
pub(super) fn key(home: &Home, arn: &str) -> Option<String> {
    let key = Arn::parse(arn).filter(|key| key.account == *home.account)?;
    let id = key.resource.strip_prefix("key/").filter(|id| id.len() <= 128)?;
    let region = encoded(&key.region);
    Some(format!("{}/kms/home?region={region}#/kms/keys/{}", console(home), encoded(id)))
}

fn console(home: &Home) -> String {
    let domain = match home.partition.as_str() {
        "aws-cn" => "console.amazonaws.cn",
        "aws-us-gov" => "console.amazonaws-us-gov.com",
        _ => "console.aws.amazon.com",
    };
    format!("https://{}.{domain}", encoded(&home.region))
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}
