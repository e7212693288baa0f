//! HeadObject: what an object says about itself.
//!
//! Must never ask for checksum mode, as that would need `kms:Decrypt`.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html>

use crate::app::ports::{BucketReads, Objects};
use crate::model::aws::{AwsError, AwsResult, Operation};
use crate::model::s3::{Head, ObjectFacts};
use crate::shell::aws::client::Aws;
use crate::shell::aws::error::failed;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;

impl Objects for Aws {
    async fn head_object(&self, bucket: &str, key: &str, version_id: Option<&str>) -> AwsResult<Head> {
        let operation = Operation::HeadObject;
        let call = self
            .s3
            .head_object()
            .bucket(bucket)
            .key(key)
            .set_version_id(version_id.map(str::to_owned))
            .expected_bucket_owner(self.owner());
        let error = match call.send().await {
            Ok(answer) => return Ok(Head::Found(facts(answer))),
            Err(error) => error,
        };
        let is_marker = error
            .raw_response()
            .and_then(|response| response.headers().get("x-amz-delete-marker"))
            .is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let failure = failed(operation, &error);
        match failure.status {
            Some(404) => Ok(Head::Gone),
            Some(405) if is_marker => Ok(Head::Gone),
            Some(400) if failure.code.is_none() => self.without_reason(bucket, failure).await,
            _ => Err(failure),
        }
    }
}

impl Aws {
    /// A 400 without a body: S3's answer for an object under a customer-provided key, but also for expired
    /// credentials or the wrong Region. A call that has nothing to do with the object tells them apart, and names the
    /// reason, as its answer has a body.
    async fn without_reason(&self, bucket: &str, failure: AwsError) -> AwsResult<Head> {
        match self.requester_pays(bucket).await {
            // Denied by policy means that the request itself was in order.
            Ok(_) => Ok(Head::SseC),
            Err(probe) if probe.has_code("AccessDenied") => Ok(Head::SseC),
            Err(probe) => Err(AwsError { operation: failure.operation, ..probe }),
        }
    }
}

fn facts(answer: HeadObjectOutput) -> ObjectFacts {
    ObjectFacts {
        version_id: answer.version_id,
        encryption: answer.server_side_encryption.map(|algorithm| algorithm.as_str().to_owned()),
        kms_key: answer.ssekms_key_id,
        bucket_key_enabled: answer.bucket_key_enabled.unwrap_or_default(),
        storage_class: answer.storage_class.map(|class| class.as_str().to_owned()),
        restore: answer.restore,
        archive_status: answer.archive_status.map(|status| status.as_str().to_owned()),
    }
}
