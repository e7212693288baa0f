//! Remedies for what the bucket's configuration or the guard's surroundings stand in the way with.

use crate::model::contract::Home;
use crate::report::quote::shell;
use crate::report::remedy::key::pretty;
use serde_json::json;

/// How to keep the guard from repairing a bucket: the first words of every repair's message.
///
/// The tag is added with `TagResource`, which keeps the other tags (`PutBucketTagging` would replace them).
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_TagResource.html>
pub fn how_to_stop(bucket: &str, home: &Home) -> String {
    format!(
        "To stop the guard from repairing this bucket, tag it darwin-guard=paused:\n\
         aws s3control tag-resource --region {} --account-id {} --resource-arn {} --tags \
         Key=darwin-guard,Value=paused\n\
         or set the stack's parameter Mode to flag (MODE=flag), for every bucket; or deny Darwin's role in the bucket \
         policy: the guard never touches a Deny.",
        shell(&home.region),
        shell(&home.account),
        shell(&format!("arn:{}:s3:::{bucket}", home.partition)),
    )
}

/// The guard is paused by its tag.
pub fn paused(bucket: &str, home: &Home) -> String {
    format!(
        "To let it repair again, remove the tag:\n\n\
         aws s3control untag-resource --region {} --account-id {} --resource-arn {} --tag-keys darwin-guard",
        shell(&home.region),
        shell(&home.account),
        shell(&format!("arn:{}:s3:::{bucket}", home.partition)),
    )
}

/// A Deny statement hits Darwin. `statement` names it, e.g. "statement `DenyInsecure` (#2)".
pub fn explicit_deny(bucket: &str, statement: &str, role: &str) -> String {
    format!(
        "The guard never touches a Deny. If Darwin is meant to read bucket {bucket}, except its role in {statement}: \
         add to its Condition (in the same operator, if it is there already)\n\n{}\n\n\
         aws s3api get-bucket-policy --bucket {} --query Policy --output text > policy.json\n\
         # edit policy.json\n\
         aws s3api put-bucket-policy --bucket {} --policy file://policy.json",
        pretty(&json!({"ArnNotEquals": {"aws:PrincipalArn": role}})),
        shell(bucket),
        shell(bucket),
    )
}

/// `RestrictPublicBuckets` with a public policy. `statements` names the public ones.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>
pub fn public_block(bucket: &str, statements: &[String]) -> String {
    let which = if statements.is_empty() { "the public statement".to_owned() } else { statements.join(", ") };
    format!(
        "As long as one statement of the policy of bucket {bucket} is public, RestrictPublicBuckets shuts out every \
         other account, Darwin's too. Give {which} fixed principals (or a condition on a fixed account, organisation, \
         VPC or address range), or remove it. Turning the block off would make the bucket public: don't."
    )
}

/// `BlockPublicAcls` and its kin aside: objects that other accounts own are out of the bucket policy's reach.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html>
pub fn object_ownership(bucket: &str) -> String {
    format!(
        "Let the bucket own every object in it (this switches ACLs off: see first that nobody needs them):\n\n\
         aws s3api put-bucket-ownership-controls --bucket {} --ownership-controls \
         'Rules=[{{ObjectOwnership=BucketOwnerEnforced}}]'",
        shell(bucket)
    )
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/RequesterPaysBuckets.html>
pub fn requester_pays(bucket: &str) -> String {
    format!(
        "aws s3api put-bucket-request-payment --bucket {} --request-payment-configuration Payer=BucketOwner",
        shell(bucket)
    )
}

/// The default encryption names its key by an alias, which S3 resolves in the account of who uploads.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html>
pub fn alias_encryption(bucket: &str, alias: &str, home: &Home) -> String {
    let region = shell(&home.region);
    format!(
        "Name the key by its ARN:\n\n\
         KEY=$(aws kms describe-key --region {region} --key-id {} --query KeyMetadata.Arn --output text)\n\
         aws s3api get-bucket-encryption --bucket {bucket} --query ServerSideEncryptionConfiguration \\\n  \
         | jq --arg key \"$KEY\" '.Rules[].ApplyServerSideEncryptionByDefault.KMSMasterKeyID = $key' > encryption.json\n\
         aws s3api put-bucket-encryption --bucket {bucket} --server-side-encryption-configuration \
         file://encryption.json",
        shell(alias),
        bucket = shell(bucket),
    )
}

/// Nothing of the bucket reaches EventBridge; every existing target is kept.
pub fn events_off(bucket: &str) -> String {
    format!(
        "Set the stack's parameter EnableEventBridge to true and let the guard do it, or turn it on by hand \
         (put-bucket-notification-configuration replaces everything, hence the reading first):\n\n\
         aws s3api get-bucket-notification-configuration --bucket {bucket} \\\n  \
         | jq -s '(.[0] // {{}}) + {{EventBridgeConfiguration: {{}}}}' > notification.json\n\
         aws s3api put-bucket-notification-configuration --bucket {bucket} --skip-destination-validation \
         --notification-configuration file://notification.json",
        bucket = shell(bucket)
    )
}

/// The bucket tells nobody about new objects.
pub fn no_object_events(bucket: &str) -> String {
    events_off(bucket)
}

/// No trail delivers management events to EventBridge.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html>
pub fn no_config_events(home: &Home) -> String {
    format!(
        "EventBridge hears of configuration changes only where a CloudTrail trail logs write management events of \
         Region {region} (KMS events must not be excluded). See which trails there are:\n\n\
         aws cloudtrail describe-trails --region {region}\n\
         aws cloudtrail get-event-selectors --region {region} --trail-name TRAIL_NAME\n\n\
         Until then the schedule finds changes, within its period.",
        region = shell(&home.region)
    )
}

/// Nobody reads the alerts.
pub fn no_subscription(topic_arn: Option<&str>) -> String {
    let topic = topic_arn.map_or_else(|| "TOPIC_ARN".to_owned(), shell);
    format!(
        "Subscribe somebody, and confirm by the link in the mail that AWS sends:\n\n\
         aws sns subscribe --topic-arn {topic} --protocol email --notification-endpoint YOU@EXAMPLE.COM\n\n\
         If a subscription is pending already, its confirmation mail may lie in the spam folder."
    )
}

/// The incident table can't be used.
pub fn table_unreachable() -> String {
    "See that the table named in INCIDENT_TABLE exists in this Region, and that the function's role may do \
     dynamodb:GetItem, PutItem, UpdateItem and Query on it. Updating the stack restores both."
        .to_owned()
}

/// The guard's own call was denied. `resource` is the ARN it was made on.
pub(super) fn guard_denied(operation: &str, action: &str, resource: &str) -> String {
    format!(
        "The guard's {operation} was denied. Its role needs {action} on {resource}: update the stack if the role lost \
         it; else look for a Deny in the bucket or key policy, or in a policy of your organisation, that hits the role."
    )
}

/// The bucket is another account's, as far as S3's answers tell.
pub fn wrong_owner(bucket: &str, home: &Home) -> String {
    format!(
        "See whether bucket {bucket} is among those of account {account}:\n\n\
         aws s3api list-buckets --query {query}\n\n\
         If it is not, take it out of the stack's bucket lists, and see who owns that name now before Darwin uploads to \
         it. If it is, the guard's role is denied everything: update the stack, and look for a Deny in the bucket policy \
         or in a policy of your organisation.",
        account = home.account,
        query = shell(&format!("Buckets[?Name=='{bucket}'].Name")),
    )
}

/// The bucket does not exist.
pub fn no_such_bucket(bucket: &str) -> String {
    format!(
        "Bucket {bucket} does not exist. Take it out of the stack's bucket lists, or create it before somebody else takes \
         the name: Darwin goes on reading from it and writing to it."
    )
}

/// The bucket is in another Region.
pub fn wrong_region(bucket: &str) -> String {
    format!(
        "EventBridge rules work in their own Region: take bucket {bucket} out of this stack's bucket lists, and deploy the \
         stack in the bucket's Region, which is (null stands for us-east-1)\n\n\
         aws s3api get-bucket-location --bucket {}",
        shell(bucket)
    )
}

/// Darwin's role does not exist.
pub fn role_missing(role: &str) -> String {
    format!(
        "S3 does not know the principal {role}. See that DARWIN_ROLE_ARN is the role V7 gave you; if it is, ask \
         V7 whether the role was replaced."
    )
}

/// S3 refuses every write of the policy because of somebody's deleted principal.
pub fn dead_principal(bucket: &str, statement: &str) -> String {
    format!(
        "In the policy of bucket {bucket}, {statement} names a principal that no longer exists (it reads back as \
         AROA... or AIDA...). Remove that principal or put its successor's ARN; until then S3 refuses every change of \
         the policy, the guard's too."
    )
}

/// Our Sid stands on somebody else's statement.
pub fn sid_taken(bucket: &str, sid: &str) -> String {
    format!(
        "In the policy of bucket {bucket}, rename or remove the statement `{sid}` that is not Darwin's; the guard \
         leaves it alone."
    )
}

/// The repaired policy would exceed 20 KB.
pub fn policy_limit(bucket: &str) -> String {
    format!(
        "The policy of bucket {bucket} has no room for Darwin's statement: S3 takes 20 KB at most. Merge statements \
         that differ only in their principals or resources, or move some of them to access points."
    )
}

/// The policy can't be edited by the guard.
pub fn policy_unreadable(bucket: &str) -> String {
    format!(
        "The guard edits only what it understands whole. See the policy, and add Darwin's statement by hand:\n\n\
         aws s3api get-bucket-policy --bucket {} --query Policy --output text",
        shell(bucket)
    )
}

/// The bucket name holds a dot.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
pub fn dot_in_name(bucket: &str) -> String {
    format!(
        "V7 can't use a bucket whose name holds a dot (its TLS certificate does not cover {bucket} as a host name). \
         Move the objects to a bucket without one; a bucket can't be renamed."
    )
}

/// A rival keeps undoing the repair.
pub fn contested(bucket: &str, actor: Option<&str>) -> String {
    let who = actor.unwrap_or("whoever writes the policy");
    format!(
        "Put Darwin's statement (and CORS rule) into the source that {who} applies, e.g. the Terraform module or stack \
         that owns bucket {bucket}. The guard repairs again after a quiet period, or at once with\n\n\
         aws lambda invoke --function-name FUNCTION_NAME --cli-binary-format raw-in-base64-out --payload \
         {} /dev/stdout\n\n\
         If Darwin is to be cut off, deny its role or tag the bucket darwin-guard=paused.",
        shell(&json!({"action": "repair", "bucket": bucket}).to_string())
    )
}
