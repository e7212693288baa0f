//! The findings about a bucket policy, in words.
//!
//! Must never name a statement but by the index it has in the document that was read.

use crate::model::finding::{Finding, Kind, Severity};
use crate::model::verdict::{Basis, Decision, Effect, Reader, Verdict};
use crate::model::why::Applies;
use crate::policy::document::Statements;
use crate::policy::raw::{Unreadable, canonical};
use crate::repair::policy::ours::{StatementView, Terms, named};
use crate::repair::policy::probe::{Asking, Question};
use crate::report::reason::{how, words};
use crate::report::remedy;
use similar::TextDiff;

fn finding(kind: Kind, severity: Severity, because: Vec<String>, remedy: String, cause: String) -> Finding {
    Finding { kind, severity, because, depends_on: Vec::new(), remedy, cause }
}

/// The verdict's reasons, each once: what reading and writing lack alike is told once. Those for keys that nobody can
/// have named read as patterns.
fn sentences(verdict: &Verdict) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::new();
    for reason in &verdict.because {
        let sentence = shown(&words(reason));
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

/// Drift: what the repair mends. `what` says how the statement stands, `statements` is what the contract wants.
pub(super) fn drift(kind: Kind, what: String, verdict: &Verdict, bucket: &str, statements: &str) -> Finding {
    let mut because = vec![what];
    because.extend(sentences(verdict));
    let remedy = format!(
        "The guard puts this into the policy of bucket {bucket} where its mode and the pause tag let it. By hand, in \
         place of the statement with that Sid, or after the last:\n\n{statements}"
    );
    finding(kind, Severity::Critical, because, remedy, "policy".to_owned())
}

pub(super) fn unreadable(bucket: &str, why: &Unreadable) -> Finding {
    finding(
        Kind::PolicyUnreadable,
        Severity::Critical,
        vec![format!("the policy {why}, so the guard does not edit it")],
        remedy::policy_unreadable(bucket),
        "policy-unreadable".to_owned(),
    )
}

pub(super) fn limit(bucket: &str, size: usize, most: usize) -> Finding {
    finding(
        Kind::PolicyLimit,
        Severity::Critical,
        vec![format!("with Darwin's statement the policy would have {size} bytes without space; S3 takes {most}")],
        remedy::policy_limit(bucket),
        "policy-limit".to_owned(),
    )
}

pub(super) fn sid_taken(bucket: &str, seen: &StatementView<'_>) -> Finding {
    let sid = seen.sid().unwrap_or_default().to_owned();
    finding(
        Kind::SidTaken,
        Severity::Warning,
        vec![format!(
            "{} has Darwin's Sid, but is not Darwin's: that would be an Allow with Darwin's role as its only principal",
            seen.name()
        )],
        remedy::sid_taken(bucket, &sid),
        sid,
    )
}

/// Our statement carries a Condition; `verdict` is what Darwin's access is with it.
pub(super) fn condition_on_ours(seen: &StatementView<'_>, verdict: &Verdict) -> Finding {
    let (severity, means) = match verdict.decision {
        Decision::Allowed => (Severity::Info, "Darwin's requests meet it, or another statement allows them"),
        Decision::Depends => (Severity::Warning, "whether Darwin's requests meet it can't be seen from here"),
        Decision::Denied => (Severity::Critical, "Darwin's access of the contract is not there with it"),
    };
    let mut because = vec![format!("{} is Darwin's, and somebody gave it a Condition: {means}", seen.name())];
    if verdict.decision != Decision::Allowed {
        because.extend(sentences(verdict));
    }
    let mut found = finding(
        Kind::ConditionOnOurs,
        severity,
        because,
        "The guard does not touch a Condition that somebody added on purpose. If it is not meant for Darwin, remove \
         the `Condition` element from the statement."
            .to_owned(),
        seen.name(),
    );
    found.depends_on = verdict.names();
    found
}

/// Our statement has elements that the policy language does not know.
pub(super) fn unknown_element(seen: &StatementView<'_>, elements: &[String], verdict: &Verdict) -> Finding {
    let names: Vec<String> = elements.iter().map(|name| format!("`{name}`")).collect();
    let because = format!("{} is Darwin's, but has the unknown element {}", seen.name(), names.join(", "));
    uncertain(vec![because], verdict, elements.iter().map(|name| format!("element:{name}")).collect())
}

/// Access hangs on what nobody here can see, and nothing is written.
pub(super) fn uncertain(mut because: Vec<String>, verdict: &Verdict, or_names: Vec<String>) -> Finding {
    because.extend(sentences(verdict));
    let names = if verdict.depends_on.is_empty() { or_names } else { verdict.names() };
    let mut sorted = names.clone();
    sorted.sort();
    let remedy = remedy::access_uncertain(&names);
    let mut found = finding(Kind::AccessUncertain, Severity::Warning, because, remedy, sorted.join(","));
    found.depends_on = names;
    found
}

/// Our statements give more than the contract. `narrowed` is the document without that.
pub(super) fn wider(
    wide: &[(&StatementView<'_>, Vec<String>)],
    bucket: &str,
    current: &str,
    narrowed: Option<&str>,
) -> Finding {
    let because =
        wide.iter().map(|(seen, beyond)| format!("{} also allows Darwin {}", seen.name(), beyond.join("; "))).collect();
    let diff = narrowed.map_or_else(String::new, |narrowed| format!(":\n\n{}", diff(bucket, current, narrowed)));
    finding(
        Kind::WiderThanContract,
        Severity::Warning,
        because,
        format!("Narrow it by hand, or set the stack's parameter Ceiling to enforce and let the guard do it{diff}"),
        "wider".to_owned(),
    )
}

fn diff(bucket: &str, before: &str, after: &str) -> String {
    let pretty = |text: &str| {
        serde_json::from_str::<serde_json::Value>(text)
            .and_then(|value| serde_json::to_string_pretty(&value))
            .map_or_else(|_| text.to_owned(), |text| text + "\n")
    };
    TextDiff::from_lines(&pretty(before), &pretty(after))
        .unified_diff()
        .context_radius(3)
        .header(&format!("a/{bucket}/policy"), &format!("b/{bucket}/policy"))
        .to_string()
}

/// What the Denies of a document do to Darwin. `open` is the document with an Allow for everything in the contract
/// behind its own statements, so that only a Deny can stand in the way.
pub(super) fn denies(
    open: &Statements<'_>,
    questions: &[Question],
    seen: &[StatementView<'_>],
    asking: Asking<'_>,
    terms: &Terms,
) -> Vec<Finding> {
    let mut hits: Vec<Hit> = Vec::new();
    let mut left_open = Verdict::allowed(Vec::new());
    for question in questions {
        let verdict = asking.ask(open, question);
        match verdict.decision {
            Decision::Allowed => {}
            Decision::Depends => left_open = left_open.and(verdict),
            Decision::Denied => {
                for reason in &verdict.because {
                    if let Basis::Statement { index, sid, effect: Effect::Deny, applies, .. } = &reason.basis {
                        Hit::note(&mut hits, *index, sid.as_deref(), applies, question);
                    }
                }
            }
        }
    }
    let bucket = asking.contract.bucket.as_str();
    let role = asking.darwin.role.as_str();
    let mut findings: Vec<Finding> = hits.iter().map(|hit| hit.finding(bucket, role, seen, terms)).collect();
    if left_open.decision == Decision::Depends {
        findings.push(uncertain(
            vec!["whether a Deny hits Darwin hangs on what nobody here can see".to_owned()],
            &left_open,
            Vec::new(),
        ));
    }
    findings
}

/// A Deny that hits, and what it hits.
struct Hit {
    index: usize,
    sid: Option<String>,
    applies: Applies,
    /// Action, key (None: all of them), and whether servers and browser are hit.
    of: Vec<(&'static str, Option<String>, [bool; 2])>,
}

impl Hit {
    fn note(hits: &mut Vec<Self>, index: usize, sid: Option<&str>, applies: &Applies, question: &Question) {
        let position = hits.iter().position(|hit| hit.index == index).unwrap_or_else(|| {
            hits.push(Self { index, sid: sid.map(str::to_owned), applies: applies.clone(), of: Vec::new() });
            hits.len().saturating_sub(1)
        });
        let Some(hit) = hits.get_mut(position) else { return };
        let key = question.key.as_deref().filter(|_| !question.general).map(shown);
        let at = place(question.reader);
        let everywhere = |(action, held, who): &(&str, Option<String>, [bool; 2])| {
            *action == question.action && held.is_none() && who.get(at) == Some(&true)
        };
        if hit.of.iter().any(everywhere) {
            return;
        }
        // A pattern's keys with and without what its `*` stands for are told as one.
        let alike = |held: &Option<String>| match (held, &key) {
            (Some(held), Some(key)) => held == key || key.strip_suffix('*') == Some(held.as_str()),
            (held, key) => held.is_none() && key.is_none(),
        };
        let held = hit.of.iter_mut().find(|(action, held, _)| *action == question.action && alike(held));
        if let Some((_, held, who)) = held {
            *held = key;
            who.iter_mut().skip(at).take(1).for_each(|hit| *hit = true);
        } else {
            let who = [question.reader == Reader::Server, question.reader == Reader::Browser];
            hit.of.push((question.action, key, who));
        }
    }

    fn finding(&self, bucket: &str, role: &str, seen: &[StatementView<'_>], terms: &Terms) -> Finding {
        let name = named(self.sid.as_deref(), self.index);
        let how = how(&self.applies, Effect::Deny, true);
        let mut because = vec![format!("{name} denies Darwin what the contract gives: {how}")];
        let most = 5;
        because.extend(self.of.iter().take(most).map(|(action, key, who)| {
            let on = match key {
                None if *action == "s3:ListBucket" => "the bucket".to_owned(),
                None => "any key".to_owned(),
                Some(key) => format!("keys like `{}/{key}`", terms.bucket_arn),
            };
            let by = match who {
                [true, false] if *action == "s3:GetObject" => " by Darwin's servers",
                [false, true] => " by the annotator's browser",
                _ => "",
            };
            format!("{action} on {on}{by}")
        }));
        if self.of.len() > most {
            because.push(format!("and {} more", self.of.len() - most));
        }
        let cause = match &self.sid {
            Some(sid) => sid.clone(),
            None => seen.get(self.index).map_or_else(|| name.clone(), |seen| digest(seen)),
        };
        finding(Kind::ExplicitDeny, Severity::Critical, because, remedy::explicit_deny(bucket, &name, role), cause)
    }
}

fn place(reader: Reader) -> usize {
    match reader {
        Reader::Server => 0,
        Reader::Browser => 1,
    }
}

/// For people: what stands for any characters is a `*`.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{e000}'..='\u{f8ff}' if shown.ends_with('*') => {}
            '\u{e000}'..='\u{f8ff}' => shown.push('*'),
            c => shown.push(c),
        }
    }
    shown
}

/// What identifies a statement without a Sid, wherever it moves.
fn digest(seen: &StatementView<'_>) -> String {
    let value = serde_json::Value::from(seen.written.node);
    crate::incident::fingerprint::digest(&canonical(&value)).chars().take(16).collect()
}
