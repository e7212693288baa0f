//! One message out of the door: published, or written as a log line where there is no topic.

use crate::app::alerts::{AT_ONCE, Alerts, Delivery, Due, Sent, TableState};
use crate::app::ports::{Clock, Incidents, Log, Topic, World};
use crate::app::state::State;
use crate::incident::life::{Ending, Healed, Incident, REMIND, Status};
use crate::model::aws::{AwsError, ErrorClass};
use crate::model::finding::{Kind, Severity};
use crate::model::outcome::Problem;
use crate::report::message as notify;
use crate::report::notice::{Message, Notice};
use futures_util::StreamExt;
use std::collections::BTreeMap;
use std::time::Duration;

/// What puts several into one message.
#[derive(Debug, PartialEq, Eq)]
enum Bond {
    /// They began, or ended, with one change of one bucket.
    Change { bucket: String, event_id: String, over: bool },
    /// They were repaired in one invocation, and no event says by whom they were broken: a first repair of many buckets.
    Repairs,
    /// One look at a bucket showed that they are over, and no event says by whose change.
    Over { bucket: String },
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
            None if self.status == Status::Repaired => Some(Bond::Repairs),
            None if over && report.sample_keys.is_empty() => Some(Bond::Over { bucket: bucket.clone() }),
            None => None,
        }
    }

    /// What is open before what is over, then the gravest.
    fn weight(&self) -> (bool, Severity) {
        (self.status == Status::Opened, self.incident.report.finding.severity)
    }
}

/// Most messages of one kind that objects of a bucket lead to in an hour, each on its own.
const SINGLES: usize = 10;
const HOUR: Duration = Duration::from_hours(1);
/// Most incidents of one message: with these its bare facts still fit.
const MEMBERS: usize = 200;

/// What a flood is of: whoever uploads can name any number of keys.
type Flood = (String, Kind, Severity, Status);

/// The flood that a message may be part of. Without the table nobody would remember what is put off.
fn flood<S>(due: &Due<'_, S>) -> Option<Flood> {
    let Incident { report, bucket, .. } = &due.incident;
    let of_objects = !report.sample_keys.is_empty() && matches!(due.keeper, State::Table(_));
    // A change for the worse is not found pending by whoever looks next: it is sent at once.
    let worse = due.status == Status::Opened && due.incident.told.is_some();
    (of_objects && !worse).then(|| (bucket.clone(), report.finding.kind(), report.finding.severity, due.status))
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
    /// Sends claimed messages: those of one change as one, and those of a flood.
    pub(super) async fn send_all(&self, table: &TableState, due: Vec<Due<'a, W::Store>>) -> Delivery {
        let bundles = self.without_floods(table, bundled(due)).await;
        let mut sent =
            futures_util::stream::iter(bundles.iter().map(|bundle| self.send(table, bundle))).buffer_unordered(AT_ONCE);
        let mut delivery = Delivery::default();
        while let Some(result) = sent.next().await {
            delivery.add(result);
        }
        delivery
    }

    /// After ten of a kind in an hour what comes is put off, and is one message when the hour is over: the claims are given back,
    /// so that whoever looks next finds it pending.
    async fn without_floods(
        &self,
        table: &TableState,
        bundles: Vec<Vec<Due<'a, W::Store>>>,
    ) -> Vec<Vec<Due<'a, W::Store>>> {
        let mut kept = Vec::new();
        let mut floods: BTreeMap<Flood, Vec<Due<'a, W::Store>>> = BTreeMap::new();
        for mut bundle in bundles {
            match bundle.first().and_then(flood).filter(|_| bundle.len() == 1) {
                Some(flood) => floods.entry(flood).or_default().append(&mut bundle),
                None => kept.push(bundle),
            }
        }
        for (flood, mut due) in floods {
            let recent = self.sent_lately(table, &flood).await;
            if recent >= SINGLES {
                self.give_back(table, &due).await;
            } else if recent + due.len() <= SINGLES {
                kept.extend(due.into_iter().map(|due| vec![due]));
            } else {
                while !due.is_empty() {
                    let rest = due.split_off(due.len().min(MEMBERS));
                    kept.push(std::mem::replace(&mut due, rest));
                }
            }
        }
        kept
    }

    /// How many incidents of this kind were told in the last hour.
    async fn sent_lately(&self, table: &TableState, (bucket, kind, severity, status): &Flood) -> usize {
        if *status != Status::Opened {
            return 0;
        }
        let since = self.clock.now() - HOUR;
        let (open, _) = self.read_open(table, bucket).await;
        let of_kind = open.iter().filter(|open| {
            let finding = &open.report.finding;
            finding.kind() == *kind && finding.severity == *severity && open.healed.is_none()
        });
        // A reminder is no opening.
        let opening = |open: &&Incident, told| told < open.opened + REMIND;
        of_kind.filter(|open| open.told.is_some_and(|told| told > since && opening(open, told))).count()
    }

    /// Sends a message and marks its incidents told. Failing that, gives the claims back.
    async fn send(&self, table: &TableState, bundle: &[Due<'a, W::Store>]) -> Delivery {
        let now = self.clock.now();
        let notices: Vec<Notice<'_>> = bundle
            .iter()
            .map(|due| Notice {
                status: due.status,
                incident: &due.incident,
                context: self.context,
                stateless: matches!((due.keeper, self.state), (State::Process(_), State::Table(_))),
                now,
            })
            .collect();
        let Some(first) = notices.first() else { return Delivery::default() };
        let published = self.publish(&notices).await;
        for notice in &notices {
            self.log.line(notify::log_line(notice, self.topic.is_some(), published.as_ref().err()));
        }
        match published {
            Ok(()) => {
                let marked = bundle.iter().map(|due| async move {
                    self.mark(table, due.keeper, &due.incident, due.status).await;
                    if due.status == Status::Repaired {
                        self.close(table, due.keeper, &due.incident).await;
                    }
                });
                futures_util::stream::iter(marked).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
                let sent = |due: &Due<'a, W::Store>| Sent {
                    fingerprint: due.incident.fingerprint.clone(),
                    bucket: due.incident.bucket.clone(),
                };
                Delivery { sent: bundle.iter().map(sent).collect(), messages: 1, ..Delivery::default() }
            }
            Err(error) => {
                self.give_back(table, bundle).await;
                let Incident { bucket, report, .. } = first.incident;
                let at = format!("alert {} of bucket `{bucket}`", report.finding.kind());
                let problems = vec![unsent(at, &error)];
                let unsent_sightings = bundle.iter().flat_map(|due| due.indexes.iter().copied()).collect();
                Delivery { problems, unsent: 1, unsent_sightings, ..Delivery::default() }
            }
        }
    }

    /// Closes what was broken and repaired in one go, without a word more. Failing that, the schedule resolves it.
    async fn close(&self, table: &TableState, keeper: State<'a, W::Store>, incident: &Incident) {
        let now = self.clock.now();
        let healed = Healed::of(now, Ending::Repaired);
        let healing = keeper.heal(incident, &healed, now, now);
        if table.ask(keeper, &incident.bucket, healing).await == Some(true) {
            let closed = Incident { healed: Some(healed), ..incident.clone() };
            self.mark(table, keeper, &closed, Status::Resolved).await;
        }
    }

    /// Sends a test message, whatever is open. Empty if it went out.
    pub async fn test_alert(&self) -> Vec<Problem> {
        let incident = notify::test_incident(self.context, self.clock.now());
        let notice = Notice {
            status: Status::Test,
            incident: &incident,
            context: self.context,
            stateless: false,
            now: self.clock.now(),
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
        let (bucket, now) = (&incident.bucket, self.clock.now());
        if status != Status::Resolved {
            table.ask(keeper, bucket, keeper.told(incident, now)).await;
        } else if table.ask(keeper, bucket, keeper.resolve(incident, now)).await == Some(true)
            && matches!(keeper, State::Table(_))
        {
            self.memory.note_resolved(incident);
        }
    }

    async fn give_back(&self, table: &TableState, due: &[Due<'a, W::Store>]) {
        let released = due.iter().map(|Due { incident, keeper, .. }| async move {
            table.ask(*keeper, &incident.bucket, keeper.release_claim(incident)).await;
        });
        futures_util::stream::iter(released).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
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
