//! KMS grants in one world.
//! <https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantConstraints.html>

use super::principal;
use super::world::World;
use darwin_s3_guard::policy::request::ContextValue;
use serde_json::{Map, Value};

/// Fields of a grant that narrow or widen nothing.
const SILENT: [&str; 6] = ["KeyId", "GrantId", "Name", "CreationDate", "RetiringPrincipal", "IssuingAccount"];

pub(super) fn covers(world: &mut World<'_>, index: usize, grant: &Value) -> bool {
    let place = format!("grant {index}");
    let Some(grant) = grant.as_object() else { return world.flip(&place) };
    let to_us = match grant.get("GranteePrincipal").and_then(Value::as_str) {
        // To the account as a whole: whether its roles may use it is for that account's administrators.
        Some(id) if is_account(world, id) => world.flip("grantee-account"),
        Some(id) if id.ends_with(".amazonaws.com") => false,
        Some(id) => principal::aws(world, id, &format!("{place} grantee")),
        None => world.flip(&format!("{place} grantee")),
    };
    let action = &world.request().action;
    let wanted = action.strip_prefix("kms:").unwrap_or(action);
    let operation = match grant.get("Operations") {
        Some(Value::Array(names)) => names.iter().any(|name| match name.as_str() {
            Some(name) => name == wanted,
            None => world.flip(&format!("{place} operation")),
        }),
        _ => world.flip(&format!("{place} operations")),
    };
    to_us
        && operation
        && match grant.get("Constraints") {
            None | Some(Value::Null) => true,
            Some(Value::Object(constraints)) => constraints.iter().all(|(name, pairs)| {
                let place = format!("{place} grant-constraint:{name}");
                match (name.as_str(), pairs) {
                    ("EncryptionContextSubset", Value::Object(pairs)) => has_all(world, pairs, &place),
                    ("EncryptionContextEquals", Value::Object(pairs)) => {
                        has_all(world, pairs, &place) && !has_more(world, pairs)
                    }
                    _ => world.flip(&place),
                }
            }),
            Some(_) => world.flip(&format!("{place} constraints")),
        }
        && grant
            .keys()
            .filter(|name| !SILENT.contains(&name.as_str()))
            .filter(|name| !matches!(name.as_str(), "GranteePrincipal" | "Operations" | "Constraints"))
            .all(|name| world.flip(&format!("{place} {name}")))
}

fn is_account(world: &World<'_>, id: &str) -> bool {
    let account = principal::account_of(&world.request().principal).unwrap_or_default();
    id == account || (id.starts_with("arn:aws") && id.ends_with(&format!(":iam::{account}:root")))
}

/// Names of the context's pairs, case and all; None: not known.
fn names(world: &World<'_>) -> Option<Vec<String>> {
    match world.request().context.get("kms:EncryptionContextKeys") {
        ContextValue::Known(names) => Some(names.to_vec()),
        ContextValue::Absent => Some(Vec::new()),
        ContextValue::OneOf(_) | ContextValue::Present | ContextValue::Unknown => None,
    }
}

fn has_all(world: &mut World<'_>, pairs: &Map<String, Value>, place: &str) -> bool {
    pairs.iter().all(|(name, wanted)| {
        let Some(wanted) = wanted.as_str() else { return world.flip(&format!("{place} {name}")) };
        names(world).is_none_or(|names| names.contains(name))
            && world.key(&format!("kms:EncryptionContext:{name}")).is_some_and(|values| values == [wanted])
    })
}

fn has_more(world: &mut World<'_>, pairs: &Map<String, Value>) -> bool {
    match names(world) {
        Some(names) => names.iter().any(|name| !pairs.contains_key(name)),
        None => {
            let pairs = pairs.keys().map(|name| format!("kms:encryptioncontext:{}", name.to_ascii_lowercase()));
            let pairs: Vec<_> = pairs.collect();
            let known = world.request().context.keys();
            known.iter().any(|key| {
                key.starts_with("kms:encryptioncontext:")
                    && !pairs.contains(key)
                    && matches!(
                        world.request().context.get(key),
                        ContextValue::Known(_) | ContextValue::OneOf(_) | ContextValue::Present
                    )
            }) || world.flip("further pairs of the encryption context")
        }
    }
}
