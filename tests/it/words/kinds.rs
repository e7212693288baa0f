//! What goes with each kind: who changed what before it, what it is seen of, and what ends it.

use darwin_s3_guard::incident::life::Ending;
use darwin_s3_guard::model::finding::Kind;

/// The call that leads to a finding of the kind, where a change of the bucket or key does.
pub fn change(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::PolicyMissing
        | Kind::PolicyGutted
        | Kind::PolicyWidened
        | Kind::WiderThanContract
        | Kind::ExplicitDeny
        | Kind::PublicBlock
        | Kind::ConditionOnOurs
        | Kind::SidTaken
        | Kind::LostUpdate
        | Kind::Contested
        | Kind::PolicyLimit
        | Kind::PolicyUnreadable
        | Kind::DeadPrincipal
        | Kind::BlockPublicPolicy
        | Kind::RoleMissing
        | Kind::GuardDenied
        | Kind::WriteFailed => Some("PutBucketPolicy"),
        Kind::CorsMissing | Kind::CorsLimit => Some("PutBucketCors"),
        Kind::DefaultEncryption | Kind::AliasEncryption => Some("PutBucketEncryption"),
        Kind::RequesterPays => Some("PutBucketRequestPayment"),
        Kind::EventsOff => Some("PutBucketNotification"),
        Kind::Paused => Some("TagResource"),
        _ => None,
    }
}

/// Kinds that are seen of objects.
pub fn of_objects(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::KeyDenied
            | Kind::KeyState
            | Kind::AwsManagedKey
            | Kind::ForeignKey
            | Kind::SseC
            | Kind::Archived
            | Kind::ObjectDenied
            | Kind::ObjectOwnership
    )
}

/// Whether Darwin can read the bucket all the same.
pub fn reads(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::PolicyMissing
            | Kind::ExplicitDeny
            | Kind::PublicBlock
            | Kind::PolicyLimit
            | Kind::DeadPrincipal
            | Kind::RoleMissing
            | Kind::BlockPublicPolicy
            | Kind::WriteFailed
            | Kind::GuardDenied
            | Kind::Contested
            | Kind::ConditionOnOurs
    )
}

/// What shows that a kind is over, and the call that ended it, where an event says so.
pub fn ended(kind: Kind) -> (Ending, Option<&'static str>) {
    let samples = Ending::Samples { readable: 2, gone: 0 };
    match kind {
        Kind::KeyDenied => (samples, Some("PutKeyPolicy")),
        Kind::KeyState => (samples, Some("EnableKey")),
        Kind::AwsManagedKey | Kind::ForeignKey | Kind::SseC | Kind::Archived | Kind::ObjectOwnership => (samples, None),
        Kind::ObjectDenied | Kind::AccessUncertain => (Ending::Configuration, Some("PutBucketPolicy")),
        Kind::HistoryFull | Kind::KnownKeysFull | Kind::StateUnreadable => (Ending::Aged, None),
        Kind::LostUpdate => (Ending::Settled, change(kind)),
        Kind::NoConfigEvents => (Ending::Trail, None),
        Kind::TableUnreachable => (Ending::Table, None),
        Kind::RoleMissing | Kind::BlockPublicPolicy | Kind::WriteFailed | Kind::Contested => (Ending::Repaired, None),
        Kind::BucketNameDot | Kind::WrongRegion => (Ending::Unguarded, None),
        Kind::Paused => (Ending::Configuration, Some("UntagResource")),
        _ => (Ending::Configuration, change(kind)),
    }
}
