//! Remedies for a bucket's settings, and for buckets that can't be what was configured.

use crate::model::contract::Home;
use crate::report::quote::shell;

/// `BlockPublicAcls` and its kin aside: objects that other accounts own are out of the bucket policy's reach.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html>
pub(super) fn object_ownership(bucket: &str) -> String {
    format!(
        "Let the bucket own every object in it (this switches ACLs off: see first that nobody needs them):\n\n\
         aws s3api put-bucket-ownership-controls --bucket {} --ownership-controls \
         'Rules=[{{ObjectOwnership=BucketOwnerEnforced}}]'",
        shell(bucket)
    )
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/RequesterPaysBuckets.html>
pub(super) fn requester_pays(bucket: &str) -> String {
    format!(
        "aws s3api put-bucket-request-payment --bucket {} --request-payment-configuration Payer=BucketOwner",
        shell(bucket)
    )
}

/// Nothing of the bucket reaches EventBridge; every existing target is kept.
pub(super) fn events_off(bucket: &str) -> String {
    format!(
        "Set the stack's parameter EnableEventBridge to true and let the guard do it, or turn it on by hand \
         (put-bucket-notification-configuration replaces everything, hence the reading first):\n\n\
         aws s3api get-bucket-notification-configuration --bucket {bucket} \\\n  \
         | jq -s '(.[0] // {{}}) + {{EventBridgeConfiguration: {{}}}}' > notification.json\n\
         aws s3api put-bucket-notification-configuration --bucket {bucket} --skip-destination-validation \
         --notification-configuration file://notification.json",
        bucket = shell(bucket)
    )
}

/// The bucket name holds a dot.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
pub(super) fn dot_in_name(bucket: &str) -> String {
    format!(
        "V7 can't use a bucket whose name holds a dot (its TLS certificate does not cover {bucket} as a host name). \
         Move the objects to a bucket without one; a bucket can't be renamed."
    )
}

/// The bucket is another account's, as far as S3's answers tell.
pub(super) fn wrong_owner(bucket: &str, home: &Home) -> String {
    format!(
        "See whether bucket {bucket} is among those of account {account}:\n\n\
         aws s3api list-buckets --query {query}\n\n\
         If it is not, take it out of the stack's bucket lists, and see who owns that name now before Darwin uploads to \
         it. If it is, the guard's role is denied everything: update the stack, and look for a Deny in the bucket policy \
         or in a policy of your organisation.",
        account = home.account,
        query = shell(&format!("Buckets[?Name=='{bucket}'].Name")),
    )
}

/// The bucket does not exist.
pub(super) fn does_not_exist(bucket: &str) -> String {
    format!(
        "Bucket {bucket} does not exist. Take it out of the stack's bucket lists, or create it before somebody else takes \
         the name: Darwin goes on reading from it and writing to it."
    )
}

/// The bucket is in another Region.
pub(super) fn wrong_region(bucket: &str) -> String {
    format!(
        "EventBridge rules work in their own Region: take bucket {bucket} out of this stack's bucket lists, and deploy the \
         stack in the bucket's Region, which is (null stands for us-east-1)\n\n\
         aws s3api get-bucket-location --bucket {}",
        shell(bucket)
    )
}
