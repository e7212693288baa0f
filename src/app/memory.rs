//! What one process knows: the incident store where no table is configured or the table fails, and the copy of open
//! incidents that lets healthy batches pass without a call.
//!
//! Must never be taken for shared state: another function knows nothing of it.

mod known;
mod writes;

use crate::app::ports::{Incidents, Leases};
use crate::incident::budget::{RepairBudget, Repairs, budget};
use crate::incident::fingerprint::Fingerprint;
use crate::incident::known::KnownKey;
use crate::incident::life::{Claim, Healed, Incident, Lease, Row, Sighting, Status, StoreResult};
use crate::model::time::Timestamp;
use crate::repair::history::Past;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a copy of a bucket's open incidents serves.
pub const COPY: Duration = Duration::from_mins(1);

/// The state of one process.
#[derive(Debug, Default)]
pub struct Memory {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    rows: BTreeMap<(String, Fingerprint), Row>,
    leases: BTreeMap<String, Held>,
    repairs: BTreeMap<String, Repairs>,
    once: BTreeMap<String, Timestamp>,
    notes: BTreeMap<String, String>,
    pasts: BTreeMap<String, Past>,
    copies: BTreeMap<String, Copy>,
    /// Buckets that the table was asked about ahead.
    asked_ahead: BTreeSet<String>,
    known: BTreeMap<(String, String), KnownKey>,
    /// Until when a bucket and a key are not to be written down again.
    rests: BTreeMap<(String, String), Timestamp>,
}

/// A bucket's open incidents in the table.
#[derive(Debug)]
struct Copy {
    read_at: Timestamp,
    incidents: Vec<Incident>,
    /// Nobody has looked yet what is owed of them.
    ahead: bool,
}

#[derive(Debug)]
struct Held {
    holder: String,
    expires: Timestamp,
    dirty: bool,
}

impl Memory {
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change below is complete before the guard is dropped, so a poisoned state is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The copy of a bucket's open incidents in the table, if it is not too old; and whether it was read ahead, and this is
    /// the first look at it.
    pub fn copy(&self, bucket: &str, now: Timestamp) -> Option<(Vec<Incident>, bool)> {
        let mut state = self.state();
        let copy = state.copies.get_mut(bucket).filter(|copy| now < copy.read_at + COPY)?;
        Some((copy.incidents.clone(), std::mem::take(&mut copy.ahead)))
    }

    pub fn keep_copy(&self, bucket: &str, incidents: Vec<Incident>, now: Timestamp) {
        self.state().copies.insert(bucket.to_owned(), Copy { read_at: now, incidents, ahead: false });
    }

    /// Notes that the copy was read for whoever looks at it next.
    pub fn copy_is_ahead(&self, bucket: &str) {
        if let Some(copy) = self.state().copies.get_mut(bucket) {
            copy.ahead = true;
        }
    }

    /// Whether this is the first time that the table is asked ahead about a bucket.
    pub fn asks_ahead(&self, bucket: &str) -> bool {
        self.state().asked_ahead.insert(bucket.to_owned())
    }

    /// Notes in the copy, if there is one, that an incident is open.
    pub fn note_open(&self, incident: &Incident) {
        if let Some(Copy { incidents, .. }) = self.state().copies.get_mut(&incident.bucket) {
            incidents.retain(|other| other.fingerprint != incident.fingerprint);
            incidents.push(incident.clone());
        }
    }

    pub fn note_resolved(&self, incident: &Incident) {
        if let Some(Copy { incidents, .. }) = self.state().copies.get_mut(&incident.bucket) {
            incidents.retain(|other| other.fingerprint != incident.fingerprint);
        }
    }

    /// Drops an incident that the table has taken over.
    pub fn forget(&self, bucket: &str, fingerprint: &Fingerprint) {
        self.state().rows.remove(&(bucket.to_owned(), fingerprint.clone()));
    }

    /// Every open incident that only this process knows of.
    pub fn all_open(&self) -> Vec<Incident> {
        self.state().rows.values().filter_map(|row| row.opened.clone()).collect()
    }

    /// Runs a change of an open incident, if it is open still and `holds`.
    fn change(
        &self,
        incident: &Incident,
        holds: impl FnOnce(&Incident) -> bool,
        change: impl FnOnce(&mut Row),
    ) -> bool {
        let mut state = self.state();
        let Some(row) = state.rows.get_mut(&(incident.bucket.clone(), incident.fingerprint.clone())) else {
            return false;
        };
        let holds = row.opened.as_ref().is_some_and(|open| open.opened == incident.opened && holds(open));
        if holds {
            change(row);
        }
        holds
    }
}

impl Incidents for Memory {
    async fn sight(&self, sighting: &Sighting, now: Timestamp) -> StoreResult<Claim> {
        let mut state = self.state();
        let row = state.rows.entry((sighting.bucket.clone(), sighting.fingerprint())).or_default();
        let (next, claim) = std::mem::take(row).sight(sighting, now);
        *row = next;
        Ok(claim)
    }

    async fn claim(&self, incident: &Incident, _status: Status, now: Timestamp) -> StoreResult<bool> {
        Ok(self.change(
            incident,
            |open| {
                open.claimed == incident.claimed
                    && open.told == incident.told
                    && open.healed.is_some() == incident.healed.is_some()
            },
            |row| row.opened.iter_mut().for_each(|open| open.claimed = Some(now)),
        ))
    }

    async fn acknowledge(&self, incident: &Incident, until: Timestamp) -> StoreResult<bool> {
        let quiet = |row: &mut Row| row.opened.iter_mut().for_each(|open| open.quiet_until = Some(until));
        Ok(self.change(incident, |_| true, quiet))
    }

    async fn told(&self, incident: &Incident, now: Timestamp) -> StoreResult<()> {
        self.change(
            incident,
            |open| open.healed.is_none(),
            |row| {
                if let Some(open) = &mut row.opened {
                    open.told = Some(now);
                    open.claimed = None;
                    open.report = incident.report.clone();
                    open.quiet_until = None;
                }
            },
        );
        Ok(())
    }

    async fn release_claim(&self, incident: &Incident) -> StoreResult<()> {
        self.change(incident, |_| true, |row| row.opened.iter_mut().for_each(|open| open.claimed = None));
        Ok(())
    }

    async fn heal(
        &self,
        incident: &Incident,
        healed: &Healed,
        unseen_since: Timestamp,
        now: Timestamp,
    ) -> StoreResult<bool> {
        Ok(self.change(
            incident,
            |open| open.healed.is_none() && open.last_seen <= unseen_since,
            |row| {
                if let Some(open) = &mut row.opened {
                    open.healed = Some(healed.clone());
                    open.told = None;
                    open.claimed = Some(now);
                }
            },
        ))
    }

    async fn resolve(&self, incident: &Incident, now: Timestamp) -> StoreResult<bool> {
        Ok(self.change(
            incident,
            |open| open.healed.is_some() && open.healed == incident.healed,
            |row| {
                row.opened = None;
                row.resolved = Some(now);
                row.resolutions = row.resolutions.saturating_add(1);
            },
        ))
    }

    async fn open(&self, bucket: &str) -> StoreResult<Vec<Incident>> {
        let state = self.state();
        let rows = state.rows.iter().filter(|((name, _), _)| name == bucket);
        Ok(rows.filter_map(|(_, row)| row.opened.clone()).collect())
    }
}

impl Leases for Memory {
    async fn lease(&self, bucket: &str, holder: &str, now: Timestamp, expires: Timestamp) -> StoreResult<Lease> {
        let mut state = self.state();
        match state.leases.get_mut(bucket) {
            Some(held) if held.holder != holder && now < held.expires => {
                held.dirty = true;
                Ok(Lease::Busy)
            }
            _ => {
                let held = Held { holder: holder.to_owned(), expires, dirty: false };
                state.leases.insert(bucket.to_owned(), held);
                Ok(Lease::Taken)
            }
        }
    }

    async fn release(&self, bucket: &str, holder: &str, expires: Timestamp) -> StoreResult<bool> {
        let mut state = self.state();
        match state.leases.get_mut(bucket) {
            Some(held) if held.holder == holder && held.dirty => {
                held.dirty = false;
                held.expires = expires;
                Ok(true)
            }
            Some(held) if held.holder == holder => {
                state.leases.remove(bucket);
                Ok(false)
            }
            _ => Ok(false),
        }
    }

    async fn count_repair(
        &self,
        bucket: &str,
        now: Timestamp,
        window: Duration,
        limit: u64,
    ) -> StoreResult<RepairBudget> {
        let mut state = self.state();
        let repairs = state.repairs.entry(bucket.to_owned()).or_default();
        let (answer, next) = budget(repairs, now, window, limit);
        *repairs = next;
        Ok(answer)
    }

    async fn reset_repairs(&self, bucket: &str) -> StoreResult<()> {
        self.state().repairs.remove(bucket);
        Ok(())
    }

    async fn recall(&self, name: &str) -> StoreResult<Option<String>> {
        Ok(self.state().notes.get(name).cloned())
    }

    async fn put_down(&self, name: &str, text: &str) -> StoreResult<()> {
        self.state().notes.insert(name.to_owned(), text.to_owned());
        Ok(())
    }

    async fn once_per(&self, name: &str, now: Timestamp, period: Duration) -> StoreResult<bool> {
        let mut state = self.state();
        let due = state.once.get(name).is_none_or(|last| *last + period <= now);
        if due {
            state.once.insert(name.to_owned(), now);
        }
        Ok(due)
    }
}
