//! What a bucket would have.
//!
//! Must never take what an input does not say for "nothing configured".

use crate::model::s3::{BucketEncryption, CorsRule, Ownership, PublicAccessBlock};
use serde_json::Value;

/// What an input says of one document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Said<T> {
    /// Not a word.
    #[default]
    Nothing,
    /// There would be one, but which is not said: known after the apply, or made by a function of a template.
    Later,
    /// There would be none.
    Absent,
    Is(T),
}

impl<T> From<Option<T>> for Said<T> {
    /// None: it is there, and can't be read off.
    fn from(said: Option<T>) -> Self {
        said.map_or(Self::Later, Self::Is)
    }
}

impl<T> Said<T> {
    /// The document, if it is there and known.
    pub(super) fn known(self) -> Option<T> {
        match self {
            Self::Is(document) => Some(document),
            Self::Nothing | Self::Later | Self::Absent => None,
        }
    }
}

/// The documents of a bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Documents {
    pub bucket: String,
    pub policy: Said<String>,
    pub cors: Said<Vec<CorsRule>>,
    pub encryption: Said<BucketEncryption>,
    pub public_access_block: Said<PublicAccessBlock>,
    pub ownership: Said<Ownership>,
}

/// A KMS key of a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposedKey {
    /// What the input calls it.
    pub name: String,
    /// None: the key is not there yet.
    pub arn: Option<String>,
    /// None: known later.
    pub policy: Option<String>,
    /// None: known later.
    pub enabled: Option<bool>,
    /// Entries as ListGrants has them; None: not all of them are known.
    pub grants: Option<Vec<Value>>,
}

impl ProposedKey {
    /// A key that works, with no grants.
    pub fn new(name: impl Into<String>, arn: Option<String>, policy: Option<String>) -> Self {
        Self { name: name.into(), arn, policy, enabled: Some(true), grants: Some(Vec::new()) }
    }
}

/// All that an input says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proposal {
    pub buckets: Vec<Documents>,
    pub keys: Vec<ProposedKey>,
    /// The account, where the input says it.
    pub account: Option<String>,
    /// What could not be taken as it is, for a person.
    pub remarks: Vec<String>,
}

impl Proposal {
    /// The bucket of that name, made on first use.
    pub(super) fn bucket(&mut self, name: &str) -> Option<&mut Documents> {
        if !self.buckets.iter().any(|documents| documents.bucket == name) {
            self.buckets.push(Documents { bucket: name.to_owned(), ..Documents::default() });
        }
        self.buckets.iter_mut().find(|documents| documents.bucket == name)
    }
}

/// A policy as it would be put: a text with JSON in it, or JSON itself.
pub fn policy_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Object(_) => Some(value.to_string()),
        _ => None,
    }
}

/// CORS rules in the API's form, or those of `aws s3api put-bucket-cors` (`{"CORSRules": […]}`).
///
/// # Errors
/// What they are instead.
pub fn cors_rules(value: &Value) -> Result<Vec<CorsRule>, String> {
    let list = value.get("CORSRules").unwrap_or(value);
    serde_json::from_value(list.clone()).map_err(|error| format!("no list of CORS rules ({error})"))
}

/// The four settings, in the API's names; what is not there is false. `{"PublicAccessBlockConfiguration": {…}}` too.
///
/// # Errors
/// What it is instead.
pub fn public_access_block(value: &Value) -> Result<PublicAccessBlock, String> {
    let settings = value.get("PublicAccessBlockConfiguration").unwrap_or(value);
    let settings = settings.as_object().ok_or("no object with the four settings")?;
    let flag = |name: &str| match settings.get(name) {
        None => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(Value::String(text)) if text == "true" || text == "false" => Ok(text == "true"),
        Some(other) => Err(format!("`{name}` is {other}, wanted true or false")),
    };
    Ok(PublicAccessBlock {
        block_public_acls: flag("BlockPublicAcls")?,
        ignore_public_acls: flag("IgnorePublicAcls")?,
        block_public_policy: flag("BlockPublicPolicy")?,
        restrict_public_buckets: flag("RestrictPublicBuckets")?,
    })
}

/// `ObjectOwnership`, by the API's words.
pub(super) fn ownership(text: &str) -> Ownership {
    match text {
        "BucketOwnerEnforced" => Ownership::BucketOwnerEnforced,
        "BucketOwnerPreferred" => Ownership::BucketOwnerPreferred,
        "ObjectWriter" => Ownership::ObjectWriter,
        other => Ownership::Unknown(other.to_owned()),
    }
}
