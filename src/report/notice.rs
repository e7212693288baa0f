//! One message to be written: what it is about, and what all its forms share.

use crate::incident::life::{Incident, Report, Status};
use crate::model::contract::{Home, Mode};
use crate::model::finding::Severity;
use crate::model::outcome::ActionResult;
use crate::report::finding::{self, FindingAnswer};
use crate::report::remedy::how_to_stop;
use crate::report::words;

/// A message ready for SNS.
/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// At most 100 ASCII characters, no line breaks.
    pub subject: String,
    /// The `MessageStructure=json` document.
    pub body: String,
    /// String attributes for filter policies.
    pub attributes: Vec<(String, String)>,
}

/// Most bytes of a message's body. SNS takes 262,144 for body and attributes together.
/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
pub const MAX_BODY: usize = 250_000;

/// Most characters of a subject.
pub const MAX_SUBJECT: usize = 100;

/// What every message of a deployment has in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    pub home: Home,
    pub mode: Mode,
    pub topic_arn: Option<String>,
}

/// One message to be written.
#[derive(Debug, Clone, Copy)]
pub struct Notice<'a> {
    pub status: Status,
    pub incident: &'a Incident,
    pub context: &'a Context,
    /// A table is configured, but this message was decided on without it: it may repeat.
    pub stateless: bool,
    pub now_ms: u64,
}

/// How much of the long and the many goes into a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    /// Bytes of a diff, a document, a remedy.
    pub(super) long: usize,
    /// Bytes of one line, e.g. a reason.
    pub(super) line: usize,
    /// Lines of a list.
    pub(super) lines: usize,
}

/// At most 100 printable ASCII characters that begin with a letter, digit or punctuation.
pub(super) fn subject(notice: &Notice<'_>) -> String {
    let finding = &notice.incident.report.finding;
    let mark = match notice.status {
        Status::Opened => severity_name(finding.severity).to_uppercase(),
        status => status.name().to_uppercase(),
    };
    let line =
        format!("[{mark}] {} in {}: {}", finding.kind(), notice.incident.bucket, words::headline(finding.kind()));
    line.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).take(MAX_SUBJECT).collect()
}

pub(super) fn severity_name(severity: Severity) -> String {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
    .to_owned()
}

impl Notice<'_> {
    pub(super) fn report(&self) -> &Report {
        &self.incident.report
    }

    /// What was found, in words.
    pub(super) fn finding(&self) -> FindingAnswer {
        finding::words(&self.report().finding, &self.incident.bucket, &self.context.home)
    }

    /// Whether the guard wrote, or tried to: then the message begins with how to stop it.
    pub(super) fn repaired(&self) -> bool {
        self.report().did.iter().any(|action| matches!(action.result, ActionResult::Done | ActionResult::Failed))
    }

    pub(super) fn how_to_stop(&self) -> Option<String> {
        self.repaired().then(|| how_to_stop(&self.incident.bucket, &self.context.home))
    }

    /// The verdict behind it: `depends`, `denied`, or none where nothing is judged.
    pub(super) fn verdict(&self) -> Option<&'static str> {
        let finding = &self.report().finding;
        if !finding.depends_on.is_empty() {
            Some("depends")
        } else if finding.severity == Severity::Critical {
            Some("denied")
        } else {
            None
        }
    }
}
