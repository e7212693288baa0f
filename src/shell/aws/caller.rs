//! Whose the credentials are, and where a bucket is: what the function knows of itself, and a desk has to ask.

use crate::model::arn::AccountId;
use crate::shell::aws::client::{Aws, Clients};
use crate::shell::aws::error::causes;
use aws_sdk_s3::operation::head_bucket::HeadBucketError;
use aws_sdk_sts::error::ProvideErrorMetadata;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;

/// Who asks.
#[derive(Debug, Clone)]
pub struct Caller {
    pub account: AccountId,
    pub arn: String,
}

impl Clients {
    /// Asks STS who the credentials are.
    ///
    /// # Errors
    /// What to do about it.
    pub async fn caller(&self) -> Result<Caller, String> {
        let client = aws_sdk_sts::Client::new(self.shared());
        let answer = client.get_caller_identity().send().await.map_err(|error| {
            let why = match error.as_service_error() {
                Some(refusal) => {
                    let (code, message) =
                        (refusal.code().unwrap_or("no code"), refusal.message().unwrap_or("no message"));
                    format!("{code}: {message}. Sign in again (`aws sso login`, `aws login`), or renew the keys")
                }
                None => causes(&error),
            };
            format!("STS does not say whose the AWS credentials are: {why}")
        })?;
        let account = answer.account.as_deref().and_then(AccountId::parse);
        let account = account.ok_or_else(|| "STS does not say which account the credentials are of".to_owned())?;
        Ok(Caller { account, arn: answer.arn.unwrap_or_default() })
    }
}

impl Aws {
    /// The Region of a bucket, which S3 names even where it refuses the call; none if there is no such bucket, or no answer.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html>
    pub async fn region_of(&self, bucket: &str) -> Option<String> {
        let call = self.s3().head_bucket().bucket(bucket).expected_bucket_owner(self.owner());
        match call.send().await {
            Ok(answer) => answer.bucket_region,
            Err(error) => named(&error),
        }
    }
}

fn named(error: &SdkError<HeadBucketError, Response>) -> Option<String> {
    let response = error.raw_response()?;
    response.headers().get("x-amz-bucket-region").map(str::to_owned)
}
