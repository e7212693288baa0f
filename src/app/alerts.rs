//! Tells people: counts sightings, claims and sends the messages that are owed, resolves what has healed.
//!
//! At least once: a message is claimed, sent, then marked sent; whoever finds a claim older than `CLAIM` without the
//! mark sends it again. Must never lose an alert because the table fails: then this process's own memory decides,
//! and the message says so. Must never write to a bucket.

mod send;

use crate::app::memory::Memory;
use crate::app::ports::{Clock, Incidents, Topic, World};
use crate::app::state::State;
use crate::incident::fingerprint::Fingerprint;
use crate::incident::life::{
    Claim, Clear, Ending, Healed, Incident, Report, Row, Scope, Sighting, Status, StoreError, StoreResult, merge,
};
use crate::model::aws::AwsResult;
use crate::model::evidence::Evidence;
use crate::model::finding::{Finding, Kind};
use crate::model::outcome::Problem;
use crate::model::time::Timestamp;
use crate::report::notice::Context;
use futures_util::StreamExt;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Causes that are told at the same time.
const AT_ONCE: usize = 8;

/// Everything that messages need. Cheap to build.
#[derive(Debug)]
pub struct Alerts<'a, W: World> {
    pub state: State<'a, W::Store>,
    /// Takes over where the table fails; it lives as long as the process.
    pub memory: &'a Memory,
    /// None where no topic is configured: an alert is a log line then.
    pub topic: Option<&'a W::Topic>,
    pub clock: &'a W::Clock,
    pub log: &'a W::Log,
    pub context: &'a Context,
}

/// What was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Messages that went out (as log lines, where there is no topic).
    pub messages: usize,
    /// What they were about.
    pub sent: Vec<Sent>,
    /// Sightings, by their index in the call, whose message could not be sent: their records must be retried.
    pub unsent_sightings: Vec<usize>,
    pub problems: Vec<Problem>,
    /// Messages that could not be sent.
    pub unsent: usize,
    /// Incidents that are open, where every bucket's were read.
    pub open: Option<usize>,
    /// The same by bucket, of those that were read.
    pub open_by_bucket: Vec<(String, usize)>,
}

/// An incident that a message went out about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub fingerprint: Fingerprint,
    pub bucket: String,
}

impl Delivery {
    fn add(&mut self, other: Self) {
        self.messages += other.messages;
        self.sent.extend(other.sent);
        self.unsent_sightings.extend(other.unsent_sightings);
        self.problems.extend(other.problems);
        self.unsent += other.unsent;
    }
}

/// A message that is claimed and to be sent, and who keeps its incident.
struct Due<'a, S> {
    incident: Incident,
    status: Status,
    keeper: State<'a, S>,
    /// The sightings that it is about, by their index in the call.
    indexes: Vec<usize>,
}

/// A sighting and where in the call it came from.
struct Group {
    sighting: Sighting,
    indexes: Vec<usize>,
}

impl<'a, W: World> Alerts<'a, W> {
    /// Counts every sighting and resolves what the clears cover; sends what is owed. A sighting wins over a clear, and so
    /// does an incident that is `still` so.
    ///
    /// State calls: one per distinct cause (two more where a message goes out), and one Query per cleared bucket,
    /// unless `Scope::Passing` alone clears it and a copy younger than a minute is at hand. None for empty input.
    pub async fn deliver(
        &self,
        sightings: Vec<Sighting>,
        clears: Vec<Clear>,
        still: &[(String, Fingerprint)],
    ) -> Delivery {
        let groups = grouped(sightings);
        let mut seen: BTreeSet<(&str, Fingerprint)> =
            groups.iter().map(|group| (group.sighting.bucket.as_str(), group.sighting.fingerprint())).collect();
        seen.extend(still.iter().map(|(bucket, fingerprint)| (bucket.as_str(), fingerprint.clone())));
        let table = TableState::default();
        let mut delivery = Delivery::default();

        let counted = futures_util::stream::iter(groups.iter().map(|group| self.sighted(&table, group)));
        let due: Vec<Option<Due<'_, W::Store>>> = counted.buffered(AT_ONCE).collect().await;
        delivery.add(self.send_all(&table, due.into_iter().flatten().collect()).await);

        let mut by_bucket: BTreeMap<&str, Vec<&Clear>> = BTreeMap::new();
        for clear in &clears {
            if !matches!(&clear.scope, Scope::Passing(causes) if causes.is_empty()) {
                by_bucket.entry(&clear.bucket).or_default().push(clear);
            }
        }
        for (bucket, clears) in by_bucket {
            delivery.add(self.cleared(&table, bucket, &clears, &seen).await);
        }
        delivery.add(self.about_the_table(&table).await);
        delivery.unsent_sightings.sort_unstable();
        delivery
    }

    /// Every open incident of a bucket, read now: what the schedule judges again. With an error, the list is what
    /// this process knows.
    pub async fn open(&self, bucket: &str) -> (Vec<Incident>, Option<StoreError>) {
        let table = TableState::default();
        let (incidents, _) = self.read_open(&table, bucket).await;
        (incidents, table.failure().map(|(_, error)| error))
    }

    /// Reads a bucket's open incidents for the `deliver` that comes next.
    pub async fn read_ahead(&self, bucket: &str) {
        let table = TableState::default();
        self.read_open(&table, bucket).await;
        if table.failure().is_none() {
            self.memory.copy_is_ahead(bucket);
        }
    }

    /// Sends no reminders of an incident for a while. False if none of this name is open in the bucket.
    ///
    /// # Errors
    /// The table does not answer.
    pub async fn acknowledge(
        &self,
        bucket: &str,
        fingerprint: &Fingerprint,
        until: Timestamp,
        dry_run: bool,
    ) -> StoreResult<bool> {
        let open = self.state.open(bucket).await?;
        match open.iter().find(|incident| incident.fingerprint == *fingerprint && incident.healed.is_none()) {
            Some(_) if dry_run => Ok(true),
            Some(incident) => self.state.acknowledge(incident, until).await,
            None => Ok(false),
        }
    }

    /// Ends the incidents of a bucket that is guarded no longer, without a message: nobody knows whether they are over.
    ///
    /// # Errors
    /// The table does not answer.
    pub async fn close_all(&self, bucket: &str) -> StoreResult<()> {
        for incident in self.state.open(bucket).await? {
            let now = self.clock.now();
            let healed = match &incident.healed {
                Some(healed) => healed.clone(),
                None => Healed::of(now, Ending::Unguarded),
            };
            if incident.healed.is_some() || self.state.heal(&incident, &healed, now, now).await? {
                self.state.resolve(&Incident { healed: Some(healed), ..incident }, now).await?;
            }
        }
        Ok(())
    }

    /// Sends every message that is pending about these buckets: what a crash left, and reminders. For the schedule.
    pub async fn send_pending(&self, buckets: &[String]) -> Delivery {
        let table = TableState::default();
        let mut delivery = Delivery::default();
        for bucket in buckets {
            let (incidents, keeper) = self.read_open(&table, bucket).await;
            if table.failure().is_none() {
                let open = incidents.iter().filter(|incident| incident.healed.is_none()).count();
                delivery.open_by_bucket.push((bucket.clone(), open));
            }
            let mut due = Vec::new();
            for incident in incidents {
                due.extend(self.due(&table, keeper, incident).await);
            }
            delivery.add(self.send_all(&table, due).await);
        }
        delivery.add(self.about_the_table(&table).await);
        let open = delivery.open_by_bucket.iter().map(|(_, open)| open).sum();
        delivery.open = table.failure().is_none().then_some(open);
        delivery
    }

    /// Whether somebody has confirmed a subscription; none is a finding. No topic: nothing to find.
    pub async fn subscription_finding(&self) -> AwsResult<Option<Finding>> {
        let Some(topic) = self.topic else { return Ok(None) };
        let confirmed = topic.subscriptions_confirmed().await?;
        let topic = self.context.topic_arn.clone();
        Ok((confirmed == 0).then(|| Finding::of(Evidence::NoSubscription { topic })))
    }

    /// Counts a sighting; the message that is due after it.
    async fn sighted(&self, table: &TableState, group: &Group) -> Option<Due<'a, W::Store>> {
        let sighting = &group.sighting;
        let now = self.clock.now();
        let (claim, keeper) = self.count(table, sighting, now).await;
        let due = match claim {
            Claim::Announce(mut incident) => {
                incident.report = Report::from(sighting);
                self.memory.note_open(&incident);
                Some(Due { status: incident.first_word(), incident, keeper, indexes: Vec::new() })
            }
            // Worse than what was told, and perhaps acknowledged.
            Claim::Counted(incident) if !sighting.mended && incident.worsened_by(sighting, now) => {
                let claimed = keeper.claim(&incident, Status::Opened, now);
                let ours = table.ask(keeper, &sighting.bucket, claimed).await.unwrap_or(true);
                let incident = Incident { report: Report::from(sighting), ..incident };
                ours.then(|| Due { status: Status::Opened, incident, keeper, indexes: Vec::new() })
            }
            Claim::Counted(incident) if sighting.mended && incident.told.is_some() => {
                self.heal(table, keeper, incident, Healed::of(now, Ending::Repaired), now).await
            }
            Claim::Counted(mut incident) => {
                if incident.told.is_none() {
                    incident.report = Report::from(sighting);
                }
                self.due(table, keeper, incident).await
            }
        };
        due.map(|due| Due { indexes: group.indexes.clone(), ..due })
    }

    /// Counts a sighting where the state is kept. Failing that, this process counts it.
    async fn count(&self, table: &TableState, sighting: &Sighting, now: Timestamp) -> (Claim, State<'a, W::Store>) {
        match table.ask(self.state, &sighting.bucket, self.state.sight(sighting, now)).await {
            Some(claim) => {
                if matches!(self.state, State::Table(_)) {
                    self.memory.forget(&sighting.bucket, &sighting.fingerprint());
                }
                (claim, self.state)
            }
            None => (self.count_here(sighting, now).await, State::Process(self.memory)),
        }
    }

    async fn count_here(&self, sighting: &Sighting, now: Timestamp) -> Claim {
        let counted = self.memory.sight(sighting, now).await;
        // Whatever becomes of the state, the message goes out.
        counted.unwrap_or_else(|_| Row::default().sight(sighting, now).1)
    }

    /// Claims the message that is pending about an incident, if any, and if nobody else is sending it.
    async fn due(
        &self,
        table: &TableState,
        keeper: State<'a, W::Store>,
        incident: Incident,
    ) -> Option<Due<'a, W::Store>> {
        let now = self.clock.now();
        let status = incident.due(now)?;
        let claimed = table.ask(keeper, &incident.bucket, keeper.claim(&incident, status, now)).await;
        // Where it is pending and nobody can claim it: rather twice than never.
        claimed.unwrap_or(true).then(|| Due { incident, status, keeper, indexes: Vec::new() })
    }

    async fn cleared(
        &self,
        table: &TableState,
        bucket: &str,
        clears: &[&Clear],
        seen: &BTreeSet<(&str, Fingerprint)>,
    ) -> Delivery {
        let passing_only = clears.iter().all(|clear| matches!(clear.scope, Scope::Passing(_)));
        let copy = if passing_only { self.memory.copy(bucket, self.clock.now()) } else { None };
        let fresh = copy.as_ref().is_none_or(|(_, ahead)| *ahead);
        let (incidents, keeper) = match copy {
            Some((incidents, _)) => (incidents, self.state),
            None => self.read_open(table, bucket).await,
        };
        let (mut first, mut due, mut healing) = (Vec::new(), Vec::new(), Vec::new());
        for incident in incidents {
            if seen.contains(&(bucket, incident.fingerprint.clone())) {
                continue;
            }
            let covered = clears.iter().find_map(|clear| Some((clear, incident.covered_by(clear)?)));
            match covered {
                Some((clear, unseen_since)) if incident.healed.is_none() => {
                    if incident.told.is_none() {
                        first.extend(self.due(table, keeper, incident.clone()).await);
                    }
                    healing.push((incident, clear, unseen_since));
                }
                _ if fresh => due.extend(self.due(table, keeper, incident).await),
                _ => {}
            }
        }
        // Nothing is resolved that nobody was told of: its first message goes out before.
        let mut delivery = self.send_all(table, first).await;
        for (incident, clear, unseen_since) in healing {
            let told = |sent: &Sent| sent.bucket == incident.bucket && sent.fingerprint == incident.fingerprint;
            if incident.told.is_some() || delivery.sent.iter().any(told) {
                let healed = Healed::by(clear, incident.opened);
                due.extend(self.heal(table, keeper, incident, healed, unseen_since).await);
            }
        }
        delivery.add(self.send_all(table, due).await);
        delivery
    }

    /// Marks an incident fine; its last message, if that is ours to send. Where the table fails the incident stays open; the schedule resolves it when the table is back.
    async fn heal(
        &self,
        table: &TableState,
        keeper: State<'a, W::Store>,
        mut incident: Incident,
        healed: Healed,
        unseen_since: Timestamp,
    ) -> Option<Due<'a, W::Store>> {
        let now = self.clock.now();
        let healing = keeper.heal(&incident, &healed, unseen_since, now);
        if table.ask(keeper, &incident.bucket, healing).await != Some(true) {
            return None;
        }
        incident.healed = Some(healed);
        incident.told = None;
        incident.claimed = Some(now);
        Some(Due { incident, status: Status::Resolved, keeper, indexes: Vec::new() })
    }

    /// The open incidents by the store that keeps the state; by this process's memory where it fails. The table's are
    /// kept as a copy.
    async fn read_open(&self, table: &TableState, bucket: &str) -> (Vec<Incident>, State<'a, W::Store>) {
        if let Some(incidents) = table.ask(self.state, bucket, self.state.open(bucket)).await {
            if matches!(self.state, State::Table(_)) {
                self.memory.keep_copy(bucket, incidents.clone(), self.clock.now());
            }
            return (incidents, self.state);
        }
        (self.memory.open(bucket).await.unwrap_or_default(), State::Process(self.memory))
    }

    /// Opens an incident about the table itself where it failed, and resolves it when it works again. Only this
    /// process can know of it.
    async fn about_the_table(&self, table: &TableState) -> Delivery {
        let now = self.clock.now();
        let here = State::Process(self.memory);
        let mut due = Vec::new();
        for (bucket, error) in self.state.take_unreadable() {
            let finding = Finding::of(Evidence::StateUnreadable { error: error.to_string() });
            let group = Group { sighting: Sighting::of(bucket, finding), indexes: Vec::new() };
            due.extend(self.sighted(table, &group).await);
        }
        if let Some((bucket, error)) = table.failure() {
            let sighting = Sighting::of(bucket, table_unreachable(&error));
            due.extend(match self.count_here(&sighting, now).await {
                Claim::Announce(incident) => {
                    Some(Due { incident, status: Status::Opened, keeper: here, indexes: Vec::new() })
                }
                Claim::Counted(incident) => self.due(table, here, incident).await,
            });
        } else if table.has_worked() {
            for incident in self.memory.all_open() {
                if incident.report.finding.kind() == Kind::TableUnreachable && incident.healed.is_none() {
                    let healed = Healed::of(now, Ending::Table);
                    due.extend(self.heal(table, here, incident, healed, now).await);
                }
            }
        }
        self.send_all(table, due).await
    }
}

fn grouped(sightings: Vec<Sighting>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut places: BTreeMap<(String, Fingerprint), usize> = BTreeMap::new();
    for (index, sighting) in sightings.into_iter().enumerate() {
        let name = (sighting.bucket.clone(), sighting.fingerprint());
        if let Some(group) = places.get(&name).and_then(|place| groups.get_mut(*place)) {
            merge(&mut group.sighting, sighting);
            group.indexes.push(index);
        } else {
            places.insert(name, groups.len());
            groups.push(Group { sighting, indexes: vec![index] });
        }
    }
    groups
}

/// How the table has fared in one call: after one failure it is not asked again.
#[derive(Debug, Default)]
struct TableState {
    seen: Mutex<(bool, Option<(String, StoreError)>)>,
}

impl TableState {
    fn seen(&self) -> MutexGuard<'_, (bool, Option<(String, StoreError)>)> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What `store` answers about a bucket. None where it fails, or is the table and has failed before.
    async fn ask<S, V>(
        &self,
        store: State<'_, S>,
        bucket: &str,
        answer: impl Future<Output = StoreResult<V>>,
    ) -> Option<V> {
        if matches!(store, State::Process(_)) {
            return answer.await.ok();
        }
        if self.failure().is_some() {
            return None;
        }
        let answer = answer.await;
        let mut seen = self.seen();
        match answer {
            Ok(value) => {
                seen.0 = true;
                Some(value)
            }
            Err(error) => {
                seen.1.get_or_insert_with(|| (bucket.to_owned(), error));
                None
            }
        }
    }

    fn has_worked(&self) -> bool {
        self.seen().0
    }

    fn failure(&self) -> Option<(String, StoreError)> {
        self.seen().1.clone()
    }
}

/// The finding that the incident table can't be reached. The reconciler, which then writes nothing, uses the same.
pub fn table_unreachable(error: &StoreError) -> Finding {
    Finding::of(Evidence::TableUnreachable { error: error.to_string() })
}
