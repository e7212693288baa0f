//! An AWS that is made of proposed documents: the guard's reads come from files, and nothing can be written.
//!
//! Must never answer "nothing configured" for what the files do not say.

use crate::app::ports::{BucketReads, BucketWrites, ForAccount, Keys, Objects, World};
use crate::model::arn::{AccountId, account_of_key};
use crate::model::aws::{AwsError, AwsResult, ErrorClass, Operation};
use crate::model::kms::KeyMetadata;
use crate::model::s3::{BucketEncryption, CorsRule, Head, Notifications, Ownership, PublicAccessBlock};
use crate::proposal::documents::{Documents, Said};
use crate::shell::aws::clock::SystemClock;
use crate::shell::aws::dynamodb::table::Table;
use crate::shell::aws::sns::Sns;
use crate::shell::tool::guards::Lines;
use serde_json::Value;
use std::rc::Rc;

/// The documents, and the keys by their ARNs.
#[derive(Debug, Default)]
pub struct Files {
    pub buckets: Vec<Documents>,
    pub keys: Vec<Key>,
}

#[derive(Debug, Clone)]
pub struct Key {
    pub arn: String,
    pub policy: Option<String>,
    pub enabled: Option<bool>,
    pub grants: Option<Vec<Value>>,
}

/// The outside that a check has.
#[derive(Debug)]
pub struct Proposed;

impl World for Proposed {
    type Clients = Rc<Files>;
    type Aws = FilesOf;
    type Store = Table;
    type Topic = Sns;
    type Clock = SystemClock;
    type Log = Lines;
}

#[derive(Debug)]
pub struct FilesOf {
    files: Rc<Files>,
    account: AccountId,
}

impl ForAccount<FilesOf> for Rc<Files> {
    fn for_account(&self, account: &AccountId) -> FilesOf {
        FilesOf { files: Self::clone(self), account: account.clone() }
    }
}

/// An error that is no fault of anybody: it makes an open question.
fn not_said(operation: Operation) -> AwsError {
    AwsError {
        operation,
        class: ErrorClass::Permanent,
        code: Some("NotSaid".to_owned()),
        status: None,
        message: "the files do not say".to_owned(),
        request_id: None,
    }
}

impl FilesOf {
    fn said<T: Clone>(
        &self,
        bucket: &str,
        operation: Operation,
        of: impl Fn(&Documents) -> &Said<T>,
    ) -> AwsResult<Option<T>> {
        match self.files.buckets.iter().find(|documents| documents.bucket == bucket).map(of) {
            Some(Said::Is(document)) => Ok(Some(document.clone())),
            Some(Said::Absent) => Ok(None),
            Some(Said::Nothing | Said::Later) | None => Err(not_said(operation)),
        }
    }

    fn key(&self, arn: &str) -> Option<&Key> {
        self.files.keys.iter().find(|key| key.arn == arn)
    }
}

impl Objects for FilesOf {
    async fn head_object(&self, _: &str, _: &str, _: Option<&str>) -> AwsResult<Head> {
        Err(not_said(Operation::HeadObject))
    }
}

impl BucketReads for FilesOf {
    async fn policy(&self, bucket: &str) -> AwsResult<Option<String>> {
        self.said(bucket, Operation::GetBucketPolicy, |documents| &documents.policy)
    }

    async fn policy_is_public(&self, _: &str) -> AwsResult<Option<bool>> {
        Ok(None)
    }

    async fn cors(&self, bucket: &str) -> AwsResult<Option<Vec<CorsRule>>> {
        self.said(bucket, Operation::GetBucketCors, |documents| &documents.cors)
    }

    async fn encryption(&self, bucket: &str) -> AwsResult<Option<BucketEncryption>> {
        self.said(bucket, Operation::GetBucketEncryption, |documents| &documents.encryption)
    }

    /// Not asked of a proposal: it is about Darwin's access.
    async fn notifications(&self, _: &str) -> AwsResult<Notifications> {
        Ok(Notifications { event_bridge: true, ..Notifications::default() })
    }

    async fn public_access_block(&self, bucket: &str) -> AwsResult<Option<PublicAccessBlock>> {
        self.said(bucket, Operation::GetPublicAccessBlock, |documents| &documents.public_access_block)
    }

    async fn ownership(&self, bucket: &str) -> AwsResult<Option<Ownership>> {
        self.said(bucket, Operation::GetBucketOwnershipControls, |documents| &documents.ownership)
    }

    async fn requester_pays(&self, _: &str) -> AwsResult<bool> {
        Ok(false)
    }

    async fn tags(&self, _: &str) -> AwsResult<Vec<(String, String)>> {
        Ok(Vec::new())
    }
}

/// Nothing can be written to a proposal: an audit asks for none of these.
impl BucketWrites for FilesOf {
    async fn put_policy(&self, _: &str, _: &str) -> AwsResult<()> {
        Err(not_said(Operation::PutBucketPolicy))
    }

    async fn put_cors(&self, _: &str, _: &[CorsRule]) -> AwsResult<()> {
        Err(not_said(Operation::PutBucketCors))
    }

    async fn enable_event_bridge(&self, _: &str, _: &Notifications) -> AwsResult<bool> {
        Err(not_said(Operation::PutBucketNotificationConfiguration))
    }
}

impl Keys for FilesOf {
    async fn describe_key(&self, key: &str) -> AwsResult<KeyMetadata> {
        let found = self.key(key).ok_or_else(|| not_said(Operation::DescribeKey))?;
        let state = match found.enabled {
            Some(true) => "Enabled",
            Some(false) => "Disabled",
            None => return Err(not_said(Operation::DescribeKey)),
        };
        Ok(KeyMetadata {
            arn: found.arn.clone(),
            account: account_of_key(&found.arn).unwrap_or_else(|| self.account.to_string()),
            state: state.to_owned(),
            manager: "CUSTOMER".to_owned(),
            ..KeyMetadata::default()
        })
    }

    async fn key_policy(&self, key: &str) -> AwsResult<String> {
        let policy = self.key(key).and_then(|key| key.policy.clone());
        policy.ok_or_else(|| not_said(Operation::GetKeyPolicy))
    }

    /// Those of the proposal: of grants that are there beside it nothing is known, and they are not counted on.
    async fn grants(&self, key: &str, grantee: &str) -> AwsResult<Vec<Value>> {
        let grants = self.key(key).map_or(Some(&[][..]), |key| key.grants.as_deref());
        let grants = grants.ok_or_else(|| not_said(Operation::ListGrants))?;
        let to = |grant: &&Value| grant.get("GranteePrincipal").and_then(Value::as_str) == Some(grantee);
        Ok(grants.iter().filter(to).cloned().collect())
    }
}
