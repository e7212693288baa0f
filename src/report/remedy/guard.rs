//! Remedies for the guard's own surroundings: its permissions, its pause, its table, topic and trail.

use crate::model::actor::Actor;
use crate::model::aws::{AwsError, Operation};
use crate::model::contract::Home;
use crate::report::actor;
use crate::report::quote::shell;
use crate::report::remedy::way::{Place, Remedy, Way};
use crate::report::text::{code, span};
use serde_json::json;
use std::time::Duration;

/// How to keep the guard from repairing a bucket.
///
/// The tag is added with `TagResource`, which keeps the other tags (`PutBucketTagging` would replace them).
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_TagResource.html>
pub(super) fn pause(at: Place<'_>) -> String {
    format!("{} --tags Key=darwin-guard,Value=paused", tagging(at, "tag-resource"))
}

fn tagging(at: Place<'_>, operation: &str) -> String {
    let Home { account, region, .. } = at.home;
    let (region, arn) = (shell(region), shell(&at.arn()));
    format!("aws s3control {operation} --region {region} --account-id {} --resource-arn {arn}", &**account)
}

/// The guard is paused by its tag.
pub(super) fn paused(at: Place<'_>, unreadable: bool) -> Remedy {
    if unreadable {
        return Way::by_hand(
            "Let the guard's role read the bucket's tags again (s3:GetBucketTagging): until then it repairs nothing here.",
        )
        .into();
    }
    Remedy::from(Way::by_hand("If the pause is meant to last: nothing. The guard reports it once a day.")).or(Way::run(
        "If not, remove the tag (needs s3:UntagResource); the guard then repairs again.",
        format!("{} --tag-keys darwin-guard", tagging(at, "untag-resource")),
    ))
}

/// A call of the guard's own was denied.
pub(super) fn denied(at: Place<'_>, error: &AwsError, key: Option<&str>) -> Remedy {
    let (action, bucket) = (error.operation.iam_action(), at.bucket);
    let needs = match (key, error.operation) {
        (Some(key), _) => format!("{action} on key {}", code(key)),
        (None, Operation::HeadObject) => {
            format!(
                "{action} on the objects of bucket {bucket}, and s3:ListBucket, without which S3 denies a missing key too,"
            )
        }
        (None, _) => format!("{action} on bucket {bucket}"),
    };
    Way::by_hand(format!(
        "Give the guard's role {needs} again: update the stack. If the role has it, look for a Deny on the role: in the bucket \
         policy, the key policy, or a policy of your organisation.",
    ))
    .into()
}

/// A write failed for a reason that is not known.
pub(super) fn write_failed(error: &AwsError) -> Remedy {
    let request = match &error.request_id {
        Some(id) => format!(" If it stays, give AWS Support the request id {}.", code(id)),
        None => String::new(),
    };
    Way::by_hand(format!("Wait: the guard tries again with the next event, or within its schedule.{request}")).into()
}

/// No trail delivers management events to EventBridge.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html>
pub(super) fn no_config_events(home: &Home) -> Remedy {
    let region = shell(&home.region);
    Way::run(
        "Let a CloudTrail trail log write management events of this Region, KMS events included. This shows what each trail \
         logs (needs cloudtrail:DescribeTrails and cloudtrail:GetEventSelectors):",
        format!(
            "aws cloudtrail describe-trails --region {region} --query 'trailList[].TrailARN' --output text | tr '\\t' '\\n' | \
             while read -r trail; do aws cloudtrail get-event-selectors --region {region} --trail-name \"$trail\"; done"
        ),
    )
    .into()
}

/// More changes than are remembered.
pub(super) fn history_full(at: Place<'_>) -> Remedy {
    Way::run(
        "Find out what changes the bucket so often, and compare its configuration with what you want:",
        look_up(at.home, at.bucket),
    )
    .into()
}

/// Somebody has accepted an incident.
pub(super) fn acknowledged() -> Remedy {
    Way::by_hand("Nothing until then. To be reminded earlier, acknowledge it for fewer days.").into()
}

/// An item of the table that this version can't read.
pub(super) fn state_unreadable() -> Remedy {
    Way::by_hand(
        "Nothing, if the stack was updated or rolled back: the version that wrote the item reads it again. Otherwise \
         delete the item.",
    )
    .into()
}

/// Nobody reads the alerts.
pub(super) fn no_subscription(home: &Home, topic_arn: Option<&str>) -> Remedy {
    let Some(topic) = topic_arn else {
        return Way::by_hand("Subscribe an address to the stack's topic, and confirm it by the link in AWS's mail.")
            .into();
    };
    Way::run(
        "Subscribe an address (put yours for on-call@example.com), and confirm it by the link in AWS's mail. If that was done, \
         the mail may be in the spam folder.",
        format!(
            "aws sns subscribe --region {} --topic-arn {} --protocol email --notification-endpoint on-call@example.com",
            shell(&home.region),
            shell(topic)
        ),
    )
    .into()
}

/// The incident table can't be used.
pub(super) fn table_unreachable() -> Remedy {
    Way::by_hand(
        "Update the stack: it restores the table and the guard's permissions on it (dynamodb:GetItem, PutItem, UpdateItem, \
         Query). If both are there, look at AWS Health for DynamoDB.",
    )
    .into()
}

/// A rival keeps undoing the repair.
pub(super) fn contested(at: Place<'_>, rival: Option<&Actor>, window_s: u64) -> Remedy {
    let quiet = span(Duration::from_secs(window_s));
    let source = match rival.and_then(actor::pipeline) {
        Some(pipeline) => format!("the {pipeline} source of this bucket's policy"),
        None => "the source that writes this bucket's policy".to_owned(),
    };
    Remedy::from(invoke(
        at,
        "repair",
        &format!(
            "Put Darwin's statement and CORS rule into {source}. Then let the guard repair at once \
             (needs lambda:InvokeFunction); it also starts again by itself after {quiet} of quiet."
        ),
    ))
    .or(Way::run("If Darwin is to be cut off, pause the guard (needs s3:TagResource):", pause(at)))
}

/// An action of the guard's own by hand.
pub(super) fn invoke(at: Place<'_>, action: &str, says: &str) -> Way {
    let payload = json!({"action": action, "bucket": at.bucket}).to_string();
    match &at.home.function {
        None => Way::put(format!("{says} The event:"), payload),
        Some(function) => Way::run(
            says,
            format!(
                "aws lambda invoke --region {} --function-name {} --cli-binary-format raw-in-base64-out --payload {} \
                 /dev/stdout",
                shell(&at.home.region),
                shell(function),
                shell(&payload)
            ),
        ),
    }
}

/// Who changed something: CloudTrail keeps it for 90 days, also without a trail.
/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events-cli.html>
pub(super) fn look_up(home: &Home, resource: &str) -> String {
    format!(
        "aws cloudtrail lookup-events --region {} --lookup-attributes {}",
        shell(&home.region),
        shell(&format!("AttributeKey=ResourceName,AttributeValue={resource}"))
    )
}
