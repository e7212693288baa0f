//! Evidence of every kind, with one text wherever something from outside can stand.

use darwin_s3_guard::incident::life::{Report, Sighting};
use darwin_s3_guard::model::actor::Actor;
use darwin_s3_guard::model::aws::{AwsError, ErrorClass, Operation};
use darwin_s3_guard::model::change::Subject;
use darwin_s3_guard::model::contract::Access;
use darwin_s3_guard::model::evidence::{
    Beyond, CorsLimit, Deny, Doubt, Evidence, Extent, Grant, Hit, KeyEvidence, KeyTrouble, Lack, LostUpdate, NearMiss,
    OurStatement, PolicyRepair, Purpose, Under, WideStatement,
};
use darwin_s3_guard::model::finding::{Finding, Kind};
use darwin_s3_guard::model::time::Timestamp;
use darwin_s3_guard::model::verdict::{Basis, Decision, Document, Effect, Reason};
use darwin_s3_guard::model::why::{Applies, Few, Known, StatementName, Test};
use serde_json::Value;

pub const ROLE: &str = "arn:aws:iam::258327614892:role/external_s3";

/// A finding of the kind, with a reason where that is not its evidence.
pub fn finding(kind: Kind, text: &str) -> Finding {
    let because = if matches!(kind, Kind::ExplicitDeny | Kind::PartDenied) {
        Vec::new()
    } else {
        vec![Reason::from(denied_by(text))]
    };
    Finding::with(evidence(kind, text), because, Vec::new())
}

fn applies(text: &str) -> Applies {
    let test = Test {
        operator: "StringEquals".to_owned(),
        key: text.to_owned(),
        values: Few { first: vec![text.to_owned()], more: 0 },
        known: Known::Absent,
    };
    Applies { except: Vec::new(), conditions: vec![test], open: Vec::new() }
}

fn denied_by(text: &str) -> Basis {
    Basis::Statement {
        document: Document::BucketPolicy,
        statement: StatementName { index: 2, sid: Some(text.to_owned()) },
        effect: Effect::Deny,
        certain: true,
        applies: applies(text),
    }
}

pub fn key(key: &str, under: Under, trouble: KeyTrouble, certain: bool) -> Evidence {
    Evidence::Key(KeyEvidence {
        key: key.to_owned(),
        under,
        trouble,
        certain,
        role: ROLE.to_owned(),
        access: Access::ReadWrite,
        refused: Vec::new(),
    })
}

/// Evidence of the kind.
pub fn evidence(kind: Kind, text: &str) -> Evidence {
    let own = || text.to_owned();
    let json = || Value::from(text).to_string();
    let statement = || StatementName { index: 2, sid: Some(own()) };
    let call = || AwsError {
        operation: Operation::PutBucketPolicy,
        class: ErrorClass::Denied,
        code: Some(own()),
        status: Some(403),
        message: own(),
        request_id: Some(own()),
    };
    let repair = || PolicyRepair { lost: vec!["s3:GetObject".to_owned()], wanted: json(), document: Some(json()) };
    let objects = |trouble| key(text, Under::Objects, trouble, true);
    let wide = |enforced| {
        let grant = Grant { action: own(), resources: vec![own(); 3] };
        let ours = WideStatement { statement: statement(), beyond: Beyond::Actions(vec![grant]) };
        Evidence::Wider { enforced, ours: vec![ours], diff: Some(format!("--- a\n+++ b\n+{}", json())) }
    };
    let deny = || Deny {
        rcp: None,
        statement: statement(),
        identity: own(),
        applies: applies(text),
        hits: vec![Hit { action: "s3:GetObject".to_owned(), key: Some(own()), server: true, browser: false }],
        role: ROLE.to_owned(),
    };
    match kind {
        Kind::PolicyMissing => Evidence::PolicyMissing { has_policy: true, repair: repair() },
        Kind::PolicyGutted => {
            let ours = OurStatement { statement: statement(), flaw: None };
            Evidence::PolicyGutted { ours: vec![ours], repair: repair() }
        }
        Kind::PolicyWidened => wide(true),
        Kind::WiderThanContract => wide(false),
        Kind::CorsMissing => {
            let near = NearMiss { index: 0, id: Some(own()), lacks: Lack::Origin { written: own() } };
            Evidence::CorsMissing { origin: own(), rules: 1, near: vec![near], proposed: json() }
        }
        Kind::EventsOff => Evidence::NoEvents { enable: true },
        Kind::NoObjectEvents => Evidence::NoEvents { enable: false },
        Kind::ExplicitDeny => Evidence::ExplicitDeny(deny()),
        Kind::PartDenied => Evidence::PartDenied(deny()),
        Kind::PublicBlock => {
            Evidence::PublicBlock { restricted: Some(true), public: Some(true), statements: vec![statement(); 3] }
        }
        Kind::ObjectOwnership => Evidence::ObjectOwnership { seen: Extent::Bucket },
        Kind::RequesterPays => Evidence::RequesterPays,
        Kind::DefaultEncryption => key(text, Under::NewObjects, KeyTrouble::NotAllowed, true),
        Kind::AliasEncryption => Evidence::AliasEncryption { name: own(), access: Access::ReadWrite },
        Kind::BucketNameDot => Evidence::BucketNameDot,
        Kind::PolicyLimit => Evidence::PolicyLimit { bytes: 20_481, most: 20_480 },
        Kind::CorsLimit => Evidence::CorsLimit { origin: own(), limit: CorsLimit::Rules { most: 100 } },
        Kind::PolicyUnreadable => Evidence::PolicyUnreadable { why: own() },
        Kind::DeadPrincipal => Evidence::DeadPrincipal { statements: vec![statement(); 3], call: call() },
        Kind::ConditionOnOurs => Evidence::ConditionOnOurs { statement: statement(), decision: Decision::Denied },
        Kind::SidTaken => Evidence::SidTaken { statement: statement() },
        Kind::AccessUncertain => Evidence::Uncertain(Doubt::Elements { statement: statement(), names: vec![own(); 3] }),
        Kind::RoleMissing => Evidence::RoleMissing { role: own(), call: call() },
        Kind::KeyDenied => objects(KeyTrouble::NotAllowed),
        Kind::KeyState => objects(KeyTrouble::State(own())),
        Kind::AwsManagedKey => objects(KeyTrouble::AwsManaged),
        Kind::ForeignKey => objects(KeyTrouble::Foreign(own())),
        Kind::SseC => Evidence::SseC { key: own() },
        Kind::Archived => Evidence::Archived { key: own(), class: own() },
        Kind::ObjectDenied => Evidence::ObjectDenied { by: own() },
        Kind::GuardDenied => Evidence::Refused { call: call(), purpose: Purpose::Write, key: Some(own()) },
        Kind::WrongOwner => Evidence::WrongOwner { call: call() },
        Kind::WrongRegion => Evidence::WrongRegion { call: call() },
        Kind::NoSuchBucket => Evidence::NoSuchBucket { call: call() },
        Kind::BlockPublicPolicy => Evidence::BlockPublicPolicy { call: call() },
        Kind::WriteFailed => Evidence::WriteFailed { call: call() },
        Kind::Paused => Evidence::Paused { unreadable: Some(call()) },
        Kind::LostUpdate => Evidence::LostUpdate(LostUpdate {
            subject: Subject::Policy,
            id: own(),
            change: own(),
            changed: Timestamp::default(),
            begun: Timestamp::from_millis(1_000),
            theirs: json(),
            ours: json(),
            difference: json(),
            wanted: json(),
        }),
        Kind::Contested => {
            let actor = Actor { arn: Some(own()), user_agent: Some(own()), ..Actor::default() };
            Evidence::Contested { actor: Some(actor), limit: 3, window_s: 3_600 }
        }
        Kind::NoConfigEvents => Evidence::NoConfigEvents { operation: Operation::PutBucketPolicy },
        Kind::HistoryFull => Evidence::HistoryFull { forgotten: 7 },
        Kind::KnownKeysFull => Evidence::KnownKeysFull { key: own(), foreign: true, limit: 20 },
        Kind::NeverScanned => {
            Evidence::NeverScanned { keys: 2, since: Some(Timestamp::from_millis(1_798_761_600_000)) }
        }
        Kind::Acknowledged => {
            Evidence::Acknowledged { incident: own(), of: own(), until: Timestamp::from_millis(1_798_761_600_000) }
        }
        Kind::NoSubscription => Evidence::NoSubscription { topic: Some(own()) },
        Kind::StateUnreadable => Evidence::StateUnreadable { error: own() },
        Kind::TableUnreachable => Evidence::TableUnreachable { error: own() },
        Kind::TestAlert => Evidence::TestAlert,
    }
}

#[test]
fn evidence_gives_the_kind_that_it_is_of_and_a_severity_of_that_kind() {
    for kind in Kind::ALL {
        let found = finding(*kind, "a");
        assert_eq!(found.kind(), *kind);
        assert!(found.is_listed(), "{kind}: {:?}", found.severity);
        assert!(!found.cause.is_empty() || *kind == Kind::AccessUncertain, "{kind}");
    }
}

#[test]
fn a_finding_comes_back_from_its_json_as_it_was() {
    for kind in Kind::ALL {
        let found = finding(*kind, "\"a\"\n\u{202e}ä");
        let text = serde_json::to_string(&found).unwrap();
        let read: Finding = serde_json::from_str(&text).unwrap();
        assert_eq!(Finding { cause: found.cause.clone(), ..read }, found, "{kind}");
    }
}

/// What DynamoDB counts of a report that a store keeps.
fn kept(found: Finding) -> (Report, usize) {
    let report = Report::from(&Sighting::of("acme-lidar", found));
    let size = serde_json::to_string(&report).unwrap().len() + report.finding.cause.len();
    (report, size)
}

#[test]
fn what_is_kept_of_evidence_is_bounded_and_stays_evidence_of_its_kind() {
    // A control character takes six bytes of JSON.
    let long = "\u{1}".repeat(80_000);
    for kind in Kind::ALL {
        let mut found = finding(*kind, &long);
        found.because = vec![found.because; 20].concat();
        let (report, size) = kept(found);
        assert_eq!(report.finding.kind(), *kind);
        assert!(size < 300_000, "{kind}: {size}");
    }
    let Evidence::ExplicitDeny(mut deny) = evidence(Kind::ExplicitDeny, "a") else { panic!() };
    let hit = Hit { action: "s3:GetObject".to_owned(), key: Some("k".repeat(1_024)), server: true, browser: true };
    deny.hits = vec![hit; 5_000];
    let (report, size) = kept(Finding::of(Evidence::ExplicitDeny(deny)));
    let Evidence::ExplicitDeny(deny) = report.finding.evidence else { panic!() };
    assert!(size < 300_000 && deny.hits.len() > 100, "{size} bytes, {} hits", deny.hits.len());
}

#[test]
fn what_fits_is_kept_whole() {
    for kind in Kind::ALL {
        let found = finding(*kind, &"\"ä\" ".repeat(200));
        let (report, _) = kept(found.clone());
        assert_eq!(Finding { cause: found.cause.clone(), ..report.finding }, found, "{kind}");
    }
}
