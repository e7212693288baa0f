//! What a scan has counted: verdicts, what is in Darwin's way by its cause, and the KMS keys that objects are under.
//!
//! Must never grow with the number of objects: of each group some keys are kept, and the number of groups is bounded.

use crate::judge::object::JudgedObject;
use crate::model::evidence::{Doubt, Evidence};
use crate::model::finding::Finding;
use crate::model::outcome::Read;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Keys of objects that are kept of a group.
pub const SAMPLES: usize = 5;
/// Samples that are kept of a KMS key: as many as the guard remembers.
pub const KEY_SAMPLES: usize = 3;
/// Causes, and KMS keys, that are told apart.
pub const CAUSES: usize = 1_000;
pub const KEYS: usize = 5_000;

/// What was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    pub objects: u64,
    pub bytes: u64,
    pub allowed: u64,
    pub denied: u64,
    pub depends: u64,
    pub gone: u64,
    /// Objects that S3 gave no answer about, however often it was asked: among those that depend.
    pub unread: u64,
    /// Objects whose cause or KMS key is not told apart, as there were too many.
    pub beyond: u64,
    /// By kind and cause.
    pub causes: BTreeMap<String, Group>,
    /// By ARN.
    pub keys: BTreeMap<String, KeyUse>,
}

/// Objects that one thing is in the way of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Of the first of them.
    pub finding: Finding,
    pub read: KeyRead,
    pub objects: u64,
    pub bytes: u64,
    pub samples: Vec<String>,
}

/// Objects under one KMS key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyUse {
    pub objects: u64,
    pub read: KeyRead,
    pub samples: Vec<String>,
}

/// What is known of a key, the worst last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyRead {
    /// Something else was in the way of each of its objects.
    #[default]
    Unknown,
    Allowed,
    Depends,
    Denied,
}

impl From<Read> for KeyRead {
    fn from(read: Read) -> Self {
        match read {
            Read::Allowed => Self::Allowed,
            Read::Denied => Self::Denied,
            Read::Depends => Self::Depends,
            Read::Gone => Self::Unknown,
        }
    }
}

impl Tally {
    /// Counts objects that fared alike.
    pub fn add(&mut self, judged: &JudgedObject, objects: u64, bytes: u64) {
        self.objects += objects;
        self.bytes += bytes;
        *match judged.read {
            Read::Allowed => &mut self.allowed,
            Read::Denied => &mut self.denied,
            Read::Depends => &mut self.depends,
            Read::Gone => &mut self.gone,
        } += objects;
        let under = self.under(judged, objects);
        let cause = matches!(judged.read, Read::Allowed | Read::Gone) || self.cause(judged, objects, bytes);
        if !(under && cause) {
            self.beyond += objects;
        }
    }

    /// Counts them by their KMS key; false where there is no room.
    fn under(&mut self, judged: &JudgedObject, objects: u64) -> bool {
        let Some(key) = &judged.kms_key else { return true };
        if !self.keys.contains_key(key) {
            if self.keys.len() >= KEYS {
                return false;
            }
            self.keys.insert(key.clone(), KeyUse::default());
        }
        if let Some(of_key) = self.keys.get_mut(key) {
            let about_the_key = matches!(&judged.finding, Some(Finding { evidence: Evidence::Key(_), .. }));
            if about_the_key || judged.read == Read::Allowed {
                of_key.read = of_key.read.max(judged.read.into());
            }
            of_key.objects += objects;
            keep(&mut of_key.samples, &judged.key, KEY_SAMPLES);
        }
        true
    }

    /// Counts them by what is in the way; false where there is no room.
    fn cause(&mut self, judged: &JudgedObject, objects: u64, bytes: u64) -> bool {
        let finding = judged.finding.as_ref().map_or_else(
            || {
                let (because, depends_on) = (judged.because.clone(), judged.depends_on.clone());
                Cow::Owned(Finding::with(Evidence::Uncertain(Doubt::Object), because, depends_on))
            },
            Cow::Borrowed,
        );
        let name = name(&finding);
        if !self.causes.contains_key(&name) {
            if self.causes.len() >= CAUSES {
                return false;
            }
            let finding = finding.into_owned();
            let group = Group { finding, read: judged.read.into(), objects: 0, bytes: 0, samples: Vec::new() };
            self.causes.insert(name.clone(), group);
        }
        if let Some(group) = self.causes.get_mut(&name) {
            group.objects += objects;
            group.bytes += bytes;
            group.read = group.read.max(judged.read.into());
            keep(&mut group.samples, &judged.key, SAMPLES);
        }
        true
    }
}

fn keep(samples: &mut Vec<String>, key: &str, most: usize) {
    if samples.len() < most {
        samples.push(key.to_owned());
    }
}

/// The name of a group: what an incident is keyed by.
pub fn name(finding: &Finding) -> String {
    // No answer is not a refusal.
    let unanswered = matches!(&finding.evidence, Evidence::Refused { call, .. } if call.retryable());
    format!("{} {}{}", finding.kind().name(), finding.cause, if unanswered { " unanswered" } else { "" })
}
