//! The literal parts of a CloudFormation template: what it says of buckets and keys without a parameter or a function.
//!
//! Must never guess what an intrinsic function or a Condition comes to: such a part is not known, and is remarked on.

use crate::model::s3::{BucketEncryption, CorsRule, PublicAccessBlock};
use crate::model::text::quoted;
use crate::proposal::documents::{Documents, Proposal, ProposedKey, Said, ownership, policy_text, public_access_block};
use serde_json::{Map, Value};

/// Reads a template in JSON.
///
/// # Errors
/// It is none.
pub fn read(template: &Value) -> Result<Proposal, String> {
    let resources = template.get("Resources").and_then(Value::as_object);
    let resources = resources.ok_or("no template: wanted an object with `Resources`")?;
    let mut proposal = Proposal::default();
    let all: Vec<Resource<'_>> = resources.iter().map(|(id, resource)| Resource::of(id, resource)).collect();
    for resource in &all {
        match resource.kind {
            "AWS::S3::Bucket" => bucket(resource, &mut proposal),
            "AWS::KMS::Key" => proposal.keys.push(key(resource)),
            _ => {}
        }
    }
    // After the buckets, which have none by themselves.
    for policy in all.iter().filter(|resource| resource.kind == "AWS::S3::BucketPolicy") {
        bucket_policy(policy, resources, &mut proposal);
    }
    // What may be of any bucket: after the policies that are of one.
    let of_any = all.iter().filter_map(|resource| of_any_bucket(resource, resources));
    let of_any: Vec<String> = of_any.collect();
    if !of_any.is_empty() {
        let without = |documents: &&mut Documents| documents.policy == Said::Absent;
        proposal.buckets.iter_mut().filter(without).for_each(|documents| documents.policy = Said::Later);
        proposal.remarks.extend(of_any);
    }
    Ok(proposal)
}

struct Resource<'a> {
    id: &'a str,
    kind: &'a str,
    /// The Condition under which it is made; who applies the template decides.
    condition: Option<&'a str>,
    properties: Option<&'a Map<String, Value>>,
}

impl<'a> Resource<'a> {
    fn of(id: &'a str, resource: &'a Value) -> Self {
        let text = |name: &str| resource.get(name).and_then(Value::as_str);
        Self {
            id,
            kind: text("Type").unwrap_or_default(),
            condition: text("Condition"),
            properties: resource.get("Properties").and_then(Value::as_object),
        }
    }

    fn property(&self, name: &str) -> Option<&'a Value> {
        self.properties?.get(name)
    }

    fn literal(&self, name: &str) -> Option<&'a Value> {
        self.property(name).filter(|value| is_literal(value))
    }

    /// What is said of a property, whether the resource is made or not.
    fn said(&self, name: &str) -> Said<&'a Value> {
        // A transform may add what is not here.
        let transformed = || self.properties.is_some_and(|all| all.keys().any(|name| name.starts_with("Fn::")));
        match self.property(name) {
            _ if self.condition.is_some() => Said::Later,
            None if transformed() => Said::Later,
            None => Said::Absent,
            Some(value) if is_literal(value) => Said::Is(value),
            Some(_) => Said::Later,
        }
    }
}

fn key(resource: &Resource<'_>) -> ProposedKey {
    let enabled = match resource.said("Enabled") {
        Said::Is(value) => value.as_bool().or_else(|| value.as_str()?.parse().ok()),
        Said::Absent => Some(true),
        Said::Nothing | Said::Later => None,
    };
    ProposedKey {
        enabled,
        ..ProposedKey::new(resource.id, None, resource.said("KeyPolicy").known().and_then(policy_text))
    }
}

/// Whether no intrinsic function is in it.
fn is_literal(value: &Value) -> bool {
    match value {
        Value::Object(members) => {
            let intrinsic =
                |name: &String| name == "Ref" || name == "Condition" && members.len() == 1 || name.starts_with("Fn::");
            !members.keys().any(intrinsic) && members.values().all(is_literal)
        }
        Value::Array(items) => items.iter().all(is_literal),
        _ => true,
    }
}

fn bucket(resource: &Resource<'_>, proposal: &mut Proposal) {
    let id = resource.id;
    let Some(name) = resource.literal("BucketName").and_then(Value::as_str) else {
        proposal.remarks.push(format!("`{id}` has no literal BucketName"));
        return;
    };
    proposal.remarks.extend(perhaps(resource));
    for part in ["CorsConfiguration", "BucketEncryption", "PublicAccessBlockConfiguration", "OwnershipControls"] {
        if resource.property(part).is_some_and(|value| !is_literal(value)) {
            proposal.remarks.push(format!("{part} of `{id}` is not literal, and counts as not known"));
        }
    }
    let Some(documents) = proposal.bucket(name) else { return };
    // What the template leaves out is made as S3 makes it.
    let said = |name: &str| resource.said(name);
    documents.cors = match said("CorsConfiguration") {
        Said::Is(value) => {
            let rules = value.get("CorsRules").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            Said::Is(rules.iter().map(cors_rule).collect())
        }
        Said::Absent => Said::Absent,
        Said::Nothing | Said::Later => Said::Later,
    };
    documents.encryption = match said("BucketEncryption") {
        Said::Is(value) => Said::Is(encryption(value)),
        Said::Absent => Said::Absent,
        Said::Nothing | Said::Later => Said::Later,
    };
    documents.public_access_block = match said("PublicAccessBlockConfiguration") {
        Said::Is(value) => public_access_block(value).ok().into(),
        // S3 blocks public access of a new bucket.
        Said::Absent => Said::Is(PublicAccessBlock {
            block_public_acls: true,
            ignore_public_acls: true,
            block_public_policy: true,
            restrict_public_buckets: true,
        }),
        Said::Nothing | Said::Later => Said::Later,
    };
    documents.ownership = match said("OwnershipControls") {
        Said::Is(value) => value.pointer("/Rules/0/ObjectOwnership").and_then(Value::as_str).map(ownership).into(),
        Said::Absent => Said::Is(ownership("BucketOwnerEnforced")),
        Said::Nothing | Said::Later => Said::Later,
    };
    documents.policy = if resource.condition.is_some() { Said::Later } else { Said::Absent };
}

fn encryption(value: &Value) -> BucketEncryption {
    let rule = value.pointer("/ServerSideEncryptionConfiguration/0");
    let default = rule.and_then(|rule| rule.get("ServerSideEncryptionByDefault"));
    let text = |name: &str| default.and_then(|default| default.get(name)).and_then(Value::as_str).map(str::to_owned);
    let bucket_key = rule.and_then(|rule| rule.get("BucketKeyEnabled")).and_then(Value::as_bool);
    BucketEncryption {
        algorithm: text("SSEAlgorithm"),
        kms_key: text("KMSMasterKeyID"),
        bucket_key_enabled: bucket_key.unwrap_or_default(),
    }
}

/// A resource that may not be made.
fn perhaps(resource: &Resource<'_>) -> Option<String> {
    let condition = quoted(resource.condition?, 255);
    Some(format!("`{}` is made only under the Condition {condition}, and counts as not known", resource.id))
}

/// Why a bucket without a policy of its own may have one by this: a policy of whichever bucket, or what makes resources.
fn of_any_bucket(resource: &Resource<'_>, resources: &Map<String, Value>) -> Option<String> {
    let id = resource.id;
    if id.starts_with("Fn::") {
        return Some(format!("what `{id}` makes is not known: it may give a bucket of the template its policy"));
    }
    // A Ref to a bucket of the template is to no other.
    let refers = resource.property("Bucket").and_then(|named| named.get("Ref")).and_then(Value::as_str);
    let known = bucket_of(resource, resources).is_some() || refers.is_some_and(|id| resources.contains_key(id));
    (resource.kind == "AWS::S3::BucketPolicy" && !known).then(|| {
        format!("`{id}` may be the policy of any bucket of the template that has no other: its Bucket is not literal")
    })
}

/// The name of the bucket that a policy is of.
fn bucket_of<'a>(resource: &Resource<'a>, resources: &'a Map<String, Value>) -> Option<&'a str> {
    let named = resource.property("Bucket")?;
    let of_resource = |logical: &str| resources.get(logical)?.pointer("/Properties/BucketName")?.as_str();
    named.as_str().or_else(|| named.get("Ref").and_then(Value::as_str).and_then(of_resource))
}

fn bucket_policy(resource: &Resource<'_>, resources: &Map<String, Value>, proposal: &mut Proposal) {
    let id = resource.id;
    let Some(bucket) = bucket_of(resource, resources) else { return };
    let policy = resource.literal("PolicyDocument").and_then(policy_text);
    if policy.is_none() {
        proposal.remarks.push(format!("the policy of `{id}` is not literal, and counts as not known"));
    }
    proposal.remarks.extend(perhaps(resource));
    if let Some(documents) = proposal.bucket(bucket) {
        // Of several, each under a Condition, any may be the one.
        let open = resource.condition.is_some() || documents.policy == Said::Later;
        documents.policy = if open { Said::Later } else { policy.into() };
    }
}

fn cors_rule(rule: &Value) -> CorsRule {
    let list = |name: &str| {
        let items = rule.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    CorsRule {
        id: rule.get("Id").and_then(Value::as_str).map(str::to_owned),
        allowed_headers: list("AllowedHeaders"),
        allowed_methods: list("AllowedMethods"),
        allowed_origins: list("AllowedOrigins"),
        expose_headers: list("ExposedHeaders"),
        max_age_seconds: rule.get("MaxAge").and_then(Value::as_i64).and_then(|age| i32::try_from(age).ok()),
    }
}
