//! Remedies for KMS keys: of the default encryption, and of objects that are there.

use crate::model::arn::Arn;
use crate::model::contract::{Access, Home};
use crate::report::quote::shell;
use crate::report::text::{name, pretty};
use serde_json::json;

/// The key-policy statement that is missing, or the grant that does as well.
///
/// `deny`: the statement of the key policy that denies, if one does; no grant overrides it.
/// <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html>
pub(super) fn denied(key_arn: &str, role: &str, access: Access, deny: Option<&str>) -> String {
    let named = name(key_arn);
    if let Some(deny) = deny.map(name) {
        return format!(
            "In the policy of key {named}, narrow or remove {deny}: it denies Darwin's role, and neither an Allow \
             nor a grant overrides a Deny. To except the role, add to its Condition:\n\n{}\n\nThen see that an Allow \
             is there:\n\n{}",
            pretty(&json!({"ArnNotEquals": {"aws:PrincipalArn": role}})),
            statement(key_arn, role, access),
        );
    }
    let operations = match access {
        Access::ReadOnly => "Decrypt",
        Access::ReadWrite => "Decrypt GenerateDataKey",
    };
    format!(
        "Add this statement to the policy of key {named} (put-key-policy replaces the whole document: get it first \
         and add to it):\n\n{}\n\nOr leave the policy alone and make a grant (it takes up to five minutes to work):\n\n\
         aws kms create-grant --region {} --key-id {} --grantee-principal {} --operations {operations}",
        statement(key_arn, role, access),
        shell(&region_of(key_arn)),
        shell(key_arn),
        shell(role),
    )
}

/// The key is in a state in which it does not work.
/// <https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html>
pub(super) fn state(key_arn: &str, state: &str) -> String {
    let (region, key) = (shell(&region_of(key_arn)), shell(key_arn));
    let enable = format!("aws kms enable-key --region {region} --key-id {key}");
    match state {
        "Disabled" => enable,
        "PendingDeletion" | "PendingReplicaDeletion" => {
            format!("aws kms cancel-key-deletion --region {region} --key-id {key}\n{enable}")
        }
        "PendingImport" => format!(
            "Import the key material again (the same material, else the objects are lost):\n\n\
             aws kms get-parameters-for-import --region {region} --key-id {key} --wrapping-algorithm \
             RSAES_OAEP_SHA_256 --wrapping-key-spec RSA_4096"
        ),
        "Unavailable" => "Reconnect the key's custom key store; the key works again when it is connected.".to_owned(),
        "Creating" => "Wait: AWS is still creating the key.".to_owned(),
        other => {
            format!("See what state `{}` means for key {}, and bring it to Enabled.", name(other), name(key_arn))
        }
    }
}

/// Objects under `aws/s3`: no policy can share that key, so the objects need another.
/// <https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-cmk>
pub(super) fn aws_managed(bucket: &str, home: &Home, key_arn: &str) -> String {
    format!(
        "The policy of the AWS managed key aws/s3 can't be edited: no other account can ever use it. Give the objects \
         a customer managed key that Darwin's role may use (or upload with SSE-S3):\n\n{}",
        re_encrypt(bucket, home, key_arn)
    )
}

/// The S3 Batch Operations job that gives the objects another key, in place: no data moves, `ETag` and `LastModified` stay.
/// `UpdateObjectEncryption` takes neither SSE-C nor DSSE-KMS sources.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-update-encryption.html>
pub(super) fn re_encrypt(bucket: &str, home: &Home, from_key: &str) -> String {
    let Home { account, region, partition, function: _ } = home;
    let arn = format!("arn:{partition}:s3:::{bucket}");
    let filter = json!({"SSEKMS": {"KmsKeyArn": from_key}});
    let operation = json!({"S3UpdateObjectEncryption":
        {"ObjectEncryption": {"SSEKMS": {"KMSKeyArn": "NEW_KEY_ARN", "BucketKeyEnabled": true}}}});
    let manifest = json!({"S3JobManifestGenerator": {
        "ExpectedBucketOwner": account,
        "SourceBucket": arn,
        "EnableManifestOutput": false,
        "Filter": {"MatchAnyObjectEncryption": [filter]},
    }});
    let report = json!({"Enabled": true, "Bucket": "REPORT_BUCKET_ARN", "Prefix": "re-encrypt",
        "Format": "Report_CSV_20180820", "ReportScope": "FailedTasksOnly"});
    format!(
        "Put your values for NEW_KEY_ARN, REPORT_BUCKET_ARN and JOB_ROLE_ARN (a role that S3 Batch Operations may \
         assume, with s3:UpdateObjectEncryption on the bucket):\n\n\
         aws s3control create-job --region {} --account-id {} --priority 10 --role-arn JOB_ROLE_ARN \
         --no-confirmation-required \\\n  --operation {} \\\n  --manifest-generator {} \\\n  --report {}",
        shell(region),
        shell(account),
        shell(&operation.to_string()),
        shell(&manifest.to_string()),
        shell(&report.to_string()),
    )
}

/// What the key's owner, a third account, must add. Its policy can't be read from here.
pub(super) fn foreign(key_arn: &str, owner: &str, role: &str, access: Access) -> String {
    let (key, owner) = (name(key_arn), name(owner));
    format!(
        "Key {key} belongs to account {owner}; only they can see its policy. Ask them for this statement in it:\
         \n\n{}\n\nOr give the objects a key of your own account.",
        statement(key_arn, role, access)
    )
}

/// The default encryption names its key by an alias or a bare id, which S3 resolves in the account of who uploads.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ServerSideEncryptionByDefault.html>
pub(super) fn not_by_arn(bucket: &str, name: &str, home: &Home) -> String {
    let region = shell(&home.region);
    format!(
        "Name the key by its ARN:\n\n\
         KEY=$(aws kms describe-key --region {region} --key-id {} --query KeyMetadata.Arn --output text)\n\
         aws s3api get-bucket-encryption --bucket {bucket} --query ServerSideEncryptionConfiguration \\\n  \
         | jq --arg key \"$KEY\" '.Rules[].ApplyServerSideEncryptionByDefault.KMSMasterKeyID = $key' > encryption.json\n\
         aws s3api put-bucket-encryption --bucket {bucket} --server-side-encryption-configuration \
         file://encryption.json",
        shell(name),
        bucket = shell(bucket),
    )
}

/// New objects come under `aws/s3`, which Darwin can't be given.
pub(super) fn managed_default(bucket: &str, role: &str, access: Access) -> String {
    format!(
        "Bucket {bucket} encrypts new objects with the AWS managed key aws/s3, which can't be shared. Make a \
         customer managed key whose policy holds the statement below, and set it as the default:\n\n{}\n\n\
         aws s3api put-bucket-encryption --bucket {} --server-side-encryption-configuration \
         '{{\"Rules\":[{{\"ApplyServerSideEncryptionByDefault\":{{\"SSEAlgorithm\":\"aws:kms\",\
         \"KMSMasterKeyID\":\"NEW_KEY_ARN\"}},\"BucketKeyEnabled\":true}}]}}'",
        statement("", role, access),
        shell(bucket),
    )
}

fn statement(key_arn: &str, role: &str, access: Access) -> String {
    let action = match access {
        Access::ReadOnly => json!("kms:Decrypt"),
        Access::ReadWrite => json!(["kms:Decrypt", "kms:GenerateDataKey"]),
    };
    let mut statement = json!({
        "Sid": "DarwinAccess",
        "Effect": "Allow",
        "Principal": {"AWS": role},
        "Action": action,
        "Resource": "*",
    });
    let region = region_of(key_arn);
    if !region.is_empty() {
        let suffix = if key_arn.starts_with("arn:aws-cn:") { "amazonaws.com.cn" } else { "amazonaws.com" };
        if let Some(statement) = statement.as_object_mut() {
            let condition = json!({"StringEquals": {"kms:ViaService": format!("s3.{region}.{suffix}")}});
            statement.insert("Condition".to_owned(), condition);
        }
    }
    pretty(&statement)
}

/// The Region of a key ARN; empty if it is none.
fn region_of(key_arn: &str) -> String {
    Arn::parse(key_arn).map(|arn| arn.region).unwrap_or_default()
}
