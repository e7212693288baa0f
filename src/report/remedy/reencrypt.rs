//! The S3 Batch Operations job that gives objects another key, in place: no data moves, `ETag` and `LastModified` stay.
//! `UpdateObjectEncryption` takes neither SSE-C nor DSSE-KMS sources.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-update-encryption.html>
//!
//! Must never be offered for a key whose use KMS refuses: the job must decrypt with it.

use crate::model::contract::{Access, Home};
use crate::report::quote::{in_quotes, shell, shell_json};
use crate::report::remedy::key::new_key;
use crate::report::remedy::way::{Place, Remedy, Way};
use serde_json::json;

/// Objects under `aws/s3`: no policy can share that key, so the objects need another.
/// <https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-cmk>
pub(super) fn under_aws_managed(at: Place<'_>, from_key: &str, role: &str, access: Access) -> Remedy {
    Way::run(
        "Re-encrypt these images under a new KMS key. It starts a job that costs money, and can wait: the files are unharmed.",
        format!("{} &&\n{} &&\n{}", new_key(at, role, access), job_role(at, from_key), job(at, from_key)),
    )
    .note(
        "It makes a key, a role and a job of S3 Batch Operations, which starts at once. Needs kms:CreateKey, \
         iam:CreateRole, iam:PutRolePolicy, iam:PassRole and s3:CreateJob. Let uploads name another key than aws/s3.",
    )
    .into()
}

const ROLE: &str = "darwin-re-encrypt";
const REPORT: &str = "darwin-re-encrypt-report";

/// The role that the job runs as. `$KEY` is the new key.
fn job_role(at: Place<'_>, from_key: &str) -> String {
    let bucket = at.arn();
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"Service": "batchoperations.s3.amazonaws.com"}, "Action": "sts:AssumeRole",
        "Condition": {"StringEqualsIfExists": {"aws:SourceAccount": &*at.home.account}}}]});
    let allow = |actions: &[&str], on: serde_json::Value| json!({"Effect": "Allow", "Action": actions, "Resource": on});
    let policy = json!({"Version": "2012-10-17", "Statement": [
        allow(&["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:UpdateObjectEncryption"], json!(format!("{bucket}/*"))),
        allow(&["s3:GetBucketLocation", "s3:ListBucket", "s3:PutInventoryConfiguration"], json!(bucket)),
        allow(&["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:ReEncrypt*"], json!([from_key, NEW_KEY])),
    ]});
    format!(
        "aws iam create-role --role-name {ROLE} --assume-role-policy-document {} &&\naws iam put-role-policy --role-name \
         {ROLE} --policy-name {ROLE} --policy-document {} &&\nsleep 20",
        shell_json(&trust.to_string()),
        with_new_key(&policy.to_string()),
    )
}

/// The job itself: it starts at once, and reports what failed into the bucket.
fn job(at: Place<'_>, from_key: &str) -> String {
    let Home { account, region, partition, .. } = at.home;
    let operation = json!({"S3UpdateObjectEncryption":
        {"ObjectEncryption": {"SSEKMS": {"KMSKeyArn": NEW_KEY, "BucketKeyEnabled": true}}}});
    let manifest = json!({"S3JobManifestGenerator": {
        "ExpectedBucketOwner": &**account,
        "SourceBucket": at.arn(),
        "EnableManifestOutput": false,
        "Filter": {"MatchAnyObjectEncryption": [{"SSEKMS": {"KmsKeyArn": from_key}}]},
    }});
    let report = json!({"Enabled": true, "Bucket": at.arn(), "Prefix": REPORT, "Format": "Report_CSV_20180820",
        "ReportScope": "FailedTasksOnly", "ExpectedBucketOwner": &**account});
    format!(
        "aws s3control create-job --region {} --account-id {} --priority 10 --no-confirmation-required --role-arn {} \
         --operation {} --manifest-generator {} --report {}",
        shell(region),
        &**account,
        shell(&format!("arn:{partition}:iam::{}:role/{ROLE}", &**account)),
        with_new_key(&operation.to_string()),
        shell_json(&manifest.to_string()),
        shell_json(&report.to_string()),
    )
}

/// Stands for the new key until `with_new_key`.
const NEW_KEY: &str = "NEW-KEY";

/// A JSON text as one word of a shell command, with the shell's `$KEY` in it.
fn with_new_key(json: &str) -> String {
    format!("'{}'", in_quotes(json).replace(NEW_KEY, "'\"$KEY\"'"))
}
