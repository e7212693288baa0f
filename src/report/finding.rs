//! A finding in words: what was found and why, and what to do about it.
//!
//! Must never decide anything: kind, severity and cause come with the finding.

use crate::model::actor::Actor;
use crate::model::aws::{AwsError, Operation};
use crate::model::contract::{Access, Home};
use crate::model::evidence::{
    Beyond, CorsLimit, Deny, Doubt, Evidence, Extent, Flaw, Grant, Hit, KeyEvidence, Lack, LostUpdate, NearMiss,
    OurStatement, Purpose, Under, WideStatement,
};
use crate::model::finding::{Finding, Kind, Severity};
use crate::model::text::{counted, with_wildcards};
use crate::model::time::Timestamp;
use crate::model::verdict::{Decision, Effect, Reader};
use crate::model::why::StatementName;
use crate::report::actor;
use crate::report::reason::{self, how, sentences};
use crate::report::remedy::remedy;
use crate::report::text::{code, moment, name, span, statement, subject};
use crate::report::words::headline;
use serde::Serialize;
use std::time::Duration;

/// A finding as answers and messages have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "cli", derive(serde::Deserialize))]
pub struct FindingAnswer {
    pub kind: Kind,
    pub severity: Severity,
    /// What is the matter, in a few words that follow the bucket's name.
    pub title: String,
    /// Sentences for a person: which statement, key, rule or setting, and why.
    pub because: Vec<String>,
    /// What the verdict depends on, for a `depends`.
    pub depends_on: Vec<String>,
    /// What to do, ready to paste.
    pub remedy: String,
    /// Whom alone it stops, where Darwin's servers and the annotator's browser fare differently. Of no form but the page.
    #[serde(skip)]
    pub reader: Option<Reader>,
    /// The guard's own call that was refused, so that what it would have read is shown as not read. Of no form but table and page.
    #[serde(skip)]
    pub refused: Option<Operation>,
}

/// What a finding is to Darwin's access, the mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// For the record.
    Record,
    /// An open question.
    Open,
    /// Known to be wrong.
    Wrong,
    /// Known to be in Darwin's way.
    InTheWay,
}

impl FindingAnswer {
    pub fn weight(&self) -> Weight {
        match self.severity {
            Severity::Info => Weight::Record,
            Severity::Warning if !self.depends_on.is_empty() => Weight::Open,
            Severity::Warning => Weight::Wrong,
            Severity::Critical => Weight::InTheWay,
        }
    }
}

/// The finding of a bucket in words.
pub fn words(finding: &Finding, bucket: &str, home: &Home) -> FindingAnswer {
    FindingAnswer {
        kind: finding.kind(),
        severity: finding.severity,
        title: headline(finding, None),
        because: because(finding, bucket, home),
        depends_on: finding.depends_on.iter().map(ToString::to_string).collect(),
        remedy: remedy(finding, bucket, home).text(),
        reader: reader(finding),
        refused: match &finding.evidence {
            Evidence::Refused { call, .. } => Some(call.operation),
            _ => None,
        },
    }
}

fn reader(finding: &Finding) -> Option<Reader> {
    if let Evidence::ExplicitDeny(deny) | Evidence::PartDenied(deny) = &finding.evidence {
        let (server, browser) = (deny.hits.iter().any(|hit| hit.server), deny.hits.iter().any(|hit| hit.browser));
        return match (server, browser) {
            (true, false) => Some(Reader::Server),
            (false, true) => Some(Reader::Browser),
            _ => None,
        };
    }
    let (first, others) = finding.because.split_first()?;
    if others.iter().all(|reason| reason.reader == first.reader) { first.reader } else { None }
}

/// Findings of a bucket in words.
pub fn all(findings: &[Finding], bucket: &str, home: &Home) -> Vec<FindingAnswer> {
    findings.iter().map(|finding| words(finding, bucket, home)).collect()
}

/// How many of the things that a Deny takes are listed; the others are counted.
const HITS: usize = 5;

#[expect(clippy::too_many_lines, reason = "a row a kind of evidence")]
fn because(finding: &Finding, bucket: &str, home: &Home) -> Vec<String> {
    let one = |sentence: &str| vec![sentence.to_owned()];
    let mut because = match &finding.evidence {
        Evidence::PolicyMissing { has_policy: false, .. } => one("the bucket has no policy"),
        Evidence::PolicyMissing { has_policy: true, repair } => {
            vec![format!("Darwin's statement is missing, and no other statement allows {}", either(&repair.lost))]
        }
        Evidence::PolicyGutted { ours, repair } => vec![format!(
            "Darwin's statement no longer allows {}: {}",
            either(&repair.lost),
            list(ours.iter().map(gutted))
        )],
        Evidence::Wider { ours, .. } => ours.iter().map(wider).collect(),
        Evidence::CorsMissing { origin, rules, near, proposed: _ } => cors_missing(origin, *rules, near),
        Evidence::NoEvents { .. } => one("the bucket sends its events neither to EventBridge nor to any other target"),
        Evidence::ExplicitDeny(deny) | Evidence::PartDenied(deny) => explicit_deny(deny, bucket, home),
        Evidence::PublicBlock { restricted, public, statements } => public_block(*restricted, *public, statements),
        Evidence::ObjectOwnership { seen: Extent::Bucket } => one(
            "object ownership is not BucketOwnerEnforced: the bucket policy does not reach objects that another account \
             uploads",
        ),
        Evidence::RequesterPays => {
            one("requester pays is on: S3 refuses every request that does not offer to pay, as Darwin's do not")
        }
        Evidence::ManagedDefaultKey { named, access, role: _ } => managed_default(*named, *access),
        Evidence::Key(key) => return under_key(key, finding),
        Evidence::AliasEncryption { name, access: _ } => vec![format!(
            "the default encryption names its key {}: what is no key ARN is looked up in the writer's account, so Darwin's \
             writes look for it in V7's account",
            code(name)
        )],
        Evidence::BucketNameDot => {
            vec![format!("the name {} has a dot: the HTTPS certificate of S3 does not cover such a name", code(bucket))]
        }
        Evidence::PolicyLimit { bytes, most } => {
            vec![format!("with Darwin's statement the policy would have {bytes} bytes without spaces; S3 takes {most}")]
        }
        Evidence::CorsLimit { origin, limit } => vec![cors_limit(origin, *limit)],
        Evidence::PolicyUnreadable { why } => vec![format!("the policy {why}, so the guard does not edit it")],
        Evidence::DeadPrincipal { statements, call } => vec![
            format!(
                "{} names a principal that was deleted, and S3 refuses every write of such a policy",
                list(statements.iter().map(statement))
            ),
            call.to_string(),
        ],
        Evidence::ConditionOnOurs { statement, decision } => vec![condition(statement, *decision)],
        Evidence::SidTaken { statement: taken } => vec![format!(
            "{} has Darwin's Sid, but it is not an Allow with Darwin's role as its only principal",
            statement(taken)
        )],
        Evidence::Uncertain(doubt) => uncertain(doubt),
        Evidence::RoleMissing { role, call } => vec![
            format!("S3 refuses the policy with Darwin's statement: the role {} probably does not exist", code(role)),
            call.to_string(),
        ],
        Evidence::ObjectOwnership { seen: Extent::Object }
        | Evidence::SseC { .. }
        | Evidence::Archived { .. }
        | Evidence::ObjectDenied { .. } => Vec::new(),
        Evidence::Refused { call, purpose, key: _ } => refused(call, *purpose),
        Evidence::WrongOwner { call } => vec![
            format!(
                "each call of the guard says that account {} owns the bucket, and S3 refuses all of them",
                home.account
            ),
            call.to_string(),
        ],
        Evidence::WrongRegion { call } | Evidence::NoSuchBucket { call } | Evidence::WriteFailed { call } => {
            vec![call.to_string()]
        }
        Evidence::BlockPublicPolicy { call } => vec![
            "BlockPublicPolicy is on and another statement may be public: S3 refuses every write of such a policy"
                .to_owned(),
            call.to_string(),
        ],
        Evidence::Paused { unreadable } => vec![paused(unreadable.as_ref())],
        Evidence::LostUpdate(lost) => lost_update(lost),
        Evidence::Contested { actor, limit, window_s } => contested(actor.as_ref(), *limit, *window_s, home),
        Evidence::NoConfigEvents { operation } => vec![format!(
            "the guard called {}, and its CloudTrail event never arrived: no trail delivers such events to EventBridge",
            code(&operation.to_string())
        )],
        Evidence::HistoryFull { .. }
        | Evidence::KnownKeysFull { .. }
        | Evidence::NeverScanned { .. }
        | Evidence::Acknowledged { .. } => remembered(&finding.evidence).into_iter().collect(),
        Evidence::NoSubscription { .. } => {
            one("no subscription of the alert topic is confirmed, so nobody gets a message")
        }
        Evidence::StateUnreadable { error } => vec![format!("it was set aside, and stops nothing: {error}")],
        Evidence::TableUnreachable { error } => vec![
            format!("the incident table can't be used: {}", name(error)),
            "without it the guard repairs nothing, and a message may come twice".to_owned(),
        ],
        Evidence::TestAlert => one("somebody asked the guard for a test message; nothing is broken"),
    };
    let reasons = if is_about_the_policy(&finding.evidence) { joined(finding) } else { sentences(&finding.because) };
    because.extend(reasons);
    because
}

/// `s3:GetObject or s3:PutObject`.
fn either(actions: &[String]) -> String {
    if actions.is_empty() { "what Darwin needs".to_owned() } else { actions.join(" or ") }
}

/// Whether its reasons come of the questions that stand for a contract, many of which have the same answer.
fn is_about_the_policy(evidence: &Evidence) -> bool {
    match evidence {
        Evidence::PolicyMissing { .. } | Evidence::PolicyGutted { .. } | Evidence::ConditionOnOurs { .. } => true,
        Evidence::Uncertain(doubt) => !matches!(doubt, Doubt::Object | Doubt::Reading | Doubt::Writing),
        _ => false,
    }
}

/// The reasons, each once: what reading and writing lack alike is told once. Those for keys that nobody can have named
/// read as patterns.
fn joined(finding: &Finding) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::new();
    for reason in &finding.because {
        let sentence = with_wildcards(&reason::words(reason));
        if sentences.iter().any(|held| held.starts_with(&sentence)) {
            continue;
        }
        let split = |text: &str| text.rsplit_once(", not ").map(|(head, tail)| (head.to_owned(), tail.to_owned()));
        if let Some(told) = sentences.iter_mut().find(|told| sentence.starts_with(told.as_str())) {
            *told = sentence;
        } else if let Some((told, action)) = split(&sentence).and_then(|(head, action)| {
            let alike =
                |told: &&mut String| split(told).is_some_and(|(other, tail)| other == head && tail.starts_with("s3:"));
            sentences.iter_mut().find(alike).filter(|_| action.starts_with("s3:")).map(|told| (told, action))
        }) {
            told.push_str(" nor ");
            told.push_str(&action);
        } else {
            sentences.push(sentence);
        }
    }
    sentences
}

fn list(items: impl Iterator<Item = impl ToString>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

fn gutted(ours: &OurStatement) -> String {
    let why = match ours.flaw {
        None => "",
        Some(Flaw::Unresolved) => " (its principal reads back as a unique id, as a deleted role does)",
        Some(Flaw::AllBut) => " (it is written with NotAction or NotResource)",
        Some(Flaw::Elsewhere) => " (it names nothing in this bucket)",
    };
    format!("{}{why}", statement(&ours.statement))
}

fn wider(ours: &WideStatement) -> String {
    let beyond = match &ours.beyond {
        Beyond::AllBut => "everything that its NotAction or NotResource does not name".to_owned(),
        Beyond::Actions(actions) => {
            let on = |Grant { action, resources }: &Grant| {
                format!("{} on {}", code(action), list(resources.iter().map(|resource| code(resource))))
            };
            actions.iter().map(on).collect::<Vec<_>>().join("; ")
        }
    };
    format!("{} also allows Darwin {beyond}", statement(&ours.statement))
}

/// What the guard remembers of the bucket: its changes, the keys of its objects, and what a person has accepted.
fn remembered(evidence: &Evidence) -> Option<String> {
    Some(match evidence {
        Evidence::HistoryFull { forgotten } => format!(
            "{forgotten} of the many changes of this bucket had to be forgotten before it was known whether a write of \
             the guard undid them"
        ),
        Evidence::KnownKeysFull { key, foreign, limit } => format!(
            "the guard watches up to {limit} keys of {} for this bucket, and objects are under more: {} is not watched",
            if *foreign { "other accounts" } else { "your account" },
            code(key),
        ),
        Evidence::NeverScanned { keys, since: Some(since) } => format!(
            "the guard knows {} of this bucket, from uploads since {}. Objects that were there before were never scanned",
            counted(*keys, "KMS key"),
            moment(*since),
        ),
        Evidence::NeverScanned { since: None, keys: _ } => {
            "the guard knows no KMS key of this bucket from uploads, and existing objects were never scanned".to_owned()
        }
        Evidence::Acknowledged { incident, of, until } => format!(
            "the {} incident {} is open, and nobody is reminded of it until {}. A change for the worse is sent all the same",
            code(of),
            code(incident),
            moment(*until),
        ),
        _ => return None,
    })
}

fn cors_missing(origin: &str, rules: usize, near: &[NearMiss]) -> Vec<String> {
    let browser = format!("a browser on {}", code(origin));
    let first = match rules {
        0 => format!("the bucket has no CORS rule, so {browser} does not show its images"),
        1 => format!("the bucket's one CORS rule does not let {browser} GET"),
        _ => format!("none of the bucket's {rules} CORS rules lets {browser} GET"),
    };
    let miss = |NearMiss { index, id, lacks }: &NearMiss| {
        let rule =
            id.as_deref().map_or_else(|| format!("rule {index}"), |id| format!("rule {} (index {index})", code(id)));
        match lacks {
            Lack::Get { methods } => format!("{rule} has the origin, but only the methods {}", list(methods.iter())),
            Lack::Origin { written } => {
                format!("{rule} has the origin {}, and S3 compares it as written with `{origin}`", code(written))
            }
        }
    };
    std::iter::once(first).chain(near.iter().map(miss)).collect()
}

fn cors_limit(origin: &str, limit: CorsLimit) -> String {
    match limit {
        CorsLimit::Rules { most } => {
            format!(
                "the bucket has {most} CORS rules, the most that S3 takes, and none of them lets {} in",
                code(origin)
            )
        }
        CorsLimit::Bytes { bytes, most } => {
            format!("with Darwin's rule the CORS configuration would have {bytes} bytes; S3 takes {most}")
        }
    }
}

fn explicit_deny(deny: &Deny, bucket: &str, home: &Home) -> Vec<String> {
    let Deny { statement: of, rcp, identity: _, applies, hits, role: _ } = deny;
    let of = statement(of);
    let of = rcp.as_ref().map_or(of.clone(), |file| format!("RCP {}, {of}", code(file)));
    let mut because = vec![format!("{of} denies Darwin: {}", how(applies, Effect::Deny, true))];
    because.extend(hits.iter().take(HITS).map(|Hit { action, key, server, browser }| {
        let on = match key {
            None if action == "s3:ListBucket" => "the bucket".to_owned(),
            None => "any key".to_owned(),
            Some(key) => format!("keys like {}", code(&format!("arn:{}:s3:::{bucket}/{key}", home.partition))),
        };
        let by = match (server, browser) {
            (true, false) if action == "s3:GetObject" => " by Darwin's servers",
            (false, true) => " by the annotator's browser",
            _ => "",
        };
        format!("it denies {action} on {on}{by}")
    }));
    if hits.len() > HITS {
        because.push(format!("and {} more", hits.len() - HITS));
    }
    because
}

fn managed_default(named: bool, access: Access) -> Vec<String> {
    if named {
        let managed =
            "new objects are encrypted under the AWS managed key `aws/s3`, which can't be shared with another account";
        return vec![managed.to_owned()];
    }
    let unnamed = "the default encryption names no key: new objects are encrypted under the key `aws/s3` of the uploader's \
                   account, which can't be shared with another account";
    let written = "what Darwin writes may be under V7's `aws/s3`, which your account can't read";
    let written = (access == Access::ReadWrite).then_some(written);
    std::iter::once(unnamed).chain(written).map(str::to_owned).collect()
}

fn public_block(restricted: Option<bool>, public: Option<bool>, statements: &[StatementName]) -> Vec<String> {
    let what = match (restricted, public) {
        (Some(true), Some(true)) => {
            "RestrictPublicBuckets is on and the policy is public: S3 shuts out every other account, Darwin's too"
        }
        (Some(true), _) => "RestrictPublicBuckets is on and the policy may be public: if it is, S3 shuts Darwin out",
        _ => "the policy may be public: if RestrictPublicBuckets is on for the account, S3 shuts Darwin out",
    };
    let by = (!statements.is_empty()).then(|| format!("it is about {}", list(statements.iter().map(statement))));
    std::iter::once(what.to_owned()).chain(by).collect()
}

fn under_key(key: &KeyEvidence, finding: &Finding) -> Vec<String> {
    let of = match key.under {
        Under::NewObjects => format!("the bucket's default key, for new objects, is {}", code(&key.key)),
        Under::Objects => format!("the objects are under the KMS key {}", code(&key.key)),
    };
    let unread = key.refused.iter().map(|error| format!("the guard could not read it: {error}"));
    std::iter::once(of).chain(sentences(&finding.because)).chain(unread).collect()
}

fn uncertain(doubt: &Doubt) -> Vec<String> {
    let sentence = match doubt {
        Doubt::Object => return Vec::new(),
        Doubt::Reading => "whether Darwin can read depends on what cannot be seen from your account",
        Doubt::Writing => "whether Darwin can write depends on what cannot be seen from your account",
        Doubt::Deny => "whether a Deny hits Darwin depends on what cannot be seen from your account",
        Doubt::Elements { statement: ours, names } => {
            let names = list(names.iter().map(|name| code(name)));
            return vec![format!(
                "{} is Darwin's, but it has {names}, which the policy language does not know",
                statement(ours)
            )];
        }
        Doubt::ConditionalAllow { about_darwin, statements } => {
            let statements = list(statements.iter().map(statement));
            let why = if *about_darwin {
                "a condition for Darwin is somebody's decision: the guard writes nothing"
            } else {
                "the guard has not seen it beside Darwin's statement: it may be there to cut Darwin off, so nothing is written \
                 until a manual repair"
            };
            let missing = "Darwin's own statement is missing, and there is an Allow with a condition";
            return vec![format!("{missing}: {statements}"), why.to_owned()];
        }
        Doubt::OursInPlace => {
            "Darwin's statement is there, and it still cannot be determined whether Darwin has access"
        }
        Doubt::Proposed => {
            "even with Darwin's statement in it, it cannot be determined whether the policy gives Darwin access"
        }
    };
    vec![sentence.to_owned()]
}

fn condition(ours: &StatementName, decision: Decision) -> String {
    let means = match decision {
        Decision::Allowed => "Darwin's requests meet it, or another statement allows them",
        Decision::Depends => "whether Darwin's requests meet it cannot be seen from your account",
        Decision::Denied => "Darwin's requests do not meet it",
    };
    format!("{} is Darwin's, and it has a Condition: {means}", statement(ours))
}

fn paused(unreadable: Option<&AwsError>) -> String {
    match unreadable {
        None => "the bucket has the tag `darwin-guard=paused`: the guard reports, and repairs nothing".to_owned(),
        Some(call) => format!("the bucket's tags can't be read, which counts as paused: {call}"),
    }
}

fn refused(call: &AwsError, purpose: Purpose) -> Vec<String> {
    let what = match purpose {
        Purpose::Configuration => "the guard was denied a read of the bucket's settings",
        Purpose::Object => "the guard was denied a look at the object",
        Purpose::Write => "the guard was denied the repair",
    };
    vec![what.to_owned(), call.to_string()]
}

fn lost_update(lost: &LostUpdate) -> Vec<String> {
    let what = subject(lost.subject);
    vec![
        format!(
            "{} at {} fell between the guard's last read of the {what} and its write, begun at {}",
            code(&lost.change),
            lost.changed.to_string(),
            lost.begun.to_string(),
        ),
        format!("the {what} does not have that change now: the guard's write may have undone it"),
    ]
}

fn contested(rival: Option<&Actor>, limit: u32, window_s: u64, home: &Home) -> Vec<String> {
    // The day is not known here, so that it is always said.
    let who = rival.map_or_else(
        || "somebody whom no event names".to_owned(),
        |rival| actor::who(rival, None, &home.account, Timestamp::default()),
    );
    vec![
        format!("the guard's repair is undone again and again, last by {who}"),
        format!(
            "the guard repaired it {} within {}, which is its limit. It repairs again after {} without such a change, or by a \
             manual repair",
            counted(usize::try_from(limit).unwrap_or(usize::MAX), "time"),
            span(Duration::from_secs(window_s)),
            span(Duration::from_secs(window_s)),
        ),
    ]
}
