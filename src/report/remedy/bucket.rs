//! Remedies for a bucket's settings, and for buckets that can't be what was configured.

use crate::report::quote::shell;
use crate::report::remedy::way::{Place, Remedy, Way};

/// Objects that other accounts own are out of the bucket policy's reach.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html>
pub(super) fn object_ownership(at: Place<'_>) -> Remedy {
    Way::run(
        "Let the bucket own every object in it (needs s3:PutBucketOwnershipControls). This switches ACLs off: check first that \
         nobody needs them.",
        format!(
            "{} --ownership-controls 'Rules=[{{ObjectOwnership=BucketOwnerEnforced}}]'",
            at.s3("put-bucket-ownership-controls")
        ),
    )
    .into()
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/RequesterPaysBuckets.html>
pub(super) fn requester_pays(at: Place<'_>) -> Remedy {
    Way::run(
        "Turn requester pays off: your account pays for Darwin's requests then (needs s3:PutBucketRequestPayment).",
        format!("{} --request-payment-configuration Payer=BucketOwner", at.s3("put-bucket-request-payment")),
    )
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
    let by_hand = Way::run(
        "Turn EventBridge on by hand. Every other notification stays (needs s3:GetBucketNotification, \
         s3:PutBucketNotification and jq).",
        command,
    );
    if enable {
        return by_hand.into();
    }
    Remedy::from(Way::by_hand("Set the stack's parameter EnableEventBridge to true: the guard turns EventBridge on."))
        .or(by_hand)
}

/// The bucket name holds a dot.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
pub(super) fn dot_in_name() -> Remedy {
    Way::by_hand(
        "Move the objects to a bucket whose name has no dot, and register that one with V7. A bucket can't be renamed, and \
         the certificate of S3 does not cover such a name.",
    )
    .into()
}

/// The bucket is another account's, as far as S3's answers tell.
pub(super) fn wrong_owner(at: Place<'_>) -> Remedy {
    Way::run(
        format!(
            "Look whether account {} owns it; this prints its name if so. If not, remove it from the stack's bucket lists, and \
             ask V7 to stop using it. If so, look for a Deny on the guard's role.",
            &*at.home.account
        ),
        format!("aws s3api list-buckets --query {}", shell(&format!("Buckets[?Name=='{}'].Name", at.bucket))),
    )
    .into()
}

/// The bucket does not exist.
pub(super) fn does_not_exist() -> Remedy {
    Way::by_hand(
        "Remove it from the stack's bucket lists, or create it before somebody else takes the name: Darwin goes on using that \
         name.",
    )
    .into()
}

/// The bucket is in another Region.
pub(super) fn wrong_region(at: Place<'_>) -> Remedy {
    Way::run(
        "Remove it from this stack's bucket lists, and deploy a stack in the bucket's Region. This prints the Region (null is \
         us-east-1):",
        format!("aws s3api get-bucket-location --bucket {}", shell(at.bucket)),
    )
    .into()
}
