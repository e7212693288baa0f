//! What a rule found, as data: one form for each shape that findings have.
//!
//! Model types and plain values only, and no tuples: what is stored may have its lists cut. Must never hold a sentence: `report` makes the words, the remedy and the commands.

use crate::model::actor::Actor;
use crate::model::aws::{AwsError, Operation};
use crate::model::change::Subject;
use crate::model::contract::Access;
use crate::model::time::Timestamp;
use crate::model::verdict::Decision;
use crate::model::why::{Applies, StatementName};
use serde::{Deserialize, Serialize};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// No statement of ours, and no other gives what it would.
    PolicyMissing {
        has_policy: bool,
        repair: PolicyRepair,
    },
    /// Ours give less than the contract.
    PolicyGutted {
        ours: Vec<OurStatement>,
        repair: PolicyRepair,
    },
    /// Ours give more than the contract. `diff`: what narrows them.
    Wider {
        enforced: bool,
        ours: Vec<WideStatement>,
        diff: Option<String>,
    },
    /// None of `rules` CORS rules lets the origin GET. `proposed`: all rules that would, in JSON.
    CorsMissing {
        origin: String,
        rules: usize,
        near: Vec<NearMiss>,
        proposed: String,
    },
    /// Nobody hears of new objects; with `enable` it is the guard's to turn EventBridge on.
    NoEvents {
        enable: bool,
    },
    /// A Deny that leaves Darwin nothing of what it must read, or write.
    ExplicitDeny(Deny),
    /// A Deny that hits a part of it.
    PartDenied(Deny),
    PublicBlock {
        restricted: Option<bool>,
        public: Option<bool>,
        statements: Vec<StatementName>,
    },
    /// Objects may be another account's: of a bucket that lets them be, or seen of one object.
    ObjectOwnership {
        seen: Extent,
    },
    RequesterPays,
    /// The default encryption is `aws/s3`: named, or because no key is.
    ManagedDefaultKey {
        named: bool,
        role: String,
        access: Access,
    },
    Key(KeyEvidence),
    /// The default encryption names its key by anything but a key ARN.
    AliasEncryption {
        name: String,
        access: Access,
    },
    BucketNameDot,
    /// The size that the repaired policy would have, and what S3 takes.
    PolicyLimit {
        bytes: usize,
        most: usize,
    },
    CorsLimit {
        origin: String,
        limit: CorsLimit,
    },
    /// `why`: what the parser says of the document.
    PolicyUnreadable {
        why: String,
    },
    DeadPrincipal {
        statements: Vec<StatementName>,
        call: AwsError,
    },
    /// `decision`: what Darwin's access is with the Condition.
    ConditionOnOurs {
        statement: StatementName,
        decision: Decision,
    },
    SidTaken {
        statement: StatementName,
    },
    Uncertain(Doubt),
    /// S3 refused our document as malformed, and nothing else explains it.
    RoleMissing {
        role: String,
        call: AwsError,
    },
    /// `key`: the object's.
    SseC {
        key: String,
    },
    Archived {
        key: String,
        class: String,
    },
    /// `by`: what denies it, by stable names.
    ObjectDenied {
        by: String,
    },
    /// A call of the guard's own was denied.
    Refused {
        call: AwsError,
        purpose: Purpose,
        /// The KMS key that it was about; none: the bucket.
        #[serde(default)]
        key: Option<String>,
    },
    WrongOwner {
        call: AwsError,
    },
    WrongRegion {
        call: AwsError,
    },
    NoSuchBucket {
        call: AwsError,
    },
    BlockPublicPolicy {
        call: AwsError,
    },
    WriteFailed {
        call: AwsError,
    },
    /// By its tag, or because the tags can't be read.
    Paused {
        unreadable: Option<AwsError>,
    },
    LostUpdate(LostUpdate),
    /// So many repairs within so many seconds.
    Contested {
        actor: Option<Actor>,
        limit: u32,
        window_s: u64,
    },
    /// The operation whose event never came.
    NoConfigEvents {
        operation: Operation,
    },
    /// So many changes that a write of the guard may have undone had to be forgotten.
    HistoryFull {
        forgotten: usize,
    },
    /// A key for which there is no room among those of the own account, or of others.
    KnownKeysFull {
        key: String,
        foreign: bool,
        limit: usize,
    },
    /// How many keys are known from uploads, and since when.
    NeverScanned {
        keys: usize,
        #[serde(rename = "since_ms")]
        since: Option<Timestamp>,
    },
    /// An incident, its kind, and until when it is not reminded of.
    Acknowledged {
        incident: String,
        of: String,
        #[serde(rename = "until_ms")]
        until: Timestamp,
    },
    NoSubscription {
        topic: Option<String>,
    },
    /// An item of the table that another version of the guard wrote. `error`: what the store says of it.
    StateUnreadable {
        error: String,
    },
    /// `error`: what the store says.
    TableUnreachable {
        error: String,
    },
    TestAlert,
}

/// What a policy lacks, and what gives it back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRepair {
    /// The actions of the contract that no Allow gives.
    pub lost: Vec<String>,
    /// Darwin's statements, in JSON.
    pub wanted: String,
    /// The whole policy with them in it; none where it can't be written.
    pub document: Option<String>,
}

/// A statement of ours that gives less than the contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OurStatement {
    pub statement: StatementName,
    pub flaw: Option<Flaw>,
}

/// Why a statement of ours gives less, where it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flaw {
    /// Its principal reads back as a unique id.
    Unresolved,
    /// Written with `NotAction` or `NotResource`.
    AllBut,
    /// None of its resources is in this bucket.
    Elsewhere,
}

/// A statement of ours that gives more than the contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WideStatement {
    pub statement: StatementName,
    pub beyond: Beyond,
}

/// What a statement gives beyond the contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Beyond {
    /// Everything but what `NotAction` or `NotResource` names.
    AllBut,
    Actions(Vec<Grant>),
}

/// An action, with the resources on which the contract does not have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub action: String,
    pub resources: Vec<String>,
}

/// A CORS rule that looks as if it served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NearMiss {
    pub index: usize,
    pub id: Option<String>,
    pub lacks: Lack,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lack {
    /// It has the origin, but GET is not among its methods.
    Get { methods: Vec<String> },
    /// Its origin is written differently.
    Origin { written: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CorsLimit {
    Rules { most: usize },
    Bytes { bytes: usize, most: usize },
}

/// A Deny that hits Darwin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deny {
    pub statement: StatementName,
    /// The RCP that it is in, by its file; none: it is in the bucket policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rcp: Option<String>,
    /// Its Sid, or a digest of it: what it is known by wherever it moves.
    pub identity: String,
    pub applies: Applies,
    pub hits: Vec<Hit>,
    pub role: String,
}

/// One thing that a Deny takes from Darwin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    pub action: String,
    /// A key, with `*` for any characters; none: all of them.
    pub key: Option<String>,
    /// Who is hit.
    pub server: bool,
    pub browser: bool,
}

/// Whether something was found of the bucket or of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Extent {
    Bucket,
    Object,
}

/// A key that Darwin may not, or perhaps not, use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyEvidence {
    /// Its ARN, or the id under which it was asked for.
    pub key: String,
    pub under: Under,
    pub trouble: KeyTrouble,
    /// Denied; else it depends.
    pub certain: bool,
    pub role: String,
    pub access: Access,
    /// The guard's own calls about it that were refused.
    pub refused: Vec<AwsError>,
}

/// What is under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Under {
    /// New objects: it is the bucket's default key.
    NewObjects,
    /// Objects that are there.
    Objects,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyTrouble {
    AwsManaged,
    /// AWS's name of the state, or `deleted`.
    State(String),
    /// The account that owns it.
    Foreign(String),
    NotAllowed,
}

/// What it is whose answer depends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doubt {
    /// One object.
    Object,
    /// The bucket's objects as a whole.
    Reading,
    Writing,
    /// Whether a Deny hits.
    Deny,
    /// Ours has elements that the policy language does not know.
    Elements {
        statement: StatementName,
        names: Vec<String>,
    },
    /// Ours is absent, and others allow Darwin on a condition: statements that name Darwin, or such as came or changed
    /// since the contract last held.
    ConditionalAllow {
        about_darwin: bool,
        statements: Vec<StatementName>,
    },
    /// Ours is there as it should be, and that does not decide.
    OursInPlace,
    /// The document that would be written does not decide.
    Proposed,
}

/// What a call of the guard's own was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// A read of the bucket's configuration.
    Configuration,
    Object,
    Write,
}

/// A write of ours that may have undone another's change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostUpdate {
    pub subject: Subject,
    /// `eventID` and `eventName` of the change.
    pub id: String,
    pub change: String,
    /// When the change was made and when our write was begun.
    #[serde(rename = "changed_ms")]
    pub changed: Timestamp,
    #[serde(rename = "begun_ms")]
    pub begun: Timestamp,
    /// Their document, as CloudTrail reports it.
    pub theirs: String,
    /// What the guard wrote.
    pub ours: String,
    /// Unified diff from theirs to ours.
    pub difference: String,
    /// Theirs with Darwin's part in it.
    pub wanted: String,
}
