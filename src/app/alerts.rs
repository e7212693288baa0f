//! Tells people: counts sightings, claims and sends the messages that are owed, resolves what has healed.
//!
//! At least once: a message is claimed, sent, then marked sent; whoever finds a claim older than `CLAIM_MS` without the
//! mark sends it again. Must never lose an alert because the table fails: then this process's own memory decides,
//! and the message says so. Must never write to a bucket.

mod send;

use crate::app::memory::Memory;
use crate::app::ports::{Clock, IncidentStore, Log, Topic};
use crate::incident::fingerprint::Fingerprint;
use crate::incident::life::{Claim, Clear, Healed, Incident, Report, Scope, Sighting, Status, StoreError, merge};
use crate::model::aws::AwsResult;
use crate::model::finding::{Finding, Kind, Severity};
use crate::model::outcome::Problem;
use crate::report::notice::Context;
use futures_util::StreamExt;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Causes that are told at the same time.
const AT_ONCE: usize = 8;

/// Everything that telling needs. Cheap to build; `memory` lives as long as the process.
#[derive(Debug)]
pub struct Alerts<'a, S, T, C, L> {
    /// None where no table is configured.
    pub store: Option<&'a S>,
    pub memory: &'a Memory,
    /// None where no topic is configured: an alert is a log line then.
    pub topic: Option<&'a T>,
    pub clock: &'a C,
    pub log: &'a L,
    pub context: &'a Context,
}

/// What came of telling.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// Messages that went out (as log lines, where there is no topic).
    pub sent: Vec<Sent>,
    /// Sightings, by their index in the call, whose message could not be sent: their records must be retried.
    pub untold: Vec<usize>,
    pub problems: Vec<Problem>,
    /// Messages that could not be sent.
    pub unsent: usize,
    /// Incidents that are open, where every bucket's were read.
    pub open: Option<usize>,
}

/// A message that went out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub fingerprint: Fingerprint,
    pub bucket: String,
    pub kind: Kind,
    pub status: Status,
}

impl Told {
    fn add(&mut self, other: Self) {
        self.sent.extend(other.sent);
        self.untold.extend(other.untold);
        self.problems.extend(other.problems);
        self.unsent += other.unsent;
    }
}

/// Where an incident is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Home {
    Table,
    Process,
}

/// A sighting and where in the call it came from.
struct Group {
    sighting: Sighting,
    indexes: Vec<usize>,
}

impl<S: IncidentStore, T: Topic, C: Clock, L: Log> Alerts<'_, S, T, C, L> {
    /// Counts every sighting and resolves what the clears cover; sends what is owed. A sighting wins over a clear.
    ///
    /// State calls: one per distinct cause (two more where a message goes out), and one Query per cleared bucket,
    /// unless `Scope::Passing` alone clears it and a copy younger than a minute is at hand. None for empty input.
    pub async fn tell(&self, sightings: Vec<Sighting>, clears: Vec<Clear>) -> Told {
        let groups = grouped(sightings);
        let seen: BTreeSet<(&str, Fingerprint)> =
            groups.iter().map(|group| (group.sighting.bucket.as_str(), group.sighting.fingerprint())).collect();
        let table = TableState::default();
        let mut told = Told::default();

        let mut results = futures_util::stream::iter(groups.iter().map(|group| self.sighted(&table, group)))
            .buffer_unordered(AT_ONCE);
        while let Some(result) = results.next().await {
            told.add(result);
        }
        drop(results);

        let mut by_bucket: BTreeMap<&str, Vec<&Clear>> = BTreeMap::new();
        for clear in &clears {
            if !matches!(&clear.scope, Scope::Passing(causes) if causes.is_empty()) {
                by_bucket.entry(&clear.bucket).or_default().push(clear);
            }
        }
        for (bucket, clears) in by_bucket {
            told.add(self.cleared(&table, bucket, &clears, &seen).await);
        }
        told.add(self.about_the_table(&table).await);
        told.untold.sort_unstable();
        told
    }

    /// Every open incident of a bucket, read now: what the schedule judges again. With an error, the list is what
    /// this process knows.
    pub async fn open(&self, bucket: &str) -> (Vec<Incident>, Option<StoreError>) {
        let table = TableState::default();
        let (incidents, _) = self.read_open(&table, bucket).await;
        (incidents, table.failure().map(|(_, error)| error))
    }

    /// Sends every message that is owed about these buckets: what a crash left, and reminders. For the schedule.
    pub async fn owed(&self, buckets: &[String]) -> Told {
        let table = TableState::default();
        let mut told = Told::default();
        let mut open = 0;
        for bucket in buckets {
            let (incidents, home) = self.read_open(&table, bucket).await;
            open += incidents.iter().filter(|incident| incident.healed.is_none()).count();
            for incident in incidents {
                told.add(self.pay(&table, home, incident).await);
            }
        }
        told.add(self.about_the_table(&table).await);
        told.open = table.failure().is_none().then_some(open);
        told
    }

    /// Whether somebody has confirmed a subscription; none is a finding. No topic: nothing to find.
    pub async fn subscription_finding(&self) -> AwsResult<Option<Finding>> {
        let Some(topic) = self.topic else { return Ok(None) };
        let confirmed = topic.subscriptions_confirmed().await?;
        Ok((confirmed == 0).then(|| no_subscription(self.context.topic_arn.as_deref())))
    }

    async fn sighted(&self, table: &TableState, group: &Group) -> Told {
        let sighting = &group.sighting;
        let now_ms = self.clock.now_ms();
        let counted = match self.usable(table) {
            Some(store) => table.heard(&sighting.bucket, store.sight(sighting, now_ms).await),
            None => None,
        };
        let (claim, home) = match counted {
            Some(claim) => {
                self.memory.forget(&sighting.bucket, &sighting.fingerprint());
                (claim, Home::Table)
            }
            None => (self.memory.sight_here(sighting, now_ms), Home::Process),
        };
        let mut told = match claim {
            Claim::Announce(mut incident) => {
                incident.report = Report::from(sighting);
                self.memory.note_open(&incident);
                let status = incident.first_word();
                self.send(table, home, &incident, status).await
            }
            Claim::Counted(incident) if sighting.mended && incident.told_ms.is_some() => {
                let because = "the guard has repaired it, and read it back".to_owned();
                self.heal(table, home, incident, Healed { at_ms: now_ms, because }, now_ms).await
            }
            Claim::Counted(mut incident) => {
                if incident.told_ms.is_none() {
                    incident.report = Report::from(sighting);
                }
                self.pay(table, home, incident).await
            }
        };
        if !told.problems.is_empty() {
            told.untold.clone_from(&group.indexes);
        }
        told
    }

    /// Sends the message that an incident is owed, if any, and if nobody else is at it.
    async fn pay(&self, table: &TableState, home: Home, incident: Incident) -> Told {
        let now_ms = self.clock.now_ms();
        let Some(status) = incident.due(now_ms) else { return Told::default() };
        let claimed = match (home, self.usable(table)) {
            (Home::Process, _) => self.memory.claim_here(&incident, now_ms),
            // Where it is owed and nobody can claim it: rather twice than never.
            (Home::Table, None) => true,
            (Home::Table, Some(store)) => {
                table.heard(&incident.bucket, store.claim(&incident, status, now_ms).await).unwrap_or(true)
            }
        };
        if claimed { self.send(table, home, &incident, status).await } else { Told::default() }
    }

    async fn cleared(
        &self,
        table: &TableState,
        bucket: &str,
        clears: &[&Clear],
        seen: &BTreeSet<(&str, Fingerprint)>,
    ) -> Told {
        let passing_only = clears.iter().all(|clear| matches!(clear.scope, Scope::Passing(_)));
        let copy = if passing_only { self.memory.copy(bucket, self.clock.now_ms()) } else { None };
        let fresh = copy.is_none();
        let (incidents, home) = match copy {
            Some(copy) => (copy, Home::Table),
            None => self.read_open(table, bucket).await,
        };
        let mut told = Told::default();
        for incident in incidents {
            if seen.contains(&(bucket, incident.fingerprint.clone())) {
                continue;
            }
            let covered = clears.iter().find_map(|clear| Some((clear, incident.covered_by(clear)?)));
            match covered {
                Some((clear, unseen_since_ms)) if incident.healed.is_none() => {
                    let healed = Healed { at_ms: clear.judged_ms, because: clear.because.clone() };
                    told.add(self.heal(table, home, incident, healed, unseen_since_ms).await);
                }
                _ if fresh => told.add(self.pay(table, home, incident).await),
                _ => {}
            }
        }
        told
    }

    async fn heal(
        &self,
        table: &TableState,
        home: Home,
        mut incident: Incident,
        healed: Healed,
        unseen_since_ms: u64,
    ) -> Told {
        let now_ms = self.clock.now_ms();
        let won = match (home, self.usable(table)) {
            (Home::Process, _) => self.memory.heal_here(&incident, &healed, unseen_since_ms, now_ms),
            // It stays open; the schedule resolves it when the table is back.
            (Home::Table, None) => false,
            (Home::Table, Some(store)) => {
                let healing = store.heal(&incident, &healed, unseen_since_ms, now_ms).await;
                table.heard(&incident.bucket, healing).unwrap_or(false)
            }
        };
        if !won {
            return Told::default();
        }
        incident.healed = Some(healed);
        incident.told_ms = None;
        incident.claimed_ms = now_ms;
        self.send(table, home, &incident, Status::Resolved).await
    }

    /// The open incidents by the table, kept as a copy; by this process's memory where there is no table to ask.
    async fn read_open(&self, table: &TableState, bucket: &str) -> (Vec<Incident>, Home) {
        if let Some(store) = self.usable(table)
            && let Some(incidents) = table.heard(bucket, store.open(bucket).await)
        {
            self.memory.keep_copy(bucket, incidents.clone(), self.clock.now_ms());
            return (incidents, Home::Table);
        }
        (self.memory.open_here(bucket), Home::Process)
    }

    /// The table, unless there is none or it has failed in this call already.
    fn usable(&self, table: &TableState) -> Option<&S> {
        if table.failure().is_some() { None } else { self.store }
    }

    /// Opens an incident about the table itself where it failed, and resolves it when it works again. Only this
    /// process can know of it.
    async fn about_the_table(&self, table: &TableState) -> Told {
        let now_ms = self.clock.now_ms();
        if let Some((bucket, error)) = table.failure() {
            let sighting = Sighting::of(bucket, table_unreachable(&error));
            return match self.memory.sight_here(&sighting, now_ms) {
                Claim::Announce(incident) => self.send(table, Home::Process, &incident, Status::Opened).await,
                Claim::Counted(incident) => self.pay(table, Home::Process, incident).await,
            };
        }
        let mut told = Told::default();
        if table.has_worked() {
            for incident in self.memory.all_open() {
                if incident.report.finding.kind == Kind::TableUnreachable && incident.healed.is_none() {
                    let healed = Healed { at_ms: now_ms, because: "the incident table answers again".to_owned() };
                    told.add(self.heal(table, Home::Process, incident, healed, now_ms).await);
                }
            }
        }
        told
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

    /// Notes what the table answered about a bucket.
    fn heard<V>(&self, bucket: &str, answer: Result<V, StoreError>) -> Option<V> {
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
    Finding {
        kind: Kind::TableUnreachable,
        severity: Severity::Warning,
        because: vec![
            format!("the incident table could not be used: {error}"),
            "without it the guard repairs nothing by itself, and messages may repeat".to_owned(),
        ],
        depends_on: Vec::new(),
        remedy: crate::report::remedy::table_unreachable(),
        cause: "incident-table".to_owned(),
    }
}

fn no_subscription(topic_arn: Option<&str>) -> Finding {
    Finding {
        kind: Kind::NoSubscription,
        severity: Severity::Warning,
        because: vec!["no subscription of the alert topic is confirmed: every alert goes nowhere".to_owned()],
        depends_on: Vec::new(),
        remedy: crate::report::remedy::no_subscription(topic_arn),
        cause: "topic".to_owned(),
    }
}
