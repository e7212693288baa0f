//! What KMS says of a key, in the API's own words.

/// What DescribeKey tells.
/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html>
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyMetadata {
    pub arn: String,
    /// Account that owns the key (`AWSAccountId`).
    pub account: String,
    /// `KeyState`, e.g. `Enabled`.
    pub state: String,
    /// `KeyManager`: `AWS` or `CUSTOMER`.
    pub manager: String,
    pub origin: Option<String>,
    pub spec: Option<String>,
    pub usage: Option<String>,
    pub multi_region: bool,
}
