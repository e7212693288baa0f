//! V7's own list of a team's storage connections, and where it differs from what is guarded.
//!
//! Must never take what V7's list does not say for a difference.

use crate::model::contract::{Access, Contract};
use crate::model::text::quoted;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A connection as V7 lists it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Connection {
    pub name: String,
    pub bucket: String,
    /// `aws`, `azure`, `gcp`.
    pub provider: String,
    pub region: Option<String>,
    pub prefix: Option<String>,
    pub readonly: bool,
    #[serde(default)]
    pub default: bool,
}

impl Connection {
    /// What V7 may do with the objects by this connection.
    pub fn access(&self) -> Access {
        if self.readonly { Access::ReadOnly } else { Access::ReadWrite }
    }

    /// The prefix in the guard's form, which ends in a slash.
    pub fn guarded_prefix(&self) -> Option<String> {
        let prefix = bare(self.prefix.as_deref());
        if prefix.is_empty() { None } else { Some(format!("{prefix}/")) }
    }

    pub fn is_of_s3(&self) -> bool {
        self.provider == "aws"
    }
}

/// A bucket that is guarded, or would be.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    pub contract: &'a Contract,
    /// None: not asked.
    pub region: Option<&'a str>,
}

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// V7 has a connection to a bucket that is not guarded.
    NotGuarded,
    /// A guarded bucket that V7 has no connection to.
    NotConnected,
    Region,
    Prefix,
    Access,
}

/// One difference between V7's list and the guard's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub bucket: String,
    pub what: What,
    pub v7: Option<String>,
    pub guard: Option<String>,
}

/// V7's list.
///
/// # Errors
/// It is no list of connections: what was seen instead.
pub fn connections(list: &Value) -> Result<Vec<Connection>, String> {
    let items =
        list.as_array().ok_or_else(|| format!("no list of connections, but {}", quoted(&list.to_string(), 80)))?;
    let one = |(number, item): (usize, &Value)| {
        let wrong = |error: serde_json::Error| format!("no list of connections: number {} has {error}", number + 1);
        Connection::deserialize(item).map_err(wrong)
    };
    items.iter().enumerate().map(one).collect()
}

/// Every difference, by the order of V7's list, then of the guarded buckets. Other providers' connections are none.
pub fn differences(connections: &[Connection], guarded: &[Held<'_>]) -> Vec<Difference> {
    let mut found: Vec<Difference> = Vec::new();
    for connection in connections.iter().filter(|connection| connection.is_of_s3()) {
        match guarded.iter().find(|held| held.contract.bucket == connection.bucket) {
            Some(held) => found.extend(between(connection, held)),
            None => found.push(Difference {
                bucket: connection.bucket.clone(),
                what: What::NotGuarded,
                v7: Some(connection.name.clone()),
                guard: None,
            }),
        }
    }
    let connected =
        |bucket: &str| connections.iter().any(|connection| connection.is_of_s3() && connection.bucket == bucket);
    found.extend(guarded.iter().filter(|held| !connected(&held.contract.bucket)).map(|held| Difference {
        bucket: held.contract.bucket.clone(),
        what: What::NotConnected,
        v7: None,
        guard: Some(held.contract.access.name().to_owned()),
    }));
    // Several connections of a bucket may differ alike.
    found.into_iter().fold(Vec::new(), |mut once, one| {
        if !once.contains(&one) {
            once.push(one);
        }
        once
    })
}

fn between(connection: &Connection, held: &Held<'_>) -> Vec<Difference> {
    let difference = |what, v7: Option<&str>, guard: Option<&str>| Difference {
        bucket: connection.bucket.clone(),
        what,
        v7: v7.map(str::to_owned),
        guard: guard.map(str::to_owned),
    };
    let mut found = Vec::new();
    if let (Some(v7), Some(guard)) = (connection.region.as_deref(), held.region)
        && v7 != guard
    {
        found.push(difference(What::Region, Some(v7), Some(guard)));
    }
    if bare(connection.prefix.as_deref()) != bare(held.contract.prefix.as_deref()) {
        found.push(difference(What::Prefix, connection.prefix.as_deref(), held.contract.prefix.as_deref()));
    }
    if connection.access() != held.contract.access {
        found.push(difference(What::Access, Some(connection.access().name()), Some(held.contract.access.name())));
    }
    found
}

/// V7 writes `darwin`, the guard `darwin/`.
fn bare(prefix: Option<&str>) -> &str {
    prefix.unwrap_or_default().trim_matches('/')
}

#[cfg(test)]
mod tests {
    use super::{Connection, Held, What, connections, differences};
    use crate::model::contract::{Access, Contract};
    use serde_json::json;

    fn connection(bucket: &str, prefix: &str, readonly: bool) -> Connection {
        let list = json!([{ "name": "ours", "bucket": bucket, "provider": "aws", "region": "eu-central-1", "prefix": prefix, "readonly": readonly }]);
        connections(&list).unwrap().remove(0)
    }

    fn contract(bucket: &str, prefix: Option<&str>, access: Access) -> Contract {
        Contract {
            bucket: bucket.to_owned(),
            access,
            read_prefixes: Vec::new(),
            prefix: prefix.map(str::to_owned),
            not_read: Vec::new(),
            scope_writes: false,
            list: false,
        }
    }

    #[test]
    fn a_prefix_is_the_same_with_and_without_slashes_and_an_unsaid_region_is_no_difference() {
        let held = contract("acme", Some("darwin/"), Access::ReadWrite);
        let mut ours = connection("acme", "/darwin", false);
        assert_eq!(differences(&[ours.clone()], &[Held { contract: &held, region: Some("eu-central-1") }]), []);
        ours.region = None;
        assert_eq!(differences(&[ours], &[Held { contract: &held, region: Some("eu-west-1") }]), []);
    }

    #[test]
    fn each_difference_is_said_once_with_both_sides() {
        let (held, lonely) = (contract("acme", None, Access::ReadWrite), contract("lonely", None, Access::ReadOnly));
        let guarded = [Held { contract: &held, region: Some("eu-west-1") }, Held { contract: &lonely, region: None }];
        let mut azure = connection("elsewhere", "", true);
        azure.provider = "azure".to_owned();
        let twice = connection("acme", "thumbs", true);
        let list = [twice.clone(), twice, connection("new", "", true), azure];
        let found = differences(&list, &guarded);
        let of = |bucket: &str| -> Vec<What> {
            found.iter().filter(|one| one.bucket == bucket).map(|one| one.what).collect()
        };
        assert_eq!(of("acme"), [What::Region, What::Prefix, What::Access]);
        assert_eq!(of("new"), [What::NotGuarded]);
        assert_eq!(of("lonely"), [What::NotConnected]);
        assert_eq!(found.len(), 5);
    }

    #[test]
    fn what_is_no_list_of_connections_is_named() {
        assert!(connections(&json!({ "error": "unauthorized" })).unwrap_err().contains("unauthorized"));
        let broken = connections(&json!([{ "name": "ours", "bucket": "acme", "provider": "aws", "readonly": "yes" }]));
        assert!(broken.unwrap_err().contains("number 1"));
    }
}
