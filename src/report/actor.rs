//! Who made a change, in words.
//!
//! Must never claim more than CloudTrail says: what is not in the event is not named.

use crate::model::actor::Actor;
use crate::model::text::shortened;
use crate::report::text::{moment, name};

/// Most characters of an address, a program or a session.
const SHORT: usize = 60;

/// One line: who, by which call, with what, from where and when.
pub(super) fn who(actor: &Actor, change: Option<&str>) -> String {
    let who = actor.arn.as_deref().map_or_else(|| "somebody whom CloudTrail does not name".to_owned(), named);
    let at = |at: &str| at.parse().map_or_else(|_| short(at), moment);
    let details = [
        change.map(|change| format!(", {}", short(change))),
        actor.user_agent.as_deref().map(|agent| format!(" with {}", program(agent))),
        actor.source_ip.as_deref().map(|from| format!(" from {}", short(from))),
        actor.time.as_deref().map(|time| format!(", at {}", at(time))),
    ];
    who + &details.into_iter().flatten().collect::<String>()
}

/// `role deploy (session ci, account 111122223333)` for a role's session, `user ann (account 111122223333)` for a user.
fn named(arn: &str) -> String {
    let Some((account, resource)) = arn.splitn(6, ':').collect::<Vec<_>>().get(4..6).and_then(|parts| match parts {
        [account, resource] => Some((*account, *resource)),
        _ => None,
    }) else {
        return short(arn);
    };
    let parts: Vec<&str> = resource.split('/').collect();
    match parts.as_slice() {
        ["assumed-role", role, session] => {
            format!("role {} (session {}, account {})", short(role), short(session), short(account))
        }
        ["user", .., user] => format!("user {} (account {})", short(user), short(account)),
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
    fn a_change_reads_as_who_how_where_and_when() {
        for (who_is_it, change, words) in [
            (
                actor(
                    "arn:aws:sts::111122223333:assumed-role/deploy/ci",
                    "APN/1.0 HashiCorp/1.0 Terraform/1.9.8",
                    "192.0.2.7",
                ),
                Some("PutBucketPolicy"),
                "role deploy (session ci, account 111122223333), PutBucketPolicy with Terraform from 192.0.2.7, at 11:59 UTC on 2026-11-24",
            ),
            (
                actor("arn:aws:iam::111122223333:user/ops/ann", "[S3Console/0.4, aws-internal/3]", "192.0.2.7"),
                None,
                "user ann (account 111122223333) with the AWS console from 192.0.2.7, at 11:59 UTC on 2026-11-24",
            ),
            (
                actor("arn:aws:iam::111122223333:root", "aws-cli/2.31 md/x", "192.0.2.7"),
                None,
                "the root user of account 111122223333 with aws-cli/2.31 from 192.0.2.7, at 11:59 UTC on 2026-11-24",
            ),
            (Actor { arn: Some("config.amazonaws.com".into()), ..Actor::default() }, None, "config.amazonaws.com"),
            (Actor::default(), Some("PutKeyPolicy"), "somebody whom CloudTrail does not name, PutKeyPolicy"),
        ] {
            assert_eq!(who(&who_is_it, change), words);
        }
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
