//! AWS through its SDK. Must never judge, never know a particular endpoint, and never make an S3 call without `ExpectedBucketOwner`.

pub mod bucket;
#[cfg(feature = "cli")]
pub mod caller;
pub mod client;
pub mod clock;
#[cfg(feature = "cli")]
pub mod deployed;
pub mod dynamodb;
pub mod error;
pub mod init_error;
pub mod kms;
#[cfg(feature = "forms")]
pub mod list;
pub mod log;
pub mod meter;
pub mod notifications;
pub mod outside;
#[cfg(feature = "cli")]
pub mod reach;
pub mod s3;
pub mod sns;
