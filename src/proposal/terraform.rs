//! `terraform show -json` of a plan: what buckets and keys would have once it is applied.
//!
//! Must never take a value that Terraform knows only after the apply for none.
//! <https://developer.hashicorp.com/terraform/internals/json-format>

use crate::model::arn::{Arn, is_account_id};
use crate::model::s3::{BucketEncryption, CorsRule, PublicAccessBlock};
use crate::proposal::documents::{Documents, Proposal, ProposedKey, Said, ownership, policy_text};
use serde_json::{Map, Value, json};

/// Reads a plan.
///
/// # Errors
/// It is none.
pub fn read(plan: &Value) -> Result<Proposal, String> {
    let changes = plan.get("resource_changes").and_then(Value::as_array);
    let changes = changes.filter(|_| plan.get("format_version").is_some());
    let changes = changes.ok_or("no plan: wanted the output of `terraform show -json PLAN`")?;
    let mut proposal = Proposal { account: account(plan), ..Proposal::default() };
    let mut resources: Vec<Resource<'_>> = changes.iter().filter_map(Resource::of).collect();
    // After the keys; what may be of any key before the policies that are of one, and behind the grants that are.
    resources.sort_by_key(|resource| match (resource.kind, resource.text("key_id")) {
        ("aws_kms_key_policy", None) => 1,
        ("aws_kms_key_policy", Some(_)) => 2,
        ("aws_kms_grant", Some(_)) => 3,
        ("aws_kms_grant", None) => 4,
        _ => 0,
    });
    for resource in &resources {
        resource.add(&mut proposal);
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

    /// Whether something of what is here, or of what it is part of, is known after the apply only.
    fn is_unknown(&self, path: &[&str]) -> bool {
        self.unknown.is_some_and(|unknown| {
            path.split_first().is_some_and(|(first, rest)| match unknown.get(*first) {
                None => false,
                Some(value) => is_open(value, rest),
            })
        })
    }

    fn list(&self, name: &str) -> &'a [Value] {
        self.values.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn policy(&self, name: &str) -> Said<String> {
        if self.deleted {
            return Said::Absent;
        }
        if self.is_unknown(&[name]) { Said::Later } else { self.values.get(name).and_then(policy_text).into() }
    }

    fn add(&self, proposal: &mut Proposal) {
        match self.kind {
            "aws_kms_key" if !self.deleted => {
                let enabled = (!self.is_unknown(&["is_enabled"])).then(|| !self.is("is_enabled", false));
                let key =
                    ProposedKey::new(self.address, self.text("arn").map(str::to_owned), self.policy("policy").known());
                proposal.keys.push(ProposedKey { enabled, ..key });
            }
            "aws_kms_key_policy" => self.add_to_keys(proposal, |key, policy| key.policy = policy.known()),
            "aws_kms_grant" if !self.deleted => self.add_to_keys(proposal, |key, _| {
                let grants = key.grants.take().zip(self.grant());
                key.grants = grants.map(|(grants, grant)| grants.into_iter().chain([grant]).collect());
            }),
            kind if kind.starts_with("aws_s3_bucket") => self.add_to_bucket(proposal),
            _ => {}
        }
    }

    fn is(&self, name: &str, flag: bool) -> bool {
        self.values.get(name) == Some(&Value::Bool(flag))
    }

    /// Changes the key that this is of; where that is known after the apply only, every key that it may be.
    fn add_to_keys(&self, proposal: &mut Proposal, change: impl Fn(&mut ProposedKey, Said<String>)) {
        let Some(id) = self.text("key_id") else {
            let remark = "is of a key whose id is known after the apply only: it may be any key of the plan, and counts for none";
            proposal.remarks.push(format!("`{}` {remark}", self.address));
            // A key that is there already may be the one, too.
            for key in &mut proposal.keys {
                (key.policy, key.grants) = match self.kind {
                    "aws_kms_grant" => (key.policy.take(), None),
                    _ => (None, key.grants.take()),
                };
            }
            return;
        };
        // A destroyed policy leaves KMS's default one, which is not in the plan.
        let policy = if self.deleted { Said::Later } else { self.policy("policy") };
        let is_it = |key: &&mut ProposedKey| {
            key.arn.as_deref().is_some_and(|arn| arn == id || arn.ends_with(&format!("key/{id}")))
        };
        if let Some(key) = proposal.keys.iter_mut().find(is_it) {
            change(key, policy);
        } else {
            let arn = Arn::parse(id).is_some().then(|| id.to_owned());
            let mut key = ProposedKey::new(self.address, arn, None);
            change(&mut key, policy);
            proposal.keys.push(key);
        }
    }

    /// As ListGrants would have it; None where a part that decides is not known.
    /// <https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantListEntry.html>
    fn grant(&self) -> Option<Value> {
        let decides = ["grantee_principal", "operations", "constraints"];
        if decides.iter().any(|part| self.is_unknown(&[part])) {
            return None;
        }
        let constraints = self.list("constraints").iter().flat_map(|item| {
            let of =
                |name: &str| item.get(name).filter(|pairs| pairs.as_object().is_some_and(|pairs| !pairs.is_empty()));
            let named = [
                ("EncryptionContextEquals", of("encryption_context_equals")),
                ("EncryptionContextSubset", of("encryption_context_subset")),
            ];
            named.into_iter().filter_map(|(name, pairs)| Some((name.to_owned(), pairs?.clone())))
        });
        Some(json!({
            "GrantId": self.address,
            "GranteePrincipal": self.text("grantee_principal"),
            "Operations": self.list("operations"),
            "Constraints": constraints.collect::<Map<_, _>>(),
        }))
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
                    false if CORS_DECIDES.iter().any(|name| self.is_unknown(&["cors_rule", "*", name])) => Said::Later,
                    false => Said::Is(self.list("cors_rule").iter().map(cors_rule).collect()),
                }
            }
            "aws_s3_bucket_server_side_encryption_configuration" => documents.encryption = self.encryption(),
            "aws_s3_bucket_public_access_block" => {
                let flag =
                    |name: &str| self.values.get(name).and_then(Value::as_bool).unwrap_or_default() && !self.deleted;
                let settings =
                    ["block_public_acls", "ignore_public_acls", "block_public_policy", "restrict_public_buckets"];
                let [block_public_acls, ignore_public_acls, block_public_policy, restrict_public_buckets] =
                    settings.map(flag);
                let open = !self.deleted && settings.iter().any(|name| self.is_unknown(&[name]));
                documents.public_access_block = if open {
                    Said::Later
                } else {
                    Said::Is(PublicAccessBlock {
                        block_public_acls,
                        ignore_public_acls,
                        block_public_policy,
                        restrict_public_buckets,
                    })
                };
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
        let default = ["rule", "*", "apply_server_side_encryption_by_default", "*"];
        let in_default = |name| self.is_unknown(&[&default[..], &[name]].concat());
        if in_default("sse_algorithm")
            || in_default("kms_master_key_id")
            || self.is_unknown(&["rule", "*", "bucket_key_enabled"])
        {
            return Said::Later;
        }
        let bucket_key_enabled = rule.get("bucket_key_enabled").and_then(Value::as_bool).unwrap_or_default();
        Said::Is(BucketEncryption { algorithm, kms_key, bucket_key_enabled })
    }
}

/// What of a CORS rule decides whether it serves Darwin.
const CORS_DECIDES: [&str; 3] = ["allowed_headers", "allowed_methods", "allowed_origins"];

/// Whether `true`, which stands for a value that is known after the apply only, is at this path, above it, or below it.
/// `*` is each item of a list.
fn is_open(unknown: &Value, path: &[&str]) -> bool {
    match (unknown, path.split_first()) {
        (Value::Bool(open), _) => *open,
        (Value::Array(items), None) => items.iter().any(|item| is_open(item, &[])),
        (Value::Object(members), None) => members.values().any(|value| is_open(value, &[])),
        (Value::Array(items), Some((_, rest))) => items.iter().any(|item| is_open(item, rest)),
        (Value::Object(members), Some((name, rest))) => members.get(*name).is_some_and(|value| is_open(value, rest)),
        (Value::Null | Value::Number(_) | Value::String(_), _) => false,
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
