//! The questions that stand for a contract: asked of the evaluator, their answers hold for every key it covers.
//!
//! Must never take an Allow on a part of the bucket for the whole: the keys asked about are such as nobody can have
//! named, and such as the document's own patterns name.

use crate::judge::darwin::s3_request;
use crate::model::contract::{Contract, Darwin, Home};
use crate::model::text::STRANGERS;
use crate::model::verdict::{Reader, Verdict};
use crate::policy::document::{Editable, Statements};
use crate::policy::evaluate::evaluate_statements;
use crate::policy::request::{ObjectOwner, Settings};
use crate::repair::policy::ours::Terms;
use std::collections::BTreeSet;

/// Lengths of unnameable keys that are asked about one by one; `?` in patterns makes lengths matter.
const LENGTHS: usize = 48;

/// What stands beside the policy, out of the way.
const GATES_OPEN: Settings = Settings {
    restrict_public_buckets: Some(false),
    policy_is_public: Some(false),
    object_owner: ObjectOwner::BucketOwner,
};

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    pub action: &'static str,
    pub key: Option<String>,
    /// Whether the key stands for all keys, and is not one that a statement's pattern names.
    pub general: bool,
    pub reader: Reader,
}

/// Who asks about what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking<'a> {
    pub contract: &'a Contract,
    pub darwin: &'a Darwin,
    pub home: &'a Home,
    /// RFC 3339.
    pub now: &'a str,
}

impl Asking<'_> {
    pub(super) fn ask(&self, statements: &Statements<'_>, question: &Question) -> Verdict {
        let Question { action, key, reader, .. } = question;
        let bucket = self.contract.bucket.as_str();
        let request = s3_request(self.darwin, self.home, action, bucket, key.as_deref(), *reader, self.now);
        evaluate_statements(Some(statements), &request, GATES_OPEN)
    }

    /// The answers to all questions as one.
    pub(super) fn ask_all(&self, statements: &Statements<'_>, questions: &[Question]) -> Verdict {
        questions.iter().map(|question| self.ask(statements, question)).fold(Verdict::allowed(Vec::new()), Verdict::and)
    }
}

/// The questions for a contract, for this document.
///
/// A pattern that matches `prefix` with one unnameable character after it, and with more of them than the document has
/// `?`, matches every key under the prefix: it can only have matched them by a `*`. Keys that an Allow leaves out
/// (`NotResource`) or a Deny picks are made from the patterns themselves.
pub(super) fn questions(terms: &Terms, policy: Editable<'_>) -> Vec<Question> {
    let text = policy.text();
    let stranger = STRANGERS.clone().find(|c| !text.contains(*c)).unwrap_or(*STRANGERS.start());
    let marks = text.matches('?').count() + escaped(text);
    let mut lengths: Vec<usize> = (1..=marks.min(LENGTHS) + 1).collect();
    lengths.push(marks.min(1_000) + 2);
    let named = named_keys(policy, stranger);
    let keys = |prefixes: &[String]| {
        let mut keys: Vec<(String, bool)> = Vec::new();
        for prefix in prefixes {
            keys.extend(
                lengths.iter().map(|length| (format!("{prefix}{}", stranger.to_string().repeat(*length)), true)),
            );
        }
        let mut special = BTreeSet::new();
        for prefix in prefixes {
            for key in &named {
                if key.starts_with(prefix.as_str()) {
                    special.insert(key.clone());
                } else {
                    special.insert(format!("{prefix}{key}"));
                }
            }
        }
        keys.extend(special.into_iter().filter(|key| !key.is_empty()).map(|key| (key, false)));
        keys
    };
    let mut questions = Vec::new();
    for (key, general) in keys(&terms.reads) {
        for reader in [Reader::Server, Reader::Browser] {
            questions.push(Question { action: "s3:GetObject", key: Some(key.clone()), general, reader });
        }
    }
    for (key, general) in keys(&terms.writes) {
        questions.push(Question { action: "s3:PutObject", key: Some(key), general, reader: Reader::Server });
    }
    if terms.list {
        questions.push(Question { action: "s3:ListBucket", key: None, general: true, reader: Reader::Server });
    }
    questions
}

/// Question marks that hide behind a JSON escape.
fn escaped(text: &str) -> usize {
    text.to_ascii_lowercase().matches("\\u003f").count()
}

/// Keys that the statements' resource patterns match, with the stranger for what is open.
fn named_keys(policy: Editable<'_>, stranger: char) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for statement in policy.statements() {
        for (_, patterns) in statement.members().iter().filter(|(name, _)| name == "Resource" || name == "NotResource")
        {
            for pattern in patterns.strings().unwrap_or_default() {
                let Some((_, key)) = pattern.split_once('/') else { continue };
                for star in [String::new(), stranger.to_string()] {
                    let key = key.replace('*', &star).replace('?', &stranger.to_string());
                    if key.len() <= 1_024 && !key.is_empty() {
                        keys.insert(key);
                    }
                }
            }
        }
    }
    keys
}
