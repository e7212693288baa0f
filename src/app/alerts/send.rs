//! One message out of the door: published, or written as a log line where there is no topic.

use crate::app::alerts::{AT_ONCE, Alerts, Delivery, Sent, TableState};
use crate::app::ports::{Clock, Incidents, Log, Topic, World};
use crate::app::state::State;
use crate::incident::life::{Ending, Healed, Incident, Status};
use crate::model::aws::{AwsError, ErrorClass};
use crate::model::finding::{Kind, Severity};
use crate::model::outcome::Problem;
use crate::report::message as notify;
use crate::report::notice::{Message, Notice};
use futures_util::StreamExt;

/// A message that is claimed and to be sent, and who keeps its incident.
pub(super) struct Due<'a, S> {
    pub(super) incident: Incident,
    pub(super) status: Status,
    pub(super) keeper: State<'a, S>,
    /// The sightings that it is about, by their index in the call.
    pub(super) indexes: Vec<usize>,
}

/// What puts several into one message.
#[derive(Debug, PartialEq, Eq)]
enum Bond {
    /// They began, or ended, with one change of one bucket.
    Change { bucket: String, event_id: String, over: bool },
    /// They were repaired in one invocation, and no event says by whom they were broken: a first repair of many buckets.
    Repairs,
}

impl<S> Due<'_, S> {
    fn bond(&self) -> Option<Bond> {
        let Incident { report, healed, bucket, .. } = &self.incident;
        let over = self.status == Status::Resolved;
        let actor = match self.status {
            Status::Opened | Status::Repaired => report.actor.as_ref(),
            Status::Resolved => healed.as_ref().and_then(|healed| healed.actor.as_ref()),
            Status::Reminder | Status::Test => return None,
        };
        // These are read, and answered, one by one.
        if matches!(report.finding.kind(), Kind::LostUpdate | Kind::Contested | Kind::Paused) {
            return None;
        }
        match actor.and_then(|actor| actor.event_id.clone()) {
            Some(event_id) => Some(Bond::Change { bucket: bucket.clone(), event_id, over }),
            None => (self.status == Status::Repaired).then_some(Bond::Repairs),
        }
    }

    /// What is open before what is over, then the gravest.
    fn weight(&self) -> (bool, Severity) {
        (self.status == Status::Opened, self.incident.report.finding.severity)
    }
}

fn bundled<S>(due: Vec<Due<'_, S>>) -> Vec<Vec<Due<'_, S>>> {
    let mut bundles: Vec<(Option<Bond>, Vec<Due<'_, S>>)> = Vec::new();
    for due in due {
        let bond = due.bond();
        match bundles.iter_mut().find(|(held, _)| bond.is_some() && *held == bond) {
            Some((_, bundle)) => bundle.push(due),
            None => bundles.push((bond, vec![due])),
        }
    }
    bundles
        .into_iter()
        .map(|(_, mut bundle)| {
            bundle.sort_by_key(|due| std::cmp::Reverse(due.weight()));
            bundle
        })
        .collect()
}

impl<'a, W: World> Alerts<'a, W> {
    /// Sends claimed messages: those of one change as one.
    pub(super) async fn send_all(&self, table: &TableState, due: Vec<Due<'a, W::Store>>) -> Delivery {
        let bundles = bundled(due);
        let mut sent =
            futures_util::stream::iter(bundles.iter().map(|bundle| self.send(table, bundle))).buffer_unordered(AT_ONCE);
        let mut delivery = Delivery::default();
        while let Some(result) = sent.next().await {
            delivery.add(result);
        }
        delivery
    }

    /// Sends a message and marks its incidents told. Failing that, gives the claims back.
    async fn send(&self, table: &TableState, bundle: &[Due<'a, W::Store>]) -> Delivery {
        let now_ms = self.clock.now_ms();
        let notices: Vec<Notice<'_>> = bundle
            .iter()
            .map(|due| Notice {
                status: due.status,
                incident: &due.incident,
                context: self.context,
                stateless: matches!((due.keeper, self.state), (State::Process(_), State::Table(_))),
                now_ms,
            })
            .collect();
        let Some(first) = notices.first() else { return Delivery::default() };
        let published = self.publish(&notices).await;
        for notice in &notices {
            self.log.line(notify::log_line(notice, self.topic.is_some(), published.as_ref().err()));
        }
        let Incident { fingerprint, bucket, report, .. } = first.incident;
        let kind = report.finding.kind();
        match published {
            Ok(()) => {
                for Due { incident, status, keeper, indexes: _ } in bundle {
                    self.mark(table, *keeper, incident, *status).await;
                    if *status == Status::Repaired {
                        self.close(table, *keeper, incident).await;
                    }
                }
                let status = first.status;
                let sent = Sent { fingerprint: fingerprint.clone(), bucket: bucket.clone(), kind, status };
                Delivery { sent: vec![sent], ..Delivery::default() }
            }
            Err(error) => {
                for Due { incident, keeper, .. } in bundle {
                    self.give_back(table, *keeper, incident).await;
                }
                let problems = vec![unsent(format!("alert {kind} of bucket `{bucket}`"), &error)];
                let unsent_sightings = bundle.iter().flat_map(|due| due.indexes.iter().copied()).collect();
                Delivery { problems, unsent: 1, unsent_sightings, ..Delivery::default() }
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
        let published = self.publish(std::slice::from_ref(&notice)).await;
        self.log.line(notify::log_line(&notice, self.topic.is_some(), published.as_ref().err()));
        published.err().map(|error| unsent("test-alert".to_owned(), &error)).into_iter().collect()
    }

    async fn publish(&self, notices: &[Notice<'_>]) -> Result<(), AwsError> {
        let (Some(topic), Some(message)) = (self.topic, notify::message(notices)) else { return Ok(()) };
        match topic.publish(&message).await {
            // Something in the message displeases SNS: the bare facts must still arrive.
            Err(error) if error.class == ErrorClass::Permanent => {
                topic.publish(&Message { body: notify::bare_body(notices), ..message }).await
            }
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

fn unsent(at: String, error: &AwsError) -> Problem {
    Problem {
        at,
        saw: error.to_string(),
        want: "a message that the alert topic accepts; it is in the log".to_owned(),
        retryable: true,
    }
}
