//! What to do where a call of the guard was refused.

use crate::model::aws::AwsError;
use crate::report::remedy::bucket::guard_denied;
/// The remedy for a call of the guard's own that was denied.
pub fn denied_call(error: &AwsError, bucket: &str) -> String {
    guard_denied(error.operation.to_string().as_str(), error.operation.iam_action(), bucket)
}
