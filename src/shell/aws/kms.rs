//! What AWS KMS says of a key: metadata, policy, grants.
//!
//! Must never ask KMS to use a key.

use crate::app::ports::Keys;
use crate::model::arn::Arn;
use crate::model::aws::{AwsResult, Operation};
use crate::model::kms::KeyMetadata;
use crate::shell::aws::client::Aws;
use crate::shell::aws::error::Classed;
use aws_sdk_kms::types::{GrantConstraints, GrantListEntry};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

impl Keys for Aws {
    async fn describe_key(&self, key: &str) -> AwsResult<KeyMetadata> {
        let answer = self.kms.describe_key().key_id(key).send().await.classed(Operation::DescribeKey)?;
        Ok(answer.key_metadata.map_or_else(KeyMetadata::default, |found| KeyMetadata {
            // The only member that every answer must have is the id; the owner's account stands in the ARN too.
            account: found
                .aws_account_id
                .or_else(|| Arn::parse(found.arn.as_deref()?).map(|arn| arn.account))
                .unwrap_or_default(),
            arn: found.arn.unwrap_or_else(|| key.to_owned()),
            state: found.key_state.map(|state| state.as_str().to_owned()).unwrap_or_default(),
            manager: found.key_manager.map(|manager| manager.as_str().to_owned()).unwrap_or_default(),
            origin: found.origin.map(|origin| origin.as_str().to_owned()),
            spec: found.key_spec.map(|spec| spec.as_str().to_owned()),
            usage: found.key_usage.map(|usage| usage.as_str().to_owned()),
            multi_region: found.multi_region.unwrap_or_default(),
        }))
    }

    /// `default` is the only policy name there is.
    /// <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html>
    async fn key_policy(&self, key: &str) -> AwsResult<String> {
        let call = self.kms.get_key_policy().key_id(key).policy_name("default");
        let answer = call.send().await.classed(Operation::GetKeyPolicy)?;
        Ok(answer.policy.unwrap_or_default())
    }

    async fn grants(&self, key: &str, grantee: &str) -> AwsResult<Vec<Value>> {
        let operation = Operation::ListGrants;
        let mut grants = Vec::new();
        let mut marker = None;
        loop {
            let call = self.kms.list_grants().key_id(key).grantee_principal(grantee).set_marker(marker);
            let page = call.send().await.classed(operation)?;
            grants.extend(page.grants.unwrap_or_default().into_iter().map(entry));
            marker = page.next_marker.filter(|_| page.truncated);
            if marker.is_none() {
                return Ok(grants);
            }
        }
    }
}

/// The API's JSON form. A kind of constraint that this version of the SDK does not model can't be seen; one that it
/// models is passed on, known to the evaluator or not.
fn entry(grant: GrantListEntry) -> Value {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value);
        }
    };
    put("GrantId", grant.grant_id.map(Value::from));
    put("KeyId", grant.key_id.map(Value::from));
    put("Name", grant.name.map(Value::from));
    put("GranteePrincipal", grant.grantee_principal.map(Value::from));
    put("RetiringPrincipal", grant.retiring_principal.map(Value::from));
    put("IssuingAccount", grant.issuing_account.map(Value::from));
    let operations =
        |list: Vec<_>| list.iter().map(aws_sdk_kms::types::GrantOperation::as_str).collect::<Vec<_>>().into();
    put("Operations", grant.operations.map(operations));
    put("Constraints", grant.constraints.map(constraints));
    Value::Object(fields)
}

fn constraints(found: GrantConstraints) -> Value {
    let mut fields = Map::new();
    let sorted = |pairs: HashMap<String, String>| {
        let mut pairs: Vec<_> = pairs.into_iter().collect();
        pairs.sort();
        Value::Object(pairs.into_iter().map(|(name, value)| (name, json!(value))).collect())
    };
    if let Some(pairs) = found.encryption_context_subset {
        fields.insert("EncryptionContextSubset".to_owned(), sorted(pairs));
    }
    if let Some(pairs) = found.encryption_context_equals {
        fields.insert("EncryptionContextEquals".to_owned(), sorted(pairs));
    }
    if let Some(arn) = found.source_arn {
        fields.insert("SourceArn".to_owned(), json!(arn));
    }
    Value::Object(fields)
}
