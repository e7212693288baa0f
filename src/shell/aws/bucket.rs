//! Reads and writes of a bucket's configuration.
//!
//! Documents pass as they are. Must never take an error for "nothing configured" unless S3 says so by its code: a
//! bucket that is gone is an error.

use crate::app::ports::{BucketReads, BucketWrites};
use crate::model::aws::{AwsError, AwsResult, ErrorClass, Operation};
use crate::model::s3::{BucketEncryption, CorsRule, Notifications, Ownership, PublicAccessBlock};
use crate::shell::aws::client::Aws;
use crate::shell::aws::error::{Classed, unless};
use crate::shell::aws::notifications;
use aws_sdk_s3::types::{CorsConfiguration, ObjectOwnership, Payer};

impl BucketReads for Aws {
    async fn policy(&self, bucket: &str) -> AwsResult<Option<String>> {
        let operation = Operation::GetBucketPolicy;
        let call = self.s3.get_bucket_policy().bucket(bucket).expected_bucket_owner(self.owner());
        let answer = unless(call.send().await.classed(operation), "NoSuchBucketPolicy")?;
        Ok(answer.and_then(|answer| answer.policy))
    }

    async fn policy_is_public(&self, bucket: &str) -> AwsResult<Option<bool>> {
        let operation = Operation::GetBucketPolicyStatus;
        let call = self.s3.get_bucket_policy_status().bucket(bucket).expected_bucket_owner(self.owner());
        let answer = unless(call.send().await.classed(operation), "NoSuchBucketPolicy")?;
        // No policy is no public policy.
        Ok(answer.map_or(Some(false), |answer| answer.policy_status.and_then(|status| status.is_public)))
    }

    async fn cors(&self, bucket: &str) -> AwsResult<Option<Vec<CorsRule>>> {
        let operation = Operation::GetBucketCors;
        let call = self.s3.get_bucket_cors().bucket(bucket).expected_bucket_owner(self.owner());
        let answer = unless(call.send().await.classed(operation), "NoSuchCORSConfiguration")?;
        Ok(answer.map(|answer| answer.cors_rules.unwrap_or_default().into_iter().map(read_rule).collect()))
    }

    async fn encryption(&self, bucket: &str) -> AwsResult<Option<BucketEncryption>> {
        let operation = Operation::GetBucketEncryption;
        let call = self.s3.get_bucket_encryption().bucket(bucket).expected_bucket_owner(self.owner());
        let absent = "ServerSideEncryptionConfigurationNotFoundError";
        let answer = unless(call.send().await.classed(operation), absent)?;
        let rules = answer.and_then(|answer| answer.server_side_encryption_configuration).map(|found| found.rules);
        // S3 keeps one rule.
        Ok(rules.and_then(|rules| rules.into_iter().next()).map(|rule| {
            let default = rule.apply_server_side_encryption_by_default;
            BucketEncryption {
                algorithm: default.as_ref().map(|default| default.sse_algorithm.as_str().to_owned()),
                kms_key: default.and_then(|default| default.kms_master_key_id),
                bucket_key_enabled: rule.bucket_key_enabled.unwrap_or_default(),
            }
        }))
    }

    async fn notifications(&self, bucket: &str) -> AwsResult<Notifications> {
        notifications::read(self, bucket).await.map(|found| notifications::summary(&found))
    }

    async fn public_access_block(&self, bucket: &str) -> AwsResult<Option<PublicAccessBlock>> {
        let operation = Operation::GetPublicAccessBlock;
        let call = self.s3.get_public_access_block().bucket(bucket).expected_bucket_owner(self.owner());
        let answer = unless(call.send().await.classed(operation), "NoSuchPublicAccessBlockConfiguration")?;
        Ok(answer.and_then(|answer| answer.public_access_block_configuration).map(|found| PublicAccessBlock {
            block_public_acls: found.block_public_acls.unwrap_or_default(),
            ignore_public_acls: found.ignore_public_acls.unwrap_or_default(),
            block_public_policy: found.block_public_policy.unwrap_or_default(),
            restrict_public_buckets: found.restrict_public_buckets.unwrap_or_default(),
        }))
    }

    async fn ownership(&self, bucket: &str) -> AwsResult<Option<Ownership>> {
        let operation = Operation::GetBucketOwnershipControls;
        let call = self.s3.get_bucket_ownership_controls().bucket(bucket).expected_bucket_owner(self.owner());
        let answer = unless(call.send().await.classed(operation), "OwnershipControlsNotFoundError")?;
        let rules = answer.and_then(|answer| answer.ownership_controls).map(|found| found.rules);
        Ok(rules.and_then(|rules| rules.into_iter().next()).map(|rule| match rule.object_ownership {
            ObjectOwnership::BucketOwnerEnforced => Ownership::BucketOwnerEnforced,
            ObjectOwnership::BucketOwnerPreferred => Ownership::BucketOwnerPreferred,
            ObjectOwnership::ObjectWriter => Ownership::ObjectWriter,
            other => Ownership::Unknown(other.as_str().to_owned()),
        }))
    }

    async fn requester_pays(&self, bucket: &str) -> AwsResult<bool> {
        let operation = Operation::GetBucketRequestPayment;
        let call = self.s3.get_bucket_request_payment().bucket(bucket).expected_bucket_owner(self.owner());
        let answer = match call.send().await.classed(operation) {
            // A success that names no payer in a form we know: S3's default, the owner.
            Err(error) if error.status == Some(200) => return Ok(false),
            answer => answer?,
        };
        // Anything but the owner is taken for somebody else.
        Ok(answer.payer.is_some_and(|payer| payer != Payer::BucketOwner))
    }

    async fn tags(&self, bucket: &str) -> AwsResult<Vec<(String, String)>> {
        let operation = Operation::GetBucketTagging;
        let call = self.s3.get_bucket_tagging().bucket(bucket).expected_bucket_owner(self.owner());
        let answer = unless(call.send().await.classed(operation), "NoSuchTagSet")?;
        let tags = answer.map(|answer| answer.tag_set).unwrap_or_default();
        Ok(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
    }
}

impl BucketWrites for Aws {
    async fn put_policy(&self, bucket: &str, policy: &str) -> AwsResult<()> {
        let operation = Operation::PutBucketPolicy;
        // ConfirmRemoveSelfBucketAccess is not sent: S3 then refuses a policy that would lock its writer out.
        let call = self.s3.put_bucket_policy().bucket(bucket).policy(policy).expected_bucket_owner(self.owner());
        call.send().await.classed(operation).map(drop)
    }

    async fn put_cors(&self, bucket: &str, rules: &[CorsRule]) -> AwsResult<()> {
        let operation = Operation::PutBucketCors;
        let rules = rules.iter().map(write_rule).collect::<Result<Vec<_>, _>>();
        let configuration = rules
            .and_then(|rules| CorsConfiguration::builder().set_cors_rules(Some(rules)).build())
            .map_err(|error| unsendable(operation, &error))?;
        let call = self
            .s3
            .put_bucket_cors()
            .bucket(bucket)
            .cors_configuration(configuration)
            .expected_bucket_owner(self.owner());
        call.send().await.classed(operation).map(drop)
    }

    async fn enable_event_bridge(&self, bucket: &str, before: &Notifications) -> AwsResult<bool> {
        notifications::enable_event_bridge(self, bucket, before).await
    }
}

/// A request that lacks something, so that it was never sent.
pub(super) fn unsendable(operation: Operation, error: &impl std::fmt::Display) -> AwsError {
    AwsError {
        operation,
        class: ErrorClass::Permanent,
        code: None,
        status: None,
        message: format!("the request can't be made: {error}"),
        request_id: None,
    }
}

fn read_rule(rule: aws_sdk_s3::types::CorsRule) -> CorsRule {
    CorsRule {
        id: rule.id,
        allowed_headers: rule.allowed_headers.unwrap_or_default(),
        allowed_methods: rule.allowed_methods,
        allowed_origins: rule.allowed_origins,
        expose_headers: rule.expose_headers.unwrap_or_default(),
        max_age_seconds: rule.max_age_seconds,
    }
}

fn write_rule(rule: &CorsRule) -> Result<aws_sdk_s3::types::CorsRule, aws_smithy_types::error::operation::BuildError> {
    let some = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone());
    aws_sdk_s3::types::CorsRule::builder()
        .set_id(rule.id.clone())
        .set_allowed_headers(some(&rule.allowed_headers))
        .set_allowed_methods(Some(rule.allowed_methods.clone()))
        .set_allowed_origins(Some(rule.allowed_origins.clone()))
        .set_expose_headers(some(&rule.expose_headers))
        .set_max_age_seconds(rule.max_age_seconds)
        .build()
}
