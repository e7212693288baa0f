//! Amazon Resource Names: their six parts.
//!
//! Pure. Must never guess a part that is missing.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>

use std::fmt;

/// `arn:partition:service:region:account:resource`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Arn {
    /// `aws`, `aws-cn`, `aws-us-gov` ...
    pub partition: String,
    /// e.g. `iam`, `s3`, `kms`.
    pub service: String,
    /// Empty for global services and S3.
    pub region: String,
    /// 12 digits; empty for S3 buckets and objects.
    pub account: String,
    /// Everything after the fifth colon, colons included.
    pub resource: String,
}

impl Arn {
    /// None unless the text begins with `arn:` and has all six parts; parts may be empty.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        if parts.next() != Some("arn") {
            return None;
        }
        let mut next = || parts.next().map(str::to_owned);
        Some(Self { partition: next()?, service: next()?, region: next()?, account: next()?, resource: next()? })
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, service, region, account, resource } = self;
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

/// Whether the text is an account id: twelve digits.
pub fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_reads_as_its_parts_and_prints_as_it_was() {
        for text in [
            "arn:aws:iam::258327614892:role/external_s3",
            "arn:aws:s3:::bucket/key:with:colons",
            "arn:aws-cn:kms:cn-north-1:111122223333:key/1234",
            "arn:::::",
        ] {
            assert_eq!(Arn::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Arn::parse("arn:aws:s3:::bucket/key:with:colons").unwrap().resource, "bucket/key:with:colons");
    }

    #[test]
    fn what_lacks_a_part_is_not_an_arn() {
        for text in ["", "arn", "arn:aws:iam::1", "258327614892", "ARN:aws:iam::1:role/x"] {
            assert_eq!(Arn::parse(text), None, "{text}");
        }
    }
}
