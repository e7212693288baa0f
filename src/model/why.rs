//! Why a statement, a grant or a gate decides: what of it fits, what does not, and what is known.
//!
//! Must never hold a sentence: `report::reason` has the words. Texts of other people's policies are kept few and short,
//! so that a reason can be stored and sent.

use crate::model::text::shortened;
use crate::model::unknown::Unknown;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The first of some texts, each cut, and how many more there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Few {
    pub first: Vec<String>,
    pub more: usize,
}

impl Few {
    const MOST: usize = 3;

    pub fn of<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Self {
        let mut texts = texts.into_iter();
        let first = texts.by_ref().take(Self::MOST).map(|text| cut(text.as_ref())).collect();
        Self { first, more: texts.count() }
    }
}

/// A text of somebody's policy: a long one is cut.
pub fn cut(text: &str) -> String {
    shortened(text, 120, "...")
}

/// How a statement comes to apply, or on what it hangs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Applies {
    /// The elements that reach everything but what they name.
    pub except: Vec<Element>,
    /// The conditions: all of them if it surely applies, else those that are open.
    pub conditions: Vec<Test>,
    /// What else it hangs on.
    pub open: Vec<Unknown>,
}

/// `Principal`, `Action` or `Resource` of a statement, or its `Not` form.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Element {
    pub part: Part,
    /// The `Not` form.
    pub negated: bool,
    /// None: neither form is there.
    pub texts: Option<Few>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Part {
    Principal,
    /// One of the principals is the id of a principal that was deleted.
    DeletedPrincipal,
    /// One of the principals has a wildcard, which AWS does not take there.
    WildcardPrincipal,
    Action,
    Resource,
}

/// A condition, and what is known of its key in Darwin's requests.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Test {
    /// As written, e.g. `ForAnyValue:StringLike`.
    pub operator: String,
    pub key: String,
    pub values: Few,
    pub known: Known,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Known {
    Values(Few),
    /// One of these.
    OneOf(Few),
    /// There, with a value that can't be seen.
    Present,
    Absent,
    Unknown,
    /// Not known, and no value would change what the condition comes to.
    Indifferent,
}

/// A statement, by its index in the document (from 0) and its Sid.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StatementName {
    pub index: usize,
    pub sid: Option<String>,
}

impl fmt::Display for StatementName {
    /// "`Sid` (index 2)", or "at index 2 (no Sid)". No Sid ends the code that it is in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sid.as_deref() {
            Some(sid) if !sid.is_empty() => write!(f, "`{}` (index {})", sid.replace('`', "'"), self.index),
            _ => write!(f, "at index {} (no Sid)", self.index),
        }
    }
}

/// Why no statement of a document allows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NoAllow {
    /// There is no document.
    NoPolicy,
    /// No statement has that effect.
    NoStatement,
    /// The statements that lack least, and how many more lack as little.
    Near { nearest: Vec<Near>, more: usize },
}

/// A statement that would allow, but for these.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Near {
    pub statement: StatementName,
    pub misses: Vec<Miss>,
}

/// What of a statement does not fit the request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Miss {
    Element {
        has: Element,
        /// Darwin's role, the action or the resource that was asked for.
        asked: String,
    },
    /// The statement names the bucket, and the request is for one of its objects.
    BucketNotObjects {
        has: Element,
        asked: String,
        bucket: String,
    },
    Condition(Test),
}

/// Whom a grant is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Grantee {
    Principal(String),
    /// An AWS service (`GranteeServicePrincipal`).
    Service,
    /// The entry does not say.
    Missing,
}

/// A pair of an encryption context.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Pair {
    pub name: String,
    pub value: String,
}

/// Why a grant allows, or does not.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OfGrant {
    Allows {
        action: String,
    },
    MayAllow {
        action: String,
        open: Vec<Unknown>,
    },
    OtherKey,
    OtherGrantee {
        grantee: Grantee,
        asked: String,
    },
    /// Its constraints want these pairs; `has` is what S3 asks with as `aws:s3:arn`.
    OtherContext {
        wants: Vec<Pair>,
        has: Option<String>,
    },
    OtherOperations {
        has: Vec<String>,
        asked: String,
    },
}

/// A gate beside the policy.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Gate {
    /// The guard's own read of it failed.
    Unread(Unknown),
    /// What of the document as a whole is not understood.
    NotUnderstood {
        /// "bucket policy" or "key policy".
        document: String,
        open: Vec<Unknown>,
    },
    /// `RestrictPublicBuckets` is on and these statements make the policy public.
    PublicBlock {
        by: Vec<StatementName>,
    },
    /// `RestrictPublicBuckets` may be on, or these statements may make the policy public.
    MayBePublicBlock {
        by: Vec<StatementName>,
        open: Vec<Unknown>,
    },
    /// Another account owns the object.
    ObjectOfAnother,
    /// Another account may own the object.
    ObjectMayBeOfAnother,
    RequesterPays,
    /// The object is under a customer-provided key.
    SseC,
    /// The object is encrypted with an algorithm that is not known here.
    Encryption {
        algorithm: String,
    },
    Archived {
        class: String,
        status: Option<String>,
    },
    /// The key is AWS's own.
    AwsManagedKey {
        key: String,
    },
    NoSuchKey {
        key: String,
    },
    /// A state in which KMS refuses every use.
    KeyState {
        state: String,
    },
    /// None: not read.
    KeyStateUnknown {
        state: Option<String>,
    },
    /// The default encryption is the AWS managed key.
    ManagedDefaultKey,
    /// The default encryption names no key: S3 takes the `aws/s3` key of the account that writes.
    NoDefaultKey,
    /// The default encryption names the key by this, which is no key ARN: it resolves in the account that writes.
    DefaultKeyName {
        name: String,
    },
}

impl Gate {
    /// Its name: causes of incidents are made of it.
    pub fn name(&self) -> String {
        match self {
            Self::NotUnderstood { document, .. } => return document.clone(),
            Self::Unread(what) => return what.to_string().replace('-', " "),
            Self::PublicBlock { .. } | Self::MayBePublicBlock { .. } => "RestrictPublicBuckets",
            Self::ObjectOfAnother | Self::ObjectMayBeOfAnother => "object ownership",
            Self::RequesterPays => "requester pays",
            Self::SseC => "SSE-C",
            Self::Encryption { .. } => "encryption",
            Self::Archived { .. } => "storage class",
            Self::AwsManagedKey { .. } => "key manager",
            Self::NoSuchKey { .. } | Self::KeyState { .. } | Self::KeyStateUnknown { .. } => "key state",
            Self::ManagedDefaultKey | Self::NoDefaultKey | Self::DefaultKeyName { .. } => "default encryption",
        }
        .to_owned()
    }
}
