//! One message to be written: what it is about, and what all its forms share.

use crate::incident::life::{Ending, Incident, Report, Status};
use crate::model::contract::{Home, Mode};
use crate::model::finding::Severity;
use crate::model::outcome::ActionResult;
use crate::model::time::Timestamp;
use crate::report::finding::{self, FindingAnswer};
use crate::report::remedy::{Remedy, how_to_stop, remedy};
use crate::report::text::line;

/// A message ready for SNS.
/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// At most 100 ASCII characters, no line breaks.
    pub subject: String,
    /// The `MessageStructure=json` document.
    pub body: String,
    /// Attributes for filter policies: a text, or a JSON list of texts.
    pub attributes: Vec<(String, String)>,
}

/// A message attribute's value: never empty, nothing that does not show.
pub(super) fn attribute(value: &str) -> String {
    let clean = line(value, 256);
    if clean.is_empty() { "none".to_owned() } else { clean }
}

/// The data type of an attribute. A filter policy takes a message if it takes one text of a list; no single text that the guard sends
/// begins like one.
/// <https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html>
pub fn data_type(value: &str) -> &'static str {
    if value.starts_with('[') { "String.Array" } else { "String" }
}

/// Most bytes of a message's body. SNS takes 262,144 for body and attributes together.
/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
pub const MAX_BODY: usize = 250_000;

/// A subject has fewer characters.
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
    pub now: Timestamp,
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

    /// What to do about it.
    pub(super) fn remedy(&self) -> Remedy {
        remedy(&self.report().finding, &self.incident.bucket, &self.context.home)
    }

    /// Whether nobody looks any more: it ended, and nobody knows how.
    pub(super) fn closed(&self) -> bool {
        let unguarded = self.incident.healed.as_ref().is_some_and(|healed| healed.shown_by == Ending::Unguarded);
        self.status == Status::Resolved && unguarded
    }

    /// Whether the guard wrote, or tried to: then the message says how to stop it.
    pub(super) fn repaired(&self) -> bool {
        self.report().did.iter().any(|action| matches!(action.result, ActionResult::Done | ActionResult::Failed))
    }

    pub(super) fn how_to_stop(&self) -> Option<String> {
        self.repaired().then(|| how_to_stop(&self.incident.bucket, &self.context.home))
    }

    /// The verdict behind it: `depends`, `denied`, or none where nothing is judged, or it is over.
    pub(super) fn verdict(&self) -> Option<&'static str> {
        let finding = &self.report().finding;
        if matches!(self.status, Status::Repaired | Status::Resolved | Status::Test) {
            None
        } else if !finding.depends_on.is_empty() {
            Some("depends")
        } else if finding.severity == Severity::Critical {
            Some("denied")
        } else {
            None
        }
    }
}
