//! One message out of the door: published, or written as a log line where there is no topic.

use crate::app::alerts::{Alerts, Delivery, Sent, TableState};
use crate::app::ports::{Clock, Incidents, Log, Topic, World};
use crate::app::state::State;
use crate::incident::life::{Ending, Healed, Incident, Status};
use crate::model::aws::{AwsError, ErrorClass};
use crate::model::outcome::Problem;
use crate::report::message as notify;
use crate::report::notice::{Message, Notice};

impl<'a, W: World> Alerts<'a, W> {
    /// Sends a claimed message and marks it sent. Failing that, gives the claim back.
    pub(super) async fn send(
        &self,
        table: &TableState,
        keeper: State<'a, W::Store>,
        incident: &Incident,
        status: Status,
    ) -> Delivery {
        let notice = Notice {
            status,
            incident,
            context: self.context,
            stateless: matches!((keeper, self.state), (State::Process(_), State::Table(_))),
            now_ms: self.clock.now_ms(),
        };
        let published = self.publish(&notice).await;
        self.log.line(notify::log_line(&notice, self.topic.is_some(), published.as_ref().err()));
        match published {
            Ok(()) => {
                self.mark(table, keeper, incident, status).await;
                if status == Status::Repaired {
                    self.close(table, keeper, incident).await;
                }
                let sent = Sent {
                    fingerprint: incident.fingerprint.clone(),
                    bucket: incident.bucket.clone(),
                    kind: incident.report.finding.kind(),
                    status,
                };
                Delivery { sent: vec![sent], ..Delivery::default() }
            }
            Err(error) => {
                self.give_back(table, keeper, incident).await;
                let at = format!("alert {} of bucket `{}`", incident.report.finding.kind(), incident.bucket);
                Delivery { problems: vec![unsent(at, &error)], unsent: 1, ..Delivery::default() }
            }
        }
    }

    /// Closes what was broken and repaired in one go, without a word more. Failing that, the schedule resolves it.
    async fn close(&self, table: &TableState, keeper: State<'a, W::Store>, incident: &Incident) {
        let now_ms = self.clock.now_ms();
        let healed = Healed::of(now_ms, Ending::Repaired);
        let healing = keeper.heal(incident, &healed, now_ms, now_ms);
        if table.ask(keeper, &incident.bucket, healing).await == Some(true) {
            let closed = Incident { healed: Some(healed), ..incident.clone() };
            self.mark(table, keeper, &closed, Status::Resolved).await;
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

    /// Failing to mark costs at most a second message.
    async fn mark(&self, table: &TableState, keeper: State<'a, W::Store>, incident: &Incident, status: Status) {
        let (bucket, now_ms) = (&incident.bucket, self.clock.now_ms());
        if status != Status::Resolved {
            table.ask(keeper, bucket, keeper.told(incident, now_ms)).await;
        } else if table.ask(keeper, bucket, keeper.resolve(incident, now_ms)).await == Some(true)
            && matches!(keeper, State::Table(_))
        {
            self.memory.note_resolved(incident);
        }
    }

    async fn give_back(&self, table: &TableState, keeper: State<'a, W::Store>, incident: &Incident) {
        table.ask(keeper, &incident.bucket, keeper.release_claim(incident)).await;
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
