//! The links of the two ways Darwin reads a bucket, each with its state: what a table and a picture show of an answer.
//!
//! Must never show a link as good that was not read.

use crate::model::aws::Operation;
use crate::model::finding::Kind;
use crate::model::outcome::CorsState;
use crate::model::verdict::Decision;
#[cfg(feature = "forms")]
use crate::model::verdict::Reader;
use crate::report::answer::BucketAnswer;
use crate::report::finding::{FindingAnswer, Weight};

/// A link between Darwin and an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// The bucket itself: its name, its owner, its Region, who pays.
    Bucket,
    Policy,
    PublicBlock,
    Ownership,
    /// Of the browser alone.
    Cors,
    Key,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    Good,
    /// Cannot be determined, or something to look at.
    Open,
    Bad,
}

impl Link {
    pub const ALL: [Self; 6] = [Self::Bucket, Self::Policy, Self::PublicBlock, Self::Ownership, Self::Cors, Self::Key];

    /// The link that a finding is about; none where it is about the guard.
    const fn of(kind: Kind) -> Option<Self> {
        Some(match kind {
            Kind::BucketNameDot | Kind::RequesterPays | Kind::WrongOwner | Kind::WrongRegion | Kind::NoSuchBucket => {
                Self::Bucket
            }
            Kind::PolicyMissing
            | Kind::PolicyGutted
            | Kind::PolicyWidened
            | Kind::ExplicitDeny
            | Kind::PartDenied
            | Kind::PolicyLimit
            | Kind::PolicyUnreadable
            | Kind::DeadPrincipal
            | Kind::ConditionOnOurs
            | Kind::WiderThanContract
            | Kind::SidTaken
            | Kind::AccessUncertain
            | Kind::RoleMissing
            | Kind::ObjectDenied
            | Kind::BlockPublicPolicy
            | Kind::WriteFailed => Self::Policy,
            Kind::PublicBlock => Self::PublicBlock,
            Kind::ObjectOwnership => Self::Ownership,
            Kind::CorsMissing | Kind::CorsLimit => Self::Cors,
            Kind::DefaultEncryption
            | Kind::AliasEncryption
            | Kind::KeyDenied
            | Kind::KeyState
            | Kind::AwsManagedKey
            | Kind::ForeignKey
            | Kind::SseC
            | Kind::Archived => Self::Key,
            Kind::GuardDenied
            | Kind::EventsOff
            | Kind::NoObjectEvents
            | Kind::NoConfigEvents
            | Kind::HistoryFull
            | Kind::KnownKeysFull
            | Kind::NeverScanned
            | Kind::Acknowledged
            | Kind::StateUnreadable
            | Kind::NoSubscription
            | Kind::TableUnreachable
            | Kind::Paused
            | Kind::Contested
            | Kind::LostUpdate
            | Kind::TestAlert => return None,
        })
    }

    /// The link that a call of the guard's reads; none where it decides nothing.
    const fn read_by(operation: Operation) -> Option<Self> {
        Some(match operation {
            Operation::HeadObject | Operation::GetBucketRequestPayment => Self::Bucket,
            Operation::GetBucketPolicy => Self::Policy,
            Operation::GetBucketPolicyStatus | Operation::GetPublicAccessBlock => Self::PublicBlock,
            Operation::GetBucketOwnershipControls => Self::Ownership,
            Operation::GetBucketCors => Self::Cors,
            Operation::GetBucketEncryption
            | Operation::DescribeKey
            | Operation::GetKeyPolicy
            | Operation::ListGrants => Self::Key,
            _ => return None,
        })
    }

    /// The findings of a bucket that are about it: those that are left.
    pub fn findings(self, answer: &BucketAnswer) -> impl Iterator<Item = &FindingAnswer> {
        let drifts = if answer.drift_is_left() { answer.drifts.as_slice() } else { &[] };
        drifts.iter().chain(&answer.findings).filter(move |finding| {
            let of_read = finding.refused.map(Self::read_by);
            of_read.unwrap_or_else(|| Self::of(finding.kind)) == Some(self)
        })
    }

    /// Its state for one of the two, or for both alike.
    #[cfg(feature = "forms")]
    pub fn state_for(self, answer: &BucketAnswer, reader: Reader) -> State {
        let of_other = |finding: &&FindingAnswer| finding.reader.is_some_and(|stopped| stopped != reader);
        let (theirs, all) = (self.findings(answer).filter(of_other).count(), self.findings(answer).count());
        match (theirs, self.state(answer)) {
            (0, state) => state,
            (theirs, _) if theirs == all => State::Good,
            (_, state) => state,
        }
    }

    pub fn state(self, answer: &BucketAnswer) -> State {
        let found = self.findings(answer).map(of_finding).max().unwrap_or(State::Good);
        match self {
            Self::Cors => match answer.cors {
                Some(CorsState::Ok) => found,
                Some(CorsState::Missing) if !answer.drift_is_left() => found,
                Some(CorsState::Missing) => State::Bad,
                None => found.max(State::Open),
            },
            // Every verdict rests on the policy: what is not explained elsewhere is shown here.
            Self::Policy if found == State::Good => {
                let worst = of_decision(answer.read).max(answer.write.map_or(State::Good, of_decision));
                let explained = Self::ALL.into_iter().filter(|link| !matches!(link, Self::Policy | Self::Cors));
                let elsewhere = explained.map(|link| link.state(answer)).max().unwrap_or(State::Good);
                if elsewhere >= worst { State::Good } else { worst }
            }
            _ => found,
        }
    }
}

/// What a finding makes of its link.
pub fn of_finding(finding: &FindingAnswer) -> State {
    match finding.weight() {
        Weight::Record => State::Good,
        // What was not read is not known to be in the way.
        Weight::InTheWay if finding.refused.and_then(Link::read_by).is_none() => State::Bad,
        Weight::Open | Weight::Wrong | Weight::InTheWay => State::Open,
    }
}

pub fn of_decision(decision: Decision) -> State {
    match decision {
        Decision::Allowed => State::Good,
        Decision::Depends => State::Open,
        Decision::Denied => State::Bad,
    }
}
