//! Everything that was read of one bucket.
//!
//! Must never take an unread document for an empty one.

use crate::judge::access::AccessFacts;
use crate::judge::key::KeyFacts;
use crate::model::aws::{AwsError, AwsResult, Operation};
use crate::model::s3::{BucketEncryption, CorsRule, Notifications};

/// Everything that was read of one bucket, fresh.
#[derive(Debug, Clone)]
pub struct Observed {
    pub access: AccessFacts,
    pub cors: AwsResult<Option<Vec<CorsRule>>>,
    pub encryption: AwsResult<Option<BucketEncryption>>,
    pub notifications: AwsResult<Notifications>,
    pub tags: AwsResult<Vec<(String, String)>>,
    /// Facts of the default KMS key, read in a second round; None if the default encryption names none.
    pub default_key: Option<KeyFacts>,
}

impl Observed {
    /// Whether the document was read that this call writes.
    pub fn has_read(&self, write: Operation) -> bool {
        match write {
            Operation::PutBucketPolicy => self.access.policy.is_ok(),
            Operation::PutBucketCors => self.cors.is_ok(),
            Operation::PutBucketNotificationConfiguration => self.notifications.is_ok(),
            _ => false,
        }
    }

    /// Every read that failed, the guard's own.
    pub fn failures(&self) -> Vec<&AwsError> {
        let Self { access, cors, encryption, notifications, tags, default_key } = self;
        let documents =
            [cors.as_ref().err(), encryption.as_ref().err(), notifications.as_ref().err(), tags.as_ref().err()];
        let mut errors = access.failures();
        errors.extend(documents.into_iter().flatten());
        errors.extend(default_key.iter().flat_map(KeyFacts::refused));
        errors
    }
}
