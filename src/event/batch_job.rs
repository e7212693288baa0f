//! S3 Batch Operations, schema 1.0 (`s3BucketArn`) and 2.0 (`s3Bucket`, `userArguments`): one item a task.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-invoke-lambda.html>
//! The task of `aws_lambda_events` is that of schema 1.0; the bucket of 2.0 is read beside it.
//!
//! Must never act on `userArguments`: they come from whoever made the job.

use crate::event::trigger::{Decoded, Envelope, Item, ObjectEvent, Trigger};
use crate::event::{json, url};
use crate::model::arn::{Arn, is_partition};
use aws_lambda_events::event::s3::batch_job::S3BatchJobTask;
use serde_json::Value;

/// Decodes a job's invocation; `None` if it is none.
pub(super) fn decode(event: &Value) -> Option<Decoded> {
    let schema_version = json::text(event, &["invocationSchemaVersion"])?;
    let tasks = event.get("tasks")?.as_array()?;
    let invocation_id = json::text(event, &["invocationId"]).unwrap_or_default();
    let items = tasks.iter().enumerate().map(|(index, task)| decode_task(task, index, schema_version)).collect();
    let envelope =
        Envelope::BatchJob { schema_version: schema_version.to_owned(), invocation_id: invocation_id.to_owned() };
    Some(Decoded { envelope, items })
}

fn decode_task(task: &Value, index: usize, schema_version: &str) -> Item {
    let id = json::text(task, &["taskId"]).unwrap_or_default();
    let mut item = Item::new(id, &format!("tasks[{index}]"));
    let want = "a task with s3Key and s3BucketArn (schema 1.0) or s3Bucket (2.0)";
    let read = json::read::<S3BatchJobTask>(task, &["s3Key", "s3VersionId", "s3BucketArn"]);
    let (key, version_id, arn) = match read {
        Ok(task) => (json::filled(task.s3_key), json::filled(task.s3_version_id), task.s3_bucket_arn),
        Err(wrong) => {
            item.problem("", wrong, want);
            return item;
        }
    };
    let arn = arn.as_deref();
    let bucket = match schema_version {
        "1.0" => arn.and_then(bucket_of_arn),
        "2.0" => json::owned(task, &["s3Bucket"]),
        other => {
            item.problem("", format!("the schema version {}", json::quote(other)), "schema version 1.0 or 2.0");
            return item;
        }
    };
    let (Some(bucket), Some(key)) = (bucket, key) else {
        item.problem("", json::describe(task), want);
        return item;
    };
    match url::decode(&key) {
        Ok(key) => item.triggers.push(Trigger::Object(ObjectEvent {
            bucket,
            key,
            version_id,
            region: arn.and_then(Arn::parse).map(|arn| arn.region).filter(|region| !region.is_empty()),
            requester: None,
            name: "S3 Batch Operations".to_owned(),
        })),
        Err(wrong) => {
            let saw = format!("the key {} with {wrong}", json::quote(&key));
            item.problem("", saw, "a URL-encoded key; keys of a CSV manifest must be URL-encoded");
        }
    }
    item
}

/// The bucket in `arn:PARTITION:s3:::BUCKET`; also with Region and account, as AWS's own sample of a job has them.
pub(super) fn bucket_of_arn(arn: &str) -> Option<String> {
    let Arn { partition, service, resource, .. } = Arn::parse(arn)?;
    let is_bucket =
        is_partition(&partition) && service == "s3" && !resource.is_empty() && !resource.contains(['/', ':']);
    is_bucket.then_some(resource)
}
