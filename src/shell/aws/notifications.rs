//! A bucket's notification configuration: read as S3 gives it, and written back with EventBridge on.
//!
//! PutBucketNotificationConfiguration replaces everything. Must never leave out a target that was read, and never make
//! S3 test the others' destinations.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html>

use crate::model::aws::{AwsResult, Operation};
use crate::model::s3::{Notifications, Service, Target};
use crate::shell::aws::client::Aws;
use crate::shell::aws::error::Classed;
use aws_sdk_s3::operation::get_bucket_notification_configuration::GetBucketNotificationConfigurationOutput;
use aws_sdk_s3::types::{
    Event, EventBridgeConfiguration, FilterRuleName, NotificationConfiguration, NotificationConfigurationFilter,
    S3KeyFilter,
};

pub(super) async fn read(aws: &Aws, bucket: &str) -> AwsResult<GetBucketNotificationConfigurationOutput> {
    let operation = Operation::GetBucketNotificationConfiguration;
    let call = aws.s3.get_bucket_notification_configuration().bucket(bucket);
    call.expected_bucket_owner(aws.owner()).send().await.classed(operation)
}

pub(super) fn summary(found: &GetBucketNotificationConfigurationOutput) -> Notifications {
    let target =
        |service, id: Option<&str>, arn: &str, events: &[Event], filter: Option<&NotificationConfigurationFilter>| {
            Target {
                service,
                arn: arn.to_owned(),
                id: id.map(str::to_owned),
                events: events.iter().map(|event| event.as_str().to_owned()).collect(),
                filter: filter.map(rules).unwrap_or_default(),
            }
        };
    let queues = found.queue_configurations().iter();
    let topics = found.topic_configurations().iter();
    let functions = found.lambda_function_configurations().iter();
    let targets = queues
        .map(|to| target(Service::Queue, to.id(), to.queue_arn(), to.events(), to.filter()))
        .chain(topics.map(|to| target(Service::Topic, to.id(), to.topic_arn(), to.events(), to.filter())))
        .chain(
            functions.map(|to| target(Service::Function, to.id(), to.lambda_function_arn(), to.events(), to.filter())),
        );
    Notifications { event_bridge: found.event_bridge_configuration.is_some(), targets: targets.collect() }
}

fn rules(filter: &NotificationConfigurationFilter) -> Vec<(String, String)> {
    let rules = filter.key().map(S3KeyFilter::filter_rules).unwrap_or_default();
    // S3 takes `Prefix` and gives `prefix`, or the other way round.
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    rules
        .iter()
        .map(|rule| (text(rule.name().map(FilterRuleName::as_str)).to_lowercase(), text(rule.value())))
        .collect()
}

/// Reads, and if it is still `before`, adds EventBridge and writes; false if it is not. What the SDK does not model of a configuration can't be kept: it models all
/// that the API has had since 2021.
pub(super) async fn enable_event_bridge(aws: &Aws, bucket: &str, before: &Notifications) -> AwsResult<bool> {
    let found = read(aws, bucket).await?;
    if summary(&found) != *before {
        return Ok(false);
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
        .map(|_| true)
}
