//! Past one machine: the job of S3 Batch Operations, and the Athena query over S3 Metadata, ready to run.
//!
//! Must never print a name that a shell or SQL takes for more than a name.

use crate::model::arn::Arn;
use crate::model::contract::{Contract, Home};
use crate::report::quote::{shell, shell_json};
use crate::report::scan::url;
use crate::scan::range::roots;
use serde_json::{Value, json};

const ROLE: &str = "darwin-guard-scan";
const REPORT: &str = "darwin-guard-scan-report";

/// The job: its role where the stack has none, the job itself, and how to read its report. The deployed guard judges
/// each object.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-iam-role-policies.html>,
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/specify-batchjob-manifest-xaccount-csv.html>
pub fn batch_job(contract: &Contract, prefix: &str, function: &Arn, role: Option<&Arn>, home: &Home) -> String {
    let Home { account, region, partition, .. } = home;
    let account: &str = account;
    let (bucket, function) = (format!("arn:{partition}:s3:::{}", contract.bucket), function.to_string());
    let operation =
        json!({"LambdaInvoke": {"FunctionArn": function, "InvocationSchemaVersion": "2.0", "UserArguments": {}}});
    let mut generator = json!({"ExpectedBucketOwner": account, "SourceBucket": bucket, "EnableManifestOutput": false});
    let prefixes: Vec<String> = roots(contract, prefix).into_iter().filter(|root| !root.is_empty()).collect();
    if !prefixes.is_empty()
        && let Some(members) = generator.as_object_mut()
    {
        members.insert("Filter".to_owned(), json!({"KeyNameConstraint": {"MatchAnyPrefix": prefixes}}));
    }
    let generator = json!({"S3JobManifestGenerator": generator});
    let report = json!({"Enabled": true, "Bucket": bucket, "Prefix": REPORT, "Format": "Report_CSV_20180820",
        "ReportScope": "AllTasks", "ExpectedBucketOwner": account});
    let json = |value: &Value| shell_json(&value.to_string());
    let place = shell(&format!("s3://{}/{REPORT}/", contract.bucket));
    let (needs, made, role) = match role {
        Some(role) => ("iam:PassRole", String::new(), role.to_string()),
        None => (
            "iam:CreateRole, iam:PutRolePolicy, iam:PassRole",
            made_role(account, &function, &bucket),
            format!("arn:{partition}:iam::{account}:role/{ROLE}"),
        ),
    };
    format!(
        "\
# S3 Batch Operations has the deployed guard judge each object of {url}: about $1.60 a million objects (job, manifest,
# HeadObject, Lambda) and $0.25 a job, some 5,000 objects a second at most. Needs {needs}
# and s3:CreateJob. The job starts at once, and writes its report into the bucket, under {REPORT}/.
{made}aws s3control create-job --region {region} --account-id {account} --priority 10 --no-confirmation-required --role-arn {role} \
--operation {operation} --manifest-generator {generator} --report {report}

# When it is complete, its report is read by:
#   aws s3 cp --recursive {place} {REPORT}
#   cat {REPORT}/job-*/results/*.csv | darwin-guard scan --batch-report -
",
        url = shell(&url(&contract.bucket, prefix)),
        region = shell(region),
        role = shell(&role),
        operation = json(&operation),
        generator = json(&generator),
        report = json(&report),
    )
}

/// Makes the role that the stack has with `BatchJobs=true`, for this bucket alone; the template says why each of it.
fn made_role(account: &str, function: &str, bucket: &str) -> String {
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"Service": "batchoperations.s3.amazonaws.com"}, "Action": "sts:AssumeRole",
        "Condition": {"StringEqualsIfExists": {"aws:SourceAccount": account}}}]});
    let allow = |actions: &[&str], on: &str| json!({"Effect": "Allow", "Action": actions, "Resource": on});
    let policy = json!({"Version": "2012-10-17", "Statement": [
        allow(&["lambda:InvokeFunction"], function),
        allow(&["s3:PutInventoryConfiguration", "s3:GetBucketLocation", "s3:ListBucket"], bucket),
        allow(&["s3:PutObject"], &format!("{bucket}/{REPORT}/*")),
    ]});
    let json = |value: &Value| shell_json(&value.to_string());
    format!(
        "\
# The stack can have the role instead: deploy it with BatchJobs=true.
aws iam create-role --role-name {ROLE} --assume-role-policy-document {trust} &&
aws iam put-role-policy --role-name {ROLE} --policy-name {ROLE} --policy-document {policy} &&
sleep 20 &&
",
        trust = json(&trust),
        policy = json(&policy),
    )
}

/// The query: one row for each KMS key and state of objects, so that its result is small however many objects there are.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/metadata-tables-inventory-schema.html>
pub fn query(contract: &Contract, prefix: &str) -> String {
    let namespace = format!("b_{}", contract.bucket.replace('.', "_"));
    let any = |prefixes: &[String]| {
        let each = prefixes.iter().map(|prefix| format!("starts_with(\"key\", {})", literal(prefix)));
        format!("({})", each.collect::<Vec<_>>().join(" OR "))
    };
    let mut conditions = Vec::new();
    let read: Vec<String> = roots(contract, prefix);
    if !read.iter().any(String::is_empty) {
        conditions.push(if read.is_empty() { "FALSE".to_owned() } else { any(&read) });
    }
    if !contract.not_read.is_empty() {
        conditions.push(format!("NOT {}", any(&contract.not_read)));
    }
    let conditions =
        if conditions.is_empty() { String::new() } else { format!("\n  WHERE {}", conditions.join(" AND ")) };
    format!(
        "\
-- The KMS keys that the objects of {of} are under, from S3 Metadata: no call an object.
-- It needs a live inventory table of the bucket (S3 console: bucket, Metadata), filled, and the integration of table buckets
-- with AWS analytics services; AWS charges for filling it, and Athena for what the query reads, a few cents for millions of objects.
-- The table is up to an hour old. Run it in Athena, download the result, and judge it:
--   darwin-guard scan {of} --keys result.csv
SELECT \"bucket\", \"encryption_status\", \"kms_key_arn\", \"is_bucket_key_enabled\", \"storage_class\",
  COUNT(*) AS \"objects\", SUM(\"size\") AS \"bytes\", MIN(\"key\") AS \"sample\"
FROM (
  SELECT \"bucket\", \"key\", \"size\", \"encryption_status\", \"kms_key_arn\", \"is_bucket_key_enabled\", \"storage_class\",
    \"is_delete_marker\", ROW_NUMBER() OVER (PARTITION BY \"key\" ORDER BY \"sequence_number\" DESC) AS \"newest\"
  FROM \"s3tablescatalog/aws-s3\".\"{namespace}\".\"inventory\"{conditions}
)
WHERE \"newest\" = 1 AND \"is_delete_marker\" IS NOT TRUE
GROUP BY 1, 2, 3, 4, 5
ORDER BY \"objects\" DESC
",
        of = shell(&url(&contract.bucket, prefix)),
    )
}

/// A text in SQL.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
