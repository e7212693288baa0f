//! Drifts and findings: the closed lists of what can stand in Darwin's way.
//!
//! Names here are an interface: they appear in answers, SNS attributes and the docs. Never rename one
//! without a line in the changelog.

use crate::model::contract::Access;
use crate::model::evidence::{Evidence, Extent, KeyEvidence, KeyTrouble, Purpose, Under};
use crate::model::unknown::Unknown;
use crate::model::verdict::{Decision, Reason};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How bad it is for annotators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// For the record: nothing is broken.
    Info,
    /// May be broken (a `depends`), or will break later.
    Warning,
    /// Annotators see blank images, or soon will.
    Critical,
}

macro_rules! kinds {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $text)] $variant,)+ }
        impl $name {
            /// Every kind, in the order of the docs.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
            /// The name used in answers, attributes and docs.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

kinds! {
    /// What is wrong. The first group is drift (ours to repair), the others are findings (told, never repaired).
    Kind {
        /// Drift: no statement gives Darwin the access of the contract.
        PolicyMissing = "policy-missing",
        /// Drift: our statement is there, but no longer gives the access of the contract.
        PolicyGutted = "policy-gutted",
        /// Drift: our statement is wider than the contract and `CEILING=enforce`.
        PolicyWidened = "policy-widened",
        /// Drift: no CORS rule lets a browser on Darwin's origin GET.
        CorsMissing = "cors-missing",
        /// Drift: the bucket sends nothing to EventBridge and `ENABLE_EVENTBRIDGE=true`.
        EventsOff = "events-off",

        /// A Deny statement hits everything that Darwin must read, or write.
        ExplicitDeny = "explicit-deny",
        /// A Deny statement hits a part of what Darwin must read, or write.
        PartDenied = "part-denied",
        /// `RestrictPublicBuckets` with a public policy shuts out every other account.
        PublicBlock = "public-block",
        /// Objects may be owned by another account, which the bucket policy does not reach.
        ObjectOwnership = "object-ownership",
        /// Requester pays is on; Darwin's requests do not offer to pay.
        RequesterPays = "requester-pays",
        /// New objects are encrypted under a key that Darwin's role may not use.
        DefaultEncryption = "default-encryption",
        /// The default encryption names the key by an alias or a bare id, which resolves in the requester's account.
        AliasEncryption = "alias-encryption",
        /// The bucket name holds a dot.
        BucketNameDot = "bucket-name-dot",
        /// The repaired policy would exceed 20 KB.
        PolicyLimit = "policy-limit",
        /// The repaired CORS configuration would exceed S3's limits.
        CorsLimit = "cors-limit",
        /// The policy is not one that the guard can edit (not a JSON object, unknown shape).
        PolicyUnreadable = "policy-unreadable",
        /// A deleted principal in somebody's statement makes S3 refuse every write of the policy.
        DeadPrincipal = "dead-principal",
        /// Our statement carries a Condition that somebody added.
        ConditionOnOurs = "condition-on-ours",
        /// Our statement gives more than the contract.
        WiderThanContract = "wider-than-contract",
        /// Our Sid stands on somebody else's statement.
        SidTaken = "sid-taken",
        /// Access hangs on something that nobody here can see.
        AccessUncertain = "access-uncertain",
        /// Darwin's role does not exist: S3 refuses it as a principal.
        RoleMissing = "role-missing",

        /// An object is under a key that Darwin's role may not use.
        KeyDenied = "key-denied",
        /// The key is in a state in which it does not work.
        KeyState = "key-state",
        /// An object is under the AWS managed key `aws/s3`, which can't be shared.
        AwsManagedKey = "aws-managed-key",
        /// An object is under a key of a third account whose policy can't be read.
        ForeignKey = "foreign-key",
        /// An object is encrypted with a customer-provided key (SSE-C).
        SseC = "sse-c",
        /// An object is archived and must be restored before it can be read.
        Archived = "archived",
        /// The bucket policy denies an object (and the bucket as a whole has no drift that explains it).
        ObjectDenied = "object-denied",

        /// The guard's own call was denied.
        GuardDenied = "guard-denied",
        /// The bucket does not exist, or is another account's.
        WrongOwner = "wrong-owner",
        /// The bucket is in another Region than this deployment.
        WrongRegion = "wrong-region",
        /// The bucket does not exist.
        NoSuchBucket = "no-such-bucket",
        /// `BlockPublicPolicy` makes S3 refuse the write because of somebody's public statement.
        BlockPublicPolicy = "block-public-policy",
        /// A write was refused, or did not show in time.
        WriteFailed = "write-failed",
        /// The pause tag is set, or can't be read: flag only.
        Paused = "paused",
        /// Another's change may have been lost to our write; the incident carries both documents.
        LostUpdate = "lost-update",
        /// A rival keeps undoing the repair; the guard stopped.
        Contested = "contested",
        /// No trail delivers bucket-configuration events.
        NoConfigEvents = "no-config-events",
        /// More changes came than are remembered: whether a write of the guard undid one can't be found out any more.
        HistoryFull = "history-full",
        /// Objects are under more keys than are remembered: nobody looks at the others between uploads.
        KnownKeysFull = "known-keys-full",
        /// Objects that were there before the guard were never scanned, so that their keys may not be known.
        NeverScanned = "never-scanned",
        /// Somebody has acknowledged an incident: it is open, and not reminded of.
        Acknowledged = "acknowledged",
        /// The bucket tells nobody about new objects.
        NoObjectEvents = "no-object-events",
        /// Nobody has confirmed a subscription to the topic.
        NoSubscription = "no-subscription",
        /// An item of the incident table, of another version of the guard, can't be read: it is set aside.
        StateUnreadable = "state-unreadable",
        /// The incident table can't be reached: no automatic write.
        TableUnreachable = "table-unreachable",
        /// A test message, sent on request.
        TestAlert = "test-alert",
    }
}

impl Kind {
    /// Whether it is drift: something that is ours to repair.
    pub const fn is_drift(self) -> bool {
        matches!(
            self,
            Self::PolicyMissing | Self::PolicyGutted | Self::PolicyWidened | Self::CorsMissing | Self::EventsOff
        )
    }

    /// The severities that it is found with, the mildest first. The docs list them by this.
    pub const fn severities(self) -> &'static [Severity] {
        match self {
            Self::Paused | Self::NeverScanned | Self::Acknowledged | Self::TestAlert => &[Severity::Info],
            Self::ObjectOwnership => &[Severity::Info, Severity::Warning],
            Self::ConditionOnOurs => &[Severity::Info, Severity::Warning, Severity::Critical],
            Self::PublicBlock
            | Self::DefaultEncryption
            | Self::AliasEncryption
            | Self::ForeignKey
            | Self::GuardDenied => &[Severity::Warning, Severity::Critical],
            Self::PolicyWidened
            | Self::EventsOff
            | Self::PartDenied
            | Self::WiderThanContract
            | Self::SidTaken
            | Self::AccessUncertain
            | Self::Archived
            | Self::NoConfigEvents
            | Self::HistoryFull
            | Self::KnownKeysFull
            | Self::StateUnreadable
            | Self::NoObjectEvents
            | Self::NoSubscription
            | Self::TableUnreachable => &[Severity::Warning],
            Self::PolicyMissing
            | Self::PolicyGutted
            | Self::CorsMissing
            | Self::ExplicitDeny
            | Self::RequesterPays
            | Self::BucketNameDot
            | Self::PolicyLimit
            | Self::CorsLimit
            | Self::PolicyUnreadable
            | Self::DeadPrincipal
            | Self::RoleMissing
            | Self::KeyDenied
            | Self::KeyState
            | Self::AwsManagedKey
            | Self::SseC
            | Self::ObjectDenied
            | Self::WrongOwner
            | Self::WrongRegion
            | Self::NoSuchBucket
            | Self::BlockPublicPolicy
            | Self::WriteFailed
            | Self::LostUpdate
            | Self::Contested => &[Severity::Critical],
        }
    }
}

/// One thing that stands in Darwin's way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub evidence: Evidence,
    pub severity: Severity,
    /// The reasons of the verdict behind it.
    pub because: Vec<Reason>,
    /// What the verdict depends on, for a `depends`.
    pub depends_on: Vec<Unknown>,
    /// What an incident is keyed by besides bucket and kind: key ARN, statement, rule. Stable across runs.
    #[serde(skip)]
    pub cause: String,
}

impl Finding {
    /// What was found, with nothing beside it.
    pub fn of(evidence: Evidence) -> Self {
        Self::with(evidence, Vec::new(), Vec::new())
    }

    /// What was found, with what a verdict rests and depends on. Kind, severity and cause follow from these.
    pub fn with(evidence: Evidence, because: Vec<Reason>, depends_on: Vec<Unknown>) -> Self {
        let severity = severity(&evidence);
        let cause = cause(&evidence, &depends_on);
        Self { evidence, severity, because, depends_on, cause }
    }

    pub fn kind(&self) -> Kind {
        kind(&self.evidence)
    }

    /// Whether its severity is one that its kind has.
    pub fn is_listed(&self) -> bool {
        self.kind().severities().contains(&self.severity)
    }
}

fn kind(evidence: &Evidence) -> Kind {
    match evidence {
        Evidence::PolicyMissing { .. } => Kind::PolicyMissing,
        Evidence::PolicyGutted { .. } => Kind::PolicyGutted,
        Evidence::Wider { enforced: true, .. } => Kind::PolicyWidened,
        Evidence::Wider { enforced: false, .. } => Kind::WiderThanContract,
        Evidence::CorsMissing { .. } => Kind::CorsMissing,
        Evidence::NoEvents { enable: true } => Kind::EventsOff,
        Evidence::NoEvents { enable: false } => Kind::NoObjectEvents,
        Evidence::ExplicitDeny(_) => Kind::ExplicitDeny,
        Evidence::PartDenied(_) => Kind::PartDenied,
        Evidence::PublicBlock { .. } => Kind::PublicBlock,
        Evidence::ObjectOwnership { .. } => Kind::ObjectOwnership,
        Evidence::RequesterPays => Kind::RequesterPays,
        Evidence::ManagedDefaultKey { .. } => Kind::DefaultEncryption,
        Evidence::Key(key) => kind_of_key(key),
        Evidence::AliasEncryption { .. } => Kind::AliasEncryption,
        Evidence::BucketNameDot => Kind::BucketNameDot,
        Evidence::PolicyLimit { .. } => Kind::PolicyLimit,
        Evidence::CorsLimit { .. } => Kind::CorsLimit,
        Evidence::PolicyUnreadable { .. } => Kind::PolicyUnreadable,
        Evidence::DeadPrincipal { .. } => Kind::DeadPrincipal,
        Evidence::ConditionOnOurs { .. } => Kind::ConditionOnOurs,
        Evidence::SidTaken { .. } => Kind::SidTaken,
        Evidence::Uncertain(_) => Kind::AccessUncertain,
        Evidence::RoleMissing { .. } => Kind::RoleMissing,
        Evidence::SseC { .. } => Kind::SseC,
        Evidence::Archived { .. } => Kind::Archived,
        Evidence::ObjectDenied { .. } => Kind::ObjectDenied,
        Evidence::Refused { .. } => Kind::GuardDenied,
        Evidence::WrongOwner { .. } => Kind::WrongOwner,
        Evidence::WrongRegion { .. } => Kind::WrongRegion,
        Evidence::NoSuchBucket { .. } => Kind::NoSuchBucket,
        Evidence::BlockPublicPolicy { .. } => Kind::BlockPublicPolicy,
        Evidence::WriteFailed { .. } => Kind::WriteFailed,
        Evidence::Paused { .. } => Kind::Paused,
        Evidence::LostUpdate(_) => Kind::LostUpdate,
        Evidence::Contested { .. } => Kind::Contested,
        Evidence::NoConfigEvents { .. } => Kind::NoConfigEvents,
        Evidence::HistoryFull { .. } => Kind::HistoryFull,
        Evidence::KnownKeysFull { .. } => Kind::KnownKeysFull,
        Evidence::NeverScanned { .. } => Kind::NeverScanned,
        Evidence::Acknowledged { .. } => Kind::Acknowledged,
        Evidence::NoSubscription { .. } => Kind::NoSubscription,
        Evidence::StateUnreadable { .. } => Kind::StateUnreadable,
        Evidence::TableUnreachable { .. } => Kind::TableUnreachable,
        Evidence::TestAlert => Kind::TestAlert,
    }
}

fn kind_of_key(key: &KeyEvidence) -> Kind {
    match (&key.trouble, key.under) {
        (KeyTrouble::NotAllowed, _) if !key.certain => Kind::AccessUncertain,
        (_, Under::NewObjects) => Kind::DefaultEncryption,
        (KeyTrouble::AwsManaged, Under::Objects) => Kind::AwsManagedKey,
        (KeyTrouble::State(_), Under::Objects) => Kind::KeyState,
        (KeyTrouble::Foreign(_), Under::Objects) => Kind::ForeignKey,
        (KeyTrouble::NotAllowed, Under::Objects) => Kind::KeyDenied,
    }
}

/// Of a kind that has several severities, by what was found; of another, its own.
fn severity(evidence: &Evidence) -> Severity {
    let critical_if = |critical| if critical { Severity::Critical } else { Severity::Warning };
    match evidence {
        Evidence::ObjectOwnership { seen: Extent::Bucket } => Severity::Info,
        Evidence::ObjectOwnership { seen: Extent::Object } => Severity::Warning,
        Evidence::ConditionOnOurs { decision, .. } => match decision {
            Decision::Allowed => Severity::Info,
            Decision::Depends => Severity::Warning,
            Decision::Denied => Severity::Critical,
        },
        Evidence::PublicBlock { restricted, public, .. } => {
            critical_if((*restricted, *public) == (Some(true), Some(true)))
        }
        Evidence::AliasEncryption { access, .. } => critical_if(*access == Access::ReadWrite),
        Evidence::Key(key) => critical_if(key.certain),
        Evidence::Refused { purpose, .. } => critical_if(*purpose == Purpose::Write),
        Evidence::ManagedDefaultKey { .. } => Severity::Critical,
        other => kind(other).severities().first().copied().unwrap_or(Severity::Critical),
    }
}

fn cause(evidence: &Evidence, depends_on: &[Unknown]) -> String {
    let fixed = match evidence {
        Evidence::PolicyMissing { .. } | Evidence::PolicyGutted { .. } => "policy",
        Evidence::Wider { .. } => "wider",
        Evidence::CorsMissing { .. } => "cors",
        Evidence::ExplicitDeny(deny) | Evidence::PartDenied(deny) => &deny.identity,
        Evidence::Key(key) if kind_of_key(key) != Kind::AccessUncertain => &key.key,
        // Wherever it moves.
        Evidence::SidTaken { statement } | Evidence::ConditionOnOurs { statement, .. } => {
            statement.sid.as_deref().unwrap_or_default()
        }
        Evidence::Uncertain(_) | Evidence::Key(_) | Evidence::ObjectOwnership { seen: Extent::Object } => {
            return names(depends_on);
        }
        Evidence::Archived { class, .. } => class,
        Evidence::ObjectDenied { by } => by,
        Evidence::Refused { call, purpose: Purpose::Configuration | Purpose::Object, .. } => {
            return call.operation.to_string();
        }
        Evidence::LostUpdate(lost) => &lost.id,
        Evidence::Acknowledged { incident, .. } => incident,
        Evidence::NoSubscription { .. } => "topic",
        Evidence::TableUnreachable { .. } => "incident-table",
        Evidence::TestAlert => "test",
        other => kind(other).name(),
    };
    fixed.to_owned()
}

/// The names a verdict depends on, as one stable text.
fn names(depends_on: &[Unknown]) -> String {
    let mut names: Vec<String> = depends_on.iter().map(ToString::to_string).collect();
    names.sort();
    names.dedup();
    names.join(",")
}
