//! The findings about a bucket policy.
//!
//! Must never name a statement but by the index it has in the document that was read.

use crate::judge::access::both;
use crate::model::evidence::{Deny, Doubt, Evidence, Hit};
use crate::model::finding::Finding;
use crate::model::text::with_wildcards;
use crate::model::unknown::Unknown;
use crate::model::verdict::{Basis, Decision, Document, Effect, Reader, Verdict};
use crate::model::why::{Applies, StatementName};
use crate::policy::document::Statements;
use crate::policy::raw::canonical;
use crate::repair::policy::ours::StatementView;
use crate::repair::policy::probe::{Asking, Question};
use std::collections::BTreeSet;

/// Access depends on what nobody here can see, and nothing is written.
pub(super) fn uncertain(doubt: Doubt, verdict: &Verdict) -> Finding {
    Finding::with(Evidence::Uncertain(doubt), verdict.because.clone(), verdict.depends_on.clone())
}

/// Our statement carries a Condition; `verdict` is what Darwin's access is with it.
pub(super) fn condition_on_ours(seen: &StatementView<'_>, verdict: &Verdict) -> Finding {
    let because = if verdict.is_allowed() { Vec::new() } else { verdict.because.clone() };
    let evidence = Evidence::ConditionOnOurs { statement: seen.name(), decision: verdict.decision };
    Finding::with(evidence, because, verdict.depends_on.clone())
}

/// Our statement has elements that the policy language does not know.
pub(super) fn unknown_elements(seen: &StatementView<'_>, names: &[String], verdict: &Verdict) -> Finding {
    let depends_on = match verdict.depends_on.as_slice() {
        [] => names.iter().map(|name| Unknown::Element(name.clone())).collect(),
        open => open.to_vec(),
    };
    let doubt = Doubt::Elements { statement: seen.name(), names: names.to_vec() };
    Finding::with(Evidence::Uncertain(doubt), verdict.because.clone(), depends_on)
}

/// What the Denies of a document do to Darwin. `open` is the document with an Allow for everything in the contract
/// behind its own statements, so that only a Deny can stand in the way.
pub(super) fn denies(
    open: &Statements<'_>,
    questions: &[Question],
    seen: &[StatementView<'_>],
    asking: Asking<'_>,
) -> Vec<Finding> {
    let mut denies: Vec<(Deny, BTreeSet<&Question>)> = Vec::new();
    let [mut server, mut browser] = [Verdict::allowed(Vec::new()), Verdict::allowed(Vec::new())];
    for (question, verdict) in asking.left_open(open, questions) {
        if verdict.decision == Decision::Depends {
            match question.reader {
                Reader::Server => server = server.and(verdict),
                Reader::Browser => browser = browser.and(verdict),
            }
            continue;
        }
        for reason in &verdict.because {
            if let Basis::Statement { statement, effect: Effect::Deny, applies, document, .. } = &reason.basis {
                let rcp = match document {
                    Document::Rcp(file) => Some(file.as_str()),
                    Document::BucketPolicy | Document::KeyPolicy => None,
                };
                record(&mut denies, statement, rcp, applies, question);
            }
        }
    }
    let mut findings: Vec<Finding> = Vec::new();
    for (mut deny, hit) in denies {
        let whole = summarise(&mut deny.hits, &hit, questions);
        deny.role.clone_from(&asking.darwin.role);
        if deny.statement.sid.is_none()
            && let Some(seen) = seen.get(deny.statement.index)
        {
            deny.identity = digest(seen);
        }
        findings.push(Finding::of(if whole { Evidence::ExplicitDeny(deny) } else { Evidence::PartDenied(deny) }));
    }
    let left_open = both(server, browser);
    if left_open.decision == Decision::Depends {
        findings.push(uncertain(Doubt::Deny, &left_open));
    }
    findings
}

/// Adds what a question shows that a Deny hits.
fn record<'q>(
    denies: &mut Vec<(Deny, BTreeSet<&'q Question>)>,
    statement: &StatementName,
    rcp: Option<&str>,
    applies: &Applies,
    question: &'q Question,
) {
    let position = denies.iter().position(|(deny, _)| deny.statement.index == statement.index).unwrap_or_else(|| {
        let identity = statement.sid.clone().unwrap_or_else(|| format!("statement {statement}"));
        let identity = rcp.map_or(identity.clone(), |file| format!("RCP {file}: {identity}"));
        let (applies, hits, rcp) = (applies.clone(), Vec::new(), rcp.map(str::to_owned));
        let deny = Deny { statement: statement.clone(), rcp, identity, applies, hits, role: String::new() };
        denies.push((deny, BTreeSet::new()));
        denies.len().saturating_sub(1)
    });
    let Some((Deny { hits, .. }, hit)) = denies.get_mut(position) else { return };
    let Question { action, key, general, reader, beyond: _ } = question;
    if *general {
        hit.insert(question);
    }
    let key = key.as_deref().map(with_wildcards);
    let (server, browser) = (*reader == Reader::Server, *reader == Reader::Browser);
    // A pattern's keys with and without what its `*` stands for are one.
    let alike = |held: &Option<String>| match (held, &key) {
        (Some(held), Some(key)) => held.trim_end_matches('*') == key.trim_end_matches('*'),
        (held, key) => held.is_none() && key.is_none(),
    };
    if let Some(hit) = hits.iter_mut().find(|hit| hit.action == *action && alike(&hit.key)) {
        hit.key = hit.key.take().max(key);
        hit.server |= server;
        hit.browser |= browser;
    } else {
        hits.push(Hit { action: (*action).to_owned(), key, server, browser });
    }
}

/// One hit on all keys for each action of which a Deny leaves nothing, by whichever reader; whether there is one.
fn summarise(hits: &mut Vec<Hit>, hit: &BTreeSet<&Question>, questions: &[Question]) -> bool {
    let mut whole = false;
    let mut actions: Vec<String> = hits.iter().map(|hit| hit.action.clone()).collect();
    actions.dedup();
    for action in actions {
        let all_of = |reader| {
            let mut general =
                questions.iter().filter(|asked| asked.general && asked.action == action && asked.reader == reader);
            let any = hit.iter().any(|hit| hit.action == action && hit.reader == reader);
            any && general.all(|asked| hit.contains(asked))
        };
        let (server, browser) = (all_of(Reader::Server), all_of(Reader::Browser));
        if server || browser {
            whole = true;
            hits.retain(|hit| hit.action != action || (hit.server && !server) || (hit.browser && !browser));
            let at = hits.iter().position(|hit| hit.action == action).unwrap_or(hits.len());
            hits.insert(at, Hit { action, key: None, server, browser });
        }
    }
    whole
}

/// What identifies a statement without a Sid, wherever it moves.
fn digest(seen: &StatementView<'_>) -> String {
    let value = serde_json::Value::from(seen.written.node);
    crate::incident::fingerprint::digest(&canonical(&value)).chars().take(16).collect()
}
