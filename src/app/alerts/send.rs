//! One message out of the door: published, or written as a log line where there is no topic.

use crate::app::alerts::{Alerts, Home, Sent, TableState, Told};
use crate::app::ports::{Clock, IncidentStore, Log, Topic};
use crate::incident::life::{Healed, Incident, Status};
use crate::model::aws::{AwsError, ErrorClass};
use crate::model::outcome::Problem;
use crate::report::message as notify;
use crate::report::notice::{Message, Notice};

impl<S: IncidentStore, T: Topic, C: Clock, L: Log> Alerts<'_, S, T, C, L> {
    /// Sends a claimed message and marks it sent. Failing that, gives the claim back.
    pub(super) async fn send(&self, table: &TableState, home: Home, incident: &Incident, status: Status) -> Told {
        let notice = Notice {
            status,
            incident,
            context: self.context,
            stateless: home == Home::Process && self.store.is_some(),
            now_ms: self.clock.now_ms(),
        };
        let published = self.publish(&notice).await;
        self.log.line(notify::log_line(&notice, self.topic.is_some(), published.as_ref().err()));
        match published {
            Ok(()) => {
                self.mark(table, home, incident, status).await;
                if status == Status::Repaired {
                    self.close(table, home, incident).await;
                }
                let sent = Sent {
                    fingerprint: incident.fingerprint.clone(),
                    bucket: incident.bucket.clone(),
                    kind: incident.report.finding.kind,
                    status,
                };
                Told { sent: vec![sent], ..Told::default() }
            }
            Err(error) => {
                self.give_back(table, home, incident).await;
                let at = format!("alert {} of bucket `{}`", incident.report.finding.kind, incident.bucket);
                Told { problems: vec![unsent(at, &error)], unsent: 1, ..Told::default() }
            }
        }
    }

    /// Closes what was broken and repaired in one go, without a word more. Failing that, the schedule resolves it.
    async fn close(&self, table: &TableState, home: Home, incident: &Incident) {
        let now_ms = self.clock.now_ms();
        let healed = Healed { at_ms: now_ms, because: "the guard has repaired it, and read it back".to_owned() };
        let won = match (home, self.usable(table)) {
            (Home::Process, _) => self.memory.heal_here(incident, &healed, now_ms, now_ms),
            (Home::Table, Some(store)) => {
                let healing = store.heal(incident, &healed, now_ms, now_ms).await;
                table.heard(&incident.bucket, healing).unwrap_or(false)
            }
            (Home::Table, None) => false,
        };
        if won {
            let closed = Incident { healed: Some(healed), ..incident.clone() };
            self.mark(table, home, &closed, Status::Resolved).await;
        }
    }

    /// Sends a test message, whatever is open. Empty if it went out.
    pub async fn test_alert(&self) -> Vec<Problem> {
        let incident = notify::test_incident(self.context, self.clock.now_ms());
        let notice = Notice {
            status: Status::Test,
            incident: &incident,
            context: self.context,
            stateless: false,
            now_ms: self.clock.now_ms(),
        };
        let published = self.publish(&notice).await;
        self.log.line(notify::log_line(&notice, self.topic.is_some(), published.as_ref().err()));
        published.err().map(|error| unsent("test-alert".to_owned(), &error)).into_iter().collect()
    }

    async fn publish(&self, notice: &Notice<'_>) -> Result<(), AwsError> {
        let Some(topic) = self.topic else { return Ok(()) };
        match topic.publish(&notify::message(notice)).await {
            // Something in the message displeases SNS: the bare facts must still arrive.
            Err(error) if error.class == ErrorClass::Permanent => topic.publish(&bare(notice)).await,
            answer => answer,
        }
    }

    async fn mark(&self, table: &TableState, home: Home, incident: &Incident, status: Status) {
        let now_ms = self.clock.now_ms();
        let resolved = status == Status::Resolved;
        match (home, self.usable(table)) {
            (Home::Process, _) if resolved => {
                self.memory.resolve_here(incident, now_ms);
            }
            (Home::Process, _) => self.memory.told_here(incident, now_ms),
            // Failing to mark costs at most a second message.
            (Home::Table, Some(store)) if resolved => {
                if table.heard(&incident.bucket, store.resolve(incident, now_ms).await) == Some(true) {
                    self.memory.note_resolved(incident);
                }
            }
            (Home::Table, Some(store)) => {
                table.heard(&incident.bucket, store.told(incident, now_ms).await);
            }
            (Home::Table, None) => {}
        }
    }

    async fn give_back(&self, table: &TableState, home: Home, incident: &Incident) {
        match (home, self.usable(table)) {
            (Home::Process, _) => self.memory.release_claim_here(incident),
            (Home::Table, Some(store)) => {
                table.heard(&incident.bucket, store.release_claim(incident).await);
            }
            (Home::Table, None) => {}
        }
    }
}

fn bare(notice: &Notice<'_>) -> Message {
    let mut message = notify::message(notice);
    message.body = notify::bare_body(notice);
    message
}

fn unsent(at: String, error: &AwsError) -> Problem {
    Problem {
        at,
        saw: error.to_string(),
        want: "a message that the alert topic accepts; it is in the log".to_owned(),
        retryable: true,
    }
}
