//! Every kind as it occurs, in every situation that a message is sent in.

use super::kinds::{change, ended, of_objects, reads};
use crate::evidence::ROLE;
use darwin_s3_guard::incident::life::{Ending, Healed, Incident, Report, Sighting, Status};
use darwin_s3_guard::model::actor::Actor;
use darwin_s3_guard::model::arn::AccountId;
use darwin_s3_guard::model::aws::{AwsError, ErrorClass, Operation};
use darwin_s3_guard::model::change::Subject;
use darwin_s3_guard::model::contract::{Access, Home, Mode};
use darwin_s3_guard::model::evidence::{
    Beyond, CorsLimit, Deny, Doubt, Evidence, Extent, Grant, Hit, KeyEvidence, KeyTrouble, Lack, LostUpdate, NearMiss,
    OurStatement, PolicyRepair, Purpose, Under, WideStatement,
};
use darwin_s3_guard::model::finding::{Finding, Kind};
use darwin_s3_guard::model::outcome::{Action, ActionResult, Refusal};
use darwin_s3_guard::model::time::Timestamp;
use darwin_s3_guard::model::unknown::Unknown;
use darwin_s3_guard::model::verdict::{Basis, Decision, Document, Effect, Reason};
use darwin_s3_guard::model::why::{Applies, Element, Few, Gate, Known, Miss, Near, NoAllow, Part, StatementName, Test};
use darwin_s3_guard::report::message::message;
use darwin_s3_guard::report::notice::{Context, Notice};
use serde_json::{Value, json};
use std::time::Duration;

pub const NOW: Timestamp = Timestamp::from_millis(1_795_521_900_000);
const MINUTE: Duration = Duration::from_mins(1);
const KEYS: [&str; 2] = ["raw/2026-11-24/frame-0001.png", "raw/2026-11-24/frame-0002.png"];
pub const BUCKET: &str = "acme-lidar";
const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const ORIGIN: &str = "https://darwin.v7labs.com";

pub fn context(mode: Mode) -> Context {
    let home = Home {
        account: AccountId::parse("111122223333").unwrap(),
        region: "eu-central-1".into(),
        partition: "aws".into(),
        function: Some("darwin-s3-guard-Guard-1A2B".into()),
    };
    Context { home, mode, topic_arn: Some("arn:aws:sns:eu-central-1:111122223333:darwin-alerts".into()) }
}

fn named(index: usize, sid: &str) -> StatementName {
    StatementName { index, sid: Some(sid.to_owned()) }
}

fn ours() -> String {
    serde_json::to_string_pretty(&json!({"Sid": "DarwinAccess", "Effect": "Allow", "Principal": {"AWS": ROLE},
        "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::acme-lidar/*"}))
    .unwrap()
}

fn repair(lost: &[&str], theirs: bool) -> PolicyRepair {
    let backup = r#"{"Sid":"NightlyBackup","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/backup"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-lidar/*"},"#;
    let backup = if theirs { backup } else { "" };
    PolicyRepair {
        lost: lost.iter().map(|action| (*action).to_owned()).collect(),
        wanted: ours(),
        document: Some(format!("{{\"Version\":\"2012-10-17\",\"Statement\":[{backup}{}]}}", ours())),
    }
}

fn refused(operation: Operation, code: &str, status: u16, message: &str) -> AwsError {
    AwsError {
        operation,
        class: match status {
            500.. => ErrorClass::Transient,
            403 => ErrorClass::Denied,
            404 => ErrorClass::NotFound,
            _ => ErrorClass::Permanent,
        },
        code: Some(code.to_owned()),
        status: Some(status),
        message: message.to_owned(),
        request_id: Some("79104EXAMPLEB723".to_owned()),
    }
}

fn few(texts: &[&str]) -> Few {
    Few { first: texts.iter().map(|text| (*text).to_owned()).collect(), more: 0 }
}

fn deny(applies: Applies, key: Option<&str>) -> Deny {
    let hit = Hit { action: "s3:GetObject".to_owned(), key: key.map(str::to_owned), server: true, browser: true };
    let (statement, identity) = (named(1, "DenyOutsideVpc"), "DenyOutsideVpc".to_owned());
    Deny { statement, rcp: None, identity, applies, hits: vec![hit], role: ROLE.to_owned() }
}

fn only_vpc() -> Applies {
    let test = Test {
        operator: "StringNotEquals".to_owned(),
        key: "aws:SourceVpce".to_owned(),
        values: few(&["vpce-1a2b3c4d"]),
        known: Known::Absent,
    };
    Applies { except: Vec::new(), conditions: vec![test], open: Vec::new() }
}

/// No statement of the key policy or bucket policy names Darwin's role.
fn nobody(document: Document, sid: &str, principal: &str) -> Reason {
    let has = Element { part: Part::Principal, negated: false, texts: Some(few(&[principal])) };
    let near = Near { statement: named(0, sid), misses: vec![Miss::Element { has, asked: ROLE.to_owned() }] };
    Basis::NothingAllows { document, why: NoAllow::Near { nearest: vec![near], more: 0 } }.into()
}

fn key(under: Under, trouble: KeyTrouble, because: Vec<Reason>) -> Finding {
    let evidence = Evidence::Key(KeyEvidence {
        key: KEY.to_owned(),
        under,
        trouble,
        certain: true,
        role: ROLE.to_owned(),
        access: Access::ReadWrite,
        refused: Vec::new(),
    });
    Finding::with(evidence, because, Vec::new())
}

fn no_use() -> Vec<Reason> {
    vec![nobody(Document::KeyPolicy, "Enable IAM User Permissions", "arn:aws:iam::111122223333:root")]
}

/// A finding of the kind as it occurs.
fn found(kind: Kind) -> Finding {
    let put = |code: &str, status, message: &str| refused(Operation::PutBucketPolicy, code, status, message);
    let root = "arn:aws:iam::111122223333:root";
    Finding::of(match kind {
        Kind::PolicyMissing => {
            let because = nobody(Document::BucketPolicy, "NightlyBackup", "arn:aws:iam::111122223333:role/backup");
            let repair = repair(&["s3:GetObject", "s3:PutObject"], true);
            return Finding::with(Evidence::PolicyMissing { has_policy: true, repair }, vec![because], Vec::new());
        }
        Kind::PolicyGutted => {
            let has = Element { part: Part::Action, negated: false, texts: Some(few(&["s3:GetObject"])) };
            let miss = Miss::Element { has, asked: "s3:PutObject".to_owned() };
            let near = Near { statement: named(1, "DarwinAccess"), misses: vec![miss] };
            let why = NoAllow::Near { nearest: vec![near], more: 0 };
            let because = Basis::NothingAllows { document: Document::BucketPolicy, why }.into();
            let ours = vec![OurStatement { statement: named(1, "DarwinAccess"), flaw: None }];
            let repair = repair(&["s3:PutObject"], true);
            return Finding::with(Evidence::PolicyGutted { ours, repair }, vec![because], Vec::new());
        }
        Kind::PolicyWidened | Kind::WiderThanContract => {
            let grant =
                Grant { action: "s3:DeleteObject".to_owned(), resources: vec!["arn:aws:s3:::acme-lidar/*".to_owned()] };
            let ours = WideStatement { statement: named(0, "DarwinAccess"), beyond: Beyond::Actions(vec![grant]) };
            let diff = "--- a/acme-lidar/policy\n+++ b/acme-lidar/policy\n@@ -8,3 +8,2 @@\n         \"s3:GetObject\",\n-        \"s3:PutObject\",\n-        \"s3:DeleteObject\"\n+        \"s3:PutObject\"\n";
            Evidence::Wider { enforced: kind == Kind::PolicyWidened, ours: vec![ours], diff: Some(diff.to_owned()) }
        }
        Kind::CorsMissing => {
            let written = "https://Darwin.v7labs.com".to_owned();
            let near =
                NearMiss { index: 0, id: Some("darwin".to_owned()), lacks: Lack::Origin { written: written.clone() } };
            let proposed = json!([
                {"ID": "darwin", "AllowedHeaders": ["*"], "AllowedMethods": ["GET"], "AllowedOrigins": [written]},
                {"AllowedHeaders": ["*"], "AllowedMethods": ["GET"], "AllowedOrigins": [ORIGIN]}]);
            let proposed = serde_json::to_string_pretty(&proposed).unwrap();
            Evidence::CorsMissing { origin: ORIGIN.to_owned(), rules: 1, near: vec![near], proposed }
        }
        Kind::EventsOff => Evidence::NoEvents { enable: true },
        Kind::NoObjectEvents => Evidence::NoEvents { enable: false },
        Kind::ExplicitDeny => Evidence::ExplicitDeny(deny(only_vpc(), None)),
        Kind::PartDenied => Evidence::PartDenied(deny(Applies::default(), Some("private/*"))),
        Kind::PublicBlock => Evidence::PublicBlock {
            restricted: Some(true),
            public: Some(true),
            statements: vec![named(1, "PublicRead")],
        },
        Kind::ObjectOwnership => {
            let because = vec![Gate::Unread(Unknown::ObjectAcl).into()];
            return Finding::with(
                Evidence::ObjectOwnership { seen: Extent::Object },
                because,
                vec![Unknown::ObjectAcl],
            );
        }
        Kind::RequesterPays => Evidence::RequesterPays,
        Kind::DefaultEncryption => return key(Under::NewObjects, KeyTrouble::NotAllowed, no_use()),
        Kind::AliasEncryption => {
            Evidence::AliasEncryption { name: "alias/images".to_owned(), access: Access::ReadWrite }
        }
        Kind::BucketNameDot => Evidence::BucketNameDot,
        Kind::PolicyLimit => Evidence::PolicyLimit { bytes: 20_731, most: 20_480 },
        Kind::CorsLimit => Evidence::CorsLimit { origin: ORIGIN.to_owned(), limit: CorsLimit::Rules { most: 100 } },
        Kind::PolicyUnreadable => Evidence::PolicyUnreadable { why: "has `Statement` twice".to_owned() },
        Kind::DeadPrincipal => Evidence::DeadPrincipal {
            statements: vec![named(2, "OldEtl")],
            call: put("MalformedPolicy", 400, "Invalid principal in policy"),
        },
        Kind::ConditionOnOurs => {
            Evidence::ConditionOnOurs { statement: named(1, "DarwinAccess"), decision: Decision::Denied }
        }
        Kind::SidTaken => Evidence::SidTaken { statement: named(2, "DarwinAccess") },
        Kind::AccessUncertain => {
            return Finding::with(
                Evidence::Uncertain(Doubt::Reading),
                vec![Reason::from(Basis::Statement {
                    document: Document::BucketPolicy,
                    statement: named(1, "OfficeOnly"),
                    effect: Effect::Deny,
                    certain: false,
                    applies: Applies {
                        except: Vec::new(),
                        conditions: Vec::new(),
                        open: vec![Unknown::Key("aws:SourceIp".into())],
                    },
                })],
                vec![Unknown::Key("aws:SourceIp".into())],
            );
        }
        Kind::RoleMissing => Evidence::RoleMissing {
            role: ROLE.to_owned(),
            call: put("MalformedPolicy", 400, "Invalid principal in policy"),
        },
        Kind::KeyDenied => return key(Under::Objects, KeyTrouble::NotAllowed, no_use()),
        Kind::KeyState => {
            let because = Gate::KeyState { state: "PendingDeletion".to_owned() }.into();
            return key(Under::Objects, KeyTrouble::State("PendingDeletion".to_owned()), vec![because]);
        }
        Kind::AwsManagedKey => {
            return key(
                Under::Objects,
                KeyTrouble::AwsManaged,
                vec![Gate::AwsManagedKey { key: KEY.to_owned() }.into()],
            );
        }
        Kind::ForeignKey => {
            let unread = |of| Reason::from(Gate::Unread(of));
            let because = vec![unread(Unknown::KeyPolicy), unread(Unknown::Grants)];
            let finding = key(Under::Objects, KeyTrouble::Foreign("444455556666".to_owned()), because);
            let Evidence::Key(evidence) = finding.evidence else { unreachable!() };
            let evidence = KeyEvidence {
                key: KEY.replace("111122223333", "444455556666"),
                certain: false,
                refused: vec![refused(Operation::DescribeKey, "AccessDeniedException", 400, "not authorized")],
                ..evidence
            };
            return Finding::with(Evidence::Key(evidence), finding.because, vec![Unknown::KeyPolicy, Unknown::Grants]);
        }
        Kind::SseC => {
            return Finding::with(Evidence::SseC { key: KEYS[0].to_owned() }, vec![Gate::SseC.into()], Vec::new());
        }
        Kind::Archived => {
            let gate = Gate::Archived { class: "GLACIER".to_owned(), status: None };
            let evidence = Evidence::Archived { key: KEYS[0].to_owned(), class: "GLACIER".to_owned() };
            return Finding::with(evidence, vec![gate.into()], Vec::new());
        }
        Kind::ObjectDenied => {
            let denied = Basis::Statement {
                document: Document::BucketPolicy,
                statement: named(1, "FrozenPart"),
                effect: Effect::Deny,
                certain: true,
                applies: Applies::default(),
            };
            let evidence = Evidence::ObjectDenied { by: "FrozenPart".to_owned() };
            return Finding::with(evidence, vec![denied.into()], Vec::new());
        }
        Kind::GuardDenied => Evidence::Refused {
            call: put(
                "AccessDenied",
                403,
                "User: arn:aws:sts::111122223333:assumed-role/darwin-s3-guard-GuardRole-1A2B/darwin-s3-guard-guard is not authorized to perform: s3:PutBucketPolicy on resource: \"arn:aws:s3:::acme-lidar\" with an explicit deny in a service control policy",
            ),
            purpose: Purpose::Write,
            key: None,
        },
        Kind::WrongOwner => {
            Evidence::WrongOwner { call: refused(Operation::GetBucketPolicy, "AccessDenied", 403, "Access Denied") }
        }
        Kind::WrongRegion => Evidence::WrongRegion {
            call: refused(
                Operation::GetBucketPolicy,
                "AuthorizationHeaderMalformed",
                400,
                "The authorization header is malformed; the region 'eu-central-1' is wrong; expecting 'us-east-1'",
            ),
        },
        Kind::NoSuchBucket => Evidence::NoSuchBucket {
            call: refused(Operation::GetBucketPolicy, "NoSuchBucket", 404, "The specified bucket does not exist"),
        },
        Kind::BlockPublicPolicy => {
            Evidence::BlockPublicPolicy { call: put("AccessDenied", 403, "public policies are blocked") }
        }
        Kind::WriteFailed => {
            Evidence::WriteFailed { call: put("InternalError", 500, "We encountered an internal error") }
        }
        Kind::Paused => Evidence::Paused { unreadable: None },
        Kind::LostUpdate => {
            let theirs = format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"Etl","Effect":"Allow","Principal":{{"AWS":"{root}"}},"Action":"s3:ListBucket","Resource":"arn:aws:s3:::acme-lidar"}}]}}"#
            );
            let wanted = theirs.replace("]}", &format!(",{}]}}", ours()));
            Evidence::LostUpdate(LostUpdate {
                subject: Subject::Policy,
                id: "5c1f0f6e-2b5e-4b8e-9a54-0e8f3c5d7a11".to_owned(),
                change: "PutBucketPolicy".to_owned(),
                changed: NOW - 6 * MINUTE,
                begun: NOW - 6 * MINUTE + Duration::from_millis(400),
                theirs,
                ours: format!("{{\"Version\":\"2012-10-17\",\"Statement\":[{}]}}", ours()),
                difference: "--- theirs\n+++ the guard's\n-  \"Sid\": \"Etl\"\n".to_owned(),
                wanted,
            })
        }
        Kind::Contested => Evidence::Contested { actor: Some(terraform()), limit: 3, window_s: 3_600 },
        Kind::HistoryFull => Evidence::HistoryFull { forgotten: 44 },
        Kind::StateUnreadable => {
            Evidence::StateUnreadable { error: "item `bucket#acme-lidar` / `incident#1` is of format 9".to_owned() }
        }
        Kind::NoConfigEvents => Evidence::NoConfigEvents { operation: Operation::PutBucketPolicy },
        Kind::KnownKeysFull => Evidence::KnownKeysFull {
            key: "arn:aws:kms:eu-central-1:999988887777:key/1a2b3c4d".to_owned(),
            foreign: true,
            limit: 20,
        },
        Kind::NeverScanned => Evidence::NeverScanned { keys: 3, since: Some(NOW - 2 * 24 * 60 * MINUTE) },
        Kind::Acknowledged => Evidence::Acknowledged {
            incident: "part-denied/e4edcc8adf8c84b0d23fed63decb2f16".to_owned(),
            of: "part-denied".to_owned(),
            until: NOW + 3 * 24 * 60 * MINUTE,
        },
        Kind::NoSubscription => {
            Evidence::NoSubscription { topic: Some("arn:aws:sns:eu-central-1:111122223333:darwin-alerts".to_owned()) }
        }
        Kind::TableUnreachable => Evidence::TableUnreachable {
            error: refused(Operation::GetItem, "ResourceNotFoundException", 400, "Requested resource not found")
                .to_string(),
        },
        Kind::TestAlert => Evidence::TestAlert,
    })
}

fn terraform() -> Actor {
    Actor {
        arn: Some("arn:aws:sts::111122223333:assumed-role/deploy/ci-4711".into()),
        session_issuer: Some("arn:aws:iam::111122223333:role/deploy".into()),
        source_ip: Some("192.0.2.7".into()),
        user_agent: Some("APN/1.0 HashiCorp/1.0 Terraform/1.9.8 (+https://www.terraform.io)".into()),
        time: Some("2026-11-24T11:59:58Z".into()),
        event_id: Some("5c1f0f6e-2b5e-4b8e-9a54-0e8f3c5d7a11".into()),
    }
}

fn ann() -> Actor {
    Actor {
        arn: Some("arn:aws:iam::111122223333:user/ann".into()),
        session_issuer: None,
        source_ip: Some("198.51.100.20".into()),
        user_agent: Some("[S3Console/0.4, aws-internal/3]".into()),
        time: Some("2026-11-24T12:03:10Z".into()),
        event_id: Some("0d9b4c37-8f3e-4d06-8b0b-3f1b8e0f2c22".into()),
    }
}

/// A situation that a message is sent in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Situation {
    Opened,
    Repaired,
    Refused(Refusal),
    Reminded,
    Resolved,
    Test,
}

pub fn situations(kind: Kind) -> Vec<Situation> {
    match kind {
        Kind::TestAlert => return vec![Situation::Test],
        // Of audits alone: no message is sent about them.
        Kind::NoSubscription | Kind::NeverScanned | Kind::Acknowledged => return vec![Situation::Opened],
        _ => {}
    }
    let mut all = vec![Situation::Opened];
    if kind.is_drift() {
        all.push(Situation::Repaired);
        all.extend([Refusal::Mode, Refusal::PauseTag, Refusal::Contest].map(Situation::Refused));
    }
    if incident(kind, Situation::Opened).reminds() {
        all.push(Situation::Reminded);
    }
    all.push(Situation::Resolved);
    all
}

pub fn incident(kind: Kind, situation: Situation) -> Incident {
    let mut finding = found(kind);
    let bucket = if kind == Kind::BucketNameDot { "acme.lidar" } else { BUCKET };
    let operation = match kind {
        Kind::CorsMissing => Operation::PutBucketCors,
        Kind::EventsOff => Operation::PutBucketNotificationConfiguration,
        _ => Operation::PutBucketPolicy,
    };
    let (result, refused_by) = match situation {
        Situation::Repaired => (Some(ActionResult::Done), None),
        Situation::Refused(by) => (Some(ActionResult::Refused), Some(by)),
        Situation::Opened if kind.is_drift() => (Some(ActionResult::Failed), None),
        Situation::Resolved | Situation::Reminded if kind.is_drift() => {
            (Some(ActionResult::Refused), Some(Refusal::Mode))
        }
        _ => (None, None),
    };
    let aged = ended(kind).0 == Ending::Aged;
    let opened = match situation {
        Situation::Resolved if aged => NOW - 26 * 60 * MINUTE,
        Situation::Reminded => NOW - 49 * 60 * MINUTE,
        Situation::Resolved => NOW - 30 * MINUTE,
        _ => NOW - 4 * MINUTE,
    };
    if let Evidence::LostUpdate(lost) = &mut finding.evidence {
        lost.changed = opened - 2 * MINUTE;
        lost.begun = lost.changed + Duration::from_millis(400);
    }
    let changed = Actor { time: Some((opened - 2 * MINUTE).to_string()), ..terraform() };
    let sighting = Sighting {
        sample_keys: if of_objects(kind) { KEYS.map(str::to_owned).to_vec() } else { Vec::new() },
        actor: change(kind).map(|_| changed),
        change: change(kind).map(str::to_owned),
        did: result.map(|result| Action { operation, result, refused_by }).into_iter().collect(),
        mended: situation == Situation::Repaired,
        read: Some(if reads(kind) || situation == Situation::Repaired { Decision::Allowed } else { Decision::Denied }),
        ..Sighting::of(bucket, finding)
    };
    let (shown_by, ended) = ended(kind);
    let healed =
        Healed { actor: ended.map(|_| ann()), change: ended.map(str::to_owned), ..Healed::of(NOW - MINUTE, shown_by) };
    Incident {
        fingerprint: sighting.fingerprint(),
        bucket: bucket.into(),
        cause: sighting.finding.cause.clone(),
        report: Report::from(&sighting),
        opened,
        last_seen: match situation {
            Situation::Resolved if aged => NOW - 25 * 60 * MINUTE,
            Situation::Resolved => NOW - 2 * MINUTE,
            _ => NOW,
        },
        seen: if of_objects(kind) { 40 } else { 1 },
        told: None,
        claimed: Some(NOW),
        healed: (situation == Situation::Resolved).then_some(healed),
        flaps: 0,
        quiet_until: None,
    }
}

/// The forms of a message: subject, email, card, JSON.
pub struct Sent {
    pub subject: String,
    pub email: String,
    pub card: Value,
    pub document: Value,
}

pub fn sent(kind: Kind, situation: Situation) -> Sent {
    let incident = incident(kind, situation);
    let status = match situation {
        Situation::Opened | Situation::Refused(_) => Status::Opened,
        Situation::Repaired => Status::Repaired,
        Situation::Reminded => Status::Reminder,
        Situation::Resolved => Status::Resolved,
        Situation::Test => Status::Test,
    };
    let mode = if situation == Situation::Refused(Refusal::Mode) { Mode::Flag } else { Mode::Repair };
    let notice = Notice { status, incident: &incident, context: &context(mode), stateless: false, now: NOW };
    let message = message(&[notice]).unwrap();
    let body: Value = serde_json::from_str(&message.body).unwrap();
    let parsed = |form: &str| serde_json::from_str(body[form].as_str().unwrap()).unwrap();
    Sent {
        subject: message.subject,
        email: body["email"].as_str().unwrap().to_owned(),
        card: parsed("https"),
        document: parsed("default"),
    }
}
