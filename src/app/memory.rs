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
use crate::repair::history::Past;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How long a copy of a bucket's open incidents serves, in milliseconds.
pub const COPY_MS: u64 = 60_000;

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
    once: BTreeMap<String, u64>,
    notes: BTreeMap<String, String>,
    pasts: BTreeMap<String, Past>,
    copies: BTreeMap<String, (u64, Vec<Incident>)>,
    known: BTreeMap<(String, String), KnownKey>,
    /// Until when a bucket and a key are not to be written down again.
    rests: BTreeMap<(String, String), u64>,
}

#[derive(Debug)]
struct Held {
    holder: String,
    expires_ms: u64,
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

    /// The copy of a bucket's open incidents in the table, if it is not too old.
    pub fn copy(&self, bucket: &str, now_ms: u64) -> Option<Vec<Incident>> {
        let state = self.state();
        let (read_ms, incidents) = state.copies.get(bucket)?;
        (now_ms < read_ms.saturating_add(COPY_MS)).then(|| incidents.clone())
    }

    /// Whether no copy of this bucket's incidents was ever kept.
    pub fn is_new(&self, bucket: &str) -> bool {
        !self.state().copies.contains_key(bucket)
    }

    pub fn keep_copy(&self, bucket: &str, incidents: Vec<Incident>, now_ms: u64) {
        self.state().copies.insert(bucket.to_owned(), (now_ms, incidents));
    }

    /// Notes in the copy, if there is one, that an incident is open.
    pub fn note_open(&self, incident: &Incident) {
        if let Some((_, incidents)) = self.state().copies.get_mut(&incident.bucket) {
            incidents.retain(|other| other.fingerprint != incident.fingerprint);
            incidents.push(incident.clone());
        }
    }

    pub fn note_resolved(&self, incident: &Incident) {
        if let Some((_, incidents)) = self.state().copies.get_mut(&incident.bucket) {
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
        let holds = row.opened.as_ref().is_some_and(|now| now.opened_ms == incident.opened_ms && holds(now));
        if holds {
            change(row);
        }
        holds
    }
}

impl Incidents for Memory {
    async fn sight(&self, sighting: &Sighting, now_ms: u64) -> StoreResult<Claim> {
        let mut state = self.state();
        let row = state.rows.entry((sighting.bucket.clone(), sighting.fingerprint())).or_default();
        let (next, claim) = std::mem::take(row).sight(sighting, now_ms);
        *row = next;
        Ok(claim)
    }

    async fn claim(&self, incident: &Incident, _status: Status, now_ms: u64) -> StoreResult<bool> {
        Ok(self.change(
            incident,
            |now| {
                now.claimed_ms == incident.claimed_ms
                    && now.told_ms == incident.told_ms
                    && now.healed.is_some() == incident.healed.is_some()
            },
            |row| row.opened.iter_mut().for_each(|now| now.claimed_ms = now_ms),
        ))
    }

    async fn acknowledge(&self, incident: &Incident, until_ms: u64) -> StoreResult<bool> {
        let quiet = |row: &mut Row| row.opened.iter_mut().for_each(|now| now.quiet_until_ms = Some(until_ms));
        Ok(self.change(incident, |_| true, quiet))
    }

    async fn told(&self, incident: &Incident, now_ms: u64) -> StoreResult<()> {
        self.change(
            incident,
            |now| now.healed.is_none(),
            |row| {
                if let Some(now) = &mut row.opened {
                    now.told_ms = Some(now_ms);
                    now.claimed_ms = 0;
                    now.report = incident.report.clone();
                    now.quiet_until_ms = None;
                }
            },
        );
        Ok(())
    }

    async fn release_claim(&self, incident: &Incident) -> StoreResult<()> {
        self.change(incident, |_| true, |row| row.opened.iter_mut().for_each(|now| now.claimed_ms = 0));
        Ok(())
    }

    async fn heal(&self, incident: &Incident, healed: &Healed, unseen_since_ms: u64, now_ms: u64) -> StoreResult<bool> {
        Ok(self.change(
            incident,
            |now| now.healed.is_none() && now.last_ms <= unseen_since_ms,
            |row| {
                if let Some(now) = &mut row.opened {
                    now.healed = Some(healed.clone());
                    now.told_ms = None;
                    now.claimed_ms = now_ms;
                }
            },
        ))
    }

    async fn resolve(&self, incident: &Incident, now_ms: u64) -> StoreResult<bool> {
        Ok(self.change(
            incident,
            |now| now.healed.is_some() && now.healed == incident.healed,
            |row| {
                row.opened = None;
                row.resolved_ms = Some(now_ms);
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
    async fn lease(&self, bucket: &str, holder: &str, now_ms: u64, expires_ms: u64) -> StoreResult<Lease> {
        let mut state = self.state();
        match state.leases.get_mut(bucket) {
            Some(held) if held.holder != holder && now_ms < held.expires_ms => {
                held.dirty = true;
                Ok(Lease::Busy)
            }
            _ => {
                let held = Held { holder: holder.to_owned(), expires_ms, dirty: false };
                state.leases.insert(bucket.to_owned(), held);
                Ok(Lease::Taken)
            }
        }
    }

    async fn release(&self, bucket: &str, holder: &str, expires_ms: u64) -> StoreResult<bool> {
        let mut state = self.state();
        match state.leases.get_mut(bucket) {
            Some(held) if held.holder == holder && held.dirty => {
                held.dirty = false;
                held.expires_ms = expires_ms;
                Ok(true)
            }
            Some(held) if held.holder == holder => {
                state.leases.remove(bucket);
                Ok(false)
            }
            _ => Ok(false),
        }
    }

    async fn count_repair(&self, bucket: &str, now_ms: u64, window_ms: u64, limit: u64) -> StoreResult<RepairBudget> {
        let mut state = self.state();
        let repairs = state.repairs.entry(bucket.to_owned()).or_default();
        let (answer, next) = budget(repairs, now_ms, window_ms, limit);
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

    async fn once_per(&self, name: &str, now_ms: u64, period_ms: u64) -> StoreResult<bool> {
        let mut state = self.state();
        let due = state.once.get(name).is_none_or(|last_ms| last_ms.saturating_add(period_ms) <= now_ms);
        if due {
            state.once.insert(name.to_owned(), now_ms);
        }
        Ok(due)
    }
}
