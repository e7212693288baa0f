//! Whom a statement names. The asker is a session of a role whose session name nobody knows.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>

use super::statement::{list, missing};
use super::world::World;
use serde_json::{Map, Value};

pub(super) fn account_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(4)
}

pub(super) fn fits(world: &mut World<'_>, statement: &Map<String, Value>, allow: bool, place: &str) -> bool {
    match (statement.get("Principal"), statement.get("NotPrincipal")) {
        (Some(value), None) => named(world, value, &format!("{place} Principal")),
        (None, None) => missing(world, statement, allow, &format!("{place} Principal")),
        (Some(_), Some(_)) => world.flip(&format!("{place} Principal twice")),
        (None, Some(_)) if allow => world.flip(&format!("{place} notprincipal-allow")),
        // Listing the role does not surely except its sessions, and with a permissions boundary nothing does.
        (None, Some(value)) => {
            let touched = named(world, value, &format!("{place} NotPrincipal"));
            !touched || world.flip("permissions-boundary") || world.flip(&format!("{place} session not excepted"))
        }
    }
}

fn named(world: &mut World<'_>, value: &Value, place: &str) -> bool {
    match value {
        Value::String(text) if text == "*" => true,
        Value::Object(types) => types.iter().any(|(kind, ids)| {
            list(ids).into_iter().enumerate().any(|(at, id)| {
                let place = format!("{place} {kind} {at}");
                match (kind.as_str(), id.as_str()) {
                    ("AWS", Some(id)) => aws(world, id, &place),
                    // A service principal is never a role.
                    ("Service", Some(_)) => false,
                    // The canonical id of the asker's account is not known.
                    ("CanonicalUser", Some(id)) => world.flip(&format!("canonical {id}")),
                    _ => world.flip(&place),
                }
            })
        }),
        _ => world.flip(place),
    }
}

/// An id under `AWS`: everybody, an account, the role, one of its sessions, or somebody else.
pub(super) fn aws(world: &mut World<'_>, id: &str, place: &str) -> bool {
    let role = world.request().principal.as_str();
    let [_, partition, _, _, account, name] = role.splitn(6, ':').collect::<Vec<_>>()[..] else {
        panic!("the asker must be a role, not `{role}`")
    };
    if id == "*" || id == account || id == role || id == format!("arn:{partition}:iam::{account}:root") {
        return true;
    }
    let short = name.rsplit('/').next().unwrap_or_default();
    if let Some(session) = id.strip_prefix(&format!("arn:{partition}:sts::{account}:assumed-role/{short}/")) {
        return session_is(world, session);
    }
    if understood(id) { false } else { world.flip(place) }
}

/// There is one session name: if it is not one of those asked for before, it may be this one.
fn session_is(world: &mut World<'_>, session: &str) -> bool {
    if session.contains(['*', '?']) {
        return false;
    }
    world.session(session)
}

/// Whether it is a form of principal that the documentation has: an account, an ARN of IAM or STS, one of
/// CloudFront's origin access identities, a unique id.
fn understood(id: &str) -> bool {
    let account = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<&str> = id.splitn(6, ':').collect();
    let arn = parts.len() == 6 && parts[0] == "arn" && matches!(parts[2], "iam" | "sts") && account(parts[4]);
    let identity = parts.len() == 6
        && parts[0] == "arn"
        && (parts[2], parts[4]) == ("iam", "cloudfront")
        && parts[5].starts_with("user/");
    let unique = id.len() >= 16 && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    account(id) || arn || identity || unique
}

/// Whether every Allow names fixed principals only; then the policy is not public, whatever its conditions.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status>
pub(super) fn only_fixed(policy: &Value) -> bool {
    let fixed = |statement: &Value| {
        let Some(statement) = statement.as_object() else { return false };
        if statement.get("Effect").and_then(Value::as_str) == Some("Deny") {
            return true;
        }
        let Some(Value::Object(types)) = statement.get("Principal") else { return false };
        !statement.contains_key("NotPrincipal")
            && types.iter().all(|(kind, ids)| {
                matches!(kind.as_str(), "AWS" | "Service" | "CanonicalUser" | "Federated")
                    && list(ids).iter().all(|id| id.as_str().is_some_and(|id| !id.contains(['*', '?'])))
            })
    };
    match policy.get("Statement") {
        Some(Value::Array(statements)) => statements.iter().all(fixed),
        Some(one) => fixed(one),
        None => policy.is_object(),
    }
}
