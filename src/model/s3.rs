//! What S3 says of an object and of a bucket's configuration, in the API's own words.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What HeadObject tells.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html>
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectFacts {
    pub version_id: Option<String>,
    /// `x-amz-server-side-encryption`: `AES256`, `aws:kms`, `aws:kms:dsse`.
    pub encryption: Option<String>,
    /// `x-amz-server-side-encryption-aws-kms-key-id`, a key ARN.
    pub kms_key: Option<String>,
    /// Absent in the answer means false.
    pub bucket_key_enabled: bool,
    /// Absent means STANDARD.
    pub storage_class: Option<String>,
    /// `x-amz-restore`, as sent.
    pub restore: Option<String>,
    /// `x-amz-archive-status` (Intelligent-Tiering).
    pub archive_status: Option<String>,
}

/// The answer of HeadObject: the states that are not failures are told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    Found(ObjectFacts),
    /// 404, or the version is a delete marker (405).
    Gone,
    /// 400 because the object is under a customer-provided key.
    SseC,
}

/// Public access block settings; a bucket without configuration has all four false.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PublicAccessBlockConfiguration.html>
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the API has these four")]
pub struct PublicAccessBlock {
    pub block_public_acls: bool,
    pub ignore_public_acls: bool,
    pub block_public_policy: bool,
    pub restrict_public_buckets: bool,
}

/// Object ownership; a bucket without controls is `ObjectWriter`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ownership {
    BucketOwnerEnforced,
    BucketOwnerPreferred,
    ObjectWriter,
    /// Something this version does not know.
    Unknown(String),
}

/// Default encryption of a bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BucketEncryption {
    /// `AES256`, `aws:kms`, `aws:kms:dsse`.
    pub algorithm: Option<String>,
    /// As configured: a key ARN, a key id, or an alias. None under `aws:kms` means `aws/s3`.
    pub kms_key: Option<String>,
    pub bucket_key_enabled: bool,
}

/// The CORS configuration as the API gives it; what one rule holds.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CORSRule.html>
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CorsRule {
    #[serde(rename = "ID", skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_headers: Vec<String>,
    pub allowed_methods: Vec<String>,
    pub allowed_origins: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expose_headers: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age_seconds: Option<i32>,
}

/// The notification configuration, to be judged, compared and shown. The shell keeps the SDK's own form for the merge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notifications {
    pub event_bridge: bool,
    pub targets: Vec<Target>,
}

/// Where notifications go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub service: Service,
    pub arn: String,
    pub id: Option<String>,
    pub events: Vec<String>,
    /// `prefix` and `suffix`, each with its value.
    pub filter: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    Queue,
    Topic,
    Function,
}

impl Service {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Queue, Self::Topic, Self::Function];

    /// Names in the API's JSON: of the list, and of the ARN in it.
    pub const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Queue => ("QueueConfigurations", "QueueArn"),
            Self::Topic => ("TopicConfigurations", "TopicArn"),
            Self::Function => ("LambdaFunctionConfigurations", "LambdaFunctionArn"),
        }
    }

    /// The same in the API's XML, as CloudTrail has it.
    pub const fn xml_names(self) -> (&'static str, &'static str) {
        match self {
            Self::Queue => ("QueueConfiguration", "Queue"),
            Self::Topic => ("TopicConfiguration", "Topic"),
            Self::Function => ("CloudFunctionConfiguration", "CloudFunction"),
        }
    }
}

impl Notifications {
    /// In the API's JSON, as `put-bucket-notification-configuration` takes it.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_NotificationConfiguration.html>
    pub fn document(&self) -> String {
        let mut members = serde_json::Map::new();
        for service in Service::ALL {
            let of_it: Vec<Value> =
                self.targets.iter().filter(|target| target.service == service).map(Target::document).collect();
            if !of_it.is_empty() {
                members.insert(service.names().0.to_owned(), Value::Array(of_it));
            }
        }
        if self.event_bridge {
            members.insert("EventBridgeConfiguration".to_owned(), json!({}));
        }
        Value::Object(members).to_string()
    }

    /// With EventBridge on.
    #[must_use]
    pub fn with_event_bridge(&self) -> Self {
        Self { event_bridge: true, ..self.clone() }
    }
}

impl Target {
    fn document(&self) -> Value {
        let rules: Vec<Value> = self.filter.iter().map(|(name, value)| json!({"Name": name, "Value": value})).collect();
        let filter = (!rules.is_empty()).then(|| json!({"Key": {"FilterRules": rules}}));
        let members = [
            ("Id", self.id.as_ref().map(|id| json!(id))),
            (self.service.names().1, Some(json!(self.arn))),
            ("Events", Some(json!(self.events))),
            ("Filter", filter),
        ];
        members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}
