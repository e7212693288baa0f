//! A bucket's notification configuration: read as S3 gives it, and written back with EventBridge on.
//!
//! PutBucketNotificationConfiguration replaces everything. Must never leave out a target that was read, and never make
//! S3 test the others' destinations.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html>

use crate::model::aws::{AwsResult, Operation};
use crate::model::s3::Notifications;
use crate::shell::aws::client::Aws;
use crate::shell::aws::error::Classed;
use aws_sdk_s3::operation::get_bucket_notification_configuration::GetBucketNotificationConfigurationOutput;
use aws_sdk_s3::types::{Event, EventBridgeConfiguration, NotificationConfiguration};

pub(super) async fn read(aws: &Aws, bucket: &str) -> AwsResult<GetBucketNotificationConfigurationOutput> {
    let operation = Operation::GetBucketNotificationConfiguration;
    let call = aws.s3.get_bucket_notification_configuration().bucket(bucket);
    call.expected_bucket_owner(aws.owner()).send().await.classed(operation)
}

pub(super) fn summary(found: &GetBucketNotificationConfigurationOutput) -> Notifications {
    let queues = found.queue_configurations().iter().map(|to| (to.queue_arn(), to.events()));
    let topics = found.topic_configurations().iter().map(|to| (to.topic_arn(), to.events()));
    let functions = found.lambda_function_configurations().iter().map(|to| (to.lambda_function_arn(), to.events()));
    let targets: Vec<(&str, &[Event])> = queues.chain(topics).chain(functions).collect();
    Notifications {
        event_bridge: found.event_bridge_configuration.is_some(),
        object_created_targets: targets
            .iter()
            .filter(|(_, events)| events.contains(&Event::S3ObjectCreated))
            .map(|(arn, _)| (*arn).to_owned())
            .collect(),
        targets: targets.len(),
    }
}

/// Reads, adds EventBridge and writes. What the SDK does not model of a configuration can't be kept: it models all
/// that the API has had since 2021.
pub(super) async fn enable_event_bridge(aws: &Aws, bucket: &str) -> AwsResult<()> {
    let found = read(aws, bucket).await?;
    if found.event_bridge_configuration.is_some() {
        return Ok(());
    }
    let configuration = NotificationConfiguration::builder()
        .set_queue_configurations(found.queue_configurations)
        .set_topic_configurations(found.topic_configurations)
        .set_lambda_function_configurations(found.lambda_function_configurations)
        .event_bridge_configuration(EventBridgeConfiguration::builder().build())
        .build();
    let operation = Operation::PutBucketNotificationConfiguration;
    aws.s3
        .put_bucket_notification_configuration()
        .bucket(bucket)
        .notification_configuration(configuration)
        .skip_destination_validation(true)
        .expected_bucket_owner(aws.owner())
        .send()
        .await
        .classed(operation)
        .map(drop)
}
