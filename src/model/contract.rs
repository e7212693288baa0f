//! The contract with V7, per guarded bucket, and who "Darwin" and "we" are.
//!
//! Plain data, validated by `config`. Must never be filled from an event.

use crate::model::arn::AccountId;
use serde::{Deserialize, Serialize};

/// What Darwin may do with a bucket's objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    ReadOnly,
    ReadWrite,
}

impl Access {
    /// As the options have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::ReadWrite => "read-write",
        }
    }
}

/// What V7 asks for on one bucket (SPEC section 1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// Bucket name.
    pub bucket: String,
    pub access: Access,
    /// Key prefixes that Darwin reads; empty means the whole bucket. Each is a literal key prefix (no wildcard).
    pub read_prefixes: Vec<String>,
    /// Where the thumbnails, frames and segments are that Darwin shows: it writes them, or, for read-only, the customer's
    /// own tools do. Either way it reads them. A literal key prefix without leading slash, e.g. `darwin/`.
    pub prefix: Option<String>,
    /// Key prefixes that Darwin need not read: a Deny there is no finding, and their objects are not judged.
    pub not_read: Vec<String>,
    /// `s3:PutObject` on `prefix` alone. INVARIANT: true only if `prefix` is given.
    pub scope_writes: bool,
    /// `s3:ListBucket` too (MIRAX files).
    pub list: bool,
}

impl Contract {
    /// Whether Darwin reads this key under the contract (the key lies in a read prefix, or there are none).
    pub fn reads(&self, key: &str) -> bool {
        let read = self.read_prefixes.is_empty()
            || self.read_prefixes.iter().chain(&self.prefix).any(|prefix| key.starts_with(prefix.as_str()));
        read && !self.leaves_out(key)
    }

    /// Whether Darwin need not read this key, wherever it lies.
    pub fn leaves_out(&self, key: &str) -> bool {
        self.not_read.iter().any(|prefix| key.starts_with(prefix.as_str()))
    }
}

/// Who Darwin is: the same for every bucket of a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Darwin {
    /// Role ARN, `arn:aws:iam::258327614892:role/external_s3` by default.
    pub role: String,
    /// The role's account id, taken from `role`.
    pub account: String,
    /// Browser origin, `https://darwin.v7labs.com` by default.
    pub origin: String,
    /// Sid of our statement, `DarwinAccess` by default.
    pub sid: String,
    /// Team name for the activation message.
    pub team: Option<String>,
}

/// Where the guard runs: from its own ARN in Lambda, else from the environment. Never from an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// The account that owns the guarded buckets.
    pub account: AccountId,
    /// Region of the deployment.
    pub region: String,
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: String,
    /// The function's name, for commands that invoke it; none outside Lambda.
    pub function: Option<String>,
}

/// What the guard may do about drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    Repair,
    Flag,
}

/// What the guard may do about a statement of ours that is wider than the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ceiling {
    Flag,
    Enforce,
}
