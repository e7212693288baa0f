//! ListObjectsV2: which objects there are.
//!
//! Every page is asked for by the key before it, so that a listing can go on at any time. Keys come encoded, as XML has no
//! form for some of their characters. <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>

use crate::app::ports::Listing;
use crate::event::url::decode;
use crate::model::aws::{AwsError, AwsResult, ErrorClass, Operation};
use crate::scan::range::{Listed, Page};
use crate::shell::aws::client::Aws;
use crate::shell::aws::error::Classed;
use aws_sdk_s3::types::EncodingType;

impl Listing for Aws {
    async fn list(&self, bucket: &str, prefix: &str, after: &str, delimited: bool) -> AwsResult<Page> {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let call = self
            .s3
            .list_objects_v2()
            .bucket(bucket)
            .set_prefix(some(prefix))
            .set_start_after(some(after))
            .set_delimiter(delimited.then(|| "/".to_owned()))
            .encoding_type(EncodingType::Url)
            .expected_bucket_owner(self.owner());
        let answer = call.send().await.classed(Operation::ListObjectsV2)?;
        let encoded = answer.encoding_type == Some(EncodingType::Url);
        let text = |text: Option<String>| match text {
            Some(text) if encoded => decode(&text).map_err(|why| strange(format!("the key `{text}` has {why}"))),
            Some(text) => Ok(text),
            None => Err(strange("an object without a key".to_owned())),
        };
        let objects = answer.contents.unwrap_or_default().into_iter().map(|object| {
            let size = object.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
            text(object.key).map(|key| Listed { key, size })
        });
        let objects: Vec<Listed> = objects.collect::<AwsResult<_>>()?;
        let folders = answer.common_prefixes.unwrap_or_default().into_iter().map(|folder| text(folder.prefix));
        let folders: Vec<String> = folders.collect::<AwsResult<_>>()?;
        let more = answer.is_truncated.unwrap_or_default();
        if more && objects.is_empty() && folders.is_empty() {
            return Err(strange("an empty page, and that more follows".to_owned()));
        }
        Ok(Page { objects, folders, more })
    }
}

/// An answer that says what S3's can't.
fn strange(message: String) -> AwsError {
    AwsError {
        operation: Operation::ListObjectsV2,
        class: ErrorClass::Transient,
        code: None,
        status: Some(200),
        message,
        request_id: None,
    }
}
