//! Why a scan ended before its end.

use crate::model::aws::AwsError;

/// What ended it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The credentials don't hold any more, or a call could not be signed.
    Credentials(AwsError),
    /// The bucket can't be listed.
    Listing(AwsError),
    /// S3 throttled or failed every call for a while.
    NoAnswer(AwsError),
    /// The listing is not in the order of the bytes of its keys.
    Order { key: String },
    /// By whoever began it.
    Interrupted,
    /// What was found can't be kept.
    Unkept(String),
}
