//! The AWS calls that the guard makes, and what their errors mean.
//!
//! Must never name an SDK type: errors are classed once, at the edge.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Every AWS call the guard can make. The template's permissions are derived from this list by a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Operation {
    HeadObject,
    /// The tool's scan alone.
    ListObjectsV2,
    GetBucketPolicy,
    GetBucketPolicyStatus,
    GetBucketCors,
    GetBucketEncryption,
    GetBucketNotificationConfiguration,
    GetPublicAccessBlock,
    GetBucketOwnershipControls,
    GetBucketRequestPayment,
    GetBucketTagging,
    PutBucketPolicy,
    PutBucketCors,
    PutBucketNotificationConfiguration,
    DescribeKey,
    GetKeyPolicy,
    ListGrants,
    Publish,
    GetTopicAttributes,
    GetItem,
    PutItem,
    UpdateItem,
    DeleteItem,
    Query,
}

impl Operation {
    /// Every one that the function can make.
    pub const ALL: &'static [Self] = &[
        Self::HeadObject,
        Self::GetBucketPolicy,
        Self::GetBucketPolicyStatus,
        Self::GetBucketCors,
        Self::GetBucketEncryption,
        Self::GetBucketNotificationConfiguration,
        Self::GetPublicAccessBlock,
        Self::GetBucketOwnershipControls,
        Self::GetBucketRequestPayment,
        Self::GetBucketTagging,
        Self::PutBucketPolicy,
        Self::PutBucketCors,
        Self::PutBucketNotificationConfiguration,
        Self::DescribeKey,
        Self::GetKeyPolicy,
        Self::ListGrants,
        Self::Publish,
        Self::GetTopicAttributes,
        Self::GetItem,
        Self::PutItem,
        Self::UpdateItem,
        Self::DeleteItem,
        Self::Query,
    ];

    /// The operation of that name in the API.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|operation| format!("{operation:?}") == name)
    }

    /// The IAM action that allows the call. HeadObject of a version needs `s3:GetObjectVersion` as well.
    /// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html>
    pub const fn iam_action(self) -> &'static str {
        match self {
            Self::HeadObject => "s3:GetObject",
            Self::ListObjectsV2 => "s3:ListBucket",
            Self::GetBucketPolicy => "s3:GetBucketPolicy",
            Self::GetBucketPolicyStatus => "s3:GetBucketPolicyStatus",
            Self::GetBucketCors => "s3:GetBucketCORS",
            Self::GetBucketEncryption => "s3:GetEncryptionConfiguration",
            Self::GetBucketNotificationConfiguration => "s3:GetBucketNotification",
            Self::GetPublicAccessBlock => "s3:GetBucketPublicAccessBlock",
            Self::GetBucketOwnershipControls => "s3:GetBucketOwnershipControls",
            Self::GetBucketRequestPayment => "s3:GetBucketRequestPayment",
            Self::GetBucketTagging => "s3:GetBucketTagging",
            Self::PutBucketPolicy => "s3:PutBucketPolicy",
            Self::PutBucketCors => "s3:PutBucketCORS",
            Self::PutBucketNotificationConfiguration => "s3:PutBucketNotification",
            Self::DescribeKey => "kms:DescribeKey",
            Self::GetKeyPolicy => "kms:GetKeyPolicy",
            Self::ListGrants => "kms:ListGrants",
            Self::Publish => "sns:Publish",
            Self::GetTopicAttributes => "sns:GetTopicAttributes",
            Self::GetItem => "dynamodb:GetItem",
            Self::PutItem => "dynamodb:PutItem",
            Self::UpdateItem => "dynamodb:UpdateItem",
            Self::DeleteItem => "dynamodb:DeleteItem",
            Self::Query => "dynamodb:Query",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What an AWS error means for us. Classed once, in `aws`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorClass {
    /// 403 and its kin: our own call may not be made.
    Denied,
    /// The thing asked for is not there.
    NotFound,
    Throttled,
    /// A fault that may pass: 5xx, timeout, connection lost, `OperationAborted`.
    Transient,
    /// The same call would fail again.
    Permanent,
}

/// An AWS call that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{operation} failed: {} ({class:?}): {message}", code.as_deref().unwrap_or("no code"))]
pub struct AwsError {
    pub operation: Operation,
    pub class: ErrorClass,
    /// The error code, e.g. `AccessDenied`, `NoSuchBucketPolicy`, `PermanentRedirect`.
    pub code: Option<String>,
    /// HTTP status; none where no answer came.
    pub status: Option<u16>,
    pub message: String,
    pub request_id: Option<String>,
}

impl AwsError {
    pub fn retryable(&self) -> bool {
        matches!(self.class, ErrorClass::Throttled | ErrorClass::Transient)
    }

    /// Whether a write may have been made all the same: there was no answer, or one that leaves it open. S3's refusals
    /// (4xx, and 503: it is too busy) say that it was not.
    pub fn may_have_been_done(&self) -> bool {
        self.status.is_none_or(|status| status >= 500 && status != 503 || status < 400)
    }

    pub fn has_code(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }
}

pub type AwsResult<T> = Result<T, AwsError>;

/// How often an operation was asked for since the counters were last taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Usage {
    pub operation: Operation,
    /// Calls as our code made them.
    pub calls: u64,
    /// Attempts beyond the first of each call.
    pub retries: u64,
}
