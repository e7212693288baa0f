//! A finding in words: what was found and why, and what to do about it.
//!
//! Must never decide anything: kind, severity and cause come with the finding.

use crate::model::actor::Actor;
use crate::model::aws::AwsError;
use crate::model::contract::Access;
use crate::model::contract::Home;
use crate::model::evidence::{
    Beyond, CorsLimit, Deny, Doubt, Evidence, Extent, Flaw, Grant, Hit, KeyEvidence, Lack, LostUpdate, NearMiss,
    OurStatement, Purpose, Under, WideStatement,
};
use crate::model::finding::{Finding, Kind, Severity};
use crate::model::text::{counted, with_wildcards};
use crate::model::time::rfc3339;
use crate::model::verdict::{Decision, Effect};
use crate::model::why::StatementName;
use crate::report::reason::{self, how, sentences};
use crate::report::remedy::{remedy, subject};
use serde::Serialize;

/// A finding as answers and messages have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FindingAnswer {
    pub kind: Kind,
    pub severity: Severity,
    /// Sentences for a person: which statement, key, rule or setting, and why.
    pub because: Vec<String>,
    /// What the verdict depends on, for a `depends`.
    pub depends_on: Vec<String>,
    /// What to do, ready to paste.
    pub remedy: String,
}

/// The finding of a bucket in words.
pub fn words(finding: &Finding, bucket: &str, home: &Home) -> FindingAnswer {
    FindingAnswer {
        kind: finding.kind(),
        severity: finding.severity,
        because: because(finding, bucket, home),
        depends_on: finding.depends_on.iter().map(ToString::to_string).collect(),
        remedy: remedy(finding, bucket, home),
    }
}

/// Findings of a bucket in words.
pub fn all(findings: &[Finding], bucket: &str, home: &Home) -> Vec<FindingAnswer> {
    findings.iter().map(|finding| words(finding, bucket, home)).collect()
}

/// How many of the things that a Deny takes are listed; the others are counted.
const HITS: usize = 5;

fn because(finding: &Finding, bucket: &str, home: &Home) -> Vec<String> {
    let one = |sentence: &str| vec![sentence.to_owned()];
    let mut because = match &finding.evidence {
        Evidence::PolicyMissing { has_policy: false, .. } => one("the bucket has no policy"),
        Evidence::PolicyMissing { has_policy: true, .. } => {
            one("Darwin's statement is missing, and no other statement gives what it gave")
        }
        Evidence::PolicyGutted { ours, .. } => {
            vec![format!("Darwin's statement gives less than the contract: {}", list(ours.iter().map(gutted)))]
        }
        Evidence::Wider { ours, .. } => ours.iter().map(wider).collect(),
        Evidence::CorsMissing { origin, rules, near, proposed: _ } => cors_missing(origin, *rules, near),
        Evidence::NoEvents { .. } => {
            one("the bucket sends its events neither to EventBridge nor to any target: no upload is judged")
        }
        Evidence::ExplicitDeny(deny) | Evidence::PartDenied(deny) => explicit_deny(deny, bucket, home),
        Evidence::PublicBlock { restricted, public, statements: _ } => one(public_block(*restricted, *public)),
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
            "the default encryption names `{name}`: whatever is no key ARN resolves in the account that writes, so \
             Darwin's writes look for it in V7's account"
        )],
        Evidence::BucketNameDot => {
            vec![format!("the name `{bucket}` holds a dot, which V7's virtual-host-style HTTPS does not work with")]
        }
        Evidence::PolicyLimit { bytes, most } => {
            vec![format!("with Darwin's statement the policy would have {bytes} bytes without space; S3 takes {most}")]
        }
        Evidence::CorsLimit { origin, limit } => vec![cors_limit(origin, *limit)],
        Evidence::PolicyUnreadable { why } => vec![format!("the policy {why}, so the guard does not edit it")],
        Evidence::DeadPrincipal { statements, call } => vec![
            format!(
                "{} names a principal that no longer exists, and S3 refuses every write of such a policy",
                list(statements.iter().map(|name| format!("statement {name}")))
            ),
            call.to_string(),
        ],
        Evidence::ConditionOnOurs { statement, decision } => vec![condition(statement, *decision)],
        Evidence::SidTaken { statement } => vec![format!(
            "statement {statement} has Darwin's Sid, but is not Darwin's: that would be an Allow with Darwin's role as its only \
             principal"
        )],
        Evidence::Uncertain(doubt) => uncertain(doubt),
        Evidence::RoleMissing { role, call } => vec![
            format!("S3 refuses the document with our statement: probably `{role}` does not exist"),
            call.to_string(),
        ],
        Evidence::ObjectOwnership { seen: Extent::Object }
        | Evidence::SseC { .. }
        | Evidence::Archived { .. }
        | Evidence::ObjectDenied { .. } => Vec::new(),
        Evidence::Refused { call, purpose } => refused(call, *purpose),
        Evidence::WrongOwner { call } => vec![format!(
            "S3 refuses every read of the bucket in words that it has for strangers ({call}): each call says that account \
             {} is expected to own the bucket",
            home.account
        )],
        Evidence::WrongRegion { call } | Evidence::NoSuchBucket { call } => vec![call.to_string()],
        Evidence::BlockPublicPolicy { call } => vec![
            "BlockPublicPolicy is on and somebody's statement may be public: S3 refuses every write of such a policy"
                .to_owned(),
            call.to_string(),
        ],
        Evidence::WriteFailed { call } => vec![format!("`{}` failed", call.operation), call.to_string()],
        Evidence::Paused { unreadable } => vec![paused(unreadable.as_ref())],
        Evidence::LostUpdate(lost) => lost_update(lost),
        Evidence::Contested { actor, limit, window_s } => contested(actor.as_ref(), *limit, *window_s),
        Evidence::NoConfigEvents { operation } => vec![format!(
            "the guard's own `{operation}` never came back as a CloudTrail event: changes of the bucket's configuration \
             are seen by the schedule only"
        )],
        Evidence::NoSubscription { .. } => {
            one("no subscription of the alert topic is confirmed: every alert goes nowhere")
        }
        Evidence::TableUnreachable { error } => vec![
            format!("the incident table could not be used: {error}"),
            "without it the guard repairs nothing by itself, and messages may repeat".to_owned(),
        ],
        Evidence::TestAlert => one("somebody asked the guard for a test message; nothing is broken"),
    };
    let told = if is_about_the_policy(&finding.evidence) { joined(finding) } else { sentences(&finding.because) };
    because.extend(told);
    because
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
        if sentences.iter().any(|told| told.starts_with(&sentence)) {
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
        Some(Flaw::Unresolved) => " (its principal reads back as a unique id: a deleted role, or one not yet resolved)",
        Some(Flaw::AllBut) => " (written by what it leaves out)",
        Some(Flaw::Elsewhere) => " (it names nothing in this bucket)",
    };
    format!("statement {}{why}", ours.statement)
}

fn wider(ours: &WideStatement) -> String {
    let beyond = match &ours.beyond {
        Beyond::AllBut => "everything but what its `NotAction` or `NotResource` names".to_owned(),
        Beyond::Actions(actions) => {
            let on = |Grant { action, resources }: &Grant| {
                format!("`{action}` on {}", list(resources.iter().map(|resource| format!("`{resource}`"))))
            };
            actions.iter().map(on).collect::<Vec<_>>().join("; ")
        }
    };
    format!("statement {} also allows Darwin {beyond}", ours.statement)
}

fn cors_missing(origin: &str, rules: usize, near: &[NearMiss]) -> Vec<String> {
    let first = match rules {
        0 => {
            format!("the bucket has no CORS rule, so a browser on {origin} may not show what it loads from the bucket")
        }
        _ => format!("none of the bucket's {} lets a browser on {origin} GET", counted(rules, "CORS rule")),
    };
    let miss = |NearMiss { index, id, lacks }: &NearMiss| {
        let name = id.as_ref().map_or_else(|| format!("rule #{index}"), |id| format!("rule `{id}` (#{index})"));
        match lacks {
            Lack::Get { methods } => format!("{name} has the origin, but only the methods {}", list(methods.iter())),
            Lack::Origin { written } => {
                format!("{name} has the origin `{written}`, which S3 compares as written: it is not `{origin}`")
            }
        }
    };
    std::iter::once(first).chain(near.iter().map(miss)).collect()
}

fn cors_limit(origin: &str, limit: CorsLimit) -> String {
    match limit {
        CorsLimit::Rules { most } => {
            format!("the bucket has {most} CORS rules, which is all that S3 takes, and none of them serves {origin}")
        }
        CorsLimit::Bytes { bytes, most } => {
            format!("with Darwin's rule the CORS configuration would have {bytes} bytes; S3 takes {most}")
        }
    }
}

fn explicit_deny(deny: &Deny, bucket: &str, home: &Home) -> Vec<String> {
    let Deny { statement, identity: _, applies, hits, role: _ } = deny;
    let how = how(applies, Effect::Deny, true);
    let mut because = vec![format!("statement {statement} denies Darwin what the contract gives: {how}")];
    because.extend(hits.iter().take(HITS).map(|Hit { action, key, server, browser }| {
        let on = match key {
            None if action == "s3:ListBucket" => "the bucket".to_owned(),
            None => "any key".to_owned(),
            Some(key) => format!("keys like `arn:{}:s3:::{bucket}/{key}`", home.partition),
        };
        let by = match (server, browser) {
            (true, false) if action == "s3:GetObject" => " by Darwin's servers",
            (false, true) => " by the annotator's browser",
            _ => "",
        };
        format!("{action} on {on}{by}")
    }));
    if hits.len() > HITS {
        because.push(format!("and {} more", hits.len() - HITS));
    }
    because
}

fn managed_default(named: bool, access: Access) -> Vec<String> {
    if named {
        let managed =
            "new objects are encrypted under the AWS managed key `aws/s3`, which no other account can be given";
        return vec![managed.to_owned()];
    }
    let unnamed = "the default encryption names no key: new objects are encrypted under the AWS managed key `aws/s3` of \
                   the account that uploads, which no other account can be given";
    let written = "what Darwin writes may be under V7's `aws/s3`, which your account can't read";
    let written = (access == Access::ReadWrite).then_some(written);
    std::iter::once(unnamed).chain(written).map(str::to_owned).collect()
}

fn public_block(restricted: Option<bool>, public: Option<bool>) -> &'static str {
    match (restricted, public) {
        (Some(true), Some(true)) => {
            "RestrictPublicBuckets is on and the policy is public: S3 shuts out every other account, Darwin's too"
        }
        (Some(true), _) => {
            "RestrictPublicBuckets is on and the policy may be public, in which case S3 shuts Darwin out"
        }
        _ => "the policy may be public: if RestrictPublicBuckets is on for the account, S3 shuts Darwin out",
    }
}

fn under_key(key: &KeyEvidence, finding: &Finding) -> Vec<String> {
    let default = (key.under == Under::NewObjects)
        .then(|| format!("new objects are encrypted under the bucket's default key `{}`", key.key));
    let unread = key.refused.iter().map(|error| format!("the guard could not read it: {error}"));
    default.into_iter().chain(sentences(&finding.because)).chain(unread).collect()
}

fn uncertain(doubt: &Doubt) -> Vec<String> {
    let sentence = match doubt {
        Doubt::Object => return Vec::new(),
        Doubt::Reading => "whether Darwin can read hangs on what nobody here can see",
        Doubt::Writing => "whether Darwin can write hangs on what nobody here can see",
        Doubt::Deny => "whether a Deny hits Darwin hangs on what nobody here can see",
        Doubt::Elements { statement, names } => {
            let names = list(names.iter().map(|name| format!("`{name}`")));
            return vec![format!("statement {statement} is Darwin's, but has the unknown element {names}")];
        }
        Doubt::ConditionalAllow => {
            "somebody's statement allows Darwin on a condition, and Darwin's own statement is absent: nothing is written \
             over a decision that somebody may have made"
        }
        Doubt::OursInPlace => {
            "our statement is there as the contract wants it, and yet does not surely give Darwin access"
        }
        Doubt::Proposed => {
            "even with Darwin's statement in it the document would not surely give the contract's access"
        }
    };
    vec![sentence.to_owned()]
}

fn condition(statement: &StatementName, decision: Decision) -> String {
    let means = match decision {
        Decision::Allowed => "Darwin's requests meet it, or another statement allows them",
        Decision::Depends => "whether Darwin's requests meet it can't be seen from here",
        Decision::Denied => "Darwin's access of the contract is not there with it",
    };
    format!("statement {statement} is Darwin's, and somebody gave it a Condition: {means}")
}

fn paused(unreadable: Option<&AwsError>) -> String {
    match unreadable {
        None => "the tag `darwin-guard = paused` is set: the guard only tells".to_owned(),
        Some(call) => format!("the bucket's tags can't be read, which counts as paused: {call}"),
    }
}

fn refused(call: &AwsError, purpose: Purpose) -> Vec<String> {
    match purpose {
        Purpose::Configuration => vec![call.to_string()],
        Purpose::Object => vec![format!("the guard may not look at the object: {call}")],
        Purpose::Write => vec![format!("the guard may not make the call `{}`", call.operation), call.to_string()],
    }
}

fn lost_update(lost: &LostUpdate) -> Vec<String> {
    let what = subject(lost.subject);
    vec![
        format!(
            "`{}` at {} fell between the guard's last read and its write of {what} (begun {})",
            lost.change,
            rfc3339(lost.changed_ms),
            rfc3339(lost.begun_ms),
        ),
        format!("what stands now does not hold that change: the guard's write of the {what} may have undone it"),
    ]
}

fn contested(actor: Option<&Actor>, limit: u32, window_s: u64) -> Vec<String> {
    let who = actor.and_then(|actor| actor.arn.as_deref()).unwrap_or("somebody");
    let seen = actor.map(|actor| [("from", &actor.source_ip), ("with", &actor.user_agent), ("at", &actor.time)]);
    let detail: String = seen
        .into_iter()
        .flatten()
        .filter_map(|(word, value)| value.as_ref().map(|value| format!(" {word} {value}")))
        .collect();
    vec![
        format!("{who} keeps undoing the repair{detail}"),
        format!("{limit} repairs within {window_s} s: the guard stops until it is quiet, or until a manual repair"),
    ]
}
