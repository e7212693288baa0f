//! The literal parts of a CloudFormation template: what it says of buckets and keys without a parameter or a function.
//!
//! Must never guess what an intrinsic function comes to: such a part counts as not said, and is remarked on.

use crate::model::s3::{BucketEncryption, CorsRule, PublicAccessBlock};
use crate::proposal::documents::{Proposal, ProposedKey, Said, ownership, policy_text, public_access_block};
use serde_json::{Map, Value};

/// Reads a template in JSON.
///
/// # Errors
/// It is none.
pub fn read(template: &Value) -> Result<Proposal, String> {
    let resources = template.get("Resources").and_then(Value::as_object);
    let resources = resources.ok_or("no template: wanted an object with `Resources`")?;
    let mut proposal = Proposal::default();
    let empty = Map::new();
    let typed = |(id, resource): (&'_ String, &'_ Value)| {
        let kind = resource.get("Type").and_then(Value::as_str).unwrap_or_default().to_owned();
        (id.clone(), kind, resource.get("Properties").and_then(Value::as_object).unwrap_or(&empty).clone())
    };
    let all: Vec<(String, String, Map<String, Value>)> = resources.iter().map(typed).collect();
    for (id, kind, properties) in &all {
        match kind.as_str() {
            "AWS::S3::Bucket" => bucket(id, properties, &mut proposal),
            "AWS::KMS::Key" => proposal.keys.push(ProposedKey {
                name: id.clone(),
                arn: None,
                policy: properties.get("KeyPolicy").filter(|policy| is_literal(policy)).and_then(policy_text),
                disabled: properties.get("Enabled") == Some(&Value::Bool(false)),
            }),
            _ => {}
        }
    }
    // After the buckets, which have none by themselves.
    for (id, _, properties) in all.iter().filter(|(_, kind, _)| kind == "AWS::S3::BucketPolicy") {
        bucket_policy(id, properties, resources, &mut proposal);
    }
    Ok(proposal)
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

fn literal<'a>(properties: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    properties.get(name).filter(|value| is_literal(value))
}

fn bucket(id: &str, properties: &Map<String, Value>, proposal: &mut Proposal) {
    let Some(name) = literal(properties, "BucketName").and_then(Value::as_str) else {
        proposal.remarks.push(format!("`{id}` has no literal BucketName"));
        return;
    };
    for part in ["CorsConfiguration", "BucketEncryption", "PublicAccessBlockConfiguration", "OwnershipControls"] {
        if properties.contains_key(part) && literal(properties, part).is_none() {
            proposal.remarks.push(format!("{part} of `{id}` is not literal, and counts as not said"));
        }
    }
    let Some(documents) = proposal.bucket(name) else { return };
    let said = |name: &str| match properties.get(name) {
        // What the template leaves out is made as S3 makes it.
        None => Said::Absent,
        Some(value) if is_literal(value) => Said::Is(value),
        Some(_) => Said::Later,
    };
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
    if documents.policy == Said::Nothing {
        documents.policy = Said::Absent;
    }
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

fn bucket_policy(id: &str, properties: &Map<String, Value>, resources: &Map<String, Value>, proposal: &mut Proposal) {
    let named = properties.get("Bucket");
    let of_resource = |logical: &str| resources.get(logical)?.pointer("/Properties/BucketName")?.as_str();
    let bucket =
        named.and_then(Value::as_str).or_else(|| named?.get("Ref").and_then(Value::as_str).and_then(of_resource));
    let Some(bucket) = bucket.map(str::to_owned) else {
        proposal.remarks.push(format!("`{id}` is of a bucket that is not named literally"));
        return;
    };
    let policy = literal(properties, "PolicyDocument").and_then(policy_text);
    if policy.is_none() {
        proposal.remarks.push(format!("the policy of `{id}` is not literal, and counts as not said"));
    }
    if let Some(documents) = proposal.bucket(&bucket) {
        // Said, if only that it is known later: the bucket's own entry does not undo it.
        documents.policy = policy.into();
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
