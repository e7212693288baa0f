//! Remedies for the guard's own surroundings: its permissions, its pause, its table, topic and trail.

use crate::model::actor::Actor;
use crate::model::aws::{AwsError, Operation};
use crate::model::contract::Home;
use crate::model::time::Timestamp;
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
        return Way::by_hand("Let the guard's role read the bucket's tags (s3:GetBucketTagging) again.")
            .note("Until then it repairs nothing here.")
            .into();
    }
    resume(at, "Nothing, if the pause is meant to last. If not, remove the tag.")
}

/// Takes the pause tag away.
pub(super) fn resume(at: Place<'_>, says: &str) -> Remedy {
    Way::run(says, format!("{} --tag-keys darwin-guard", tagging(at, "untag-resource")))
        .note("Other tags stay. The guard then repairs again. Needs s3:UntagResource.")
        .into()
}

/// A call of the guard's own was denied.
pub(super) fn denied(at: Place<'_>, error: &AwsError, key: Option<&str>) -> Remedy {
    let (action, bucket) = (error.operation.iam_action(), at.bucket);
    let needs = match (key, error.operation) {
        (Some(key), _) => format!("{action} on key {}", code(key)),
        (None, Operation::HeadObject) => format!("{action} on the objects of bucket {bucket}, and s3:ListBucket"),
        (None, _) => format!("{action} on bucket {bucket}"),
    };
    let listing = if error.operation == Operation::HeadObject {
        " Without s3:ListBucket S3 denies a missing key too."
    } else {
        ""
    };
    Way::by_hand(format!("Find what denies the guard's role {needs}."))
        .note(format!(
            "Look for a Deny in the bucket policy, the key policy and the policies of your organisation. If there is none, \
             update the guard's CloudFormation stack, which gives the role its permissions.{listing}"
        ))
        .into()
}

/// A write failed for a reason that is not known.
pub(super) fn write_failed(error: &AwsError) -> Remedy {
    let way = Way::by_hand("Nothing yet: the guard tries again with the next event, and by its schedule.");
    match &error.request_id {
        Some(id) => way.note(format!("If the call fails for hours, give AWS Support its request id {}.", code(id))),
        None => way,
    }
    .into()
}

/// No trail delivers management events to EventBridge.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html>
pub(super) fn no_config_events(home: &Home) -> Remedy {
    let region = shell(&home.region);
    Way::run(
        "Let a CloudTrail trail log the write management events of this Region. This shows of each trail whether it logs, and what.",
        format!(
            "aws cloudtrail describe-trails --region {region} --query 'trailList[].TrailARN' --output text | tr '\\t' '\\n' | \
             while read -r trail; do aws cloudtrail get-trail-status --region {region} --name \"$trail\" --query IsLogging; aws cloudtrail get-event-selectors --region {region} --trail-name \"$trail\"; done"
        ),
    )
    .note(
        "A trail serves if it prints true, and has management events with ReadWriteType All or WriteOnly and KMS not excluded. Start it with start-logging, or create one. \
         Needs cloudtrail:DescribeTrails, GetTrailStatus and GetEventSelectors.",
    )
    .into()
}

/// More changes than are remembered.
pub(super) fn history_full(at: Place<'_>) -> Remedy {
    Way::run(
        "Find out what changes the bucket so often, e.g. two pipelines: this lists its changes.",
        format!("{} {WRITES}", events_of(at.home, at.bucket)),
    )
    .note("Then compare the bucket's configuration with what you want. Needs cloudtrail:LookupEvents.")
    .into()
}

/// Somebody has accepted an incident.
pub(super) fn acknowledged() -> Remedy {
    Way::by_hand("Nothing until then.").note("To be reminded earlier, acknowledge it for fewer days.").into()
}

/// An item of the table that this version can't read.
pub(super) fn state_unreadable() -> Remedy {
    Way::by_hand("Nothing, if the guard was just updated or rolled back. If not, delete the item, which \"Why\" names.")
        .note("The version of the guard that wrote the item reads it again.")
        .into()
}

/// Nobody reads the alerts.
pub(super) fn no_subscription(home: &Home, topic_arn: Option<&str>) -> Remedy {
    let note = "Put your address for on-call@example.com, and confirm by the link in AWS's mail. If you subscribed already, look for \
                that mail in the spam folder. Needs sns:Subscribe.";
    let Some(topic) = topic_arn else {
        return Way::by_hand("Subscribe an address to the guard's SNS topic.").note(note).into();
    };
    Way::run(
        "Subscribe an address to the guard's SNS topic.",
        format!(
            "aws sns subscribe --region {} --topic-arn {} --protocol email --notification-endpoint on-call@example.com",
            shell(&home.region),
            shell(topic)
        ),
    )
    .note(note)
    .into()
}

/// The incident table can't be used.
pub(super) fn table_unreachable() -> Remedy {
    Way::by_hand("Update the guard's CloudFormation stack, which restores the table and the permissions on it.")
        .note(
            "The guard's role needs dynamodb:GetItem, PutItem, UpdateItem and Query. If table and permissions are there, look at AWS \
             Health for DynamoDB.",
        )
        .into()
}

/// A rival keeps undoing the repair.
pub(super) fn contested(at: Place<'_>, rival: Option<&Actor>, window_s: u64) -> Remedy {
    let quiet = span(Duration::from_secs(window_s));
    let source = match rival.and_then(actor::pipeline) {
        Some(pipeline) => format!("the {pipeline} source of this bucket"),
        None => "the source that writes this bucket's configuration".to_owned(),
    };
    let way = invoke(
        at,
        "repair",
        &format!("Add Darwin's policy statement and CORS rule to {source}. Then let the guard repair at once."),
    );
    way.note(format!(
        "Without the command the guard repairs again by itself after {quiet} without such a change. Needs \
         lambda:InvokeFunction. If Darwin is to be cut off, set the bucket's tag darwin-guard to paused instead."
    ))
    .into()
}

/// An action of the guard's own by hand.
pub(super) fn invoke(at: Place<'_>, action: &str, says: &str) -> Way {
    let payload = json!({"action": action, "bucket": at.bucket}).to_string();
    match &at.home.function {
        None => Way::put(format!("{says} Invoke it with this event."), payload),
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
pub(super) fn look_up(home: &Home, resource: &str, since: Timestamp) -> String {
    format!("{} --start-time {} {WRITES}", events_of(home, resource), since.to_string())
}

/// Of CloudTrail's events the changes, a line each.
const WRITES: &str = "--query \"Events[?ReadOnly=='false'].[EventTime,EventName,Username]\" --output table";

fn events_of(home: &Home, resource: &str) -> String {
    format!(
        "aws cloudtrail lookup-events --region {} --lookup-attributes {}",
        shell(&home.region),
        shell(&format!("AttributeKey=ResourceName,AttributeValue={resource}"))
    )
}
