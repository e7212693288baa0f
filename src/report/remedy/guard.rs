//! Remedies for the guard's own surroundings: its permissions, its pause, its table, topic and trail.

use crate::model::aws::AwsError;
use crate::model::contract::Home;
use crate::report::quote::shell;
use crate::report::text::name;
use serde_json::json;

/// How to keep the guard from repairing a bucket: the first words of every repair's message.
///
/// The tag is added with `TagResource`, which keeps the other tags (`PutBucketTagging` would replace them).
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_TagResource.html>
pub(super) fn how_to_stop(bucket: &str, home: &Home) -> String {
    format!(
        "To stop the guard from repairing this bucket, tag it darwin-guard=paused:\n\
         aws s3control tag-resource --region {} --account-id {} --resource-arn {} --tags \
         Key=darwin-guard,Value=paused\n\
         or set the stack's parameter Mode to flag (MODE=flag), for every bucket; or deny Darwin's role in the bucket \
         policy: the guard never touches a Deny.",
        shell(&home.region),
        shell(&home.account),
        shell(&format!("arn:{}:s3:::{bucket}", home.partition)),
    )
}

/// The guard is paused by its tag.
pub(super) fn paused(bucket: &str, home: &Home) -> String {
    format!(
        "To let it repair again, remove the tag:\n\n\
         aws s3control untag-resource --region {} --account-id {} --resource-arn {} --tag-keys darwin-guard",
        shell(&home.region),
        shell(&home.account),
        shell(&format!("arn:{}:s3:::{bucket}", home.partition)),
    )
}

/// A call of the guard's own was denied.
pub(super) fn denied(error: &AwsError, bucket: &str) -> String {
    format!(
        "The guard's {} was denied. Its role needs {} on {bucket}: update the stack if the role lost \
         it; else look for a Deny in the bucket or key policy, or in a policy of your organisation, that hits the role.",
        error.operation,
        error.operation.iam_action(),
    )
}

/// A write failed for a reason that is not known.
pub(super) fn write_failed(bucket: &str, error: &AwsError) -> String {
    format!(
        "S3 answered {} to the write on bucket {bucket}. The next event or the schedule tries again; if it stays, the \
         request id {} helps AWS Support.",
        error.code.as_deref().map_or_else(|| "nothing that it names".to_owned(), name),
        error.request_id.as_deref().map_or_else(|| "(none)".to_owned(), name),
    )
}

/// No trail delivers management events to EventBridge.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html>
pub(super) fn no_config_events(home: &Home) -> String {
    format!(
        "EventBridge hears of configuration changes only where a CloudTrail trail logs write management events of \
         Region {region} (KMS events must not be excluded). See which trails there are:\n\n\
         aws cloudtrail describe-trails --region {region}\n\
         aws cloudtrail get-event-selectors --region {region} --trail-name TRAIL_NAME\n\n\
         Until then the schedule finds changes, within its period.",
        region = shell(&home.region)
    )
}

/// More changes than are remembered.
pub(super) fn history_full(bucket: &str, home: &Home) -> String {
    format!(
        "Find out what changes the bucket so often, and compare its configuration with what you want:\n\n\
         aws cloudtrail lookup-events --region {} --lookup-attributes AttributeKey=ResourceName,AttributeValue={}",
        shell(&home.region),
        shell(bucket)
    )
}

/// Nobody reads the alerts.
pub(super) fn no_subscription(topic_arn: Option<&str>) -> String {
    let topic = topic_arn.map_or_else(|| "TOPIC_ARN".to_owned(), shell);
    format!(
        "Subscribe somebody, and confirm by the link in the mail that AWS sends:\n\n\
         aws sns subscribe --topic-arn {topic} --protocol email --notification-endpoint YOU@EXAMPLE.COM\n\n\
         If a subscription is pending already, its confirmation mail may lie in the spam folder."
    )
}

/// The incident table can't be used.
pub(super) fn table_unreachable() -> String {
    "See that the table named in INCIDENT_TABLE exists in this Region, and that the function's role may do \
     dynamodb:GetItem, PutItem, UpdateItem and Query on it. Updating the stack restores both."
        .to_owned()
}

/// A rival keeps undoing the repair.
pub(super) fn contested(bucket: &str, actor: Option<&str>) -> String {
    let who = actor.map_or_else(|| "whoever writes the policy".to_owned(), name);
    format!(
        "Put Darwin's statement (and CORS rule) into the source that {who} applies, e.g. the Terraform module or stack \
         that owns bucket {bucket}. The guard repairs again after a quiet period, or at once with\n\n\
         aws lambda invoke --function-name FUNCTION_NAME --cli-binary-format raw-in-base64-out --payload \
         {} /dev/stdout\n\n\
         If Darwin is to be cut off, deny its role or tag the bucket darwin-guard=paused.",
        shell(&json!({"action": "repair", "bucket": bucket}).to_string())
    )
}
