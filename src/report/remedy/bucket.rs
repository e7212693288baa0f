//! Remedies for a bucket's settings, and for buckets that can't be what was configured.

use crate::model::aws::AwsError;
use crate::report::quote::shell;
use crate::report::remedy::way::{Place, Remedy, Way};
use crate::report::words::other_region;

/// Where the guard's buckets are named.
pub(super) const BUCKET_LISTS: &str = "the parameter ReadOnlyBuckets or ReadWriteBuckets";

/// Objects that other accounts own are out of the bucket policy's reach.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html>
pub(super) fn object_ownership(at: Place<'_>) -> Remedy {
    Way::run(
        "Let the bucket own every object in it. This can wait until it is known that no writer needs ACLs.",
        format!(
            "{} --ownership-controls 'Rules=[{{ObjectOwnership=BucketOwnerEnforced}}]'",
            at.s3("put-bucket-ownership-controls")
        ),
    )
    .note("It switches ACLs off: uploads with an ACL other than bucket-owner-full-control fail then. Needs s3:PutBucketOwnershipControls.")
    .into()
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/RequesterPaysBuckets.html>
pub(super) fn requester_pays(at: Place<'_>) -> Remedy {
    Way::run(
        "Turn requester pays off.",
        format!("{} --request-payment-configuration Payer=BucketOwner", at.s3("put-bucket-request-payment")),
    )
    .note("Your account pays for all requests then. Needs s3:PutBucketRequestPayment.")
    .into()
}

/// Nothing of the bucket reaches EventBridge; every existing target is kept.
pub(super) fn events_off(at: Place<'_>, enable: bool) -> Remedy {
    let command = format!(
        "{} > notification.json &&\njq -s '(.[0] // {{}}) + {{EventBridgeConfiguration: {{}}}}' notification.json > \
         new-notification.json &&\n{} --skip-destination-validation --notification-configuration \
         file://new-notification.json",
        at.s3("get-bucket-notification-configuration"),
        at.s3("put-bucket-notification-configuration"),
    );
    let by_itself =
        if enable { "" } else { " With its parameter EnableEventBridge set to true, the guard does it by itself." };
    Way::run("Turn EventBridge on for the bucket.", command)
        .note(format!(
            "All other notifications stay. Needs s3:GetBucketNotification, s3:PutBucketNotification and jq.{by_itself}"
        ))
        .into()
}

/// The bucket name holds a dot.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
pub(super) fn dot_in_name() -> Remedy {
    Way::by_hand("Move the images to a bucket whose name has no dot, and register that bucket with V7.")
        .note(format!("A bucket can't be renamed. Put the new one into {BUCKET_LISTS}."))
        .into()
}

/// The bucket is another account's, as far as S3's answers tell.
pub(super) fn wrong_owner(at: Place<'_>) -> Remedy {
    Way::run(
        format!("Find out whether account {} still owns the bucket: this lists it if so.", &*at.home.account),
        format!("aws s3api list-buckets --prefix {} --query 'Buckets[].Name' --output text", shell(at.bucket)),
    )
    .note(format!(
        "If it is not listed, ask V7 to stop using the bucket, and remove it from {BUCKET_LISTS}. If it is, look for a Deny that \
         hits the guard's role. Needs s3:ListAllMyBuckets."
    ))
    .into()
}

/// The bucket does not exist.
pub(super) fn does_not_exist() -> Remedy {
    Way::by_hand("Create the bucket again, before another account takes its name, and upload its images again. Or ask V7 to stop using it.")
        .note(format!("If it is not coming back, remove it from {BUCKET_LISTS} too."))
        .into()
}

/// The bucket is in another Region.
pub(super) fn wrong_region(at: Place<'_>, answer: &AwsError) -> Remedy {
    let note = format!("The guard in {} has it in {BUCKET_LISTS}.", at.home.region);
    if let Some(region) = other_region(answer) {
        return Way::by_hand(format!("Deploy a guard in {region}, and remove the bucket from this one."))
            .note(note)
            .into();
    }
    Way::run(
        "Deploy a guard in the bucket's Region, which this prints (null is us-east-1), and remove the bucket from this one.",
        format!("aws s3api get-bucket-location --bucket {}", shell(at.bucket)),
    )
    .note(note)
    .into()
}
