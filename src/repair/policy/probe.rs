//! The questions that stand for a contract: asked of the evaluator, their answers hold for every key it covers.
//!
//! Must never take an Allow on a part of the bucket for the whole: the keys asked about are such as nobody can have
//! named, and such as the document's own patterns name.

use crate::judge::access::both;
use crate::judge::darwin::s3_request;
use crate::model::contract::{Contract, Darwin, Home};
use crate::model::text::STRANGERS;
use crate::model::time::Timestamp;
use crate::model::unknown::Unknown;
use crate::model::verdict::{Reader, Verdict};
use crate::model::why::{Gate, cut};
use crate::policy::document::{PolicyDocument, Statements};
use crate::policy::evaluate::{Residual, evaluate_statements};
use crate::policy::pattern::Pattern;
use crate::policy::question;
use crate::policy::request::{ObjectOwner, Request, Settings};
use crate::repair::policy::ours::Terms;
use std::collections::BTreeSet;

/// Lengths of unnameable keys that are asked about one by one; `?` in patterns makes lengths matter.
const LENGTHS: usize = 48;

/// Bytes of keys of parts that are asked about for one action and reader: patterns made to hurt have more.
const MOST_BYTES: usize = 1024 * 1024;

/// What stands beside the policy, out of the way.
const GATES_OPEN: Settings = Settings {
    restrict_public_buckets: Some(false),
    policy_is_public: Some(false),
    object_owner: ObjectOwner::BucketOwner,
};

/// One question.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Question {
    pub action: &'static str,
    pub key: Option<String>,
    /// Whether the key stands for all keys, and is not one that a statement's pattern names.
    pub general: bool,
    pub reader: Reader,
    /// It stands for parts beyond those that are asked about one by one.
    pub beyond: bool,
}

/// Who asks about what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking<'a> {
    pub contract: &'a Contract,
    pub darwin: &'a Darwin,
    pub home: &'a Home,
    pub now: Timestamp,
}

/// The action and the reader of some questions: what the policy says of them apart from the key is decided once.
struct Form<'a> {
    request: Request,
    residual: Residual<'a>,
}

impl Asking<'_> {
    fn request(&self, action: &str, key: Option<&str>, reader: Reader) -> Request {
        s3_request(self.darwin, self.home, action, &self.contract.bucket, key, reader, self.now)
    }

    fn form<'a>(&self, statements: &Statements<'a>, action: &str, reader: Reader) -> Form<'a> {
        let request = self.request(action, None, reader);
        let residual = Residual::new(statements, &question::Question::new(&request));
        Form { request, residual }
    }

    fn ask(&self, statements: &Statements<'_>, question: &Question) -> Verdict {
        let request = self.request(question.action, question.key.as_deref(), question.reader);
        evaluate_statements(Some(statements), &request, GATES_OPEN)
    }

    /// The questions that are not surely allowed, with their verdicts.
    pub(super) fn left_open<'q>(
        &self,
        statements: &Statements<'_>,
        questions: &'q [Question],
    ) -> Vec<(&'q Question, Verdict)> {
        let mut forms: Vec<((&str, Reader), Form<'_>)> = Vec::new();
        let mut open = Vec::new();
        for question in questions {
            let of = (question.action, question.reader);
            let held = forms.iter().position(|(held, _)| *held == of);
            let at = held.unwrap_or_else(|| {
                forms.push((of, self.form(statements, question.action, question.reader)));
                forms.len().saturating_sub(1)
            });
            if question.beyond {
                let parting = forms.get(at).and_then(|(_, form)| form.residual.parting().next());
                open.extend(parting.map(|pattern| (question, undecided(pattern, statements))));
                continue;
            }
            let resource = question.key.as_ref().map(|key| format!("{}/{key}", self.bucket_arn()));
            let allowed = forms.get(at).is_some_and(|(_, form)| {
                let resource = resource.as_deref().unwrap_or(form.request.resource.as_str());
                form.residual.allows(resource, &form.request.context)
            });
            if !allowed {
                let verdict = self.ask(statements, question);
                if !verdict.is_allowed() {
                    open.push((question, verdict));
                }
            }
        }
        for ((action, reader), form) in &forms {
            let of_form = |question: &&Question| (question.action, question.reader) == (*action, *reader);
            let asked: Vec<&Question> = questions.iter().filter(of_form).collect();
            let crossing = form.residual.crossing().filter(|_| !self.covered(form, &asked));
            open.extend(
                asked.first().zip(crossing).map(|(question, pattern)| (*question, undecided(pattern, statements))),
            );
        }
        open
    }

    /// Whether Allows that leave nothing out let all keys through.
    fn covered(&self, form: &Form<'_>, asked: &[&Question]) -> bool {
        let bucket = self.bucket_arn();
        asked.iter().filter(|question| question.general).all(|question| {
            let key = question.key.as_ref().map(|key| format!("{bucket}/{key}"));
            form.residual.lists(key.as_deref().unwrap_or(&bucket), &form.request.context)
        })
    }

    /// The answers to all questions as one.
    pub(super) fn ask_all(&self, statements: &Statements<'_>, questions: &[Question]) -> Verdict {
        let open = self.left_open(statements, questions).into_iter().map(|(_, verdict)| verdict);
        let mut verdict = open.fold(Verdict::allowed(Vec::new()), Verdict::and);
        if verdict.is_allowed()
            && let Some(first) = questions.first()
        {
            verdict.because = self.ask(statements, first).because;
        }
        verdict
    }

    /// What the statements say of the worst part, for reading and for writing.
    pub(super) fn worst(&self, statements: &Statements<'_>, questions: &[Question]) -> (Verdict, Verdict) {
        let fine = || Verdict::allowed(Vec::new());
        let [mut server, mut browser, mut write] = [fine(), fine(), fine()];
        for (question, verdict) in self.left_open(statements, questions) {
            let side = match (question.action, question.reader) {
                ("s3:GetObject", Reader::Server) => &mut server,
                ("s3:GetObject", Reader::Browser) => &mut browser,
                ("s3:PutObject", _) => &mut write,
                _ => continue,
            };
            *side = std::mem::replace(side, fine()).and(verdict);
        }
        (both(server, browser), write)
    }

    fn bucket_arn(&self) -> String {
        format!("arn:{}:s3:::{}", self.home.partition, self.contract.bucket)
    }

    /// The questions for a contract, for this document.
    ///
    /// A pattern that matches `prefix` with one unnameable character after it, and with more of them than the document
    /// has `?`, matches every key under the prefix: it can only have matched them by a `*`. Keys that a Deny picks or
    /// an Allow leaves out are made from the statements' own patterns, where they meet the prefix.
    pub(super) fn questions(&self, terms: &Terms, policy: &PolicyDocument) -> Vec<Question> {
        let text = policy.text();
        let stranger = STRANGERS.clone().find(|c| !text.contains(*c)).unwrap_or(*STRANGERS.start());
        let marks = text.matches('?').count() + escaped(text);
        let mut lengths: Vec<usize> = (1..=marks.min(LENGTHS) + 1).collect();
        lengths.push(marks.min(1_000) + 2);
        let all = policy.all();
        let mut questions = Vec::new();
        let mut ask = |action: &'static str, reader: Reader, prefixes: &[String]| {
            let new = |key, general| Question { action, key: Some(key), general, reader, beyond: false };
            for prefix in prefixes.iter().filter(|prefix| !self.contract.leaves_out(prefix)) {
                let unnamed = lengths.iter().map(|length| format!("{prefix}{}", stranger.to_string().repeat(*length)));
                questions.extend(unnamed.map(|key| new(key, true)));
            }
            let (parts, beyond) = self.parts(&self.form(&all, action, reader), prefixes, stranger);
            if beyond {
                questions.push(Question { action, key: None, general: false, reader, beyond: true });
            }
            questions.extend(parts.into_iter().map(|key| new(key, false)));
        };
        ask("s3:GetObject", Reader::Server, &terms.reads);
        ask("s3:GetObject", Reader::Browser, &terms.reads);
        ask("s3:PutObject", Reader::Server, &terms.writes);
        if terms.list {
            let (action, reader) = ("s3:ListBucket", Reader::Server);
            questions.push(Question { action, key: None, general: true, reader, beyond: false });
        }
        questions
    }

    /// Keys under these prefixes that stand for the parts which the statements tell apart, and
    /// whether there are more.
    fn parts(&self, form: &Form<'_>, prefixes: &[String], stranger: char) -> (BTreeSet<String>, bool) {
        let bucket = format!("{}/", self.bucket_arn());
        let mut keys = BTreeSet::new();
        let mut bytes = 0;
        for pattern in form.residual.parting() {
            for prefix in prefixes {
                let start = format!("{bucket}{prefix}");
                for wild in [String::new(), stranger.to_string()] {
                    let texts = pattern.texts_from(&start, &wild, stranger, &form.request.context);
                    bytes += texts.iter().map(String::len).sum::<usize>();
                    let of_key = |text: String| text.strip_prefix(&bucket).map(str::to_owned);
                    keys.extend(texts.into_iter().filter_map(of_key).filter(|key| self.is_read(key)));
                    if bytes > MOST_BYTES {
                        return (keys, true);
                    }
                }
            }
        }
        (keys, false)
    }

    /// Whether it can be a key, and one that Darwin needs.
    fn is_read(&self, key: &str) -> bool {
        !key.is_empty() && key.len() <= 1_024 && !self.contract.leaves_out(key)
    }
}

/// Nobody decided what this pattern parts.
fn undecided(pattern: &Pattern, of: &Statements<'_>) -> Verdict {
    let open = vec![Unknown::Value(cut(pattern.text()))];
    let document = of.document.to_string();
    Verdict::depends(vec![Gate::NotUnderstood { document, open: open.clone() }.into()], open)
}

/// Question marks that hide behind a JSON escape.
fn escaped(text: &str) -> usize {
    text.to_ascii_lowercase().matches("\\u003f").count()
}
