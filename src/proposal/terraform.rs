//! `terraform show -json` of a plan: what buckets and keys would have once it is applied.
//!
//! Must never take a value that Terraform knows only after the apply for none.
//! <https://developer.hashicorp.com/terraform/internals/json-format>

use crate::model::arn::{Arn, is_account_id};
use crate::model::s3::{BucketEncryption, CorsRule, PublicAccessBlock};
use crate::proposal::documents::{Documents, Proposal, ProposedKey, Said, ownership, policy_text};
use serde_json::{Map, Value};

/// Reads a plan.
///
/// # Errors
/// It is none.
pub fn read(plan: &Value) -> Result<Proposal, String> {
    let changes = plan.get("resource_changes").and_then(Value::as_array);
    let changes = changes.filter(|_| plan.get("format_version").is_some());
    let changes = changes.ok_or("no plan: wanted the output of `terraform show -json PLAN`")?;
    let mut proposal = Proposal { account: account(plan), ..Proposal::default() };
    for change in changes {
        if let Some(resource) = Resource::of(change) {
            resource.add(&mut proposal);
        }
    }
    // A key that is destroyed is gone from the plan; a bucket that is destroyed has nothing to read.
    Ok(proposal)
}

/// One resource as it will be.
struct Resource<'a> {
    address: &'a str,
    kind: &'a str,
    deleted: bool,
    /// As it will be; as it was, if it will be no more.
    values: &'a Map<String, Value>,
    unknown: Option<&'a Map<String, Value>>,
}

impl<'a> Resource<'a> {
    fn of(entry: &'a Value) -> Option<Self> {
        if entry.get("mode").and_then(Value::as_str) == Some("data") {
            return None;
        }
        let change = entry.get("change")?;
        let after = change.get("after").and_then(Value::as_object);
        Some(Self {
            address: entry.get("address").and_then(Value::as_str).unwrap_or_default(),
            kind: entry.get("type").and_then(Value::as_str)?,
            deleted: after.is_none(),
            values: after.or_else(|| change.get("before").and_then(Value::as_object))?,
            unknown: change.get("after_unknown").and_then(Value::as_object),
        })
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.values.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    fn is_unknown(&self, name: &str) -> bool {
        self.unknown.and_then(|unknown| unknown.get(name)).is_some_and(|value| *value != Value::Bool(false))
            && self.values.get(name).is_none_or(Value::is_null)
    }

    fn list(&self, name: &str) -> &'a [Value] {
        self.values.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn policy(&self, name: &str) -> Said<String> {
        if self.deleted {
            return Said::Absent;
        }
        if self.is_unknown(name) { Said::Later } else { self.values.get(name).and_then(policy_text).into() }
    }

    fn add(&self, proposal: &mut Proposal) {
        match self.kind {
            "aws_kms_key" if !self.deleted => {
                let policy = self.policy("policy");
                proposal.keys.push(ProposedKey {
                    name: self.address.to_owned(),
                    arn: self.text("arn").map(str::to_owned),
                    policy: if let Said::Is(policy) = policy { Some(policy) } else { None },
                    disabled: self.values.get("is_enabled") == Some(&Value::Bool(false)),
                });
            }
            "aws_kms_key_policy" => self.add_key_policy(proposal),
            kind if kind.starts_with("aws_s3_bucket") => self.add_to_bucket(proposal),
            _ => {}
        }
    }

    fn add_key_policy(&self, proposal: &mut Proposal) {
        let (Some(id), Said::Is(policy)) = (self.text("key_id"), self.policy("policy")) else { return };
        let is_it = |key: &&mut ProposedKey| {
            key.arn.as_deref().is_some_and(|arn| arn == id || arn.ends_with(&format!("key/{id}")))
        };
        match proposal.keys.iter_mut().find(is_it) {
            Some(key) => key.policy = Some(policy),
            None => proposal.keys.push(ProposedKey {
                name: self.address.to_owned(),
                arn: Arn::parse(id).is_some().then(|| id.to_owned()),
                policy: Some(policy),
                disabled: false,
            }),
        }
    }

    fn add_to_bucket(&self, proposal: &mut Proposal) {
        let Some(name) = self.text("bucket") else {
            if self.kind != "aws_s3_bucket_object" {
                proposal
                    .remarks
                    .push(format!("`{}` is of a bucket whose name is known after the apply only", self.address));
            }
            return;
        };
        if let Some(documents) = proposal.bucket(name) {
            self.fill(documents);
        }
    }

    fn fill(&self, documents: &mut Documents) {
        match self.kind {
            // The arguments of the bucket itself that older configurations have.
            "aws_s3_bucket" => {
                if let Said::Is(policy) = self.policy("policy")
                    && documents.policy == Said::Nothing
                {
                    documents.policy = Said::Is(policy);
                }
            }
            "aws_s3_bucket_policy" => documents.policy = self.policy("policy"),
            "aws_s3_bucket_cors_configuration" => {
                documents.cors = match self.deleted {
                    true => Said::Absent,
                    false if self.is_unknown("cors_rule") => Said::Later,
                    false => Said::Is(self.list("cors_rule").iter().map(cors_rule).collect()),
                }
            }
            "aws_s3_bucket_server_side_encryption_configuration" => documents.encryption = self.encryption(),
            "aws_s3_bucket_public_access_block" => {
                let flag =
                    |name: &str| self.values.get(name).and_then(Value::as_bool).unwrap_or_default() && !self.deleted;
                documents.public_access_block = Said::Is(PublicAccessBlock {
                    block_public_acls: flag("block_public_acls"),
                    ignore_public_acls: flag("ignore_public_acls"),
                    block_public_policy: flag("block_public_policy"),
                    restrict_public_buckets: flag("restrict_public_buckets"),
                });
            }
            "aws_s3_bucket_ownership_controls" => {
                let rule =
                    self.list("rule").first().and_then(|rule| rule.get("object_ownership")).and_then(Value::as_str);
                documents.ownership = if self.deleted { Said::Absent } else { rule.map(ownership).into() };
            }
            _ => {}
        }
    }

    fn encryption(&self) -> Said<BucketEncryption> {
        if self.deleted {
            return Said::Absent;
        }
        let Some(rule) = self.list("rule").first() else { return Said::Later };
        let default = rule.get("apply_server_side_encryption_by_default").and_then(|list| list.get(0));
        let text = |name: &str| {
            default.and_then(|default| default.get(name)).and_then(Value::as_str).filter(|text| !text.is_empty())
        };
        let algorithm = text("sse_algorithm").map(str::to_owned);
        let kms_key = text("kms_master_key_id").map(str::to_owned);
        let unknown_key = kms_key.is_none()
            && self
                .unknown
                .is_some_and(|unknown| Value::Object(unknown.clone()).to_string().contains("kms_master_key_id"));
        if unknown_key {
            return Said::Later;
        }
        let bucket_key_enabled = rule.get("bucket_key_enabled").and_then(Value::as_bool).unwrap_or_default();
        Said::Is(BucketEncryption { algorithm, kms_key, bucket_key_enabled })
    }
}

fn cors_rule(rule: &Value) -> CorsRule {
    let list = |name: &str| {
        let items = rule.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    CorsRule {
        id: rule.get("id").and_then(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned),
        allowed_headers: list("allowed_headers"),
        allowed_methods: list("allowed_methods"),
        allowed_origins: list("allowed_origins"),
        expose_headers: list("expose_headers"),
        max_age_seconds: rule.get("max_age_seconds").and_then(Value::as_i64).and_then(|age| i32::try_from(age).ok()),
    }
}

/// From `aws_caller_identity`, or the ARN of a key.
fn account(plan: &Value) -> Option<String> {
    let resources = |part: &str| plan.pointer(part).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let known = resources("/prior_state/values/root_module/resources").iter().filter_map(|resource| {
        let kind = resource.get("type").and_then(Value::as_str);
        let values = resource.get("values")?;
        let text = |name: &str| values.get(name).and_then(Value::as_str);
        match kind {
            Some("aws_caller_identity") => text("account_id").map(str::to_owned),
            Some("aws_kms_key") => text("arn").and_then(Arn::parse).map(|arn| arn.account),
            _ => None,
        }
    });
    let planned = resources("/resource_changes").iter().filter_map(|change| {
        let of_key = change.get("type").and_then(Value::as_str) == Some("aws_kms_key");
        let arn = change.pointer("/change/after/arn").and_then(Value::as_str).filter(|_| of_key);
        arn.and_then(Arn::parse).map(|arn| arn.account)
    });
    known.chain(planned).find(|account| is_account_id(account))
}
