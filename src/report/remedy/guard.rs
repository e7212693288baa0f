//! Remedies for the guard's own surroundings: its permissions, its pause, its table, topic and trail.

use crate::model::actor::Actor;
use crate::model::aws::{AwsError, Operation};
use crate::model::contract::Home;
use crate::model::time::Timestamp;
use crate::report::actor;
use crate::report::quote::shell;
use crate::report::remedy::way::{Place, Remedy, Way};
use crate::report::text::{code, span};
use serde_json::json;
use std::time::Duration;

/// How to keep the guard from repairing a bucket.
///
/// The tag is added with `TagResource`, which keeps the other tags (`PutBucketTagging` would replace them).
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_TagResource.html>
pub(super) fn pause(at: Place<'_>) -> String {
    format!("{} --tags Key=darwin-guard,Value=paused", tagging(at, "tag-resource"))
}

fn tagging(at: Place<'_>, operation: &str) -> String {
    let Home { account, region, .. } = at.home;
    let (region, arn) = (shell(region), shell(&at.arn()));
    format!("aws s3control {operation} --region {region} --account-id {} --resource-arn {arn}", &**account)
}

/// The guard is paused by its tag.
pub(super) fn paused(at: Place<'_>, unreadable: bool) -> Remedy {
    if unreadable {
        return Way::by_hand("Let the guard's role read the bucket's tags (s3:GetBucketTagging) again.")
            .note("Until then it repairs nothing here.")
            .into();
    }
    resume(at, "Nothing, if the pause is meant to last. If not, remove the tag.")
}

/// Takes the pause tag away.
pub(super) fn resume(at: Place<'_>, says: &str) -> Remedy {
    Way::run(says, format!("{} --tag-keys darwin-guard", tagging(at, "untag-resource")))
        .note("Other tags stay. The guard then repairs again. Needs s3:UntagResource.")
        .into()
}

/// A call of the guard's own was denied.
pub(super) fn denied(at: Place<'_>, error: &AwsError, key: Option<&str>) -> Remedy {
    let (action, bucket) = (error.operation.iam_action(), at.bucket);
    let needs = match (key, error.operation) {
        (Some(key), _) => format!("{action} on key {}", code(key)),
        (None, Operation::HeadObject) => format!("{action} on the objects of bucket {bucket}, and s3:ListBucket"),
        (None, _) => format!("{action} on bucket {bucket}"),
    };
    let listing = if error.operation == Operation::HeadObject {
        " Without s3:ListBucket S3 denies a missing key too."
    } else {
        ""
    };
    if let Some(denial) = Denial::of(&error.message) {
        let policy = denial.policy(key.is_some());
        let says = if denial.explicit {
            format!("Exempt the guard's role from the Deny in {policy}.")
        } else {
            format!("Let {policy} allow the guard's role {needs}.")
        };
        return Way::by_hand(says)
            .note(format!("AWS's answer names that policy. The role needs {needs}.{listing}"))
            .into();
    }
    Way::by_hand(format!("Find what denies the guard's role {needs}."))
        .note(format!(
            "Look for a Deny in the bucket policy, the key policy and the policies of your organisation. If there is none, \
             update the guard's CloudFormation stack, which gives the role its permissions.{listing}"
        ))
        .into()
}

/// What an answer of AWS says of the policy that denies: its type, and whether by a Deny.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>
struct Denial {
    by: &'static str,
    explicit: bool,
}

impl Denial {
    fn of(message: &str) -> Option<Self> {
        const TYPES: [&str; 7] = [
            "service control policy",
            "resource control policy",
            "permissions boundary",
            "session policy",
            "VPC endpoint policy",
            "resource-based policy",
            "identity-based policy",
        ];
        TYPES.into_iter().find_map(|by| {
            let explicit = ["a", "an"].iter().any(|a| message.contains(&format!("explicit deny in {a} {by}")));
            (explicit || message.contains(&format!("because no {by} allows"))).then_some(Self { by, explicit })
        })
    }

    /// Which policy that is, of a key or of a bucket.
    fn policy(&self, of_key: bool) -> &'static str {
        match self.by {
            "service control policy" => "a service control policy",
            "resource control policy" => "a resource control policy",
            "permissions boundary" => "the permissions boundary of that role",
            "session policy" => "the session policy of that role",
            "VPC endpoint policy" => "the policy of the VPC endpoint",
            "resource-based policy" if of_key => "the key policy",
            "resource-based policy" => "the bucket policy",
            _ => "the role's own policies",
        }
    }
}

/// A write failed for a reason that is not known.
pub(super) fn write_failed(at: Place<'_>, error: &AwsError) -> Remedy {
    let support = error
        .request_id
        .as_ref()
        .map(|id| format!(" If the call fails for hours, give AWS Support its request id {}.", code(id)));
    invoke(at, "repair", "Let the guard try again at once.")
        .note(format!(
            "By itself it tries again with the next event, and by its schedule (hourly by default). Needs lambda:InvokeFunction.{}",
            support.unwrap_or_default()
        ))
        .into()
}

/// No trail delivers management events to EventBridge.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html>
pub(super) fn no_config_events(home: &Home) -> Remedy {
    let region = shell(&home.region);
    Way::run(
        "Let a CloudTrail trail log the write management events of this Region. This shows of each trail whether it logs, and what.",
        format!(
            "aws cloudtrail describe-trails --region {region} --query 'trailList[].TrailARN' --output text | tr '\\t' '\\n' | \
             while read -r trail; do aws cloudtrail get-trail-status --region {region} --name \"$trail\" --query IsLogging; aws cloudtrail get-event-selectors --region {region} --trail-name \"$trail\"; done"
        ),
    )
    .note(
        "A trail serves if it prints true, and has management events with ReadWriteType All or WriteOnly and KMS not excluded. Start it with start-logging, or create one. If one serves, look whether the guard's EventBridge rules are there and enabled. \
         Needs cloudtrail:DescribeTrails, GetTrailStatus and GetEventSelectors.",
    )
    .into()
}

/// More changes than are remembered.
pub(super) fn history_full(at: Place<'_>) -> Remedy {
    Way::run(
        "Find out what changes the bucket so often, e.g. two pipelines: this lists its changes.",
        format!("{} {WRITES}", events_of(at.home, at.bucket)),
    )
    .note("Then compare the bucket's configuration with what you want. Needs cloudtrail:LookupEvents.")
    .into()
}

/// Somebody has accepted an incident.
pub(super) fn acknowledged() -> Remedy {
    Way::by_hand("Nothing until then.").note("To be reminded earlier, acknowledge it for fewer days.").into()
}

/// An item of the table that this version can't read.
pub(super) fn state_unreadable() -> Remedy {
    Way::by_hand("Nothing, if the guard was just updated or rolled back. If not, delete the item, which \"Why\" names.")
        .note("The version of the guard that wrote the item reads it again.")
        .into()
}

/// Nobody reads the alerts.
pub(super) fn no_subscription(home: &Home, topic_arn: Option<&str>) -> Remedy {
    let note = "Put your address for on-call@example.com, and confirm by the link in AWS's mail. If you subscribed already, look for \
                that mail in the spam folder. Needs sns:Subscribe.";
    let Some(topic) = topic_arn else {
        return Way::by_hand("Subscribe an address to the guard's SNS topic.").note(note).into();
    };
    Way::run(
        "Subscribe an address to the guard's SNS topic.",
        format!(
            "aws sns subscribe --region {} --topic-arn {} --protocol email --notification-endpoint on-call@example.com",
            shell(&home.region),
            shell(topic)
        ),
    )
    .note(note)
    .into()
}

/// The incident table can't be used.
///
/// An update of the stack does not make a table again that was deleted: the template has not changed. The command makes what the
/// template has, under the name that the guard and its permissions have.
pub(super) fn table_unreachable(home: &Home, error: &str) -> Remedy {
    const NEEDS: &str = "dynamodb:GetItem, PutItem, UpdateItem and Query on its table";
    if error.contains("ResourceNotFoundException") {
        let says = "Create the guard's DynamoDB table again, which was deleted.";
        let after = "The stack need not be changed. The guard finds again what is open.";
        let Some(function) = &home.function else {
            return Way::by_hand(says).note(format!("Its name is the function's INCIDENT_TABLE. {after}")).into();
        };
        let region = shell(&home.region);
        return Way::run(
            says,
            format!(
                "TABLE=$(aws lambda get-function-configuration --region {region} --function-name {} --query \
                 Environment.Variables.INCIDENT_TABLE --output text) &&\naws dynamodb create-table --region {region} --table-name \
                 \"$TABLE\" --billing-mode PAY_PER_REQUEST --attribute-definitions '[{{\"AttributeName\":\"pk\",\"AttributeType\":\"S\"}},{{\"AttributeName\":\"sk\",\"AttributeType\":\"S\"}}]' \
                 --key-schema '[{{\"AttributeName\":\"pk\",\"KeyType\":\"HASH\"}},{{\"AttributeName\":\"sk\",\"KeyType\":\"RANGE\"}}]' &&\naws dynamodb wait \
                 table-exists --region {region} --table-name \"$TABLE\" &&\naws dynamodb update-time-to-live --region {region} --table-name \
                 \"$TABLE\" --time-to-live-specification '{{\"Enabled\":true,\"AttributeName\":\"expires\"}}'",
                shell(function)
            ),
        )
        .note(format!(
            "{after} Needs lambda:GetFunctionConfiguration, dynamodb:CreateTable, DescribeTable and UpdateTimeToLive."
        ))
        .into();
    }
    if let Some(denial) = Denial::of(error) {
        let policy = denial.policy(false);
        let says = if denial.explicit {
            format!("Exempt the guard's role from the Deny in {policy}.")
        } else {
            format!("Let {policy} allow the guard's role what it needs.")
        };
        return Way::by_hand(says).note(format!("It needs {NEEDS}.")).into();
    }
    Way::by_hand("Look at AWS Health for DynamoDB, and at the permissions of the guard's role.")
        .note(format!("The role needs {NEEDS}. The guard tries again with every event."))
        .into()
}

/// A rival keeps undoing the repair.
pub(super) fn contested(at: Place<'_>, rival: Option<&Actor>, window_s: u64) -> Remedy {
    let quiet = span(Duration::from_secs(window_s));
    let source = match rival.and_then(actor::pipeline) {
        Some(pipeline) => format!("the {pipeline} source of this bucket"),
        None => "the source that writes this bucket's configuration".to_owned(),
    };
    let way = invoke(
        at,
        "repair",
        &format!("Add Darwin's policy statement and CORS rule to {source}. Then let the guard repair at once."),
    );
    way.note(format!(
        "Without the command the guard repairs again by itself after {quiet} without such a change. Needs \
         lambda:InvokeFunction. If Darwin is to be cut off, set the bucket's tag darwin-guard to paused instead."
    ))
    .into()
}

/// An action of the guard's own by hand.
pub(super) fn invoke(at: Place<'_>, action: &str, says: &str) -> Way {
    let payload = json!({"action": action, "bucket": at.bucket}).to_string();
    match &at.home.function {
        None => Way::put(format!("{says} Invoke it with this event."), payload),
        Some(function) => Way::run(
            says,
            format!(
                "aws lambda invoke --region {} --function-name {} --cli-binary-format raw-in-base64-out --payload {} \
                 /dev/stdout",
                shell(&at.home.region),
                shell(function),
                shell(&payload)
            ),
        ),
    }
}

/// Who changed something: CloudTrail keeps it for 90 days, also without a trail.
/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events-cli.html>
pub(super) fn look_up(home: &Home, resource: &str, since: Timestamp) -> String {
    format!("{} --start-time {} {WRITES}", events_of(home, resource), since)
}

/// Of CloudTrail's events the changes, a line each.
const WRITES: &str = "--query \"Events[?ReadOnly=='false'].[EventTime,EventName,Username]\" --output table";

fn events_of(home: &Home, resource: &str) -> String {
    format!(
        "aws cloudtrail lookup-events --region {} --lookup-attributes {}",
        shell(&home.region),
        shell(&format!("AttributeKey=ResourceName,AttributeValue={resource}"))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_that_denies_is_the_one_that_aws_names() {
        for (answer, of_key, says) in [
            ("with an explicit deny in a service control policy", false, Some((true, "a service control policy"))),
            (
                "because no service control policy allows the s3:PutBucketPolicy action",
                false,
                Some((false, "a service control policy")),
            ),
            ("with an explicit deny in a resource control policy", false, Some((true, "a resource control policy"))),
            (
                "because no permissions boundary allows the s3:GetObject action",
                false,
                Some((false, "the permissions boundary of that role")),
            ),
            (
                "with an explicit deny in a permissions boundary",
                false,
                Some((true, "the permissions boundary of that role")),
            ),
            ("with an explicit deny in a resource-based policy", false, Some((true, "the bucket policy"))),
            ("because no resource-based policy allows the kms:Decrypt action", true, Some((false, "the key policy"))),
            ("with an explicit deny in an identity-based policy", false, Some((true, "the role's own policies"))),
            (
                "because no identity-based policy allows the s3:GetBucketCORS action",
                false,
                Some((false, "the role's own policies")),
            ),
            ("Access Denied", false, None),
            ("because public policies are prevented by the BlockPublicPolicy setting", false, None),
        ] {
            let answer = format!(
                "User: arn:aws:sts::111122223333:assumed-role/guard/1 is not authorized to perform: x:Y on resource: z {answer}"
            );
            let denial = Denial::of(&answer).map(|denial| (denial.explicit, denial.policy(of_key)));
            assert_eq!(denial, says, "{answer}");
        }
    }
}
