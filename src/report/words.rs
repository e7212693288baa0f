//! What each kind is called, and what it means for annotators.

use crate::model::finding::Kind;

/// What a repaired finding means for annotators.
pub(super) const MENDED: &str = "Nothing any more: it has been put right.";

/// A phrase that completes "Bucket x: ...".
pub(super) const fn headline(kind: Kind) -> &'static str {
    match kind {
        Kind::PolicyMissing => "the bucket policy gives Darwin no access",
        Kind::PolicyGutted => "Darwin's statement no longer gives the access agreed on",
        Kind::PolicyWidened => "Darwin's statement was widened beyond what is agreed on",
        Kind::CorsMissing => "no CORS rule lets Darwin's browser page load images",
        Kind::EventsOff => "the bucket sends no events to EventBridge",
        Kind::ExplicitDeny => "a Deny statement shuts Darwin out",
        Kind::PartDenied => "a Deny statement shuts Darwin out of a part of the bucket",
        Kind::PublicBlock => "the public access block shuts Darwin out",
        Kind::ObjectOwnership => "objects may belong to another account",
        Kind::RequesterPays => "requester pays shuts Darwin out",
        Kind::DefaultEncryption => "new objects come under a key that Darwin may not use",
        Kind::AliasEncryption => "the default encryption names its key by an alias or a bare id",
        Kind::BucketNameDot => "the bucket name holds a dot",
        Kind::PolicyLimit => "the bucket policy has no room for Darwin's statement",
        Kind::CorsLimit => "the CORS configuration has no room for Darwin's rule",
        Kind::PolicyUnreadable => "the bucket policy is not one the guard can edit",
        Kind::DeadPrincipal => "a deleted principal blocks every change of the policy",
        Kind::ConditionOnOurs => "somebody put a condition on Darwin's statement",
        Kind::WiderThanContract => "Darwin's statement gives more than agreed on",
        Kind::SidTaken => "somebody else's statement bears Darwin's Sid",
        Kind::AccessUncertain => "whether Darwin has access can't be told from here",
        Kind::RoleMissing => "Darwin's role does not exist",
        Kind::KeyDenied => "Darwin may not use the KMS key of its objects",
        Kind::KeyState => "the KMS key of its objects does not work",
        Kind::AwsManagedKey => "objects are under aws/s3, a key nobody can share",
        Kind::ForeignKey => "objects are under another account's KMS key",
        Kind::SseC => "objects are under a customer-provided key",
        Kind::Archived => "objects are archived",
        Kind::ObjectDenied => "the bucket policy denies Darwin objects",
        Kind::GuardDenied => "the guard itself was denied a call",
        Kind::WrongOwner => "the bucket belongs to another account",
        Kind::WrongRegion => "the bucket is in another Region",
        Kind::NoSuchBucket => "the bucket does not exist",
        Kind::BlockPublicPolicy => "S3 refuses the repair because another statement is public",
        Kind::WriteFailed => "the repair was refused or did not show",
        Kind::Paused => "the guard is paused",
        Kind::LostUpdate => "a repair may have undone somebody's change",
        Kind::Contested => "somebody keeps undoing the repair; the guard stopped",
        Kind::NoConfigEvents => "configuration changes are not reported to the guard",
        Kind::NoObjectEvents => "new objects are not reported to the guard",
        Kind::NoSubscription => "nobody has confirmed a subscription to the alerts",
        Kind::TableUnreachable => "the guard's state table can't be used",
        Kind::TestAlert => "a test message",
    }
}

/// A sentence or two for whoever answers for the annotators.
pub(super) const fn meaning(kind: Kind) -> &'static str {
    match kind {
        Kind::PolicyMissing
        | Kind::PolicyGutted
        | Kind::ExplicitDeny
        | Kind::PublicBlock
        | Kind::RequesterPays
        | Kind::RoleMissing => {
            "Every image of this bucket is blank for annotators, and Darwin can't process new ones, until this is put \
             right. The files themselves are unharmed."
        }
        Kind::CorsMissing | Kind::CorsLimit => {
            "Annotators' browsers refuse to load this bucket's images: they stay blank although Darwin may read them."
        }
        Kind::KeyDenied | Kind::KeyState | Kind::AwsManagedKey | Kind::ForeignKey => {
            "The images under this key are blank for annotators; others of the bucket are not affected. They come \
             back by themselves once the key can be used."
        }
        Kind::SseC => "These images can't be shown to annotators at all, whatever the policies say.",
        Kind::Archived => "These images are blank for annotators until they are restored.",
        Kind::ObjectDenied | Kind::ObjectOwnership | Kind::PartDenied => {
            "The images concerned are blank for annotators, or may be; others of the bucket are not affected."
        }
        Kind::DefaultEncryption | Kind::AliasEncryption => {
            "Images uploaded from now on may be blank for annotators, and thumbnails that Darwin writes may fail."
        }
        Kind::BucketNameDot => "Darwin can't use this bucket: none of its images can be shown.",
        Kind::PolicyLimit
        | Kind::PolicyUnreadable
        | Kind::DeadPrincipal
        | Kind::BlockPublicPolicy
        | Kind::WriteFailed => {
            "Where Darwin's access is missing, images stay blank for annotators: the guard can't repair it by itself."
        }
        Kind::ConditionOnOurs | Kind::AccessUncertain | Kind::SidTaken => {
            "Images may be blank for annotators, at times or always. Look at one in Darwin to be sure."
        }
        Kind::PolicyWidened | Kind::WiderThanContract => {
            "Annotators notice nothing. Darwin's role may do more in the bucket than was agreed on."
        }
        Kind::EventsOff | Kind::NoObjectEvents => {
            "Annotators notice nothing yet; but blank images among new uploads are not noticed either."
        }
        Kind::NoConfigEvents => {
            "Annotators notice nothing yet; but a broken policy is noticed only by the schedule or the next upload."
        }
        Kind::GuardDenied => {
            "Not known: the guard can't see all it needs, so images may be blank without a word from it."
        }
        Kind::WrongOwner | Kind::WrongRegion | Kind::NoSuchBucket => {
            "Images that Darwin expects in this bucket are blank for annotators, and the guard can't watch over it."
        }
        Kind::Paused => {
            "Annotators notice nothing by this alone. If access breaks, the guard tells, but does not repair."
        }
        Kind::LostUpdate => "Annotators notice nothing. A colleague's change of the bucket policy may not be in force.",
        Kind::Contested => {
            "Images are blank for annotators for as long as Darwin's access is missing: the guard no longer puts it \
             back."
        }
        Kind::NoSubscription => "Annotators notice nothing yet; but nobody will hear when images go blank.",
        Kind::TableUnreachable => {
            "Annotators notice nothing by this alone. Until it is back the guard tells, perhaps twice, and repairs \
             nothing."
        }
        Kind::TestAlert => "Nothing.",
    }
}
