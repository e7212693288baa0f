//! What a verdict hangs on, by name.
//!
//! The names are an interface: they stand in answers, messages and fingerprints. Never rename one without a line in
//! the changelog.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! unknowns {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)+ ; $($(#[$of_doc:meta])* $of:ident = $prefix:literal,)+) => {
        /// Something that nobody here can see, and that a verdict hangs on.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "String", from = "String")]
        pub enum Unknown {
            $($(#[$doc])* $name,)+
            $($(#[$of_doc])* $of(String),)+
            /// The value of this condition key, or whether it is there.
            Key(String),
        }

        impl fmt::Display for Unknown {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name => f.write_str($text),)+
                    $(Self::$of(text) => write!(f, concat!($prefix, ":{}"), text),)+
                    Self::Key(key) => f.write_str(key),
                }
            }
        }

        impl From<String> for Unknown {
            fn from(name: String) -> Self {
                match (name.as_str(), name.split_once(':')) {
                    $(($text, _) => Self::$name,)+
                    $((_, Some(($prefix, text))) => Self::$of(text.to_owned()),)+
                    _ => Self::Key(name),
                }
            }
        }
    };
}

unknowns! {
    /// Whether the account's `RestrictPublicBuckets` is on.
    RestrictPublicBuckets = "setting:RestrictPublicBuckets",
    /// Whether S3 counts the policy as public.
    PolicyIsPublic = "setting:PolicyStatus.IsPublic",
    /// The name of the session in which Darwin's role asks.
    RoleSessionName = "role-session-name",
    /// Whether Darwin's role has a permissions boundary: `NotPrincipal` never spares one that has.
    PermissionsBoundary = "permissions-boundary",
    /// Whom an Allow with `NotPrincipal` reaches.
    NotPrincipalAllow = "notprincipal-allow",
    /// The canonical user id of Darwin's account.
    CanonicalUserId = "canonical-user-id",
    /// The ACL of an object that another account owns.
    ObjectAcl = "object-acl",
    KeyState = "key-state",
    KeyPolicy = "key-policy",
    Grants = "grants",
    /// Whether a grant to an account reaches its roles.
    GranteeAccount = "grantee-account",
    NoAction = "no-action",
    NoResource = "no-resource",
    NoPrincipal = "no-principal",
    /// The guard's own read of the bucket policy failed; so with the three below.
    BucketPolicy = "bucket-policy",
    ObjectHeaders = "object-headers",
    RequesterPays = "requester-pays",
    DefaultEncryption = "default-encryption",
    ;
    GrantConstraint = "grant-constraint",
    Operator = "operator",
    /// An element that is misspelt, given twice or not of its form.
    Element = "element",
    PrincipalType = "principal-type",
    /// A condition key that has several values where the operator is for one.
    Multivalued = "multivalued",
    /// A text that is not understood where it stands.
    Value = "value",
}

impl From<Unknown> for String {
    fn from(unknown: Unknown) -> Self {
        unknown.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_read_back_is_the_same_unknown() {
        for unknown in [
            Unknown::RestrictPublicBuckets,
            Unknown::PolicyIsPublic,
            Unknown::ObjectAcl,
            Unknown::GrantConstraint("SourceArn".into()),
            Unknown::Value("arn:aws:iam::1:role/*".into()),
            Unknown::Key("aws:SourceVpce".into()),
            Unknown::Key("s3:ExistingObjectTag/setting:x".into()),
        ] {
            assert_eq!(Unknown::from(unknown.to_string()), unknown);
            let stored = serde_json::to_string(&unknown).unwrap();
            assert_eq!(stored, format!("\"{unknown}\""));
            assert_eq!(serde_json::from_str::<Unknown>(&stored).unwrap(), unknown);
        }
    }
}
