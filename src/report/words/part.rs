//! What of Darwin's access is lost, and a key's short name: what all words of a finding have in common.

use crate::model::aws::AwsError;
use crate::model::evidence::{Beyond, Deny, PolicyRepair, WideStatement};

/// What of Darwin's access is lost: the worst of it.
#[derive(Clone, Copy)]
pub(crate) enum Lost {
    All,
    Reading,
    Writing,
    Listing,
}

impl Lost {
    pub(crate) fn of(repair: &PolicyRepair) -> Self {
        let lost = |name: &str| repair.lost.iter().any(|action| action == name);
        match (lost("s3:GetObject"), lost("s3:PutObject"), lost("s3:ListBucket")) {
            (true, true, _) => Self::All,
            (false, true, _) => Self::Writing,
            (false, false, true) => Self::Listing,
            _ => Self::Reading,
        }
    }

    /// The same without the bucket.
    pub(crate) const fn verb(self) -> &'static str {
        match self {
            Self::All => "read and write",
            Self::Reading => "read",
            Self::Writing => "write",
            Self::Listing => "list",
        }
    }

    /// Completes "Darwin can't ...", after the bucket's name.
    pub(crate) const fn it(self) -> &'static str {
        match self {
            Self::All => "read or write",
            Self::Reading => "read it",
            Self::Writing => "write to it",
            Self::Listing => "list it",
        }
    }
}

pub(crate) enum ShutOut {
    All,
    Part,
    Writing,
}

impl ShutOut {
    pub(crate) fn of(deny: &Deny) -> Self {
        let mut reads = deny.hits.iter().filter(|hit| hit.action == "s3:GetObject").peekable();
        if reads.peek().is_none() {
            Self::Writing
        } else if reads.any(|hit| hit.key.is_none()) {
            Self::All
        } else {
            Self::Part
        }
    }
}

/// The last characters of a key's id: enough to tell the keys of a bucket apart.
pub(crate) fn short_key(key: &str) -> String {
    let id = key.rsplit('/').next().unwrap_or(key);
    let count = id.chars().count();
    let tail: String = id.chars().skip(count.saturating_sub(4)).filter(char::is_ascii_alphanumeric).collect();
    format!("...{tail}")
}

/// The Region that S3's answer names, which not every answer does.
pub(crate) fn other_region(answer: &AwsError) -> Option<&str> {
    let (_, after) = answer.message.split_once("expecting '")?;
    let (region, _) = after.split_once('\'')?;
    region.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-').then_some(region)
}

/// Whether a statement allows one of these actions beyond what Darwin needs.
pub(crate) fn allows(ours: &[WideStatement], names: &[&str]) -> bool {
    ours.iter().any(|ours| match &ours.beyond {
        Beyond::AllBut => false,
        Beyond::Actions(grants) => grants.iter().any(|grant| names.contains(&grant.action.as_str())),
    })
}

/// Whether Darwin can delete objects.
pub(crate) fn deletes(ours: &[WideStatement]) -> bool {
    allows(ours, &["s3:DeleteObject", "s3:Delete*", "s3:*", "*"])
}
