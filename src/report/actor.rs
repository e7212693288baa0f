//! Who made a change, in words.
//!
//! Must never claim more than CloudTrail says: what is not in the event is not named.

use crate::model::actor::Actor;
use crate::model::text::shortened;
use crate::model::time::Timestamp;
use crate::report::text::{moment_beside, name};

/// Most characters of an address, a program or a session.
const SHORT: usize = 60;

/// One line: who, with what, by which call and when. The account only where it is not `home`'s; the day only where it is not
/// that of `now`.
pub(super) fn who(actor: &Actor, change: Option<&str>, home: &str, now: Timestamp) -> String {
    let who = actor
        .arn
        .as_deref()
        .map_or_else(|| "somebody whom CloudTrail does not name".to_owned(), |arn| named(arn, home));
    let at = |at: &str| at.parse().map_or_else(|_| short(at), |at| moment_beside(at, now));
    let details = [
        actor.user_agent.as_deref().map(|agent| format!(" with {}", program(agent))),
        change.map(|change| format!(", {}", short(change))),
        actor.time.as_deref().map(|time| format!(" at {}", at(time))),
    ];
    who + &details.into_iter().flatten().collect::<String>()
}

/// `role deploy (session ci)` for a role's session, `user ann` for a user; of another account with its number.
fn named(arn: &str, home: &str) -> String {
    let Some((account, resource)) = arn.splitn(6, ':').collect::<Vec<_>>().get(4..6).and_then(|parts| match parts {
        [account, resource] => Some((*account, *resource)),
        _ => None,
    }) else {
        return short(arn);
    };
    let of = if account == home { String::new() } else { format!(" of account {}", short(account)) };
    let parts: Vec<&str> = resource.split('/').collect();
    match parts.as_slice() {
        ["assumed-role", role, session] => format!("role {}{of} (session {})", short(role), short(session)),
        ["user", .., user] => format!("user {}{of}", short(user)),
        ["root"] => format!("the root user of account {}", short(account)),
        _ => short(arn),
    }
}

fn short(text: &str) -> String {
    name(&shortened(text, SHORT, "..."))
}

/// The first word of a user agent, or what AWS puts there for its console.
fn program(user_agent: &str) -> String {
    let agent = user_agent.trim_matches(['[', ']']);
    if let Some(pipeline) = pipeline_of(agent) {
        return pipeline.to_owned();
    }
    if agent.starts_with("S3Console") || agent.contains("console") || agent.starts_with("Mozilla/") {
        return "the AWS console".to_owned();
    }
    short(agent.split_whitespace().next().unwrap_or("an unknown program"))
}

/// The tool that will make the same change again at its next run, where the actor is one.
pub(super) fn pipeline(actor: &Actor) -> Option<&'static str> {
    let agent = actor.user_agent.as_deref().unwrap_or_default();
    pipeline_of(agent).or_else(|| pipeline_of(actor.source_ip.as_deref().unwrap_or_default()))
}

fn pipeline_of(text: &str) -> Option<&'static str> {
    const TOOLS: [(&str, &str); 7] = [
        ("opentofu", "OpenTofu"),
        ("terraform", "Terraform"),
        ("cloudformation", "CloudFormation"),
        ("pulumi", "Pulumi"),
        ("aws-cdk", "CDK"),
        ("crossplane", "Crossplane"),
        ("ansible", "Ansible"),
    ];
    let text = text.to_ascii_lowercase();
    TOOLS.iter().find(|(mark, _)| text.contains(mark)).map(|(_, tool)| *tool)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-24T12:00:00Z.
    const NOON: Timestamp = Timestamp::from_millis(1_795_521_600_000);

    fn actor(arn: &str, agent: &str, ip: &str) -> Actor {
        Actor {
            arn: Some(arn.into()),
            user_agent: Some(agent.into()),
            source_ip: Some(ip.into()),
            time: Some("2026-11-24T11:59:58Z".into()),
            ..Actor::default()
        }
    }

    #[test]
    fn a_change_reads_as_who_with_what_how_and_when() {
        for (who_is_it, change, words) in [
            (
                actor(
                    "arn:aws:sts::111122223333:assumed-role/deploy/ci",
                    "APN/1.0 HashiCorp/1.0 Terraform/1.9.8",
                    "192.0.2.7",
                ),
                Some("PutBucketPolicy"),
                "role deploy (session ci) with Terraform, PutBucketPolicy at 11:59 UTC",
            ),
            (
                actor("arn:aws:iam::111122223333:user/ops/ann", "[S3Console/0.4, aws-internal/3]", "192.0.2.7"),
                None,
                "user ann with the AWS console at 11:59 UTC",
            ),
            (
                actor("arn:aws:iam::111122223333:root", "aws-cli/2.31 md/x", "192.0.2.7"),
                None,
                "the root user of account 111122223333 with aws-cli/2.31 at 11:59 UTC",
            ),
            (Actor { arn: Some("config.amazonaws.com".into()), ..Actor::default() }, None, "config.amazonaws.com"),
            (Actor::default(), Some("PutKeyPolicy"), "somebody whom CloudTrail does not name, PutKeyPolicy"),
        ] {
            assert_eq!(who(&who_is_it, change, "111122223333", NOON), words);
        }
    }

    #[test]
    fn an_account_is_named_where_it_is_another_and_a_day_where_it_is_past() {
        let ann = actor("arn:aws:iam::111122223333:user/ops/ann", "aws-cli/2.31", "192.0.2.7");
        assert_eq!(
            who(&ann, Some("PutKeyPolicy"), "999988887777", NOON + std::time::Duration::from_hours(24)),
            "user ann of account 111122223333 with aws-cli/2.31, PutKeyPolicy at 11:59 UTC, 24 Nov"
        );
    }

    #[test]
    fn a_pipeline_is_known_by_its_user_agent_or_its_address() {
        assert_eq!(
            pipeline(&actor("a", "APN/1.0 HashiCorp/1.0 Terraform/1.9.8 (+https://www.terraform.io)", "")),
            Some("Terraform")
        );
        assert_eq!(
            pipeline(&actor("a", "cloudformation.amazonaws.com", "cloudformation.amazonaws.com")),
            Some("CloudFormation")
        );
        assert_eq!(pipeline(&actor("a", "aws-cli/2.31", "192.0.2.7")), None);
    }
}
