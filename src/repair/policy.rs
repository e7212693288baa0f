//! The bucket policy against the contract: what is missing, what is ours to put back, and what only can be told.
//!
//! INVARIANT: every statement that is not ours, and every other element, stays as the same bytes in the same order.
//! INVARIANT: Darwin's access after a repair is at most the contract and what was there before.
//! Must never touch a Deny, a Condition, or a statement that somebody else wrote; and never propose a document of which
//! the evaluator does not say that, Denies aside, the contract holds.

pub mod conditional;
pub mod edit;
mod ours;
mod probe;
mod told;

use crate::judge::access::Asker;
use crate::model::aws::AwsError;
use crate::model::contract::{Ceiling, Contract, Darwin, Home};
use crate::model::evidence::{Doubt, Evidence, Flaw, OurStatement, PolicyRepair, WideStatement};
use crate::model::finding::{Finding, Kind};
use crate::model::time::Timestamp;
use crate::model::verdict::Verdict;
use crate::model::why::StatementName;
use crate::policy::document::{Editable, PolicyDocument, Statements};
use crate::policy::principal::Principal;
use crate::policy::raw::Unreadable;
use crate::policy::statement::Statement;
use crate::repair::plan::unified_json;
use conditional::{Absent, Precedent};
use edit::{Changes, NewStatement};
use ours::{DarwinStatement, Gives, Part, StatementView, Terms, Wanted, free_sid, recognise};
use probe::{Asking, Question};
use serde_json::Value;

/// S3 takes a policy of up to 20 KB. It counts the document as it keeps it, without space between elements.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/add-bucket-policy.html>
pub const MAX_BYTES: usize = 20 * 1024;

/// What the policy means for the contract.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyAssessment {
    /// `PolicyMissing`, `PolicyGutted` or `PolicyWidened`.
    pub drift: Option<Finding>,
    pub findings: Vec<Finding>,
    /// The whole document to write. Only with drift; None if a finding says why it can't be written.
    pub proposed: Option<String>,
    /// What was read gives Darwin the access of the contract, Denies aside.
    pub allowed: bool,
    /// The same, and no Deny certainly takes it away.
    pub fulfilled: bool,
    /// The worst that the policy says of any part of what Darwin must read, and write. None: the policy can't be taken
    /// apart, or there is none.
    pub parts: Option<(Verdict, Verdict)>,
}

/// Judges the policy (`None`: the bucket has none) and proposes the repair.
///
/// The gates beside the policy (a public block, the objects' owner) are judged elsewhere: no statement of ours could
/// lift them.
pub fn assess_policy(
    current: Option<&PolicyDocument>,
    contract: &Contract,
    darwin: &Darwin,
    home: &Home,
    ceiling: Ceiling,
    now: Timestamp,
    precedent: Precedent<'_>,
) -> PolicyAssessment {
    let asking = Asking { contract, darwin, home, now };
    let terms = Terms::new(contract, home);
    let Some(document) = current else {
        return absent(asking, &terms);
    };
    match document.editable() {
        Ok(policy) => {
            let reading = Reading::new(policy, asking, terms);
            let parts = Some(asking.worst(&document.all(), &reading.questions));
            let allowed = reading.allowed.is_allowed();
            PolicyAssessment { allowed, parts, ..reading.assess(ceiling, precedent) }
        }
        Err(why) => {
            let findings = vec![unreadable(why)];
            PolicyAssessment { findings, ..PolicyAssessment::default() }
        }
    }
}

/// No policy: V7's document.
fn absent(asking: Asking<'_>, terms: &Terms) -> PolicyAssessment {
    let lost = terms.wanted().into_iter().flat_map(|wanted| wanted.actions).collect();
    let repair = PolicyRepair { lost, wanted: in_full(asking, terms), document: None };
    let drift = Finding::of(Evidence::PolicyMissing { has_policy: false, repair });
    let proposed = edit::document(&fresh(terms, asking.darwin), &asking.darwin.role);
    checked(drift, Vec::new(), proposed, asking, terms)
}

/// Our statements, for a document that has none.
fn fresh(terms: &Terms, darwin: &Darwin) -> Vec<NewStatement> {
    let sid = |part| free_sid(part, darwin, std::iter::empty());
    terms.wanted().into_iter().map(|wanted| NewStatement { sid: sid(wanted.part), wanted }).collect()
}

/// Our statements, printed for people.
fn in_full(asking: Asking<'_>, terms: &Terms) -> String {
    let ours = fresh(terms, asking.darwin);
    ours.iter().map(|ours| edit::indented(ours, &asking.darwin.role)).collect::<Vec<_>>().join(",\n")
}

/// A proposal, if S3 takes it and the evaluator says that it does what it is for.
fn checked(
    drift: Finding,
    mut findings: Vec<Finding>,
    proposed: String,
    asking: Asking<'_>,
    terms: &Terms,
) -> PolicyAssessment {
    let refuse = |mut findings: Vec<Finding>, why: Finding, drift: Finding| {
        findings.push(why);
        PolicyAssessment { drift: Some(drift), findings, ..PolicyAssessment::default() }
    };
    let bytes = bytes_without_space(&proposed);
    if bytes > MAX_BYTES {
        return refuse(findings, Finding::of(Evidence::PolicyLimit { bytes, most: MAX_BYTES }), drift);
    }
    // What is written is judged by its final bytes.
    let after = PolicyDocument::parse(proposed);
    let verdict = match after.editable() {
        Ok(after) => {
            let questions = asking.questions(terms, after.document);
            asking.ask_all(&allows(after, &recognise(after, asking.darwin)), &questions)
        }
        Err(why) => return refuse(findings, unreadable(why), drift),
    };
    if !verdict.is_allowed() {
        return refuse(findings, told::uncertain(Doubt::Proposed, &verdict), drift);
    }
    findings.shrink_to_fit();
    let proposed = after.into_text();
    let drift = Finding { evidence: with_document(drift.evidence, &proposed), ..drift };
    PolicyAssessment { drift: Some(drift), findings, proposed: Some(proposed), ..PolicyAssessment::default() }
}

/// The evidence with the policy that repairs it.
fn with_document(mut evidence: Evidence, proposed: &str) -> Evidence {
    if let Evidence::PolicyMissing { repair, .. } | Evidence::PolicyGutted { repair, .. } = &mut evidence {
        repair.document = Some(proposed.to_owned());
    }
    evidence
}

fn unreadable(why: &Unreadable) -> Finding {
    Finding::of(Evidence::PolicyUnreadable { why: why.to_string() })
}

/// The document's size as S3 keeps it.
fn bytes_without_space(text: &str) -> usize {
    let mut in_string = false;
    let mut escaped = false;
    let mut size = 0;
    for byte in text.bytes() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else if byte.is_ascii_whitespace() {
            continue;
        } else {
            in_string = byte == b'"';
        }
        size += 1;
    }
    size
}

/// The document with nothing but its Allows.
fn allows<'a>(policy: Editable<'a>, seen: &[StatementView<'a>]) -> Statements<'a> {
    policy.document.with(seen.iter().filter(|seen| seen.is_allow()).map(|seen| seen.written.statement))
}

/// Allows for everything in the contract, behind a document's own statements: only a Deny can take away what they give.
fn granted(document: &PolicyDocument, asking: Asking<'_>, terms: &Terms) -> Vec<Statement> {
    let behind = |(place, new): (usize, &NewStatement)| {
        new.typed(document, document.statements().len() + place, &asking.darwin.role)
    };
    fresh(terms, asking.darwin).iter().enumerate().map(behind).collect()
}

/// What RCPs take from Darwin, and the worst that they say of any part of what it must read, and write.
pub fn assess_rcps(contract: &Contract, asker: Asker<'_>) -> (Vec<Finding>, Verdict, Verdict) {
    let Asker { darwin, home, now, rcps } = asker;
    let (asking, terms) = (Asking { contract, darwin, home, now }, Terms::new(contract, home));
    let fine = || Verdict::allowed(Vec::new());
    rcps.iter().fold((Vec::new(), fine(), fine()), |(mut findings, read, write), rcp| {
        let questions = asking.questions(&terms, &rcp.policy);
        let ours = granted(&rcp.policy, asking, &terms);
        let open = rcp.denies_and(&ours);
        findings.extend(told::denies(&open, &questions, &[], asking));
        let (of_read, of_write) = asking.worst(&open, &questions);
        (findings, read.and(of_read), write.and(of_write))
    })
}

/// A document that was read, with what it says to the contract's questions.
struct Reading<'a> {
    policy: Editable<'a>,
    asking: Asking<'a>,
    terms: Terms,
    seen: Vec<StatementView<'a>>,
    questions: Vec<Question>,
    /// What the Allows give, as if there were no Deny.
    allowed: Verdict,
}

impl<'a> Reading<'a> {
    fn new(policy: Editable<'a>, asking: Asking<'a>, terms: Terms) -> Self {
        let seen = recognise(policy, asking.darwin);
        let questions = asking.questions(&terms, policy.document);
        let allowed = asking.ask_all(&allows(policy, &seen), &questions);
        Self { policy, asking, terms, seen, questions, allowed }
    }

    fn own(&self) -> impl Iterator<Item = (&StatementView<'a>, &DarwinStatement)> {
        self.seen.iter().filter_map(|seen| seen.own.as_ref().map(|own| (seen, own)))
    }

    fn assess(&self, ceiling: Ceiling, precedent: Precedent<'_>) -> PolicyAssessment {
        let taken = |seen: &StatementView<'_>| Finding::of(Evidence::SidTaken { statement: seen.name() });
        let mut findings: Vec<Finding> = self.strangers_with_our_sid().map(taken).collect();
        findings.extend(self.denies());
        let deny = [Kind::ExplicitDeny, Kind::PartDenied];
        let denied = findings.iter().any(|found| deny.contains(&found.kind()));
        let wide = self.wide();
        let hands_off = self.hands_off();
        let narrowing = if hands_off.is_empty() && !wide.is_empty() { self.rewritten(Ceiling::Enforce) } else { None };
        findings.extend(hands_off.iter().cloned());

        if self.allowed.is_allowed() {
            return match narrowing {
                Some(narrowed) if ceiling == Ceiling::Enforce => {
                    let drift = self.wider(wide, true, Some(&narrowed));
                    self.propose(drift, findings, narrowed)
                }
                narrowing => {
                    findings.extend(self.too_wide(wide, narrowing.as_deref()));
                    PolicyAssessment { findings, fulfilled: !denied, ..PolicyAssessment::default() }
                }
            };
        }
        if ceiling == Ceiling::Flag || !hands_off.is_empty() {
            findings.extend(self.too_wide(wide, narrowing.as_deref()));
        }
        if !hands_off.is_empty() {
            return PolicyAssessment { findings, ..PolicyAssessment::default() };
        }
        let ours_is_there = self.own().next().is_some();
        if !ours_is_there && let Some(kept_out) = self.absent_but_for(precedent) {
            findings.push(kept_out);
            return PolicyAssessment { findings, ..PolicyAssessment::default() };
        }
        let drift = self.drift(ours_is_there);
        if let Some(proposed) = self.rewritten(ceiling) {
            return self.propose(drift, findings, proposed);
        }
        findings.push(told::uncertain(Doubt::OursInPlace, &self.allowed));
        PolicyAssessment { findings, ..PolicyAssessment::default() }
    }

    /// Why an Allow of somebody's keeps ours, which is absent, from being put back.
    fn absent_but_for(&self, precedent: Precedent<'_>) -> Option<Finding> {
        let Self { policy, asking, questions, seen, allowed, .. } = self;
        let (document, asking) = (policy.document, *asking);
        Absent { document, asking, questions, seen, allows: &allows(*policy, seen), allowed }.kept_out(precedent)
    }

    fn propose(&self, drift: Finding, findings: Vec<Finding>, proposed: String) -> PolicyAssessment {
        checked(drift, findings, proposed, self.asking, &self.terms)
    }

    fn drift(&self, ours_is_there: bool) -> Finding {
        let repair = PolicyRepair { lost: self.lost(), wanted: in_full(self.asking, &self.terms), document: None };
        let evidence = if ours_is_there {
            let ours = self.own().map(|(seen, own)| OurStatement { statement: seen.name(), flaw: self.flaw(own) });
            Evidence::PolicyGutted { ours: ours.collect(), repair }
        } else {
            Evidence::PolicyMissing { has_policy: true, repair }
        };
        Finding::with(evidence, self.allowed.because.clone(), Vec::new())
    }

    /// The actions of the contract that no Allow gives, each once.
    fn lost(&self) -> Vec<String> {
        let allows = allows(self.policy, &self.seen);
        let mut lost: Vec<String> = Vec::new();
        for (question, verdict) in self.asking.left_open(&allows, &self.questions) {
            if verdict.is_denied() && !lost.iter().any(|action| action == question.action) {
                lost.push(question.action.to_owned());
            }
        }
        lost
    }

    fn flaw(&self, own: &DarwinStatement) -> Option<Flaw> {
        match &own.gives {
            _ if own.unresolved => Some(Flaw::Unresolved),
            Gives::AllBut => Some(Flaw::AllBut),
            Gives::Pairs { resources, .. } => {
                let here = resources.iter().any(|resource| self.terms.touches(resource));
                (!here).then_some(Flaw::Elsewhere)
            }
        }
    }

    /// Statements with our Sid that are not ours.
    fn strangers_with_our_sid(&self) -> impl Iterator<Item = &StatementView<'a>> {
        self.seen.iter().filter(|seen| seen.own.is_none() && seen.sid() == Some(self.asking.darwin.sid.as_str()))
    }

    fn denies(&self) -> Vec<Finding> {
        let document = self.policy.document;
        let ours = granted(document, self.asking, &self.terms);
        let open = document.with(document.statements().iter().chain(&ours));
        told::denies(&open, &self.questions, &self.seen, self.asking)
    }

    /// Our statements that give more than the contract, and what.
    fn wide(&self) -> Vec<WideStatement> {
        let wide = |(seen, own): (&StatementView<'a>, &DarwinStatement)| {
            Some(WideStatement { statement: seen.name(), beyond: own.beyond(&self.terms)? })
        };
        self.own().filter_map(wide).collect()
    }

    fn too_wide(&self, wide: Vec<WideStatement>, narrowed: Option<&str>) -> Option<Finding> {
        (!wide.is_empty()).then(|| self.wider(wide, false, narrowed))
    }

    fn wider(&self, ours: Vec<WideStatement>, enforced: bool, narrowed: Option<&str>) -> Finding {
        let name = format!("{}/policy", self.asking.contract.bucket);
        let diff = narrowed.map(|narrowed| unified_json(&name, self.policy.text(), narrowed));
        Finding::of(Evidence::Wider { enforced, ours, diff })
    }

    /// Findings about what somebody did to our statement on purpose: while there is one, ours is not touched.
    fn hands_off(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (seen, own) in self.own() {
            if own.conditioned {
                findings.push(told::condition_on_ours(seen, &self.allowed));
            } else if !own.unknown.is_empty() {
                findings.push(told::unknown_elements(seen, &own.unknown, &self.allowed));
            }
        }
        findings
    }

    /// The document with our statements as the contract wants them; None if there is nothing to change.
    ///
    /// Under `Ceiling::Flag` nothing that ours gave is taken away: what goes beyond the contract is joined with it where
    /// one statement can say both, else the wide statement stays and ours goes beside it.
    fn rewritten(&self, ceiling: Ceiling) -> Option<String> {
        let changes = self.changes(ceiling);
        if changes.is_empty() {
            return None;
        }
        edit::changed(self.policy, &changes, &self.asking.darwin.role)
    }

    fn changes(&self, ceiling: Ceiling) -> Changes {
        let keeps = |own: &DarwinStatement| ceiling == Ceiling::Flag && own.beyond(&self.terms).is_some();
        let mut changes = Changes::default();
        // Places of ours that may be written over or cleared.
        let mut places: Vec<(usize, Part)> = Vec::new();
        let mut kept: Vec<(usize, &DarwinStatement)> = Vec::new();
        for (seen, own) in self.own() {
            if keeps(own) {
                kept.push((seen.index(), own));
            } else {
                places.push((seen.index(), own.part));
            }
        }
        let wanted = self.terms.wanted();
        let mut homeless = Vec::new();
        for wanted in wanted {
            // A wide statement of the part that can say both, if it is the only one.
            let mut wide = kept.iter().filter(|(_, own)| own.part == wanted.part);
            if let (Some((index, own)), None) = (wide.next(), wide.next())
                && let Some(joined) = own.joined(&wanted, &self.terms)
            {
                self.place(&mut changes, *index, joined);
                continue;
            }
            match places.iter().position(|(_, part)| *part == wanted.part) {
                Some(at) => {
                    let (index, _) = places.remove(at);
                    self.place(&mut changes, index, wanted);
                }
                None => homeless.push(wanted),
            }
        }
        let mut taken: Vec<String> = self.seen.iter().filter_map(|seen| seen.sid().map(str::to_owned)).collect();
        for wanted in homeless {
            let sid = free_sid(wanted.part, self.asking.darwin, taken.iter().map(String::as_str));
            taken.push(sid.clone());
            let ours = NewStatement { sid, wanted };
            if places.is_empty() {
                changes.append.push(ours);
            } else {
                let (index, _) = places.remove(0);
                changes.replace.push((index, ours));
            }
        }
        changes.remove.extend(places.into_iter().map(|(index, _)| index));
        changes
    }

    /// Writes over the statement with this index, unless it says so already.
    fn place(&self, changes: &mut Changes, index: usize, wanted: Wanted) {
        let Some(seen) = self.seen.get(index) else { return };
        if seen.own.as_ref().is_some_and(|own| own.says(&wanted)) {
            return;
        }
        let sid = seen.sid().unwrap_or(&self.asking.darwin.sid).to_owned();
        changes.replace.push((index, NewStatement { sid, wanted }));
    }
}

/// Any document with our statement in it, for the command that applies somebody's version without losing Darwin's
/// access. None if the document can't be edited. Where a Condition stands on ours, the document as it is.
pub fn policy_with_ours(
    document: &PolicyDocument,
    contract: &Contract,
    darwin: &Darwin,
    home: &Home,
) -> Option<String> {
    let policy = document.editable().ok()?;
    let as_it_is = || Some(document.text().to_owned());
    // The time does not bear on statements without a condition, and those with one are not counted on.
    let asking = Asking { contract, darwin, home, now: Timestamp::default() };
    let reading = Reading::new(policy, asking, Terms::new(contract, home));
    if !reading.hands_off().is_empty() {
        return as_it_is();
    }
    let plain = reading.seen.iter().filter(|seen| seen.is_allow() && !seen.has_condition());
    let plain = document.with(plain.map(|seen| seen.written.statement));
    if asking.ask_all(&plain, &reading.questions).is_allowed() {
        return as_it_is();
    }
    reading.rewritten(Ceiling::Flag).or_else(as_it_is)
}

/// What of a document is others' work, and whether there is any of ours.
#[derive(Debug, Clone, PartialEq)]
pub struct Others {
    /// As they are written. Ours with a Condition is among them: the Condition is somebody's decision.
    pub statements: Vec<Value>,
    pub ours: bool,
}

/// The statements that are others' work. None if the document can't be read.
pub fn others(document: &PolicyDocument, darwin: &Darwin) -> Option<Others> {
    let seen = recognise(document.editable().ok()?, darwin);
    let is_ours = |seen: &&StatementView<'_>| seen.own.as_ref().is_some_and(|own| !own.conditioned);
    let statements = seen.iter().filter(|seen| !is_ours(seen)).map(|seen| Value::from(seen.written.node)).collect();
    Some(Others { statements, ours: seen.iter().any(|seen| is_ours(&seen)) })
}

/// The finding for a write that S3 refused as malformed while somebody's statement names a principal that is gone: one
/// that reads back as a unique id.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-bucket-user-policy-specifying-principal-intro.html>
pub fn dead_principal(document: &PolicyDocument, darwin: &Darwin, call: &AwsError) -> Option<Finding> {
    let is_dead = |seen: &&StatementView<'_>| {
        let principals = seen.written.statement.principals.entries();
        seen.own.is_none() && principals.iter().any(|principal| matches!(principal, Principal::UniqueId(_)))
    };
    let seen = recognise(document.editable().ok()?, darwin);
    let statements: Vec<StatementName> = seen.iter().filter(is_dead).map(StatementView::name).collect();
    (!statements.is_empty()).then(|| Finding::of(Evidence::DeadPrincipal { statements, call: call.clone() }))
}

#[cfg(test)]
mod tests;
