//! Amazon Resource Names and what they are made of: partitions, Regions, accounts.
//!
//! Pure. Must never guess a part that is missing.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>

use crate::model::text::is_digits;
use serde::Serialize;
use std::fmt;
use std::ops::Deref;

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

    /// Whether it names an account and a resource, without wildcards or spaces.
    pub fn is_exact(&self) -> bool {
        let Self { partition, service, region, account, resource } = self;
        let plain = |part: &String| part.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'*' | b'?'));
        [partition, service, region, account, resource].into_iter().all(plain)
            && is_partition(partition)
            && is_account_id(account)
            && !resource.is_empty()
    }

    /// The name of a resource of a service that belongs to a Region, of a kind such as `key/`; None for any other ARN.
    pub fn name_in_region(&self, service: &str, kind: &str) -> Option<&str> {
        let name = self.resource.strip_prefix(kind).filter(|name| !name.is_empty())?;
        (self.is_exact() && self.service == service && is_region(&self.region)).then_some(name)
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, service, region, account, resource } = self;
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

/// The account of a KMS key's ARN; none where the text does not have the form of one.
pub fn account_of_key(text: &str) -> Option<String> {
    let arn = Arn::parse(text)?;
    let id = arn.name_in_region("kms", "key/")?;
    id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-').then(|| arn.account.clone())
}

/// Whether the text is an account id: twelve digits.
pub fn is_account_id(text: &str) -> bool {
    text.len() == 12 && is_digits(text)
}

/// `aws`, `aws-cn`, `aws-us-gov`.
pub fn is_partition(text: &str) -> bool {
    text == "aws" || text.starts_with("aws-")
}

/// `eu-central-1`, `us-gov-west-1`, `eusc-de-east-1`.
pub fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let Some((number, words)) = parts.split_last() else { return false };
    words.len() >= 2
        && words.iter().all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()))
        && is_digits(number)
}

/// The partition that a Region belongs to.
/// <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>
pub fn partition_of(region: &str) -> &'static str {
    const PARTITIONS: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("eusc-", "aws-eusc"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("eu-isoe-", "aws-iso-e"),
    ];
    PARTITIONS.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}

/// An AWS account's id: twelve digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct AccountId(String);

impl AccountId {
    pub fn parse(text: &str) -> Option<Self> {
        is_account_id(text).then(|| Self(text.to_owned()))
    }
}

impl Deref for AccountId {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
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
