//! What is asked of a policy: the request, its condition keys, and the settings beside the policy.
//!
//! The types here; the reviewed table that fills them for the guard's own questions is in `request::table`.
//! Must never call a key absent that a request of Darwin's could carry: a wrong "absent" makes a wrong "allowed".

use std::collections::{BTreeMap, BTreeSet};

/// One question: may `principal` do `action` on `resource`?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// e.g. `s3:GetObject`, `kms:Decrypt`.
    pub action: String,
    /// ARN of the object, bucket or key.
    pub resource: String,
    /// Account that owns the resource.
    pub resource_account: String,
    /// ARN of the role that asks.
    pub principal: String,
    pub context: RequestContext,
}

/// The condition keys of a request. Names compare without case, as IAM compares them.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestContext {
    known: BTreeMap<String, Vec<String>>,
    one_of: BTreeMap<String, Vec<String>>,
    present: BTreeSet<String>,
    absent: BTreeSet<String>,
    /// How known keys were spelled, by lower case: the pairs of an encryption context compare with case.
    spelled: BTreeMap<String, String>,
    /// `x/` for every key that begins so.
    absent_prefixes: BTreeSet<String>,
}

/// What is known of one condition key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContextValue<'a> {
    /// In the request, with these values (one, or several for a multivalued key).
    Known(&'a [String]),
    /// In the request, with one of these values.
    OneOf(&'a [String]),
    /// In the request, value unknown.
    Present,
    /// Not in the request.
    Absent,
    /// Nobody here can tell.
    Unknown,
}

impl RequestContext {
    pub fn get(&self, key: &str) -> ContextValue<'_> {
        self.lookup(&key.to_ascii_lowercase())
    }

    /// [`RequestContext::get`] for a key that is in lower case already.
    pub(crate) fn lookup(&self, key: &str) -> ContextValue<'_> {
        if let Some(values) = self.known.get(key) {
            ContextValue::Known(values)
        } else if let Some(values) = self.one_of.get(key) {
            ContextValue::OneOf(values)
        } else if self.present.contains(key) {
            ContextValue::Present
        } else if self.absent.contains(key)
            || self.absent_prefixes.iter().any(|prefix| key.starts_with(prefix.as_str()))
        {
            ContextValue::Absent
        } else {
            ContextValue::Unknown
        }
    }

    /// Sets a key's one value.
    #[must_use]
    pub fn known(self, key: &str, value: impl Into<String>) -> Self {
        self.known_values(key, vec![value.into()])
    }

    /// Sets a key's values.
    #[must_use]
    pub fn known_values(mut self, key: &str, values: Vec<String>) -> Self {
        self.forget(key);
        self.spelled.insert(key.to_ascii_lowercase(), key.to_owned());
        self.known.insert(key.to_ascii_lowercase(), values);
        self
    }

    /// Sets the values of which a key has one. Of no value nothing is known.
    #[must_use]
    pub fn one_of(mut self, key: &str, values: Vec<String>) -> Self {
        self.forget(key);
        if values.is_empty() {
            self.present.insert(key.to_ascii_lowercase());
        } else {
            self.one_of.insert(key.to_ascii_lowercase(), values);
        }
        self
    }

    #[must_use]
    pub fn present(mut self, key: &str) -> Self {
        self.forget(key);
        self.present.insert(key.to_ascii_lowercase());
        self
    }

    /// Marks a key, or with `x/*` every key that begins so, as not in the request.
    #[must_use]
    pub fn absent(mut self, key: &str) -> Self {
        if let Some(prefix) = key.strip_suffix('*') {
            self.absent_prefixes.insert(prefix.to_ascii_lowercase());
        } else {
            self.forget(key);
            self.absent.insert(key.to_ascii_lowercase());
        }
        self
    }

    /// Makes a key unknown (unless it lies under an absent prefix).
    pub fn forget(&mut self, key: &str) {
        let key = key.to_ascii_lowercase();
        self.known.remove(&key);
        self.spelled.remove(&key);
        self.one_of.remove(&key);
        self.present.remove(&key);
        self.absent.remove(&key);
    }

    /// A known key as it was spelled.
    pub(crate) fn spelling(&self, key: &str) -> Option<&str> {
        self.spelled.get(&key.to_ascii_lowercase()).map(String::as_str)
    }

    /// Every known key, as it was spelled.
    pub(crate) fn spellings(&self) -> impl Iterator<Item = &str> {
        self.spelled.values().map(String::as_str)
    }

    /// Every key (lower case) that something is known of, prefixes as `x/*`.
    pub fn keys(&self) -> Vec<String> {
        let prefixes = self.absent_prefixes.iter().map(|prefix| format!("{prefix}*"));
        self.known
            .keys()
            .chain(self.one_of.keys())
            .chain(&self.present)
            .chain(&self.absent)
            .cloned()
            .chain(prefixes)
            .collect()
    }
}

/// Who owns an object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ObjectOwner {
    BucketOwner,
    Other,
    #[default]
    Unknown,
}

/// The bucket settings beside the policy that decide with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settings {
    /// `RestrictPublicBuckets` of bucket or account; None: not known.
    pub restrict_public_buckets: Option<bool>,
    /// `GetBucketPolicyStatus.IsPublic`; None: not known.
    pub policy_is_public: Option<bool>,
    pub object_owner: ObjectOwner,
}
