//! Remedies for KMS keys: of the default encryption, and of objects that are there.

use crate::model::arn::Arn;
use crate::model::contract::Access;
use crate::model::why::StatementName;
use crate::report::quote::{in_quotes, shell, shell_json};
use crate::report::remedy::policy::except;
use crate::report::remedy::way::{Place, Remedy, Way};
use crate::report::text::{code, pretty, statement as named};
use serde_json::{Value, json};

/// Neither the key policy nor a grant lets Darwin use the key.
/// <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html>
pub(super) fn not_allowed(key: &str, role: &str, access: Access) -> Remedy {
    let operations = match access {
        Access::ReadOnly => "Decrypt",
        Access::ReadWrite => "Decrypt GenerateDataKey",
    };
    Remedy::from(
        Way::run(
            "Give Darwin's role a grant on the key, which is quickest.",
            format!(
                "aws kms create-grant --region {} --key-id {} --grantee-principal {} --operations {operations}",
                shell(&region_of(key)),
                shell(key),
                shell(role),
            ),
        )
        .note("It works within five minutes. Needs kms:CreateGrant in the key's account."),
    )
    .or(Way::run(
        "Add Darwin's role to the key policy.",
        edit(key, &format!(".Statement |= ([.] | flatten) | {}", append(key, role, access))),
    )
    .note(EDIT_NEEDS))
}

/// Objects are under more keys than are watched.
pub(super) fn too_many() -> Remedy {
    Way::by_hand("Nothing at once. Encrypt uploads under fewer keys: a bucket policy can require yours.")
        .note("The guard stops watching a key that no object is under any more, once it is disabled or deleted.")
        .into()
}

/// The scan of a bucket, by the tool.
pub(super) fn scan_command(at: Place<'_>) -> String {
    format!("darwin-guard scan {}", shell(&format!("s3://{}", at.bucket)))
}

/// The objects that are there are known to nobody.
pub(super) fn scan(at: Place<'_>) -> Remedy {
    Way::by_hand(format!("Scan it once with {}.", code(&scan_command(at))))
        .note(
            "With --stack and the name of the guard's CloudFormation stack, the guard watches the keys that are found.",
        )
        .into()
}

/// A statement of the key policy denies: neither an Allow nor a grant overrides it.
pub(super) fn denied(key: &str, role: &str, access: Access, deny: &StatementName) -> Remedy {
    let statement = named(deny);
    let program = format!("{} | {}", except(deny, role), append(key, role, access));
    Way::run(
        format!("If Darwin was not cut off on purpose, exempt its role from {statement} of the key policy."),
        edit(key, &program),
    )
    .note(format!("It adds an Allow for Darwin too. {EDIT_NEEDS}"))
    .into()
}

/// What an edit of a key policy needs.
const EDIT_NEEDS: &str = "Needs kms:GetKeyPolicy, kms:PutKeyPolicy and jq.";

/// A jq program that adds Darwin's statement, unless one with its Sid is there.
fn append(key: &str, role: &str, access: Access) -> String {
    let statement = in_quotes(&statement(key, role, access).to_string());
    format!("if any(.Statement[]; .Sid == \"DarwinAccess\") then . else .Statement += [{statement}] end")
}

/// Reads the key policy, changes it with a jq program, and writes it. Stops where a part fails.
fn edit(key: &str, program: &str) -> String {
    let (region, key) = (shell(&region_of(key)), shell(key));
    format!(
        "aws kms get-key-policy --region {region} --key-id {key} --policy-name default --query Policy --output text > \
         key-policy.json &&\njq '{program}' key-policy.json > new-key-policy.json &&\naws kms put-key-policy --region \
         {region} --key-id {key} --policy-name default --policy file://new-key-policy.json"
    )
}

/// The key is in a state in which it does not work.
/// <https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html>
pub(super) fn state(key_arn: &str, state: &str) -> Remedy {
    let (region, key) = (shell(&region_of(key_arn)), shell(key_arn));
    let of_key = |operation: &str| format!("aws kms {operation} --region {region} --key-id {key}");
    match state {
        "Disabled" => Way::run("Enable the key.", of_key("enable-key")).note("Needs kms:EnableKey."),
        "PendingDeletion" | "PendingReplicaDeletion" => Way::run(
            "Cancel the deletion and enable the key, before everything under it is lost.",
            format!("{} &&\n{}", of_key("cancel-key-deletion"), of_key("enable-key")),
        )
        .note("Needs kms:CancelKeyDeletion and kms:EnableKey."),
        "PendingImport" => Way::run(
            "Import the same key material again. This gets what the import needs.",
            format!(
                "{} --wrapping-algorithm RSAES_OAEP_SHA_256 --wrapping-key-spec RSA_4096",
                of_key("get-parameters-for-import")
            ),
        )
        .note(
            "Then use `aws kms import-key-material`. With other material the objects are lost. Needs \
             kms:GetParametersForImport and kms:ImportKeyMaterial.",
        ),
        "Unavailable" => Way::run(
            "Connect the key's custom key store again.",
            format!(
                "STORE=$({} --query KeyMetadata.CustomKeyStoreId --output text) &&\naws kms connect-custom-key-store --region \
                 {region} --custom-key-store-id \"$STORE\"",
                of_key("describe-key")
            ),
        )
        .note("Needs kms:DescribeKey and kms:ConnectCustomKeyStore."),
        "Creating" => Way::by_hand("Nothing: AWS is still creating the key."),
        "deleted" => Way::by_hand("Upload the originals again under another key. What is under this one is lost.")
            .note("If it is the bucket's default key, set another one first."),
        other => Way::run(
            format!("Bring the key from state {} to Enabled. This shows the key.", code(other)),
            of_key("describe-key"),
        )
        .note("Needs kms:DescribeKey."),
    }
    .into()
}

/// What the key's owner, a third account, must add. Its policy can't be read from here.
pub(super) fn foreign(key: &str, owner: &str, role: &str, access: Access) -> Remedy {
    Way::put(
        format!("Ask the owners of account {} to add this statement to the policy of their key.", code(owner)),
        pretty(&statement(key, role, access)),
    )
    .note("Or upload the images again under a key of your own account.")
    .into()
}

/// The default encryption names its key by an alias or a bare id, which S3 resolves in the account of who uploads.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ServerSideEncryptionByDefault.html>
pub(super) fn not_by_arn(at: Place<'_>, key: &str) -> Remedy {
    let region = shell(&at.home.region);
    let command = format!(
        "KEY=$(aws kms describe-key --region {region} --key-id {} --query KeyMetadata.Arn --output text) &&\n{}",
        shell(key),
        encrypt(at, "--arg key \"$KEY\" ", ".Rules[].ApplyServerSideEncryptionByDefault.KMSMasterKeyID = $key"),
    );
    Way::run("Name the default key by its ARN.", command)
        .note("Needs kms:DescribeKey, s3:GetEncryptionConfiguration, s3:PutEncryptionConfiguration and jq.")
        .into()
}

/// Changes the default encryption with a jq program; its other settings stay.
fn encrypt(at: Place<'_>, arguments: &str, program: &str) -> String {
    format!(
        "{} --query ServerSideEncryptionConfiguration > encryption.json &&\njq {arguments}'{program}' encryption.json > \
         new-encryption.json &&\n{} --server-side-encryption-configuration file://new-encryption.json",
        at.s3("get-bucket-encryption"),
        at.s3("put-bucket-encryption"),
    )
}

/// New objects come under `aws/s3`, which Darwin can't be given.
pub(super) fn managed_default(at: Place<'_>, role: &str, access: Access) -> Remedy {
    let with_s3 = r#".Rules[].ApplyServerSideEncryptionByDefault = {"SSEAlgorithm":"AES256"}"#;
    let with_kms = r#".Rules[].ApplyServerSideEncryptionByDefault = {"SSEAlgorithm":"aws:kms","KMSMasterKeyID":$key}"#;
    let needs = "Needs s3:GetEncryptionConfiguration, s3:PutEncryptionConfiguration";
    let with_s3 =
        Way::run("Encrypt new objects with SSE-S3, which needs no key and is quickest.", encrypt(at, "", with_s3));
    let with_kms = Way::run(
        "Encrypt them under a new KMS key that Darwin may use.",
        format!("{} &&\n{}", new_key(at, role, access), encrypt(at, "--arg key \"$KEY\" ", with_kms)),
    );
    Remedy::from(with_s3.note(format!("{needs} and jq.")))
        .or(with_kms.note(format!("{needs}, kms:CreateKey and jq. A KMS key costs about $1 a month.")))
}

/// Makes a key that the account administers and Darwin may use; its ARN is in `$KEY` then.
pub(super) fn new_key(at: Place<'_>, role: &str, access: Access) -> String {
    let region = at.home.region.as_str();
    let root = format!("arn:{}:iam::{}:root", at.home.partition, &*at.home.account);
    // The statement takes its Region from the ARN of a key.
    let key = format!("arn:{}:kms:{region}:{}:key/new", at.home.partition, &*at.home.account);
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "Account", "Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"},
        statement(&key, role, access),
    ]});
    format!(
        "KEY=$(aws kms create-key --region {} --description {} --policy {} --query KeyMetadata.Arn --output text)",
        shell(region),
        shell(&format!("Images of bucket {} for V7 Darwin", at.bucket)),
        shell_json(&policy.to_string()),
    )
}

fn statement(key_arn: &str, role: &str, access: Access) -> Value {
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
    statement
}

/// The Region of a key ARN; empty if it is none.
fn region_of(key_arn: &str) -> String {
    Arn::parse(key_arn).map(|arn| arn.region).unwrap_or_default()
}
